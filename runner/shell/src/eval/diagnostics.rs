//! What a shell says on standard error, and which errors end it.

use std::sync::PoisonError;

use stepbox_system::ExitStatus;

use super::{Flow, Shell};
use crate::config::Mode;
use crate::parse::SyntaxError;

impl Shell {
    /// Prints a message as `name: line: message` on standard error.
    pub(crate) fn say(&self, message: &str) {
        // The file that a function or a command comes from.
        let source = match self.context.mode {
            Mode::Sh => self.sourced_file().map(|file| &**file),
            Mode::Bash => self.frames.last().map(|frame| &*frame.source),
        };
        let name = String::from_utf8_lossy(source.unwrap_or(&self.state.name)).into_owned();
        self.print_error(format!("{name}: {message}\n").as_bytes());
    }

    /// The same, with the line of the command that is being executed.
    pub(crate) fn complain(&self, message: &str) {
        match self.context.mode {
            Mode::Sh => self.say(&format!("{}: {message}", self.line)),
            Mode::Bash => self.say(&format!("line {}: {message}", self.line)),
        }
    }

    /// The same, unless it is empty: then it has been said.
    pub(crate) fn complain_if_any(&self, message: &str) {
        if !message.is_empty() {
            self.complain(message);
        }
    }

    /// Prints one of two messages: what sh says, and what bash does.
    pub(crate) fn complain_as(&self, sh: &str, bash: &str) {
        self.complain(if self.is_bash() { bash } else { sh });
    }

    /// An error that ends a shell that is not interactive (XCU 2.8.1): status 2.
    pub(crate) fn fatal(&self, message: &str) -> Flow {
        self.complain(message);
        Flow::Error(ExitStatus::USAGE)
    }

    /// A bound that the shell has met, which ends it like any such error. Subshells of one shell that meet the same bound say so once;
    /// how often there was more of it, `say_repeated` tells at the end.
    pub(super) fn refusal(&self, message: &str) -> Flow {
        self.complain_once(message);
        Flow::Error(ExitStatus::USAGE)
    }

    /// Says a message that no other subshell of this shell has said.
    pub(super) fn complain_once(&self, message: &str) {
        let mut refusals = self.context.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        match refusals.get_mut(message) {
            Some(more) => *more += 1,
            None => {
                refusals.insert(message.to_owned(), 0);
                drop(refusals);
                self.complain(message);
            }
        }
    }

    /// The end of the first shell: tells how often its subshells have met bounds that were told of already.
    pub(super) fn say_repeated(&self) {
        // They stay known, so that what is left in the background does not begin to tell of them.
        let counted: Vec<_> = {
            let mut refusals = self.context.refusals.lock().unwrap_or_else(PoisonError::into_inner);
            refusals.iter_mut().map(|(message, more)| (message.clone(), std::mem::take(more))).collect()
        };
        for (message, more) in counted.into_iter().filter(|(_, more)| *more > 0) {
            let times = if more == 1 { "once more".to_owned() } else { format!("{more} times more") };
            self.complain(&format!("{message} ({times})"));
        }
    }

    /// Tells of a text that cannot be parsed: the script, or what a command of it executes.
    pub(super) fn say_syntax_error(&self, error: &SyntaxError, is_script: bool) {
        if !self.is_bash() {
            return self.say(&error.to_string());
        }
        let sourced = self.frames.last().is_some_and(|frame| !frame.is_function);
        let prefix = match is_script {
            true if self.is_command_string => "-c: ",
            false if !sourced => "eval: ",
            _ => "",
        };
        self.say(&format!("{prefix}line {}: {}", error.line, error.message));
        if let Some(text) = &error.text {
            self.say(&format!("{prefix}line {}: `{text}'", error.line));
        }
    }

    /// An error in an expansion or an assignment: as `fatal`, but bash goes on with the next command that is read. Under
    /// `set -e` it ends, in conditions too.
    pub(crate) fn expansion_error(&self, message: &str) -> Flow {
        match self.arithmetic_error(message) {
            Flow::Discard(status) if self.options().errexit => Flow::Exit(status),
            flow => flow,
        }
    }

    /// The same, but bash goes on under `set -e` too.
    pub(crate) fn arithmetic_error(&self, message: &str) -> Flow {
        match self.context.mode {
            Mode::Sh => self.fatal(message),
            Mode::Bash => {
                self.complain(message);
                Flow::Discard(ExitStatus::FAILURE)
            }
        }
    }

    /// `${x?}` and `set -u`: ends the shell, in bash too.
    pub(crate) fn missing_parameter(&self, message: &str) -> Flow {
        if self.context.mode == Mode::Sh || self.options().interactive {
            return self.fatal(message);
        }
        self.complain(message);
        let of_command_string = self.is_command_string && !self.subshell && !self.options().errexit;
        Flow::Exit(if of_command_string { ExitStatus::NOT_FOUND } else { ExitStatus::FAILURE })
    }

    pub(crate) fn print_error(&self, text: &[u8]) {
        if let Some(file) = self.state.files.get(&2) {
            // Nobody is left to tell where standard error fails.
            let _ = file.write_all(text, self.cancel());
        }
    }
}
