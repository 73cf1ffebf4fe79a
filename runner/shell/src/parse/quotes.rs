//! Text in quotes.

use super::word::Parts;
use super::{Parser, SyntaxError};
use crate::ir::Part;

impl Parser<'_> {
    pub(super) fn single_quotes(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
        let begin = self.line;
        self.bump();
        let mut text = vec![];
        loop {
            match self.bump() {
                Some(b'\'') => break,
                Some(byte) => text.push(byte),
                None => return self.unterminated(begin, "unterminated quoted string", "'"),
            }
        }
        parts.0.push(Part::Quoted(text));
        Ok(())
    }

    pub(super) fn double_quotes(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
        let begin = self.line;
        self.bump();
        let mut inner = Parts::default();
        loop {
            let Some(byte) = self.peek() else {
                return self.unterminated(begin, "unterminated quoted string", "\"");
            };
            match byte {
                b'"' => break,
                b'\\' => match self.peek_at(1) {
                    Some(b'\n') => self.advance(2),
                    Some(next @ (b'$' | b'`' | b'"' | b'\\')) => {
                        self.advance(2);
                        inner.quoted(next);
                    }
                    _ => {
                        self.bump();
                        inner.quoted(byte);
                    }
                },
                b'$' => self.dollar(true, &mut inner)?,
                b'`' => self.backticks(true, &mut inner)?,
                _ => {
                    self.bump();
                    inner.quoted(byte);
                }
            }
        }
        self.bump();
        if inner.0.is_empty() {
            inner.0.push(Part::Quoted(vec![]));
        }
        parts.0.extend(inner.0);
        Ok(())
    }

    /// `$'…'` with its escapes.
    pub(super) fn dollar_quotes(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
        let begin = self.line;
        self.advance(2);
        let mut text = vec![];
        loop {
            match self.bump() {
                Some(b'\'') => break,
                Some(b'\\') => {
                    let rest = &self.source[self.position..];
                    if let Some(length) = crate::builtins::escape::unescape(rest, true, &mut text) {
                        self.advance(length);
                    } else {
                        text.push(b'\\');
                    }
                }
                Some(byte) => text.push(byte),
                None => return self.unterminated(begin, "unterminated quoted string", "'"),
            }
        }
        // No argument can hold a NUL: the text ends before it.
        text.truncate(text.iter().position(|byte| *byte == 0).unwrap_or(text.len()));
        parts.0.push(Part::Quoted(text));
        Ok(())
    }
}
