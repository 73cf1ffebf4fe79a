//! Commands: which kind begins, simple ones, functions.

use std::sync::Arc;

use super::assignment::Target;
use super::list::CLOSING;
use super::{Parser, SyntaxError, is_blank, is_meta, is_name};
use crate::config::Mode;
use crate::ir::{Assigned, Assignment, Command, Compound, Element, Part, Simple, Word};

/// The commands whose operands are assignments (XCU 2.9.1.1, and `local`); the last two are bash's.
const DECLARING: [&[u8]; 5] = [b"export", b"readonly", b"local", b"declare", b"typeset"];

fn is_literal(word: &Word, text: &[u8]) -> bool {
    matches!(word.parts.as_slice(), [Part::Literal(literal)] if literal == text)
}

/// The first line of a loop or `case`, without what ends it.
fn head(text: &[u8]) -> &[u8] {
    let end = text.iter().position(|byte| matches!(byte, b'\n' | b';')).unwrap_or(text.len());
    let is_case = text.starts_with(b"case");
    match text.windows(4).position(|window| is_case && window == b" in ") {
        Some(at) => &text[..(at + 4).min(end)],
        None => text[..end].trim_ascii_end(),
    }
}

/// Adds a word or a redirection to the text of a command; bash shows a space behind the operator of a redirection.
fn add_written(text: &mut Vec<u8>, word: &[u8]) {
    if !text.is_empty() && !word.is_empty() {
        text.push(b' ');
    }
    let digits = word.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let sign = word[digits..].iter().take_while(|byte| matches!(byte, b'<' | b'>' | b'&' | b'|')).count();
    let (operator, target) = word.split_at(digits + sign);
    text.extend_from_slice(operator);
    if sign > 0 && !operator.ends_with(b"&") && !operator.ends_with(b"<<") && !target.starts_with(b"(") {
        text.push(b' ');
    }
    text.extend_from_slice(if sign > 0 { target.trim_ascii_start() } else { target });
}

