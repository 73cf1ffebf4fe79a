use std::cmp::Ordering;
use std::fmt;
use std::rc::Rc;

use indexmap::IndexMap;

use super::number::Number;
use super::write::{Layout, write};

/// An object: keys in the order in which they came.
pub(crate) type Map = IndexMap<Rc<str>, Value>;

/// A value of jq.
///
/// Not jaq's own type: that one has integers beside other numbers, does not assign through `null`, and words errors in
/// another way, all of which scripts see.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(Rc<str>),
    Array(Rc<Vec<Value>>),
    Object(Rc<Map>),
}

impl Value {
    /// A string.
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::String(Rc::from(text.as_ref()))
    }

    /// An array.
    pub(crate) fn array(items: Vec<Self>) -> Self {
        Self::Array(Rc::new(items))
    }

    /// An object.
    pub(crate) fn object(map: Map) -> Self {
        Self::Object(Rc::new(map))
    }

    /// The name of its type.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Number(_) => "number",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }

    /// Its text, where it is a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Its number, where it is one.
    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number.value()),
            _ => None,
        }
    }

    /// Neither `null` nor `false`.
    pub(crate) fn is_true(&self) -> bool {
        !matches!(self, Self::Null | Self::Bool(false))
    }

    /// As compact JSON.
    pub(crate) fn to_json(&self) -> String {
        let mut text = vec![];
        // Writing into memory does not fail, and what is written is text.
        let _ = write(&mut text, self, &Layout::compact());
        String::from_utf8(text).unwrap_or_default()
    }

    /// Type and value for a message, the value cut as jq does it.
    pub(crate) fn described(&self) -> String {
        const LONGEST: usize = 14;
        let mut json = self.to_json();
        if json.len() > LONGEST {
            let mut end = LONGEST - 3;
            while !json.is_char_boundary(end) {
                end -= 1;
            }
            json.truncate(end);
            json.push_str("...");
        }
        format!("{} ({json})", self.kind())
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bool(false) => 1,
            Self::Bool(true) => 2,
            Self::Number(_) => 3,
            Self::String(_) => 4,
            Self::Array(_) => 5,
            Self::Object(_) => 6,
        }
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Array(a), Self::Array(b)) => a.cmp(b),
            (Self::Object(a), Self::Object(b)) => {
                let sorted = |map: &Map| {
                    let mut keys: Vec<Rc<str>> = map.keys().cloned().collect();
                    keys.sort();
                    keys
                };
                let keys = sorted(a);
                keys.cmp(&sorted(b)).then_with(|| {
                    keys.iter().map(|key| a[key].cmp(&b[key])).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
                })
            }
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Value {}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.to_json())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<isize> for Value {
    fn from(value: isize) -> Self {
        Self::from(value as f64)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::from(value as f64)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(Number::from(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::text(value)
    }
}

impl From<std::ops::Range<Option<Self>>> for Value {
    fn from(range: std::ops::Range<Option<Self>>) -> Self {
        let ends = [("start", range.start), ("end", range.end)];
        Self::object(ends.into_iter().map(|(name, end)| (Rc::from(name), end.unwrap_or(Self::Null))).collect())
    }
}

impl FromIterator<Self> for Value {
    fn from_iter<T: IntoIterator<Item = Self>>(items: T) -> Self {
        Self::array(items.into_iter().collect())
    }
}
