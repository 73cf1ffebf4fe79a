//! A build that has waited for an approval goes on (rule A9): `stepbox approve` and `stepbox deny`.
//!
//! It is the same build: its record goes on, its volume is what it was kept with, its pipeline is the text it began with.
//! Whoever answers first holds the lock of the build's work directory; the build waits no longer from the moment in which its
//! volume is restored, so that a failure before that can be tried again.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use stepbox_limits::{Limit, Limits, Setter, Wanted};
use stepbox_pipeline::{FlatStep, Layer, StepState};
use stepbox_reader::Reader;
use stepbox_volume::Scope;

use crate::approval::{Approver, meant};
use crate::build::{self, Parts};
use crate::build_id::BuildId;
use crate::build_slots::BuildSlot;
use crate::builds::no_build;
use crate::directories::{Directories, State, private_directory};
use crate::error::{EngineError, EngineErrorKind, listed};
use crate::event::{BuildEvent, EVENT_VERSION};
use crate::git::GitCredentials;
use crate::identity::Identity;
use crate::interrupt::Interrupt;
use crate::local_volume::LocalFolder;
use crate::outcome::{BuildResult, Outcome};
use crate::preflight::{self, Read as Pipeline};
use crate::record_directory::RecordDirectory;
use crate::reporter::Reporter;
use crate::request::{BuildRequest, ToolboxCheck};
use crate::resumed::{Resumed, needed, now};
use crate::run::{RealRooms, Rooms, insert_main_clone, known_variables, option, secrets};
use crate::standing::{RecordedWait, Standing, Waiting, digest_of};
use crate::unsupported::LeftOut;
use crate::volume_options::ConcurrentVolume;
use crate::volume_use::VolumeUse;
use crate::warm_trees::WarmTrees;
use crate::work_directory::{WorkDirectory, sweep};
use crate::worker::WorkerLaunch;

/// The largest pipeline file that is compared with the recorded text, in bytes.
const MAX_TEXT: u64 = 16 << 20;

/// How a build is to go on, and who wants that.
#[derive(Debug, Clone)]
pub struct Continuation {
    /// The build.
    pub build: BuildId,
    /// Whether its approvals are answered with yes.
    pub approve: bool,
    /// The steps that are answered; where there are none, the one for which the build waits.
    pub steps: Vec<String>,
    /// The secrets of the build, which are recorded nowhere.
    pub secrets: Vec<(String, String)>,
    /// The user's home directory, which is never a source.
    pub home: Option<PathBuf>,
    /// As [`BuildRequest::git_credentials`].
    pub git_credentials: GitCredentials,
    /// Who answers; empty where unknown.
    pub initiator: String,
    /// Who is asked for the next approvals.
    pub approver: Option<Arc<dyn Approver>>,
    /// As [`BuildRequest::kill_at`].
    pub kill_at: Option<String>,
    /// As [`BuildRequest::pace`].
    pub pace: f64,
    /// What time it is.
    pub clock: fn() -> SystemTime,
    /// What the owner of the host lets anybody have.
    pub policy: Wanted,
    /// As [`BuildRequest::clone_hosts`].
    pub clone_hosts: Option<Vec<String>>,
    /// What the toolbox lacks.
    pub toolbox: ToolboxCheck,
    /// Who parses the pipeline, which is the text that the build began with.
    pub reader: Reader,
}

/// Goes on with a build that waits for an approval.
///
/// # Errors
/// [`EngineErrorKind::Usage`] where it does not wait, or not for that, or where secrets are missing: then it waits as before,
/// and so it does where its volume cannot be restored. Else as [`crate::run`].
pub fn continue_build(
    directories: &Directories,
    launch: &WorkerLaunch,
    continuation: &Continuation,
    interrupt: &Interrupt,
    events: &mut dyn FnMut(&BuildEvent),
) -> Result<Outcome, EngineError> {
    continue_in(&RealRooms, directories, launch, continuation, interrupt, events)
}

