//! Values out of fields that the schema has checked. What does not fit is not there: the schema has said why.

use super::context::Context;
use crate::pipeline::{Flag, Words};
use crate::schema::is_variable;
use crate::template::Template;
use crate::yaml::{Node, Value};

impl Context<'_> {
    /// A string that is not empty.
    pub(super) fn text(&self, node: Option<&Node>) -> Option<Template> {
        let node = node?;
        node.as_str().filter(|text| !text.is_empty()).map(|text| self.template(text, node))
    }

    /// The strings of a list.
    pub(super) fn texts(&self, node: Option<&Node>) -> Option<Vec<Template>> {
        let items = node?.as_sequence()?;
        Some(items.iter().filter_map(|item| item.as_str().map(|text| self.template(text, item))).collect())
    }

    /// A string or a list of strings.
    pub(super) fn words(&self, node: Option<&Node>) -> Option<Words> {
        self.text(node).map(Words::Text).or_else(|| self.texts(node).map(Words::List))
    }

    /// Yes, no, or what a variable says.
    pub(super) fn flag(&self, node: Option<&Node>) -> Option<Flag> {
        let node = node?;
        let text = node.scalar_text().filter(|_| !node.is_null())?;
        let variable = || node.as_str().filter(|text| is_variable(text)).map(|text| self.template(text, node));
        Flag::from_text(&text).map(Flag::Value).or_else(|| variable().map(Flag::Variable))
    }
}

/// Yes or no; what is absent is no.
pub(super) fn boolean(node: Option<&Node>) -> bool {
    node.and_then(Node::scalar_text).and_then(|text| Flag::from_text(&text)) == Some(true)
}

/// The text that a scalar was written as; nothing for anything else.
pub(super) fn written(node: Option<&Node>) -> String {
    node.filter(|node| !matches!(node.value, Value::Null)).and_then(Node::scalar_text).unwrap_or_default().into_owned()
}
