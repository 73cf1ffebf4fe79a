//! Command substitution (XCU 2.6.3).

use stepbox_system::{ExitStatus, OpenFile, error_text};

use crate::eval::{Condition, Flow, Shell};
use crate::ir::{List, Redirect};
use crate::memory_file::MemoryFile;
use crate::switches::Switch;

impl Shell {
    /// The output of a command substitution, its trailing newlines taken off.
    pub(super) fn substitute(&mut self, list: &List) -> Result<Vec<u8>, Flow> {
        let output = MemoryFile::collecting(self.limits().substitution);
        let failures = std::mem::take(&mut self.failures);
        let status = self.in_subshell(|shell| {
            shell.set_file(1, Some(OpenFile::new(output.clone())));
            shell.indirection += 1;
            if !shell.is_bash() {
                // Its own failures count also where that of the command around it does not (as in dash and ash).
                shell.forgiving = 0;
            } else if !shell.switches().is_on(Switch::InheritErrexit) {
                shell.state.options.errexit = false;
            }
            let result = match list.is_file_to_read().filter(|_| shell.is_bash()) {
                Some(redirect) => shell.copy_file(redirect, &output),
                None => shell.execute_list(list),
            };
            // bash runs none here while it runs that of the shell around.
            if shell.is_bash() && shell.ending {
                shell.state.traps.0.remove(&Condition::Exit);
            }
            result
        });
        // What fails in there has failed where its status is that of the command around it, and nowhere else.
        let mut inside = std::mem::replace(&mut self.failures, failures);
        let status = status?;
        self.substitution_status = Some(status);
        self.substitution_failure = inside.take(status);
        // bash has it in `$?` at once.
        if self.is_bash() {
            self.state.status = status;
        }
        let Some(mut text) = output.take() else {
            let message = format!("a command substitution gives more than {} bytes", self.limits().substitution);
            return Err(self.fatal(&message));
        };
        while text.last() == Some(&b'\n') {
            text.pop();
        }
        // A variable cannot hold them; every shell drops them.
        text.retain(|byte| *byte != 0);
        Ok(text)
    }

    /// bash's `$(<file)`: what stands in a file.
    fn copy_file(&mut self, redirect: &Redirect, output: &MemoryFile) -> Result<ExitStatus, Flow> {
        let mut saved = vec![];
        if let Err(message) = self.redirect_all(std::slice::from_ref(redirect), &mut saved)? {
            self.complain_if_any(&message);
            return Ok(ExitStatus::FAILURE);
        }
        let Some(input) = self.state.files.get(&0).cloned() else { return Ok(ExitStatus::FAILURE) };
        let output = OpenFile::new(output.clone());
        let mut buffer = vec![0; 64 << 10];
        loop {
            let copied = match input.read(&mut buffer, self.cancel()) {
                Ok(0) => return Ok(ExitStatus::SUCCESS),
                Ok(count) => output.write_all(&buffer[..count], self.cancel()),
                Err(error) => Err(error),
            };
            if let Err(error) = copied {
                self.check_cancelled()?;
                self.complain(&error_text(&error));
                return Ok(ExitStatus::FAILURE);
            }
        }
    }
}
