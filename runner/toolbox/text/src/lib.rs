//! The family `text` of the toolbox: commands that search and change text.

mod awk;
mod grep;
mod sed;
#[cfg(test)]
mod testing;

use std::ffi::OsString;

use stepbox_tool::Tool;

/// The command of that name, if it is one of ours.
pub fn find_tool(name: &str, _: &[OsString]) -> Option<Tool> {
    Some(match name {
        "awk" | "gawk" | "mawk" => awk::awk,
        "egrep" | "fgrep" | "grep" | "rgrep" => grep::grep,
        "sed" => sed::sed,
        _ => return None,
    })
}
