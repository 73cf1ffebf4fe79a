//! One build: volume, steps in their order, archive.

use std::any::Any;
use std::collections::BTreeMap;
use std::time::{Duration, Instant, UNIX_EPOCH};

use cap_std::fs::Dir;
use stepbox_pipeline::{
    BuildResult as PlanResult, FlatStep, Pipeline, Place, Plan, PlanStep, References, Step, StepState, SubstituteError,
    Template, Variables, substitute,
};
use stepbox_protocol::{Event, Request, Setup, VERSION, Wall};

use crate::annotations::Annotations;
use crate::build_id::BuildId;
use crate::error::{EngineError, EngineErrorKind, SourcePlace};
use crate::event::BuildEvent;
use crate::export_files;
use crate::hook_courses::HookCourses;
use crate::interrupt::Interrupt;
use crate::local_volume::LocalFolder;
use crate::outcome::{BuildResult, Outcome, StepOutcome, VolumeOutcome, as_milliseconds};
use crate::reporter::Reporter;
use crate::repository::Repository;
use crate::request::BuildRequest;
use crate::restore::{GRACE, Stop, Volume, incoming, restore, unexpected};
use crate::resumed::Resumed;
use crate::running::Ran;
use crate::save;
use crate::snapshots::{Publication, Snapshot, Snapshots};
use crate::standing::Waiting;
use crate::unsupported::LeftOut;
use crate::volume_options::SaveVolume;
use crate::warm_trees::WarmTrees;
use crate::work_directory::WorkDirectory;
use crate::worker::{Incoming, Lockdown, Worker, WorkerLaunch};

/// What a build needs that is ready before it begins.
pub(crate) struct Parts<'a> {
    pub(crate) id: BuildId,
    pub(crate) request: &'a BuildRequest,
    pub(crate) pipeline: Pipeline,
    /// Steps that the caller does not want, or that cannot run here.
    pub(crate) left_out: LeftOut,
    pub(crate) variables: Variables,
    pub(crate) snapshots: &'a dyn Snapshots,
    pub(crate) repository: &'a dyn Repository,
    pub(crate) launch: &'a WorkerLaunch,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) work: WorkDirectory,
    /// Trees that earlier builds of the volume have left.
    pub(crate) warm: WarmTrees,
    /// The directory of compiled modules.
    pub(crate) modules: Option<Dir>,
    /// Snapshots to start from, the best first.
    pub(crate) history: Vec<Snapshot>,
    /// The folder that is the volume, where snapshots are not.
    pub(crate) folder: Option<LocalFolder>,
    pub(crate) started: Instant,
    /// What the build takes over, where it does not begin at its first step.
    pub(crate) resumed: Option<Resumed>,
}

impl Parts<'_> {
    /// How long the build ran so far, without the time in which it waited.
    pub(crate) fn ran(&self) -> Duration {
        self.started.elapsed() + self.resumed.as_ref().map_or(Duration::ZERO, |resumed| resumed.duration)
    }
}

