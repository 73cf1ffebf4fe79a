//! A build that starts at one of its steps from what an earlier build has left (`--from STEP`): its volume at its end, its
//! variables, and what the steps before have come to (rule S11).

use std::collections::{BTreeMap, BTreeSet};

use stepbox_pipeline::{FlatStep, Mode, Pipeline, PlanStanding, Step, StepState, Template, When};

use crate::approval::named;
use crate::build_id::BuildId;
use crate::builds::{BuildQuery, BuildState, Builds};
use crate::directories::Directories;
use crate::error::{EngineError, EngineErrorKind, listed};
use crate::identity::Identity;
use crate::local_volume::LocalFolder;
use crate::outcome::{Outcome, VolumeOutcome};
use crate::request::BuildRequest;
use crate::resumed::Resumed;
use crate::snapshots::{Snapshot, Snapshots};
use crate::standing::{RecordedStep, Standing};
use crate::unsupported::{LeftOut, Omission};

/// Where a build starts that does not start at its first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromStep {
    /// The first step that runs.
    pub step: String,
    /// The build that it starts from; where none is named, the latest of the pipeline that has left its volume.
    pub build: Option<BuildId>,
}

/// The build that another one starts from.
pub(crate) struct Earlier {
    from: FromStep,
    build: BuildId,
    standing: Standing,
    outcome: Outcome,
}

impl Earlier {
    /// The build that a request starts from, where it does.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where no build can be started from, else what is wrong with its record.
    pub(crate) fn find(
        request: &BuildRequest,
        directories: &Directories,
        identity: &Identity,
    ) -> Result<Option<Self>, EngineError> {
        let Some(from) = request.from.clone() else { return Ok(None) };
        let usage = |message: String| EngineError::new(EngineErrorKind::Usage, message);
        if request.reset_volume {
            let message =
                "`--reset-volume` and `--from` exclude each other: the build starts from what an earlier one left";
            return Err(usage(message.to_owned()).hint("give one of them"));
        }
        let builds = Builds::open(directories)?;
        let build = match &from.build {
            Some(build) => build.clone(),
            None => latest(&builds, identity)?,
        };
        let record = builds.show(&build)?;
        let why = match (record.state, &record.outcome) {
            (BuildState::Running, _) => Some("it still runs".to_owned()),
            (BuildState::Unfinished, _) | (_, None) => Some("it died before its end".to_owned()),
            (BuildState::Waiting, _) => Some("it waits for an approval".to_owned()),
            (BuildState::Finished, Some(outcome)) => match &outcome.volume {
                VolumeOutcome::Saved { .. } | VolumeOutcome::Kept { .. } => None,
                VolumeOutcome::NotSaved { reason } | VolumeOutcome::Skipped { reason } => {
                    Some(format!("it has left no volume: {reason}"))
                }
                VolumeOutcome::Held { .. } => Some("it has left no volume".to_owned()),
            },
        };
        let standing = builds.standing(&build)?;
        match (why, standing, record.outcome) {
            (None, Some(standing), Some(outcome)) => Ok(Some(Self { from, build, standing, outcome })),
            (why, ..) => {
                let why = why.unwrap_or_else(|| "its record does not say where it stood".to_owned());
                Err(usage(format!("no build can start from build `{build}`: {why}"))
                    .hint("`stepbox builds ls` lists them; name another one with `--from-build`"))
            }
        }
    }

    /// The request with the variables of the earlier build, over which those of the request win.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where one is recorded nowhere and not given again.
    pub(crate) fn with_variables(&self, request: &BuildRequest) -> Result<BuildRequest, EngineError> {
        self.given_again(request, self.standing.given.secret.iter())?;
        let mut request = request.clone();
        let own = std::mem::take(&mut request.variables);
        request.variables = self.standing.given.values.clone().into_iter().chain(own).collect();
        Ok(request)
    }

