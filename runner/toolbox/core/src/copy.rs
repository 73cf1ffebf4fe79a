use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::options::{Known, flag, parse, valued};
use stepbox_tool::{Streams, fail, mode};

const KNOWN: [Known; 4] =
    [flag('f', "force"), flag('T', "no-target-directory"), flag('v', "verbose"), valued('t', "target-directory")];

/// Whether a call of `cp` copies plain files and wants nothing that is not done here.
pub(crate) fn is_for_us(arguments: &[OsString]) -> bool {
    parse(arguments, &KNOWN).is_ok()
}

/// `cp` of files: `-f -t -T -v`.
pub(crate) fn copy(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut parsed = match parse(arguments, &KNOWN) {
        Ok(parsed) => parsed,
        Err(message) => return fail("cp", &message, streams),
    };
    let target = match parsed.value('t').map(PathBuf::from) {
        Some(target) => target,
        None => match parsed.operands.pop() {
            Some(target) if !parsed.operands.is_empty() => PathBuf::from(target),
            Some(target) => {
                let message = format!("missing destination file operand after '{}'", target.to_string_lossy());
                return fail("cp", &message, streams);
            }
            None => return fail("cp", "missing file operand", streams),
        },
    };
    let there = file_info::read(&target, true).ok();
    let into = !parsed.has('T') && (parsed.has('t') || there.as_ref().is_some_and(FileInfo::is_directory));
    if !into && parsed.operands.len() > 1 {
        return fail("cp", &format!("target '{}' is not a directory", target.display()), streams);
    }
    let mut status = 0;
    for source in &parsed.operands {
        let source = Path::new(source);
        let destination = if into { target.join(source.file_name().unwrap_or_default()) } else { target.clone() };
        let before = if into { file_info::read(&destination, true).ok() } else { there.clone() };
        match one(source, &destination, before, parsed.has('f')) {
            Ok(()) if parsed.has('v') => {
                writeln!(streams.output, "'{}' -> '{}'", source.display(), destination.display())?;
            }
            Ok(()) => {}
            Err(message) => {
                streams.say("cp", &message);
                status = 1;
            }
        }
    }
    Ok(status)
}

/// Copies a file to where `before` is. The error is a message.
fn one(source: &Path, destination: &Path, before: Option<FileInfo>, force: bool) -> Result<(), String> {
    let (from, to) = (source.display(), destination.display());
    let wrong = |what: String, error: &io::Error| format!("{what}: {}", stepbox_tool::describe(error));
    let info = file_info::read(source, true).map_err(|error| wrong(format!("cannot stat '{from}'"), &error))?;
    if info.is_directory() {
        return Err(format!("-r not specified; omitting directory '{from}'"));
    }
    if let Some(before) = &before {
        if before.is_directory() {
            return Err(format!("cannot overwrite directory '{to}' with non-directory"));
        }
        if (before.device, before.inode) == (info.device, info.inode) {
            return Err(format!("'{from}' and '{to}' are the same file"));
        }
    }
    let mut input = File::open(source).map_err(|error| wrong(format!("cannot open '{from}' for reading"), &error))?;
    let mut made = before.is_none();
    let mut output = File::create(destination);
    if output.is_err() && force && !made {
        made = fs::remove_file(destination).is_ok();
        output = File::create(destination);
    }
    let mut output = output.map_err(|error| wrong(format!("cannot create regular file '{to}'"), &error))?;
    // Before anything is in it: a secret must not be readable for a moment.
    if made && let Ok(after) = file_info::read(destination, true) {
        // What the umask lets through is what the new file got; nobody asks for the right to execute there, so it goes with
        // the right to read.
        let allowed = after.mode | (after.mode & 0o444) >> 2;
        let wanted = info.mode & 0o777 & allowed;
        if wanted != after.mode {
            mode::set_mode(destination, wanted).map_err(|error| wrong(format!("mode of '{to}'"), &error))?;
        }
    }
    let copied = io::copy(&mut input, &mut output).map(|_| ());
    copied.map_err(|error| wrong(format!("error copying '{from}' to '{to}'"), &error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use crate::testing::run;

    #[test]
    fn files_are_copied_with_their_modes() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        let write = |name: &str, text: &str, mode: u32| {
            std::fs::write(path(name), text).expect("writes");
            std::fs::set_permissions(path(name), PermissionsExt::from_mode(mode)).expect("sets");
        };
        let mode = |name: &str| std::fs::metadata(path(name)).expect("is there").permissions().mode() & 0o7777;
        let nothing = || (String::new(), String::new(), 0);
        write("script", "#!", 0o755);
        write("secret", "x", 0o600);
        std::fs::create_dir(path("d")).expect("makes");
        assert_eq!(run(&["cp", &path("script"), &path("copy")], ""), nothing());
        assert_eq!((mode("copy") & 0o700, std::fs::read_to_string(path("copy")).ok().as_deref()), (0o700, Some("#!")));
        assert_eq!(run(&["cp", "-f", &path("script"), &path("secret"), &path("d")], ""), nothing());
        assert_eq!((mode("d/script"), mode("d/secret")), (mode("copy"), 0o600));
        // What is there keeps its mode.
        assert_eq!(run(&["cp", &path("script"), &path("secret")], ""), nothing());
        assert_eq!(mode("secret"), 0o600);
        let told = format!("'{}' -> '{}'\n", path("script"), path("d/script"));
        assert_eq!(run(&["cp", "-vt", &path("d"), &path("script")], "").0, told);
    }

    #[test]
    fn what_cannot_be_copied_is_said() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().to_str().expect("text");
        let file = format!("{path}/file");
        std::fs::write(&file, "").expect("writes");
        for (words, message) in [
            (vec!["cp"], "missing file operand".to_owned()),
            (vec!["cp", "a"], "missing destination file operand after 'a'".to_owned()),
            (vec!["cp", &file, &file], format!("'{file}' and '{file}' are the same file")),
            (vec!["cp", path, "/tmp/x"], format!("-r not specified; omitting directory '{path}'")),
            (vec!["cp", "/nowhere", "x"], "cannot stat '/nowhere': No such file or directory".to_owned()),
            (vec!["cp", "-T", &file, path], format!("cannot overwrite directory '{path}' with non-directory")),
            (vec!["cp", "a", "b", &file], format!("target '{file}' is not a directory")),
        ] {
            assert_eq!(run(&words, ""), (String::new(), format!("cp: {message}\n"), 1));
        }
        assert!(!super::is_for_us(&["cp", "-r", "a", "b"].map(Into::into)));
    }
}
