//! Shells for a person: one after the other, where several steps want one at once.

use std::time::Instant;

use stepbox_protocol::StepId;

use super::Course;
use crate::console::{OpenShell, ShellQuestion};
use crate::event::BuildEvent;

/// A shell in front of which a person sits, or will.
pub(super) struct WaitingShell {
    step: StepId,
    after: Option<u8>,
    /// What it has asked while another one was open.
    asked: Option<ShellQuestion>,
}

impl Course<'_, '_, '_, '_> {
    /// A step has opened a shell: its time does not run meanwhile.
    pub(super) fn shell_opened(&mut self, step: StepId, after: Option<u8>) {
        if let Some(running) = self.running.get_mut(&(step.0 as usize)) {
            running.deadline = None;
        }
        self.shells.push_back(WaitingShell { step, after, asked: None });
        if self.shells.len() == 1 {
            self.show_shell();
        }
    }

    /// The shell of a step asks for something.
    pub(super) fn shell_asks(&mut self, step: StepId, number: u32, prompt: Option<Vec<u8>>) {
        let prompt = prompt.map(|prompt| self.build.reporter.mask(&String::from_utf8_lossy(&prompt)));
        let question = ShellQuestion { number, prompt };
        self.flush_some(step.0 as usize);
        let Some(at) = self.shells.iter().position(|shell| shell.step == step) else { return };
        if at > 0 {
            self.shells[at].asked = Some(question);
        } else if let Some(console) = &self.build.parts.request.console {
            console.ask(question);
        }
    }

    /// The shell of a step has ended; whether there was one.
    pub(super) fn shell_closed(&mut self, step: StepId) -> bool {
        let Some(at) = self.shells.iter().position(|shell| shell.step == step) else { return false };
        let closed = self.shells.remove(at);
        if at > 0 {
            return true;
        }
        if let Some(console) = &self.build.parts.request.console {
            console.close();
        }
        if let Some(running) = self.running.get_mut(&(step.0 as usize)) {
            let label = running.label.clone();
            // The step begins now.
            if closed.is_some_and(|closed| closed.after.is_none()) {
                running.deadline = running.step.timeout.map(|timeout| Instant::now() + timeout.duration());
            }
            self.build.reporter.emit(BuildEvent::ShellClosed { step: label });
        }
        self.show_shell();
        true
    }

    /// Shows the first shell.
    fn show_shell(&mut self) {
        let Some(shell) = self.shells.front_mut() else { return };
        let (step, after, asked) = (shell.step, shell.after, shell.asked.take());
        if let Some(running) = self.running.get(&(step.0 as usize)) {
            let label = running.label.clone();
            self.flush_some(step.0 as usize);
            self.build.reporter.emit(BuildEvent::ShellOpened { step: label, after });
        }
        if let Some(console) = &self.build.parts.request.console {
            console.open(OpenShell::new(self.worker.sender(), step));
            if let Some(question) = asked {
                console.ask(question);
            }
        }
    }
}
