//! The family `core` of the toolbox: the commands of the coreutils that no crate provides for WASI, and those that must start
//! faster than the crates do.

mod cat;
mod change_mode;
mod condition;
mod copy;
mod disk_usage;
mod echo;
mod identity;
mod install;
mod listing;
mod make_directory;
mod names;
mod remove;
mod stat;
#[cfg(test)]
mod testing;
mod touch;
mod which;

use std::ffi::OsString;

use stepbox_tool::Tool;

/// The command of that name, if it is one of ours.
pub fn find_tool(name: &str, arguments: &[OsString]) -> Option<Tool> {
    Some(match name {
        "[" | "test" => condition::test,
        "arch" => identity::arch,
        "basename" => names::base_name,
        "cat" => cat::cat,
        "chgrp" | "chown" => change_mode::change_owner,
        "chmod" => change_mode::change_mode,
        "cp" if copy::is_for_us(arguments) => copy::copy,
        "dirname" => names::directory_name,
        "du" => disk_usage::disk_usage,
        "echo" => echo::echo,
        "false" => echo::failure,
        "groups" => identity::groups,
        "hostname" => identity::hostname,
        "id" => identity::id,
        "install" => install::install,
        "logname" | "whoami" => identity::user_name,
        // Its long format elsewhere needs a user database.
        "ls" if listing::is_for_us(arguments) => listing::list,
        "mkdir" => make_directory::make_directory,
        "pwd" => names::working_directory,
        "rm" if remove::is_for_us(arguments) => remove::remove,
        "stat" => stat::stat,
        "sync" => identity::sync,
        "touch" if touch::is_for_us(arguments) => touch::touch,
        "true" => echo::success,
        "which" => which::which,
        _ => return None,
    })
}
