//! Why a build could not be run, or not to its end.

use std::path::PathBuf;

use stepbox_pipeline::Place;
use stepbox_volume::io_text;

/// Why there is no [`crate::Outcome`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineError {
    /// What happened.
    pub kind: EngineErrorKind,
    /// What happened, in words.
    pub message: String,
    /// What is wrong with the pipeline; empty for kinds that are about something else.
    pub problems: Vec<Problem>,
    /// What one can do about it.
    pub hints: Vec<String>,
}

/// What happened. The program's exit codes follow from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineErrorKind {
    /// The pipeline is wrong, or asks for what Stepbox does not do. Nothing has run.
    Pipeline,
    /// The request is wrong: a source that is refused, an unknown target of an image. Nothing has run.
    Usage,
    /// A state directory is missing, foreign or not writable. Trying again helps once that is cured.
    State,
    /// The store cannot be read.
    Store,
    /// The record of a build is damaged. Trying again does not help.
    Record,
    /// No snapshot of the volume could be restored.
    Restore,
    /// The worker could not be started, or died while no step ran. Trying again may help.
    Worker,
}

/// One thing that is wrong with a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// In words.
    pub message: String,
    /// Where.
    pub place: Option<SourcePlace>,
    /// A second place that it is about, such as the first of two equal keys.
    pub other: Option<SourcePlace>,
    /// The step that it is about.
    pub step: Option<String>,
    /// What one can do about it.
    pub hints: Vec<String>,
}

/// A place in a file, with what is needed to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePlace {
    /// The file.
    pub file: PathBuf,
    /// Where in it.
    pub place: Place,
    /// The line, without its end.
    pub source_line: String,
}

impl SourcePlace {
    pub(crate) fn new(file: &std::path::Path, text: &str, place: Place) -> Self {
        let source_line = text.lines().nth(place.line.saturating_sub(1)).unwrap_or_default().to_owned();
        Self { file: file.to_owned(), place, source_line }
    }
}

impl std::fmt::Display for SourcePlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.file.display(), self.place)
    }
}

impl EngineError {
    pub(crate) fn new(kind: EngineErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), problems: vec![], hints: vec![] }
    }

    pub(crate) fn state(what: impl std::fmt::Display, error: &std::io::Error) -> Self {
        Self::new(EngineErrorKind::State, format!("{what}: {}", io_text(error)))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for EngineError {}

/// Names in back quotes, the first twenty.
pub(crate) fn listed(names: &[&str]) -> String {
    let mut shown: Vec<String> = names.iter().take(20).map(|name| format!("`{name}`")).collect();
    if names.len() > shown.len() {
        shown.push(format!("and {} more", names.len() - shown.len()));
    }
    shown.join(", ")
}
