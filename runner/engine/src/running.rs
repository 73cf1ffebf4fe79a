//! A step that runs: what it does at the moment, and until when.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stepbox_limits::Setting;
use stepbox_pipeline::{Script, Step, StepState};

use crate::outcome::FailedCommand;
use crate::output::StepOutput;
use crate::step::Job;

/// How a step, or an attempt at it, went.
pub(crate) struct Ran {
    pub(crate) state: StepState,
    pub(crate) status: Option<u8>,
    pub(crate) reason: Option<String>,
    /// The command that its status comes from.
    pub(crate) failed: Option<Box<FailedCommand>>,
    pub(crate) modules: u64,
    /// Where it ran, or what it cloned.
    pub(crate) directory: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) repo: Option<String>,
    /// Whether the caller answered.
    pub(crate) answered: bool,
}

impl Ran {
    pub(crate) fn new(state: StepState) -> Self {
        let (reason, directory, revision, repo) = (None, None, None, None);
        Self { state, status: None, reason, failed: None, modules: 0, directory, revision, repo, answered: false }
    }

    /// An approval that the caller answers; `how` says so in words.
    pub(crate) fn answered(state: StepState, how: impl Into<String>) -> Self {
        Self { reason: Some(how.into()), answered: true, ..Self::new(state) }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(StepState::Error) }
    }
}

/// A step between its start and its end.
pub(crate) struct Running<'a> {
    pub(crate) step: &'a Step,
    /// The name under which people see what it does.
    pub(crate) label: String,
    pub(crate) description: Option<String>,
    /// When its first attempt began.
    pub(crate) started: Instant,
    /// The attempt, counted from 1 (rule F16).
    pub(crate) attempt: u32,
    /// Modules of the attempts that are over.
    pub(crate) modules: u64,
    pub(crate) phase: Phase,
    /// When something is to happen although nobody says anything: the time of the attempt is up, it was told to end and
    /// should have, or the pause is over.
    pub(crate) deadline: Option<Instant>,
    /// How long any attempt may take.
    pub(crate) most_time: Setting,
    /// Whether its own time was up (rule F25).
    pub(crate) timed_out: bool,
    /// The step whose failure ends it (rule P12).
    pub(crate) stopped_by: Option<String>,
}

/// What a running step does.
pub(crate) enum Phase {
    /// The worker runs its commands.
    Commands {
        output: Box<StepOutput>,
        /// Where it runs.
        directory: String,
        /// Its commands as they run, where it has some.
        script: Option<Script>,
        /// How often it was told to end.
        signals: u8,
    },
    /// A thread clones; true tells it to stop.
    Clone(Arc<AtomicBool>),
    /// It waits for its next attempt (rule F29).
    Pause,
    /// One of its hooks runs.
    Hook(Box<Suspended>),
    /// It waits for an answer.
    Approval {
        /// Whether somebody was asked and may answer.
        asked: bool,
        /// How long, in milliseconds since 1970.
        until: u64,
    },
}

/// A step while one of its hooks runs.
pub(crate) enum Suspended {
    /// It begins afterwards.
    Before(Result<Job, Ran>),
    /// It has ended so.
    After(Ran),
}

impl Running<'_> {
    /// How long an attempt may take: its own timeout, or the limit of all steps.
    pub(crate) fn time(&self) -> Duration {
        let most = Duration::from_secs(self.most_time.value);
        self.step.timeout.map_or(most, |timeout| timeout.duration().min(most))
    }

    /// Has it a further attempt (rules F30, F31)?
    pub(crate) fn may_try_again(&self, ran: &Ran) -> bool {
        let failed = ran.state != StepState::Success && self.stopped_by.is_none();
        failed && self.attempt < self.step.retry.max_attempts
    }

    /// Tells a clone to stop. Commands are told by the worker.
    pub(crate) fn stop_clone(&self) {
        if let Phase::Clone(stop) = &self.phase {
            stop.store(true, Ordering::Relaxed);
        }
    }

    /// What an attempt comes to after its time was up (rule F25) or it was stopped (rule P12).
    pub(crate) fn as_ended(&self, mut ran: Ran) -> Ran {
        if ran.state == StepState::Success {
            return ran;
        }
        if let Some(name) = &self.stopped_by {
            ran.state = StepState::Terminated;
            ran.reason = Some(format!("stopped, because step `{name}` failed"));
        } else if self.timed_out {
            ran.state = StepState::Terminated;
            let timeout = self.step.timeout.map(|timeout| timeout.duration());
            ran.reason = Some(match timeout.filter(|timeout| *timeout <= self.time()) {
                Some(timeout) => format!("the step took longer than its timeout of {} s", timeout.as_secs_f64()),
                None => format!("the step took longer than {}", self.most_time.words()),
            });
        }
        ran
    }
}
