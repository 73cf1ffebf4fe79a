//! From the text of a pipeline to the typed pipeline, with every problem on the way.

mod approval;
mod context;
mod criteria;
mod cycles;
mod freestyle;
mod git_clone;
mod hooks;
mod retry;
mod root;
mod specification;
mod step;
mod values;
mod when;

use crate::diagnostic::{Diagnostic, Severity, Unsupported};
use crate::expansion::Expansion;
use crate::pipeline::Pipeline;
use crate::pipeline_spec::PipelineSpec;
use crate::schema::BuildVersion;
use crate::unknown_names::unknown_names;
use crate::yaml::{Node, YamlError, YamlErrorKind};
use context::Context;

/// What reading a document gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The pipeline; `None` where there is an error. Steps of unsupported types are in it by their names alone.
    pub pipeline: Option<Pipeline>,
    /// What a document of `kind: pipeline` says beside the pipeline; `None` for any other and where there is an error.
    pub spec: Option<PipelineSpec>,
    /// All problems: errors in the order of the official validator, then warnings.
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
        Self::read_parsed(text, crate::yaml::parse(text))
    }

    /// The same of a text that is parsed already.
    #[must_use]
    pub fn read_parsed(text: &str, parsed: Result<Node, YamlError>) -> Reading {
        let mut context = Context::new(text);
        let mut spec = None;
        let pipeline = match document(parsed, context.build) {
            Ok(Document { root, build, expansion }) => {
                context.check(&root, build, expansion);
                spec = crate::schema::is_specification(&root).then(|| specification::read(&context, &root)).flatten();
                root::read(&mut context, &root)
            }
            Err(diagnostic) => {
                context.push(*diagnostic);
                None
            }
        };
        let (diagnostics, unsupported) = context.finish();
        let failed = diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error);
        let (pipeline, spec) = (pipeline.filter(|_| !failed), spec.filter(|_| !failed));
        Reading { pipeline, spec, diagnostics, unsupported }
    }
}

/// Says what is wrong with a document, and nothing about whether it can be executed here.
///
/// `build` says which fields steps of type `build` have where the document does not. Errors come first, in the order of
/// the official validator, whose words they have; then warnings.
#[must_use]
pub fn validate(text: &str, build: BuildVersion) -> Vec<Diagnostic> {
    match document(crate::yaml::parse(text), build) {
        Ok(Document { root, build, expansion }) => {
            let (checked, count) = crate::schema::check(&root, build);
            let mut diagnostics = expansion.problems.clone();
            diagnostics.extend(checked);
            diagnostics.extend(unknown_names(&root, text));
            expansion.once(&mut diagnostics);
            diagnostics.extend(context::dropped(count));
            diagnostics
        }
        Err(diagnostic) => vec![*diagnostic],
    }
}

/// A document whose root is a mapping, and in which steps are multiplied.
pub(crate) struct Document {
    /// The tree.
    pub(crate) root: Node,
    /// Which fields steps of type `build` have.
    pub(crate) build: BuildVersion,
    /// What became of the copies of steps.
    pub(crate) expansion: Expansion,
}

/// Takes a tree as far as everything that looks at steps needs it. `build` is for documents that do not say it.
///
/// # Errors
/// What makes it no document.
pub(crate) fn document(parsed: Result<Node, YamlError>, build: BuildVersion) -> Result<Document, Box<Diagnostic>> {
    let mut root = parsed.map_err(|error| Box::new(yaml_diagnostic(error)))?;
    if !root.is_mapping() {
        return Err(Box::new(no_mapping(&root)));
    }
    let build = crate::schema::body(&root).map_or(build, |body| crate::schema::build_version(body, build));
    let expansion = crate::expansion::expand(&mut root, build);
    Ok(Document { root, build, expansion })
}

/// The diagnostic of a document that is no mapping.
fn no_mapping(root: &Node) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message: format!("a pipeline must be a mapping, this is {}", root.kind()),
        place: Some(root.span),
        other: None,
        step: None,
        path: String::new(),
        hints: vec!["begin with `version: \"1.0\"` and `steps:`".to_owned()],
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
