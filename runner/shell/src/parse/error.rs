/// A script that cannot be parsed. The shell's status is then 2.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{line}: syntax error: {message}")]
pub struct SyntaxError {
    /// The line, counted from 1.
    pub line: u32,
    /// What is wrong there.
    pub message: String,
}
