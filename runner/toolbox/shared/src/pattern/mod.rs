//! Regular expressions of POSIX, as `grep`, `sed` and `awk` have them: leftmost and longest, over bytes.
//!
//! A pattern is parsed once. Without back-references it becomes one of the `regex` crate, which is linear; where that could take
//! less than the longest match, a deterministic automaton finds the longest end. With back-references one way is
//! tried after the other, a bounded number of steps ([`Exhausted`]). A character is one of UTF-8; a byte that is none only matches
//! itself.

mod backtrack;
mod lines;
mod node;
mod parse;

pub use backtrack::Exhausted;
pub use lines::{Bounds, LinePattern};

use std::cell::RefCell;

use regex::bytes::{CaptureLocations, Regex, RegexBuilder};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::{Anchored, Input, MatchKind, nfa::thompson, util::syntax};

use backtrack::Program;

/// The largest automaton that a pattern may become, in bytes.
const MAX_AUTOMATON: usize = 32 << 20;

/// How deep the `regex` crate may nest; [`parse`](parse::parse) has the bound that is met first.
const NEST_LIMIT: u32 = 5000;

/// Which language a pattern is in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Language {
    /// POSIX basic, with GNU's `\+ \? \|`.
    Basic,
    /// POSIX extended.
    Extended,
    /// No language: the text itself.
    Fixed,
}

/// What a backslash means beside the operators.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Escapes {
    /// Nothing.
    #[default]
    None,
    /// `\n`, `\t`, `\x41`, … also in brackets, as in `sed`.
    Sed,
    /// The same and any character in brackets, as in `awk`; there are no back-references.
    Awk,
}

/// How a pattern is read and matched.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Its language.
    pub language: Language,
    /// Its escapes.
    pub escapes: Escapes,
    /// Upper and lower case are the same.
    pub ignore_case: bool,
    /// `^` and `$` match at every line.
    pub multi_line: bool,
}

impl Options {
    /// For patterns of a language, without escapes.
    pub fn new(language: Language) -> Self {
        Self { language, escapes: Escapes::None, ignore_case: false, multi_line: false }
    }
}

/// Where the groups of a match are; the first is the whole match.
pub type Groups = Vec<Option<(usize, usize)>>;

/// A pattern that is ready to match.
pub struct Pattern {
    engine: Engine,
    groups: usize,
}

enum Engine {
    Linear { regex: Regex, places: RefCell<CaptureLocations>, longest: Option<Box<Longest>> },
    Backtracking(Box<Program>),
}

/// Finds the longest match from a place on.
struct Longest {
    automaton: DFA,
    cache: RefCell<Cache>,
    /// The pattern up to the end of the text, for the groups of a match whose end is known.
    exact: Regex,
    exact_places: RefCell<CaptureLocations>,
}

impl std::fmt::Debug for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pattern").field("groups", &self.groups).finish_non_exhaustive()
    }
}

impl Pattern {
    /// Reads a pattern. The error is a message.
    ///
    /// # Errors
    /// Where it is none, or becomes too big.
    pub fn new(pattern: &[u8], options: Options) -> Result<Self, String> {
        let (node, groups) = parse::parse(pattern, options.language, options.escapes)?;
        if node.refers_back() {
            let program = Program::new(&node, groups, options.ignore_case, options.multi_line)?;
            return Ok(Self { engine: Engine::Backtracking(Box::new(program)), groups });
        }
        let mut text = String::new();
        node.write(false, &mut text);
        let regex = build(&text, options)?;
        let longest = if node.is_ambiguous() { Some(Box::new(Longest::new(&text, options)?)) } else { None };
        let places = RefCell::new(regex.capture_locations());
        Ok(Self { engine: Engine::Linear { regex, places, longest }, groups })
    }

    /// How many groups it has.
    pub fn groups(&self) -> usize {
        self.groups
    }

    /// Whether it matches somewhere.
    ///
    /// # Errors
    /// [`Exhausted`], as all searches.
    pub fn is_match(&self, text: &[u8]) -> Result<bool, Exhausted> {
        match &self.engine {
            Engine::Linear { regex, .. } => Ok(regex.is_match(text)),
            Engine::Backtracking(program) => Ok(program.find(text, 0)?.is_some()),
        }
    }

    /// The leftmost and longest match from `start` on; what stands before `start` is looked at by anchors.
    ///
    /// # Errors
    /// As [`is_match`](Self::is_match).
    pub fn find(&self, text: &[u8], start: usize) -> Result<Option<(usize, usize)>, Exhausted> {
        match &self.engine {
            Engine::Linear { regex, longest, .. } => Ok(regex.find_at(text, start).map(|found| {
                let end = longest.as_ref().and_then(|longest| longest.end(text, found.start()));
                (found.start(), end.unwrap_or(found.end()))
            })),
            Engine::Backtracking(program) => Ok(program.find(text, start)?.and_then(|groups| groups[0])),
        }
    }

