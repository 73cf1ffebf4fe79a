//! What can be wrong with a document before any schema.

use crate::place::Place;

/// A document that is not YAML as we read it. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct YamlError {
    /// What happened.
    pub kind: YamlErrorKind,
    /// Where.
    pub place: Place,
    /// The other place it is about, such as that of the first of two equal keys.
    pub other: Option<Place>,
}

/// The kinds of [`YamlError`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum YamlErrorKind {
    /// The scanner does not accept the text.
    #[error("{0}")]
    Syntax(String),
    /// The indentation holds a tab.
    #[error("tab in the indentation, YAML is indented with spaces ({0})")]
    Tab(String),
    /// A key stands twice in one mapping (rule Y3).
    #[error("duplicated mapping key `{0}`")]
    DuplicateKey(String),
    /// A key is a list or a mapping.
    #[error("a mapping key must be a scalar")]
    KeyNotScalar,
    /// `<<` has a value that cannot be merged.
    #[error("cannot merge: the value of `<<` must be a mapping or a list of mappings")]
    BadMerge,
    /// An alias stands inside what its anchor names.
    #[error("an alias stands inside the node that its anchor names")]
    RecursiveAlias,
    /// A tag other than those of the core schema.
    #[error("unknown tag `{0}`")]
    UnknownTag(String),
    /// The text does not fit its tag.
    #[error("`{text}` is not a value of tag `{tag}`")]
    BadTagged {
        /// The tag.
        tag: String,
        /// The text.
        text: String,
    },
    /// A second document begins.
    #[error("expected a single document, a second one begins here")]
    SecondDocument,
    /// The text is too long.
    #[error("the document is longer than {0} bytes")]
    TooLong(usize),
    /// Nested too deep.
    #[error("nested deeper than {0} levels")]
    TooDeep(usize),
    /// Too many nodes, counted with what aliases expand to.
    #[error("more than {0} nodes, aliases included")]
    TooManyNodes(usize),
    /// Aliases and merges expand to too much text.
    #[error("aliases expand to more than {0} bytes")]
    TooMuchText(usize),
}
