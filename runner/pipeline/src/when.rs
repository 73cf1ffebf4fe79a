//! When a step runs (section 4.1 of the specification), as it is written.

use crate::place::Place;
use crate::template::Template;

/// What must hold for a step to run. What is not given holds; of what is given all must (rule C3).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct When {
    /// On which branches (rules C5-C7).
    pub branch: Option<BranchFilter>,
    /// Expressions (rule C13).
    pub condition: Option<Conditions>,
    /// What other steps came to (rules C14-C18).
    pub steps: Option<StepConditions>,
}

/// Branches by name, or by a regular expression `/…/flags`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BranchFilter {
    /// One of these must match.
    pub only: Option<Vec<Template>>,
    /// None of these may match.
    pub ignore: Option<Vec<Template>>,
}

/// Expressions under their labels.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// All of these must be true.
    pub all: Option<Vec<(String, Template)>>,
    /// One of these must be true.
    pub any: Option<Vec<(String, Template)>>,
}

/// What other steps must have come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepConditions {
    /// One item is enough; otherwise all must hold (rule C16).
    pub any: bool,
    /// The items.
    pub items: Vec<StepCondition>,
}

/// What another step must have come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepCondition {
    /// The name of the other step.
    pub name: String,
    /// One of these; `success` where it is not given (rule C15).
    pub on: Vec<On>,
    /// Where its name stands.
    pub place: Place,
}

/// What a step can have come to (rule C14).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum On {
    /// Ended well.
    Success,
    /// Begun and not ended.
    Running,
    /// Ended badly.
    Failure,
    /// Left out.
    Skipped,
    /// Not begun.
    Pending,
    /// Being stopped.
    Terminating,
    /// Stopped.
    Terminated,
    /// Success, failure or skipped (rule C15).
    Finished,
    /// Somebody said yes.
    Approved,
    /// Somebody said no.
    Denied,
}

impl On {
    /// All of them, in the order in which the official validator names them.
    pub const ALL: [Self; 10] = [
        Self::Success,
        Self::Running,
        Self::Failure,
        Self::Skipped,
        Self::Pending,
        Self::Terminating,
        Self::Terminated,
        Self::Finished,
        Self::Approved,
        Self::Denied,
    ];

    /// The words of all of them.
    pub(crate) const WORDS: [&'static str; 10] = {
        let mut words = [""; 10];
        let mut at = 0;
        while at < words.len() {
            words[at] = Self::ALL[at].as_str();
            at += 1;
        }
        words
    };

    /// The word as pipelines write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Running => "running",
            Self::Failure => "failure",
            Self::Skipped => "skipped",
            Self::Pending => "pending",
            Self::Terminating => "terminating",
            Self::Terminated => "terminated",
            Self::Finished => "finished",
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }

    /// What a word means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|on| on.as_str() == word)
    }
}

impl Conditions {
    /// Every text in which `${{…}}` is replaced.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        self.all.iter().chain(&self.any).flatten().map(|(_, expression)| expression)
    }
}

impl When {
    /// Every text in which `${{…}}` is replaced.
    pub fn templates(&self) -> impl Iterator<Item = &Template> {
        let branches = self.branch.iter().flat_map(|branch| branch.only.iter().chain(&branch.ignore).flatten());
        branches.chain(self.condition.iter().flat_map(Conditions::templates))
    }
}
