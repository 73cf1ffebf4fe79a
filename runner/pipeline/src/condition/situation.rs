//! What a condition looks at.

use crate::plan::StepResult;
use crate::references::References;
use crate::variables::Variables;

/// What the whole build has come to so far (rule C9).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WorkflowResult {
    /// Nothing failed.
    Running,
    /// It is stopped.
    Terminated,
    /// Something failed that counts.
    Failure,
    /// It waits for somebody.
    PendingApproval,
    /// It ended well.
    Success,
}

impl WorkflowResult {
    /// The word that expressions see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Terminated => "terminated",
            Self::Failure => "failure",
            Self::PendingApproval => "pending-approval",
            Self::Success => "success",
        }
    }
}

/// A step and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepStanding<'s> {
    /// Its name.
    pub name: &'s str,
    /// Its type, such as `freestyle`.
    pub type_name: &'s str,
    /// What it has come to.
    pub result: StepResult,
}

/// All that the `when` of a step can look at.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'s> {
    /// The variables that the step would see.
    pub variables: &'s Variables,
    /// What is known of the steps that have run.
    pub references: &'s References,
    /// Every step of the pipeline, begun or not (rule C10).
    pub steps: &'s [StepStanding<'s>],
    /// The build.
    pub workflow: WorkflowResult,
    /// The branch (`CF_BRANCH`); `None` where there is no git (rule C7).
    pub branch: Option<&'s str>,
    /// Whether it is asked again when a step has ended (`mode: parallel`, rule P8). Otherwise it is asked once, when
    /// the step's turn has come (rule C4).
    pub parallel: bool,
}
