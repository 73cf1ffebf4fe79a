//! The family `core` of the toolbox: the commands of the coreutils that no crate provides for WASI.

mod change_mode;
mod disk_usage;
mod identity;
mod install;
mod listing;
mod stat;
#[cfg(test)]
mod testing;
mod which;

use std::ffi::OsString;

use stepbox_tool::Tool;

/// The command of that name, if it is one of ours.
pub fn find_tool(name: &str, arguments: &[OsString]) -> Option<Tool> {
    Some(match name {
        "arch" => identity::arch,
        "chgrp" | "chown" => change_mode::change_owner,
        "chmod" => change_mode::change_mode,
        "du" => disk_usage::disk_usage,
        "groups" => identity::groups,
        "hostname" => identity::hostname,
        "id" => identity::id,
        "install" => install::install,
        "logname" | "whoami" => identity::user_name,
        // The long format needs a user database, which others cannot do without.
        "ls" if listing::is_for_us(arguments) => listing::list,
        "stat" => stat::stat,
        "sync" => identity::sync,
        "which" => which::which,
        _ => return None,
    })
}
