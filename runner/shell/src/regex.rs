//! `[[ =~ ]]`: extended regular expressions of POSIX, translated for the `regex` crate, which matches in linear time.

use std::fmt::Write as _;
use std::sync::Arc;

use ::regex::bytes::{Regex, RegexBuilder};
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind};

use crate::pattern::Unit;

/// How large one may become when it is compiled, in bytes.
const MAX_SIZE: usize = 4 << 20;

/// How many are kept compiled.
const KEPT: usize = 16;

/// Why a text is no regular expression that can be matched.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RegexError {
    /// It is none.
    Invalid,
    /// What it uses is not supported.
    Unsupported(&'static str),
}

/// Regular expressions that were used last.
#[derive(Clone, Default)]
pub(crate) struct Regexes(Vec<Known>);

#[derive(Clone)]
struct Known {
    pattern: String,
    ignore_case: bool,
    regex: Regex,
    /// Where it has alternatives.
    longest: Option<Longest>,
}

impl Regexes {
    /// The places of the match and its groups in `text`; `None` where it does not match.
    pub(crate) fn find(
        &mut self,
        units: &[Unit],
        ignore_case: bool,
        text: &[u8],
    ) -> Result<Option<Vec<Option<std::ops::Range<usize>>>>, RegexError> {
        let pattern = translate(units)?;
        let known = self.0.iter().position(|known| known.pattern == pattern && known.ignore_case == ignore_case);
        let at = match known {
            Some(at) => at,
            None => {
                let regex = compile(&pattern, ignore_case)?;
                // Only there the first match can be another one than the longest, but for empty ones that stand side by side.
                let longest = units.iter().any(|unit| unit.active && unit.byte == b'|');
                let longest = longest.then(|| Longest::new(&pattern, ignore_case)).flatten();
                if self.0.len() == KEPT {
                    self.0.remove(0);
                }
                self.0.push(Known { pattern, ignore_case, regex, longest });
                self.0.len() - 1
            }
        };
        let Known { pattern, ignore_case, regex, longest } = &mut self.0[at];
        let Some(mut groups) = regex.captures(text) else { return Ok(None) };
        let ended;
        if let (Some(longest), Some(first)) = (longest, groups.get(0))
            && let Some(end) = longest.end(text, first.start()).filter(|end| *end > first.end())
        {
            // The groups are those of a match that ends there.
            if longest.whole.is_none() {
                longest.whole = Some(compile(&format!("(?:{pattern})\\z"), *ignore_case)?);
            }
            ended = &text[..end];
            if let Some(found) = longest.whole.as_ref().and_then(|whole| whole.captures_at(ended, first.start())) {
                groups = found;
            }
        }
        Ok(Some(groups.iter().map(|group| group.map(|group| group.range())).collect()))
    }
}

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, RegexError> {
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .dot_matches_new_line(true)
        .size_limit(MAX_SIZE)
        .dfa_size_limit(MAX_SIZE)
        .build()
        .map_err(|_| RegexError::Invalid)
}

/// Finds how far the longest match goes, as POSIX wants it (XBD 9.1): the `regex` crate takes the first alternative that matches.
#[derive(Clone)]
struct Longest {
    dfa: Arc<DFA>,
    cache: Cache,
    /// The expression up to the end of the text, when it was needed.
    whole: Option<Regex>,
}

impl Longest {
    /// `None` where the expression is too large for it, or has what it cannot look for.
    fn new(pattern: &str, ignore_case: bool) -> Option<Self> {
        let syntax = syntax::Config::new().case_insensitive(ignore_case).dot_matches_new_line(true).utf8(false);
        let limits = thompson::Config::new().utf8(false).nfa_size_limit(Some(MAX_SIZE));
        let config = DFA::config().match_kind(MatchKind::All).cache_capacity(MAX_SIZE).unicode_word_boundary(true);
        let dfa = DFA::builder().configure(config).syntax(syntax).thompson(limits).build(pattern).ok()?;
        let cache = dfa.create_cache();
        Some(Self { dfa: Arc::new(dfa), cache, whole: None })
    }