/// [`continue_build`] with rooms of the caller's choice.
pub(crate) fn continue_in(
    rooms: &dyn Rooms,
    directories: &Directories,
    launch: &WorkerLaunch,
    continuation: &Continuation,
    interrupt: &Interrupt,
    events: &mut dyn FnMut(&BuildEvent),
) -> Result<Outcome, EngineError> {
    let started = Instant::now();
    let id = &continuation.build;
    let state = State::open(&directories.state)?;
    let _slot = BuildSlot::take(&state, within(continuation, Limits::default()).setting(Limit::Builds))?;
    let crashed = sweep(&state);
    let record = RecordDirectory::open(&state.builds, &state.path.join("builds"), id)?;
    let record = record.ok_or_else(|| no_build(id.as_str()))?;
    // From here on nobody else can answer.
    let work = WorkDirectory::claim(&state, id)?.ok_or_else(|| running(id))?;
    let about = record.about()?;
    let (standing, wait, outcome) = waiting(&record, id)?;
    let (request, notes) = request(continuation, &standing, &wait)?;

    let Pipeline { mut pipeline, spec, .. } = preflight::read(&request)?;
    let identity = Identity::of(&request)?;
    let repository = rooms.repository(&request, directories)?;
    let mut variables = known_variables(&request, &spec, repository.facts(), Some((id, about.started)));
    variables.extend(Layer::System, wait.system.values.clone());
    insert_main_clone(&mut pipeline, &request, &variables);
    let flat = pipeline.flat();
    let resumed = take_over(continuation, &standing, &wait, &outcome, &flat)?;
    let given: BTreeSet<&str> = continuation.secrets.iter().map(|(name, _)| name.as_str()).collect();
    resumed.export(&mut variables, &given);

    let folder = LocalFolder::open(&request, directories, &identity)?;
    let cache =
        directories.cache.as_deref().filter(|_| !request.no_cache && !option(&spec, |options| options.no_cache));
    let modules = cache.map(private_directory).transpose()?;
    let snapshots = rooms.snapshots(&state, &request, &identity, crashed)?;
    let kept = snapshots.keep()?;
    let mut in_use = None;
    let mut history = vec![];
    if folder.is_none() {
        in_use = VolumeUse::begin(&state, &Scope::from(&identity.scope), ConcurrentVolume::Latest)?;
        history.extend(snapshots.of_build(id)?);
        if history.is_empty() {
            let message = format!("the volume of build {id}, which waits, is not in the store any more");
            let hint = format!("run the pipeline again; `stepbox builds rm {id}` removes the record");
            return Err(EngineError::new(EngineErrorKind::Restore, message).hint(hint));
        }
    }

    let mut reporter = Reporter::new(events);
    for secret in secrets(&request, &spec) {
        reporter.add_secret(secret);
    }
    let timestamp = now(&request);
    let continued = BuildEvent::BuildContinued { version: EVENT_VERSION, build: id.clone(), timestamp };
    reporter.go_on(&state.builds, about, wait.warnings.clone(), continued);
    for note in notes.into_iter().chain(late(&resumed, &flat, timestamp)).chain(forgotten(&standing)) {
        reporter.warn(None, note);
    }
    let parts = Parts {
        id: id.clone(),
        request: &request,
        pipeline: pipeline.clone(),
        left_out: LeftOut::new(),
        variables,
        snapshots: &*snapshots,
        repository: &*repository,
        launch,
        interrupt,
        work,
        warm: WarmTrees::new(&state, &Scope::from(&identity.scope), request.limits.get(Limit::Cache))?,
        modules,
        history,
        folder,
        started,
        resumed: Some(resumed),
    };
    let outcome = build::run(parts, kept, &mut reporter).inspect_err(|error| {
        reporter.emit(BuildEvent::BuildAborted { message: error.message.clone() });
    });
    drop(in_use);
    outcome
}

/// Limits of a build within those that the owner of the host sets now.
fn within(continuation: &Continuation, limits: Limits) -> Limits {
    limits.within(&continuation.policy, Setter::Owner)
}

