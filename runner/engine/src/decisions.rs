//! What the conditions of a build say: whether a step runs, and whether success criteria hold.

use std::ops::Range;

use stepbox_pipeline::{Decision, Judge, Situation, StepKind, StepStanding, SuccessCriteria, When, WorkflowResult};

use crate::build::Build;

impl Build<'_, '_, '_> {
    /// The first step whose turn has come, and whether it runs or is left out (section 4 of the specification). Those
    /// that wait are looked at together: there may be thousands.
    pub(crate) fn next(&mut self) -> Option<(usize, Decision)> {
        let startable = self.startable();
        let mut rest = startable.as_slice();
        while let Some(first) = rest.first().copied() {
            if self.step(first).when.is_none() {
                return Some((first, Decision::Run));
            }
            let (beside, parallel) = self.beside(first);
            let (together, others) = rest.split_at(rest.partition_point(|number| *number < beside.end));
            rest = others;
            let found = self.within(first, |build| {
                let steps = build.standings(beside);
                let situation = build.situation(&steps, parallel);
                let judge = Judge::new(&situation);
                together.iter().find_map(|number| {
                    let step = build.step(*number);
                    match step.when.as_ref().map_or(Decision::Run, |when| judge.decide(step.name.as_str(), when)) {
                        Decision::Wait(_) => None,
                        decision => Some((*number, decision)),
                    }
                })
            });
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Whether a step runs now (section 4 of the specification).
    pub(crate) fn decide(&mut self, number: usize) -> Decision {
        let step = self.step(number);
        let Some(when) = &step.when else { return Decision::Run };
        let (beside, parallel) = self.beside(number);
        self.within(number, |build| build.look(when, step.name.as_str(), beside, parallel))
    }

    /// What the success criteria of a parallel step say; `None` where it has none (rules P15, P16).
    pub(crate) fn criteria_of(&self, group: usize) -> Option<bool> {
        let StepKind::Parallel(parallel) = &self.step(group).kind else { return None };
        parallel.success_criteria.as_ref().map(|criteria| self.hold(criteria, &self.members(group)))
    }

    /// What the success criteria of the build say; `None` where it has none.
    pub(crate) fn criteria(&self) -> Option<bool> {
        let criteria = self.parts.pipeline.success_criteria.as_ref()?;
        let roots: Vec<usize> = (0..self.flat.len()).filter(|number| self.flat[*number].parent.is_none()).collect();
        Some(self.hold(criteria, &roots))
    }

    fn hold(&self, criteria: &SuccessCriteria, members: &[usize]) -> bool {
        let members = members.iter().map(|number| (self.step(*number).name.as_str(), self.state_of(*number)));
        criteria.hold(members, |condition| {
            let when = When { condition: Some(condition.clone()), ..When::default() };
            self.look(&when, "", 0..self.flat.len(), false) == Decision::Run
        })
    }

    /// What the build has come to so far (rule C9).
    fn workflow(&self) -> WorkflowResult {
        let waits = |number: &usize| matches!(self.flat[*number].step.kind, StepKind::Approval(_));
        if self.plan.has_failed() {
            WorkflowResult::Failure
        } else if self.plan.running().iter().any(waits) {
            WorkflowResult::PendingApproval
        } else {
            WorkflowResult::Running
        }
    }

    fn look(&self, when: &When, step: &str, beside: Range<usize>, parallel: bool) -> Decision {
        when.decide(step, &self.situation(&self.standings(beside), parallel))
    }

    /// Where steps stand.
    pub(crate) fn standings(&self, numbers: Range<usize>) -> Vec<StepStanding<'_>> {
        let standing = |number: usize| StepStanding {
            name: self.step(number).name.as_str(),
            type_name: self.step(number).kind.type_name(),
            result: self.result_of(number),
        };
        numbers.map(standing).collect()
    }

    /// What expressions look at.
    pub(crate) fn situation<'s>(&'s self, steps: &'s [StepStanding<'s>], parallel: bool) -> Situation<'s> {
        Situation {
            variables: &self.variables,
            references: &self.references,
            steps,
            workflow: self.workflow(),
            branch: self.variables.get("CF_BRANCH"),
            parallel,
        }
    }
}
