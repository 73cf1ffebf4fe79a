//! Whether the integrations that a document names exist, for whoever knows an account's: the official validator's mode
//! "with context". Nothing here is needed to execute a pipeline.

use std::collections::{BTreeMap, HashSet};

use crate::diagnostic::{Diagnostic, Severity};
use crate::reader::{Document, document};
use crate::schema::{BuildVersion, Kind, StepView, body, clip};
use crate::template::holes;
use crate::yaml::Node;

/// What an account has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Integrations {
    /// Git providers.
    pub git: Vec<GitIntegration>,
    /// Registries of images.
    pub registries: Vec<RegistryIntegration>,
    /// The names of clusters.
    pub clusters: Vec<String>,
    /// Variables that builds have.
    pub variables: BTreeMap<String, String>,
    /// Whether built images are pushed to the default registry.
    pub auto_push: bool,
    /// Whether built images need not be pushed.
    pub disable_push: bool,
}

/// A git provider.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GitIntegration {
    /// Its name.
    pub name: String,
    /// Whether it is used where none is named.
    pub default: bool,
}

/// A registry of images.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RegistryIntegration {
    /// Its name.
    pub name: String,
    /// Whether it is used where none is named.
    pub default: bool,
    /// Its kind, like `google`.
    pub kind: String,
    /// Its provider, like `ecr`.
    pub provider: String,
    /// Its domain; empty where it is not known.
    pub domain: String,
}

/// The most findings.
const MOST: usize = 500;

/// The git integration that every account has.
const DEFAULT_GIT: &str = "CF-default";

/// Says what is wrong with the integrations that a document names, step by step. A text that is no document of steps
/// gives nothing: [`validate`](crate::validate) says why. At most 500 findings.
#[must_use]
pub fn check_integrations(text: &str, integrations: &Integrations) -> Vec<Diagnostic> {
    let Ok(Document { root, build, expansion }) = document(crate::yaml::parse(text), BuildVersion::V2) else {
        return Vec::new();
    };
    let Some(body) = body(&root) else { return Vec::new() };
    let mut lookup = Lookup { integrations, build, said: Vec::new(), step: String::new(), path: String::new() };
    if let Some(steps) = body.get("steps") {
        lookup.steps(steps, "steps");
    }
    expansion.once(&mut lookup.said);
    lookup.said
}

struct Lookup<'a> {
    integrations: &'a Integrations,
    build: BuildVersion,
    said: Vec<Diagnostic>,
    step: String,
    path: String,
}

