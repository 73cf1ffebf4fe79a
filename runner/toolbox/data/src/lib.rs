//! The family `data` of the toolbox: JSON and YAML.

mod jq;
mod yaml;
mod yq;

use std::ffi::OsString;

use stepbox_tool::{Streams, Tool, describe};

/// The command of that name, if it is one of ours.
pub fn find_tool(name: &str, _: &[OsString]) -> Option<Tool> {
    Some(match name {
        "jq" => jq::jq,
        "yq" => yq::yq,
        _ => return None,
    })
}
