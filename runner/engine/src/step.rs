//! One step of a build: what it runs, what it prints, what it hands on.

use std::collections::BTreeMap;
use std::time::Instant;

use stepbox_pipeline::{
    Exports, FailurePolicy, Freestyle, GitClone, Layer, Step, StepKind, StepState, Template, VOLUME_PATH, clone_parent,
    resolve, step_environment,
};
use stepbox_protocol::{Event, OutputStream, Request, StepEnd, StepId, StepReport, StepRequest};

use crate::build::Build;
use crate::event::{BuildEvent, Stream};
use crate::freestyle;
use crate::image;
use crate::output::StepOutput;
use crate::preflight;
use crate::repository::{CloneRequest, Told};
use crate::restore::{GRACE, Stop, Volume, unexpected};
use crate::worker::{Incoming, Worker};

/// Numbers of signals, as the protocol counts them.
const TERM: u8 = 15;
const KILL: u8 = 9;

/// How a step went.
pub(crate) struct Ran {
    pub(crate) state: StepState,
    pub(crate) status: Option<u8>,
    pub(crate) reason: Option<String>,
    pub(crate) modules: u64,
    /// Where it ran, or what it cloned.
    pub(crate) directory: Option<String>,
    pub(crate) revision: Option<String>,
    pub(crate) repo: Option<String>,
}

impl Ran {
    pub(crate) fn new(state: StepState) -> Self {
        Self { state, status: None, reason: None, modules: 0, directory: None, revision: None, repo: None }
    }

    pub(crate) fn failed(reason: impl Into<String>) -> Self {
        Self { reason: Some(reason.into()), ..Self::new(StepState::Error) }
    }
}

/// A step that starts.
#[derive(Clone, Copy)]
struct Start<'a> {
    number: usize,
    step: &'a Step,
    /// When its time is up.
    deadline: Option<Instant>,
}

impl Build<'_, '_, '_> {
    /// Runs one step; what its failure means is settled when it starts.
    pub(crate) fn step(
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
        let start = Start { number, step, deadline };
        let ran = match (&step.kind, image) {
            (StepKind::Freestyle(freestyle), Some(Ok(image))) => {
                self.freestyle(start, freestyle, &image, environment.values, worker)
            }
            (StepKind::Freestyle(_), Some(Err(error))) => self.unusable(&error),
            (StepKind::Freestyle(_), None) => Ran::failed("the step has no image"),
            (StepKind::GitClone(clone), _) => self.clone_repository(step, clone, volume, deadline),
        };
        (policy, ran)
    }

    fn freestyle(
        &mut self,
        start: Start<'_>,
        freestyle: &Freestyle,
        image: &str,
        environment: BTreeMap<String, String>,
        worker: &mut Worker,
    ) -> Ran {
        let Start { number, step, deadline } = start;
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
                environment: environment
                    .into_iter()
                    .map(|(name, value)| (name.into_bytes(), value.into_bytes()))
                    .collect(),
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
        let without_effect = [
            (clone.exclude_blobs, "`exclude_blobs` is not supported: all objects are cloned"),
            (clone.use_proxy, "`use_proxy` is not supported: hosts are asked directly"),
        ];
        for (_, message) in without_effect.into_iter().filter(|(asked, _)| *asked) {
            self.reporter.warn(Some(name), message.to_owned());
        }
        let parts = self.parts;
        let late = || deadline.is_some_and(|deadline| Instant::now() >= deadline);
        let stop = || parts.interrupt.count() > 0 || late();
        let reporter = &mut *self.reporter;
        let mut tell = |told: Told| match told {
            Told::Line(line) => {
                let text = reporter.mask(&line) + "\n";
                reporter.emit(BuildEvent::Output { step: name.to_owned(), stream: Stream::Stdout, text });
            }
            Told::Warning(message) => reporter.warn(Some(name), message),
        };
        match parts.repository.clone_onto(&request, &volume.directory, &stop, &mut tell) {
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
}
