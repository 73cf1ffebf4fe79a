use std::ffi::OsString;
use std::io;
use std::path::Path;

use stepbox_tool::Streams;
use stepbox_tool::calendar::Moment;
use stepbox_tool::fail;
use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::options::{flag, parse, valued};

/// The default format.
const DEFAULT: &str = "  File: %N\n  Size: %-15s Blocks: %-10b IO Block: %-6o %F\nDevice: %d\tInode: %-11i Links: %h\nAccess: (%04a/%A)  Uid: (%5u/%8U)   Gid: (%5g/%8G)\nAccess: %x\nModify: %y\nChange: %z\n Birth: -\n";

/// `stat`: `-c`/`--format`, `--printf`, `-L`, `-t` is not supported.
pub(crate) fn stat(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [flag('L', "dereference"), valued('c', "format"), valued('\u{1}', "printf")];
    let parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("stat", &message, streams),
    };
    if parsed.operands.is_empty() {
        return fail("stat", "missing operand", streams);
    }
    let format = match (parsed.value('\u{1}'), parsed.value('c')) {
        (Some(format), _) => escapes(format),
        (None, Some(format)) => format!("{format}\n"),
        (None, None) => DEFAULT.to_owned(),
    };
    let mut status = 0;
    for path in &parsed.operands {
        match file_info::read(Path::new(path), parsed.has('L')) {
            Ok(info) => streams.output.write_all(expand(&format, Path::new(path), &info).as_bytes())?,
            Err(error) => {
                let subject = format!("cannot statx '{}'", path.to_string_lossy());
                streams.complain("stat", &OsString::from(subject), &error);
                status = 1;
            }
        }
    }
    Ok(status)
}

/// Replaces `\n`, `\t`, `\\`, `\0`.
fn escapes(format: &str) -> String {
    let mut result = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        match (character, if character == '\\' { characters.next() } else { None }) {
            ('\\', Some('n')) => result.push('\n'),
            ('\\', Some('t')) => result.push('\t'),
            ('\\', Some('0')) => result.push('\0'),
            ('\\', Some(other)) => result.push(other),
            (other, _) => result.push(other),
        }
    }
    result
}

fn expand(format: &str, path: &Path, info: &FileInfo) -> String {
    let mut result = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let width_end = rest.find(|c: char| !c.is_ascii_digit() && c != '-').unwrap_or(rest.len());
        let (width, after) = rest.split_at(width_end);
        let Some(directive) = after.chars().next() else {
            result.push('%');
            break;
        };
        rest = &after[directive.len_utf8()..];
        let value = value(directive, path, info);
        // A hostile width must not take memory.
        let (left, zero) = (width.starts_with('-'), width.starts_with('0'));
        let width = width.trim_start_matches('-').parse::<usize>().unwrap_or(0).min(1000);
        result.push_str(&match (left, zero) {
            (true, _) => format!("{value:<width$}"),
            (_, true) => format!("{value:0>width$}"),
            _ => format!("{value:>width$}"),
        });
    }
    result.push_str(rest);
    result
}

fn value(directive: char, path: &Path, info: &FileInfo) -> String {
    let moment = |(seconds, nanoseconds)| Moment::new(seconds, nanoseconds).full();
    match directive {
        '%' => "%".to_owned(),
        'a' => format!("{:o}", info.mode),
        'A' => info.mode_text(),
        'b' => (info.allocated() / 512).to_string(),
        'B' => "512".to_owned(),
        'd' => info.device.to_string(),
        'F' => kind(info).to_owned(),
        'g' | 'u' => "0".to_owned(),
        'G' | 'U' => "root".to_owned(),
        'h' => info.links.to_string(),
        'i' => info.inode.to_string(),
        'n' => path.display().to_string(),
        'N' => match std::fs::read_link(path) {
            Ok(target) if info.is_link() => format!("'{}' -> '{}'", path.display(), target.display()),
            _ => format!("'{}'", path.display()),
        },
        'o' => "4096".to_owned(),
        's' => info.size.to_string(),
        't' | 'T' | 'W' => "0".to_owned(),
        'w' => "-".to_owned(),
        'x' => moment(info.accessed),
        'X' => info.accessed.0.to_string(),
        'y' => moment(info.modified),
        'Y' => info.modified.0.to_string(),
        'z' => moment(info.changed),
        'Z' => info.changed.0.to_string(),
        other => format!("?{other}"),
    }
}

fn kind(info: &FileInfo) -> &'static str {
    match info.letter() {
        'd' => "directory",
        'l' => "symbolic link",
        'c' => "character special file",
        'b' => "block special file",
        'p' => "fifo",
        's' => "socket",
        _ if info.size == 0 => "regular empty file",
        _ => "regular file",
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn formats_are_expanded() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "12345").expect("writes");
        let path = file.to_str().expect("text");
        assert_eq!(run(&["stat", "-c", "%s %F|%8s|%-8s|%%", path], "").0, "5 regular file|       5|5       |%\n");
        assert_eq!(run(&["stat", "--printf", "%U:%G\\t%u\\n", path], "").0, "root:root\t0\n");
        assert!(run(&["stat", path], "").0.starts_with(&format!("  File: '{path}'\n  Size: 5 ")));
        let (_, errors, status) = run(&["stat", "/nowhere"], "");
        assert_eq!((errors.as_str(), status), ("stat: cannot statx '/nowhere': No such file or directory\n", 1));
    }
}
