//! Names in `${{…}}` that were likely meant to be others (rules V10, V11, V16).
//!
//! Whether a variable exists is known when a step starts, and what does not exist stays as it is (rule V4). Before that only
//! names are told that nobody but Codefresh can define and that it does not: `CF_…`, and steps and their members.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Severity};
use crate::schema::nearest;
use crate::system_variables::KNOWN;
use crate::template::Template;
use crate::yaml::{Node, Value};

/// The most findings.
const MOST: usize = 100;

/// How deep a document is looked at; deeper ones are refused elsewhere.
const DEEPEST: usize = 64;

/// What `${{step.…}}` can name (rule V11).
const MEMBERS: [&str; 16] = [
    "name",
    "type",
    "description",
    "workingDirectory",
    "result",
    "revision",
    "repo",
    "imageName",
    "imageTagName",
    "imageId",
    "registry",
    "imageRepoDigest",
    "authEntity",
    "output",
    "steps",
    "image",
];

/// Finds names that nobody defines and that are near to others. `source` is the text of the document.
pub(crate) fn unknown_names(root: &Node, source: &str) -> Vec<Diagnostic> {
    let mut names = Names::default();
    names.collect(root, 0);
    let mut search = Search { names: &names, source, found: Vec::new() };
    search.node(root, None, 0);
    search.found
}

/// What a document defines.
#[derive(Default)]
struct Names<'n> {
    steps: BTreeSet<&'n str>,
    /// Of `environment` and of a specification, and what a script seems to export.
    variables: BTreeSet<&'n str>,
}

impl<'n> Names<'n> {
    fn collect(&mut self, node: &'n Node, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.collect(item, depth + 1)),
            Value::Mapping(pairs) => {
                for (key, value) in pairs {
                    let key = key.as_str().unwrap_or_default();
                    if key == "steps" {
                        self.steps.extend(value.entries().filter_map(|(name, _)| name.as_str()));
                    }
                    if key == "key" {
                        self.variables.extend(value.as_str());
                    }
                    self.collect(value, depth + 1);
                }
            }
            // `NAME=VALUE` of an environment, and of what is exported.
            Value::String(text) => {
                let words = text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\''));
                self.variables.extend(words.filter_map(|word| word.split_once('=')).map(|(name, _)| name));
            }
            _ => {}
        }
    }
}

struct Search<'n> {
    names: &'n Names<'n>,
    source: &'n str,
    found: Vec<Diagnostic>,
}

impl Search<'_> {
    fn node(&mut self, node: &Node, step: Option<&str>, depth: usize) {
        if depth > DEEPEST || self.found.len() >= MOST {
            return;
        }
        match &node.value {
            Value::Sequence(items) => items.iter().for_each(|item| self.node(item, step, depth + 1)),
            Value::Mapping(pairs) => {
                for (key, value) in pairs {
                    if key.as_str() == Some("steps") && value.is_mapping() {
                        for (name, inner) in value.entries() {
                            self.node(inner, name.as_str().or(step), depth + 2);
                        }
                    } else {
                        self.node(value, step, depth + 1);
                    }
                }
            }
            Value::String(text) if text.contains("${{") => self.text(text, node, step),
            _ => {}
        }
    }

    fn text(&mut self, text: &str, node: &Node, step: Option<&str>) {
        let template = Template::new(text, node.span, self.source);
        for (number, hole) in template.holes().iter().enumerate() {
            if self.found.len() >= MOST {
                return;
            }
            let Some((message, near)) = self.name(&hole.name) else { continue };
            self.found.push(Diagnostic {
                severity: Severity::Warning,
                message,
                place: Some(template.place_of_hole(number)),
                other: None,
                step: step.map(str::to_owned),
                path: String::new(),
                hints: vec![format!("did you mean `${{{{{near}}}}}`?")],
            });
        }
    }

    /// What is wrong with a name, and the one that was likely meant.
    fn name(&self, name: &str) -> Option<(String, String)> {
        if self.names.variables.contains(name) || self.names.steps.contains(name) {
            return None;
        }
        if !name.contains('.') {
            let near = nearest(name, &KNOWN).filter(|_| name.starts_with("CF_") && !KNOWN.contains(&name))?;
            return Some((format!("`{name}` is no variable of Codefresh"), near.to_owned()));
        }
        let (prefix, rest) = name.strip_prefix("steps.").map_or(("", name), |rest| ("steps.", rest));
        let (step, member) = rest.split_once('.').unwrap_or((rest, ""));
        if !self.names.steps.contains(step) {
            let steps: Vec<&str> = self.names.steps.iter().copied().collect();
            let near = nearest(step, &steps)?;
            let member = if member.is_empty() { String::new() } else { format!(".{member}") };
            return Some((format!("there is no step `{step}`"), format!("{prefix}{near}{member}")));
        }
        let (first, _) = member.split_once('.').unwrap_or((member, ""));
        let near = nearest(first, &MEMBERS).filter(|_| !first.is_empty() && !MEMBERS.contains(&first))?;
        Some((format!("steps have nothing named `{first}`"), format!("{prefix}{step}.{near}")))
    }
}

