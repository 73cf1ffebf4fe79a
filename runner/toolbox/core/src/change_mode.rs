use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;

use stepbox_tool::fail;
use stepbox_tool::mode::{apply, set_mode};
use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, file_info};

/// How deep `chmod -R` goes.
const MAX_DEPTH: usize = 512;

/// `chmod`.
pub(crate) fn change_mode(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    // A mode such as `-w` looks like an option.
    let looks_like_mode =
        |text: &str| text.len() > 1 && text.starts_with('-') && text[1..].chars().all(|c| "rwxXst".contains(c));
    let mut arguments = arguments.to_vec();
    let dashed = arguments.iter().skip(1).position(|argument| looks_like_mode(&argument.to_string_lossy()));
    let mut mode = dashed.map(|index| arguments.remove(index + 1).to_string_lossy().into_owned());
    let known = [
        flag('R', "recursive"),
        flag('v', "verbose"),
        flag('c', "changes"),
        flag('f', "silent"),
        flag('f', "quiet"),
        valued('\u{1}', "reference"),
    ];
    let mut parsed = match parse(&arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("chmod", &message, streams),
    };
    if mode.is_none() && !parsed.has('\u{1}') && !parsed.operands.is_empty() {
        mode = Some(parsed.operands.remove(0).to_string_lossy().into_owned());
    }
    if parsed.operands.is_empty() {
        return fail("chmod", "missing operand", streams);
    }
    let mode = match (mode, parsed.value('\u{1}').map(OsString::from)) {
        (_, Some(reference)) => match file_info::read(Path::new(&reference), true) {
            Ok(info) => format!("{:o}", info.mode),
            Err(error) => {
                streams.complain("chmod", &reference, &error);
                return Ok(1);
            }
        },
        (Some(mode), None) => mode,
        (None, None) => return fail("chmod", "missing operand", streams),
    };
    if apply(&mode, 0o644, false).is_none() {
        return fail("chmod", &format!("invalid mode: `{mode}`"), streams);
    }
    let change = Change {
        mode,
        recursive: parsed.has('R'),
        silent: parsed.has('f'),
        all: parsed.has('v'),
        changes: parsed.has('c'),
    };
    let mut status = 0;
    for file in &parsed.operands {
        status |= change.apply_to(Path::new(file), 0, streams)?;
    }
    Ok(status)
}

/// What `chmod` is to do.
struct Change {
    mode: String,
    recursive: bool,
    silent: bool,
    /// Tell of every file, or of those that change.
    all: bool,
    changes: bool,
}

impl Change {
    fn apply_to(&self, path: &Path, depth: usize, streams: &mut Streams<'_>) -> io::Result<i32> {
        // Links that are found on the way down are left alone, as elsewhere.
        let changed = file_info::read(path, depth == 0).and_then(|info| {
            if info.is_link() {
                return Ok(info);
            }
            let mode = apply(&self.mode, info.mode, info.is_directory()).unwrap_or(info.mode);
            set_mode(path, mode)?;
            Ok(file_info::FileInfo { mode, ..info.clone() }).inspect(|new| {
                if self.all || self.changes && new.mode != info.mode {
                    let what = if new.mode == info.mode { "retained as" } else { "changed to" };
                    // A failed write is noticed when the output is flushed.
                    let _ = writeln!(streams.output, "mode of '{}' {what} {:04o}", path.display(), new.mode);
                }
            })
        });
        let info = match changed {
            Ok(info) => info,
            Err(error) => {
                if !self.silent {
                    let what = OsString::from(format!("cannot access '{}'", path.display()));
                    streams.complain("chmod", &what, &error);
                }
                return Ok(1);
            }
        };
        let mut status = 0;
        if self.recursive && info.is_directory() {
            if depth == MAX_DEPTH {
                streams.complain("chmod", path.as_os_str(), &io::Error::other("too deep"));
                return Ok(1);
            }
            for entry in file_info::entries(path)? {
                status |= self.apply_to(&entry, depth + 1, streams)?;
            }
        }
        Ok(status)
    }
}

/// `chown` and `chgrp`: the files are checked; the change itself is accepted.
pub(crate) fn change_owner(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let command = arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let known = [
        flag('R', "recursive"),
        flag('v', "verbose"),
        flag('c', "changes"),
        flag('f', "silent"),
        flag('h', "no-dereference"),
        flag('H', ""),
        flag('L', ""),
        flag('P', ""),
        valued('\u{1}', "reference"),
        valued('\u{2}', "from"),
    ];
    let parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail(&command, &message, streams),
    };
    let files = if parsed.has('\u{1}') { &parsed.operands[..] } else { parsed.operands.get(1..).unwrap_or_default() };
    if files.is_empty() {
        return fail(&command, "missing operand", streams);
    }
    check_all(&command, files, parsed.has('f'), streams)
}

fn check_all(command: &str, files: &[OsString], silent: bool, streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut status = 0;
    for file in files {
        if let Err(error) = check(file) {
            if !silent {
                streams.complain(
                    command,
                    &OsString::from(format!("cannot access '{}'", file.to_string_lossy())),
                    &error,
                );
            }
            status = 1;
        }
    }
    Ok(status)
}

fn check(file: &OsStr) -> io::Result<()> {
    file_info::read(Path::new(file), false).map(|_| ())
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn chmod_wants_a_mode_and_files_that_are_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("file");
        std::fs::write(&file, "").expect("writes");
        let (root, name) = (directory.path().to_str().expect("text"), file.to_str().expect("text"));
        let mode = || std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&file).expect("there").permissions());
        assert_eq!(run(&["chmod", "0640", name], ""), (String::new(), String::new(), 0));
        assert_eq!(mode() & 0o7777, 0o640);
        assert_eq!(run(&["chmod", "-v", "u+x", name], "").0, format!("mode of '{name}' changed to 0740\n"));
        assert_eq!(run(&["chmod", "-c", "u+x", name], "").0, "");
        assert_eq!(run(&["chmod", "-R", "go=rX", root], "").2, 0);
        assert_eq!(mode() & 0o7777, 0o755);
        assert_eq!(run(&["chmod", "-x", name], "").2, 0);
        assert_eq!(run(&["chmod", "--reference", root, name], "").2, 0);
        assert_eq!(mode() & 0o7777, 0o755);
        assert_eq!(run(&["chmod", "q", "/"], "").1, "chmod: invalid mode: `q`\n");
        let (_, errors, status) = run(&["chmod", "-R", "755", "/nowhere"], "");
        assert_eq!((errors.as_str(), status), ("chmod: cannot access '/nowhere': No such file or directory\n", 1));
        assert_eq!(run(&["chown", "-R", "a:b", "/"], "").2, 0);
        assert_eq!(run(&["chown", "a:b"], "").2, 1);
    }
}
