//! What the failure of a step does (rules S5, S6).

use crate::pipeline::{Flag, Pipeline, Step};
use crate::references::References;
use crate::variables::Variables;

/// What the failure of a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailurePolicy {
    /// It ends the build.
    pub fail_fast: bool,
    /// It makes the build fail at its end.
    pub strict_fail_fast: bool,
}

impl FailurePolicy {
    /// The policy of a step: its own fields, else the root's (rule S6), else the defaults. A flag whose variable is
    /// undefined or no boolean counts as not given.
    #[must_use]
    pub fn of(pipeline: &Pipeline, step: &Step, variables: &Variables, references: &References) -> Self {
        let pick = |own: &Option<Flag>, root: &Option<Flag>| {
            own.iter().chain(root).find_map(|flag| flag.resolve(variables, references))
        };
        Self {
            fail_fast: pick(&step.fail_fast, &pipeline.fail_fast).unwrap_or(true),
            strict_fail_fast: pick(&step.strict_fail_fast, &pipeline.strict_fail_fast).unwrap_or(false),
        }
    }
}
