//! `[[ … ]]` by its own grammar: nothing in it is split, and the right side of `==` and `=~` is a pattern.

use super::{Parser, SyntaxError, is_blank};
use crate::config::Mode;
use crate::ir::{Comparison, Part, Test, Word};

/// The letters of the operators with one operand.
const UNARY: &[u8] = b"abcdefghknoprstuvwxzGLNORS";

/// The operators with two operands that are words.
const NAMED: [&[u8]; 9] = [b"-eq", b"-ne", b"-lt", b"-le", b"-gt", b"-ge", b"-nt", b"-ot", b"-ef"];

impl Parser<'_> {
    /// What stands behind `[[`, up to `]]`, which it passes.
    pub(super) fn test_command(&mut self) -> Result<Test, SyntaxError> {
        let test = self.test_any()?;
        self.skip_newlines()?;
        if self.accept(b"]]") { Ok(test) } else { self.unexpected() }
    }

    fn test_any(&mut self) -> Result<Test, SyntaxError> {
        let mut tests = vec![self.test_all()?];
        while self.test_connector(b"||", b"-o")? {
            tests.push(self.test_all()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::Any(tests) })
    }

    fn test_all(&mut self) -> Result<Test, SyntaxError> {
        let mut tests = vec![self.test_one()?];
        while self.test_connector(b"&&", b"-a")? {
            tests.push(self.test_one()?);
        }
        Ok(if tests.len() == 1 { tests.remove(0) } else { Test::All(tests) })
    }

    /// Passes `sign`; ash, whose `[[` is a kind of `test`, has the word too.
    fn test_connector(&mut self, sign: &[u8], word: &[u8]) -> Result<bool, SyntaxError> {
        self.skip_newlines()?;
        if self.looking_at(sign) {
            self.advance(sign.len());
            return Ok(true);
        }
        Ok(self.mode == Mode::Sh && self.accept_option(word))
    }

    fn test_one(&mut self) -> Result<Test, SyntaxError> {
        self.skip_newlines()?;
        if self.accept(b"!") {
            return Ok(Test::Not(Box::new(self.nested(Self::test_one)?)));
        }
        if self.peek() == Some(b'(') {
            self.bump();
            let test = self.nested(Self::test_any)?;
            self.skip_newlines()?;
            if self.peek() != Some(b')') {
                return self.unexpected();
            }
            self.bump();
            return Ok(test);
        }
        self.test_primary()
    }

    fn test_primary(&mut self) -> Result<Test, SyntaxError> {
        if self.at_test_end() {
            return self.unexpected();
        }
        let left = self.test_word(false)?;
        self.skip_newlines()?;
        if let [Part::Literal(text)] = left.parts.as_slice()
            && let [b'-', operator] = text.as_slice()
            && UNARY.contains(operator)
            && !self.at_test_end()
        {
            return Ok(Test::Unary { operator: *operator, operand: self.test_word(false)? });
        }
        if self.at_test_end() {
            return Ok(Test::Unary { operator: b'n', operand: left });
        }
        let operator = self.comparison()?;
        self.skip_blanks();
        if self.at_test_end() {
            return self.unexpected();
        }
        let right = match operator {
            Comparison::Regex => self.regex_word()?,
            Comparison::Pattern { .. } => self.test_word(true)?,
            _ => self.test_word(false)?,
        };
        Ok(Test::Binary { operator, left, right })
    }

    fn comparison(&mut self) -> Result<Comparison, SyntaxError> {
        let pattern = |negated, sign| Comparison::Pattern { negated, sign };
        let signs = [
            (&b"=="[..], pattern(false, "==")),
            (b"!=", pattern(true, "!=")),
            (b"=~", Comparison::Regex),
            (b"=", pattern(false, "=")),
            (b"<", Comparison::Order { after: false }),
            (b">", Comparison::Order { after: true }),
        ];
        for (sign, operator) in signs {
            let order = matches!(operator, Comparison::Order { .. });
            if self.looking_at(sign) && (order || self.peek_at(sign.len()).is_none_or(is_space)) {
                self.advance(sign.len());
                return Ok(operator);
            }
        }
        for name in NAMED {
            if self.accept_option(name) {
                return Ok(Comparison::Named(name.to_vec()));
            }
        }
        if self.mode == Mode::Bash { self.error("conditional binary operator expected") } else { self.unexpected() }
    }

    /// Whether no operand begins here.
    fn at_test_end(&mut self) -> bool {
        match self.peek() {
            None | Some(b'\n' | b')' | b';' | b'&' | b'|') => true,
            Some(b']') => {
                self.looking_at(b"]]") && self.peek_at(2).is_none_or(|byte| is_space(byte) || b";&|)".contains(&byte))
            }
            _ => false,
        }
    }

    /// An operand. Extended patterns stand in it whether they are on or not.
    fn test_word(&mut self, pattern: bool) -> Result<Word, SyntaxError> {
        let before = self.extglob;
        self.extglob |= pattern && self.mode == Mode::Bash;
        let word = self.word();
        self.extglob = before;
        let word = word?;
        if word.parts.is_empty() { self.unexpected() } else { Ok(word) }
    }
}

fn is_space(byte: u8) -> bool {
    is_blank(byte) || byte == b'\n'
}