impl Lookup<'_> {
    fn steps(&mut self, steps: &Node, path: &str) {
        for (key, node) in steps.entries() {
            let view = StepView::new(node, self.build);
            let name = clip(&key.scalar_text().unwrap_or_default()).to_owned();
            self.path = format!("{path}.{name}");
            self.step = name;
            if let Kind::BuiltIn(one) = view.kind {
                match one.name {
                    "git-clone" => self.git(node, &view),
                    "build" => self.build(node, &view),
                    "push" => self.push(node, &view),
                    "deploy" => self.cluster(node, &view),
                    "freestyle" | "composition" => self.contexts(&view),
                    _ => {}
                }
            }
            if let Some(children) = view.children() {
                let path = format!("{}.steps", self.path);
                self.steps(children, &path);
            }
        }
    }

    fn say(&mut self, severity: Severity, field: &str, node: &Node, message: impl Into<String>) {
        if self.said.len() >= MOST {
            return;
        }
        self.said.push(Diagnostic {
            severity,
            message: message.into(),
            place: Some(node.span),
            other: None,
            step: Some(self.step.clone()),
            path: format!("{}.{field}", self.path),
            hints: Vec::new(),
        });
    }

    /// Whether a value is left to variables; those that are missing are warned about.
    fn variable(&mut self, field: &str, node: &Node, text: &str, what: &str) -> bool {
        let holes = holes(text);
        for hole in &holes {
            if !self.integrations.variables.contains_key(&hole.name) {
                let name = clip(&hole.name);
                let message = format!(
                    "Your {what} integration uses a variable '{name}' that is not configured and will fail without defining it."
                );
                self.say(Severity::Warning, field, node, message);
            }
        }
        !holes.is_empty()
    }

    fn git(&mut self, step: &Node, view: &StepView<'_>) {
        let Some((node, name)) = text(view, "git") else {
            if let Some(default) = self.integrations.git.iter().find(|one| one.default) {
                let message = format!("You are using the default Git integration '{}'.", default.name);
                self.say(Severity::Warning, "git", step, message);
            }
            return;
        };
        if self.variable("git", node, name, "Git") || name == DEFAULT_GIT {
            return;
        }
        if self.integrations.git.is_empty() {
            self.say(Severity::Error, "git", node, "You have not added a Git integration.");
        } else if !self.integrations.git.iter().any(|one| one.name == name) {
            self.say(Severity::Error, "git", node, format!("Git '{}' does not exist.", clip(name)));
        }
    }

    fn build(&mut self, step: &Node, view: &StepView<'_>) {
        let registries = &self.integrations.registries;
        let (default, google) =
            (registries.iter().any(|one| one.default), registries.iter().any(|one| one.kind == "google"));
        let pushes = view.fields.get("disable_push").is_none_or(|node| node.scalar_text().as_deref() != Some("true"));
        if let Some((node, name)) = text(view, "image_name")
            && has_capitals(name)
        {
            self.say(Severity::Warning, "image_name", node, "\"image_name\" should be in lowercase.");
        }
        if text(view, "registry").is_some() {
            self.registry(view);
        } else if !self.integrations.disable_push && pushes && view.fields.get("registry").is_none() {
            if !self.integrations.auto_push {
                self.say(Severity::Error, "registry", step, "'registry' is required");
            } else if !default {
                self.say(Severity::Warning, "registry", step, "The image that will be built will not be pushed");
            }
        }
        if let Some(provider) = view.fields.get("provider")
            && provider.get("type").and_then(Node::as_str) == Some("gcb")
            && provider.get("arguments").and_then(|all| all.get("google_app_creds")).is_none()
            && !google
        {
            self.say(Severity::Error, "provider", provider, "provider.arguments.google_app_creds is required");
        }
        self.contexts(view);
    }

    fn push(&mut self, step: &Node, view: &StepView<'_>) {
        if text(view, "registry").is_some() {
            self.registry(view);
        } else if let Some(default) = self.integrations.registries.iter().find(|one| one.default) {
            let message = format!("You are using the default registry integration '{}'.", default.name);
            self.say(Severity::Warning, "registry", step, message);
        }
        self.contexts(view);
    }

    /// The registry to push to: one of the account's, or the address of one.
    fn registry(&mut self, view: &StepView<'_>) {
        let Some((node, name)) = text(view, "registry") else { return };
        if self.variable("registry", node, name, "registry") {
            return;
        }
        let Some(registry) = self.integrations.registries.iter().find(|one| one.name == name) else {
            // An address needs no integration.
            if !name.contains('.') {
                let message = match self.integrations.registries.is_empty() {
                    true => "You have not added a registry integration.".to_owned(),
                    false => format!("Registry '{}' does not exist.", clip(name)),
                };
                self.say(Severity::Error, "registry", node, message);
            }
            return;
        };
        let Some((node, region)) = text(view, "region").filter(|(_, region)| holes(region).is_empty()) else { return };
        if registry.provider != "ecr" {
            let message = format!("Unable to specify region with a registry of type: {}", registry.provider);
            self.say(Severity::Error, "region", node, message);
        } else if !is_region(region) {
            self.say(Severity::Error, "region", node, "aws region is invalid");
        }
    }

    /// Registries to fetch images from: each exists, no two are of one domain.
    fn contexts(&mut self, view: &StepView<'_>) {
        for field in ["registry_context", "registry_contexts"] {
            let Some(node) = view.fields.get(field) else { continue };
            let one = std::slice::from_ref(node);
            let mut domains = HashSet::new();
            for item in node.as_sequence().unwrap_or(one) {
                let Some(name) = item.as_str().filter(|name| holes(name).is_empty()) else { continue };
                match self.integrations.registries.iter().find(|one| one.name == name) {
                    None => {
                        self.say(Severity::Error, field, item, format!("Registry '{}' does not exist.", clip(name)));
                    }
                    Some(found) if !found.domain.is_empty() && !domains.insert(found.domain.as_str()) => {
                        let domain = &found.domain;
                        let message = format!("Registry contexts contains registries with same domain '{domain}'");
                        self.say(Severity::Error, field, item, message);
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn cluster(&mut self, step: &Node, view: &StepView<'_>) {
        let Some((node, name)) = text(view, "cluster") else {
            self.say(Severity::Warning, "cluster", step, "You are using the default cluster integration.");
            return;
        };
        if self.variable("cluster", node, name, "cluster") {
            return;
        }
        if self.integrations.clusters.is_empty() {
            self.say(Severity::Error, "cluster", node, "You have not added a Kubernetes cluster.");
        } else if !self.integrations.clusters.iter().any(|one| one == name) {
            self.say(Severity::Error, "cluster", node, format!("Cluster '{}' does not exist.", clip(name)));
        }
    }
}

/// A field that is a string.
fn text<'n>(view: &StepView<'n>, name: &str) -> Option<(&'n Node, &'n str)> {
    let node = view.fields.get(name)?;
    node.as_str().map(|text| (node, text))
}

/// Whether a text has capitals outside of variables.
fn has_capitals(text: &str) -> bool {
    let holes = holes(text);
    let inside = |at: usize| holes.iter().any(|hole| (hole.start..hole.end).contains(&at));
    text.char_indices().any(|(at, c)| c.is_uppercase() && !inside(at))
}

/// Like `us-east-1` or `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let letters = |part: &&str| part.len() > 1 && part.bytes().all(|byte| byte.is_ascii_lowercase());
    match parts.as_slice() {
        [words @ .., number] if words.len() >= 2 => {
            words.iter().all(letters) && number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}
