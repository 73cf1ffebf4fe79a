/// A script that cannot be parsed. The shell's status is then 2.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{line}: {}{message}", if self.whole { "" } else { "syntax error: " })]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub message: String,
    /// The text of the line, where bash shows it.
    pub text: Option<String>,
    /// Whether the message says itself that it is one.
    pub(super) whole: bool,
}

impl SyntaxError {
    pub(super) fn new(line: u32, message: impl Into<String>) -> Self {
        Self { line, message: message.into(), text: None, whole: false }
    }
}