    /// Where the longest match that begins at `begin` ends.
    fn end(&mut self, text: &[u8], begin: usize) -> Option<usize> {
        let input = Input::new(text).range(begin..).anchored(Anchored::Yes);
        Some(self.dfa.try_search_fwd(&mut self.cache, &input).ok()??.offset())
    }
}

/// The same expression in the syntax of the `regex` crate.
fn translate(units: &[Unit]) -> Result<String, RegexError> {
    Translation { units, at: 0, out: String::new(), atoms: vec![], last: None, repeated: false }.whole()
}

struct Translation<'a> {
    units: &'a [Unit],
    at: usize,
    out: String,
    /// Where the open groups begin.
    atoms: Vec<usize>,
    /// Where what a repetition would repeat begins.
    last: Option<usize>,
    /// Whether it is repeated already.
    repeated: bool,
}

impl Translation<'_> {
    fn whole(mut self) -> Result<String, RegexError> {
        while let Some(unit) = self.units.get(self.at).copied() {
            if !unit.active {
                self.character();
                continue;
            }
            match unit.byte {
                b'\\' => self.escape()?,
                b'[' => {
                    let begin = self.out.len();
                    self.bracket()?;
                    self.atom(begin);
                }
                b'(' => {
                    self.atoms.push(self.out.len());
                    self.sign("(");
                }
                b')' if !self.atoms.is_empty() => {
                    let begin = self.atoms.pop().unwrap_or_default();
                    self.sign(")");
                    self.atom(begin);
                }
                b'|' => self.sign("|"),
                b'^' => self.sign("^"),
                b'$' => self.sign("$"),
                b'.' => {
                    let begin = self.out.len();
                    self.sign(".");
                    self.atom(begin);
                }
                sign @ (b'*' | b'+' | b'?') => {
                    self.at += 1;
                    self.repeat(&char::from(sign).to_string())?;
                }
                b'{' => match self.interval() {
                    Some((text, length)) => {
                        self.at += length;
                        self.repeat(&text)?;
                    }
                    // At the beginning there is nothing that it could repeat.
                    None if self.last.is_none() => return Err(RegexError::Invalid),
                    None => self.character(),
                },
                _ => self.character(),
            }
        }
        if self.atoms.is_empty() { Ok(self.out) } else { Err(RegexError::Invalid) }
    }

    fn atom(&mut self, begin: usize) {
        self.last = Some(begin);
        self.repeated = false;
    }

    fn sign(&mut self, sign: &str) {
        self.at += 1;
        self.out.push_str(sign);
        self.last = None;
    }

    /// A repetition, which of nothing is an error as in glibc; `a+?` is `(a+)?` and not lazy.
    fn repeat(&mut self, sign: &str) -> Result<(), RegexError> {
        let Some(begin) = self.last else { return Err(RegexError::Invalid) };
        if self.repeated {
            self.out.insert_str(begin, "(?:");
            self.out.push(')');
        }
        self.out.push_str(sign);
        self.repeated = true;
        Ok(())
    }

    /// `{n}`, `{n,}`, `{,m}`, `{n,m}`, and how long it is.
    fn interval(&self) -> Option<(String, usize)> {
        let inside = &self.units[self.at + 1..];
        let length = inside.iter().take(16).position(|unit| unit.byte == b'}')?;
        let text: Vec<u8> = inside[..length].iter().map(|unit| unit.byte).collect();
        let text = String::from_utf8(text).ok()?;
        let (least, most) = match text.split_once(',') {
            Some((least, most)) => (least, Some(most)),
            None => (text.as_str(), None),
        };
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(least) || !most.is_none_or(is_number) || (least.is_empty() && most.is_none_or(str::is_empty)) {
            return None;
        }
        let least = if least.is_empty() { "0" } else { least };
        let text = most.map_or_else(|| format!("{{{least}}}"), |most| format!("{{{least},{most}}}"));
        Some((text, length + 2))
    }

    /// The character that stands here, for itself.
    fn character(&mut self) {
        let begin = self.out.len();
        let bytes: Vec<u8> = self.units[self.at..].iter().take(4).map(|unit| unit.byte).collect();
        self.at += write_character(&mut self.out, &bytes);
        self.atom(begin);
    }

    fn escape(&mut self) -> Result<(), RegexError> {
        self.at += 1;
        let begin = self.out.len();
        let Some(unit) = self.units.get(self.at) else { return Err(RegexError::Invalid) };
        let assertion = match unit.byte {
            // What glibc has beyond POSIX.
            b'w' => "[_[:alnum:]]",
            b'W' => "[^_[:alnum:]]",
            b's' => "\\s",
            b'S' => "\\S",
            b'b' => "\\b",
            b'B' => "\\B",
            b'<' => "\\b{start}",
            b'>' => "\\b{end}",
            b'1'..=b'9' => return Err(RegexError::Unsupported("back-references")),
            _ => {
                self.character();
                return Ok(());
            }
        };
        self.at += 1;
        self.out.push_str(assertion);
        self.atom(begin);
        Ok(())
    }

    /// A bracket expression.
    fn bracket(&mut self) -> Result<(), RegexError> {
        self.at += 1;
        self.out.push('[');
        if self.is(0, b'^') {
            self.out.push('^');
            self.at += 1;
        }
        let begin = self.at;
        loop {
            let Some(unit) = self.units.get(self.at).copied() else { return Err(RegexError::Invalid) };
            if unit.active && unit.byte == b']' && self.at > begin {
                self.at += 1;
                self.out.push(']');
                return Ok(());
            }
            if let Some(name) = self.name(b':') {
                const CLASSES: [&str; 12] = [
                    "alpha", "digit", "alnum", "upper", "lower", "space", "blank", "punct", "print", "graph", "cntrl",
                    "xdigit",
                ];
                let name = String::from_utf8(name).ok().filter(|name| CLASSES.contains(&name.as_str()));
                let name = name.ok_or(RegexError::Invalid)?;
                self.at += name.len() + 4;
                let class = match name.as_str() {
                    // Letters are those of every script.
                    "alpha" => "\\p{Alphabetic}".to_owned(),
                    "alnum" => "\\p{Alphabetic}\\p{Nd}".to_owned(),
                    "upper" => "\\p{Uppercase}".to_owned(),
                    "lower" => "\\p{Lowercase}".to_owned(),
                    name => format!("[:{name}:]"),
                };
                self.out.push_str(&class);
                continue;
            }
            self.member()?;
            let closes = self.units.get(self.at + 1).is_some_and(|unit| unit.active && unit.byte == b']');
            if self.is(0, b'-') && self.units.len() > self.at + 1 && !closes {
                self.at += 1;
                self.out.push('-');
                self.member()?;
            }
        }
    }

    /// One character of a bracket expression.
    fn member(&mut self) -> Result<(), RegexError> {
        for delimiter in [b'.', b'='] {
            if let Some(name) = self.name(delimiter) {
                let length = write_character(&mut self.out, &name);
                if length != name.len() {
                    return Err(RegexError::Invalid);
                }
                self.at += length + 4;
                return Ok(());
            }
        }
        let bytes: Vec<u8> = self.units[self.at..].iter().take(4).map(|unit| unit.byte).collect();
        self.at += write_character(&mut self.out, &bytes);
        Ok(())
    }

    fn is(&self, offset: usize, byte: u8) -> bool {
        self.units.get(self.at + offset).is_some_and(|unit| unit.active && unit.byte == byte)
    }

    /// The name in `[:name:]`, `[.name.]` or `[=name=]`.
    fn name(&self, delimiter: u8) -> Option<Vec<u8>> {
        if !self.is(0, b'[') || self.units.get(self.at + 1)?.byte != delimiter {
            return None;
        }
        let text: Vec<u8> = self.units[self.at + 2..].iter().take(16).map(|unit| unit.byte).collect();
        let end = text.windows(2).position(|pair| pair == [delimiter, b']'])?;
        Some(text[..end].to_vec())
    }
}

