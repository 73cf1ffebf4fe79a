use std::cmp::Reverse;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use super::disk_usage::human;
use stepbox_tool::Streams;
use stepbox_tool::calendar::Moment;
use stepbox_tool::file_info::{self, FileInfo};
use stepbox_tool::options::{Known, Parsed, flag, parse, valued};

/// After so many seconds (half a Gregorian year) a listing shows the year and not the time.
const RECENT: i64 = 31_556_952 / 2;

const KNOWN: [Known; 22] = [
    flag('l', ""),
    flag('1', ""),
    flag('a', "all"),
    flag('A', "almost-all"),
    flag('d', "directory"),
    flag('F', "classify"),
    flag('p', ""),
    flag('g', ""),
    flag('G', "no-group"),
    flag('h', "human-readable"),
    flag('i', "inode"),
    flag('k', "kibibytes"),
    flag('n', "numeric-uid-gid"),
    flag('N', "literal"),
    flag('o', ""),
    flag('r', "reverse"),
    flag('R', "recursive"),
    flag('S', ""),
    flag('t', ""),
    flag('\u{1}', "full-time"),
    valued('\u{2}', "time-style"),
    flag('\u{3}', "group-directories-first"),
];

/// Takes the arguments apart, if all that they ask can be answered here.
fn read(arguments: &[OsString]) -> Option<Parsed> {
    let plain =
        |argument: &&OsString| !matches!(argument.to_str(), Some("--color=auto" | "--color=never" | "--format=long"));
    let arguments_left: Vec<OsString> = arguments.iter().filter(plain).cloned().collect();
    let mut parsed = parse(&arguments_left, &KNOWN).ok()?;
    if arguments.iter().any(|argument| argument == "--format=long") {
        parsed.options.push(('l', String::new()));
    }
    let style = parsed.value('\u{2}').is_none_or(|style| matches!(style, "long-iso" | "full-iso" | "locale"));
    style.then_some(parsed)
}

/// Whether a call of `ls` asks for nothing that is not done here: columns and quotes are for terminals.
pub(crate) fn is_for_us(arguments: &[OsString]) -> bool {
    let one_a_line = |parsed: &Parsed| is_long(parsed) || parsed.has('1') || !io::stdout().is_terminal();
    read(arguments).is_some_and(|parsed| one_a_line(&parsed))
}

fn is_long(parsed: &Parsed) -> bool {
    ['l', 'g', 'n', 'o', '\u{1}'].iter().any(|letter| parsed.has(*letter))
}

/// `ls` in its long format or one name a line, sorted by bytes as in the C locale.
pub(crate) fn list(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut parsed = read(arguments).unwrap_or_default();
    if parsed.operands.is_empty() {
        parsed.operands.push(".".into());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let mut listing = Listing { now, long: is_long(&parsed), parsed: &parsed, status: 0, begun: false };
    let (mut files, mut directories) = (vec![], vec![]);
    for operand in &parsed.operands {
        let path = PathBuf::from(operand);
        // A link to a directory is a file in the long format, unless a slash says otherwise.
        let as_itself = listing.long || parsed.has('d') || parsed.has('F');
        let follow = operand.to_string_lossy().ends_with('/') || (!as_itself && path.is_dir());
        match file_info::read(&path, follow) {
            Ok(info) if info.is_directory() && !parsed.has('d') => {
                directories.push((operand.to_string_lossy().into_owned(), path, info))
            }
            Ok(info) => files.push((operand.to_string_lossy().into_owned(), path, info)),
            Err(error) => {
                let subject = format!("cannot access '{}'", operand.to_string_lossy());
                streams.complain("ls", &OsString::from(subject), &error);
                listing.status = 2;
            }
        }
    }
    listing.sort(&mut files);
    listing.sort(&mut directories);
    if !files.is_empty() {
        listing.rows(&files, streams)?;
    }
    let headed = parsed.operands.len() > 1 || parsed.has('R');
    for (_, path, _) in &directories {
        listing.directory(path, headed, streams)?;
    }
    Ok(listing.status)
}

/// A name as it is shown, where it is, and what it is.
type Entry = (String, PathBuf, FileInfo);

struct Listing<'a> {
    now: i64,
    long: bool,
    parsed: &'a Parsed,
    status: i32,
    /// Whether something was printed: an empty line comes before the next directory.
    begun: bool,
}

