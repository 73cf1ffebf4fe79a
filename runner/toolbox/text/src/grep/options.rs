use std::ffi::OsString;
use std::io::{self, Read};

use stepbox_tool::glob;
use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::pattern::{Bounds, Language};

use super::matcher::{Matcher, Reading};

/// What becomes of directories that are named.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Directories {
    Read,
    Recurse,
    Skip,
}

/// What becomes of files that hold zero bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Binary {
    /// It is said that they match.
    Tell,
    Text,
    Skip,
}

/// What `grep` was asked.
pub(crate) struct Request {
    pub(crate) matcher: Matcher,
    /// Nothing can be selected, and nothing is read.
    pub(crate) nothing: bool,
    pub(crate) files: Vec<OsString>,
    pub(crate) invert: bool,
    pub(crate) count: bool,
    pub(crate) number: bool,
    pub(crate) only_matching: bool,
    pub(crate) quiet: bool,
    pub(crate) silent: bool,
    pub(crate) directories: Directories,
    /// Links in directories are followed.
    pub(crate) follow: bool,
    pub(crate) binary: Binary,
    /// Where lines begin in the file is printed.
    pub(crate) offset: bool,
    /// A zero byte stands after names of files.
    pub(crate) null_after_name: bool,
    /// The byte that ends lines.
    pub(crate) terminator: u8,
    /// Each line is written at once.
    pub(crate) flush: bool,
    /// What standard input is called.
    pub(crate) label: Option<String>,
    /// What stands where lines between printed ones were left out.
    pub(crate) separator: Option<Vec<u8>>,
    /// Names of files with a match, or of those without.
    pub(crate) names: Option<bool>,
    /// Whether names stand before lines; nothing: where there are several files.
    pub(crate) with_name: Option<bool>,
    pub(crate) limit: u64,
    pub(crate) before: usize,
    pub(crate) after: usize,
    /// Patterns for names of files, and whether those are wanted.
    files_wanted: Vec<(bool, String)>,
    exclude_directories: Vec<String>,
}

impl Request {
    /// Whether a file of that name is searched: the last pattern that fits decides.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let fitting = self.files_wanted.iter().rev().find(|(_, pattern)| fits(pattern, name));
        match fitting {
            Some((wanted, _)) => *wanted,
            None => self.files_wanted.first().is_none_or(|(wanted, _)| !wanted),
        }
    }

    /// Whether a directory of that name is left out.
    pub(crate) fn excludes_directory(&self, name: &str) -> bool {
        self.exclude_directories.iter().any(|pattern| fits(pattern.trim_end_matches('/'), name))
    }
}

/// Whether a name, or what follows a slash in it, fits a pattern.
fn fits(pattern: &str, name: &str) -> bool {
    let ends = name.match_indices('/').map(|(at, _)| &name[at + 1..]);
    std::iter::once(name).chain(ends).any(|name| glob::matches(pattern, name, false))
}

