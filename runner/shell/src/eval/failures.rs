//! Which command a script has failed with: for whoever started the shell, since the shell itself only tells a status.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{Flow, Shell};
use crate::ir::{Command, Pipeline};

/// How much of a command is told, in bytes.
const MAX_TEXT: usize = 1024;

/// The command with which a script failed: the innermost one, where functions and sourced files are being executed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FailedCommand {
    /// The file that it stands in, where the script has read that with `.`; none where it stands in the script itself.
    pub file: Option<Vec<u8>>,
    /// Its line there, counted from 1.
    pub line: u32,
    /// The function that it stands in.
    pub function: Option<Vec<u8>>,
    /// The line of the script itself that was being executed.
    pub script_line: u32,
    /// As it was typed, with one space between its words, up to 1024 bytes. Empty where it is in no one text: an alias, or a
    /// compound command whose redirection failed.
    pub text: Vec<u8>,
}

/// The commands of a shell that have failed.
#[derive(Default)]
pub(crate) struct Failures {
    /// How many there were.
    count: u64,
    last: Option<Failure>,
}

/// A command that has failed. Made for every one, so that nothing is copied.
pub(crate) struct Failure {
    status: ExitStatus,
    file: Option<Arc<[u8]>>,
    line: u32,
    function: Option<Arc<[u8]>>,
    script_line: u32,
    text: Arc<[u8]>,
    /// Whether it has succeeded behind a `!`.
    negated: bool,
}

impl Failures {
    /// How many there were so far, to ask later whether there was another.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The last one, if it has ended with this status.
    pub(crate) fn take(&mut self, status: ExitStatus) -> Option<Failure> {
        self.last.take_if(|failure| failure.status == status)
    }

    /// Notes one that a subshell has met.
    pub(super) fn adopt(&mut self, failure: Option<Failure>) {
        if failure.is_some() {
            self.count += 1;
            self.last = failure;
        }
    }
}

impl Failure {
    /// What is told of it.
    pub(super) fn into_command(self) -> FailedCommand {
        let owned = |text: Arc<[u8]>| text.to_vec();
        let mut text = if self.negated { b"! ".to_vec() } else { vec![] };
        text.extend_from_slice(&self.text[..self.text.len().min(MAX_TEXT)]);
        FailedCommand {
            file: self.file.map(owned),
            line: self.line,
            function: self.function.map(owned),
            script_line: self.script_line,
            text,
        }
    }
}

impl Shell {
    /// Notes a command that has failed, unless one inside it is what its status comes from. `before` is the count of failures
    /// from before it began.
    #[inline]
    pub(super) fn note_result(&mut self, before: u64, result: &Result<ExitStatus, Flow>, line: u32, text: &Arc<[u8]>) {
        let (Ok(status) | Err(Flow::Return(status) | Flow::Exit(status) | Flow::Error(status) | Flow::Discard(status))) =
            result
        else {
            return;
        };
        if !status.is_success() {
            self.note_failure(before, *status, line, text);
        }
    }

    #[cold]
    fn note_failure(&mut self, before: u64, status: ExitStatus, line: u32, text: &Arc<[u8]>) {
        let inside = self.failures.last.as_ref().filter(|_| self.failures.count != before);
        // `cmd || exit` ends with what the command has failed with.
        let passes_on = matches!(&**text, b"exit" | b"return" | b"exit $?" | b"return $?");
        let known = if passes_on { self.failures.last.as_ref() } else { inside };
        if known.is_none_or(|failure| failure.status != status) {
            let failure = self.failure(status, line, text);
            self.failures.adopt(Some(failure));
        }
    }

    fn failure(&self, status: ExitStatus, line: u32, text: &Arc<[u8]>) -> Failure {
        let function = self.frames.last().filter(|frame| frame.is_function);
        Failure {
            status,
            file: self.sourced_file().cloned(),
            line,
            function: function.map(|frame| Arc::clone(&frame.name)),
            script_line: self.frames.first().map_or(line, |frame| frame.line),
            text: Arc::clone(text),
            negated: false,
        }
    }

    /// Notes that a command behind a `!` has succeeded.
    pub(super) fn note_negated(&mut self, pipeline: &Pipeline) {
        let nothing = Arc::default();
        let (line, text) = match pipeline.commands.as_slice() {
            [command] => match &**command {
                Command::Simple(simple) => (simple.line, &simple.text),
                Command::Compound { line, text, .. } => (*line, text),
                Command::Function { .. } => (self.line, &nothing),
            },
            _ => (self.line, &nothing),
        };
        let failure = Failure { negated: !text.is_empty(), ..self.failure(ExitStatus::FAILURE, line, text) };
        self.failures.adopt(Some(failure));
    }

    /// The file that the command being executed stands in, where it is none of the script itself.
    pub(super) fn sourced_file(&self) -> Option<&Arc<[u8]>> {
        self.frames.last().filter(|frame| frame.is_sourced).map(|frame| &frame.source)
    }
}
