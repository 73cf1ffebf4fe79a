//! One build: volume, steps in their order, archive.

use std::any::Any;
use std::time::{Duration, Instant, UNIX_EPOCH};

use cap_std::fs::Dir;
use stepbox_pipeline::{
    BuildResult as PlanResult, Exports, FailurePolicy, Freestyle, GitClone, Layer, Pipeline, Place, Plan, References,
    Step, StepFacts, StepKind, StepState, SubstituteError, Template, VOLUME_PATH, Variables, clone_parent, resolve,
    step_environment, substitute,
};
use stepbox_protocol::{Event, OutputStream, Request, Setup, StepEnd, StepId, StepReport, StepRequest, VERSION};

use crate::build_id::BuildId;
use crate::error::{EngineError, EngineErrorKind, SourcePlace};
use crate::event::{BuildEvent, Stream};
use crate::freestyle;
use crate::image;
use crate::interrupt::Interrupt;
use crate::outcome::{BuildResult, Outcome, StepOutcome, VolumeOutcome, as_milliseconds};
use crate::output::StepOutput;
use crate::preflight;
use crate::reporter::Reporter;
use crate::repository::{CloneRequest, Repository};
use crate::request::BuildRequest;
use crate::restore::{GRACE, Stop, Volume, restore, unexpected};
use crate::save;
use crate::snapshots::{Publication, Snapshot, Snapshots};
use crate::work_directory::WorkDirectory;
use crate::worker::{Incoming, Worker, WorkerLaunch};

/// Numbers of signals, as the protocol counts them.
const TERM: u8 = 15;
const KILL: u8 = 9;

/// What a build needs that is ready before it begins.
pub(crate) struct Parts<'a> {
    pub(crate) id: BuildId,
    pub(crate) request: &'a BuildRequest,
    pub(crate) pipeline: Pipeline,
    pub(crate) variables: Variables,
    pub(crate) snapshots: &'a dyn Snapshots,
    pub(crate) repository: &'a dyn Repository,
    pub(crate) launch: &'a WorkerLaunch,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) work: WorkDirectory,
    /// The directory of compiled modules.
    pub(crate) modules: Option<Dir>,
    /// Snapshots to start from, the best first.
    pub(crate) history: Vec<Snapshot>,
    pub(crate) started: Instant,
}

/// Runs a build whose start has been told. `kept` keeps its history in the store until a snapshot is restored.
///
/// # Errors
/// Where no step could run: what happens to steps, and to the volume after them, is in the outcome.
pub(crate) fn run(parts: Parts<'_>, kept: Box<dyn Any>, reporter: &mut Reporter<'_>) -> Result<Outcome, EngineError> {
    let steps = parts.pipeline.steps.len();
    let mut build = Build {
        plan: Plan::new(steps),
        references: References::new(),
        outcomes: parts.pipeline.steps.iter().map(not_run).collect(),
        variables: parts.variables.clone(),
        secrets: vec![],
        broken: None,
        parts: &parts,
        reporter,
    };
    let volume = match build.course(kept) {
        Ok(volume) => volume,
        Err(Stop::Terminated) => {
            build.plan.terminate();
            VolumeOutcome::Skipped
        }
        Err(Stop::Failed(error)) => return Err(error),
    };
    let result = match build.plan.result() {
        // Interrupted while the volume was saved, when all steps had run.
        _ if volume == VolumeOutcome::Skipped && parts.interrupt.count() > 0 => BuildResult::Terminated,
        Some(PlanResult::Success) => BuildResult::Success,
        Some(PlanResult::Terminated) => BuildResult::Terminated,
        Some(PlanResult::Error) | None => BuildResult::Failure,
    };
    let outcomes = build.outcomes;
    let Parts { id, work, started, .. } = parts;
    if let Err(error) = work.remove() {
        let text = crate::error::io_text(&error);
        reporter.warn(None, format!("files of the build remain until a later build removes them: {text}"));
    }
    let duration = started.elapsed();
    let outcome =
        Outcome { build: id, result, steps: outcomes, volume, duration, warnings: reporter.warnings().to_vec() };
    reporter.emit(BuildEvent::BuildFinished {
        build: outcome.build.clone(),
        result,
        volume: outcome.volume.clone(),
        duration_ms: as_milliseconds(duration),
    });
    reporter.finish(&outcome);
    Ok(outcome)
}

