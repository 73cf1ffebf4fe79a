//! Brace expansion: the words that one word makes, counted before they are made.

use crate::eval::{Flow, Shell};
use crate::ir::{Braces, Part, Sequence, Word};

/// How many words one word may make.
const MAX_WORDS: u64 = 1 << 20;

/// What a part counts that is no text, in bytes.
const PART_SIZE: u64 = 64;

impl Shell {
    /// The words that brace expansion makes of one; `None` where there is nothing to expand.
    pub(super) fn expand_braces(&self, word: &Word) -> Result<Option<Vec<Word>>, Flow> {
        if !word.parts.iter().any(|part| matches!(part, Part::Braces(_))) {
            return Ok(None);
        }
        let (count, bytes) = size(&word.parts);
        if count > MAX_WORDS {
            return Err(self.fatal(&format!("a brace expansion gives more than {MAX_WORDS} words")));
        }
        let limit = self.limits().expansion;
        if bytes > limit as u64 {
            return Err(self.fatal(&format!("a brace expansion gives more than {limit} bytes")));
        }
        Ok(Some(words(&word.parts).into_iter().map(with_tilde).collect()))
    }
}

/// How many words some parts make, and how long those are together.
fn size(parts: &[Part]) -> (u64, u64) {
    parts.iter().fold((1, 0), |(count, bytes): (u64, u64), part| {
        let (more, added) = match part {
            Part::Literal(text) | Part::Quoted(text) => (1, PART_SIZE + text.len() as u64),
            Part::Braces(Braces::List(words)) => {
                words.iter().map(|word| size(&word.parts)).fold((0, 0), |(count, bytes): (u64, u64), (more, added)| {
                    (count.saturating_add(more), bytes.saturating_add(added))
                })
            }
            Part::Braces(Braces::Sequence(sequence)) => {
                let count = (sequence.from.abs_diff(sequence.to) / sequence.step).saturating_add(1);
                (count, count.saturating_mul(PART_SIZE + sequence.width as u64))
            }
            _ => (1, PART_SIZE),
        };
        let bytes = bytes.saturating_mul(more).saturating_add(added.saturating_mul(count));
        (count.saturating_mul(more), bytes)
    })
}

fn words(parts: &[Part]) -> Vec<Word> {
    let mut words = vec![Word::default()];
    for part in parts {
        let alternatives: Vec<Word> = match part {
            Part::Braces(Braces::List(list)) => list.iter().flat_map(|word| self::words(&word.parts)).collect(),
            Part::Braces(Braces::Sequence(sequence)) => sequence.texts().map(text).collect(),
            part => {
                words.iter_mut().for_each(|word| add(word, part));
                continue;
            }
        };
        let joined = |word: &Word, other: &Word| {
            let mut word = word.clone();
            other.parts.iter().for_each(|part| add(&mut word, part));
            word
        };
        words = words.iter().flat_map(|word| alternatives.iter().map(|other| joined(word, other))).collect();
    }
    words
}

/// Adds a part; literal text becomes one with that before it.
fn add(word: &mut Word, part: &Part) {
    match (word.parts.last_mut(), part) {
        (Some(Part::Literal(text)), Part::Literal(more)) => text.extend_from_slice(more),
        _ => word.parts.push(part.clone()),
    }
}

fn text(text: Vec<u8>) -> Word {
    // `{Z..a}` has letters between that are special elsewhere.
    let plain = text.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    Word { parts: vec![if plain { Part::Literal(text) } else { Part::Quoted(text) }] }
}

/// A tilde that has come to the beginning of a word is one.
fn with_tilde(mut word: Word) -> Word {
    if let Some(Part::Literal(text)) = word.parts.first()
        && let Some(rest) = text.strip_prefix(b"~")
    {
        let length = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
        let is_whole = length < rest.len() || word.parts.len() == 1;
        let (name, rest) = (rest[..length].to_vec(), rest[length..].to_vec());
        if is_whole && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_-.+".contains(byte)) {
            word.parts.splice(0..1, [Part::Tilde(name), Part::Literal(rest)]);
        }
    }
    word
}

impl Sequence {
    fn texts(self) -> impl Iterator<Item = Vec<u8>> {
        let count = self.from.abs_diff(self.to) / self.step;
        (0..=count).map(move |number| {
            let distance = number.wrapping_mul(self.step) as i64;
            let value =
                if self.from <= self.to { self.from.wrapping_add(distance) } else { self.from.wrapping_sub(distance) };
            match u8::try_from(value).ok().filter(|_| self.letters) {
                Some(letter) => vec![letter],
                None => format!("{value:0width$}", width = self.width).into_bytes(),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_counted_before_they_are_made() {
        let two = || Part::Braces(Braces::List(vec![text(b"a".to_vec()), text(b"b".to_vec())]));
        assert_eq!(size(&[two(), two(), Part::Literal(b"xy".to_vec())]).0, 4);
        assert_eq!(words(&[two(), two()]).len(), 4);
        let many: Vec<Part> = (0..200).map(|_| two()).collect();
        assert_eq!(size(&many).0, u64::MAX);
        let all = Sequence { from: i64::MIN, to: i64::MAX, step: 1, width: 0, letters: false };
        assert_eq!(size(&[Part::Braces(Braces::Sequence(all))]).0, u64::MAX);
        let wide = Sequence { from: i64::MIN, to: i64::MAX, step: u64::MAX, width: 0, letters: false };
        let texts: Vec<_> = wide.texts().collect();
        assert_eq!(texts, [i64::MIN.to_string().into_bytes(), i64::MAX.to_string().into_bytes()]);
    }
}
