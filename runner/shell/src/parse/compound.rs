//! `if`, loops and `case`.

use super::{Parser, SyntaxError, is_blank, is_meta, is_name};
use crate::config::Mode;
use crate::ir::{Arm, ArmEnd, Compound, List};

impl Parser<'_> {
    /// A list that must not be empty, up to the reserved word `end`, which it passes.
    pub(super) fn body(&mut self, end: &str) -> Result<List, SyntaxError> {
        let list = self.filled_list()?;
        self.expect(end)?;
        Ok(list)
    }

    fn filled_list(&mut self) -> Result<List, SyntaxError> {
        let list = self.list()?;
        if list.0.is_empty() { self.unexpected() } else { Ok(list) }
    }

    pub(super) fn if_command(&mut self) -> Result<Compound, SyntaxError> {
        self.accept(b"if");
        let mut arms = vec![];
        loop {
            let condition = self.body("then")?;
            arms.push((condition, self.filled_list()?));
            self.skip_newlines()?;
            if self.accept(b"elif") {
                continue;
            }
            let otherwise = if self.accept(b"else") { Some(self.filled_list()?) } else { None };
            self.expect("fi")?;
            return Ok(Compound::If { arms, otherwise });
        }
    }

    pub(super) fn while_command(&mut self, until: bool) -> Result<Compound, SyntaxError> {
        self.advance(5);
        let condition = self.body("do")?;
        let body = self.body("done")?;
        Ok(Compound::While { until, condition, body })
    }

    pub(super) fn for_command(&mut self) -> Result<Compound, SyntaxError> {
        self.accept(b"for");
        self.skip_blanks();
        if self.looking_at(b"((") {
            if self.mode == Mode::Sh {
                return self.error("`for ((` is bash's and not supported");
            }
            return self.for_arithmetic();
        }
        let mut name = self.reserved().filter(|name| is_name(name)).map(<[u8]>::to_vec);
        if name.is_none() && self.mode == Mode::Bash {
            // One that no variable can have is found out when it runs.
            let rest = &self.source[self.position..];
            let length = rest.iter().position(|byte| is_blank(*byte) || is_meta(*byte)).unwrap_or(rest.len());
            name = (length > 0).then(|| rest[..length].to_vec());
        }
        let Some(name) = name else { return self.error("bad for loop variable") };
        self.advance(name.len());
        self.skip_blanks();
        let mut words = None;
        if self.peek() == Some(b';') {
            self.bump();
        } else {
            self.skip_newlines()?;
            if self.accept(b"in") {
                let mut list = vec![];
                loop {
                    self.skip_blanks();
                    match self.peek() {
                        Some(b';') => {
                            self.bump();
                            break;
                        }
                        Some(b'\n') => break,
                        Some(byte) if !is_meta(byte) || self.at_process() => list.push(self.field_word()?),
                        _ => return self.unexpected(),
                    }
                }
                words = Some(list);
            }
        }
        let body = self.loop_body()?;
        Ok(Compound::For { name, words, body })
    }

    /// `for ((first; condition; step))`.
    pub(super) fn for_arithmetic(&mut self) -> Result<Compound, SyntaxError> {
        let [first, condition, step] = self.for_expressions()?;
        self.skip_blanks();
        if self.peek() == Some(b';') {
            self.bump();
        }
        let body = self.loop_body()?;
        Ok(Compound::ForArithmetic { first, condition, step, body })
    }

    /// `do … done`, or `{ … }`.
    fn loop_body(&mut self) -> Result<List, SyntaxError> {
        self.skip_newlines()?;
        if self.accept(b"{") {
            return self.body("}");
        }
        self.expect("do")?;
        self.body("done")
    }

    pub(super) fn case_command(&mut self) -> Result<Compound, SyntaxError> {
        self.accept(b"case");
        self.skip_blanks();
        let word = self.word()?;
        if word.parts.is_empty() {
            return self.unexpected();
        }
        self.expect("in")?;
        let mut arms = vec![];
        loop {
            self.skip_newlines()?;
            if self.accept(b"esac") {
                return Ok(Compound::Case { word, arms });
            }
            if self.peek() == Some(b'(') {
                self.bump();
            }
            let mut patterns = vec![];
            loop {
                self.skip_blanks();
                let pattern = self.word()?;
                if pattern.parts.is_empty() {
                    return self.unexpected();
                }
                patterns.push(pattern);
                self.skip_blanks();
                match self.peek() {
                    Some(b'|') => self.advance(1),
                    Some(b')') => break,
                    _ => return self.unexpected(),
                }
            }
            self.bump();
            let body = self.list()?;
            let operator: Option<(&[u8], ArmEnd)> =
                [(&b";;&"[..], ArmEnd::TryOthers), (b";;", ArmEnd::Stop), (b";&", ArmEnd::FallThrough)]
                    .into_iter()
                    .find(|(operator, _)| self.looking_at(operator));
            let Some((operator, end)) = operator else {
                arms.push(Arm { patterns, body, end: ArmEnd::Stop });
                self.expect("esac")?;
                return Ok(Compound::Case { word, arms });
            };
            if end == ArmEnd::TryOthers && self.mode == Mode::Sh {
                return self.error("`;;&` is bash's and not supported");
            }
            self.advance(operator.len());
            arms.push(Arm { patterns, body, end });
        }
    }
}
