//! Shells for a person inside a build: before a step, or after it has failed.

use std::fmt::Debug;

use stepbox_pipeline::{FlatStep, StepKind};
use stepbox_protocol::{Request, Sender, StepId, Typed};

use crate::approval::named;
use crate::error::{EngineError, EngineErrorKind, listed};
use crate::request::BuildRequest;

/// A person at a terminal. One shell at a time is open; every call must return soon, as the build goes on meanwhile.
pub trait Console: Debug + Send + Sync {
    /// A shell is open from now on.
    fn open(&self, shell: OpenShell);

    /// The shell wants a line. A question that was asked before is not wanted any more.
    fn ask(&self, question: ShellQuestion);

    /// The shell has ended: the terminal must be as it was.
    fn close(&self);
}

/// What a shell asks a person for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellQuestion {
    pub(crate) number: u32,
    /// The prompt, in which secrets are masked; `None` where a program reads. Untrusted.
    pub prompt: Option<String>,
}

/// The way to a shell that is open.
#[derive(Clone)]
pub struct OpenShell {
    sender: Sender,
    step: StepId,
}

impl OpenShell {
    pub(crate) fn new(sender: Sender, step: StepId) -> Self {
        Self { sender, step }
    }

    /// Answers a question. Nothing happens where it is not open any more.
    pub fn answer(&self, question: &ShellQuestion, typed: Typed) {
        // A worker that is gone is noticed by whoever listens to it.
        let _ = self.sender.send(&Request::ShellTyped { step: self.step, question: question.number, typed });
    }

    /// Interrupts what the shell is executing.
    pub fn interrupt(&self) {
        let _ = self.sender.send(&Request::ShellInterrupt { step: self.step });
    }
}

impl Debug for OpenShell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenShell").field("step", &self.step).finish_non_exhaustive()
    }
}

/// Refuses shells at steps that there are not, or that run no commands.
///
/// # Errors
/// [`EngineErrorKind::Usage`].
pub(crate) fn check_shells(request: &BuildRequest, flat: &[FlatStep<'_>]) -> Result<(), EngineError> {
    for name in &request.shell_at {
        let step = flat[named(flat, "--shell-at", name)?].step;
        if !matches!(step.kind, StepKind::Freestyle(_)) {
            let message = format!("step `{name}`, which `--shell-at` names, runs no commands");
            let freestyle = |flat: &&FlatStep<'_>| matches!(flat.step.kind, StepKind::Freestyle(_));
            let names: Vec<&str> = flat.iter().filter(freestyle).map(|flat| flat.step.name.as_str()).collect();
            let error = EngineError::new(EngineErrorKind::Usage, message);
            return Err(match names.as_slice() {
                [] => error,
                names => error.hint(format!("name one that does: {}", listed(names))),
            });
        }
    }
    Ok(())
}
