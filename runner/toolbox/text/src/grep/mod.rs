mod matcher;
mod options;
mod perl;
mod scan;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;

use self::options::{Directories, Request};
use self::scan::{Found, Trouble, scan};
use stepbox_tool::{Streams, file_info};

/// The status where something went wrong.
const TROUBLE: i32 = 2;

/// `grep`, `egrep`, `fgrep`, `rgrep`: 0 where a line was selected, 1 where none was, 2 where something went wrong.
pub(crate) fn grep(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut request = match options::read(arguments, &mut streams.input) {
        Ok(request) => request,
        Err(message) => {
            streams.say("grep", &message);
            return Ok(TROUBLE);
        }
    };
    if (request.limit == 0 || request.nothing) && request.names != Some(false) {
        return Ok(1);
    }
    let mut files = std::mem::take(&mut request.files);
    let recursive = request.directories == Directories::Recurse;
    let here = recursive && files.is_empty();
    if files.is_empty() {
        files.push(if recursive { "." } else { "-" }.into());
    }
    let with_name = request.with_name.unwrap_or(files.len() > 1 || recursive);
    let mut search = Search { request: &request, with_name, here, selected: false, trouble: false };
    for file in &files {
        search.operand(file, streams)?;
        if search.selected && request.quiet {
            return Ok(0);
        }
    }
    Ok(match search {
        Search { trouble: true, .. } => TROUBLE,
        Search { selected: true, .. } => 0,
        _ => 1,
    })
}

struct Search<'a> {
    request: &'a Request,
    with_name: bool,
    /// The working directory is searched because nothing was named: names do not begin with it.
    here: bool,
    selected: bool,
    trouble: bool,
}

