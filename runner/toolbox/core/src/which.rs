use std::ffi::OsString;
use std::io;
use std::path::Path;

use stepbox_tool::COMMANDS;
use stepbox_tool::Streams;
use stepbox_tool::fail;
use stepbox_tool::options::{flag, parse};

/// `which`: where a command stands on the `PATH`. The toolbox's own commands are not files; they are said to be in `/usr/bin`, or in the first usual
/// directory that the `PATH` has instead.
pub(crate) fn which(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let parsed = match parse(arguments, &[flag('a', "all"), flag('s', "")]) {
        Ok(parsed) => parsed,
        Err(message) => return fail("which", &message, streams),
    };
    let mut status = 0;
    for name in &parsed.operands {
        let found = places(&name.to_string_lossy());
        status |= i32::from(found.is_empty());
        let count = if parsed.has('a') { found.len() } else { 1 };
        for place in found.iter().take(if parsed.has('s') { 0 } else { count }) {
            writeln!(streams.output, "{place}")?;
        }
    }
    Ok(if parsed.operands.is_empty() { 1 } else { status })
}

fn places(name: &str) -> Vec<String> {
    if name.contains('/') {
        return if Path::new(name).is_file() { vec![name.to_owned()] } else { vec![] };
    }
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".to_owned());
    let provided = COMMANDS.iter().any(|command| command.name == name) || HOST_COMMANDS.contains(&name);
    let directories: Vec<&str> = path.split(':').map(|directory| directory.trim_end_matches('/')).collect();
    let home = COMMAND_DIRECTORIES.iter().find(|known| directories.contains(known)).filter(|_| provided);
    let mut places = vec![];
    for directory in directories.iter().filter(|directory| !directory.is_empty()) {
        let place = format!("{directory}/{name}");
        if (home == Some(directory) && !places.contains(&place)) || Path::new(&place).is_file() {
            places.push(place);
        }
    }
    places
}

/// Where the toolbox's commands are said to stand, the best first.
const COMMAND_DIRECTORIES: [&str; 6] = ["/usr/bin", "/bin", "/usr/local/bin", "/usr/sbin", "/sbin", "/usr/local/sbin"];

/// Commands that the host answers for.
const HOST_COMMANDS: [&str; 1] = ["sh"];

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn what_is_missing_has_no_place() {
        assert_eq!(run(&["which", "no-such-command"], ""), (String::new(), String::new(), 1));
        assert_eq!(run(&["which"], "").2, 1);
        assert_eq!(run(&["which", "/nowhere/tool"], "").2, 1);
    }
}