    /// The same with the places of all groups; whether there is a match.
    ///
    /// # Errors
    /// As [`is_match`](Self::is_match).
    pub fn find_groups(&self, text: &[u8], start: usize, groups: &mut Groups) -> Result<bool, Exhausted> {
        groups.clear();
        let (regex, places, longest) = match &self.engine {
            Engine::Linear { regex, places, longest } => (regex, places, longest),
            Engine::Backtracking(program) => {
                let found = program.find(text, start)?;
                let matched = found.is_some();
                groups.extend(found.into_iter().flatten());
                return Ok(matched);
            }
        };
        let mut places = places.borrow_mut();
        if regex.captures_read_at(&mut places, text, start).is_none() {
            return Ok(false);
        }
        let whole = places.get(0).unwrap_or((start, start));
        if let Some(longest) = longest
            && let Some(end) = longest.end(text, whole.0)
            && end > whole.1
        {
            let mut exact = longest.exact_places.borrow_mut();
            if longest.exact.captures_read_at(&mut exact, &text[..end], whole.0).is_some() {
                groups.extend((0..=self.groups).map(|group| exact.get(group)));
            } else {
                groups.resize(self.groups + 1, None);
            }
            groups[0] = Some((whole.0, end));
            return Ok(true);
        }
        groups.extend((0..=self.groups).map(|group| places.get(group)));
        Ok(true)
    }
}

impl Longest {
    fn new(text: &str, options: Options) -> Result<Self, String> {
        let syntax = syntax::Config::new()
            .case_insensitive(options.ignore_case)
            .multi_line(options.multi_line)
            .dot_matches_new_line(true)
            .utf8(false)
            .nest_limit(NEST_LIMIT);
        let automaton = DFA::builder()
            .configure(
                DFA::config().match_kind(MatchKind::All).unicode_word_boundary(true).skip_cache_capacity_check(true),
            )
            .syntax(syntax)
            .thompson(thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_AUTOMATON)))
            .build(text)
            .map_err(|error| format!("the pattern is wrong: {error}"))?;
        let exact = build(&format!("(?:{text})\\z"), options)?;
        Ok(Self {
            cache: RefCell::new(automaton.create_cache()),
            exact_places: RefCell::new(exact.capture_locations()),
            automaton,
            exact,
        })
    }

    /// The end of the longest match that begins at `start`; nothing where the automaton cannot tell.
    fn end(&self, text: &[u8], start: usize) -> Option<usize> {
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes);
        let found = self.automaton.try_search_fwd(&mut self.cache.borrow_mut(), &input).ok()??;
        Some(found.offset())
    }
}

fn build(text: &str, options: Options) -> Result<Regex, String> {
    let built = RegexBuilder::new(text)
        .case_insensitive(options.ignore_case)
        .multi_line(options.multi_line)
        .dot_matches_new_line(true)
        .nest_limit(NEST_LIMIT)
        .size_limit(MAX_AUTOMATON)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => "the pattern is too big".to_owned(),
        other => format!("the pattern is wrong: {}", other.to_string().lines().last().unwrap_or_default()),
    })
}

/// How many bytes the character at a place has; 1 where there is none.
pub fn character_length(text: &[u8], at: usize) -> usize {
    backtrack::character_at(text, at).map_or(1, char::len_utf8)
}

#[cfg(test)]
mod tests {
    use super::Language::{Basic, Extended, Fixed};
    use super::*;