/// Writes the first character of `bytes` so that it stands for itself, also in brackets; how many bytes it has.
fn write_character(out: &mut String, bytes: &[u8]) -> usize {
    let character = bytes.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    match (character, bytes.first()) {
        (Some(character), _) => {
            // Only where it means something: `\\<` is no letter.
            if b"\\.+*?()|[]{}^$#&-~".contains(&u8::try_from(character).unwrap_or_default()) {
                out.push('\\');
            }
            out.push(character);
            character.len_utf8()
        }
        (None, Some(byte)) => {
            // Writing to a string does not fail.
            let _ = write!(out, "(?-u:\\x{byte:02X})");
            1
        }
        (None, None) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<Unit> {
        text.bytes().map(|byte| Unit { byte, active: true }).collect()
    }

    fn found(pattern: &str, text: &str) -> Result<Option<String>, RegexError> {
        let found = Regexes::default().find(&units(pattern), false, text.as_bytes())?;
        Ok(found.and_then(|groups| groups[0].clone()).map(|range| text[range].to_owned()))
    }

    #[test]
    fn xbd_9_4_extended_regular_expressions() {
        for (pattern, text, expected) in [
            ("a.c", "xabc", Some("abc")),
            ("^a+$", "aaa", Some("aaa")),
            ("^a+$", "aab", None),
            ("a+?", "aaa", Some("aaa")),
            ("a{2}", "aaa", Some("aa")),
            ("a{,2}b", "aaab", Some("aab")),
            ("a{x", "a{x", Some("a{x")),
            ("(< >)", "< >", Some("< >")),
            ("[[:digit:]]+", "ab12c", Some("12")),
            ("[]a]+", "x]a]", Some("]a]")),
            ("[^]a]+", "]axy]", Some("xy")),
            ("[a\\]+", "\\a", Some("\\a")),
            ("[[.-.]]", "a-b", Some("-")),
            ("[a-]+", "b-a-", Some("-a-")),
            ("[&&~~]+", "a&~", Some("&~")),
            ("a\\.b", "axb a.b", Some("a.b")),
            ("é.", "xéà", Some("éà")),
            ("a.b", "a\nb", Some("a\nb")),
            ("(a)(b)?", "ac", Some("a")),
            ("a)", "a)", Some("a)")),
            ("", "x", Some("")),
        ] {
            assert_eq!(found(pattern, text), Ok(expected.map(str::to_owned)), "{pattern}");
        }
    }

    #[test]
    fn xbd_9_1_the_longest_of_the_leftmost_matches() {
        for (pattern, text, expected) in [
            ("a|ab", "xabc", Some("ab")),
            ("(a|ab)(c|bcd)", "abcd", Some("abcd")),
            ("(a|ab)(c|bcd)$", "abcd", Some("abcd")),
            ("x*|b", "ab", Some("")),
            ("(foo|foobar)baz|foo", "foobarbaz", Some("foobarbaz")),
            ("one|oneself|on", "oneselves oneself", Some("one")),
            ("é|éà", "éà", Some("éà")),
            ("a|b", "c", None),
            ("\\<a|\\<ab\\>", "ab", Some("ab")),
        ] {
            assert_eq!(found(pattern, text), Ok(expected.map(str::to_owned)), "{pattern}");
        }
        let groups = Regexes::default().find(&units("(a|ab)(c|bcd)?(d*)"), false, b"abcd").expect("an expression");
        let groups: Vec<_> =
            groups.expect("a match").into_iter().map(|group| group.map(|group| (group.start, group.end))).collect();
        assert_eq!(groups, [Some((0, 4)), Some((0, 1)), Some((1, 4)), Some((4, 4))]);
        // A text that one half of the alternatives goes through to its end takes no time with its square.
        let text = "a".repeat(1 << 20);
        let found = Regexes::default().find(&units("a|a*b"), false, text.as_bytes());
        assert_eq!(found.expect("an expression").expect("a match")[0], Some(0..1));
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        for pattern in [
            "*a",
            "^*a",
            "a|+b",
            "(",
            "{",
            "({",
            "[a",
            "a\\",
            "[[:nope:]]",
            "a{2,1}",
            "[b-a]",
            "((((a{999}){999}){999}){999})",
        ] {
            assert_eq!(found(pattern, "x"), Err(RegexError::Invalid), "{pattern}");
        }
        assert_eq!(found("(a)\\1", "aa"), Err(RegexError::Unsupported("back-references")));
    }
}
