//! Variables: their values and attributes, the table of a shell, what `local` hides, and how the shell reads and sets them.

mod access;
mod associative;
mod compound;
mod dynamic;
mod indexed;
mod place;
mod show;
mod table;

pub(crate) use associative::Associative;

pub(crate) use access::{letters, lower, upper};
pub(crate) use dynamic::{Dynamic, Source, enter};
pub(crate) use indexed::Indexed;
pub(crate) use place::{Key, Place, split_reference};
pub(crate) use show::{assignment, definition, keys_and_values, needs_escapes, quote_always, quote_minimal};
pub(crate) use table::{ByName, Variables};

use std::sync::Arc;

/// What one entry costs beside its own bytes: names, nodes of maps, lengths. So that a million empty elements count.
const OVERHEAD: usize = 32;

/// A variable.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Variable {
    pub(crate) value: Value,
    pub(crate) attributes: Attributes,
}

/// What a variable holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    /// Nothing yet: it has attributes alone (`export NAME`, `declare -a NAME`).
    Unset(Kind),
    Text(Vec<u8>),
    Indexed(Arc<Indexed>),
    Associative(Arc<Associative>),
    /// The shell knows it when it is asked (`RANDOM`).
    Dynamic(Dynamic),
}

/// What a variable without a value will hold.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Kind {
    #[default]
    Scalar,
    Indexed,
    Associative,
}

/// The attributes that `declare` gives.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Attributes {
    /// `-x`.
    pub(crate) exported: bool,
    /// `-r`.
    pub(crate) readonly: bool,
    /// `-i`: what is assigned is an expression.
    pub(crate) integer: bool,
    /// `-l`, `-u`.
    pub(crate) case: Case,
    /// `-n`: the value is the name of another variable.
    pub(crate) reference: bool,
}

/// What becomes of letters that are assigned.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Case {
    #[default]
    Kept,
    Lower,
    Upper,
    /// `-c`, which bash has and does not document.
    Capital,
}

impl Default for Value {
    fn default() -> Self {
        Self::Unset(Kind::Scalar)
    }
}

impl Variable {
    /// One without attributes.
    pub(crate) fn text(value: impl Into<Vec<u8>>) -> Self {
        Self { value: Value::Text(value.into()), attributes: Attributes::default() }
    }

    /// What it holds, or would hold.
    pub(crate) fn kind(&self) -> Kind {
        match &self.value {
            Value::Unset(kind) => *kind,
            Value::Text(_) => Kind::Scalar,
            Value::Indexed(_) => Kind::Indexed,
            Value::Associative(_) => Kind::Associative,
            Value::Dynamic(dynamic) if dynamic.is_array() => Kind::Indexed,
            Value::Dynamic(_) => Kind::Scalar,
        }
    }

    /// Its bytes.
    fn size(&self) -> usize {
        match &self.value {
            Value::Text(text) => text.len(),
            Value::Indexed(array) => array.size(),
            Value::Associative(array) => array.size(),
            Value::Unset(_) | Value::Dynamic(_) => 0,
        }
    }
}