    #[test]
    fn patterns_match_as_in_posix() {
        for (language, pattern, text, expected) in [
            (Basic, "a+b", "a+b", true),
            (Basic, "a+b", "aab", false),
            (Basic, "a\\+b", "aab", true),
            (Basic, "x\\|y", "y", true),
            (Basic, "^\\(ab\\)*$", "abab", true),
            (Basic, "a\\{2,3\\}$", "aa", true),
            (Basic, "^a\\{2\\}$", "aaa", false),
            (Basic, "*a", "*a", true),
            (Basic, "a^b", "a^b", true),
            (Basic, "a$b", "a$b", true),
            (Basic, "(x)", "(x)", true),
            (Basic, "a|b", "a", false),
            (Basic, "{x}", "{x}", true),
            (Basic, "a.c", "abc", true),
            (Basic, "a\\.c", "abc", false),
            (Basic, "\\(^a\\)", "ba", false),
            (Basic, "\\(a$\\)", "ab", false),
            (Basic, "[[:digit:]]\\+", "x7", true),
            (Basic, "[\\n]", "\\", true),
            (Basic, "[]x]", "]", true),
            (Basic, "[^]x]", "]", false),
            (Basic, "[a-c]", "b", true),
            (Basic, "[a-]", "-", true),
            (Basic, "[a&&b~]", "&", true),
            (Basic, "\\<foo\\>", "a foo b", true),
            (Basic, "\\<foo\\>", "afoo", false),
            (Basic, "\\w\\+", "_", true),
            (Basic, "^\\(.\\).*\\1$", "abca", true),
            (Basic, "^\\(.\\).*\\1$", "abcd", false),
            (Extended, "(a*)*\\1b", "aab", true),
            (Extended, "a+b?", "aa", true),
            (Extended, "(a|b)c", "bc", true),
            (Extended, "a{2}", "aa", true),
            (Extended, "a{,2}$", "aa", true),
            (Extended, "a{x", "a{x", true),
            (Extended, "{", "{", true),
            (Extended, "a)", "a)", true),
            (Extended, "a**", "aaa", true),
            (Extended, "^a+?$", "aaa", true),
            (Extended, "^(a*)+$", "aaa", true),
            (Extended, "\\(x\\)", "(x)", true),
            (Extended, "/x/", "/x/", true),
            (Fixed, "a.*", "a.*", true),
            (Fixed, "a.*", "abc", false),
        ] {
            let compiled = Pattern::new(pattern.as_bytes(), Options::new(language)).expect(pattern);
            assert_eq!(compiled.is_match(text.as_bytes()), Ok(expected), "{pattern} {text}");
        }
    }

    #[test]
    fn wrong_patterns_are_refused_by_name() {
        for (language, pattern, message) in [
            (Basic, "\\(a", "unmatched `\\(`"),
            (Basic, "a\\)", "unmatched `\\)`"),
            (Extended, "(a", "unmatched `(`"),
            (Basic, "[a", "unmatched `[`"),
            (Basic, "a\\", "a trailing backslash"),
            (Basic, "\\(a\\1\\)", "the back-reference `\\1` is to no group before it"),
            (Basic, "a\\{x\\}", "an interval that is not one"),
            (Basic, "[[:foo:]]", "`foo` is no character class"),
        ] {
            assert_eq!(
                Pattern::new(pattern.as_bytes(), Options::new(language)).err().as_deref(),
                Some(message),
                "{pattern}"
            );
        }
    }

    #[test]
    fn the_longest_of_the_leftmost_matches_is_taken() {
        for (pattern, text, expected) in [
            ("a|ab|abc", "xabcd", (1, 4)),
            ("(a|ab)(c|bcd)*", "abcd", (0, 4)),
            ("(a*)(ab)*", "aab", (0, 3)),
            ("x*", "aaa", (0, 0)),
            ("(a|ab)(bc|c)?\\1", "abcab", (0, 5)),
        ] {
            let pattern = Pattern::new(pattern.as_bytes(), Options::new(Extended)).expect("right");
            assert_eq!(pattern.find(text.as_bytes(), 0), Ok(Some(expected)));
            let mut groups = vec![];
            assert_eq!(pattern.find_groups(text.as_bytes(), 0, &mut groups), Ok(true));
            assert_eq!(groups[0], Some(expected));
        }
    }

    #[test]
    fn bytes_that_are_no_text_match_themselves() {
        let pattern = |text: &[u8]| Pattern::new(text, Options::new(Extended)).expect("right");
        assert_eq!(pattern(b"a\xffb").find(b"xa\xffb", 0), Ok(Some((1, 4))));
        assert_eq!(pattern(b"[\xffx]+").find(b"a\xffx", 0), Ok(Some((1, 3))));
        assert_eq!(pattern("^.$".as_bytes()).is_match("\u{e9}".as_bytes()), Ok(true));
        assert_eq!(pattern(b"^.$").is_match(b"\xff"), Ok(false));
    }

    #[test]
    fn what_would_take_forever_ends() {
        let pattern = Pattern::new(b"(a*)*(a*)*\\1\\2b", Options::new(Extended)).expect("right");
        assert_eq!(pattern.is_match(&[b'a'; 60]), Err(Exhausted));
        for pattern in ["(".repeat(5000), "a".to_owned() + &"{2}".repeat(5000), "((a{1000}){1000}){1000}".to_owned()] {
            assert!(Pattern::new(pattern.as_bytes(), Options::new(Extended)).is_err());
        }
    }
}
