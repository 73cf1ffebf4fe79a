//! What readers share: the document's text, the problems found so far, the names seen.

use crate::diagnostic::{Diagnostic, Severity, Unsupported};
use crate::expansion::Expansion;
use crate::place::Place;
use crate::schema::{self, BuildVersion};
use crate::template::Template;
use crate::yaml::Node;

/// More problems than this are of no use to anybody.
const MAX_DIAGNOSTICS: usize = 500;

/// Where in the document a reader is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The step.
    pub(super) step: Option<&'a str>,
    /// The path of the mapping, like `steps.build`; empty at the root.
    pub(super) path: &'a str,
}

impl Scope<'_> {
    fn path_of(&self, field: &str) -> String {
        match (self.path.is_empty(), field.is_empty()) {
            (true, _) => field.to_owned(),
            (_, true) => self.path.to_owned(),
            _ => format!("{}.{field}", self.path),
        }
    }
}

impl<'a> Scope<'a> {
    /// The scope of a field.
    pub(super) fn below(&self, field: &str) -> Below<'a> {
        Below { step: self.step, path: self.path_of(field) }
    }
}

/// A scope whose path is its own.
pub(super) struct Below<'a> {
    step: Option<&'a str>,
    path: String,
}

impl<'a> Below<'a> {
    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { step: self.step, path: &self.path }
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn below(&self, field: &str) -> Below<'a> {
        let path = self.scope().path_of(field);
        Below { step: self.step, path }
    }
}

/// The state of reading one document.
pub(super) struct Context<'a> {
    source: &'a str,
    diagnostics: Vec<Diagnostic>,
    dropped: usize,
    unsupported: Vec<Unsupported>,
    /// Whether the schema found an error: what readers say then was said before.
    failed: bool,
    /// Which steps are copies.
    expansion: Expansion,
    /// Which fields steps of type `build` have.
    pub(super) build: BuildVersion,
}

impl<'a> Context<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        Self {
            source,
            diagnostics: Vec::new(),
            dropped: 0,
            unsupported: Vec::new(),
            failed: false,
            expansion: Expansion::default(),
            build: BuildVersion::V2,
        }
    }

    /// Checks a document against the schema.
    pub(super) fn check(&mut self, root: &Node, build: BuildVersion, expansion: Expansion) {
        self.build = build;
        let (checked, dropped) = schema::check(root, build);
        let mut diagnostics = expansion.problems.clone();
        diagnostics.extend(checked);
        self.expansion = expansion;
        self.failed = diagnostics.iter().any(|one| one.severity == Severity::Error);
        self.dropped += dropped;
        for diagnostic in diagnostics {
            self.push(diagnostic);
        }
    }

    pub(super) fn push(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() >= MAX_DIAGNOSTICS {
            self.dropped += 1;
            // An error must never be lost behind warnings.
            if diagnostic.severity == Severity::Error
                && let Some(warning) = self.diagnostics.iter_mut().rfind(|one| one.severity == Severity::Warning)
            {
                *warning = diagnostic;
            }
            return;
        }
        self.diagnostics.push(diagnostic);
    }

    /// Says an error about a field that the schema does not know of.
    pub(super) fn error(&mut self, scope: Scope<'_>, field: &str, place: Place, message: impl Into<String>) {
        if self.failed {
            return;
        }
        self.say(Severity::Error, scope, field, place, message.into(), None);
    }

    /// Says an error about a field, with a hint.
    pub(super) fn error_with_hint(
        &mut self,
        scope: Scope<'_>,
        field: &str,
        place: Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        if self.failed {
            return;
        }
        self.say(Severity::Error, scope, field, place, message.into(), Some(hint.into()));
    }

    /// Says a warning about a field.
    pub(super) fn warn(
        &mut self,
        scope: Scope<'_>,
        field: &str,
        place: Place,
        message: impl Into<String>,
        hint: Option<String>,
    ) {
        self.say(Severity::Warning, scope, field, place, message.into(), hint);
    }

    fn say(
        &mut self,
        severity: Severity,
        scope: Scope<'_>,
        field: &str,
        place: Place,
        message: String,
        hint: Option<String>,
    ) {
        self.push(Diagnostic {
            severity,
            message,
            place: Some(place),
            other: None,
            step: scope.step.map(str::to_owned),
            path: scope.path_of(field),
            hints: hint.into_iter().collect(),
        });
    }

    /// Refuses a feature by name.
    pub(super) fn refuse(
        &mut self,
        scope: Scope<'_>,
        feature: impl Into<String>,
        place: Place,
        reason: impl Into<String>,
        hint: Option<&str>,
    ) {
        if self.unsupported.len() < MAX_DIAGNOSTICS {
            self.unsupported.push(Unsupported {
                feature: feature.into(),
                step: scope.step.map(str::to_owned),
                place,
                reason: reason.into(),
                hint: hint.map(str::to_owned),
            });
        }
    }

    /// The template that a string node is.
    pub(super) fn template(&self, text: &str, node: &Node) -> Template {
        Template::new(text, node.span, self.source)
    }

    pub(super) fn finish(mut self) -> (Vec<Diagnostic>, Vec<Unsupported>) {
        self.expansion.once(&mut self.diagnostics);
        self.expansion.refused_once(&mut self.unsupported);
        self.diagnostics.extend(dropped(self.dropped));
        (self.diagnostics, self.unsupported)
    }
}

/// Says how many problems are not shown, if there are any.
pub(super) fn dropped(count: usize) -> Option<Diagnostic> {
    (count > 0).then(|| Diagnostic {
        severity: Severity::Warning,
        message: format!("{count} more problems are not shown"),
        place: None,
        other: None,
        step: None,
        path: String::new(),
        hints: Vec::new(),
    })
}
