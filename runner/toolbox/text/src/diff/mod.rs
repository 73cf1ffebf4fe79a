mod format;
mod input;
mod myers;
mod options;

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::{Streams, glob};

use self::format::{Comparison, Style};
use self::input::{Input, Numbers};
use self::options::Request;

/// The status where something went wrong.
const TROUBLE: i32 = 2;

/// `diff`: 0 where nothing differs, 1 where something does, 2 where something went wrong.
pub(crate) fn diff(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut request = match options::read(arguments) {
        Ok(request) => request,
        Err(message) => {
            streams.say("diff", &message);
            return Ok(TROUBLE);
        }
    };
    let files = std::mem::take(&mut request.files);
    let [old, new] = [&files[0], &files[1]].map(PathBuf::from);
    Differ { request: &request }.operands(old, new, streams)
}

struct Differ<'a> {
    request: &'a Request,
}

impl Differ<'_> {
    fn operands(&self, mut old: PathBuf, mut new: PathBuf, streams: &mut Streams<'_>) -> io::Result<i32> {
        let is_directory = |path: &Path| path.as_os_str() != "-" && path.is_dir();
        match (is_directory(&old), is_directory(&new)) {
            (true, true) => return self.directories(&old, &new, streams),
            (true, false) => old.push(new.file_name().unwrap_or_default()),
            (false, true) => new.push(old.file_name().unwrap_or_default()),
            (false, false) => {}
        }
        self.files(&old, &new, None, streams)
    }

    /// Recursion is as deep as a path can be long.
    fn directories(&self, old: &Path, new: &Path, streams: &mut Streams<'_>) -> io::Result<i32> {
        let mut names: BTreeMap<OsString, (bool, bool)> = BTreeMap::new();
        for (directory, second) in [(old, false), (new, true)] {
            let entries = match file_info::entries(directory) {
                Ok(entries) => entries,
                // With -N a directory that is missing counts as empty.
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.request.new_file => vec![],
                Err(error) => return self.complain(directory, &error, streams),
            };
            for entry in entries {
                let name = entry.file_name().unwrap_or_default();
                let text = name.to_string_lossy();
                if self.request.exclude.iter().any(|pattern| glob::matches(pattern, &text, false)) {
                    continue;
                }
                let found = names.entry(name.to_owned()).or_default();
                if second { found.1 = true } else { found.0 = true }
            }
        }
        let mut status = 0;
        for (name, (first, second)) in names {
            let one = match (first, second) {
                (true, true) => self.entry(&old.join(&name), &new.join(&name), streams)?,
                (true, false) if !self.request.new_file => self.only(old, &name, streams)?,
                (false, true) if !self.request.new_file && !self.request.one_sided => self.only(new, &name, streams)?,
                _ => self.entry(&old.join(&name), &new.join(&name), streams)?,
            };
            status = status.max(one);
        }
        Ok(status)
    }

    fn only(&self, directory: &Path, name: &OsStr, streams: &mut Streams<'_>) -> io::Result<i32> {
        writeln!(streams.output, "Only in {}: {}", directory.display(), name.to_string_lossy())?;
        Ok(1)
    }

    /// Compares what two directories have under one name.
    fn entry(&self, old: &Path, new: &Path, streams: &mut Streams<'_>) -> io::Result<i32> {
        let kind = |path: &Path| file_info::read(path, true).ok().map(|info| info.is_directory());
        let directory = match (kind(old), kind(new)) {
            (Some(one), Some(other)) if one != other => {
                let kind = |directory| if directory { "directory" } else { "regular file" };
                let (one, other) = (kind(one), kind(other));
                writeln!(
                    streams.output,
                    "File {} is a {one} while file {} is a {other}",
                    old.display(),
                    new.display()
                )?;
                return Ok(1);
            }
            (one, other) => one.or(other).unwrap_or(false),
        };
        match (directory, self.request.recursive) {
            (false, _) => {
                let head = format!("diff{} {} {}\n", self.request.given, old.display(), new.display());
                self.files(old, new, Some(&head), streams)
            }
            (true, true) => self.directories(old, new, streams),
            (true, false) => {
                writeln!(streams.output, "Common subdirectories: {} and {}", old.display(), new.display())?;
                Ok(0)
            }
        }
    }

    /// Compares two files; the head stands before what differs.
    fn files(&self, old: &Path, new: &Path, head: Option<&str>, streams: &mut Streams<'_>) -> io::Result<i32> {
        let mut inputs = vec![];
        let mut wrong = false;
        for path in [old, new] {
            match self.open(path, inputs.is_empty(), streams) {
                Ok(input) => inputs.push(input),
                Err(error) => {
                    self.complain(path, &error, streams)?;
                    wrong = true;
                }
            }
        }
        let (false, [first, second]) = (wrong, inputs.as_slice()) else { return Ok(TROUBLE) };
        self.compare(first, second, head, streams)
    }

    fn open(&self, path: &Path, first: bool, streams: &mut Streams<'_>) -> io::Result<Input> {
        let name = path.display().to_string();
        if path.as_os_str() == "-" {
            let mut data = vec![];
            streams.input.read_to_end(&mut data)?;
            let mut input = Input::new(name, None, data);
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            input.modified = (i64::try_from(now.as_secs()).unwrap_or(i64::MAX), now.subsec_nanos());
            return Ok(input);
        }
        let absent = self.request.new_file || (self.request.one_sided && first);
        match file_info::read(path, true) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && absent => Ok(Input::new(name, None, vec![])),
            Err(error) => Err(error),
            Ok(info) => self.read(path, name, &info),
        }
    }

    fn read(&self, path: &Path, name: String, info: &FileInfo) -> io::Result<Input> {
        let mut data = std::fs::read(path)?;
        if self.request.without_returns {
            let is_end = |pair: &[u8]| pair == b"\r\n";
            let ends: Vec<usize> =
                data.windows(2).enumerate().filter(|(_, pair)| is_end(pair)).map(|(at, _)| at).collect();
            let mut ends = ends.into_iter().peekable();
            let mut at = 0;
            data.retain(|_| {
                let end = ends.next_if_eq(&at).is_some();
                at += 1;
                !end
            });
        }
        Ok(Input::new(name, Some(info), data))
    }

    fn compare(&self, old: &Input, new: &Input, head: Option<&str>, streams: &mut Streams<'_>) -> io::Result<i32> {
        let request = self.request;
        let name = |at: usize| request.labels.get(at).unwrap_or_else(|| [&old.name, &new.name][at]);
        let identical = |streams: &mut Streams<'_>| {
            if request.identical {
                writeln!(streams.output, "Files {} and {} are identical", name(0), name(1))?;
            }
            Ok(0)
        };
        if old.data == new.data {
            return identical(streams);
        }
        if !request.text && (old.is_binary() || new.is_binary()) {
            let kind = if request.brief { "Files" } else { "Binary files" };
            writeln!(streams.output, "{kind} {} and {} differ", name(0), name(1))?;
            return Ok(1);
        }
        let lines = [old.lines(), new.lines()];
        let mut numbers = Numbers::default();
        let values = [
            numbers.of(&lines[0], old.is_open(), request.ignored),
            numbers.of(&lines[1], new.is_open(), request.ignored),
        ];
        let around = match request.style {
            Style::Normal => 0,
            Style::Unified(lines) | Style::Context(lines) => lines,
        };
        // As the GNU tool has it, a change is not slid into what is the same at the end of both files, but for the lines
        // that may be shown.
        let (before, after) = same_ends(&lines, [old.is_open(), new.is_open()]);
        let after = after.saturating_sub(around);
        let [first, second] = [0, 1].map(|side| &values[side][before..lines[side].len() - after]);
        let mut changes = myers::compare(first, second, request.minimal);
        for change in &mut changes {
            for range in [&mut change.old, &mut change.new] {
                *range = range.start + before..range.end + before;
            }
        }
        let mut ignorable = vec![];
        for change in &changes {
            let changed = lines[0][change.old.clone()].iter().chain(&lines[1][change.new.clone()]);
            ignorable.push(changed.into_iter().all(|line| self.is_ignorable(line)));
        }
        if ignorable.iter().all(|ignorable| *ignorable) {
            return identical(streams);
        }
        if request.brief {
            writeln!(streams.output, "Files {} and {} differ", name(0), name(1))?;
            return Ok(1);
        }
        if let Some(head) = head {
            streams.output.write_all(head.as_bytes())?;
        }
        let comparison = Comparison { files: [old, new], lines, changes, ignorable, labels: &request.labels };
        comparison.write(request.style, streams.output)?;
        Ok(1)
    }

    fn is_ignorable(&self, line: &[u8]) -> bool {
        let spaces = self.request.ignored.all_space || self.request.ignored.amount || self.request.ignored.trailing;
        let blank = line.is_empty() || (spaces && line.iter().all(u8::is_ascii_whitespace));
        let matching = self.request.matching.as_ref();
        (self.request.blank_lines && blank) || matching.is_some_and(|pattern| pattern.is_match(line).unwrap_or(false))
    }

    fn complain(&self, path: &Path, error: &io::Error, streams: &mut Streams<'_>) -> io::Result<i32> {
        streams.complain("diff", path.as_os_str(), error);
        Ok(TROUBLE)
    }
}

/// How many lines are the same at the beginning and, of the others, at the end.
fn same_ends(lines: &[Vec<&[u8]>; 2], open: [bool; 2]) -> (usize, usize) {
    let line = |side: usize, at: usize| (lines[side][at], open[side] && at + 1 == lines[side].len());
    let most = lines[0].len().min(lines[1].len());
    let before = (0..most).take_while(|at| line(0, *at) == line(1, *at)).count();
    let from_end = |side: usize, at: usize| line(side, lines[side].len() - 1 - at);
    let after = (0..most - before).take_while(|at| from_end(0, *at) == from_end(1, *at)).count();
    (before, after)
}

#[cfg(test)]
mod tests;
