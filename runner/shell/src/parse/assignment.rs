//! Assignments, and the subscripts of elements.

use super::word::{Parts, Place};
use super::{Parser, SyntaxError, is_meta, is_name};
use crate::config::Mode;
use crate::ir::{Element, Word};

/// What an assignment names.
pub(super) struct Target {
    pub(super) name: Vec<u8>,
    pub(super) subscript: Option<Word>,
    pub(super) append: bool,
}

impl Parser<'_> {
    /// `[…]` behind a name, with the bracket at this place.
    pub(super) fn subscript(&mut self) -> Result<Word, SyntaxError> {
        self.bump();
        let mut parts = Parts::default();
        self.nested(|parser| parser.word_parts(Place::Subscript, false, &mut parts, false))?;
        self.bump();
        if parts.0.is_empty() { self.error("bad array subscript") } else { Ok(Word { parts: parts.0 }) }
    }

    /// A subscript that is the whole text.
    pub(crate) fn subscript_text(&mut self) -> Result<Word, SyntaxError> {
        let mut parts = Parts::default();
        while self.peek().is_some() {
            match self.word_parts(Place::Subscript, false, &mut parts, false) {
                // A `]` too many is a letter.
                Ok(()) => {
                    self.bump();
                    parts.literal(b']');
                }
                Err(_) if self.peek().is_none() => break,
                Err(error) => return Err(error),
            }
        }
        Ok(Word { parts: parts.0 })
    }

    /// Where the `]` is that belongs to the `[` at `open`, if it stands on the same line.
    fn subscript_end(&self, open: usize) -> Option<usize> {
        let text: &[u8] = &self.source;
        let (mut at, mut brackets, mut others) = (open, 0u32, 0u32);
        let mut quote = None;
        while let Some(byte) = text.get(at) {
            match (quote, byte) {
                (_, b'\n') if quote.is_none() => return None,
                (Some(b'"') | None, b'\\') => at += 1,
                (Some(open), byte) if open == *byte => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"' | b'`') => quote = Some(*byte),
                (None, b'(' | b'{') => others += 1,
                (None, b')' | b'}') => others = others.checked_sub(1)?,
                (None, b'[') => brackets += 1,
                (None, b']') if brackets == 1 && others == 0 => return Some(at),
                (None, b']') => brackets = brackets.saturating_sub(1).max(1),
                // Where a word would end outside of arithmetic there is no subscript.
                (None, b';') if others == 0 => return None,
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// An unquoted name, in bash with a subscript, directly before `=` or `+=`, if one stands here; passes it and the sign.
    pub(super) fn assignment_target(&mut self) -> Result<Option<Target>, SyntaxError> {
        let rest = &self.source[self.position..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = &rest[..length];
        if !is_name(name) {
            return Ok(None);
        }
        let mut behind = length;
        if rest.get(length) == Some(&b'[') && self.mode == Mode::Bash {
            let Some(end) = self.subscript_end(self.position + length) else { return Ok(None) };
            behind = end + 1 - self.position;
        }
        let (sign, append) = match &rest[behind..] {
            [b'=', ..] => (1, false),
            [b'+', b'=', ..] => (2, true),
            _ => return Ok(None),
        };
        let name = name.to_vec();
        self.position += length;
        let subscript = if behind > length { Some(self.subscript()?) } else { None };
        self.position += sign;
        Ok(Some(Target { name, subscript, append }))
    }

    /// `(…)` that is the whole text.
    pub(crate) fn compound_text(&mut self) -> Result<Vec<Element>, SyntaxError> {
        let elements = self.nested(Self::compound_value)?;
        if self.peek().is_some() { self.unexpected() } else { Ok(elements) }
    }

    /// The entries of `NAME=(…)`, with the parenthesis at this place, which it passes.
    pub(super) fn compound_value(&mut self) -> Result<Vec<Element>, SyntaxError> {
        self.bump();
        let mut elements = vec![];
        loop {
            self.skip_newlines()?;
            match self.peek() {
                Some(b')') => {
                    self.bump();
                    return Ok(elements);
                }
                Some(b'[') => {
                    let end = self.subscript_end(self.position);
                    let sign = end.map_or(&[][..], |end| &self.source[end + 1..]);
                    let length = match sign {
                        [b'=', ..] => 1,
                        [b'+', b'=', ..] => 2,
                        _ => 0,
                    };
                    if length == 0 {
                        elements.push(Element { subscript: None, append: false, value: self.field_word()? });
                    } else {
                        let subscript = Some(self.subscript()?);
                        self.position += length;
                        elements.push(Element { subscript, append: length == 2, value: self.assigned()? });
                    }
                }
                Some(byte) if !is_meta(byte) || matches!((byte, self.peek_at(1)), (b'<' | b'>', Some(b'('))) => {
                    elements.push(Element { subscript: None, append: false, value: self.field_word()? });
                }
                _ => return self.unexpected(),
            }
        }
    }
}
