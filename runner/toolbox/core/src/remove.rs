use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;

use stepbox_tool::options::{Known, flag, parse};
use stepbox_tool::{Streams, fail, file_info};

const KNOWN: [Known; 7] = [
    flag('d', "dir"),
    flag('f', "force"),
    flag('r', "recursive"),
    flag('R', ""),
    flag('v', "verbose"),
    flag('\u{1}', "preserve-root"),
    flag('\u{2}', "one-file-system"),
];

/// Whether a call of `rm` asks no questions and wants nothing that is not done here.
pub(crate) fn is_for_us(arguments: &[OsString]) -> bool {
    parse(arguments, &KNOWN).is_ok()
}

/// `rm`: `-d -f -r -v`.
pub(crate) fn remove(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let parsed = match parse(arguments, &KNOWN) {
        Ok(parsed) => parsed,
        Err(message) => return fail("rm", &message, streams),
    };
    if parsed.operands.is_empty() && !parsed.has('f') {
        return fail("rm", "missing operand", streams);
    }
    let mut removal = Removal {
        recursive: parsed.has('r') || parsed.has('R'),
        empty: parsed.has('d'),
        force: parsed.has('f'),
        verbose: parsed.has('v'),
        status: 0,
    };
    for operand in &parsed.operands {
        removal.operand(operand, streams)?;
    }
    Ok(removal.status)
}

struct Removal {
    recursive: bool,
    /// Empty directories go too.
    empty: bool,
    force: bool,
    verbose: bool,
    status: i32,
}

impl Removal {
    fn operand(&mut self, operand: &OsString, streams: &mut Streams<'_>) -> io::Result<()> {
        let path = Path::new(operand);
        let text = operand.to_string_lossy();
        let trimmed = text.trim_end_matches('/');
        if self.recursive && trimmed.is_empty() && !text.is_empty() {
            streams.say("rm", "it is dangerous to operate recursively on '/'");
            self.status = 1;
            return Ok(());
        }
        if matches!(trimmed.rsplit('/').next(), Some("." | "..")) && self.recursive {
            streams.say("rm", &format!("refusing to remove '.' or '..' directory: skipping '{text}'"));
            self.status = 1;
            return Ok(());
        }
        match file_info::read(path, text.ends_with('/')) {
            Ok(info) if info.is_directory() && !self.recursive && !self.empty => {
                self.complain(path, &io::Error::other("Is a directory"), streams);
                Ok(())
            }
            Ok(info) => self.entry(path, info.is_directory(), streams),
            Err(error) if self.force && is_absent(&error) => Ok(()),
            Err(error) => {
                self.complain(path, &error, streams);
                Ok(())
            }
        }
    }

    /// Recursion is as deep as a path can be long.
    fn entry(&mut self, path: &Path, directory: bool, streams: &mut Streams<'_>) -> io::Result<()> {
        if directory && self.recursive {
            match fs::read_dir(path) {
                Ok(entries) => {
                    // Listed before anything goes: a listing may skip names when others are removed meanwhile.
                    let entries: Vec<fs::DirEntry> = entries.filter_map(Result::ok).collect();
                    for entry in entries {
                        let directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
                        self.entry(&entry.path(), directory, streams)?;
                    }
                }
                Err(error) => {
                    self.complain(path, &error, streams);
                    return Ok(());
                }
            }
        }
        let removed = if directory { fs::remove_dir(path) } else { fs::remove_file(path) };
        match removed {
            Ok(()) if self.verbose => {
                let what = if directory { "removed directory" } else { "removed" };
                writeln!(streams.output, "{what} '{}'", path.display())
            }
            Ok(()) => Ok(()),
            Err(error) if self.force && is_absent(&error) => Ok(()),
            Err(error) => {
                self.complain(path, &error, streams);
                Ok(())
            }
        }
    }

    fn complain(&mut self, path: &Path, error: &io::Error, streams: &mut Streams<'_>) {
        let subject = format!("cannot remove '{}'", path.display());
        streams.complain("rm", &OsString::from(subject), error);
        self.status = 1;
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn files_and_trees_are_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name).to_str().expect("text").to_owned();
        let fill = || {
            std::fs::create_dir_all(path("d/sub")).expect("makes");
            std::fs::write(path("d/sub/file"), "").expect("writes");
            std::os::unix::fs::symlink("/", path("d/link")).expect("links");
        };
        let nothing = || (String::new(), String::new(), 0);
        fill();
        let message = format!("rm: cannot remove '{}': Is a directory\n", path("d"));
        assert_eq!(run(&["rm", "-f", &path("d")], ""), (String::new(), message, 1));
        assert_eq!(run(&["rm", "-d", &path("d")], "").2, 1);
        assert_eq!(run(&["rm", "-rf", &path("d/"), &path("nothing")], ""), nothing());
        assert!(!std::fs::exists(path("d")).expect("can be asked"));
        let message = format!("rm: cannot remove '{}': No such file or directory\n", path("d"));
        assert_eq!(run(&["rm", &path("d")], ""), (String::new(), message, 1));
        fill();
        let (output, errors, status) = run(&["rm", "-rv", &path("d/sub")], "");
        let told = format!("removed '{0}/file'\nremoved directory '{0}'\n", path("d/sub"));
        assert_eq!((output, errors.as_str(), status), (told, "", 0));
        assert_eq!(run(&["rm", &path("d/link")], ""), nothing());
        assert_eq!(run(&["rm", "-d", &path("d")], ""), nothing());
    }

    #[test]
    fn what_would_remove_too_much_is_refused() {
        assert_eq!(run(&["rm", "-rf", "/"], "").1, "rm: it is dangerous to operate recursively on '/'\n");
        let message = "rm: refusing to remove '.' or '..' directory: skipping 'x/..'\n";
        assert_eq!(run(&["rm", "-rf", "x/.."], "").1, message);
        assert_eq!(run(&["rm", "-f"], ""), (String::new(), String::new(), 0));
        assert_eq!(run(&["rm"], "").1, "rm: missing operand\n");
        assert!(!super::is_for_us(&["rm", "-i", "x"].map(Into::into)));
    }
}
