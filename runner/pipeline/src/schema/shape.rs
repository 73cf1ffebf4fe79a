//! The words in which fields are described.
//!
//! A description says what a value may be ([`Shape`]), under which name ([`Field`]), and what holds between the fields
//! of one mapping ([`Rule`]). Everything that is said about fields comes from these descriptions: errors, suggestions,
//! what Stepbox does not execute, and the schema for editors.

/// What a value may be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    /// A string that is not empty.
    Text,
    /// A string, empty or not.
    Label,
    /// One of some words.
    Word(&'static [&'static str]),
    /// A string that fits a pattern.
    Matching(Pattern),
    /// Exactly `${{NAME}}`.
    Variable,
    /// A number, as such or in quotes.
    Number,
    /// A number above zero, as such or in quotes.
    Positive,
    /// `true`, `false`, or a word or number for one of them.
    Flag,
    /// `true` or `false`.
    StrictFlag,
    /// A list.
    List(&'static List),
    /// A mapping with names of the author's choice.
    Map(&'static Map),
    /// A mapping with known fields.
    Object(&'static Object),
    /// Whichever of these it fits.
    OneOf(&'static [Shape]),
    /// The version of the schema (rule Y2).
    Version,
    /// One of the document's stages.
    Stage,
    /// How long a step may take; what is none is warned about (rule F22).
    Timeout,
    /// A mapping of steps. The steps themselves are checked one by one, not as a part of what holds them.
    Steps,
    /// A hook in one of its forms (rule H2).
    Hook,
}

/// What strings may look like. The text is the official one, which messages quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// Letters, digits and `_`.
    Name,
    /// Anything with a colon.
    Colon,
    /// `NAME=value`.
    Assignment,
}

impl Pattern {
    /// The expression that messages quote.
    pub(crate) fn source(self) -> &'static str {
        match self {
            Self::Name => "/^[A-Za-z0-9_]+$/",
            Self::Colon => "/:/",
            Self::Assignment => "/^[_a-zA-Z][_a-zA-Z0-9]{1,256}=.*/",
        }
    }

    /// Whether a text fits.
    pub(crate) fn matches(self, text: &str) -> bool {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match self {
            Self::Name => !text.is_empty() && text.bytes().all(word),
            Self::Colon => text.contains(':'),
            Self::Assignment => text.split_once('=').is_some_and(|(name, _)| {
                (2..=257).contains(&name.len()) && name.bytes().all(word) && !name.as_bytes()[0].is_ascii_digit()
            }),
        }
    }
}

/// A list.
#[derive(Debug)]
pub(crate) struct List {
    /// What each item is.
    pub(crate) item: Shape,
    /// How few items it may have: none, or at least one.
    pub(crate) least: Least,
}

/// How few items a list may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Least {
    /// None.
    None,
    /// One, whatever it is.
    One,
    /// One that is well, and blanks are no text.
    OneGood,
}

/// A mapping with names of the author's choice.
#[derive(Debug)]
pub(crate) struct Map {
    /// What each name must look like.
    pub(crate) key: Option<Pattern>,
    /// What each value is.
    pub(crate) value: Shape,
}

/// A mapping with known fields.
#[derive(Debug)]
pub(crate) struct Object {
    /// The fields, in groups that several objects share. The order is that of the messages.
    pub(crate) fields: &'static [&'static [Field]],
    /// What happens to other fields.
    pub(crate) others: Others,
    /// What holds between fields.
    pub(crate) rules: &'static [Rule],
}

impl Object {
    /// All fields in their order.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &'static Field> + use<> {
        self.fields.iter().flat_map(|group| group.iter())
    }

    /// The present name of a field, where this is its older spelling.
    pub(crate) fn present_name<'a>(&self, name: &'a str) -> &'a str {
        self.fields().find(|field| field.alias == Some(name)).map_or(name, |field| field.name)
    }

    /// Whether a field is a list and nothing else.
    pub(crate) fn is_list(&self, name: &str) -> bool {
        self.fields().any(|field| field.name == name && matches!(field.shape, Shape::List(_)))
    }

    /// A closed set of fields with nothing between them.
    pub(crate) const fn closed(fields: &'static [&'static [Field]]) -> Self {
        Self { fields, others: Others::Refused, rules: &[] }
    }

    /// Fields beside which any other may stand.
    pub(crate) const fn open(fields: &'static [&'static [Field]]) -> Self {
        Self { fields, others: Others::Taken, rules: &[] }
    }
}

