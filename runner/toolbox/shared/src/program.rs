use std::ffi::OsString;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::{COMMANDS, Find, Streams, Tool, describe, help};

/// The program of a family: `ours` has the commands that are ours, `others` runs those of other crates.
pub fn main(family: &str, ours: Find, others: fn(&str, Vec<OsString>) -> i32) -> ! {
    stepbox_guest::enter();
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let name =
        arguments.first().and_then(|path| Path::new(path).file_name()).map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    // Never by a suffix or an abbreviation: a command that is missing must not become another one.
    let known = COMMANDS.binary_search_by(|command| command.name.cmp(&name)).map(|at| &COMMANDS[at]);
    if !known.is_ok_and(|command| command.family == family) {
        eprintln!("{name}: not a command of this toolbox");
        stepbox_guest::exit(127);
    }
    // The commands name themselves in their messages as they were called, without the directory.
    arguments[0] = OsString::from(&name);
    let asks = arguments.len() == 2 && arguments[1] == "--help" && !matches!(name.as_str(), "[" | "echo" | "test");
    if let Some(text) = help(&name).filter(|_| asks) {
        println!("usage: {text}");
        stepbox_guest::exit(0);
    }
    stepbox_guest::exit(match ours(&name, &arguments) {
        Some(tool) => run(tool, &arguments),
        None => others(&name, arguments),
    })
}

/// Runs a command of ours.
fn run(tool: Tool, arguments: &[OsString]) -> i32 {
    let mut output = BufWriter::with_capacity(32 << 10, io::stdout().lock());
    let mut streams = Streams { input: &mut io::stdin().lock(), output: &mut output, errors: &mut io::stderr().lock() };
    let status = tool(arguments, &mut streams);
    match status.and_then(|status| output.flush().map(|()| status)) {
        Ok(status) => status,
        // Whoever read the output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => 141,
        Err(error) => {
            eprintln!("{}: write error: {}", arguments[0].to_string_lossy(), describe(&error));
            2
        }
    }
}
