//! Who answers approvals (rules A7, A9): the caller beforehand, somebody who is asked while the build runs, or nobody.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stepbox_pipeline::{FlatStep, StepKind, nearest};

use crate::error::{EngineError, EngineErrorKind, listed};
use crate::request::BuildRequest;

/// What somebody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Yes.
    Approved,
    /// No.
    Denied,
    /// Nothing for now: the build waits, as if nobody had been asked.
    Later,
}

/// What somebody is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The step's name.
    pub step: String,
    /// Its title, or its name; secrets are masked, everything else is untrusted.
    pub title: String,
}

/// Somebody who can be asked while a build runs.
pub trait Approver: Debug + Send + Sync {
    /// Asks. Must return at once: the build goes on meanwhile. The answer may come from any thread, at any time, or never.
    fn ask(&self, question: Question, reply: Reply);

    /// The answer to the question about a step is not wanted any more: the build ends, or it was waited for too long.
    fn withdraw(&self, step: &str);
}

/// The way of an answer to the build.
pub struct Reply {
    step: usize,
    answers: Answers,
    wake: Box<dyn Fn() + Send>,
}

impl Reply {
    /// Answers. Nothing happens where the answer is not wanted any more.
    pub fn give(self, answer: Answer) {
        let mut open = self.answers.lock();
        if let Some(place) = open.get_mut(&self.step) {
            *place = Some(answer);
            drop(open);
            (self.wake)();
        }
    }
}

impl Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reply").field("step", &self.step).finish_non_exhaustive()
    }
}

/// The questions that are open, by the numbers of their steps, and the answers that nobody has heard yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers(Arc<Mutex<BTreeMap<usize, Option<Answer>>>>);

impl Answers {
    /// Opens a question. `wake` is called when there is an answer.
    pub(crate) fn open(&self, step: usize, wake: impl Fn() + Send + 'static) -> Reply {
        self.lock().insert(step, None);
        Reply { step, answers: self.clone(), wake: Box::new(wake) }
    }

    /// Closes a question: a late answer is not heard.
    pub(crate) fn close(&self, step: usize) {
        self.lock().remove(&step);
    }

    /// An answer that nobody has heard yet; its question is closed.
    pub(crate) fn take(&self) -> Option<(usize, Answer)> {
        let mut open = self.lock();
        let (step, answer) = open.iter().find_map(|(step, answer)| Some((*step, (*answer)?)))?;
        open.remove(&step);
        Some((step, answer))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<usize, Option<Answer>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses answers for steps that are no approvals, and two different ones for one step.
///
/// # Errors
/// [`EngineErrorKind::Usage`].
pub(crate) fn check_answers(request: &BuildRequest, flat: &[FlatStep<'_>]) -> Result<(), EngineError> {
    let given =
        |names: &'static str, list: &[String]| list.iter().map(|name| (names, name.clone())).collect::<Vec<_>>();
    for (flag, name) in given("--approve", &request.approve).into_iter().chain(given("--deny", &request.deny)) {
        named(flat, flag, &name)?;
        let is_approval = |flat: &FlatStep<'_>| matches!(flat.step.kind, StepKind::Approval(_));
        if !flat.iter().any(|flat| flat.step.name.as_str() == name && is_approval(flat)) {
            let message = format!("step `{name}`, which `{flag}` names, is no approval");
            let approvals: Vec<&str> =
                flat.iter().filter(|flat| is_approval(flat)).map(|flat| flat.step.name.as_str()).collect();
            let error = EngineError::new(EngineErrorKind::Usage, message);
            return Err(match approvals.as_slice() {
                [] => error.hint("the pipeline has no step of `type: pending-approval`"),
                _ => error.hint(format!("its approvals are {}", listed(&approvals))),
            });
        }
    }
    match request.approve.iter().find(|name| request.deny.contains(name)) {
        Some(name) => {
            let message = format!("`--approve {name}` and `--deny {name}` contradict each other");
            Err(EngineError::new(EngineErrorKind::Usage, message).hint("give one of them"))
        }
        None => Ok(()),
    }
}

/// The number of the step of a name that a flag gives.
///
/// # Errors
/// [`EngineErrorKind::Usage`] where there is none.
pub(crate) fn named(flat: &[FlatStep<'_>], flag: &str, name: &str) -> Result<usize, EngineError> {
    let found = flat.iter().position(|flat| flat.step.name.as_str() == name);
    found.ok_or_else(|| {
        let message = format!("there is no step `{name}`, which `{flag}` names");
        let names: Vec<&str> = flat.iter().map(|flat| flat.step.name.as_str()).collect();
        meant(EngineError::new(EngineErrorKind::Usage, message), name, &names, "its steps are")
    })
}

/// An error about a name that says which one may have been meant, or which there are.
pub(crate) fn meant(error: EngineError, name: &str, names: &[&str], there_are: &str) -> EngineError {
    match nearest(name, names) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint(format!("{there_are} {}", listed(names))),
    }
}
