//! Why a clone cannot be made.

use std::io;

use crate::error::io_text;

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
    pub(super) fn git<E: std::fmt::Display>(what: impl Into<String>) -> impl FnOnce(E) -> Self {
        move |error| Self::Repository { what: what.into(), why: error.to_string() }
    }
}

/// What a stopped operation on files ends with.
pub(super) fn stopped() -> io::Error {
    io::Error::from(io::ErrorKind::Interrupted)
}
