//! What can be wrong with a value, in the official validator's words.

use crate::step_name::StepNameError;

/// The longest piece of a document that a message quotes, in characters.
const LONGEST_QUOTE: usize = 200;

/// A problem of one value. `label` in the messages is the last part of the value's path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem<'n> {
    /// It is missing.
    Required,
    /// It must not stand.
    NotAllowed,
    /// It must not stand, this may be meant.
    NotAllowedNear(&'static str),
    /// It is of another kind.
    MustBe(&'static str),
    /// It is an empty string.
    Empty,
    /// It is a value that is never right.
    Invalid,
    /// It is none of some words.
    NoneOf(&'static [&'static str]),
    /// It is no stage of the document; the stages are written by whoever knows them.
    NoStage,
    /// It does not look like this.
    Unlike(&'n str, &'static str),
    /// It is not exactly `${{NAME}}`.
    NoVariable(&'n str),
    /// It is a number, but not above zero.
    NotPositive,
    /// It is shorter than one character.
    TooShort,
    /// It is a list without items.
    NoItems,
    /// It is a list without an item that is well.
    NoGoodItem,
    /// It cannot stand beside this.
    Conflict(&'static str),
    /// It needs this beside it.
    MissingPeer(&'static str),
    /// Both stand, one may.
    Exclusive(&'static str, &'static str),
    /// None of both stands.
    NeitherOf(&'static str, &'static str),
    /// It stands under its name and under its older spelling.
    Renamed(&'static str, &'static str),
    /// It is a version that does not exist.
    Version(&'n str),
    /// It is no name for a step.
    Name(StepNameError),
    /// A sentence of its own.
    Said(&'static str),
}

impl Problem<'_> {
    /// The message.
    pub(crate) fn message(&self, label: &str, stages: &[&str]) -> String {
        let label = clip(label);
        match self {
            Self::Required => format!("\"{label}\" is required"),
            Self::NotAllowed => format!("\"{label}\" is not allowed"),
            Self::NotAllowedNear(near) => format!("\"{label}\" is not allowed. Did you mean \"{near}\"?"),
            Self::MustBe(kind) => format!("\"{label}\" must be {kind}"),
            Self::Empty => format!("\"{label}\" is not allowed to be empty"),
            Self::Invalid => format!("\"{label}\" contains an invalid value"),
            Self::NoneOf(words) => format!("\"{label}\" must be one of [{}]", words.join(", ")),
            Self::NoStage => {
                let stages: Vec<&str> = stages.iter().take(LONGEST_QUOTE).map(|stage| clip(stage)).collect();
                format!("\"{label}\" must be one of [{}]", stages.join(", "))
            }
            Self::Unlike(value, pattern) => {
                format!("\"{label}\" with value \"{}\" fails to match the required pattern: {pattern}", clip(value))
            }
            // The official validator prints its pattern so.
            Self::NoVariable(value) => {
                format!("\"{label}\" with value \"{}\" fails to match the [object Object] pattern", clip(value))
            }
            Self::NotPositive => format!("\"{label}\" must be a positive number"),
            Self::TooShort => format!("\"{label}\" length must be at least 1 characters long"),
            Self::NoItems => format!("\"{label}\" must contain at least 1 items"),
            Self::NoGoodItem => format!("\"{label}\" does not contain 1 required value(s)"),
            Self::Conflict(peer) => format!("\"{label}\" conflict with forbidden peer \"{peer}\""),
            Self::MissingPeer(peer) => format!("\"{label}\" missing required peer \"{peer}\""),
            Self::Exclusive(one, other) => {
                format!("\"value\" contains a conflict between exclusive peers [{one}, {other}]")
            }
            Self::NeitherOf(one, other) => format!("\"value\" must contain at least one of [{one}, {other}]"),
            Self::Renamed(alias, name) => format!(
                "\"value\" cannot rename child \"{alias}\" because override is disabled and target \"{name}\" exists"
            ),
            Self::Version(written) => {
                format!("Current version: {} is invalid. please change version to 1.0", clip(written))
            }
            Self::Name(error) => error.to_string(),
            Self::Said(message) => (*message).to_owned(),
        }
    }
}

/// The beginning of a text, short enough for a message.
pub(crate) fn clip(text: &str) -> &str {
    match text.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}
