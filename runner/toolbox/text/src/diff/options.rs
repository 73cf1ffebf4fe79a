use std::ffi::OsString;

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::pattern::{Bounds, Language, LinePattern, Options};

use super::format::Style;
use super::input::Ignored;

/// What `diff` was asked.
pub(super) struct Request {
    pub(super) style: Style,
    /// Only whether files differ is told.
    pub(super) brief: bool,
    /// Equal files are told.
    pub(super) identical: bool,
    pub(super) recursive: bool,
    /// What is missing counts as empty.
    pub(super) new_file: bool,
    /// What is missing from the first counts as empty.
    pub(super) one_sided: bool,
    pub(super) text: bool,
    pub(super) ignored: Ignored,
    /// Carriage returns at the end of lines are taken away first.
    pub(super) without_returns: bool,
    /// All is compared, also what can have no counterpart.
    pub(super) minimal: bool,
    /// Changes of blank lines do not count.
    pub(super) blank_lines: bool,
    /// Changes of such lines do not count.
    pub(super) matching: Option<LinePattern>,
    /// Files of such names are left out of directories.
    pub(super) exclude: Vec<String>,
    pub(super) labels: Vec<String>,
    pub(super) files: Vec<OsString>,
    /// The options as they were given, for the heads of comparisons of directories.
    pub(super) given: String,
}

/// Reads the arguments of `diff`. The error is a message.
pub(super) fn read(arguments: &[OsString]) -> Result<Request, String> {
    let known = [
        flag('a', "text"),
        flag('b', "ignore-space-change"),
        flag('B', "ignore-blank-lines"),
        flag('c', ""),
        valued('C', "context"),
        flag('d', "minimal"),
        flag('i', "ignore-case"),
        valued('I', "ignore-matching-lines"),
        valued('L', "label"),
        flag('N', "new-file"),
        flag('P', "unidirectional-new-file"),
        flag('q', "brief"),
        flag('r', "recursive"),
        flag('s', "report-identical-files"),
        flag('u', ""),
        valued('U', "unified"),
        flag('w', "ignore-all-space"),
        valued('x', "exclude"),
        valued('X', "exclude-from"),
        flag('Z', "ignore-trailing-space"),
        flag('\u{1}', "strip-trailing-cr"),
        flag('\u{2}', "normal"),
        flag('H', "speed-large-files"),
    ];
    let given: Vec<OsString> = arguments.iter().filter(|word| !is_colour(word)).map(with_short_name).collect();
    let parsed = parse(&given, &known)?;
    let count = |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no number of lines"));
    let mut style = Style::Normal;
    for (letter, value) in &parsed.options {
        style = match (letter, style) {
            // A number that was given stays.
            ('u', Style::Unified(lines)) => Style::Unified(lines),
            ('c', Style::Context(lines)) => Style::Context(lines),
            ('u', _) => Style::Unified(3),
            ('c', _) => Style::Context(3),
            ('U', _) => Style::Unified(count(value)?),
            ('C', _) => Style::Context(count(value)?),
            _ => style,
        };
    }
    let all = |wanted: char| {
        parsed.options.iter().filter(move |(letter, _)| *letter == wanted).map(|(_, value)| value.clone())
    };
    let mut exclude: Vec<String> = all('x').collect();
    for name in all('X') {
        let text = std::fs::read(&name).map_err(|error| format!("{name}: {}", stepbox_tool::describe(&error)))?;
        exclude.extend(String::from_utf8_lossy(&text).lines().map(str::to_owned));
    }
    let patterns: Vec<Vec<u8>> = all('I').map(String::into_bytes).collect();
    let matching = match patterns.as_slice() {
        [] => None,
        patterns => Some(LinePattern::new(patterns, Options::new(Language::Basic), Bounds::Free, b'\n', false)?),
    };
    let [_, _] = parsed.operands.as_slice() else {
        return Err(match parsed.operands.as_slice() {
            [] => "two files are missing".to_owned(),
            [one] => format!("a file is missing after '{}'", one.to_string_lossy()),
            [_, _, extra, ..] => format!("extra operand '{}'", extra.to_string_lossy()),
            [_, _] => String::new(),
        });
    };
    Ok(Request {
        style,
        brief: parsed.has('q'),
        identical: parsed.has('s'),
        recursive: parsed.has('r'),
        new_file: parsed.has('N'),
        one_sided: parsed.has('P'),
        text: parsed.has('a'),
        ignored: Ignored {
            case: parsed.has('i'),
            all_space: parsed.has('w'),
            amount: parsed.has('b'),
            trailing: parsed.has('Z'),
        },
        without_returns: parsed.has('\u{1}'),
        minimal: parsed.has('d'),
        blank_lines: parsed.has('B'),
        matching,
        exclude,
        labels: all('L').collect(),
        given: words_of_options(arguments, &parsed.operands),
        files: parsed.operands,
    })
}

fn is_colour(word: &OsString) -> bool {
    word == "--color" || word.to_string_lossy().starts_with("--color=")
}

/// The long options whose value may be left out, in their short forms.
fn with_short_name(word: &OsString) -> OsString {
    let text = word.to_string_lossy();
    match text.as_ref() {
        "--unified" => "-u".into(),
        "--context" => "-c".into(),
        other => match (other.strip_prefix("--unified="), other.strip_prefix("--context=")) {
            (Some(lines), _) => format!("-U{lines}").into(),
            (_, Some(lines)) => format!("-C{lines}").into(),
            _ => word.clone(),
        },
    }
}

/// The words before and between the operands, quoted as for a shell.
fn words_of_options(arguments: &[OsString], operands: &[OsString]) -> String {
    let mut words: Vec<&OsString> = arguments.iter().skip(1).collect();
    for operand in operands.iter().rev() {
        if let Some(at) = words.iter().rposition(|word| *word == operand) {
            words.remove(at);
        }
    }
    words.iter().filter(|word| **word != "--").fold(String::new(), |text, word| {
        let word = word.to_string_lossy();
        let plain = |character: char| character.is_ascii_alphanumeric() || "-_=./,:+@%^".contains(character);
        if !word.is_empty() && word.chars().all(plain) {
            format!("{text} {word}")
        } else {
            format!("{text} '{}'", word.replace('\'', "'\\''"))
        }
    })
}
