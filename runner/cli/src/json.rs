//! `--output json`: one event a line, as [`stepbox_engine::BuildEvent`] documents them.

use std::io::Write;

use stepbox_engine::BuildEvent;

/// Prints an event on standard output.
pub(crate) fn print(event: &BuildEvent) {
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        // A reader that has enough is no reason to end the build.
        let _ = std::io::stdout().write_all(&line);
    }
}