/// What happens to fields that are not described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are errors.
    Refused,
    /// They are errors, and nothing is suggested in the message; what may have been meant is a hint.
    RefusedWithHint,
    /// They are taken in silence.
    Taken,
    /// They are taken with a warning that names what kind of thing has no such field.
    Warned(&'static str),
}

/// What holds between fields of one mapping.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule {
    /// The first cannot stand where the second does.
    Without(&'static str, &'static str),
    /// The first can only stand where the second does.
    With(&'static str, &'static str),
    /// Exactly one of two stands.
    Either(&'static str, &'static str),
    /// The first can only stand where the second is there and not `false`.
    WhileOn(&'static str, &'static str),
}

/// Whether a field must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It may.
    Optional,
    /// It must.
    Required,
    /// It must not, and this is what is said.
    Forbidden(&'static str),
}

/// What Stepbox does with a field that is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Support {
    /// What it means.
    Full,
    /// Nothing, with a warning.
    Ignored,
    /// It refuses the pipeline, for this reason.
    Refused(&'static str, Option<&'static str>),
}

/// A field of a mapping.
#[derive(Debug)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its older spelling.
    pub(crate) alias: Option<&'static str>,
    /// What its value is.
    pub(crate) shape: Shape,
    /// Whether it must stand.
    pub(crate) presence: Presence,
    /// What Stepbox does with it.
    pub(crate) support: Support,
    /// Whether it is suggested where another field may have been meant.
    pub(crate) suggested: bool,
    /// What it is for, in one line.
    pub(crate) about: &'static str,
    /// What one can do where the value is of another kind.
    pub(crate) hint: &'static str,
}

impl Field {
    /// A field that may stand.
    pub(crate) const fn new(name: &'static str, shape: Shape, about: &'static str) -> Self {
        let presence = Presence::Optional;
        Self { name, alias: None, shape, presence, support: Support::Full, suggested: true, about, hint: "" }
    }

    /// The same field, which must stand.
    pub(crate) const fn required(mut self) -> Self {
        self.presence = Presence::Required;
        self
    }

    /// The same field, which must not stand.
    pub(crate) const fn forbidden(mut self, message: &'static str) -> Self {
        self.presence = Presence::Forbidden(message);
        self
    }

    /// The same field with an older spelling.
    pub(crate) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    /// The same field, which is never suggested: it is taken away before the official validator looks at steps (P14b).
    pub(crate) const fn unsuggested(mut self) -> Self {
        self.suggested = false;
        self
    }

    /// The same field with advice.
    pub(crate) const fn hint(mut self, hint: &'static str) -> Self {
        self.hint = hint;
        self
    }

    /// The same field, which Stepbox ignores.
    pub(crate) const fn ignored(mut self) -> Self {
        self.support = Support::Ignored;
        self
    }

    /// The same field, which Stepbox refuses.
    pub(crate) const fn refused(mut self, reason: &'static str, hint: Option<&'static str>) -> Self {
        self.support = Support::Refused(reason, hint);
        self
    }
}

/// A list of strings that are not empty.
pub(crate) const TEXTS: Shape = Shape::List(&List { item: Shape::Text, least: Least::None });
/// A boolean, a word for one, or exactly `${{NAME}}`.
pub(crate) const SWITCH: Shape = Shape::OneOf(&[Shape::Flag, Shape::Variable]);
/// A real boolean or exactly `${{NAME}}`.
pub(crate) const STRICT_SWITCH: Shape = Shape::OneOf(&[Shape::StrictFlag, Shape::Variable]);
/// A command line as one text or as a list.
pub(crate) const WORDS: Shape = Shape::OneOf(&[Shape::Text, TEXTS]);
/// A mapping of whatever.
pub(crate) const ANY_MAP: Shape = Shape::Map(&Map { key: None, value: Shape::Any });