impl Parser<'_> {
    pub(super) fn command(&mut self) -> Result<Command, SyntaxError> {
        self.expand_aliases();
        self.skip_blanks();
        let (line, begin) = (self.line, self.mark());
        let body = match self.peek() {
            Some(b'(') => 'open: {
                if self.mode == Mode::Bash
                    && self.peek_at(1) == Some(b'(')
                    && let Some(expression) = self.nested(|parser| parser.double_parentheses(2))?
                {
                    break 'open Compound::Arithmetic(expression);
                }
                self.bump();
                let list = self.list_until(b")")?;
                self.bump();
                if list.0.is_empty() {
                    self.position -= 1;
                    return self.unexpected();
                }
                Compound::Subshell(list)
            }
            _ => match self.reserved().map(<[u8]>::to_vec).as_deref() {
                Some(b"{") => {
                    self.advance(1);
                    let list = self.body("}")?;
                    Compound::Brace(list)
                }
                Some(b"if") => self.if_command()?,
                Some(b"while") => self.while_command(false)?,
                Some(b"until") => self.while_command(true)?,
                Some(b"for") => self.for_command()?,
                Some(b"case") => self.case_command()?,
                Some(b"[[") => {
                    self.accept(b"[[");
                    Compound::Test(self.test_command()?)
                }
                Some(b"function") => return self.function_keyword(),
                Some(word @ (b"select" | b"coproc")) => {
                    let word = String::from_utf8_lossy(word).into_owned();
                    return self.error(format!("`{word}` is bash's and not supported"));
                }
                Some(word) if CLOSING.contains(&word) => return self.unexpected(),
                _ => return self.simple(),
            },
        };
        let text = match &body {
            Compound::Test(_) | Compound::Arithmetic(_) => self.written_since(begin).into(),
            Compound::For { .. } | Compound::Case { .. } => head(self.written_since(begin)).into(),
            _ => Arc::default(),
        };
        let redirects = self.redirects()?;
        Ok(Command::Compound { line, text, body, redirects })
    }

    fn function_keyword(&mut self) -> Result<Command, SyntaxError> {
        self.accept(b"function");
        self.skip_blanks();
        let rest = &self.source[self.position..];
        let length = rest.iter().position(|byte| is_blank(*byte) || is_meta(*byte)).unwrap_or(rest.len());
        let name = rest[..length].to_vec();
        self.advance(length);
        self.skip_blanks();
        if self.looking_at(b"()") {
            self.advance(2);
        }
        self.function(name)
    }

    /// A function's body, behind its name and parentheses.
    fn function(&mut self, name: Vec<u8>) -> Result<Command, SyntaxError> {
        self.skip_newlines()?;
        let begin = self.mark();
        let body = self.nested(Self::command)?;
        let text = self.written_since(begin);
        match body {
            Command::Compound { .. } => Ok(Command::Function { name, text: text.into(), body: Arc::new(body) }),
            _ => self.error("a function's body must be a compound command such as `{ …; }`"),
        }
    }

    fn simple(&mut self) -> Result<Command, SyntaxError> {
        let mut simple = Simple {
            line: self.line,
            text: Arc::default(),
            assignments: vec![],
            declares: false,
            words: vec![],
            compounds: vec![],
            redirects: vec![],
        };
        let mut text = vec![];
        let mut begin = None;
        loop {
            if let Some(begin) = begin.take() {
                add_written(&mut text, self.written_since(begin));
            }
            self.skip_blanks();
            if self.alias_next || simple.words.is_empty() {
                self.expand_aliases();
                self.skip_blanks();
            }
            begin = Some(self.mark());
            if let Some(redirect) = self.redirect()? {
                simple.redirects.push(redirect);
                continue;
            }
            match self.peek() {
                Some(b'(')
                    if simple.words.len() == 1 && simple.assignments.is_empty() && simple.redirects.is_empty() =>
                {
                    return self.function_definition(&simple.words[0]);
                }
                Some(byte) if !is_meta(byte) || self.at_process() => {}
                Some(b'(') => return self.unexpected(),
                _ => break,
            }
            if simple.words.is_empty()
                && let Some(Target { name, subscript, append }) = self.assignment_target()?
            {
                let value = match self.compound_operand()? {
                    Some(elements) => Assigned::Compound(elements),
                    None => Assigned::Text(self.assigned()?),
                };
                simple.assignments.push(Assignment { name, subscript, value, append });
                continue;
            }
            if simple.declares
                && let Some(Target { name, subscript, append }) = self.assignment_target()?
            {
                let sign: &[u8] = if append { b"+=" } else { b"=" };
                let mut word = match &subscript {
                    None => Word { parts: vec![Part::Literal([&name[..], sign].concat())] },
                    Some(subscript) => {
                        let mut parts = vec![Part::Literal([&name[..], b"["].concat())];
                        parts.extend_from_slice(&subscript.parts);
                        parts.push(Part::Literal([&b"]"[..], sign].concat()));
                        Word { parts }
                    }
                };
                match self.compound_operand()? {
                    Some(elements) => simple.compounds.push((simple.words.len(), elements)),
                    None => {
                        word.parts.extend(self.assigned()?.parts);
                        // bash expands braces here though not in other assignments.
                        if self.braces {
                            word = self.brace_word(word)?;
                        }
                    }
                }
                simple.words.push(word);
                continue;
            }
            let word = self.command_word()?;
            if let [Part::Literal(name)] = word.parts.as_slice() {
                let declares = DECLARING[..if self.mode == Mode::Bash { 5 } else { 3 }].contains(&name.as_slice());
                simple.declares |= match simple.words.as_slice() {
                    [] => declares,
                    before => {
                        let passes_on = |word| is_literal(word, b"command") || is_literal(word, b"builtin");
                        declares && before.iter().all(passes_on)
                    }
                };
            }
            simple.words.push(word);
        }
        if simple.words.is_empty() && simple.assignments.is_empty() && simple.redirects.is_empty() {
            return self.unexpected();
        }
        simple.text = text.into();
        Ok(Command::Simple(simple))
    }

    /// A word of a command. In bash one like `NAME=value` has tildes where an assignment has them.
    fn command_word(&mut self) -> Result<Word, SyntaxError> {
        let rest = &self.source[self.position..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        if self.mode == Mode::Sh || rest.get(length) != Some(&b'=') || !is_name(&rest[..length]) {
            return self.field_word();
        }
        let mut name = rest[..=length].to_vec();
        self.position += length + 1;
        let mut word = self.assigned()?;
        match word.parts.first_mut() {
            Some(Part::Literal(text)) => {
                name.append(text);
                *text = name;
            }
            _ => word.parts.insert(0, Part::Literal(name)),
        }
        if self.braces { self.brace_word(word) } else { Ok(word) }
    }

    /// `(…)` behind `NAME=`, if it stands here.
    fn compound_operand(&mut self) -> Result<Option<Arc<Vec<Element>>>, SyntaxError> {
        if self.peek() != Some(b'(') {
            return Ok(None);
        }
        if self.mode == Mode::Sh {
            return self.error("arrays are bash's and not supported");
        }
        let elements = self.nested(Self::compound_value)?;
        Ok(Some(Arc::new(elements)))
    }

    fn function_definition(&mut self, name: &Word) -> Result<Command, SyntaxError> {
        self.bump();
        self.skip_blanks();
        if self.peek() != Some(b')') {
            return self.unexpected();
        }
        self.bump();
        match name.parts.as_slice() {
            [Part::Literal(name)] => self.function(name.clone()),
            _ => self.error("bad function name"),
        }
    }
}
