//! Standard output: where the results go.

use std::io::{ErrorKind, IsTerminal, Write};

use stepbox_engine::io_text;

use crate::environment;
use crate::error::CliError;

/// Standard output, and whether all could be written to it.
///
/// A reader that has enough is no reason to end a build, and nothing is wrong then; a device that is full is none
/// either, but what was lost must be told.
#[derive(Debug, Default)]
pub(crate) struct Results {
    failure: Option<std::io::Error>,
}

/// Prints a whole result.
pub(crate) fn print(text: &str) -> Result<(), CliError> {
    let mut results = Results::default();
    results.write(text.as_bytes());
    results.check()
}

/// Whether standard output is to be coloured.
pub(crate) fn colors() -> bool {
    std::io::stdout().is_terminal() && !environment::no_color()
}

impl Results {
    /// Writes some bytes, at once; nothing after the first failure.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if self.failure.is_none() {
            let mut out = std::io::stdout();
            self.failure = out.write_all(bytes).and_then(|()| out.flush()).err();
        }
    }

    /// That all could be written, or that the reader had enough.
    pub(crate) fn check(&self) -> Result<(), CliError> {
        match &self.failure {
            Some(error) if error.kind() != ErrorKind::BrokenPipe => {
                Err(CliError::host(format!("not all of the output could be written: {}", io_text(error))))
            }
            _ => Ok(()),
        }
    }
}
