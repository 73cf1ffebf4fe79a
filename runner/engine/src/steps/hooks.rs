//! When hooks run, and what their end means (rules H5 to H8, H11).

use std::thread::Scope;
use std::time::Instant;

use stepbox_pipeline::{BuildResult, HookMoment, StepName, StepState};

use super::Course;
use crate::event::BuildEvent;
use crate::outcome::as_milliseconds;
use crate::running::{Phase, Ran, Suspended};

impl<'scope, 'a: 'scope> Course<'scope, 'a, '_, '_> {
    /// Begins what runs before all steps. A build that goes on has it behind it.
    pub(super) fn begin_build(&mut self) {
        let continued = self.build.parts.resumed.as_ref().is_some_and(|resumed| resumed.continued);
        if !continued {
            self.build.annotate_as_asked();
        }
        if let Some(hook) = self.build.hooks.find(None, HookMoment::Elected).filter(|_| !continued) {
            self.build.elected = false;
            self.begin_hook(hook);
        }
    }

    /// Begins what runs after all steps, where it did not yet: whether there is something. Of a build that is stopped from
    /// outside, that waits, or whose worker is gone, nothing runs any more.
    pub(super) fn begin_end(&mut self) -> bool {
        let stopped = self.build.parts.interrupt.count() > 0 || self.build.broken.is_some();
        if stopped || !self.running.is_empty() || std::mem::replace(&mut self.ended, true) {
            return false;
        }
        let failed = self.build.plan.result(self.build.criteria()) != Some(BuildResult::Success);
        let first = if failed { HookMoment::Fail } else { HookMoment::Success };
        let hook = [first, HookMoment::Finish].into_iter().find_map(|moment| self.build.hooks.find(None, moment));
        if let Some(hook) = hook {
            self.begin_hook(hook);
        }
        hook.is_some()
    }

    /// The hook that runs before a step.
    pub(super) fn hook_before(&self, number: usize) -> Option<usize> {
        self.build.hooks.find(Some(number), HookMoment::Elected)
    }

    /// The hook that runs next when a step has ended.
    pub(super) fn hook_after(&self, number: usize, ran: &Ran) -> Option<usize> {
        let first = if ran.state.failed() { HookMoment::Fail } else { HookMoment::Success };
        [first, HookMoment::Finish].into_iter().find_map(|moment| self.build.hooks.find(Some(number), moment))
    }

    /// A step waits while one of its hooks runs.
    pub(super) fn suspend(&mut self, number: usize, hook: usize, suspended: Suspended) {
        let Some(running) = self.running.get_mut(&number) else { return };
        running.phase = Phase::Hook(Box::new(suspended));
        running.deadline = None;
        self.begin_hook(hook);
    }

    fn begin_hook(&mut self, hook: usize) {
        self.build.begin_hook(hook);
        let (step, hook) = self.names(hook);
        self.build.reporter.emit(BuildEvent::HookStarted { step, hook });
    }

    /// The step and the moment of a hook.
    fn names(&self, hook: usize) -> (Option<String>, String) {
        let hook = self.build.hooks.get(hook);
        (hook.owner.map(|owner| self.build.step(owner).name.to_string()), hook.moment.as_str().to_owned())
    }

    /// Does what the end of a hook means; whether one has ended.
    pub(super) fn settle_hooks<'env>(&mut self, scope: &'scope Scope<'scope, 'env>) -> bool {
        let Some((hook, result)) = self.build.hooks.over() else { return false };
        self.build.end_hook(hook);
        let (step, name) = self.names(hook);
        let course = self.build.hooks.get(hook);
        let (owner, moment) = (course.owner, course.moment);
        let counts = course.counts() && result != BuildResult::Success;
        let reason = course.reason.clone().filter(|_| result != BuildResult::Success);
        let duration_ms = as_milliseconds(course.started.elapsed());
        let state = match result {
            BuildResult::Success => StepState::Success,
            BuildResult::Error => StepState::Error,
            BuildResult::Terminated => StepState::Terminated,
        };
        if result != BuildResult::Terminated {
            self.build.annotate(hook, &self.volume.directory);
        }
        self.build.reporter.emit(BuildEvent::HookFinished {
            step: step.clone(),
            hook: name.clone(),
            state: state.as_str().to_owned(),
            reason: reason.clone(),
            duration_ms,
        });
        if result == BuildResult::Error && !counts {
            let why = reason.as_deref().unwrap_or("it failed");
            self.build.reporter.warn(step.as_deref(), format!("hook `{name}` failed, which changes nothing: {why}"));
        }
        match owner {
            None => self.pipeline_goes_on(moment, counts, reason),
            Some(owner) => self.step_goes_on(scope, owner, moment, counts, reason),
        }
        true
    }

    fn pipeline_goes_on(&mut self, moment: HookMoment, failed: bool, reason: Option<String>) {
        match moment {
            HookMoment::Elected => {
                self.build.elected = true;
                if failed {
                    let why = reason.unwrap_or_else(|| "it failed".to_owned());
                    self.build.reporter.warn(None, format!("hook `on_elected` failed, and with it the build: {why}"));
                    self.build.plan.abort();
                }
            }
            HookMoment::Success | HookMoment::Fail => {
                let next = self.build.hooks.find(None, HookMoment::Finish);
                if let Some(next) = next.filter(|_| self.build.parts.interrupt.count() == 0) {
                    self.begin_hook(next);
                }
            }
            HookMoment::Finish => {}
        }
    }

    fn step_goes_on<'env>(
        &mut self,
        scope: &'scope Scope<'scope, 'env>,
        number: usize,
        moment: HookMoment,
        failed: bool,
        reason: Option<String>,
    ) {
        let Some(running) = self.running.get_mut(&number) else { return };
        let Phase::Hook(suspended) = std::mem::replace(&mut running.phase, Phase::Pause) else { return };
        let interrupted = self.build.parts.interrupt.count() > 0;
        match *suspended {
            Suspended::Before(_) if interrupted => self.conclude(number, Ran::new(StepState::Terminated)),
            Suspended::Before(_) if running.stopped_by.is_some() => {
                let ran = running.as_ended(Ran::new(StepState::Terminated));
                self.end(number, ran);
            }
            Suspended::Before(_) if failed => {
                let why = reason.unwrap_or_else(|| "it failed".to_owned());
                self.end(number, Ran::failed(format!("hook `on_elected` failed: {why}")));
                // Whatever the step's own policy says (rule H7).
                self.build.plan.abort();
            }
            Suspended::Before(job) => self.attempt(scope, number, Instant::now(), job),
            Suspended::After(ran) => {
                let next = self.build.hooks.find(Some(number), HookMoment::Finish);
                match next.filter(|_| moment != HookMoment::Finish && !interrupted) {
                    Some(next) => self.suspend(number, next, Suspended::After(ran)),
                    None => self.conclude(number, ran),
                }
            }
        }
    }

    /// Stops the hook before a step that is to be stopped; one that runs after the step runs to its end.
    pub(super) fn stop_hook(&mut self, number: usize, because: &StepName) {
        let Some(hook) = self.hook_before(number) else { return };
        for inner in self.build.hooks.get(hook).running() {
            self.stop(inner, because);
        }
    }

    /// Steps of hooks that wait for ever are left out; whether there were some.
    pub(super) fn give_up_hooks(&mut self) -> bool {
        self.build.hooks.any() && self.build.give_up_hooks()
    }
}
