//! Calls of the family's commands.

/// Runs a command: its output, errors and status.
pub(crate) fn run(words: &[&str], input: &str) -> (String, String, i32) {
    stepbox_tool::testing::run(crate::find_tool, words, input)
}
