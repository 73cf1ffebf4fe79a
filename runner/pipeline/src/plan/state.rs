//! Where steps stand, and what builds come to (section 6 of the specification).

/// Where a step stands (rule S1, as far as steps can get here).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun.
    Running,
    /// Ended well.
    Success,
    /// Ended badly.
    Error,
    /// Stopped: by its timeout (section 13, decision 8) or with the build.
    Terminated,
    /// Left out.
    Skipped,
    /// Somebody said yes (rule A7).
    Approved,
    /// Somebody said no, which is a failure (rule A7).
    Denied,
}

impl StepState {
    /// The word that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Success => "success",
            Self::Error => "error",
            Self::Terminated => "terminated",
            Self::Skipped => "skipped",
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }

    /// The state of a word that is shown.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        let all = [
            Self::Pending,
            Self::Running,
            Self::Success,
            Self::Error,
            Self::Terminated,
            Self::Skipped,
            Self::Approved,
            Self::Denied,
        ];
        all.into_iter().find(|state| state.as_str() == word)
    }

    /// The state after an exit status (rule S4).
    #[must_use]
    pub fn from_exit_status(status: u8) -> Self {
        if status == 0 { Self::Success } else { Self::Error }
    }

    /// The word of `${{step.result}}` and of conditions (rule S3); `None` while there is no result.
    #[must_use]
    pub fn result_word(self) -> Option<&'static str> {
        match self {
            Self::Success => Some("success"),
            Self::Error | Self::Terminated => Some("failure"),
            Self::Skipped => Some("skipped"),
            Self::Approved => Some("approved"),
            Self::Denied => Some("denied"),
            Self::Pending | Self::Running => None,
        }
    }

    /// Whether it ended, and not well.
    #[must_use]
    pub fn failed(self) -> bool {
        matches!(self, Self::Error | Self::Terminated | Self::Denied)
    }

    /// Whether nothing more will happen.
    #[must_use]
    pub fn over(self) -> bool {
        !matches!(self, Self::Pending | Self::Running)
    }
}

/// What a build came to (the end states of rule S2). The order is that of rule S8: of several builds the worst counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BuildResult {
    /// All well, or nothing that counts failed.
    Success,
    /// Failed.
    Error,
    /// Stopped from outside.
    Terminated,
}

impl BuildResult {
    /// The word that is shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Terminated => "terminated",
        }
    }

    /// The exit code of the official command line (rule S8). Stepbox's own are in DESIGN.md.
    #[must_use]
    pub fn official_exit_code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Error => 1,
            Self::Terminated => 2,
        }
    }
}