    /// That values are given again which are recorded nowhere.
    fn given_again<'a>(
        &self,
        request: &BuildRequest,
        secret: impl Iterator<Item = &'a String>,
    ) -> Result<(), EngineError> {
        let given = |name: &str| request.variables.iter().chain(&request.secrets).any(|(one, _)| one == name);
        let missing: BTreeSet<&str> = secret.map(String::as_str).filter(|name| !given(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing: Vec<&str> = missing.into_iter().collect();
        let message = format!("build `{}` had values that are recorded nowhere: {}", self.build, listed(&missing));
        let flags: Vec<String> = missing.iter().map(|name| format!("--secret {name}")).collect();
        let hint = format!("give each with `--secret NAME=VALUE`, or from the environment: `{}`", flags.join(" "));
        Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint))
    }

    /// The snapshot to start from.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where the volumes are of different kinds, [`EngineErrorKind::Restore`] where it is gone.
    pub(crate) fn snapshot(
        &self,
        snapshots: &dyn Snapshots,
        folder: Option<&LocalFolder>,
    ) -> Result<Option<Snapshot>, EngineError> {
        let build = &self.build;
        match (&self.outcome.volume, folder) {
            (VolumeOutcome::Kept { path }, Some(folder)) if *path == folder.shown() => Ok(None),
            (VolumeOutcome::Kept { path }, _) => {
                let message = format!("the volume of build `{build}` is the folder `{path}`");
                let hint = format!("to start from it, give `--local-volume={path}`");
                Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint))
            }
            (_, Some(_)) => {
                let message =
                    format!("`--local-volume` and `--from` exclude each other: build `{build}` has left a snapshot");
                Err(EngineError::new(EngineErrorKind::Usage, message).hint("leave `--local-volume` away"))
            }
            (_, None) => snapshots.of_build(build)?.map(Some).ok_or_else(|| {
                let message = format!("the volume that build {build} has left is not in the store any more");
                EngineError::new(EngineErrorKind::Restore, message).hint("run the pipeline from its beginning")
            }),
        }
    }

    /// What the steps that do not run again have come to; they are added to what is left out.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where the build cannot start at that step.
    pub(crate) fn take_over(
        &self,
        request: &BuildRequest,
        pipeline: &Pipeline,
        left_out: &mut LeftOut,
    ) -> Result<Resumed, EngineError> {
        let flat = pipeline.flat();
        let start = named(&flat, "--from", &self.from.step)?;
        if let Some(parent) = flat[start].parent {
            let outer = std::iter::successors(Some(parent), |at| flat[*at].parent).last().unwrap_or(parent);
            let group = &flat[outer].step.name;
            let message =
                format!("a build cannot start at step `{}`: it is inside parallel step `{group}`", self.from.step);
            return Err(EngineError::new(EngineErrorKind::Usage, message).hint(format!("give `--from {group}`")));
        }
        let recorded: BTreeMap<&str, &RecordedStep> =
            self.standing.steps.iter().map(|step| (step.name.as_str(), step)).collect();
        let before = |number: usize| recorded.get(flat[number].step.name.as_str()).and_then(|step| step.standing());
        let kept: Vec<bool> = match pipeline.mode {
            Mode::Sequential => {
                (0..start).try_for_each(|number| self.check(&flat, number, before(number)))?;
                (0..flat.len()).map(|number| number < start).collect()
            }
            Mode::Parallel => independent(&flat, start, &before),
        };
        let numbers = || (0..flat.len()).filter(|number| kept[*number]);
        let names: BTreeMap<&str, usize> = numbers().map(|number| (flat[number].step.name.as_str(), number)).collect();
        for number in numbers() {
            let reason = format!("as in build {}", self.build);
            left_out.insert(number, Omission { reason, unsupported: false });
        }
        let outcomes =
            self.outcome.steps.iter().filter_map(|outcome| Some((*names.get(outcome.name.as_str())?, outcome.clone())));
        let exports = || self.standing.exports.iter().filter(|exports| names.contains_key(exports.step.as_str()));
        self.given_again(request, exports().flat_map(|exports| &exports.variables.secret))?;
        let standing = |number: usize| if kept[number] { before(number) } else { None };
        Ok(Resumed {
            standings: (0..flat.len()).map(|number| standing(number).unwrap_or(PlanStanding::PENDING)).collect(),
            facts: names.keys().filter_map(|name| recorded.get(name)?.facts()).collect(),
            outcomes: outcomes.collect(),
            exports: exports().map(|one| (one.step.clone(), one.variables.values.clone())).collect(),
            masked: self.standing.masked.clone(),
            ..Resumed::default()
        })
    }

    /// A step before the first one must have ended, and not have ended the build.
    fn check(&self, flat: &[FlatStep<'_>], number: usize, before: Option<PlanStanding>) -> Result<(), EngineError> {
        let (build, start) = (&self.build, &self.from.step);
        let name = &flat[number].step.name;
        let message = match before {
            Some(PlanStanding { state, .. }) if !state.over() => {
                format!("step `{name}` stands before `{start}` and did not run in build `{build}`")
            }
            None => format!("step `{name}` stands before `{start}` and was not in build `{build}`"),
            Some(PlanStanding { state, policy, .. })
                if state.failed() && policy.fail_fast && flat[number].parent.is_none() =>
            {
                format!("step `{name}` stands before `{start}` and failed in build `{build}`, which ended there")
            }
            Some(_) => return Ok(()),
        };
        let outer = std::iter::successors(Some(number), |at| flat[*at].parent).last().unwrap_or(number);
        let hint = format!("start there: `--from {}`", flat[outer].step.name);
        Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint))
    }

    /// What is told at the beginning.
    pub(crate) fn notes(&self) -> Vec<String> {
        crate::continuation::forgotten(&self.standing).collect()
    }
}

