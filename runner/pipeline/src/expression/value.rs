//! The values of the condition language.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::ExpressionError;
use super::number::format_number;
use super::text::Text;

/// A value. There is no conversion between kinds but by the functions of the language.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number; there are no integers.
    Number(f64),
    /// A text.
    String(Text),
    /// True or false.
    Boolean(bool),
    /// Nothing.
    Null,
    /// Members by name. Two objects are equal in an expression when they are the same one.
    Object(Arc<BTreeMap<String, Value>>),
}

impl Value {
    /// An object of some members.
    #[must_use]
    pub fn object<N: Into<String>>(members: impl IntoIterator<Item = (N, Self)>) -> Self {
        Self::Object(Arc::new(members.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }

    /// The name of its kind, as errors write it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Boolean(_) => "boolean",
            Self::Null => "null",
            Self::Object(_) => "object",
        }
    }

    /// What it means as the result of a condition.
    ///
    /// # Errors
    /// [`ExpressionError::Object`]: an object means nothing.
    pub fn truth(&self) -> Result<bool, ExpressionError> {
        match self {
            Self::Number(number) => Ok(*number != 0.0 && !number.is_nan()),
            Self::String(text) => Ok(!text.units().is_empty()),
            Self::Boolean(value) => Ok(*value),
            Self::Null => Ok(false),
            Self::Object(_) => Err(ExpressionError::Object),
        }
    }

    /// Its own member of a name. A text has a `length`.
    pub(super) fn own_member(&self, name: &str) -> Option<Self> {
        match self {
            Self::Object(members) => members.get(name).cloned(),
            #[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^53")]
            Self::String(text) if name == "length" => Some(Self::Number(text.units().len() as f64)),
            _ => None,
        }
    }

    /// A member by its name, else by a path such as `a.b` or `a["b"]`, as `Member()` looks it up.
    pub(super) fn member_by_path(&self, path: &str) -> Option<Self> {
        self.own_member(path).or_else(|| {
            let mut names =
                path.split(['.', '[', ']']).map(|name| name.trim_matches(['"', '\''])).filter(|name| !name.is_empty());
            let first = self.own_member(names.next()?)?;
            names.try_fold(first, |value, name| value.own_member(name))
        })
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

/// As an expression would write it; an object shows as `object`.
impl std::fmt::Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => f.write_str(&format_number(*number)),
            Self::String(text) => write!(f, "{text:?}"),
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::Object(_) => f.write_str("object"),
        }
    }
}

/// The names that an expression can use.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scope {
    values: BTreeMap<String, Value>,
}

impl Scope {
    /// No names.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Gives a name a value, or another one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<Value>) {
        self.values.insert(name.into(), value.into());
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name)
    }
}
