//! `--output json`: one event a line, as [`stepbox_engine::BuildEvent`] documents them.

use stepbox_engine::BuildEvent;

use crate::results::Results;

/// Prints an event on standard output.
pub(crate) fn print(event: &BuildEvent, results: &mut Results) {
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        results.write(&line);
    }
}
