//! A build that does not begin at its first step: it goes on after it has waited, or starts from what another one has left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, UNIX_EPOCH};

use cap_std::fs::Dir;
use stepbox_pipeline::{FlatStep, Layer, Plan, PlanStanding, PlanStep, StepFacts, StepKind, StepState, Variables};

use crate::RECORD_VERSION;
use crate::annotations::{Annotation, Annotations};
use crate::build::Build;
use crate::event::BuildEvent;
use crate::outcome::{Awaited, AwaitedStep, StepOutcome, VolumeOutcome, as_milliseconds};
use crate::request::BuildRequest;
use crate::restore::Volume;
use crate::save;
use crate::standing::{
    RecordedApproval, RecordedRequest, RecordedStep, RecordedWait, Remembered, Standing, StepExports, Waiting,
    digest_of,
};
use crate::volume_options::SaveVolume;
use crate::worker::Worker;

/// What a build takes over, by the numbers of its steps.
#[derive(Debug, Default)]
pub(crate) struct Resumed {
    /// Where each step stands.
    pub(crate) standings: Vec<PlanStanding>,
    /// What is known of the steps that have ended.
    pub(crate) facts: Vec<StepFacts>,
    /// How they went.
    pub(crate) outcomes: BTreeMap<usize, StepOutcome>,
    /// What they have exported, in the order in which they ended.
    pub(crate) exports: Vec<(String, BTreeMap<String, String>)>,
    /// What is noted on the build.
    pub(crate) annotations: BTreeMap<String, Annotation>,
    /// The names of exports that are masked.
    pub(crate) masked: Vec<String>,
    /// The steps that have begun and wait for an answer.
    pub(crate) waiting: Vec<Waiting>,
    /// The answers that there are now, and how they were given.
    pub(crate) answers: BTreeMap<usize, (StepState, String)>,
    /// How long the build ran before.
    pub(crate) duration: Duration,
    /// Whether it is the same build that goes on.
    pub(crate) continued: bool,
}

impl Resumed {
    /// What a step has come to is told to those that come after it.
    pub(crate) fn apply(&self, build: &mut Build<'_, '_, '_>) {
        let plan_steps: Vec<PlanStep> = build.flat.iter().map(FlatStep::plan_step).collect();
        build.plan = Plan::resume(build.parts.pipeline.mode, &plan_steps, &self.standings);
        for facts in &self.facts {
            build.references.insert(facts.clone());
        }
        for (number, outcome) in &self.outcomes {
            build.outcomes[*number] = outcome.clone();
        }
        build.secrets.clone_from(&self.masked);
        build.exports.clone_from(&self.exports);
        build.annotations = Annotations::of(self.annotations.clone());
    }

    /// What steps have exported is seen by those that come, but for what the caller gives now.
    pub(crate) fn export(&self, variables: &mut Variables, given: &BTreeSet<&str>) {
        let values = self.exports.iter().flat_map(|(_, values)| values);
        let values = values.filter(|(name, _)| !given.contains(name.as_str()));
        variables.extend(Layer::Exported, values.map(|(name, value)| (name.clone(), value.clone())));
    }
}

