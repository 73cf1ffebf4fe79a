//! Brace expansions in words: `{a,b}`, `{1..9}`. They are found while parsing, and made words when the command runs.

use super::{Parser, SyntaxError};
use crate::ir::{Braces, Part, Sequence, Word};

/// A piece of a word: an unquoted byte, or what is none.
enum Token {
    Byte(u8),
    Part(Part),
}

impl Token {
    fn is(&self, wanted: u8) -> bool {
        matches!(self, Self::Byte(byte) if *byte == wanted)
    }
}

impl Parser<'_> {
    /// A word with its brace expansions found.
    pub(super) fn brace_word(&mut self, word: Word) -> Result<Word, SyntaxError> {
        let opens = |part: &Part| matches!(part, Part::Literal(text) if text.contains(&b'{'));
        if !word.parts.iter().any(opens) {
            return Ok(word);
        }
        let mut tokens = vec![];
        for part in word.parts {
            match part {
                Part::Literal(text) => tokens.extend(text.into_iter().map(Token::Byte)),
                part => tokens.push(Token::Part(part)),
            }
        }
        let ends = ends(&tokens);
        let mut tokens: Vec<Option<Token>> = tokens.into_iter().map(Some).collect();
        let parts = self.brace_parts(&mut tokens, &ends, 0)?;
        Ok(Word { parts })
    }

    /// The parts of some tokens, which begin at `begin` of those that `ends` is about.
    fn brace_parts(
        &mut self,
        tokens: &mut [Option<Token>],
        ends: &[Option<usize>],
        begin: usize,
    ) -> Result<Vec<Part>, SyntaxError> {
        let mut parts = vec![];
        let mut at = 0;
        while at < tokens.len() {
            let end = ends[begin + at].map(|end| end - begin);
            if let Some(end) = end
                && let Some(braces) = self.brace_expansion(&mut tokens[at + 1..end], ends, begin + at + 1)?
            {
                parts.push(Part::Braces(braces));
                at = end + 1;
                continue;
            }
            match tokens[at].take() {
                Some(Token::Byte(byte)) => match parts.last_mut() {
                    Some(Part::Literal(text)) => text.push(byte),
                    _ => parts.push(Part::Literal(vec![byte])),
                },
                Some(Token::Part(part)) => parts.push(part),
                None => {}
            }
            at += 1;
        }
        Ok(parts)
    }

    /// What stands between braces, if that is an expansion.
    fn brace_expansion(
        &mut self,
        inside: &mut [Option<Token>],
        ends: &[Option<usize>],
        begin: usize,
    ) -> Result<Option<Braces>, SyntaxError> {
        let mut commas = vec![];
        let mut at = 0;
        while at < inside.len() {
            if let Some(end) = ends[begin + at] {
                at = end - begin;
            } else if inside[at].as_ref().is_some_and(|token| token.is(b',')) {
                commas.push(at);
            }
            at += 1;
        }
        if commas.is_empty() {
            let bytes: Option<Vec<u8>> = inside
                .iter()
                .map(|token| match token {
                    Some(Token::Byte(byte)) => Some(*byte),
                    _ => None,
                })
                .collect();
            return Ok(bytes.and_then(|bytes| sequence(&bytes)).map(Braces::Sequence));
        }
        commas.push(inside.len());
        self.nested(|parser| {
            let mut words = vec![];
            let mut from = 0;
            for comma in commas {
                let parts = parser.brace_parts(&mut inside[from..comma], ends, begin + from)?;
                words.push(Word { parts });
                from = comma + 1;
            }
            Ok(Some(Braces::List(words)))
        })
    }
}

/// For each token that is an opening brace, where the brace stands that closes it.
fn ends(tokens: &[Token]) -> Vec<Option<usize>> {
    let mut ends = vec![None; tokens.len()];
    let mut open = vec![];
    for (at, token) in tokens.iter().enumerate() {
        if token.is(b'{') {
            open.push(at);
        } else if token.is(b'}')
            && let Some(begin) = open.pop()
        {
            ends[begin] = Some(at);
        }
    }
    ends
}

/// `FROM..TO` and `FROM..TO..STEP`.
fn sequence(text: &[u8]) -> Option<Sequence> {
    let text = std::str::from_utf8(text).ok()?;
    let mut fields = text.splitn(3, "..");
    let (from, to) = (fields.next()?, fields.next()?);
    let step = match fields.next() {
        Some(step) => step.parse::<i64>().ok()?.unsigned_abs().max(1),
        None => 1,
    };
    let letter = |text: &str| match text.as_bytes() {
        [byte] if byte.is_ascii_alphabetic() => Some(i64::from(*byte)),
        _ => None,
    };
    if let (Some(from), Some(to)) = (letter(from), letter(to)) {
        return Some(Sequence { from, to, step, width: 0, letters: true });
    }
    let padded = |text: &str| {
        let digits = text.trim_start_matches(['-', '+']);
        digits.len() > 1 && digits.starts_with('0')
    };
    let width = if padded(from) || padded(to) { from.len().max(to.len()) } else { 0 };
    Some(Sequence { from: from.parse().ok()?, to: to.parse().ok()?, step, width, letters: false })
}
