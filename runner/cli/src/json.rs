//! `--output json`: one document a line; of a build its events, as [`stepbox_engine::BuildEvent`] documents them.

use serde::Serialize;
use stepbox_engine::BuildEvent;

use crate::error::CliError;
use crate::results::Results;

/// Prints an event on standard output.
pub(crate) fn print(event: &BuildEvent, results: &mut Results) {
    if let Ok(mut line) = serde_json::to_vec(event) {
        line.push(b'\n');
        results.write(&line);
    }
}

/// A document on a line of its own.
pub(crate) fn line(document: &impl Serialize) -> Result<String, CliError> {
    let text =
        serde_json::to_string(document).map_err(|error| CliError::host(format!("cannot write JSON: {error}")))?;
    Ok(text + "\n")
}
