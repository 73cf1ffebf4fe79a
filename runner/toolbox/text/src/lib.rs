//! The family `text` of the toolbox: commands that search and change text.

mod awk;
mod column;
mod compare_bytes;
mod diff;
mod dump;
mod grep;
mod patch;
mod reverse;
mod sed;
mod substitute;
#[cfg(test)]
mod testing;

use std::ffi::OsString;

use stepbox_tool::Tool;

/// The command of that name, if it is one of ours.
pub fn find_tool(name: &str, _: &[OsString]) -> Option<Tool> {
    Some(match name {
        "awk" | "gawk" | "mawk" => awk::awk,
        "cmp" => compare_bytes::compare_bytes,
        "column" => column::column,
        "diff" => diff::diff,
        "egrep" | "fgrep" | "grep" | "rgrep" => grep::grep,
        "envsubst" => substitute::substitute,
        "hd" | "hexdump" => dump::hexdump,
        "patch" => patch::patch,
        "sed" => sed::sed,
        "tac" => reverse::reverse,
        "xxd" => dump::xxd,
        _ => return None,
    })
}
