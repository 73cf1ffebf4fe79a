//! Where arithmetic stands in a script: `$((…))`, `((…))`, `for ((…;…;…))`, `$[…]`. Its text is expanded like one in double quotes.

use super::word::Parts;
use super::{Parser, SyntaxError};
use crate::ir::{Part, Word};

impl Parser<'_> {
    /// `((…))` behind `skip` bytes, which it passes; `None`, at the same place, where it is two subshells instead.
    pub(super) fn double_parentheses(&mut self, skip: usize) -> Result<Option<Word>, SyntaxError> {
        let (position, line, around) = (self.position, self.line, self.around.len());
        let pending = self.pending.len();
        self.advance(skip);
        let word = self.expression(b"")?;
        self.join_lines();
        if self.looking_at(b"))") {
            self.advance(2);
            return Ok(Some(word));
        }
        // The value of an alias that has ended cannot be read again.
        if self.peek().is_none() || self.around.len() != around {
            return self.unterminated(line, "missing `))`", ")");
        }
        // Each level of `((` may be read twice, and so what is in it.
        self.reread += self.position - position;
        if self.reread > self.max_source.saturating_mul(2) {
            return self.error("too many `((` that are no arithmetic stand inside one another");
        }
        self.pending.truncate(pending);
        (self.position, self.line) = (position, line);
        Ok(None)
    }

    /// The three expressions of `for ((…;…;…))`, behind `for`.
    pub(super) fn for_expressions(&mut self) -> Result<[Word; 3], SyntaxError> {
        self.advance(2);
        let mut words = [Word::default(), Word::default(), Word::default()];
        for (number, word) in words.iter_mut().enumerate() {
            *word = self.expression(b";")?;
            // What is blank is left out.
            if matches!(word.parts.as_slice(), [Part::Quoted(text)] if text.trim_ascii().is_empty()) {
                word.parts.clear();
            }
            let end: &[u8] = if number < 2 { b";" } else { b"))" };
            if !self.looking_at(end) {
                return self.unexpected();
            }
            self.advance(end.len());
        }
        Ok(words)
    }

    /// `$[…]`, behind `$[`.
    pub(super) fn bracket_expression(&mut self) -> Result<Word, SyntaxError> {
        let begin = self.line;
        let word = self.expression(b"]")?;
        if self.peek() != Some(b']') {
            return self.unterminated(begin, "missing `]`", "]");
        }
        self.bump();
        Ok(word)
    }

    /// The text up to one of `ends`, or to a parenthesis that closes nothing.
    fn expression(&mut self, ends: &[u8]) -> Result<Word, SyntaxError> {
        let mut parts = Parts::default();
        let (mut open, mut brackets) = (0u32, 0u32);
        while let Some(byte) = self.peek() {
            match byte {
                byte if open == 0 && brackets == 0 && ends.contains(&byte) => break,
                b'(' => open += 1,
                b')' if open > 0 => open -= 1,
                b')' => break,
                b'[' => brackets += 1,
                b']' => brackets = brackets.saturating_sub(1),
                b'$' => {
                    self.dollar(true, &mut parts)?;
                    continue;
                }
                b'`' => {
                    self.backticks(true, &mut parts)?;
                    continue;
                }
                b'\\' if self.peek_at(1) == Some(b'\n') => {
                    self.advance(2);
                    continue;
                }
                // Quotes mean nothing in an expression.
                b'"' => {
                    self.bump();
                    continue;
                }
                _ => {}
            }
            self.bump();
            parts.quoted(byte);
        }
        Ok(Word { parts: parts.0 })
    }
}
