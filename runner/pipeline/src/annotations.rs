//! Notes on a build (section 11.2 of the specification).

use crate::place::Place;
use crate::template::Template;

/// What a hook notes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Annotations {
    /// What is set, in the order of the document.
    pub set: Vec<Annotation>,
    /// The names that are removed, before anything is set.
    pub unset: Vec<Template>,
}

/// A note on the running build.
#[derive(Debug, Clone, PartialEq)]
pub struct Annotation {
    /// Its name.
    pub name: String,
    /// What it says.
    pub value: AnnotationValue,
    /// Where it stands.
    pub place: Place,
}

/// What a note says (rule A2).
#[derive(Debug, Clone, PartialEq)]
pub enum AnnotationValue {
    /// Nothing: the name alone.
    Empty,
    /// A text, or the contents of a file where it begins with `file:` (rule A3).
    Text(Template),
    /// A number.
    Number(f64),
    /// Yes or no.
    Flag(bool),
    /// The value of an expression.
    Evaluate(Template),
}

impl Annotations {
    /// Whether nothing is noted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.unset.is_empty()
    }

    /// Every text in which `${{…}}` is replaced.
    pub(crate) fn templates(&self) -> impl Iterator<Item = &Template> {
        let values = self.set.iter().filter_map(|one| match &one.value {
            AnnotationValue::Text(text) | AnnotationValue::Evaluate(text) => Some(text),
            _ => None,
        });
        values.chain(&self.unset)
    }
}
