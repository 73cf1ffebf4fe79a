//! What `${name…}` does to one text.

use super::expansion::{Expansion, Origin};
use crate::config::Mode;
use crate::eval::{Flow, Shell};
use crate::ir::{Anchor, LetterChange, Word};
use crate::pattern::{Pattern, char_length};
use crate::variables::{lower, upper};

pub(super) fn count_chars(text: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < text.len() {
        at += char_length(&text[at..]);
        count += 1;
    }
    count
}

/// The byte at which character `number` begins.
fn byte_of_char(text: &[u8], number: usize) -> usize {
    let mut at = 0;
    for _ in 0..number {
        if at >= text.len() {
            break;
        }
        at += char_length(&text[at..]);
    }
    at.min(text.len())
}

/// `${v:offset:length}`: a negative offset counts from the end, a negative length too; `None` where it leads before the
/// beginning.
pub(super) fn substring(text: &[u8], offset: i64, length: Option<i64>) -> Option<&[u8]> {
    let count = i64::try_from(count_chars(text)).unwrap_or(i64::MAX);
    let begin = if offset < 0 { count.saturating_add(offset) } else { offset };
    if begin < 0 || begin > count {
        return Some(&[]);
    }
    let end = match length {
        None => count,
        Some(length) if length < 0 => count.saturating_add(length),
        Some(length) => begin.saturating_add(length).min(count),
    };
    if end < begin {
        return None;
    }
    let place = |number: i64| byte_of_char(text, usize::try_from(number).unwrap_or(usize::MAX));
    Some(&text[place(begin)..place(end)])
}

/// What takes the place of a match.
pub(super) struct Replacement {
    text: Vec<u8>,
    /// Where in the text the match itself stands, as bash 5.2 has it with `&`.
    matches: Vec<usize>,
}

impl Replacement {
    fn push(&self, found: &[u8], out: &mut Vec<u8>) {
        let mut begin = 0;
        for place in &self.matches {
            out.extend_from_slice(&self.text[begin..*place]);
            out.extend_from_slice(found);
            begin = *place;
        }
        out.extend_from_slice(&self.text[begin..]);
    }

    /// `${v/pattern/with}`: the longest match at the leftmost place, or all of them.
    pub(super) fn apply(&self, text: &[u8], pattern: &Pattern, all: bool, anchor: Anchor) -> Vec<u8> {
        let mut out = vec![];
        match anchor {
            Anchor::Start => {
                let Some(end) = pattern.prefix(text, true) else { return text.to_vec() };
                self.push(&text[..end], &mut out);
                out.extend_from_slice(&text[end..]);
            }
            Anchor::End => {
                let Some(begin) = pattern.suffix(text, true) else { return text.to_vec() };
                out.extend_from_slice(&text[..begin]);
                self.push(&text[begin..], &mut out);
            }
            Anchor::None => {
                let mut at = 0;
                let literal = pattern.literal().filter(|_| !pattern.ignores_case());
                while at < text.len() {
                    let found = match &literal {
                        Some(literal) => {
                            (!literal.is_empty() && text[at..].starts_with(literal)).then_some(literal.len())
                        }
                        None => pattern.prefix(&text[at..], true).filter(|length| *length > 0),
                    };
                    if let Some(length) = found {
                        self.push(&text[at..at + length], &mut out);
                        at += length;
                        if !all {
                            break;
                        }
                    } else {
                        let step = char_length(&text[at..]);
                        out.extend_from_slice(&text[at..at + step]);
                        at += step;
                    }
                }
                out.extend_from_slice(&text[at.min(text.len())..]);
            }
        }
        out
    }
}

impl Shell {
    /// The replacement of `${v/pattern/with}`. In bash an `&` that is not quoted is what was matched, `\&` is an `&`.
    pub(super) fn replacement(&mut self, with: &Word) -> Result<Replacement, Flow> {
        if self.context.mode == Mode::Sh {
            return Ok(Replacement { text: self.expand_text(with)?, matches: vec![] });
        }
        let mut expansion = Expansion::new();
        self.expand_parts(&with.parts, super::Purpose::Text, &mut expansion)?;
        let mut replacement = Replacement { text: vec![], matches: vec![] };
        let mut escaped = false;
        for (origin, text) in expansion.texts() {
            for byte in text {
                match byte {
                    b'\\' if origin != Origin::Quoted && !escaped => {
                        escaped = true;
                        continue;
                    }
                    b'&' if escaped => {}
                    b'&' if origin != Origin::Quoted => {
                        replacement.matches.push(replacement.text.len());
                        continue;
                    }
                    b'\\' if escaped => {}
                    _ if escaped => replacement.text.push(b'\\'),
                    _ => {}
                }
                escaped = false;
                replacement.text.push(*byte);
            }
        }
        if escaped {
            replacement.text.push(b'\\');
        }
        Ok(replacement)
    }
}

/// `${v^pattern}` and its like: the first letter, or all, that the pattern matches.
pub(super) fn replace_letters(text: &[u8], pattern: Option<&Pattern>, change: LetterChange, all: bool) -> Vec<u8> {
    let mut bytes = [0; 4];
    crate::variables::letters(text, |number, letter| {
        let meant = (all || number == 0)
            && pattern.is_none_or(|pattern| pattern.matches(letter.encode_utf8(&mut bytes).as_bytes()));
        match change {
            _ if !meant => letter,
            LetterChange::Upper => upper(letter),
            LetterChange::Lower => lower(letter),
            LetterChange::Other if letter.is_uppercase() => lower(letter),
            LetterChange::Other => upper(letter),
        }
    })
}
