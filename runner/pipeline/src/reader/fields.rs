//! The fields of a mapping, read with the official validator's words.

use super::context::{Context, Scope};
use crate::pipeline::{Flag, Words};
use crate::template::Template;
use crate::yaml::{Node, Value};

/// The fields of a step or of the root.
pub(super) struct Fields<'n> {
    entries: Vec<(&'n Node, &'n Node)>,
}

impl<'n> Fields<'n> {
    pub(super) fn new(node: &'n Node) -> Self {
        Self { entries: node.entries().collect() }
    }

    pub(super) fn from_entries(entries: Vec<(&'n Node, &'n Node)>) -> Self {
        Self { entries }
    }

    /// Key and value of a field.
    pub(super) fn entry(&self, name: &str) -> Option<(&'n Node, &'n Node)> {
        self.entries.iter().copied().find(|(key, _)| key.scalar_text().as_deref() == Some(name))
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|(_, value)| value)
    }

    /// The value of a field under its name or its alias.
    pub(super) fn get_alias(&self, name: &str, alias: &str) -> Option<&'n Node> {
        self.get(name).or_else(|| self.get(alias))
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = (&'n Node, &'n Node)> + '_ {
        self.entries.iter().copied()
    }
}

impl Context<'_> {
    /// A string that must not be empty, if the field is there.
    pub(super) fn string(&mut self, scope: Scope<'_>, name: &str, value: Option<&Node>) -> Option<Template> {
        let node = value?;
        match node.as_str() {
            Some("") => self.error(scope, name, node.span, format!("\"{name}\" is not allowed to be empty")),
            Some(text) => return Some(self.template(text, node)),
            None => self.error(scope, name, node.span, format!("\"{name}\" must be a string")),
        }
        None
    }

    /// Text for people: a string, empty or not; the validator rejects anything else.
    pub(super) fn label(&mut self, scope: Scope<'_>, name: &str, value: Option<&Node>) -> Option<Template> {
        let node = value?;
        if node.as_str() == Some("") {
            return None;
        }
        self.string(scope, name, value)
    }

    /// A string that must be there.
    pub(super) fn required(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        owner: &Node,
        value: Option<&Node>,
    ) -> Option<Template> {
        if value.is_none() {
            self.error(scope, name, owner.span, format!("\"{name}\" is required"));
        }
        self.string(scope, name, value)
    }

    /// A list of strings. `empty` says whether they may be empty.
    pub(super) fn strings(
        &mut self,
        scope: Scope<'_>,
        name: &str,
        node: &Node,
        hint: &str,
        empty: bool,
    ) -> Option<Vec<Template>> {
        let Some(items) = node.as_sequence() else {
            let message = format!("\"{name}\" must be an array");
            self.error_with_hint(scope, name, node.span, message, hint);
            return None;
        };
        let mut all = Vec::with_capacity(items.len());
        for (number, item) in items.iter().enumerate() {
            let field = format!("{name}[{number}]");
            match item.as_str() {
                Some("") if !empty => {
                    self.error(scope, &field, item.span, format!("\"{number}\" is not allowed to be empty"));
                }
                Some(text) => all.push(self.template(text, item)),
                None => {
                    // `- echo a: b` is a mapping (rule Y6), `- KEY: value` too.
                    let hint = match item.value {
                        Value::Mapping(_) => {
                            "the `: ` makes a mapping of it: quote the text or use a block scalar `|-`"
                        }
                        _ => "quote it to make it a string",
                    };
                    self.error_with_hint(scope, &field, item.span, format!("\"{number}\" must be a string"), hint);
                }
            }
        }
        Some(all)
    }

    /// A string or a list of strings.
    pub(super) fn words(&mut self, scope: Scope<'_>, name: &str, value: Option<&Node>) -> Option<Words> {
        let node = value?;
        match &node.value {
            Value::String(_) => self.string(scope, name, value).map(Words::Text),
            Value::Sequence(_) => self.strings(scope, name, node, "", false).map(Words::List),
            _ => {
                let message = format!("\"{name}\" must be a string");
                self.error_with_hint(scope, name, node.span, message, "or a list of strings");
                None
            }
        }
    }

    /// A boolean.
    pub(super) fn boolean(&mut self, scope: Scope<'_>, name: &str, value: Option<&Node>) -> bool {
        match value.map(|node| (&node.value, node.span)) {
            None => false,
            Some((Value::Bool(value), _)) => *value,
            Some((Value::String(text), _)) if text == "true" || text == "false" => text == "true",
            Some((_, place)) => {
                self.error(scope, name, place, format!("\"{name}\" must be a boolean"));
                false
            }
        }
    }

    /// `fail_fast`: a boolean, a word for one, or exactly `${{VAR}}`. At the root the validator takes any text.
    pub(super) fn fail_fast(&mut self, scope: Scope<'_>, value: Option<&Node>, lax: bool) -> Option<Flag> {
        let node = value?;
        if let Value::Bool(value) = node.value {
            return Some(Flag::Value(value));
        }
        let text = node.scalar_text().filter(|_| !node.is_null());
        if let Some(value) = text.as_deref().and_then(Flag::from_text) {
            return Some(Flag::Value(value));
        }
        if let Some(flag) = self.variable(node) {
            return Some(flag);
        }
        if lax && (node.as_str().is_some() || node.is_mapping()) {
            let message = "\"fail_fast\" is neither true nor false, true is taken";
            self.warn(scope, "fail_fast", node.span, message, None);
        } else {
            self.error(scope, "fail_fast", node.span, "\"fail_fast\" must be a boolean");
        }
        None
    }

    /// `strict_fail_fast`: a real boolean or exactly `${{VAR}}`.
    pub(super) fn strict_fail_fast(&mut self, scope: Scope<'_>, value: Option<&Node>) -> Option<Flag> {
        let node = value?;
        if let Value::Bool(value) = node.value {
            return Some(Flag::Value(value));
        }
        let flag = self.variable(node);
        if flag.is_none() {
            let hint = "write true or false without quotes, or `${{VARIABLE}}`";
            let message = "\"strict_fail_fast\" must be a boolean";
            self.error_with_hint(scope, "strict_fail_fast", node.span, message, hint);
        }
        flag
    }

    fn variable(&self, node: &Node) -> Option<Flag> {
        let text = node.as_str()?;
        let template = self.template(text, node);
        let whole = matches!(template.holes(), [hole] if hole.start == 0 && hole.end == text.len());
        whole.then_some(Flag::Variable(template))
    }
}
