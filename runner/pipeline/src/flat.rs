//! The steps of a pipeline in one row: each before those inside of it.

use crate::pipeline::{Pipeline, Step, StepKind};
use crate::plan::PlanStep;

/// A step and its place in the tree. Its number is its place in the row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FlatStep<'a> {
    /// The step.
    pub step: &'a Step,
    /// The number of the step that it is inside of.
    pub parent: Option<usize>,
}

impl FlatStep<'_> {
    /// What the plan has to know of it.
    #[must_use]
    pub fn plan_step(&self) -> PlanStep {
        PlanStep { parent: self.parent, group: matches!(self.step.kind, StepKind::Parallel(_)) }
    }
}

impl Pipeline {
    /// All steps in the order of the document, a parallel step before its members. The reader bounds the depth.
    #[must_use]
    pub fn flat(&self) -> Vec<FlatStep<'_>> {
        fn add<'a>(steps: &'a [Step], parent: Option<usize>, all: &mut Vec<FlatStep<'a>>) {
            for step in steps {
                all.push(FlatStep { step, parent });
                if let StepKind::Parallel(parallel) = &step.kind {
                    let number = all.len() - 1;
                    add(&parallel.steps, Some(number), all);
                }
            }
        }
        let mut all = Vec::new();
        add(&self.steps, None, &mut all);
        all
    }
}
