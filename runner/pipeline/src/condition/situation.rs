//! What a condition looks at.

use crate::plan::StepState;
use crate::references::References;
use crate::variables::Variables;
use crate::when::On;

/// What a step has come to so far (rule C8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepResult {
    /// Not begun (rule C10).
    Pending,
    /// Begun and not ended.
    Running,
    /// Ended well.
    Success,
    /// Ended badly.
    Failure,
    /// Left out.
    Skipped,
    /// Being stopped.
    Terminating,
    /// Stopped, which is a failure too (section 13, decision 8).
    Terminated,
    /// Somebody said yes.
    Approved,
    /// Somebody said no.
    Denied,
}

impl StepResult {
    /// The word that expressions see (rules S3, C8).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running | Self::Terminating => "running",
            Self::Success => "success",
            Self::Failure | Self::Terminated => "failure",
            Self::Skipped => "skipped",
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }

    /// Whether it stays so.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Running | Self::Terminating)
    }

    /// Whether a word of `on` means it (rule C15).
    #[must_use]
    pub fn is(self, on: On) -> bool {
        match on {
            On::Success => self == Self::Success,
            On::Running => self == Self::Running,
            On::Failure => matches!(self, Self::Failure | Self::Terminated),
            On::Skipped => self == Self::Skipped,
            On::Pending => self == Self::Pending,
            On::Terminating => self == Self::Terminating,
            On::Terminated => self == Self::Terminated,
            On::Finished => matches!(self, Self::Success | Self::Failure | Self::Terminated | Self::Skipped),
            On::Approved => self == Self::Approved,
            On::Denied => self == Self::Denied,
        }
    }
}

impl From<StepState> for StepResult {
    fn from(state: StepState) -> Self {
        match state {
            StepState::Pending => Self::Pending,
            StepState::Running => Self::Running,
            StepState::Success => Self::Success,
            StepState::Error => Self::Failure,
            StepState::Terminated => Self::Terminated,
            StepState::Skipped => Self::Skipped,
            StepState::Approved => Self::Approved,
            StepState::Denied => Self::Denied,
        }
    }
}

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