impl Search<'_> {
    fn operand(&mut self, operand: &OsStr, streams: &mut Streams<'_>) -> io::Result<()> {
        if operand == "-" {
            let name = self.request.label.as_deref().unwrap_or("(standard input)");
            let found = scan(self.request, &mut *streams.input, name.as_bytes(), self.with_name, streams.output);
            return self.count(Path::new(name), found, streams);
        }
        let path = Path::new(operand);
        let text = operand.to_string_lossy();
        match file_info::read(path, true) {
            Ok(info) if info.is_directory() => match self.request.directories {
                Directories::Recurse if self.request.excludes_directory(&text) => Ok(()),
                Directories::Recurse => self.directory(path, streams),
                Directories::Read => self.complain(path, &io::Error::other("Is a directory"), streams),
                Directories::Skip => Ok(()),
            },
            Ok(_) if self.request.wants(&text) => self.file(path, streams),
            Ok(_) => Ok(()),
            Err(error) => self.complain(path, &error, streams),
        }
    }

    /// Recursion is as deep as a path can be long; links below are only followed with `-R`, and then not endlessly, since
    /// the system follows no more than 40 of them in a path.
    fn directory(&mut self, directory: &Path, streams: &mut Streams<'_>) -> io::Result<()> {
        let entries = match file_info::entries(directory) {
            Ok(entries) => entries,
            Err(error) => return self.complain(directory, &error, streams),
        };
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            match file_info::read(&path, self.request.follow) {
                Ok(info) if info.is_directory() => {
                    if !self.request.excludes_directory(&name) {
                        self.directory(&path, streams)?;
                    }
                }
                Ok(info) if info.letter() == 'f' => {
                    if self.request.wants(&name) {
                        self.file(&path, streams)?;
                    }
                }
                Ok(_) => {}
                Err(error) => self.complain(&path, &error, streams)?,
            }
            if self.selected && self.request.quiet {
                break;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, streams: &mut Streams<'_>) -> io::Result<()> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return self.complain(path, &error, streams),
        };
        let shown = if self.here { path.strip_prefix(".").unwrap_or(path) } else { path };
        let name = shown.as_os_str().as_encoded_bytes();
        let found = scan(self.request, &mut file, name, self.with_name, streams.output);
        self.count(shown, found, streams)
    }

    fn count(&mut self, path: &Path, found: Result<Found, Trouble>, streams: &mut Streams<'_>) -> io::Result<()> {
        match found {
            Ok(found) => {
                self.selected |= found.selected;
                if found.binary {
                    streams.say("grep", &format!("{}: binary file matches", path.display()));
                }
            }
            Err(Trouble::Write(error)) => return Err(error),
            Err(Trouble::Read(error)) => self.complain(path, &error, streams)?,
            Err(Trouble::Other(message)) => {
                streams.say("grep", &format!("{}: {message}", path.display()));
                self.trouble = true;
            }
        }
        Ok(())
    }

    fn complain(&mut self, path: &Path, error: &io::Error, streams: &mut Streams<'_>) -> io::Result<()> {
        if !self.request.silent {
            streams.complain("grep", path.as_os_str(), error);
        }
        self.trouble = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with GNU grep 3.8 in the locale C.UTF-8.
        let (cases, input) = (include_str!("cases.txt"), include_bytes!("input.txt"));
        stepbox_tool::testing::compare(crate::find_tool, cases, input);
    }

    const TEXT: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";

    fn output(words: &str) -> String {
        let words: Vec<&str> = words.split(' ').collect();
        run(&words, TEXT).0
    }

    #[test]
    fn lines_are_selected_as_asked() {
        assert_eq!(output("grep o"), "one\ntwo\nfour\n");
        assert_eq!(output("grep -v e"), "two\nfour\nsix\n");
        assert_eq!(output("grep -c e"), "4\n");
        assert_eq!(output("grep -n ^s"), "6:six\n7:seven\n");
        assert_eq!(output("grep -iw SIX"), "six\n");
        assert_eq!(output("grep -w ven"), "");
        assert_eq!(output("grep -x -e fiv -e six"), "six\n");
        assert_eq!(output("grep -oE [aeiou]+"), "o\ne\no\nee\nou\ni\ne\ni\ne\ne\n");
        assert_eq!(output("grep -m 1 e"), "one\n");
        assert_eq!(output("grep -l o"), "(standard input)\n");
        assert_eq!(output("grep -H --color=auto six -"), "(standard input):six\n");
        assert_eq!(output("fgrep ."), "");
        assert_eq!(output("egrep one|two"), "one\ntwo\n");
    }

    #[test]
    fn context_is_separated_where_lines_are_left_out() {
        assert_eq!(output("grep -n -A1 two"), "2:two\n3-three\n");
        assert_eq!(output("grep -B1 -A1 two"), "one\ntwo\nthree\n");
        assert_eq!(output("grep -1 -e one -e six"), "one\ntwo\n--\nfive\nsix\nseven\n");
        assert_eq!(output("grep -C 1 -e two -e three"), "one\ntwo\nthree\nfour\n");
        assert_eq!(output("grep -m1 -A2 o"), "one\ntwo\nthree\n");
    }

    #[test]
    fn the_status_tells_match_no_match_and_trouble() {
        for (words, status) in [
            ("grep one", 0),
            ("grep nothing", 1),
            ("grep -q one", 0),
            ("grep one /nowhere", 2),
            ("grep -s one /nowhere", 2),
            ("grep -q one - /nowhere", 0),
            ("grep -L one", 0),
            ("grep -L nothing", 1),
            ("grep", 2),
            ("grep -P (", 2),
            ("grep -E (", 2),
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            assert_eq!(run(&words, TEXT).2, status, "{words:?}");
        }
        assert_eq!(run(&["grep", "-T", "x"], "").1, "grep: option `-T` is not supported\n");
        assert_eq!(run(&["grep", "x"], "x\0\n").1, "grep: (standard input): binary file matches\n");
        assert_eq!(run(&["grep", "-I", "x"], "x\0\n"), (String::new(), String::new(), 1));
        assert_eq!(run(&["grep", "-a", "x"], "x\0\n").0, "x\0\n");
    }

    #[test]
    fn directories_are_searched_recursively() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(directory.path().join("a")).expect("makes");
        std::fs::write(directory.path().join("a/x.rs"), "hit\n").expect("writes");
        std::fs::write(directory.path().join("y.txt"), "hit\n").expect("writes");
        let path = directory.path().to_str().expect("text");
        assert_eq!(run(&["grep", "-r", "hit", path], "").0, format!("{path}/a/x.rs:hit\n{path}/y.txt:hit\n"));
        assert_eq!(run(&["grep", "-rl", "--include=*.rs", "hit", path], "").0, format!("{path}/a/x.rs\n"));
        assert_eq!(run(&["grep", "-rhc", "--exclude-dir=a", "hit", path], "").0, "1\n");
        assert_eq!(run(&["grep", "hit", path], "").2, 2);
    }
}
