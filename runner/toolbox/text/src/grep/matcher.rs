use stepbox_tool::pattern::{Bounds, Language, LinePattern, Options};

use super::perl;

/// How many ways a Perl pattern may try on one line.
const MAX_TRIES: usize = 10_000_000;

/// What lines must match.
pub(crate) enum Matcher {
    Posix(LinePattern),
    Perl(fancy_regex::Regex),
}

/// How patterns are read.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// The language; nothing: Perl's.
    pub(crate) language: Option<Language>,
    pub(crate) ignore_case: bool,
    pub(crate) bounds: Bounds,
    /// The byte that ends lines.
    pub(crate) terminator: u8,
    /// Whether it is asked where matches end.
    pub(crate) whole: bool,
}

impl Matcher {
    /// Reads patterns, of which one must match. The error is a message.
    pub(crate) fn new(patterns: &[Vec<u8>], reading: Reading) -> Result<Self, String> {
        let Reading { ignore_case, bounds, terminator, whole, .. } = reading;
        match reading.language {
            Some(language) => {
                let options = Options { ignore_case, ..Options::new(language) };
                LinePattern::new(patterns, options, bounds, terminator, whole).map(Self::Posix)
            }
            None => {
                let text = perl::translate(patterns, bounds)?;
                let built = fancy_regex::RegexBuilder::new(&text)
                    .case_insensitive(ignore_case)
                    .bytes_mode(fancy_regex::BytesMode::UnicodeBytes)
                    .dot_matches_new_line(false)
                    .backtrack_limit(MAX_TRIES)
                    .build();
                built.map(Self::Perl).map_err(|error| format!("the pattern is wrong or not supported: {error}"))
            }
        }
    }

    /// Whether lines can be looked through together.
    pub(crate) fn takes_many(&self) -> bool {
        matches!(self, Self::Posix(pattern) if pattern.takes_many())
    }

    /// A place in the first line from `start` on that matches, where lines can be looked through together.
    pub(crate) fn next(&self, lines: &[u8], start: usize) -> Option<usize> {
        match self {
            Self::Posix(pattern) => pattern.next(lines, start),
            Self::Perl(_) => None,
        }
    }

    /// Whether it matches somewhere in a line. The error is a message.
    pub(crate) fn is_match(&self, line: &[u8]) -> Result<bool, String> {
        match self {
            Self::Posix(pattern) => pattern.is_match(line).map_err(|error| error.to_string()),
            Self::Perl(pattern) => pattern.is_match(line).map_err(|error| error.to_string()),
        }
    }

    /// The match in a line from `start` on. The error is a message.
    pub(crate) fn find(&self, line: &[u8], start: usize) -> Result<Option<(usize, usize)>, String> {
        match self {
            Self::Posix(pattern) => pattern.find(line, start).map_err(|error| error.to_string()),
            Self::Perl(pattern) => match pattern.find_from_pos(line, start) {
                Ok(found) => Ok(found.map(|found| (found.start(), found.end()))),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}
