use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

use super::grep_options::{self, Request};
use stepbox_tool::{Streams, file_info, glob};

/// The status where something went wrong.
const TROUBLE: i32 = 2;

/// `grep`, `egrep`, `fgrep`, `rgrep`: 0 where a line was selected, 1 where none was, 2 where something went wrong.
pub(crate) fn grep(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut request = match grep_options::read(arguments, &mut streams.input) {
        Ok(request) => request,
        Err(message) => {
            streams.say("grep", &message);
            return Ok(TROUBLE);
        }
    };
    let mut files = std::mem::take(&mut request.files);
    if files.is_empty() {
        files.push(if request.recursive { "." } else { "-" }.into());
    }
    let with_name = request.with_name.unwrap_or(files.len() > 1 || request.recursive);
    let mut search = Search { request: &request, with_name, selected: false, trouble: false };
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
    selected: bool,
    trouble: bool,
}

impl Search<'_> {
    fn operand(&mut self, operand: &OsStr, streams: &mut Streams<'_>) -> io::Result<()> {
        if operand == "-" {
            let mut output =
                Output { streams: &mut *streams.output, name: "(standard input)".into(), with_name: self.with_name };
            let found = scan(self.request, &mut *streams.input, &mut output)?;
            self.selected |= found;
            return Ok(());
        }
        let path = Path::new(operand);
        match file_info::read(path, true) {
            Ok(info) if info.is_directory() && self.request.recursive => self.directory(path, streams),
            Ok(info) if info.is_directory() => self.complain(path, &io::Error::other("Is a directory"), streams),
            Ok(_) => self.file(path, streams),
            Err(error) => self.complain(path, &error, streams),
        }
    }

    /// Recursion is as deep as a path can be long; links below are not followed.
    fn directory(&mut self, directory: &Path, streams: &mut Streams<'_>) -> io::Result<()> {
        let entries = match file_info::entries(directory) {
            Ok(entries) => entries,
            Err(error) => return self.complain(directory, &error, streams),
        };
        for path in entries {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let named = |globs: &[String]| globs.iter().any(|pattern| glob::matches(pattern, &name, false));
            match file_info::read(&path, false) {
                Ok(info) if info.is_directory() && !named(&self.request.exclude_directories) => {
                    self.directory(&path, streams)?;
                }
                Ok(info) if info.letter() == 'f' => {
                    let included = self.request.include.is_empty() || named(&self.request.include);
                    if included && !named(&self.request.exclude) {
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
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return self.complain(path, &error, streams),
        };
        let name = path.to_string_lossy().into_owned();
        let mut output = Output { streams: &mut *streams.output, name, with_name: self.with_name };
        self.selected |= scan(self.request, &mut BufReader::with_capacity(64 << 10, file), &mut output)?;
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

/// Where lines of one file go.
struct Output<'a> {
    streams: &'a mut dyn io::Write,
    name: String,
    with_name: bool,
}

impl Output<'_> {
    /// A line, with what stands before it; `mark` tells selected lines (`:`) from their context (`-`).
    fn line(&mut self, number: Option<u64>, mark: char, line: &[u8]) -> io::Result<()> {
        if self.with_name {
            write!(self.streams, "{}{mark}", self.name)?;
        }
        if let Some(number) = number {
            write!(self.streams, "{number}{mark}")?;
        }
        self.streams.write_all(line)?;
        self.streams.write_all(b"\n")
    }
}

/// Searches one file; whether a line was selected.
fn scan(request: &Request, input: &mut dyn BufRead, output: &mut Output<'_>) -> io::Result<bool> {
    let binary = !request.text && input.fill_buf()?.contains(&0);
    let quiet = request.quiet || request.names.is_some() || request.count || binary;
    let mut context: VecDeque<(u64, Vec<u8>)> = VecDeque::new();
    let (mut number, mut selected, mut owed, mut printed) = (0_u64, 0_u64, 0_usize, 0_u64);
    let mut line = vec![];
    let shown = |number| request.number.then_some(number);
    while selected < request.limit || owed > 0 {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        line.pop_if(|last| *last == b'\n');
        number += 1;
        if selected < request.limit && request.pattern.is_match(&line) != request.invert {
            selected += 1;
            if quiet {
                if !request.count {
                    break;
                }
                continue;
            }
            if request.only_matching {
                if !request.invert {
                    for found in request.pattern.find_iter(&line).filter(|found| !found.is_empty()) {
                        output.line(shown(number), ':', found.as_bytes())?;
                    }
                }
                continue;
            }
            let first = context.front().map_or(number, |(number, _)| *number);
            if (request.before > 0 || request.after > 0) && printed > 0 && first > printed + 1 {
                output.streams.write_all(b"--\n")?;
            }
            for (number, line) in context.drain(..) {
                output.line(shown(number), '-', &line)?;
            }
            output.line(shown(number), ':', &line)?;
            (owed, printed) = (request.after, number);
        } else if owed > 0 {
            output.line(shown(number), '-', &line)?;
            (owed, printed) = (owed - 1, number);
        } else if request.before > 0 {
            if context.len() == request.before {
                context.pop_front();
            }
            context.push_back((number, line.clone()));
        }
    }
    let found = selected > 0;
    if request.quiet {
        return Ok(found);
    }
    if let Some(matching) = request.names {
        if found == matching {
            writeln!(output.streams, "{}", output.name)?;
        }
        return Ok(found == matching);
    }
    if request.count {
        output.line(None, ':', selected.to_string().as_bytes())?;
    } else if binary && found {
        writeln!(output.streams, "Binary file {} matches", output.name)?;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

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
            ("grep -L one", 1),
            ("grep -L nothing", 0),
            ("grep", 2),
            ("grep -P x", 2),
            ("grep -E (", 2),
        ] {
            let words: Vec<&str> = words.split(' ').collect();
            assert_eq!(run(&words, TEXT).2, status, "{words:?}");
        }
        assert_eq!(run(&["grep", "-P", "x"], "").1, "grep: option `-P` is not supported\n");
        assert_eq!(run(&["grep", "x"], "x\0\n").0, "Binary file (standard input) matches\n");
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
