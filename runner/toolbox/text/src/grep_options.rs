use std::ffi::OsString;
use std::io::{self, Read};

use regex::bytes::{Regex, RegexBuilder};

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::pattern::{Language, translate};

/// The largest automaton that a pattern may become, in bytes.
const MAX_AUTOMATON: usize = 32 << 20;

/// What `grep` was asked.
pub(crate) struct Request {
    pub(crate) pattern: Regex,
    pub(crate) files: Vec<OsString>,
    pub(crate) invert: bool,
    pub(crate) count: bool,
    pub(crate) number: bool,
    pub(crate) only_matching: bool,
    pub(crate) quiet: bool,
    pub(crate) silent: bool,
    pub(crate) recursive: bool,
    pub(crate) text: bool,
    /// Names of files with a match, or of those without.
    pub(crate) names: Option<bool>,
    /// Whether names stand before lines; nothing: where there are several files.
    pub(crate) with_name: Option<bool>,
    pub(crate) limit: u64,
    pub(crate) before: usize,
    pub(crate) after: usize,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) exclude_directories: Vec<String>,
}

/// Reads the arguments of `grep`. The error is a message.
pub(crate) fn read(arguments: &[OsString], input: &mut dyn Read) -> Result<Request, String> {
    let known = [
        flag('E', "extended-regexp"),
        flag('F', "fixed-strings"),
        flag('G', "basic-regexp"),
        flag('a', "text"),
        flag('c', "count"),
        flag('h', "no-filename"),
        flag('H', "with-filename"),
        flag('i', "ignore-case"),
        flag('y', ""),
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
        flag('\u{1}', "line-buffered"),
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
    let language = match arguments.first().map(|name| name.to_string_lossy().into_owned()).as_deref() {
        Some("egrep") => Language::Extended,
        Some("fgrep") => Language::Fixed,
        _ => Language::Basic,
    };
    let language = parsed.options.iter().fold(language, |language, (letter, _)| match letter {
        'E' => Language::Extended,
        'F' => Language::Fixed,
        'G' => Language::Basic,
        _ => language,
    });
    let mut patterns = patterns(&parsed.options, input)?;
    if !parsed.has('e') && !parsed.has('f') {
        if parsed.operands.is_empty() {
            return Err("a pattern is missing".to_owned());
        }
        patterns.extend(parsed.operands.remove(0).to_string_lossy().split('\n').map(str::to_owned));
    }
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
    Ok(Request {
        pattern: compile(&patterns, language, parsed.has('i') || parsed.has('y'), parsed.has('w'), parsed.has('x'))?,
        invert: parsed.has('v'),
        count: parsed.has('c'),
        number: parsed.has('n'),
        only_matching: parsed.has('o'),
        quiet: parsed.has('q'),
        silent: parsed.has('s'),
        recursive: parsed.has('r') || parsed.has('R') || arguments.first().is_some_and(|name| name == "rgrep"),
        text: parsed.has('a'),
        names: last(['l', 'L']),
        with_name: last(['H', 'h']),
        limit: match parsed.value('m') {
            None => u64::MAX,
            Some(text) => text.parse().map_err(|_| format!("`{text}` is no number of lines"))?,
        },
        before: number('B', around)?,
        after: number('A', around)?,
        include: all('\u{2}'),
        exclude: all('\u{3}'),
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
fn patterns(options: &[(char, String)], input: &mut dyn Read) -> Result<Vec<String>, String> {
    let mut patterns = vec![];
    for (letter, value) in options {
        match letter {
            'e' => patterns.extend(value.split('\n').map(str::to_owned)),
            'f' => {
                let mut data = vec![];
                let done = if value == "-" {
                    input.read_to_end(&mut data).map(|_| ())
                } else {
                    std::fs::read(value).map(|read| data = read)
                };
                done.map_err(|error: io::Error| format!("{value}: {}", stepbox_tool::describe(&error)))?;
                patterns.extend(String::from_utf8_lossy(&data).lines().map(str::to_owned));
            }
            _ => {}
        }
    }
    Ok(patterns)
}

fn compile(
    patterns: &[String],
    language: Language,
    ignore_case: bool,
    word: bool,
    line: bool,
) -> Result<Regex, String> {
    let mut alternatives = vec![];
    for pattern in patterns {
        alternatives.push(format!("(?:{})", translate(pattern, language)?));
    }
    // No pattern at all, as from an empty file, matches nothing.
    let mut expression = if alternatives.is_empty() { "[^\\s\\S]".to_owned() } else { alternatives.join("|") };
    if word {
        expression = format!("\\b{{start-half}}(?:{expression})\\b{{end-half}}");
    }
    if line {
        expression = format!("^(?:{expression})$");
    }
    let built = RegexBuilder::new(&expression).case_insensitive(ignore_case).size_limit(MAX_AUTOMATON).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too big".to_owned(),
        other => format!("the pattern is wrong: {}", other.to_string().lines().last().unwrap_or_default()),
    })
}
