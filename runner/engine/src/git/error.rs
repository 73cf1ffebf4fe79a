//! Why a clone cannot be made.

use std::io;

use stepbox_volume::io_text;

/// Why a clone cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum GitError {
    /// A file or directory could not be read or written.
    #[error("{what}: {}", io_text(.source))]
    Io {
        /// What was tried.
        what: String,
        /// Why it did not work.
        source: io::Error,
    },
    /// A repository could not be read.
    #[error("{what}: {why}")]
    Repository {
        /// What was tried.
        what: String,
        /// What the library says.
        why: String,
    },
    /// Something that is not done, and what to do instead.
    #[error("{0}")]
    Refused(String),
    /// The build was interrupted, or the step's time is up.
    #[error("interrupted")]
    Stopped,
}

impl GitError {
    /// For `map_err`: an error of the system.
    pub(super) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::Interrupted => Self::Stopped,
            _ => Self::Io { what: what.into(), source },
        }
    }

    /// For `map_err`: an error of the library.
    pub(super) fn git<E: std::error::Error>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |error| Self::Repository { what: what.into(), why: chain(&error) }
    }
}

/// An error with its causes: the library's own text is often only the last of them.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}

/// What a stopped operation on files ends with.
pub(super) fn stopped() -> io::Error {
    io::Error::from(io::ErrorKind::Interrupted)
}
