//! What runs, or is noted, before and after a step or the whole pipeline (section 11 of the specification).

use crate::annotations::Annotations;
use crate::pipeline::{Pipeline, Step};

/// The image of hooks that are a list of commands (rule H2).
pub const HOOK_IMAGE: &str = "alpine";

/// When a hook runs (rule H5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HookMoment {
    /// Before.
    Elected,
    /// After success.
    Success,
    /// After a failure.
    Fail,
    /// At the end, whatever it came to.
    Finish,
}

impl HookMoment {
    /// All of them, in the order in which they come.
    pub const ALL: [Self; 4] = [Self::Elected, Self::Success, Self::Fail, Self::Finish];

    /// The field that holds the hook.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Elected => "on_elected",
            Self::Success => "on_success",
            Self::Fail => "on_fail",
            Self::Finish => "on_finish",
        }
    }
}

/// The hooks of a step or of the pipeline.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Hooks {
    all: [Option<Box<Hook>>; 4],
}

/// One hook.
#[derive(Debug, Clone, PartialEq)]
pub struct Hook {
    /// What runs: a small pipeline with mode, failure policy and steps; without steps where something is only noted.
    pub course: Pipeline,
    /// What is noted when it runs.
    pub annotations: Annotations,
}

impl Hooks {
    /// The hook of a moment.
    #[must_use]
    pub fn get(&self, moment: HookMoment) -> Option<&Hook> {
        self.all[moment as usize].as_deref()
    }

    /// Sets the hook of a moment.
    pub(crate) fn set(&mut self, moment: HookMoment, hook: Hook) {
        self.all[moment as usize] = Some(Box::new(hook));
    }

    /// All hooks that there are, in the order in which they run.
    pub fn iter(&self) -> impl Iterator<Item = (HookMoment, &Hook)> {
        HookMoment::ALL.into_iter().filter_map(|moment| Some((moment, self.get(moment)?)))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.all.iter().all(Option::is_none)
    }

    /// The steps of all hooks, those inside of others too.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.iter().flat_map(|(_, hook)| hook.course.flat()).map(|flat| flat.step)
    }
}
