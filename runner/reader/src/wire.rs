//! What the two sides say.

use serde::{Deserialize, Serialize};
use stepbox_pipeline::yaml::YamlErrorKind;

use crate::flat::FlatNode;

/// What is asked. The first question is `Begin`.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Question {
    /// Whether the process is to lock itself. Answer: `Ready`.
    Begin { lockdown: bool },
    /// A pipeline or a file of variables. Answer: `Document`.
    Document { text: String },
    /// A file of settings. Answer: `Settings`.
    Settings { text: String },
}

/// What is answered.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Answer {
    /// What stands of the wall; `None` where none was asked for. Else what the kernel lacks of it, in words.
    Ready(Option<Option<String>>),
    /// The nodes of a tree in the order of the document, or what is wrong with it.
    Document(Result<Vec<FlatNode>, FlatError>),
    /// The settings as JSON, or what is wrong with them.
    Settings(Result<String, WrongSettings>),
}

/// Offset and length of a place, in bytes.
pub(crate) type Stretch = (u32, u32);

/// What is wrong with a document.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct FlatError {
    pub(crate) kind: YamlErrorKind,
    pub(crate) place: Stretch,
    pub(crate) other: Option<Stretch>,
}

/// What is wrong with settings.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) struct WrongSettings {
    pub(crate) message: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}
