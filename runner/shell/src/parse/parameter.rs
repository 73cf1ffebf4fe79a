//! What stands in `${…}`.

use super::word::{Parts, Place};
use super::{Parser, SyntaxError};
use crate::config::Mode;
use crate::ir::{Anchor, LetterChange, Name, Operation, Parameter, Word};

/// What `${…}` is that means nothing.
const BAD_SUBSTITUTION: &str = "bad substitution";

impl Parser<'_> {
    /// What stands between `${` and `}`, which it passes.
    fn braced(&mut self, quoted: bool) -> Result<Parameter, SyntaxError> {
        // `${#}` and `${#-word}` are about `$#`; `${#name}` is a length.
        let is_length = match self.peek_at(1) {
            // `${#-}` is the length of `$-`.
            Some(b'-' | b'?') => self.peek_at(2) == Some(b'}'),
            Some(b'}' | b':' | b'+' | b'=' | b'%' | b'#') => false,
            _ => true,
        };
        if self.peek() == Some(b'#') && is_length {
            self.bump();
            let name = self.parameter_name()?;
            if self.peek() != Some(b'}') {
                return self.bad_substitution();
            }
            self.bump();
            return Ok(Parameter { name, operation: Operation::Length });
        }
        // `${##}` is the length of `$#`.
        if self.looking_at(b"##}") {
            self.advance(3);
            return Ok(Parameter { name: Name::Special(b'#'), operation: Operation::Length });
        }
        let name = self.parameter_name()?;
        let operation = self.operation(quoted)?;
        if self.peek() != Some(b'}') {
            return self.bad_substitution();
        }
        self.bump();
        Ok(Parameter { name, operation })
    }

    /// The same. What is none is an error in bash only when it is expanded.
    pub(super) fn braced_in_bash(&mut self, quoted: bool) -> Result<Parameter, SyntaxError> {
        let (begin, line, around) = (self.position, self.line, self.around.len());
        let result = self.braced(quoted);
        let is_bad = result.as_ref().is_err_and(|error| error.message.ends_with(BAD_SUBSTITUTION));
        if !is_bad || self.mode == Mode::Sh || self.around.len() != around {
            return result;
        }
        (self.position, self.line) = (begin, line);
        let mut open = 0u32;
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => self.advance(1),
                b'{' => open += 1,
                b'}' if open == 0 => {
                    let text = [b"${", &self.source[begin..self.position], b"}"].concat();
                    self.bump();
                    return Ok(Parameter { name: Name::Special(b'#'), operation: Operation::Bad(text) });
                }
                b'}' => open -= 1,
                b'\n' => break,
                _ => {}
            }
            self.bump();
        }
        (self.position, self.line) = (begin, line);
        result
    }

    /// The name that stands here, with its subscript where it has one.
    fn variable_name(&mut self) -> Result<Name, SyntaxError> {
        let name = self.take_name();
        if self.mode == Mode::Sh || self.peek() != Some(b'[') {
            return Ok(Name::Variable(name));
        }
        if let (Some(all @ (b'@' | b'*')), Some(b']')) = (self.peek_at(1), self.peek_at(2)) {
            self.advance(3);
            return Ok(Name::Elements { name, star: all == b'*' });
        }
        Ok(Name::Element { name, subscript: self.subscript()? })
    }

    /// What stands behind `${!`, in bash.
    fn indirect_name(&mut self) -> Result<Name, SyntaxError> {
        self.bump();
        let name = self.parameter_name()?;
        Ok(match (name, self.peek(), self.peek_at(1)) {
            (Name::Variable(prefix), Some(all @ (b'@' | b'*')), Some(b'}')) => {
                self.bump();
                Name::Prefixed { prefix, star: all == b'*' }
            }
            // With an operation behind it, it is what the elements name.
            (Name::Elements { name, star }, Some(b'}'), _) => Name::Keys { name, star },
            (name, ..) => Name::Indirect(Box::new(name)),
        })
    }

    fn bad_substitution<T>(&self) -> Result<T, SyntaxError> {
        match self.source.get(self.position) {
            None => self.unterminated(self.line, "missing `}`", "}"),
            Some(_) => self.error(BAD_SUBSTITUTION),
        }
    }

    fn parameter_name(&mut self) -> Result<Name, SyntaxError> {
        match self.peek() {
            Some(byte) if byte.is_ascii_digit() => {
                let rest = &self.source[self.position..];
                let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let digits = String::from_utf8_lossy(&rest[..length]).into_owned();
                self.position += length;
                match digits.parse() {
                    Ok(0) => Ok(Name::Special(b'0')),
                    Ok(number) => Ok(Name::Positional(number)),
                    Err(_) => self.error("bad substitution"),
                }
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.variable_name(),
            Some(b'!')
                if self.mode == Mode::Bash
                    && (self.peek_at(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                        || (matches!(self.peek_at(1), Some(b'@' | b'*' | b'#' | b'?' | b'$' | b'!'))
                            && self.peek_at(2) == Some(b'}'))) =>
            {
                self.indirect_name()
            }
            Some(b'!') if self.peek_at(1).is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_') => {
                self.error("bad substitution: `${!name}` is bash's and not supported")
            }
            Some(byte @ (b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!')) => {
                self.bump();
                Ok(Name::Special(byte))
            }
            _ => self.bad_substitution(),
        }
    }

    fn operation(&mut self, quoted: bool) -> Result<Operation, SyntaxError> {
        let colon = self.peek() == Some(b':');
        let sign = if colon { self.peek_at(1) } else { self.peek() };
        match sign {
            Some(sign @ (b'-' | b'=' | b'?' | b'+')) => {
                self.advance(1 + usize::from(colon));
                let word = self.operand(Place::Braces, quoted)?;
                Ok(match sign {
                    b'-' => Operation::Default { word, colon },
                    b'=' => Operation::Assign { word, colon },
                    b'?' => Operation::Error { word, colon },
                    _ => Operation::Alternative { word, colon },
                })
            }
            _ if colon => {
                self.bump();
                let offset = self.operand(Place::Offset, false)?;
                let mut length = None;
                if self.peek() == Some(b':') {
                    self.bump();
                    length = Some(self.operand(Place::Braces, false)?);
                }
                Ok(Operation::Substring { offset, length })
            }
            Some(sign @ (b'#' | b'%')) => {
                self.bump();
                let longest = self.peek() == Some(sign);
                self.advance(usize::from(longest));
                // A pattern keeps its own quotes, also inside double quotes (XCU 2.6.2).
                let pattern = self.operand(Place::Braces, false)?;
                Ok(Operation::Strip { pattern, suffix: sign == b'%', longest })
            }
            Some(b'/') => {
                self.bump();
                let all = self.peek() == Some(b'/');
                self.advance(usize::from(all));
                let anchor = match self.peek() {
                    Some(b'#') if !all => Anchor::Start,
                    Some(b'%') if !all => Anchor::End,
                    _ => Anchor::None,
                };
                self.advance(usize::from(anchor != Anchor::None));
                let mut parts = Parts::default();
                // A pattern may begin with the sign that ends it.
                if all && self.peek() == Some(b'/') {
                    self.bump();
                    parts.literal(b'/');
                }
                self.word_parts(Place::Pattern, false, &mut parts, false)?;
                let pattern = Word { parts: parts.0 };
                let mut with = Word::default();
                if self.peek() == Some(b'/') {
                    self.bump();
                    with = self.operand(Place::Braces, false)?;
                }
                Ok(Operation::Replace { pattern, with, all, anchor })
            }
            Some(sign @ (b'^' | b',' | b'~')) if self.mode == Mode::Bash => {
                self.bump();
                let all = self.peek() == Some(sign);
                self.advance(usize::from(all));
                let change = match sign {
                    b'^' => LetterChange::Upper,
                    b',' => LetterChange::Lower,
                    _ => LetterChange::Other,
                };
                Ok(Operation::Letters { pattern: self.operand(Place::Braces, false)?, change, all })
            }
            Some(b'@') if self.mode == Mode::Bash => match self.peek_at(1) {
                Some(letter @ (b'Q' | b'E' | b'P' | b'A' | b'a' | b'U' | b'u' | b'L' | b'K' | b'k')) => {
                    self.advance(2);
                    Ok(Operation::Transform(letter))
                }
                _ => self.bad_substitution(),
            },
            Some(b'[') if self.mode == Mode::Bash => self.bad_substitution(),
            Some(b'^' | b',' | b'@' | b'[') => self.error("bad substitution: this form is bash's and not supported"),
            _ => Ok(Operation::Plain),
        }
    }

    fn operand(&mut self, place: Place, quoted: bool) -> Result<Word, SyntaxError> {
        let mut parts = Parts::default();
        if !quoted && place == Place::Braces {
            self.tilde(&mut parts, b"/}");
        }
        self.word_parts(place, quoted, &mut parts, false)?;
        Ok(Word { parts: parts.0 })
    }
}
