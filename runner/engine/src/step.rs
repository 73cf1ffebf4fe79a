//! One step of a build: what it runs, and what it hands on.

use std::collections::BTreeMap;

use stepbox_pipeline::{
    Approval, Exports, FailurePolicy, Freestyle, GitClone, Layer, Script, Step, StepKind, StepState, Template,
    VOLUME_PATH, Variables, clone_parent, resolve, step_environment,
};
use stepbox_protocol::{self as protocol, ShellMoments, StepEnd, StepId, StepReport, StepRequest};

use crate::build::Build;
use crate::event::BuildEvent;
use crate::freestyle;
use crate::git::{secrets_in, secrets_of};
use crate::image;
use crate::outcome::FailedCommand;
use crate::preflight;
use crate::repository::CloneRequest;
use crate::running::Ran;

/// A step that can start, or not.
pub(crate) struct Begun {
    /// What its failure means.
    pub(crate) policy: FailurePolicy,
    pub(crate) description: Option<String>,
    pub(crate) job: Result<Job, Ran>,
}

/// What is to be done for a step.
pub(crate) enum Job {
    /// By the worker.
    Commands {
        request: Box<StepRequest>,
        /// Where it runs.
        directory: String,
        /// Its commands as they run, where it has some.
        script: Option<Script>,
    },
    /// By a thread of the supervisor.
    Clone(CloneRequest),
    /// By somebody who says yes or no.
    Approval(Approval),
}