/// What is recorded of a build that waits; for every other one, why it cannot go on.
fn waiting(record: &RecordDirectory, id: &BuildId) -> Result<(Standing, RecordedWait, Outcome), EngineError> {
    let usage = |message: String| EngineError::new(EngineErrorKind::Usage, message);
    let Some(outcome) = record.outcome()? else {
        let message = format!("build `{id}` does not wait for an approval: it died before its end");
        return Err(usage(message).hint("run the pipeline again"));
    };
    if outcome.result != BuildResult::PendingApproval {
        let end = match outcome.result {
            BuildResult::Success => "it succeeded",
            BuildResult::Failure => "it failed",
            BuildResult::Terminated | BuildResult::PendingApproval => "it was terminated",
        };
        let answered: Vec<String> = outcome
            .steps
            .iter()
            .filter(|step| matches!(step.state.as_str(), "approved" | "denied"))
            .map(|step| format!("step `{}` was {}", step.name, step.state))
            .collect();
        let answered = if answered.is_empty() { String::new() } else { format!("{}, and ", answered.join(", ")) };
        let message = format!("build `{id}` does not wait for an approval: {answered}{end}");
        return Err(usage(message).hint(format!("`stepbox builds show {id}` tells more")));
    }
    let standing = record.standing()?.and_then(|mut standing| Some((standing.waiting.take()?, standing)));
    let Some((wait, standing)) = standing else {
        let message = format!("the record of build {id} does not say where it stands");
        return Err(EngineError::new(EngineErrorKind::Record, message)
            .hint(format!("run the pipeline again; `stepbox builds rm {id}` removes the record")));
    };
    if !wait.request.is_understood() {
        let message = format!("build `{id}` cannot go on: another version of Stepbox, with other limits, began it");
        return Err(EngineError::new(EngineErrorKind::Record, message)
            .hint(format!("run the pipeline again; `stepbox builds rm {id}` removes the record")));
    }
    Ok((standing, wait, outcome))
}

fn running(id: &BuildId) -> EngineError {
    EngineError::new(
        EngineErrorKind::Usage,
        format!("build `{id}` runs: somebody has answered just now, or it has not stopped yet"),
    )
    .hint(format!("`stepbox builds show {id}` tells where it stands"))
}

/// The request as the build began with, and what is to be told about the pipeline's file.
fn request(
    continuation: &Continuation,
    standing: &Standing,
    wait: &RecordedWait,
) -> Result<(BuildRequest, Vec<String>), EngineError> {
    let id = &continuation.build;
    let file = wait.request.file().to_owned();
    let mut current = vec![];
    let read = std::fs::File::open(&file).and_then(|file| file.take(MAX_TEXT).read_to_end(&mut current));
    let changed = read.is_err() || digest_of(&current) != wait.digest;
    let mut notes = vec![];
    let text = match &wait.text {
        Some(text) => {
            if changed {
                let file = file.display();
                notes.push(format!("`{file}` has changed since the build began: it goes on with what it began with"));
            }
            text.clone()
        }
        None if !changed => String::from_utf8(current).unwrap_or_default(),
        None => {
            let message = format!(
                "build `{id}` cannot go on: its pipeline `{}` has changed, and its text was not recorded because a secret \
                 stands in it",
                file.display()
            );
            let hint = "restore the file as it was, or run the pipeline again";
            return Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint));
        }
    };
    let given: BTreeSet<&str> = continuation.secrets.iter().map(|(name, _)| name.as_str()).collect();
    let missing = needed(standing, &given);
    if !missing.is_empty() {
        let names: Vec<&str> = missing.iter().map(String::as_str).collect();
        let message = format!("build `{id}` needs values again that are recorded nowhere: {}", listed(&names));
        let flags: Vec<String> = missing.iter().map(|name| format!("--secret {name}")).collect();
        let hint = format!("give each with `--secret NAME=VALUE`, or from the environment: `{}`", flags.join(" "));
        return Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint));
    }
    let mut request = BuildRequest::new(file, text, continuation.toolbox);
    wait.request.clone().apply(&mut request);
    request.variables = standing.given.values.clone().into_iter().collect();
    request.secrets.clone_from(&continuation.secrets);
    request.home.clone_from(&continuation.home);
    request.git_credentials.clone_from(&continuation.git_credentials);
    request.initiator.clone_from(&continuation.initiator);
    request.approver.clone_from(&continuation.approver);
    request.kill_at.clone_from(&continuation.kill_at);
    request.limits = within(continuation, request.limits);
    request.clone_hosts.clone_from(&continuation.clone_hosts);
    request.pace = continuation.pace;
    request.clock = continuation.clock;
    request.reader = continuation.reader.clone();
    Ok((request, notes))
}

