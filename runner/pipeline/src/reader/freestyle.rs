//! The freestyle step (section 2.1 of the specification).

use super::context::Context;
use crate::pipeline::{Freestyle, Shell};
use crate::schema::Fields;

/// Reads the fields; `None` where there is no image to run in.
pub(super) fn read(context: &Context<'_>, fields: &Fields<'_>) -> Option<Freestyle> {
    let shell = match fields.get("shell").and_then(|node| node.as_str()) {
        Some("bash") => Shell::Bash,
        _ => Shell::Sh,
    };
    Some(Freestyle {
        image: context.text(fields.get("image"))?,
        working_directory: context.text(fields.get("working_directory")),
        // No commands and an empty list of commands are the same: the entry point runs.
        commands: context.texts(fields.get("commands")).filter(|commands| !commands.is_empty()),
        cmd: context.words(fields.get("cmd")),
        entry_point: context.words(fields.get("entry_point")),
        shell,
        environment: context.texts(fields.get("environment")).unwrap_or_default(),
        volumes: context.texts(fields.get("volumes")).unwrap_or_default(),
    })
}