impl Build<'_, '_, '_> {
    /// The build stops for approvals: keeps its volume for it alone, and where it stands. What cannot be kept fails it.
    pub(crate) fn stop_and_wait(&mut self, worker: Worker, staging: &Dir, volume: &Volume) -> VolumeOutcome {
        let request = self.parts.request;
        let obstacle = if self.parts.folder.is_none() && request.save_volume == SaveVolume::Never {
            Some("`--save-volume never` keeps no volume".to_owned())
        } else if !self.reporter.records() {
            Some("the build is not recorded".to_owned())
        } else if RecordedRequest::of(request).holds_secret(&self.reporter.masker()) {
            Some("a secret stands in its options".to_owned())
        } else {
            None
        };
        let held = match (obstacle, &self.parts.folder) {
            (Some(obstacle), _) => {
                save::complaints(worker.end(), self.reporter);
                Err(obstacle)
            }
            (None, Some(folder)) => {
                save::complaints(worker.end(), self.reporter);
                Ok(self.kept(folder))
            }
            (None, None) => match self.save(worker, staging, volume) {
                VolumeOutcome::NotSaved { reason } => Err(format!("its volume is not kept: {reason}")),
                VolumeOutcome::Skipped { reason } => {
                    self.waiting.clear();
                    self.plan.terminate();
                    return VolumeOutcome::Skipped { reason };
                }
                held => Ok(held),
            },
        };
        let stood = held.and_then(|held| self.stand().map(|()| held));
        stood.unwrap_or_else(|reason| self.cannot_wait(&reason))
    }

    /// Fails the approvals for which the build would wait.
    fn cannot_wait(&mut self, why: &str) -> VolumeOutcome {
        for waiting in std::mem::take(&mut self.waiting) {
            let _ = self.plan.finish(waiting.number, StepState::Error);
            let outcome = &mut self.outcomes[waiting.number];
            outcome.reason = Some(format!("nobody answers, and the build cannot wait: {why}"));
            outcome.state = StepState::Error.as_str().to_owned();
            let event = BuildEvent::StepFinished(outcome.clone());
            self.reporter.emit(event);
        }
        self.plan.abort();
        let reason = format!("the build cannot wait: {why}");
        self.reporter.emit(BuildEvent::VolumeNotSaved { reason: reason.clone() });
        VolumeOutcome::NotSaved { reason }
    }

    /// Writes down where the build stands, for another one to go on from there.
    pub(crate) fn stand(&mut self) -> Result<(), String> {
        let standing = self.standing();
        self.reporter.stand(&standing)
    }

    fn standing(&self) -> Standing {
        let request = self.parts.request;
        let masker = self.reporter.masker();
        let given: BTreeMap<String, String> = request.variables.iter().chain(&request.secrets).cloned().collect();
        let secret: BTreeSet<&str> = self.reporter.secret_names().iter().map(String::as_str).collect();
        let masked: BTreeSet<&str> = secret.iter().copied().chain(self.secrets.iter().map(String::as_str)).collect();
        let pairs = |values: &BTreeMap<String, String>, names: &BTreeSet<&str>| {
            Remembered::of(values.iter().map(|(name, value)| (name.as_str(), value.as_str())), names, &masker)
        };
        let steps = self.flat.iter().enumerate().map(|(number, flat)| {
            let name = flat.step.name.as_str();
            RecordedStep::new(name, self.plan.standing(number), self.references.facts(name), &masker)
        });
        let exports = self.exports.iter().map(|(step, values)| {
            let variables = pairs(values, &masked);
            StepExports { step: step.clone(), variables }
        });
        Standing {
            version: RECORD_VERSION,
            build: self.parts.id.clone(),
            steps: steps.collect(),
            exports: exports.collect(),
            given: pairs(&given, &secret),
            masked: self.secrets.clone(),
            waiting: (!self.waiting.is_empty()).then(|| {
                let variables = &self.parts.variables;
                let system = variables.effective().into_iter();
                let system = system.filter(|(name, _)| variables.layer_of(name) == Some(Layer::System));
                let text = &request.pipeline_text;
                let until = |waiting: &Waiting| RecordedApproval {
                    step: self.flat[waiting.number].step.name.to_string(),
                    until: waiting.until,
                };
                RecordedWait {
                    steps: self.waiting.iter().map(until).collect(),
                    text: (masker.mask(text) == *text).then(|| text.clone()),
                    digest: digest_of(text.as_bytes()),
                    request: RecordedRequest::of(request),
                    system: Remembered::of(system, &secret, &masker),
                    duration_ms: as_milliseconds(self.parts.ran()),
                    warnings: self.reporter.warnings().to_vec(),
                }
            }),
        }
    }

    /// What the build waits for, where it does.
    pub(crate) fn awaited(&self) -> Option<Awaited> {
        if self.waiting.is_empty() {
            return None;
        }
        let steps = self.waiting.iter().filter_map(|waiting| {
            let step = self.flat[waiting.number].step;
            let StepKind::Approval(approval) = step.kind else { return None };
            let then = approval.final_state.state().as_str().to_owned();
            Some(AwaitedStep { step: step.name.to_string(), until: waiting.until, then })
        });
        Some(Awaited { steps: steps.collect(), secrets: needed(&self.standing(), &BTreeSet::new()) })
    }
}

/// The names of the values that are recorded nowhere and that the caller has not given again.
pub(crate) fn needed(standing: &Standing, given: &BTreeSet<&str>) -> Vec<String> {
    let exported = standing.exports.iter().flat_map(|exports| &exports.variables.secret);
    let all: BTreeSet<&String> = standing.given.secret.iter().chain(exported).collect();
    all.into_iter().filter(|name| !given.contains(name.as_str())).cloned().collect()
}

/// What time it is, in milliseconds since 1970.
pub(crate) fn now(request: &BuildRequest) -> u64 {
    (request.clock)().duration_since(UNIX_EPOCH).map_or(0, as_milliseconds)
}
