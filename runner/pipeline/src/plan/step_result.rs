//! What steps have come to, as conditions see it.

use super::state::StepState;
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