/// Runs a build whose start has been told. `kept` keeps its history in the store until a snapshot is restored.
///
/// # Errors
/// Where no step could run: what happens to steps, and to the volume after them, is in the outcome.
pub(crate) fn run(parts: Parts<'_>, kept: Box<dyn Any>, reporter: &mut Reporter<'_>) -> Result<Outcome, EngineError> {
    let flat = parts.pipeline.flat();
    let plan_steps: Vec<PlanStep> = flat.iter().map(FlatStep::plan_step).collect();
    let mut build = Build {
        plan: Plan::new(parts.pipeline.mode, &plan_steps),
        references: References::new(),
        outcomes: flat.iter().map(|flat| not_run(flat.step)).collect(),
        hooks: HookCourses::new(&parts.pipeline, &flat),
        elected: true,
        flat,
        variables: parts.variables.clone(),
        secrets: vec![],
        exports: vec![],
        annotations: Annotations::default(),
        waiting: vec![],
        broken: None,
        parts: &parts,
        reporter,
    };
    if let Some(resumed) = &parts.resumed {
        resumed.apply(&mut build);
    }
    for (number, omission) in &parts.left_out {
        if build.plan.state(*number).over() {
            continue;
        }
        build.plan.skip(*number);
        let outcome = &mut build.outcomes[*number];
        outcome.reason = Some(omission.reason.clone());
        outcome.unsupported = omission.unsupported;
        outcome.state = StepState::Skipped.as_str().to_owned();
        let event = BuildEvent::StepFinished(outcome.clone());
        build.reporter.emit(event);
    }
    let volume = match build.course(kept) {
        Ok(volume) => volume,
        Err(Stop::Terminated) => {
            build.plan.terminate();
            save::terminated()
        }
        Err(Stop::Failed(error)) => return Err(error),
    };
    for (number, outcome) in build.outcomes.iter_mut().enumerate() {
        outcome.state = match build.plan.state(number) {
            // What is left running waits for an answer, or for a step that does (rule S1).
            StepState::Running => StepState::Pending,
            state => state,
        }
        .as_str()
        .to_owned();
    }
    let waiting = build.awaited();
    let result = match build.plan.result(build.criteria()) {
        _ if waiting.is_some() => BuildResult::PendingApproval,
        // Interrupted while the volume was saved, when all steps had run.
        _ if volume == save::terminated() && parts.interrupt.count() > 0 => BuildResult::Terminated,
        Some(PlanResult::Success) => BuildResult::Success,
        Some(PlanResult::Terminated) => BuildResult::Terminated,
        Some(PlanResult::Error) | None => BuildResult::Failure,
    };
    let kept = matches!(volume, VolumeOutcome::Saved { .. } | VolumeOutcome::Kept { .. }) && waiting.is_none();
    if kept
        && build.reporter.records()
        && let Err(reason) = build.stand()
    {
        build.reporter.warn(None, format!("no build can go on from this one: {reason}"));
    }
    let exported = build.reporter.exported(&build.variables, &build.secrets);
    let annotations = build.annotations.masked(&build.reporter.masker());
    let outcomes = build.outcomes;
    let duration = parts.ran();
    let Parts { id, work, .. } = parts;
    if let Err(error) = work.clear() {
        let text = stepbox_volume::io_text(&error);
        reporter.warn(None, format!("files of the build remain until a later build removes them: {text}"));
    }
    let outcome = Outcome {
        build: id,
        result,
        steps: outcomes,
        volume,
        duration,
        warnings: reporter.warnings().to_vec(),
        exported,
        annotations,
        waiting,
    };
    let (build, volume, duration_ms) = (outcome.build.clone(), outcome.volume.clone(), as_milliseconds(duration));
    reporter.emit(match &outcome.waiting {
        Some(awaited) => BuildEvent::BuildWaiting { build, steps: awaited.steps.clone(), volume, duration_ms },
        None => BuildEvent::BuildFinished { build, result, volume, duration_ms },
    });
    reporter.finish(&outcome);
    Ok(outcome)
}

pub(crate) struct Build<'a, 'r, 'e> {
    pub(crate) parts: &'a Parts<'a>,
    pub(crate) reporter: &'r mut Reporter<'e>,
    pub(crate) plan: Plan,
    /// All steps; a step's number is its place here.
    pub(crate) flat: Vec<FlatStep<'a>>,
    pub(crate) variables: Variables,
    pub(crate) references: References,
    pub(crate) outcomes: Vec<StepOutcome>,
    /// Names whose values are masked, and their values (rule V31).
    pub(crate) secrets: Vec<String>,
    /// The hooks.
    pub(crate) hooks: HookCourses<'a>,
    /// Whether the hook before all steps is behind it.
    pub(crate) elected: bool,
    /// What steps have exported, each after it ended.
    pub(crate) exports: Vec<(String, BTreeMap<String, String>)>,
    /// What is noted on the build.
    pub(crate) annotations: Annotations,
    /// The approvals for which the build stops.
    pub(crate) waiting: Vec<Waiting>,
    /// Why the worker cannot be used any more.
    pub(crate) broken: Option<String>,
}

