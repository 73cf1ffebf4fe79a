//! Waiting for somebody's yes or no (section 11.3 of the specification).

use std::time::Duration;

use crate::plan::StepState;

/// How long an answer is waited for where nothing else is said (rule A6).
pub const DEFAULT_APPROVAL_WAIT: Duration = Duration::from_secs(168 * 3600);

/// The longest wait; a longer one is as good as it.
pub const MAX_APPROVAL_WAIT: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// A step that waits for an answer (`type: pending-approval`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approval {
    /// How long, at most [`MAX_APPROVAL_WAIT`].
    pub wait: Duration,
    /// What the step comes to when nobody has answered by then.
    pub final_state: FinalState,
}

impl Default for Approval {
    fn default() -> Self {
        Self { wait: DEFAULT_APPROVAL_WAIT, final_state: FinalState::Terminated }
    }
}

/// What an approval comes to that nobody answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FinalState {
    /// As if somebody had said yes.
    Approved,
    /// As if somebody had said no.
    Denied,
    /// It failed.
    Terminated,
}

impl FinalState {
    /// The state of the step.
    #[must_use]
    pub fn state(self) -> StepState {
        match self {
            Self::Approved => StepState::Approved,
            Self::Denied => StepState::Denied,
            Self::Terminated => StepState::Terminated,
        }
    }

    /// The final state of a word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Approved, Self::Denied, Self::Terminated].into_iter().find(|one| one.state().as_str() == word)
    }
}
