//! The commands that are ours: those that no crate provides for WASI. Each is a function of its arguments and streams,
//! so that it can be tested on any host.

mod calendar;
mod change_mode;
mod disk_usage;
mod expression;
mod file_info;
mod find;
mod glob;
mod grep;
mod grep_options;
mod identity;
mod install;
mod listing;
mod options;
mod pattern;
mod stat;
mod which;

use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, Write};

/// The streams of a command.
pub(crate) struct Streams<'a> {
    /// Standard input.
    pub(crate) input: &'a mut dyn BufRead,
    /// Standard output.
    pub(crate) output: &'a mut dyn Write,
    /// Standard error.
    pub(crate) errors: &'a mut dyn Write,
}

impl Streams<'_> {
    /// Reports what went wrong with a file, in the words of the other commands.
    pub(crate) fn complain(&mut self, command: &str, subject: &OsStr, error: &io::Error) {
        self.say(command, &format!("{}: {}", subject.to_string_lossy(), describe(error)));
    }

    /// Reports a fault.
    pub(crate) fn say(&mut self, command: &str, message: &str) {
        // There is nowhere else to report that standard error is gone.
        let _ = writeln!(self.errors, "{command}: {message}");
    }
}

/// The text of an error without the number that the standard library adds to it.
pub(crate) fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// A command: its exit status. The first argument is its name; an error is one of writing its output.
pub(crate) type Tool = fn(&[OsString], &mut Streams<'_>) -> io::Result<i32>;

/// The command of that name, if it is one of ours.
pub(crate) fn find_tool(name: &str) -> Option<Tool> {
    Some(match name {
        "arch" => identity::arch,
        "chgrp" | "chown" => change_mode::change_owner,
        "chmod" => change_mode::change_mode,
        "du" => disk_usage::disk_usage,
        "egrep" | "fgrep" | "grep" | "rgrep" => grep::grep,
        "find" => find::find,
        "groups" => identity::groups,
        "hostname" => identity::hostname,
        "id" => identity::id,
        "install" => install::install,
        "logname" | "whoami" => identity::user_name,
        "stat" => stat::stat,
        "sync" => identity::sync,
        "which" => which::which,
        _ => return None,
    })
}

/// Whether our `ls` answers: for the long format, which others cannot print without a user database.
pub(crate) fn long_listing(arguments: &[OsString]) -> bool {
    listing::is_for_us(arguments)
}

/// `ls -l`.
pub(crate) fn list(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    listing::list(arguments, streams)
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{OsString, Streams, find_tool};

    /// Runs a command: its output, errors and status.
    pub(crate) fn run(words: &[&str], input: &str) -> (String, String, i32) {
        let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
        let (mut output, mut errors) = (vec![], vec![]);
        let mut streams = Streams { input: &mut input.as_bytes(), output: &mut output, errors: &mut errors };
        let status = match words[0] {
            "ls" if super::long_listing(&arguments) => super::list(&arguments, &mut streams),
            name => find_tool(name).expect("a command of ours")(&arguments, &mut streams),
        };
        let text = |bytes| String::from_utf8(bytes).expect("text");
        let status = status.expect("writes");
        (text(output), text(errors), status)
    }
}
