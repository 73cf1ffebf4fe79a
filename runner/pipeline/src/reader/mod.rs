//! From the text of a pipeline to the typed pipeline, with every problem on the way.

mod context;
mod fields;
mod freestyle;
mod git_clone;
mod root;
mod step;
mod suggest;
mod when;

use crate::diagnostic::{Diagnostic, Severity, Unsupported};
use crate::pipeline::Pipeline;
use crate::yaml::{YamlError, YamlErrorKind};
use context::Context;
pub use suggest::careful as nearest;

/// What reading a document gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The pipeline; `None` where there is an error. Steps that are unsupported are missing from it.
    pub pipeline: Option<Pipeline>,
    /// All problems, in the order of the document as far as it goes.
    pub diagnostics: Vec<Diagnostic>,
    /// What is valid but cannot be executed. Where this is not empty the pipeline must be refused.
    pub unsupported: Vec<Unsupported>,
}

impl Reading {
    /// The errors among the diagnostics.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// The warnings among the diagnostics.
    pub fn warnings(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Warning)
    }

    /// Whether the pipeline can be executed: no error, nothing unsupported.
    #[must_use]
    pub fn is_runnable(&self) -> bool {
        self.pipeline.is_some() && self.unsupported.is_empty()
    }
}

impl Pipeline {
    /// Reads a pipeline. Never fails as such: the problems are in the result.
    #[must_use]
    pub fn read(text: &str) -> Reading {
        let mut context = Context::new(text);
        let pipeline = match crate::yaml::parse(text) {
            Ok(root) => root::read(&mut context, &root),
            Err(error) => {
                context.push(yaml_diagnostic(error));
                None
            }
        };
        let (diagnostics, unsupported) = context.finish();
        let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        Reading { pipeline: pipeline.filter(|_| !failed), diagnostics, unsupported }
    }
}

/// The diagnostic of a text that is not YAML.
pub(crate) fn yaml_diagnostic(error: YamlError) -> Diagnostic {
    let hint = match &error.kind {
        YamlErrorKind::Tab(_) => Some("indent with spaces".to_owned()),
        YamlErrorKind::DuplicateKey(_) => {
            error.other.map(|other| format!("it stands first at {other}, keep one of the two"))
        }
        YamlErrorKind::SecondDocument => {
            Some("remove the `---` and what follows, or put it into its own file".to_owned())
        }
        _ => None,
    };
    Diagnostic {
        severity: Severity::Error,
        message: error.to_string(),
        place: Some(error.place),
        other: error.other,
        step: None,
        path: String::new(),
        hints: hint.into_iter().collect(),
    }
}
