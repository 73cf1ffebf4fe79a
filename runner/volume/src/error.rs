use std::io;

/// Why something with a snapshot or the store failed: what happened, and while doing what.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct VolumeError {
    kind: VolumeErrorKind,
    message: String,
    #[source]
    source: Option<io::Error>,
}

/// What happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum VolumeErrorKind {
    /// Stored bytes are not what their name says, or make no sense. Trying again does not help; an older snapshot may.
    Corrupt,
    /// A newer Stepbox wrote it. That one reads it.
    Newer,
    /// No space is left, or a quota is used up. Helps to try again when there is.
    NoSpace,
    /// It may not be written.
    ReadOnly,
    /// It was told to stop.
    Cancelled,
    /// There is no such volume or snapshot.
    NotFound,
    /// A bound of Stepbox was met.
    Limit,
    /// Anything else of the host.
    Io,
}

impl VolumeError {
    pub(crate) fn new(kind: VolumeErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    pub(crate) fn corrupt(message: impl Into<String>) -> Self {
        Self::new(VolumeErrorKind::Corrupt, message)
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(VolumeErrorKind::Cancelled, "stopped")
    }

    /// An I/O error, while doing `what`.
    pub(crate) fn io(what: impl std::fmt::Display, source: io::Error) -> Self {
        let kind = match source.raw_os_error() {
            Some(28 | 122) => VolumeErrorKind::NoSpace,
            Some(30 | 13 | 1) => VolumeErrorKind::ReadOnly,
            Some(2) => VolumeErrorKind::NotFound,
            _ => VolumeErrorKind::Io,
        };
        Self { kind, message: format!("{what}: {}", io_text(&source)), source: Some(source) }
    }

    /// The same without its source.
    pub(crate) fn again(&self) -> Self {
        Self::new(self.kind, self.message.clone())
    }

    /// What happened.
    pub fn kind(&self) -> VolumeErrorKind {
        self.kind
    }
}

/// What the system says, without its number, in our lower case.
pub fn io_text(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Turns an I/O error into a [`VolumeError`] that says what was being done.
pub(crate) trait Context<T> {
    fn context(self, what: impl std::fmt::Display) -> Result<T, VolumeError>;
}

impl<T> Context<T> for io::Result<T> {
    fn context(self, what: impl std::fmt::Display) -> Result<T, VolumeError> {
        self.map_err(|source| VolumeError::io(what, source))
    }
}

impl<T> Context<T> for Result<T, rustix::io::Errno> {
    fn context(self, what: impl std::fmt::Display) -> Result<T, VolumeError> {
        self.map_err(|error| VolumeError::io(what, error.into()))
    }
}
