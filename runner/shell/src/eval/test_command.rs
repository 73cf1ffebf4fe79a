//! `[[ … ]]` as ash has it: words are not split, `==` and `!=` match patterns.

use stepbox_system::ExitStatus;

use super::{Flow, Shell};
use crate::builtins::test;
use crate::ir::{Part, Word};

impl Shell {
    pub(super) fn execute_test(&mut self, words: &[Word]) -> Result<ExitStatus, Flow> {
        let mut at = 0;
        let result = self.test_or(words, &mut at, true)?;
        if at < words.len() {
            return Err(self.fatal("`[[`: unexpected argument"));
        }
        Ok(if result { ExitStatus::SUCCESS } else { ExitStatus::FAILURE })
    }

    fn test_or(&mut self, words: &[Word], at: &mut usize, live: bool) -> Result<bool, Flow> {
        let mut value = self.test_and(words, at, live)?;
        while operator(words, *at) == Some(b"||") {
            *at += 1;
            let right = self.test_and(words, at, live && !value)?;
            value = value || right;
        }
        Ok(value)
    }

    fn test_and(&mut self, words: &[Word], at: &mut usize, live: bool) -> Result<bool, Flow> {
        let mut value = self.test_not(words, at, live)?;
        while operator(words, *at) == Some(b"&&") {
            *at += 1;
            let right = self.test_not(words, at, live && value)?;
            value = value && right;
        }
        Ok(value)
    }

    fn test_not(&mut self, words: &[Word], at: &mut usize, live: bool) -> Result<bool, Flow> {
        match operator(words, *at) {
            Some(b"!") => {
                *at += 1;
                self.deeper(|shell| Ok(!shell.test_not(words, at, live)?))
            }
            Some(b"(") => {
                *at += 1;
                let value = self.deeper(|shell| shell.test_or(words, at, live))?;
                if operator(words, *at) != Some(b")") {
                    return Err(self.fatal("`[[`: missing `)`"));
                }
                *at += 1;
                Ok(value)
            }
            _ => self.test_primary(words, at, live),
        }
    }

    fn test_primary(&mut self, words: &[Word], at: &mut usize, live: bool) -> Result<bool, Flow> {
        let Some(first) = words.get(*at) else { return Err(self.fatal("`[[`: argument expected")) };
        let is_end = |at: usize| {
            matches!(operator(words, at), None | Some(b"&&" | b"||" | b")"))
                && (at >= words.len() || operator(words, at).is_some())
        };
        // A single word: whether it is empty.
        if is_end(*at + 1) {
            *at += 1;
            return Ok(live && !self.expand_text(first)?.is_empty());
        }
        let unary = operator(words, *at).filter(|text| text.len() == 2 && text[0] == b'-');
        if let (Some(unary), Some(operand), true) = (unary, words.get(*at + 1), is_end(*at + 2)) {
            *at += 2;
            if !live {
                return Ok(false);
            }
            let arguments = [unary.to_vec(), self.expand_text(operand)?];
            return self.evaluate_test(&arguments);
        }
        let (Some(sign), Some(right)) = (operator(words, *at + 1), words.get(*at + 2)) else {
            return Err(self.fatal("`[[`: binary operator expected"));
        };
        *at += 3;
        if sign == b"=~" {
            return Err(self.fatal("`[[ =~ ]]` is bash's and not supported"));
        }
        if !live {
            return Ok(false);
        }
        let left = self.expand_text(first)?;
        match sign {
            b"=" | b"==" => Ok(self.expand_pattern(right)?.matches(&left)),
            b"!=" => Ok(!self.expand_pattern(right)?.matches(&left)),
            _ => {
                let right = self.expand_text(right)?;
                self.evaluate_test(&[left, sign.to_vec(), right])
            }
        }
    }

    fn evaluate_test(&mut self, arguments: &[Vec<u8>]) -> Result<bool, Flow> {
        test::evaluate(self, arguments).map_err(|message| self.fatal(&format!("`[[`: {message}")))
    }
}

/// The text of a word that is one unquoted literal.
fn operator(words: &[Word], at: usize) -> Option<&[u8]> {
    match words.get(at)?.parts.as_slice() {
        [Part::Literal(text)] => Some(text),
        _ => None,
    }
}
