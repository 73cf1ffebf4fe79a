//! JavaScript's regular expressions, as far as to tell whether one is found in a text (rule C5, function `match`).
//!
//! Why an engine of our own: patterns are untrusted, so a search must end in bounded time; and they are JavaScript's,
//! in which the common idiom for "not this branch" is a lookahead, `/^((?!main).)*$/`. The linear-time engine at hand
//! has neither lookarounds nor references to groups; the JavaScript engine at hand backtracks without any bound, so
//! that `(a+)+$` hangs. A translation would need a parser of JavaScript's patterns all the same, and what is missing
//! here is little, because no positions and no groups are asked for.
//!
//! What is JavaScript's: units of UTF-16 (code points with the flag `u`), Annex B, the flags `dgimsuy`, the words of its
//! errors. What is missing: `\p{…}` and the flag `v`, which are errors. Bounds: [`MAX_PROGRAM`], [`MAX_DEPTH`], and
//! [`crate::MAX_WORK`] for each search.

mod case;
mod escape;
mod matcher;
mod node;
mod parser;
mod program;

use crate::work::{OutOfWork, Work};
use case::Case;
use matcher::Matcher;
use parser::{Pattern, Syntax};

/// The most instructions of a compiled pattern. Repetitions are written out, but never more rounds than the subject has
/// characters.
const MAX_PROGRAM: usize = 1 << 16;

/// The most groups within each other. Each costs a few hundred bytes of stack.
const MAX_DEPTH: usize = 200;

/// What is wrong with a regular expression, in JavaScript's words where it has some. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegexError {
    /// It is none.
    #[error("Invalid regular expression: /{pattern}/{flags}: {complaint}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// The flags.
        flags: String,
        /// What is wrong.
        complaint: &'static str,
    },
    /// A flag is unknown or stands twice.
    #[error("Invalid regular expression flags: {0}")]
    Flags(String),
}

/// A regular expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JsRegex {
    pattern: Pattern,
    case: Case,
    unicode: bool,
    multiline: bool,
    sticky: bool,
}

impl JsRegex {
    /// Reads a pattern, given in UTF-16 code units, and its flags.
    pub(crate) fn new(pattern: &[u16], flags: &str) -> Result<Self, RegexError> {
        let twice = flags.char_indices().any(|(at, flag)| flags[at + flag.len_utf8()..].contains(flag));
        if twice || flags.contains(|flag| !"dgimsuy".contains(flag)) {
            return Err(RegexError::Flags(flags.to_owned()));
        }
        let unicode = flags.contains('u');
        let ignore_case = flags.contains('i');
        let syntax = Syntax { unicode, ignore_case, dot_all: flags.contains('s') };
        let parsed = parser::parse(&characters(pattern, unicode), syntax).map_err(|complaint| {
            let pattern = String::from_utf16_lossy(pattern);
            RegexError::Pattern { pattern, flags: flags.to_owned(), complaint }
        })?;
        let case = match (ignore_case, unicode) {
            (false, _) => Case::Sensitive,
            (true, false) => Case::Ignored,
            (true, true) => Case::IgnoredUnicode,
        };
        Ok(Self { pattern: parsed, case, unicode, multiline: flags.contains('m'), sticky: flags.contains('y') })
    }

    /// Whether it is found in a text of UTF-16 code units.
    pub(crate) fn is_match(&self, text: &[u16], work: &mut Work) -> Result<bool, OutOfWork> {
        let mut subject = characters(text, self.unicode);
        for character in &mut subject {
            *character = self.case.fold(*character);
        }
        let program = program::compile(&self.pattern, self.case, subject.len()).map_err(|_| OutOfWork)?;
        work.charge(program.code.len())?;
        Matcher::new(&program, &subject, self.case, self.multiline, work).search(!self.sticky)
    }
}

/// The units of a text, or its code points, in which lone surrogates stand as they are.
fn characters(units: &[u16], unicode: bool) -> Vec<u32> {
    if !unicode {
        return units.iter().map(|unit| u32::from(*unit)).collect();
    }
    let decoded = char::decode_utf16(units.iter().copied());
    decoded.map(|c| c.map_or_else(|lone| lone.unpaired_surrogate().into(), u32::from)).collect()
}

#[cfg(test)]
mod tests;
