//! The steps of a build: all that run at once, each until it ends.
//!
//! One thread listens: to the worker, to the threads that clone, to interrupts and to the clock. It starts what the plan
//! and the conditions say ([`advance`]), and tells the plan how each step ended.

mod advance;
mod approvals;
mod hooks;
mod shells;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::Scope;
use std::time::{Duration, Instant};

use stepbox_limits::Limit;
use stepbox_pipeline::{Consequences, StepFacts, StepState};
use stepbox_protocol::{Event, OutputStream, Request, StepId};

use crate::build::{Build, Parts};
use crate::event::{BuildEvent, Stream};
use crate::outcome::as_milliseconds;
use crate::output::StepOutput;
use crate::repository::{CloneRequest, Told};
use crate::restore::{GRACE, Stop, Volume, unexpected};
use crate::running::{Phase, Ran, Running, Suspended};
use crate::step::Job;
use crate::worker::{CloneNews, Incoming, Worker};

/// Numbers of signals, as the protocol counts them.
const TERM: u8 = 15;
const KILL: u8 = 9;

/// The steps of a build on their way.
struct Course<'c, 'a, 'r, 'e> {
    build: &'c mut Build<'a, 'r, 'e>,
    worker: &'c mut Worker,
    volume: &'c Volume,
    running: BTreeMap<usize, Running<'a>>,
    /// The shells that persons sit before; the first one is shown.
    shells: VecDeque<shells::WaitingShell>,
    /// When the parallel steps that run began.
    groups: BTreeMap<usize, Instant>,
    /// Whether what runs after all steps has begun.
    ended: bool,
    /// How many interrupts were acted on.
    heard: u32,
    /// When the build has run for as long as it may.
    end: Option<Instant>,
}

impl Build<'_, '_, '_> {
    /// Runs steps until the plan has no more (rules S4-S6).
    pub(crate) fn steps(&mut self, worker: &mut Worker, volume: &Volume) {
        // Clones borrow what the build has, so they end before this does.
        let most = Duration::from_secs(self.parts.request.limits.get(Limit::BuildTime));
        let end = Instant::now().checked_add(most.saturating_sub(self.parts.ran()));
        std::thread::scope(|scope| {
            Course {
                end,
                build: self,
                worker,
                volume,
                running: BTreeMap::new(),
                shells: VecDeque::new(),
                groups: BTreeMap::new(),
                ended: false,
                heard: 0,
            }
            .run(scope);
        });
    }
}

