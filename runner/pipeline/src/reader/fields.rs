//! Values with errors of their own, for what is read beside the schema.

use super::context::{Context, Scope};
use crate::template::Template;
use crate::yaml::{Node, Value};

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
}
