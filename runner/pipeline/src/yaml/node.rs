//! The tree.

use crate::place::Place;

/// One node of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it stands. A node that came through an alias stands where its anchor is.
    pub span: Place,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false` (rule Y1: nothing else is one).
    Bool(bool),
    /// A whole number, with the text it was written as.
    Integer {
        /// Its value; numbers that do not fit are a [`Value::Float`].
        value: i64,
        /// As written.
        source: String,
    },
    /// A number with a fraction or an exponent, with the text it was written as.
    Float {
        /// Its value.
        value: f64,
        /// As written.
        source: String,
    },
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// Pairs in the order of the document (rule Y8). Keys are scalars, each once.
    Mapping(Vec<(Node, Node)>),
}

impl Node {
    /// The value under a key of a mapping; `None` where there is none or this is no mapping.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The value under a key of a mapping, to change it.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let Value::Mapping(pairs) = &mut self.value else { return None };
        pairs.iter_mut().find(|(name, _)| name.scalar_text().as_deref() == Some(key)).map(|(_, value)| value)
    }

    /// Key and value under a key of a mapping.
    #[must_use]
    pub fn entry(&self, key: &str) -> Option<(&Node, &Node)> {
        self.entries().find(|(name, _)| name.scalar_text().as_deref() == Some(key))
    }

    /// All pairs of a mapping, none for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&Node, &Node)> {
        let pairs = match &self.value {
            Value::Mapping(pairs) => pairs.as_slice(),
            _ => &[],
        };
        pairs.iter().map(|(key, value)| (key, value))
    }

    /// The text of a string node.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a list node.
    #[must_use]
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// Whether this is a mapping.
    #[must_use]
    pub fn is_mapping(&self) -> bool {
        matches!(self.value, Value::Mapping(_))
    }

    /// Whether this is null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The number that this is.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "numbers of pipelines are small, as JavaScript's are")]
    pub fn as_number(&self) -> Option<f64> {
        match self.value {
            Value::Integer { value, .. } => Some(value as f64),
            Value::Float { value, .. } => Some(value),
            _ => None,
        }
    }

    /// A scalar as text: strings as they are, numbers as written, null as nothing. `None` for lists and mappings.
    #[must_use]
    pub fn scalar_text(&self) -> Option<std::borrow::Cow<'_, str>> {
        use std::borrow::Cow;
        match &self.value {
            Value::Null => Some(Cow::Borrowed("")),
            Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Value::Integer { source, .. } | Value::Float { source, .. } => Some(Cow::Borrowed(source)),
            Value::String(text) => Some(Cow::Borrowed(text)),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }

    /// A word for the kind of node, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "a boolean",
            Value::Integer { .. } | Value::Float { .. } => "a number",
            Value::String(_) => "a string",
            Value::Sequence(_) => "a list",
            Value::Mapping(_) => "a mapping",
        }
    }
}
