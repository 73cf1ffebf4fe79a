//! A mapping seen through its description: fields under their present names, a step's arguments copied up.

use std::borrow::Cow;
use std::collections::HashSet;

use super::shape::Object;
use super::types::{self, BuildVersion, StepType};
use crate::yaml::{Node, Value};

/// One field of a mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'n> {
    /// Its name; where it was written in its older spelling and the present one is absent, the present one.
    pub(crate) name: &'n str,
    /// The key as written.
    pub(crate) key: &'n Node,
    /// The value.
    pub(crate) value: &'n Node,
}

/// The fields of a mapping.
#[derive(Debug, Default)]
pub(crate) struct Fields<'n> {
    entries: Vec<Entry<'n>>,
}

impl<'n> Fields<'n> {
    /// The fields of a mapping; none of anything else.
    pub(crate) fn of(node: &'n Node, object: &Object) -> Self {
        let entries = node.entries().map(|(key, value)| Entry { name: key_text(key), key, value }).collect();
        let mut fields = Self { entries };
        fields.rename(object);
        fields
    }

    /// Gives what is written in an older spelling its present name.
    fn rename(&mut self, object: &Object) {
        for field in object.fields() {
            let Some(alias) = field.alias else { continue };
            if let Some(at) = self.entries.iter().position(|entry| entry.name == alias)
                && self.entry(field.name).is_none()
            {
                self.entries[at].name = field.name;
            }
        }
    }

    /// The field of a name.
    pub(crate) fn entry(&self, name: &str) -> Option<Entry<'n>> {
        self.entries.iter().find(|entry| entry.name == name).copied()
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&'n Node> {
        self.entry(name).map(|entry| entry.value)
    }

    /// All fields in the order of the document.
    pub(crate) fn entries(&self) -> &[Entry<'n>] {
        &self.entries
    }
}

/// A step seen through the description of its type.
#[derive(Debug)]
pub(crate) struct StepView<'n> {
    /// Its type.
    pub(crate) kind: Kind<'n>,
    /// The node that says the type.
    pub(crate) type_node: Option<&'n Node>,
    /// The description of its fields.
    pub(crate) object: &'static Object,
    /// Its fields, those under `arguments` too (rule R12).
    pub(crate) fields: Fields<'n>,
    /// Arguments that stand at the step itself too, where they win.
    pub(crate) shadowed: Vec<Entry<'n>>,
}

/// The type of a step.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind<'n> {
    /// One of the built-in types.
    BuiltIn(&'static StepType),
    /// Any other.
    Custom(&'n str),
    /// What stands there is no type.
    None,
}

impl Kind<'_> {
    /// Whether this is the built-in type of a name.
    pub(crate) fn is(self, name: &str) -> bool {
        matches!(self, Self::BuiltIn(one) if one.name == name)
    }
}

impl<'n> StepView<'n> {
    /// Looks at a step.
    pub(crate) fn new(step: &'n Node, build: BuildVersion) -> Self {
        let type_node = step.get("type");
        let (kind, object) = match type_node.map(|node| &node.value) {
            None => match types::built_in("freestyle") {
                Some(one) => (Kind::BuiltIn(one), types::object(one, build)),
                None => (Kind::None, &types::CUSTOM),
            },
            Some(Value::String(text)) if !text.is_empty() => match types::built_in(text) {
                Some(one) => (Kind::BuiltIn(one), types::object(one, build)),
                None => (Kind::Custom(text), &types::CUSTOM),
            },
            Some(_) => (Kind::None, &types::CUSTOM),
        };
        let mut fields = Fields::of(step, object);
        let mut shadowed = Vec::new();
        let arguments = step.get("arguments").filter(|arguments| arguments.is_mapping());
        let own: HashSet<&str> = match arguments {
            Some(_) => fields.entries.iter().map(|entry| entry.name).collect(),
            None => HashSet::new(),
        };
        for (key, value) in arguments.into_iter().flat_map(Node::entries) {
            let entry = Entry { name: key_text(key), key, value };
            // The argument `timeout` of a custom type is its own matter (rule R12).
            if matches!(kind, Kind::Custom(_)) && entry.name == "timeout" {
                continue;
            }
            if own.contains(entry.name) {
                shadowed.push(entry);
            } else {
                fields.entries.push(entry);
            }
        }
        fields.rename(object);
        Self { kind, type_node, object, fields, shadowed }
    }

    /// The steps inside, where this is a parallel step.
    pub(crate) fn children(&self) -> Option<&'n Node> {
        self.fields.get("steps").filter(|steps| self.kind.is("parallel") && steps.is_mapping())
    }

    /// Whether a field that must stand is given by what the step is multiplied with (rules P13, P14).
    pub(crate) fn given_elsewhere(&self, name: &str) -> bool {
        let matrix = self.fields.get("matrix").is_some_and(|matrix| matrix.get(name).is_some());
        matrix
            || self.fields.get("scale").is_some_and(|scale| {
                let mut copies = scale.entries().map(|(_, copy)| copy).peekable();
                copies.peek().is_some() && copies.all(|copy| copy.get(name).is_some())
            })
    }
}

/// The text of a key. Keys are scalars, whose text is always borrowed.
pub(crate) fn key_text(key: &Node) -> &str {
    match key.scalar_text() {
        Some(Cow::Borrowed(text)) => text,
        _ => "",
    }
}