struct Build<'a, 'r, 'e> {
    parts: &'a Parts<'a>,
    reporter: &'r mut Reporter<'e>,
    plan: Plan,
    variables: Variables,
    references: References,
    outcomes: Vec<StepOutcome>,
    /// Names whose values are masked, and their values (rule V31).
    secrets: Vec<String>,
    /// Why the worker cannot be used any more.
    broken: Option<String>,
}

/// How a step went.
struct Ran {
    state: StepState,
    status: Option<u8>,
    reason: Option<String>,
    modules: u64,
    /// Where it ran, or what it cloned.
    directory: Option<String>,
    revision: Option<String>,
    repo: Option<String>,
}

impl Ran {
    fn new(state: StepState) -> Self {
        Self { state, status: None, reason: None, modules: 0, directory: None, revision: None, repo: None }
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(StepState::Error) }
    }
}

impl Build<'_, '_, '_> {
    /// From the worker's start to the published archive.
    fn course(&mut self, kept: Box<dyn Any>) -> Result<VolumeOutcome, Stop> {
        let parts = self.parts;
        let mut worker = Worker::start(parts.launch, parts.interrupt)?;
        let staging = parts.work.open("staging")?;
        let prepared = self
            .set_up(&mut worker, &staging)
            .and_then(|()| restore(&mut worker, &parts.work, &parts.history, self.reporter));
        drop(kept);
        let volume = match prepared {
            Ok(volume) => volume,
            Err(stop) => {
                save::complaints(worker.end(), self.reporter);
                return Err(stop);
            }
        };
        self.steps(&mut worker, &volume);

        let terminated = self.plan.result() == Some(PlanResult::Terminated);
        if let Some(reason) = self.broken.take() {
            save::complaints(worker.end(), self.reporter);
            if terminated {
                return Ok(self.skipped("the build was terminated"));
            }
            self.reporter.emit(BuildEvent::VolumeNotSaved { reason: reason.clone() });
            return Ok(VolumeOutcome::NotSaved { reason });
        }
        if terminated || parts.request.read_only_store {
            save::complaints(worker.end(), self.reporter);
            let reason = if terminated { "the build was terminated" } else { "the store is only read" };
            return Ok(self.skipped(reason));
        }
        Ok(self.save(worker, &staging, &volume))
    }

    fn skipped(&mut self, reason: &str) -> VolumeOutcome {
        self.reporter.emit(BuildEvent::VolumeNotSaved { reason: reason.to_owned() });
        VolumeOutcome::Skipped
    }

    fn set_up(&mut self, worker: &mut Worker, staging: &Dir) -> Result<(), Stop> {
        let parts = self.parts;
        let scratch = parts.work.open("scratch")?;
        let blobs = parts.snapshots.blobs()?;
        let setup = Setup { version: VERSION, limits: parts.request.limits, kill_at: parts.request.kill_at.clone() };
        let mut handles: Vec<&dyn std::os::fd::AsFd> = vec![&scratch, &blobs, staging];
        handles.extend(parts.modules.iter().map(|modules| modules as &dyn std::os::fd::AsFd));
        worker.send(&Request::Setup(setup), &handles);
        // A first start unpacks the toolbox.
        match worker.next(0, Some(Instant::now() + GRACE * 12)) {
            Incoming::Event(Event::Ready { version: VERSION }) => Ok(()),
            Incoming::Event(Event::Ready { version }) => {
                let message = format!("the worker speaks version {version} of the protocol, this program {VERSION}");
                Err(EngineError::new(EngineErrorKind::Worker, message).into())
            }
            other => Err(unexpected(worker, other, "set up the worker")),
        }
    }

    fn save(&mut self, worker: Worker, staging: &Dir, volume: &Volume) -> VolumeOutcome {
        let parts = self.parts;
        let started = Instant::now();
        let now = (parts.request.clock)().duration_since(UNIX_EPOCH).unwrap_or_default();
        let about = Publication { build: &parts.id, time: as_milliseconds(now), parent: volume.parent };
        let outcome = save::save(worker, staging, volume, parts.snapshots, &about, parts.interrupt, self.reporter);
        self.reporter.emit(match &outcome {
            VolumeOutcome::Saved { digest, entries, bytes, change, stored } => BuildEvent::VolumeSaved {
                digest: digest.clone(),
                entries: *entries,
                bytes: *bytes,
                change: *change,
                stored: *stored,
                duration_ms: as_milliseconds(started.elapsed()),
            },
            VolumeOutcome::NotSaved { reason } => BuildEvent::VolumeNotSaved { reason: reason.clone() },
            VolumeOutcome::Skipped => BuildEvent::VolumeNotSaved { reason: "the build was terminated".to_owned() },
        });
        outcome
    }

    /// Runs steps until the plan has no more (rules S4-S6).
    fn steps(&mut self, worker: &mut Worker, volume: &Volume) {
        while let Some(number) = self.plan.start_next() {
            if self.parts.interrupt.count() > 0 {
                self.plan.terminate();
                self.outcomes[number].state = StepState::Terminated.as_str().to_owned();
                return;
            }
            let started = Instant::now();
            let step = &self.parts.pipeline.steps[number];
            let (policy, mut ran) = self.step(number, step, worker, volume, started);
            self.variables.clear(Layer::Step);
            if self.parts.interrupt.count() > 0 && ran.state != StepState::Success {
                ran.state = StepState::Terminated;
                self.plan.terminate();
            } else if self.broken.is_some() {
                // Without a worker nothing can run on, whatever the step's policy says.
                self.plan.finish(ran.state, FailurePolicy { fail_fast: true, strict_fail_fast: true });
            } else {
                self.plan.finish(ran.state, policy);
            }
            self.references.insert(StepFacts {
                name: step.name.to_string(),
                type_name: step.kind.type_name().to_owned(),
                description: step.description.as_ref().map(|text| self.text(text)),
                working_directory: ran.directory,
                result: ran.state.result_word().map(str::to_owned),
                revision: ran.revision,
                repo: ran.repo,
            });
            let reason = ran.reason.map(|reason| self.reporter.mask(&reason));
            let outcome = &mut self.outcomes[number];
            outcome.state = ran.state.as_str().to_owned();
            outcome.status = ran.status;
            outcome.reason = reason;
            outcome.duration = started.elapsed();
            outcome.modules = ran.modules;
            let event = BuildEvent::StepFinished(outcome.clone());
            self.reporter.emit(event);
        }
    }

    /// Runs one step; what its failure means is settled when it starts.
    fn step(
        &mut self,
        number: usize,
        step: &Step,
        worker: &mut Worker,
        volume: &Volume,
        started: Instant,
    ) -> (FailurePolicy, Ran) {
        let items: &[Template] = match &step.kind {
            StepKind::Freestyle(freestyle) => &freestyle.environment,
            StepKind::GitClone(_) => &[],
        };
        let environment = step_environment(&step.name, items, (1, 1), &mut self.variables, &self.references);
        let policy = FailurePolicy::of(&self.parts.pipeline, step, &self.variables, &self.references);
        let title = step.title.as_ref().map_or_else(|| step.name.to_string(), |title| self.text(title));
        self.outcomes[number].title.clone_from(&title);
        let image = match &step.kind {
            StepKind::Freestyle(freestyle) => {
                Some(resolve(&freestyle.image, "the image", &self.variables, &self.references))
            }
            StepKind::GitClone(_) => None,
        };
        self.reporter.emit(BuildEvent::StepStarted {
            step: step.name.to_string(),
            title,
            stage: step.stage.clone(),
            type_name: step.kind.type_name().to_owned(),
            image: image.as_ref().and_then(|image| image.as_ref().ok()).map(|image| self.reporter.mask(image)),
        });
        let environment = match environment {
            Ok(environment) => environment,
            Err(error) => return (policy, self.unusable(&error)),
        };
        for warning in &environment.warnings {
            let place = self.place(warning.place());
            self.reporter.warn_at(Some(step.name.as_str()), warning.to_string(), place);
        }
        let deadline = step.timeout.map(|timeout| started + timeout.duration());
        let values =
            environment.values.into_iter().map(|(name, value)| (name.into_bytes(), value.into_bytes())).collect();
        let ran = match (&step.kind, image) {
            (StepKind::Freestyle(freestyle), Some(Ok(image))) => {
                self.freestyle(number, step, freestyle, &image, values, worker, deadline)
            }
            (StepKind::Freestyle(_), Some(Err(error))) => self.unusable(&error),
            (StepKind::Freestyle(_), None) => Ran::failed("the step has no image"),
            (StepKind::GitClone(clone), _) => self.clone_repository(step, clone, volume, deadline),
        };
        (policy, ran)
    }

    fn freestyle(
        &mut self,
        number: usize,
        step: &Step,
        freestyle: &Freestyle,
        image: &str,
        environment: Vec<(Vec<u8>, Vec<u8>)>,
        worker: &mut Worker,
        deadline: Option<Instant>,
    ) -> Ran {
        let request = self.parts.request;
        let image = match image::find(image, &request.images) {
            Ok(image) => image,
            Err(missing) => {
                let problem = preflight::no_image(request, step, image, &missing, &self.variables);
                let place = problem.place.map(|place| place.to_string());
                for hint in problem.hints {
                    self.reporter.warn_at(Some(step.name.as_str()), hint, place.clone());
                }
                return Ran::failed(problem.message);
            }
        };
        let prepared = match freestyle::prepare(freestyle, image, &self.variables, &self.references) {
            Ok(prepared) => prepared,
            Err(error) => return self.unusable(&error),
        };
        for (name, place) in prepared.undefined {
            let place = self.place(place);
            let message = format!("`${{{{{name}}}}}` is not defined and stays as it is");
            self.reporter.warn_at(Some(step.name.as_str()), message, place);
        }
        let id = StepId(u32::try_from(number).unwrap_or(u32::MAX));
        worker.send(
            &Request::RunStep(StepRequest {
                id,
                name: step.name.to_string(),
                work: prepared.work,
                environment,
                working_directory: prepared.directory.clone().into_bytes(),
            }),
            &[],
        );
        let mut output = StepOutput::new(self.reporter.secrets());
        let (report, timed_out) = self.listen(id, step, worker, deadline, &mut output);
        for (stream, text) in output.finish() {
            self.reporter.emit(BuildEvent::Output { step: step.name.to_string(), stream, text });
        }
        let mut ran = match report {
            Some(report) => self.finished(step, report),
            None if self.parts.interrupt.count() > 0 => Ran::new(StepState::Terminated),
            None => Ran::failed(self.broken.clone().unwrap_or_default()),
        };
        if timed_out && ran.state != StepState::Success {
            // Rule F25.
            ran.state = StepState::Terminated;
            let seconds = step.timeout.map_or(0.0, |timeout| timeout.duration().as_secs_f64());
            ran.reason = Some(format!("the step took longer than its timeout of {seconds} s"));
        }
        ran.directory = Some(prepared.directory);
        ran
    }

    /// Passes on what a step prints until it ends; `None` where the worker does not live to see that. Says too whether
    /// the step's time was up.
    fn listen(
        &mut self,
        id: StepId,
        step: &Step,
        worker: &mut Worker,
        mut deadline: Option<Instant>,
        output: &mut StepOutput,
    ) -> (Option<StepReport>, bool) {
        let name = step.name.as_str();
        let (mut heard, mut timeouts, mut told) = (0, 0, false);
        loop {
            match worker.next(heard, deadline) {
                Incoming::Event(Event::Output { step, stream, data }) if step == id => {
                    let stream = match stream {
                        OutputStream::Stdout => Stream::Stdout,
                        OutputStream::Stderr => Stream::Stderr,
                    };
                    if let Some(text) = output.feed(stream, &data) {
                        self.reporter.emit(BuildEvent::Output { step: name.to_owned(), stream, text });
                    }
                }
                Incoming::Event(Event::StepFinished(report)) if report.step == id => return (Some(report), told),
                Incoming::Event(Event::Warning { message, .. }) => self.reporter.warn(Some(name), message),
                Incoming::Interrupted(1) => {
                    heard = 1;
                    worker.send(&Request::Cancel { step: None, signal: TERM }, &[]);
                    (deadline, timeouts) = (Some(Instant::now() + GRACE), 1);
                }
                // First asked to end, then made to end, then no longer waited for.
                Incoming::TimedOut if timeouts < 2 => {
                    told |= heard == 0;
                    let signal = if timeouts == 0 { TERM } else { KILL };
                    worker.send(&Request::Cancel { step: Some(id), signal }, &[]);
                    timeouts += 1;
                    deadline = Some(Instant::now() + GRACE);
                }
                other => {
                    let reason = match unexpected(worker, other, "run the step") {
                        Stop::Terminated => "the build was terminated".to_owned(),
                        Stop::Failed(error) => error.message.trim_start_matches("cannot run the step: ").to_owned(),
                    };
                    worker.kill();
                    self.broken = Some(reason);
                    return (None, told);
                }
            }
        }
    }

    /// What a report comes to, and what the step hands on.
    fn finished(&mut self, step: &Step, report: StepReport) -> Ran {
        let mut ran = match report.end {
            StepEnd::Exited(status) => Ran { status: Some(status), ..Ran::new(StepState::from_exit_status(status)) },
            StepEnd::Cancelled(signal) => Ran {
                status: Some(128_u8.saturating_add(signal)),
                reason: Some(format!("ended by signal {signal}")),
                ..Ran::new(StepState::Terminated)
            },
            StepEnd::Failed(reason) => Ran::failed(reason),
        };
        ran.modules = report.modules;
        self.secrets.extend(report.masked.into_iter().filter_map(|name| String::from_utf8(name).ok()));
        match report.exports {
            Some(bytes) => self.export(step, &bytes),
            // Rule V28.
            None if ran.state == StepState::Success || ran.reason.is_none() => {
                let message = "failed to read environment variable exporting file";
                ran.state = StepState::Error;
                ran.reason = Some(format!("{message}: {VOLUME_PATH}/{}", stepbox_pipeline::EXPORT_FILE));
            }
            None => {}
        }
        ran
    }

    /// Rules V17, V22: later steps see what a step exports.
    fn export(&mut self, step: &Step, bytes: &[u8]) {
        let exports = Exports::parse(bytes);
        for (name, value) in &exports.values {
            if self.secrets.contains(name) {
                self.reporter.add_secret(value);
            }
        }
        for warning in &exports.warnings {
            self.reporter.warn(Some(step.name.as_str()), warning.to_string());
        }
        self.variables.extend(Layer::Exported, exports.values);
    }

    fn clone_repository(&mut self, step: &Step, clone: &GitClone, volume: &Volume, deadline: Option<Instant>) -> Ran {
        let request = match self.clone_request(clone) {
            Ok(request) => request,
            Err(reason) => return Ran::failed(reason),
        };
        if let Some((_, password)) = &request.credentials {
            self.reporter.add_secret(password);
        }
        let name = step.name.as_str();
        let parts = self.parts;
        let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let stop = || parts.interrupt.count() > 0 || late();
        let reporter = &mut *self.reporter;
        let mut log = |line: String| {
            let text = reporter.mask(&line) + "\n";
            reporter.emit(BuildEvent::Output { step: name.to_owned(), stream: Stream::Stdout, text });
        };
        match parts.repository.clone_onto(&request, &volume.directory, &stop, &mut log) {
            Ok(cloned) => Ran {
                directory: Some(format!("{VOLUME_PATH}/{}", cloned.directory)),
                revision: cloned.revision,
                repo: Some(cloned.repo),
                ..Ran::new(StepState::Success)
            },
            Err(_) if parts.interrupt.count() > 0 => Ran::new(StepState::Terminated),
            Err(reason) if late() => Ran {
                reason: Some(format!("the step took longer than its timeout: {reason}")),
                ..Ran::new(StepState::Terminated)
            },
            Err(reason) => Ran::failed(reason),
        }
    }

    fn clone_request(&self, clone: &GitClone) -> Result<CloneRequest, String> {
        let one = |template: &Template, what| {
            resolve(template, what, &self.variables, &self.references).map_err(|error| self.told(&error))
        };
        let some = |template: &Option<Template>, what| template.as_ref().map(|text| one(text, what)).transpose();
        let parent = clone_parent(clone.working_directory.as_ref(), &self.variables, &self.references)
            .map_err(|error| self.told(&error))?;
        let inside = parent.path.strip_prefix(VOLUME_PATH).filter(|_| parent.on_volume);
        let Some(inside) = inside else {
            return Err(format!("working directory `{}` of a clone is not on the volume {VOLUME_PATH}", parent.path));
        };
        let credentials = match &clone.credentials {
            Some(both) => Some((one(&both.username, "the user name")?, one(&both.password, "the password")?)),
            None => None,
        };
        Ok(CloneRequest {
            repo: one(&clone.repo, "the repository")?,
            revision: some(&clone.revision, "the revision")?,
            git: some(&clone.git, "the git integration")?,
            credentials,
            depth: clone.depth,
            parent: inside.trim_start_matches('/').to_owned(),
        })
    }

    /// A text to be shown: undefined names stay as they are, secrets do not (rules V4, V32).
    fn text(&self, template: &Template) -> String {
        let text = match substitute(template, &self.variables, &self.references) {
            Ok(done) => done.text,
            Err(_) => template.text().to_owned(),
        };
        self.reporter.mask(&text)
    }

    fn unusable(&self, error: &SubstituteError) -> Ran {
        Ran::failed(self.told(error))
    }

    fn told(&self, error: &SubstituteError) -> String {
        match self.place(error.place()) {
            Some(place) => format!("{place}: {error}"),
            None => error.to_string(),
        }
    }

    /// A place of the pipeline as text; `None` for texts that stand in no file.
    fn place(&self, place: Place) -> Option<String> {
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
        duration: Duration::ZERO,
        modules: 0,
    }
}