impl Build<'_, '_, '_> {
    /// Tells that a parallel step begins; what its failure will mean.
    pub(crate) fn begin_group(&mut self, number: usize, step: &Step) -> FailurePolicy {
        self.within(number, |build| build.begin_group_here(number, step))
    }

    fn begin_group_here(&mut self, number: usize, step: &Step) -> FailurePolicy {
        let variables = self.variables.clone();
        self.announce(number, step, None, &variables);
        FailurePolicy::of(self.course_of(number), step, &variables, &self.references)
    }

    /// Tells that a step begins.
    fn announce(&mut self, number: usize, step: &Step, image: Option<&str>, variables: &Variables) {
        let title = step.title.as_ref().map_or_else(|| step.name.to_string(), |title| self.text(title, variables));
        // Steps of hooks are told as what their hook does.
        let Some(outcome) = self.outcomes.get_mut(number) else { return };
        outcome.title.clone_from(&title);
        self.reporter.emit(BuildEvent::StepStarted {
            step: step.name.to_string(),
            title,
            stage: step.stage.clone(),
            type_name: step.kind.type_name().to_owned(),
            image: image.map(|image| self.reporter.mask(image)),
        });
    }

    /// Settles what an attempt at a step does (rule V7: variables are replaced when it starts). The first tells that the
    /// step begins.
    pub(crate) fn begin(&mut self, number: usize, step: &Step, attempt: u32) -> Begun {
        self.within(number, |build| build.begin_here(number, step, attempt))
    }

    fn begin_here(&mut self, number: usize, step: &Step, attempt: u32) -> Begun {
        let items: &[Template] = match &step.kind {
            StepKind::Freestyle(freestyle) => &freestyle.environment,
            StepKind::GitClone(_) | StepKind::Approval(_) | StepKind::Parallel(_) | StepKind::Unsupported(_) => &[],
        };
        // What a step has for itself is of no concern to those beside it.
        let mut variables = self.variables.clone();
        let attempts = (attempt, step.retry.max_attempts);
        let environment = step_environment(&step.name, items, attempts, &mut variables, &self.references);
        let policy = FailurePolicy::of(self.course_of(number), step, &variables, &self.references);
        let description = step.description.as_ref().map(|text| self.text(text, &variables));
        let image = match &step.kind {
            StepKind::Freestyle(freestyle) => {
                Some(resolve(&freestyle.image, "the image", &variables, &self.references))
            }
            StepKind::GitClone(_) | StepKind::Approval(_) | StepKind::Parallel(_) | StepKind::Unsupported(_) => None,
        };
        if attempt == 1 {
            self.announce(number, step, image.as_ref().and_then(|image| image.as_deref().ok()), &variables);
        }
        let job = match environment {
            Err(error) => Err(self.unusable(&error)),
            Ok(environment) => {
                for warning in environment.warnings.iter().filter(|_| attempt == 1) {
                    let place = self.place(warning.place());
                    self.reporter.warn_at(Some(step.name.as_str()), warning.to_string(), place);
                }
                match (&step.kind, image) {
                    (StepKind::Freestyle(freestyle), Some(Ok(image))) => {
                        self.commands((number, attempt), step, freestyle, &image, environment.values, &variables)
                    }
                    (StepKind::Freestyle(_), Some(Err(error))) => Err(self.unusable(&error)),
                    (StepKind::Freestyle(_), None) => Err(Ran::failed("the step has no image")),
                    (StepKind::Parallel(_) | StepKind::Unsupported(_), _) => {
                        Err(Ran::failed(format!("`type: {}` runs nothing itself", step.kind.type_name())))
                    }
                    (StepKind::Approval(approval), _) => Ok(Job::Approval(*approval)),
                    (StepKind::GitClone(clone), _) => self.clone_job(step, clone, &variables),
                }
            }
        };
        Begun { policy, description, job }
    }

    fn commands(
        &mut self,
        (number, attempt): (usize, u32),
        step: &Step,
        freestyle: &Freestyle,
        image: &str,
        mut environment: BTreeMap<String, String>,
        variables: &Variables,
    ) -> Result<Job, Ran> {
        let request = self.parts.request;
        let image = image::find(image, &request.images).map_err(|missing| {
            let problem = preflight::no_image(request, step, image, &missing, variables);
            let place = problem.place.map(|place| place.to_string());
            for hint in problem.hints {
                self.reporter.warn_at(Some(step.name.as_str()), hint, place.clone());
            }
            Ran::failed(problem.message)
        })?;
        for (name, value) in image.environment {
            environment.entry((*name).to_owned()).or_insert_with(|| (*value).to_owned());
        }
        let prepared = freestyle::prepare(freestyle, image, variables, &self.references, |error| self.told(error))
            .map_err(Ran::failed)?;
        for (name, place) in prepared.undefined {
            let place = self.place(place);
            let near = variables.nearest(&name).map(|near| format!(" (did you mean `{near}`?)")).unwrap_or_default();
            let message = format!("`${{{{{name}}}}}` is not defined and stays as it is{near}");
            self.reporter.warn_at(Some(step.name.as_str()), message, place);
        }
        let bytes = |(name, value): (String, String)| (name.into_bytes(), value.into_bytes());
        let request = StepRequest {
            id: StepId(u32::try_from(number).unwrap_or(u32::MAX)),
            name: step.name.to_string(),
            work: prepared.work,
            environment: environment.into_iter().map(bytes).collect(),
            working_directory: prepared.directory.clone().into_bytes(),
            volumes: prepared.volumes,
            shell: self.shell_moments(number, step, attempt),
            limits: request.limits,
        };
        Ok(Job::Commands { request: Box::new(request), directory: prepared.directory, script: prepared.script })
    }

    /// When a person comes in: not into the steps of hooks, and of several attempts before the first and after the last.
    fn shell_moments(&self, number: usize, step: &Step, attempt: u32) -> ShellMoments {
        let request = self.parts.request;
        if request.console.is_none() || self.outcomes.get(number).is_none() {
            return ShellMoments::default();
        }
        ShellMoments {
            before: attempt == 1 && request.shell_at.iter().any(|name| name == step.name.as_str()),
            after_failure: request.shell_on_failure && attempt >= step.retry.max_attempts,
        }
    }

    /// What a report comes to, and what the step hands on. `script` is what it ran.
    pub(crate) fn finished(&mut self, number: usize, report: StepReport, script: Option<&Script>) -> Ran {
        self.within(number, |build| build.finished_here(number, report, script))
    }

    fn finished_here(&mut self, number: usize, report: StepReport, script: Option<&Script>) -> Ran {
        let failed = report.failed.zip(script);
        let failed = failed.map(|(failed, script)| Box::new(self.failed_command(number, &failed, script)));
        let mut ran = match report.end {
            StepEnd::Exited(0) => Ran { status: Some(0), ..Ran::new(StepState::Success) },
            StepEnd::Exited(status) => {
                Ran { status: Some(status), failed, ..Ran::new(StepState::from_exit_status(status)) }
            }
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
            Some(bytes) => self.export(number, &bytes),
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

    /// What people are told of a command that failed, with its place in the pipeline.
    fn failed_command(&self, number: usize, failed: &protocol::FailedCommand, script: &Script) -> FailedCommand {
        let text = |bytes: &[u8]| self.reporter.mask(&String::from_utf8_lossy(bytes));
        let line = if failed.file.is_none() { failed.line } else { failed.script_line };
        let place = match &self.step(number).kind {
            StepKind::Freestyle(Freestyle { commands: Some(commands), .. }) => script
                .command_at(line as usize)
                .and_then(|(command, line)| {
                    let template = commands.get(command)?;
                    // A variable of several lines moves those behind it.
                    let as_written = script.lines_of(command) == template.text().lines().count();
                    Some(match as_written {
                        true => template.place_of_line(line, &self.parts.request.pipeline_text),
                        false => template.place(),
                    })
                })
                .and_then(|place| self.place(place)),
            _ => None,
        };
        FailedCommand {
            command: text(&failed.text),
            file: failed.file.as_deref().map(text),
            line: failed.line,
            function: failed.function.as_deref().map(text),
            script_line: failed.script_line,
            place,
        }
    }

    /// Rules V17, V22: later steps see what a step exports.
    fn export(&mut self, number: usize, bytes: &[u8]) {
        let exports = Exports::parse(bytes);
        for (name, value) in &exports.values {
            if self.secrets.contains(name) {
                self.reporter.add_secret(value);
            }
        }
        for warning in &exports.warnings {
            let label = self.label(number);
            self.reporter.warn(Some(&label), warning.to_string());
        }
        // What a hook exports stays its own (rule V20).
        if self.hook_of(number).is_none() {
            let name = self.step(number).name.to_string();
            self.exports.push((name, exports.values.iter().cloned().collect()));
        }
        self.variables.extend(Layer::Exported, exports.values);
    }

    fn clone_job(&mut self, step: &Step, clone: &GitClone, variables: &Variables) -> Result<Job, Ran> {
        let request = self.clone_request(clone, variables).map_err(Ran::failed)?;
        let own = request.credentials.iter().flat_map(|(username, password)| secrets_of(username, password));
        for secret in own.map(str::to_owned).chain(secrets_in(&request.repo)) {
            self.reporter.add_secret(&secret);
        }
        let without_effect = [
            (clone.exclude_blobs, "`exclude_blobs` is not supported: all objects are cloned"),
            (
                clone.skip_tags_on_update,
                "`skip_tags_on_update` is not supported: a clone has the tags that its host has",
            ),
            (clone.use_proxy, "`use_proxy` is not supported: hosts are asked directly"),
        ];
        for (_, message) in without_effect.into_iter().filter(|(asked, _)| *asked) {
            self.reporter.warn(Some(step.name.as_str()), message.to_owned());
        }
        Ok(Job::Clone(request))
    }

    fn clone_request(&self, clone: &GitClone, variables: &Variables) -> Result<CloneRequest, String> {
        let one = |template: &Template, what| {
            resolve(template, what, variables, &self.references).map_err(|error| self.told(&error))
        };
        let some = |template: &Option<Template>, what| template.as_ref().map(|text| one(text, what)).transpose();
        let parent = clone_parent(clone.working_directory.as_ref(), variables, &self.references)
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