/// The latest build of a pipeline that has left its volume.
fn latest(builds: &Builds, identity: &Identity) -> Result<BuildId, EngineError> {
    let query = BuildQuery { pipeline: Some(identity.pipeline.clone()), limit: None };
    for summary in builds.list(&query)?.builds {
        if summary.state != BuildState::Finished {
            continue;
        }
        let outcome = builds.show(&summary.build)?.outcome;
        let kept =
            |outcome: &Outcome| matches!(outcome.volume, VolumeOutcome::Saved { .. } | VolumeOutcome::Kept { .. });
        if outcome.as_ref().is_some_and(kept) {
            return Ok(summary.build);
        }
    }
    let message = format!("no build of `{}` has left a volume to start from", identity.pipeline);
    Err(EngineError::new(EngineErrorKind::Usage, message).hint("run the pipeline from its beginning"))
}

/// In parallel mode: the steps that do not run again. The first one does, what did not end well or not at all, and whatever
/// may look at one of these; a group runs again as a whole.
fn independent(flat: &[FlatStep<'_>], start: usize, before: &dyn Fn(usize) -> Option<PlanStanding>) -> Vec<bool> {
    let ended = |number: usize| {
        before(number).is_some_and(|PlanStanding { state, never, policy }| {
            let counts = state.failed() && policy.fail_fast && flat[number].parent.is_none();
            state.over() && !never && !counts && state != StepState::Terminated
        })
    };
    let mut kept: Vec<bool> = (0..flat.len()).map(|number| number != start && ended(number)).collect();
    // Who runs again because a step does: those that may look at it, its group, and those inside of it.
    let mut because: Vec<Vec<usize>> = vec![vec![]; flat.len()];
    for (number, one) in flat.iter().enumerate() {
        for (other, looked_at) in flat.iter().enumerate() {
            if kept[number] && looks_at(one.step, looked_at.step) {
                because[other].push(number);
            }
        }
        if let Some(parent) = one.parent {
            because[number].push(parent);
            because[parent].push(number);
        }
    }
    let mut again: Vec<usize> = (0..flat.len()).filter(|number| !kept[*number]).collect();
    while let Some(number) = again.pop() {
        for other in std::mem::take(&mut because[number]) {
            if std::mem::replace(&mut kept[other], false) {
                again.push(other);
            }
        }
    }
    kept
}

/// Whether a step may look at another one; rather yes than no.
fn looks_at(step: &Step, other: &Step) -> bool {
    let name = other.name.as_str();
    let waits =
        step.when.iter().flat_map(|when| &when.steps).flat_map(|steps| &steps.items).any(|item| item.name == name);
    let conditions = step.when.iter().flat_map(When::templates).map(Template::text).any(|text| text.contains(name));
    waits || conditions || step.refers_to(name)
}