/// Where everything stands, with the answers that the caller gives.
fn take_over(
    continuation: &Continuation,
    standing: &Standing,
    wait: &RecordedWait,
    outcome: &Outcome,
    flat: &[FlatStep<'_>],
) -> Result<Resumed, EngineError> {
    let id = &continuation.build;
    let names: Vec<&str> = flat.iter().map(|flat| flat.step.name.as_str()).collect();
    let same = names.iter().copied().eq(standing.steps.iter().map(|step| step.name.as_str()))
        && outcome.steps.len() == names.len();
    let standings: Option<Vec<_>> = standing.steps.iter().map(|step| step.standing()).collect();
    let number = |name: &str| names.iter().position(|one| *one == name);
    let waiting: Option<Vec<Waiting>> =
        wait.steps.iter().map(|one| Some(Waiting { number: number(&one.step)?, until: one.until })).collect();
    let (true, Some(standings), Some(waiting)) = (same, standings, waiting) else {
        let message =
            format!("the record of build {id} does not fit its pipeline: another version of Stepbox wrote it");
        return Err(EngineError::new(EngineErrorKind::Record, message).hint("run the pipeline again"));
    };

    let verb = if continuation.approve { "approve" } else { "deny" };
    let open: Vec<&str> = waiting.iter().map(|one| names[one.number]).collect();
    let mut wanted: Vec<&str> = continuation.steps.iter().map(String::as_str).collect();
    if wanted.is_empty() {
        if open.len() > 1 {
            let message = format!("build `{id}` waits for several approvals: {}", listed(&open));
            let hint = format!("name the step: `stepbox {verb} {id} {}`", quoted(open[0]));
            return Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint));
        }
        wanted.clone_from(&open);
    }
    let (state, how) = match continuation.approve {
        true => (StepState::Approved, "by `stepbox approve`"),
        false => (StepState::Denied, "by `stepbox deny`"),
    };
    let mut answers = BTreeMap::new();
    for name in wanted {
        let found = waiting.iter().find(|one| names[one.number] == name);
        let found = found.ok_or_else(|| {
            let message = format!("build `{id}` does not wait for an approval of step `{name}`");
            meant(EngineError::new(EngineErrorKind::Usage, message), name, &open, "it waits for")
        })?;
        answers.insert(found.number, (state, how.to_owned()));
    }
    let outcomes = outcome.steps.iter().cloned().enumerate();
    Ok(Resumed {
        standings,
        facts: standing.steps.iter().filter_map(|step| step.facts()).collect(),
        outcomes: outcomes.collect(),
        exports: standing.exports.iter().map(|one| (one.step.clone(), one.variables.values.clone())).collect(),
        annotations: outcome.annotations.clone(),
        masked: standing.masked.clone(),
        waiting,
        answers,
        duration: Duration::from_millis(wait.duration_ms),
        continued: true,
    })
}

/// Answers that come too late (rule A6).
fn late<'a>(resumed: &'a Resumed, flat: &'a [FlatStep<'_>], now: u64) -> impl Iterator<Item = String> + 'a {
    let late = resumed.waiting.iter().filter(move |one| one.until <= now && resumed.answers.contains_key(&one.number));
    late.map(|one| {
        let step = flat[one.number].step;
        let then = match step.kind {
            stepbox_pipeline::StepKind::Approval(approval) => approval.final_state.state().as_str(),
            _ => "over",
        };
        format!("the answer for step `{}` comes too late: its time is over, and the step is {then}", step.name)
    })
}

/// What is not known any more of steps that have run.
pub(crate) fn forgotten(standing: &Standing) -> impl Iterator<Item = String> + '_ {
    standing.steps.iter().flat_map(|step| {
        step.forgotten()
            .iter()
            .map(|member| format!("`${{{{{}.{member}}}}}` held a secret and is not known any more", step.name))
    })
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/' | ':' | '+' | '@' | '%' | ',');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}
