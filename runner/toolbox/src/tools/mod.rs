//! The commands that are ours.

use std::ffi::OsString;

/// The command of that name, if it is one of ours.
pub(crate) fn find_tool(_name: &str) -> Option<fn(&[OsString]) -> i32> {
    None
}
