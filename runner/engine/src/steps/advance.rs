//! What starts next, and what the end of one step means for others.

use std::thread::Scope;
use std::time::{Duration, Instant};

use stepbox_limits::Limit;
use stepbox_pipeline::{Consequences, Decision, FailurePolicy, StepFacts, StepKind, StepName, StepState};
use stepbox_protocol::{Request, StepId};

use super::{Course, TERM};
use crate::event::BuildEvent;
use crate::restore::GRACE;
use crate::running::{Phase, Ran, Running, Suspended};

impl<'scope, 'a: 'scope> Course<'scope, 'a, '_, '_> {
    /// Starts whatever can start. In parallel mode conditions are looked at again whenever a step has ended (rule P8).
    pub(super) fn advance<'env>(&mut self, scope: &'scope Scope<'scope, 'env>) {
        // Whoever starts or is left out may be what another one waits for.
        while self.settle_hooks(scope) || self.pass(scope) {}
    }

    /// Starts or leaves out the next step whose turn it is; whether there was one.
    fn pass<'env>(&mut self, scope: &'scope Scope<'scope, 'env>) -> bool {
        if self.build.parts.interrupt.count() > 0 {
            let Some(first) = self.build.startable().first().copied() else { return false };
            self.build.start_step(first, FailurePolicy { fail_fast: true, strict_fail_fast: false });
            self.build.terminate(first);
            return true;
        }
        match self.build.next() {
            Some((number, Decision::Run)) => self.start(scope, number),
            Some((number, Decision::Skip(reason) | Decision::Wait(reason))) => self.skip(number, &reason.to_string()),
            None => return false,
        }
        true
    }

    /// Begins a step: its first attempt, or the steps inside of it.
    fn start<'env>(&mut self, scope: &'scope Scope<'scope, 'env>, number: usize) {
        let step = self.build.step(number);
        let started = Instant::now();
        if let StepKind::Parallel(_) = step.kind {
            let policy = self.build.begin_group(number, step);
            self.groups.insert(number, started);
            let consequences = self.build.start_step(number, policy);
            return self.follow(&step.name, consequences);
        }
        let begun = self.build.begin(number, step, 1);
        let consequences = self.build.start_step(number, begun.policy);
        let running = Running {
            step,
            label: self.build.label(number),
            description: begun.description,
            started,
            attempt: 1,
            modules: 0,
            phase: Phase::Pause,
            deadline: None,
            most_time: self.build.parts.request.limits.setting(Limit::StepTime),
            timed_out: false,
            stopped_by: None,
        };
        self.running.insert(number, running);
        self.follow(&step.name, consequences);
        match self.hook_before(number) {
            Some(hook) => self.suspend(number, hook, Suspended::Before(begun.job)),
            None => self.attempt(scope, number, started, begun.job),
        }
    }

    /// Leaves a step out, with all inside of it.
    fn skip(&mut self, number: usize, reason: &str) {
        let step = self.build.step(number);
        let consequences = self.build.decline_step(number);
        self.left_out(number, reason);
        for inner in number + 1..self.build.beside(number).0.end {
            let inside = self.build.parent_of(inner).is_some_and(|parent| parent >= number);
            let told = self.build.outcomes.get(inner).is_none_or(|outcome| outcome.reason.is_some());
            if inside && self.build.state_of(inner) == StepState::Skipped && !told {
                self.left_out(inner, &format!("inside step `{}`, which is skipped", step.name));
            }
        }
        self.follow(&step.name, consequences);
    }

    fn left_out(&mut self, number: usize, reason: &str) {
        let build = &mut *self.build;
        let step = build.step(number);
        let facts = StepFacts {
            name: step.name.to_string(),
            type_name: step.kind.type_name().to_owned(),
            result: Some(build.result_of(number).as_str().to_owned()),
            ..StepFacts::default()
        };
        build.within(number, |build| build.references.insert(facts));
        let title = step.title.as_ref().map(|title| build.text(title, &build.variables));
        let reason = build.reporter.mask(reason);
        // A step of a hook that is left out changes nothing that people see.
        let Some(outcome) = build.outcomes.get_mut(number) else { return };
        outcome.title = title.unwrap_or_else(|| step.name.to_string());
        outcome.state = StepState::Skipped.as_str().to_owned();
        outcome.reason = Some(reason);
        let event = BuildEvent::StepFinished(outcome.clone());
        build.reporter.emit(event);
    }

    /// Nothing runs, and those that wait would wait for ever (rule P9). Whether there were some.
    pub(super) fn give_up(&mut self) -> bool {
        let startable = if self.build.elected { self.build.plan.startable() } else { vec![] };
        let waiting: Vec<(usize, String)> = startable
            .into_iter()
            .filter_map(|number| match self.build.decide(number) {
                Decision::Wait(reason) | Decision::Skip(reason) => Some((number, reason.to_string())),
                Decision::Run => None,
            })
            .collect();
        let (declined, consequences) = self.build.plan.give_up();
        for number in &declined {
            let reason = waiting.iter().find(|(waiting, _)| waiting == number);
            self.left_out(*number, reason.map_or("its turn never came", |(_, reason)| reason));
        }
        let Some(first) = declined.first() else { return false };
        let first = self.build.flat[*first].step;
        self.follow(&first.name, consequences);
        true
    }

    /// Does what the end of a step means for others.
    pub(super) fn follow(&mut self, step: &StepName, consequences: Consequences) {
        let mut open = vec![consequences];
        while let Some(Consequences { stop, complete }) = open.pop() {
            for number in stop {
                self.stop(number, step);
            }
            for group in complete {
                if self.build.state_of(group) == StepState::Running {
                    open.push(self.end_group(group));
                }
            }
        }
    }

    /// Ends a running step because another one failed (rule P12).
    pub(super) fn stop(&mut self, number: usize, because: &StepName) {
        let Some(step) = self.running.get_mut(&number).filter(|step| step.stopped_by.is_none()) else { return };
        step.stopped_by = Some(because.to_string());
        match &mut step.phase {
            Phase::Commands { signals, .. } => {
                *signals = 1;
                step.deadline = Some(Instant::now() + GRACE);
                let step = Some(StepId(u32::try_from(number).unwrap_or(u32::MAX)));
                self.worker.send(&Request::Cancel { step, signal: TERM }, &[]);
            }
            Phase::Clone(_) => step.stop_clone(),
            Phase::Hook(_) => self.stop_hook(number, because),
            Phase::Pause | Phase::Approval { .. } => {
                let ran = step.as_ended(Ran::new(StepState::Terminated));
                self.end(number, ran);
            }
        }
    }

    /// All inside of a parallel step has ended.
    fn end_group(&mut self, group: usize) -> Consequences {
        let started = self.groups.remove(&group);
        let build = &mut *self.build;
        let step = build.step(group);
        let criteria = build.criteria_of(group);
        let (state, consequences) = build.finish_group(group, criteria);
        let facts = StepFacts {
            name: step.name.to_string(),
            type_name: step.kind.type_name().to_owned(),
            description: step.description.as_ref().map(|text| build.text(text, &build.variables)),
            result: state.result_word().map(str::to_owned),
            ..StepFacts::default()
        };
        build.within(group, |build| build.references.insert(facts));
        let Some(outcome) = build.outcomes.get_mut(group) else { return consequences };
        outcome.state = state.as_str().to_owned();
        outcome.duration = started.map_or(Duration::ZERO, |started| started.elapsed());
        outcome.attempts = 1;
        let event = BuildEvent::StepFinished(outcome.clone());
        build.reporter.emit(event);
        consequences
    }
}
