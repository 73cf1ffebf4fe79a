//! The family `files` of the toolbox: commands that walk through directories.

mod date;
mod execution;
mod expression;
mod find;
mod format;
mod path_pattern;
#[cfg(test)]
mod testing;

use std::ffi::OsString;

use stepbox_tool::Tool;

/// The command of that name, if it is one of ours.
pub fn find_tool(name: &str, _: &[OsString]) -> Option<Tool> {
    Some(match name {
        "find" => find::find,
        _ => return None,
    })
}
