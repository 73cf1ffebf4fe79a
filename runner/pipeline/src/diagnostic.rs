//! What a reader says about a document.

use crate::place::Place;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The pipeline runs all the same.
    Warning,
    /// The pipeline cannot run.
    Error,
}

/// One problem of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in the official validator's words where it has some.
    pub message: String,
    /// Where, if it is about a place.
    pub place: Option<Place>,
    /// A second place it is about, such as the first of two equal keys.
    pub other: Option<Place>,
    /// The name of the step it is about.
    pub step: Option<String>,
    /// The field it is about, like `steps.build.image`; empty for the document.
    pub path: String,
    /// What one can do about it.
    pub hints: Vec<String>,
}

impl std::fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(place) = self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Something valid that Stepbox does not execute: it is refused by name, never ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// The feature, such as `when` or `type: build`.
    pub feature: String,
    /// The step that asks for it; `None` for the whole pipeline.
    pub step: Option<String>,
    /// Where.
    pub place: Place,
    /// Why it is refused.
    pub reason: String,
    /// What one can do about it.
    pub hint: Option<String>,
}

impl Unsupported {
    /// Whether Docker would be needed for it.
    #[must_use]
    pub fn needs_docker(&self) -> bool {
        [NEEDS_DOCKER, SERVICES].contains(&self.reason.as_str())
    }
}

/// The reason for what only Docker does.
pub(crate) const NEEDS_DOCKER: &str = "it needs docker";

/// The reason for services.
pub(crate) const SERVICES: &str = "services are containers, which need docker";