impl<'scope, 'a: 'scope> Course<'scope, 'a, '_, '_> {
    fn run<'env>(mut self, scope: &'scope Scope<'scope, 'env>) {
        self.take_up();
        self.begin_build();
        loop {
            self.advance(scope);
            let only_hooks = self.running.values().all(|step| matches!(step.phase, Phase::Hook(_)));
            if only_hooks && self.give_up_hooks() || self.running.is_empty() && self.give_up() {
                continue;
            }
            if self.only_waits() {
                if self.begin_end() {
                    continue;
                }
                return self.leave_waiting();
            }
            // What is only printed lets no step start.
            while self.listen(scope) {}
        }
    }

    /// Waits for something to happen; whether it was only something to tell.
    fn listen<'env>(&mut self, scope: &'scope Scope<'scope, 'env>) -> bool {
        let deadline = self.running.values().filter_map(|step| step.deadline).chain(self.end).min();
        match self.worker.next(self.heard, deadline) {
            Incoming::Event(Event::Output { step, stream, data }) if self.runs_commands(step) => {
                self.output(step, stream, &data);
                return true;
            }
            Incoming::Event(Event::ShellOpened { step, after }) if self.takes_shells(step) => {
                self.shell_opened(step, after);
                return true;
            }
            Incoming::Event(Event::ShellAsks { step, question, prompt }) if self.takes_shells(step) => {
                self.shell_asks(step, question, prompt);
                return true;
            }
            Incoming::Event(Event::ShellClosed { step }) if self.shell_closed(step) => return true,
            Incoming::Event(Event::StepFinished(report)) if self.runs_commands(report.step) => {
                let number = report.step.0 as usize;
                let Some(step) = self.running.get_mut(&number) else { return false };
                let phase = std::mem::replace(&mut step.phase, Phase::Pause);
                let Phase::Commands { output, directory, script, .. } = phase else { return false };
                let ran = self.build.finished(number, report, script.as_ref());
                self.flush(number, output);
                self.attempted(number, Ran { directory: Some(directory), ..ran });
            }
            Incoming::Event(Event::Warning { step, message }) => {
                let step = step.and_then(|step| self.running.get(&(step.0 as usize)));
                let name = step.map(|step| step.label.as_str());
                self.build.reporter.warn(name, message);
                return true;
            }
            Incoming::Clone(number, CloneNews::Told(told)) => {
                self.cloning(number, told);
                return true;
            }
            Incoming::Clone(number, CloneNews::Done(done)) => {
                let ran = match done {
                    Ok(cloned) => Ran {
                        directory: Some(format!("{}/{}", stepbox_pipeline::VOLUME_PATH, cloned.directory)),
                        revision: cloned.revision,
                        repo: Some(cloned.repo),
                        ..Ran::new(StepState::Success)
                    },
                    Err(reason) => Ran::failed(reason),
                };
                self.attempted(number, ran);
            }
            Incoming::Answered(number, answer) => self.answered(number, answer),
            Incoming::Interrupted(1) => self.interrupted(),
            Incoming::TimedOut => self.overdue(scope),
            other => self.lost(other),
        }
        false
    }

    fn runs_commands(&self, step: StepId) -> bool {
        self.running.get(&(step.0 as usize)).is_some_and(|step| matches!(step.phase, Phase::Commands { .. }))
    }

    /// Whether a step may open shells: without a person, a shell would only end its time limit.
    fn takes_shells(&self, step: StepId) -> bool {
        self.build.parts.request.console.is_some() && self.runs_commands(step)
    }

    /// Begins an attempt (rule F25: its time runs from here on).
    fn attempt<'env>(
        &mut self,
        scope: &'scope Scope<'scope, 'env>,
        number: usize,
        started: Instant,
        job: Result<Job, Ran>,
    ) {
        let Some(step) = self.running.get_mut(&number) else { return };
        step.deadline = started.checked_add(step.time());
        step.timed_out = false;
        match job {
            Ok(Job::Commands { request, directory, script }) => {
                let output = Box::new(StepOutput::new(self.build.reporter.secrets()));
                step.phase = Phase::Commands { output, directory, script, signals: 0 };
                self.worker.send(&Request::RunStep(*request), &[]);
            }
            Ok(Job::Clone(request)) => {
                let stop = Arc::new(AtomicBool::new(false));
                step.phase = Phase::Clone(Arc::clone(&stop));
                self.clone_on_thread(scope, number, request, stop);
            }
            Ok(Job::Approval(approval)) => self.wait_for_answer(number, approval),
            // What cannot even begin cannot at the next attempt.
            Err(ran) => self.end(number, ran),
        }
    }

    fn clone_on_thread<'env>(
        &mut self,
        scope: &'scope Scope<'scope, 'env>,
        number: usize,
        request: CloneRequest,
        stop: Arc<AtomicBool>,
    ) {
        let Parts { repository, interrupt, .. } = *self.build.parts;
        let volume = self.volume;
        let news = self.worker.mailbox();
        let cloning = move || {
            let stopped = || stop.load(Ordering::Relaxed) || interrupt.count() > 0;
            let mut tell = |told| news.send(number, CloneNews::Told(told));
            let done = repository.clone_onto(&request, &volume.directory, &stopped, &mut tell);
            news.send(number, CloneNews::Done(done));
        };
        if let Err(error) = std::thread::Builder::new().name("clone".to_owned()).spawn_scoped(scope, cloning) {
            let reason = format!("cannot start a thread: {}", stepbox_volume::io_text(&error));
            self.end(number, Ran::failed(reason));
        }
    }

    fn output(&mut self, step: StepId, stream: OutputStream, data: &[u8]) {
        let Some(step) = self.running.get_mut(&(step.0 as usize)) else { return };
        let stream = match stream {
            OutputStream::Stdout => Stream::Stdout,
            OutputStream::Stderr => Stream::Stderr,
        };
        if let Phase::Commands { output, .. } = &mut step.phase
            && let Some(text) = output.feed(stream, data)
        {
            self.build.reporter.emit(BuildEvent::Output { step: step.label.clone(), stream, text });
        }
    }

    /// What was held back of the output of an attempt.
    fn flush(&mut self, number: usize, mut output: Box<StepOutput>) {
        let Some(step) = self.running.get(&number) else { return };
        for (stream, text) in output.finish() {
            self.build.reporter.emit(BuildEvent::Output { step: step.label.clone(), stream, text });
        }
    }

    /// What was held back so far of the output of a step that goes on.
    fn flush_some(&mut self, number: usize) {
        let Some(Running { phase: Phase::Commands { output, .. }, label, .. }) = self.running.get_mut(&number) else {
            return;
        };
        for (stream, text) in output.finish() {
            self.build.reporter.emit(BuildEvent::Output { step: label.clone(), stream, text });
        }
    }

    fn cloning(&mut self, number: usize, told: Told) {
        let Some(step) = self.running.get(&number) else { return };
        let name = step.label.as_str();
        match told {
            Told::Line(line) => {
                let text = self.build.reporter.mask(&line) + "\n";
                self.build.reporter.emit(BuildEvent::Output { step: name.to_owned(), stream: Stream::Stdout, text });
            }
            Told::Warning(message) => self.build.reporter.warn(Some(name), message),
        }
    }

    /// An attempt is over: the step waits for the next one (rules F28-F31), or ends.
    fn attempted(&mut self, number: usize, ran: Ran) {
        let interrupted = self.build.parts.interrupt.count() > 0;
        let Some(step) = self.running.get_mut(&number) else { return };
        let ran = step.as_ended(ran);
        if interrupted || self.build.broken.is_some() || !step.may_try_again(&ran) {
            return self.end(number, ran);
        }
        let request = self.build.parts.request;
        let wait = step.step.retry.wait_after(step.attempt).mul_f64(request.pace);
        step.modules += ran.modules;
        step.phase = Phase::Pause;
        step.deadline = Some(Instant::now() + wait);
        let reason = match (ran.reason, ran.status) {
            (Some(reason), _) => self.build.reporter.mask(&reason),
            (None, Some(status)) => format!("exit status {status}"),
            (None, None) => "it failed".to_owned(),
        };
        self.build.reporter.emit(BuildEvent::StepRetried {
            step: step.label.clone(),
            attempt: step.attempt,
            attempts: step.step.retry.max_attempts,
            reason,
            wait_ms: as_milliseconds(wait),
        });
    }

    /// A step is over, but for its hooks (rule H5).
    fn end(&mut self, number: usize, ran: Ran) {
        self.withdraw_question(number);
        let stopped = self.build.parts.interrupt.count() > 0 || self.build.broken.is_some();
        match self.hook_after(number, &ran).filter(|_| !stopped) {
            Some(hook) => self.suspend(number, hook, Suspended::After(ran)),
            None => self.conclude(number, ran),
        }
    }

    /// Nobody is asked any more about a step that ends.
    fn withdraw_question(&mut self, number: usize) {
        let Some(Running { phase: Phase::Approval { asked, .. }, step, .. }) = self.running.get_mut(&number) else {
            return;
        };
        if std::mem::replace(asked, false) {
            self.worker.close_question(number);
            if let Some(approver) = &self.build.parts.request.approver {
                approver.withdraw(step.name.as_str());
            }
        }
    }

    /// A step is over with all its hooks.
    fn conclude(&mut self, number: usize, mut ran: Ran) {
        let Some(running) = self.running.remove(&number) else { return };
        let build = &mut *self.build;
        let step = running.step;
        let mut consequences = Consequences::default();
        if build.parts.interrupt.count() > 0 && ran.state != StepState::Success {
            ran.state = StepState::Terminated;
            build.terminate(number);
        } else {
            consequences = build.finish_step(number, ran.state);
            if build.broken.is_some() {
                // Without a worker nothing can run on, whatever the step's policy says.
                build.abort(number);
            }
        }
        let reason = ran.reason.map(|reason| build.reporter.mask(&reason));
        let facts = StepFacts {
            name: step.name.to_string(),
            type_name: step.kind.type_name().to_owned(),
            description: running.description,
            working_directory: ran.directory,
            result: ran.state.result_word().map(str::to_owned),
            revision: ran.revision,
            repo: ran.repo,
            answered_by: Some(&build.parts.request.initiator).filter(|by| ran.answered && !by.is_empty()).cloned(),
        };
        build.within(number, |build| build.references.insert(facts));
        if let Some(outcome) = build.outcomes.get_mut(number) {
            outcome.state = ran.state.as_str().to_owned();
            outcome.status = ran.status;
            outcome.reason = reason;
            outcome.failed_command = ran.failed.map(|failed| *failed);
            outcome.duration = running.started.elapsed();
            outcome.modules = running.modules + ran.modules;
            outcome.attempts = running.attempt;
            let event = BuildEvent::StepFinished(outcome.clone());
            build.reporter.emit(event);
        } else if ran.state.failed() {
            let how = match (reason, ran.status) {
                (Some(reason), _) => reason,
                (None, Some(status)) => format!("exit status {status}"),
                (None, None) => ran.state.as_str().to_owned(),
            };
            build.hook_failed(number, format!("step `{}`: {how}", step.name));
        }
        self.follow(&step.name, consequences);
    }

    /// The first interrupt: everything is told to end.
    fn interrupted(&mut self) {
        self.heard = 1;
        self.worker.send(&Request::Cancel { step: None, signal: TERM }, &[]);
        let paused: Vec<usize> = self.numbers(|step| matches!(step.phase, Phase::Pause | Phase::Approval { .. }));
        for number in paused {
            self.end(number, Ran::new(StepState::Terminated));
        }
        let deadline = Some(Instant::now() + GRACE);
        for step in self.running.values_mut() {
            match &mut step.phase {
                Phase::Commands { signals, .. } => (*signals, step.deadline) = (1, deadline),
                // It looks by itself.
                Phase::Clone(_) | Phase::Pause | Phase::Approval { .. } | Phase::Hook(_) => step.deadline = None,
            }
        }
    }

    /// Looks after the steps whose time is up: first asked to end, then made to end, then no longer waited for.
    fn overdue<'env>(&mut self, scope: &'scope Scope<'scope, 'env>) {
        let now = Instant::now();
        if self.end.is_some_and(|end| end <= now) {
            self.end = None;
            let setting = self.build.parts.request.limits.setting(Limit::BuildTime);
            self.build.reporter.warn(None, format!("the build ran longer than {}", setting.words()));
            // As if somebody had ended it by hand.
            return self.build.parts.interrupt.trigger();
        }
        for number in self.numbers(|step| step.deadline.is_some_and(|deadline| deadline <= now)) {
            let Some(step) = self.running.get_mut(&number) else { continue };
            match &mut step.phase {
                Phase::Pause => {
                    step.attempt += 1;
                    let (definition, attempt) = (step.step, step.attempt);
                    let job = self.build.begin(number, definition, attempt).job;
                    self.attempt(scope, number, now, job);
                }
                Phase::Approval { .. } => self.nobody_answered(number),
                // It has no deadline: its hook has its own.
                Phase::Hook(_) => step.deadline = None,
                Phase::Clone(_) => {
                    step.timed_out = true;
                    step.deadline = None;
                    step.stop_clone();
                }
                Phase::Commands { signals, .. } if *signals < 2 => {
                    let signal = if *signals == 0 { TERM } else { KILL };
                    *signals += 1;
                    step.timed_out |= self.heard == 0;
                    step.deadline = Some(now + GRACE);
                    let step = Some(StepId(u32::try_from(number).unwrap_or(u32::MAX)));
                    self.worker.send(&Request::Cancel { step, signal }, &[]);
                }
                Phase::Commands { .. } => return self.lost(Incoming::TimedOut),
            }
        }
    }

    fn numbers(&self, which: impl Fn(&Running<'_>) -> bool) -> Vec<usize> {
        self.running.iter().filter(|(_, step)| which(step)).map(|(number, _)| *number).collect()
    }

    /// The worker is of no use any more, or is not waited for.
    fn lost(&mut self, incoming: Incoming) {
        let reason = match unexpected(self.worker, incoming, "run the step") {
            Stop::Terminated => "the build was terminated".to_owned(),
            Stop::Failed(error) => error.message.trim_start_matches("cannot run the step: ").to_owned(),
        };
        self.worker.give_up();
        if let Some(console) = self.build.parts.request.console.as_ref().filter(|_| !self.shells.is_empty()) {
            console.close();
        }
        self.shells.clear();
        self.build.broken = Some(reason.clone());
        for number in self.numbers(|_| true) {
            let Some(step) = self.running.get_mut(&number) else { continue };
            if let Phase::Clone(_) = step.phase {
                // Waited for: it writes to the volume.
                step.stop_clone();
                step.deadline = None;
                continue;
            }
            let mut ran = step.as_ended(Ran::failed(reason.clone()));
            if let Phase::Hook(_) = &step.phase
                && let Phase::Hook(suspended) = std::mem::replace(&mut step.phase, Phase::Pause)
                && let Suspended::After(ended) = *suspended
            {
                ran = ended;
            }
            if let Phase::Commands { .. } = step.phase
                && let Phase::Commands { output, directory, .. } = std::mem::replace(&mut step.phase, Phase::Pause)
            {
                self.flush(number, output);
                ran.directory = Some(directory);
            }
            self.end(number, ran);
        }
        self.build.forget_hooks();
        // A second interrupt changes nothing: what still runs is a clone, which knows.
        self.heard = u32::MAX;
    }
}