#[cfg(test)]
mod tests {
    use crate::{BuildVersion, Severity, validate};

    fn warnings(text: &str) -> Vec<(String, String, usize, usize)> {
        let found = validate(text, BuildVersion::default());
        assert!(found.iter().all(|one| one.severity == Severity::Warning), "{found:?}");
        let place = |one: &crate::Diagnostic| one.place.map_or((0, 0), |place| (place.line, place.column));
        let tell = |one: &crate::Diagnostic| (one.message.clone(), one.hints.join(" "), place(one).0, place(one).1);
        found.iter().map(tell).collect()
    }

    fn steps(commands: &str) -> String {
        format!(
            "version: '1.0'\nsteps:\n  fetch_it:\n    type: git-clone\n    repo: a/b\n  work:\n    image: alpine\n    \
             environment: [CF_BRANCHES=x]\n    commands:\n    - {commands}\n"
        )
    }

    #[test]
    fn v16_names_that_only_codefresh_defines_are_told_with_the_near_one() {
        let told = |near: &str| format!("did you mean `${{{{{near}}}}}`?");
        let one = |name: &str, near: &str| {
            let message = format!("`{name}` is no variable of Codefresh");
            assert_eq!(warnings(&steps(&format!("echo ${{{{{name}}}}}"))), [(message, told(near), 10, 12)]);
        };
        one("CF_BRNACH", "CF_BRANCH");
        one("CF_SHORT_REVISON", "CF_SHORT_REVISION");
        for name in ["CF_BRANCH", "CF_BRANCHES", "CF_MY_OWN_THING", "MY_BRNACH", "CF_PULL_REQUEST_NUMBER", "CI"] {
            assert_eq!(warnings(&steps(&format!("echo ${{{{{name}}}}}"))), [], "{name}");
        }
    }

    #[test]
    fn v11_steps_and_members_are_told_with_the_near_one() {
        for (name, message, near) in [
            ("steps.fetch_its.result", "there is no step `fetch_its`", "steps.fetch_it.result"),
            ("fetchit.revision", "there is no step `fetchit`", "fetch_it.revision"),
            ("steps.fetch_it.resutl", "steps have nothing named `resutl`", "steps.fetch_it.result"),
            ("fetch_it.revison", "steps have nothing named `revison`", "fetch_it.revision"),
        ] {
            let expected = (message.to_owned(), format!("did you mean `${{{{{near}}}}}`?"), 10, 12);
            assert_eq!(warnings(&steps(&format!("echo ${{{{{name}}}}}"))), [expected], "{name}");
        }
        for name in ["fetch_it.revision", "steps.work.result", "steps.fetch_it.output.X", "my.own", "secrets.a.b"] {
            assert_eq!(warnings(&steps(&format!("echo ${{{{{name}}}}}"))), [], "{name}");
        }
    }

    #[test]
    fn v11_findings_are_bounded() {
        let many = "${{CF_BRNACH}} ".repeat(5000);
        assert_eq!(warnings(&steps(&many)).len(), super::MOST);
    }
}