/// Reads the arguments of `grep`. The error is a message.
pub(crate) fn read(arguments: &[OsString], input: &mut dyn Read) -> Result<Request, String> {
    let known = [
        flag('E', "extended-regexp"),
        flag('F', "fixed-strings"),
        flag('G', "basic-regexp"),
        flag('P', "perl-regexp"),
        flag('a', "text"),
        flag('b', "byte-offset"),
        flag('c', "count"),
        flag('h', "no-filename"),
        flag('H', "with-filename"),
        flag('i', "ignore-case"),
        flag('y', ""),
        flag('\u{5}', "no-ignore-case"),
        flag('I', ""),
        flag('l', "files-with-matches"),
        flag('L', "files-without-match"),
        flag('n', "line-number"),
        flag('o', "only-matching"),
        flag('q', "quiet"),
        flag('q', "silent"),
        flag('r', "recursive"),
        flag('R', "dereference-recursive"),
        flag('s', "no-messages"),
        flag('v', "invert-match"),
        flag('w', "word-regexp"),
        flag('x', "line-regexp"),
        flag('z', "null-data"),
        flag('Z', "null"),
        flag('U', "binary"),
        flag('\u{1}', "line-buffered"),
        flag('\u{6}', "no-group-separator"),
        valued('\u{7}', "group-separator"),
        valued('\u{8}', "label"),
        valued('\u{9}', "binary-files"),
        valued('\u{a}', "exclude-from"),
        valued('d', "directories"),
        valued('D', "devices"),
        valued('A', "after-context"),
        valued('B', "before-context"),
        valued('C', "context"),
        valued('e', "regexp"),
        valued('f', "file"),
        valued('m', "max-count"),
        valued('\u{2}', "include"),
        valued('\u{3}', "exclude"),
        valued('\u{4}', "exclude-dir"),
    ];
    // Colours go to terminals, and here is none.
    let arguments: Vec<OsString> =
        arguments.iter().filter(|argument| !is_colour(&argument.to_string_lossy())).cloned().collect();
    let arguments = with_number(arguments);
    let mut parsed = parse(&arguments, &known)?;
    let called = arguments.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let language = match called.as_str() {
        "egrep" => Some(Language::Extended),
        "fgrep" => Some(Language::Fixed),
        _ => Some(Language::Basic),
    };
    let language = parsed.options.iter().fold(language, |language, (letter, _)| match letter {
        'E' => Some(Language::Extended),
        'F' => Some(Language::Fixed),
        'G' => Some(Language::Basic),
        'P' => None,
        _ => language,
    });
    let mut patterns = patterns(&parsed.options, input)?;
    if !parsed.has('e') && !parsed.has('f') {
        if parsed.operands.is_empty() {
            return Err("a pattern is missing".to_owned());
        }
        let operand = parsed.operands.remove(0);
        patterns.extend(operand.as_encoded_bytes().split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
    }
    let mut directories = if called == "rgrep" { Directories::Recurse } else { Directories::Read };
    let mut binary = Binary::Tell;
    let mut follow = false;
    let mut ignore_case = false;
    let mut files_wanted = vec![];
    for (letter, value) in &parsed.options {
        match (letter, value.as_str()) {
            ('r', _) | ('d', "recurse") => (directories, follow) = (Directories::Recurse, false),
            ('R', _) => (directories, follow) = (Directories::Recurse, true),
            ('d', "skip") => directories = Directories::Skip,
            ('d', "read") => directories = Directories::Read,
            ('d', other) => return Err(format!("`{other}` is nothing to do with directories")),
            ('D', "read" | "skip") => {}
            ('D', other) => return Err(format!("`{other}` is nothing to do with devices")),
            ('a', _) | ('\u{9}', "text") => binary = Binary::Text,
            ('I', _) | ('\u{9}', "without-match") => binary = Binary::Skip,
            ('\u{9}', "binary") => binary = Binary::Tell,
            ('\u{9}', other) => return Err(format!("`{other}` is no type of binary files")),
            ('i' | 'y', _) => ignore_case = true,
            ('\u{5}', _) => ignore_case = false,
            ('\u{2}', pattern) => files_wanted.push((true, pattern.to_owned())),
            ('\u{3}', pattern) => files_wanted.push((false, pattern.to_owned())),
            ('\u{a}', name) => {
                let text =
                    std::fs::read(name).map_err(|error| format!("{name}: {}", stepbox_tool::describe(&error)))?;
                let text = String::from_utf8_lossy(&text).into_owned();
                files_wanted.extend(text.lines().filter(|line| !line.is_empty()).map(|line| (false, line.to_owned())));
            }
            _ => {}
        }
    }
    let terminator = if parsed.has('z') { 0 } else { b'\n' };
    let bounds = match (parsed.has('x'), parsed.has('w')) {
        (true, _) => Bounds::Line,
        (false, true) => Bounds::Word,
        (false, false) => Bounds::Free,
    };
    let reading = Reading { language, ignore_case, bounds, terminator, whole: parsed.has('o') };
    let number = |letter, default: usize| -> Result<usize, String> {
        parsed
            .value(letter)
            .map_or(Ok(default), |text| text.parse().map_err(|_| format!("`{text}` is no number of lines")))
    };
    let around = number('C', 0)?;
    let all = |wanted: char| -> Vec<String> {
        parsed.options.iter().filter(|(letter, _)| *letter == wanted).map(|(_, value)| value.clone()).collect()
    };
    let last = |letters: [char; 2]| {
        parsed
            .options
            .iter()
            .rev()
            .find(|(letter, _)| letters.contains(letter))
            .map(|(letter, _)| *letter == letters[0])
    };
    let around = |letter| if parsed.has('o') { Ok(0) } else { number(letter, around) };
    Ok(Request {
        nothing: parsed.has('v') && bounds == Bounds::Free && patterns == [b""],
        matcher: Matcher::new(&patterns, reading)?,
        invert: parsed.has('v'),
        count: parsed.has('c'),
        number: parsed.has('n'),
        only_matching: parsed.has('o'),
        quiet: parsed.has('q'),
        silent: parsed.has('s'),
        directories,
        follow,
        binary,
        offset: parsed.has('b'),
        null_after_name: parsed.has('Z'),
        terminator,
        flush: parsed.has('\u{1}'),
        label: parsed.value('\u{8}').map(str::to_owned),
        separator: match last(['\u{7}', '\u{6}']) {
            Some(false) => None,
            _ => Some(parsed.value('\u{7}').unwrap_or("--").as_bytes().to_vec()),
        },
        names: last(['l', 'L']),
        with_name: last(['H', 'h']),
        limit: match parsed.value('m') {
            None => u64::MAX,
            Some(text) => text.parse().map_err(|_| format!("`{text}` is no number of lines"))?,
        },
        before: around('B')?,
        after: around('A')?,
        files_wanted,
        exclude_directories: all('\u{4}'),
        files: parsed.operands,
    })
}

fn is_colour(argument: &str) -> bool {
    ["--color", "--colour"].iter().any(|name| argument == *name || argument.starts_with(&format!("{name}=")))
}

/// Makes `-C 3` of `-3`.
fn with_number(arguments: Vec<OsString>) -> Vec<OsString> {
    let is_number =
        |text: &str| text.len() > 1 && text.starts_with('-') && text[1..].chars().all(|c| c.is_ascii_digit());
    let mut previous_takes_it = false;
    let mut result = vec![];
    for argument in arguments {
        let text = argument.to_string_lossy().into_owned();
        result.push(if is_number(&text) && !previous_takes_it { format!("-C{}", &text[1..]).into() } else { argument });
        previous_takes_it = text.starts_with('-') && text.ends_with(['A', 'B', 'C', 'e', 'f', 'm']) || text == "--";
    }
    result
}

/// The patterns that options give; each line of one is a pattern.
fn patterns(options: &[(char, String)], input: &mut dyn Read) -> Result<Vec<Vec<u8>>, String> {
    let mut patterns = vec![];
    for (letter, value) in options {
        match letter {
            'e' => patterns.extend(value.split('\n').map(|line| line.as_bytes().to_vec())),
            'f' => {
                let mut data = vec![];
                let done = if value == "-" {
                    input.read_to_end(&mut data).map(|_| ())
                } else {
                    std::fs::read(value).map(|read| data = read)
                };
                done.map_err(|error: io::Error| format!("{value}: {}", stepbox_tool::describe(&error)))?;
                if data.last() == Some(&b'\n') {
                    data.pop();
                }
                if !data.is_empty() {
                    patterns.extend(data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
                }
            }
            _ => {}
        }
    }
    Ok(patterns)
}