impl Listing<'_> {
    fn sort(&self, entries: &mut [Entry]) {
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        match self.parsed.options.iter().rev().find(|(letter, _)| matches!(letter, 'S' | 't')) {
            Some(('S', _)) => entries.sort_by_key(|entry| Reverse(entry.2.size)),
            Some(_) => entries.sort_by_key(|entry| Reverse(entry.2.modified)),
            None => {}
        }
        if self.parsed.has('r') {
            entries.reverse();
        }
        if self.parsed.has('\u{3}') {
            entries.sort_by_key(|entry| !entry.2.is_directory());
        }
    }

    /// Recursion is as deep as a path can be long.
    fn directory(&mut self, directory: &Path, headed: bool, streams: &mut Streams<'_>) -> io::Result<()> {
        let mut entries: Vec<Entry> = vec![];
        let found = match file_info::entries(directory) {
            Ok(found) => found,
            Err(error) => {
                let subject = format!("cannot open directory '{}'", directory.display());
                streams.complain("ls", &OsString::from(subject), &error);
                self.status = 2;
                return Ok(());
            }
        };
        let dots = if self.parsed.has('a') { [".", ".."].as_slice() } else { &[] };
        for path in dots.iter().map(|dot| directory.join(dot)).chain(found) {
            let text = path.to_string_lossy();
            let name = text.rsplit('/').next().unwrap_or_default().to_owned();
            if name.starts_with('.') && !self.parsed.has('a') && !self.parsed.has('A') {
                continue;
            }
            // The directory above the root is the root.
            let info = file_info::read(&path, false).or_else(|error| match name.as_str() {
                ".." => file_info::read(directory, false),
                _ => Err(error),
            });
            match info {
                Ok(info) => entries.push((name, path, info)),
                Err(error) => {
                    let subject = format!("cannot access '{}'", path.display());
                    streams.complain("ls", &OsString::from(subject), &error);
                    self.status = self.status.max(1);
                }
            }
        }
        self.sort(&mut entries);
        if self.begun {
            writeln!(streams.output)?;
        }
        self.begun = true;
        if headed {
            writeln!(streams.output, "{}:", directory.display())?;
        }
        if self.long {
            self.total(&entries, streams)?;
        }
        self.rows(&entries, streams)?;
        if self.parsed.has('R') {
            for (name, path, info) in &entries {
                if info.is_directory() && name != "." && name != ".." {
                    self.directory(path, true, streams)?;
                }
            }
        }
        Ok(())
    }

    fn total(&self, entries: &[Entry], streams: &mut Streams<'_>) -> io::Result<()> {
        let total: u64 = entries.iter().map(|(_, _, info)| info.allocated()).sum();
        let total = if self.parsed.has('h') { human(total) } else { total.div_ceil(1024).to_string() };
        writeln!(streams.output, "total {total}")
    }

    fn rows(&mut self, entries: &[Entry], streams: &mut Streams<'_>) -> io::Result<()> {
        self.begun |= !entries.is_empty();
        let size = |info: &FileInfo| if self.parsed.has('h') { human(info.size) } else { info.size.to_string() };
        let width =
            |text: &dyn Fn(&FileInfo) -> String| entries.iter().map(|(_, _, info)| text(info).len()).max().unwrap_or(0);
        let sizes = width(&size);
        let links = width(&|info| info.links.to_string());
        let inodes = width(&|info| info.inode.to_string());
        let who = if self.parsed.has('n') { "0" } else { "root" };
        for (name, path, info) in entries {
            if self.parsed.has('i') {
                write!(streams.output, "{:>inodes$} ", info.inode)?;
            }
            if self.long {
                write!(streams.output, "{} {:>links$} ", info.mode_text(), info.links)?;
                if !self.parsed.has('g') {
                    write!(streams.output, "{who} ")?;
                }
                if !self.parsed.has('o') && !self.parsed.has('G') {
                    write!(streams.output, "{who} ")?;
                }
                write!(streams.output, "{:>sizes$} {} ", size(info), self.time(info))?;
            }
            let mark = match info.letter() {
                'd' if self.parsed.has('F') || self.parsed.has('p') => "/",
                'l' if self.parsed.has('F') && !self.long => "@",
                'p' if self.parsed.has('F') => "|",
                'f' if self.parsed.has('F') && info.mode & 0o111 != 0 => "*",
                _ => "",
            };
            write!(streams.output, "{name}{mark}")?;
            if let (true, true, Ok(target)) = (self.long, info.is_link(), std::fs::read_link(path)) {
                write!(streams.output, " -> {}", target.display())?;
            }
            writeln!(streams.output)?;
        }
        Ok(())
    }

    fn time(&self, info: &FileInfo) -> String {
        let (seconds, nanoseconds) = info.modified;
        let moment = Moment::new(seconds, nanoseconds);
        match self.parsed.value('\u{2}') {
            _ if self.parsed.has('\u{1}') => moment.full(),
            Some("full-iso") => moment.full(),
            Some("long-iso") => moment.minutes(),
            _ => moment.short((0..RECENT).contains(&self.now.saturating_sub(seconds))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_for_us;
    use crate::testing::run;

    #[test]
    fn what_is_not_done_here_is_left_to_others() {
        let ours = |words: &[&str]| is_for_us(&words.iter().map(Into::into).collect::<Vec<_>>());
        assert!(
            ours(&["ls", "-l"]) && ours(&["ls", "-la", "x"]) && ours(&["ls", "--format=long"]) && ours(&["ls", "-o"])
        );
        assert!(ours(&["ls", "-1"]) && ours(&["ls", "-1a"]));
        assert!(!ours(&["ls", "-1C"]) && !ours(&["ls", "-lZ"]) && !ours(&["ls", "-l", "--color=always"]));
    }

    #[test]
    fn rows_show_mode_owner_size_time_and_name() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        std::fs::create_dir(path.join("sub")).expect("makes");
        std::fs::write(path.join("file"), [0; 5000]).expect("writes");
        std::fs::write(path.join(".hidden"), "").expect("writes");
        let text = path.to_str().expect("text");
        let (output, errors, status) = run(&["ls", "-lp", text], "");
        let rows: Vec<&str> = output.lines().collect();
        assert_eq!((errors.as_str(), status, rows.len(), rows[0]), ("", 0, 3, "total 12"));
        assert!(
            rows[1].starts_with("-rw") && rows[1].contains(" root root 5000 ") && rows[1].ends_with(" file"),
            "{output}"
        );
        assert!(rows[2].starts_with("drwx") && rows[2].ends_with(" sub/"), "{output}");
        let (output, _, _) = run(&["ls", "-al", text], "");
        let names: Vec<&str> = output.lines().skip(1).filter_map(|row| row.rsplit(' ').next()).collect();
        assert_eq!(names, [".", "..", ".hidden", "file", "sub"]);
        assert_eq!(run(&["ls", "-l", "/nowhere"], "").2, 2);
    }

    #[test]
    fn names_alone_stand_one_a_line() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path();
        std::fs::create_dir(path.join("sub")).expect("makes");
        std::fs::write(path.join("sub/x"), "").expect("writes");
        std::fs::write(path.join("file"), "").expect("writes");
        std::os::unix::fs::symlink("sub", path.join("link")).expect("links");
        let text = path.to_str().expect("text");
        let output = |options: &str, names: &[&str]| {
            let paths: Vec<String> = names.iter().map(|name| format!("{text}{name}")).collect();
            let words: Vec<&str> = ["ls", options].into_iter().chain(paths.iter().map(String::as_str)).collect();
            run(&words, "").0.replace(text, "D")
        };
        assert_eq!(output("-1", &[""]), "file\nlink\nsub\n");
        assert_eq!(output("-1a", &["/sub"]), ".\n..\nx\n");
        assert_eq!(output("-1F", &[""]), "file\nlink@\nsub/\n");
        assert_eq!(output("-1r", &["/file", "/link"]), "D/file\n\nD/link:\nx\n");
        assert_eq!(output("-1R", &[""]), "D:\nfile\nlink\nsub\n\nD/sub:\nx\n");
        assert_eq!(output("-1d", &["/link", ""]), "D\nD/link\n");
    }
}