impl Build<'_, '_, '_> {
    /// From the worker's start to the published archive.
    fn course(&mut self, kept: Box<dyn Any>) -> Result<VolumeOutcome, Stop> {
        let parts = self.parts;
        let mut worker = Worker::start(parts.launch, &parts.request.limits, parts.interrupt)?;
        let staging = parts.work.open("staging")?;
        let prepared = incoming(parts).map_err(Stop::from).and_then(|incoming| {
            self.set_up(&mut worker, &staging, &incoming.directory)?;
            restore(&mut worker, incoming, parts, self.reporter)
        });
        // What is saved builds on the snapshot that the volume comes from.
        let lease = prepared.as_ref().ok().and_then(|volume| parts.snapshots.lease(volume.parent.as_ref()?));
        drop(kept);
        let done = self.course_on(worker, &staging, prepared);
        drop(lease);
        done
    }

    /// From the live volume on.
    fn course_on(
        &mut self,
        mut worker: Worker,
        staging: &Dir,
        prepared: Result<Volume, Stop>,
    ) -> Result<VolumeOutcome, Stop> {
        let parts = self.parts;
        let volume = match prepared {
            Ok(volume) => volume,
            Err(stop) => {
                save::complaints(worker.end(), self.reporter);
                return Err(stop);
            }
        };
        if parts.resumed.as_ref().is_some_and(|resumed| resumed.continued)
            && let Err(reason) = self.reporter.answered()
        {
            save::complaints(worker.end(), self.reporter);
            let message = format!("cannot record that the build goes on: {reason}");
            return Err(EngineError::new(EngineErrorKind::State, message).into());
        }
        self.steps(&mut worker, &volume);
        if !self.waiting.is_empty() {
            return Ok(self.stop_and_wait(worker, staging, &volume));
        }

        let result = self.plan.result(self.criteria());
        let terminated = result == Some(PlanResult::Terminated);
        if let Some(folder) = &parts.folder {
            save::complaints(worker.end(), self.reporter);
            self.broken = None;
            return Ok(self.kept(folder));
        }
        if let Some(reason) = self.broken.take() {
            save::complaints(worker.end(), self.reporter);
            if terminated {
                return Ok(self.skipped("the build was terminated"));
            }
            self.reporter.emit(BuildEvent::VolumeNotSaved { reason: reason.clone() });
            return Ok(VolumeOutcome::NotSaved { reason });
        }
        let reason = match parts.request.save_volume {
            _ if terminated => Some("the build was terminated"),
            SaveVolume::Never => Some("it is never saved, as the caller wants it"),
            SaveVolume::Success if result != Some(PlanResult::Success) => {
                Some("the build failed, and the caller wants only successful ones saved")
            }
            SaveVolume::Always | SaveVolume::Success => None,
        };
        if let Some(reason) = reason {
            save::complaints(worker.end(), self.reporter);
            return Ok(self.skipped(reason));
        }
        Ok(self.save(worker, staging, &volume))
    }

    fn skipped(&mut self, reason: &str) -> VolumeOutcome {
        self.reporter.emit(BuildEvent::VolumeNotSaved { reason: reason.to_owned() });
        VolumeOutcome::Skipped { reason: reason.to_owned() }
    }

    /// A folder of the host stays as it is, but for what ends with the build (rule V29).
    pub(crate) fn kept(&mut self, folder: &LocalFolder) -> VolumeOutcome {
        if let Err(error) = export_files::remove(&folder.directory) {
            let text = stepbox_volume::io_text(&error);
            self.reporter.warn(None, format!("what steps hand on stays in the local volume: {text}"));
        }
        VolumeOutcome::Kept { path: folder.shown() }
    }

    fn set_up(&mut self, worker: &mut Worker, staging: &Dir, volume: &Dir) -> Result<(), Stop> {
        let parts = self.parts;
        let scratch = parts.work.open("scratch")?;
        let blobs = parts.snapshots.blobs()?;
        let lockdown = parts.launch.lockdown();
        let setup = Setup {
            version: VERSION,
            lockdown: lockdown != Lockdown::Off,
            limits: parts.request.limits,
            kill_at: parts.request.kill_at.clone(),
        };
        let mut handles: Vec<&dyn std::os::fd::AsFd> = vec![&scratch, &blobs, staging, volume];
        handles.extend(parts.modules.iter().map(|modules| modules as &dyn std::os::fd::AsFd));
        worker.send(&Request::Setup(setup), &handles);
        // A first start unpacks the toolbox.
        match worker.next(0, Some(Instant::now() + GRACE * 12)) {
            Incoming::Event(Event::Ready { version: VERSION, wall }) => self.walled(lockdown, wall.as_ref()),
            Incoming::Event(Event::Ready { version, .. }) => {
                let message = format!("the worker speaks version {version} of the protocol, this program {VERSION}");
                Err(EngineError::new(EngineErrorKind::Worker, message).into())
            }
            other => Err(unexpected(worker, other, "set up the worker")),
        }
    }

    /// Tells what stands of the second wall, and goes on only where that is enough.
    fn walled(&mut self, lockdown: Lockdown, wall: Option<&Wall>) -> Result<(), Stop> {
        let failed = |message: String| EngineError::new(EngineErrorKind::Worker, message);
        self.reporter.emit(BuildEvent::WorkerStarted {
            locked: wall.is_some(),
            landlock: wall.and_then(|wall| wall.landlock),
            seccomp: wall.is_some_and(|wall| wall.seccomp),
        });
        match (lockdown, wall) {
            (Lockdown::Off, _) => Ok(()),
            (_, None) => Err(failed("the worker has not locked itself".to_owned()).into()),
            (_, Some(Wall { missing: None, .. })) => Ok(()),
            (Lockdown::Required, Some(Wall { missing: Some(missing), .. })) => {
                let error = failed(format!(
                    "the worker cannot be locked as `--require-lockdown` wants: the kernel lacks {missing}"
                ));
                Err(error
                    .hint("use a newer kernel, or trust the first wall alone and leave `--require-lockdown` out")
                    .into())
            }
            (Lockdown::On, Some(Wall { missing: Some(missing), .. })) => {
                self.reporter
                    .warn(None, format!("the worker is not locked as it could be: the kernel lacks {missing}"));
                Ok(())
            }
        }
    }

    pub(crate) fn save(&mut self, worker: Worker, staging: &Dir, volume: &Volume) -> VolumeOutcome {
        let parts = self.parts;
        let started = Instant::now();
        let now = (parts.request.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let about = Publication {
            build: &parts.id,
            time: as_milliseconds(now),
            parent: volume.parent,
            waits: !self.waiting.is_empty(),
        };
        let outcome = save::save(worker, staging, volume, parts.snapshots, &about, parts.interrupt, self.reporter);
        if let VolumeOutcome::Saved { digest, bytes, .. } = &outcome {
            // Nobody waits for it: a build that finds no tree unpacks.
            let _ = parts.warm.keep(&parts.work, &parts.id, digest, *bytes);
        }
        self.reporter.emit(match &outcome {
            VolumeOutcome::Saved { digest, entries, bytes, change, stored } => BuildEvent::VolumeSaved {
                digest: digest.clone(),
                entries: *entries,
                bytes: *bytes,
                change: *change,
                stored: *stored,
                duration_ms: as_milliseconds(started.elapsed()),
            },
            VolumeOutcome::Held { digest, entries, bytes, change, stored } => BuildEvent::VolumeHeld {
                digest: digest.clone(),
                entries: *entries,
                bytes: *bytes,
                change: *change,
                stored: *stored,
                duration_ms: as_milliseconds(started.elapsed()),
            },
            // Told when it is known what that means for the build.
            VolumeOutcome::NotSaved { .. } if about.waits => return outcome,
            VolumeOutcome::NotSaved { reason } => BuildEvent::VolumeNotSaved { reason: reason.clone() },
            VolumeOutcome::Skipped { reason } => BuildEvent::VolumeNotSaved { reason: reason.clone() },
            VolumeOutcome::Kept { .. } => return outcome,
        });
        outcome
    }

    /// A text to be shown: undefined names stay as they are, secrets do not (rules V4, V32).
    pub(crate) fn text(&self, template: &Template, variables: &Variables) -> String {
        let text = match substitute(template, variables, &self.references) {
            Ok(done) => done.text,
            Err(_) => template.text().to_owned(),
        };
        self.reporter.mask(&text)
    }

    pub(crate) fn unusable(&self, error: &SubstituteError) -> Ran {
        Ran::failed(self.told(error))
    }

    pub(crate) fn told(&self, error: &SubstituteError) -> String {
        match self.place(error.place()) {
            Some(place) => format!("{place}: {error}"),
            None => error.to_string(),
        }
    }

    /// A place of the pipeline as text; `None` for texts that stand in no file.
    pub(crate) fn place(&self, place: Place) -> Option<String> {
        let request = self.parts.request;
        (place.line > 0).then(|| SourcePlace::new(&request.pipeline_file, &request.pipeline_text, place).to_string())
    }
}

fn not_run(step: &Step) -> StepOutcome {
    StepOutcome {
        name: step.name.to_string(),
        title: step.title.as_ref().map_or_else(|| step.name.to_string(), |title| title.text().to_owned()),
        stage: step.stage.clone(),
        state: StepState::Pending.as_str().to_owned(),
        status: None,
        reason: None,
        failed_command: None,
        duration: Duration::ZERO,
        modules: 0,
        attempts: 0,
        unsupported: false,
    }
}
