//! Commands: lists, pipelines, compound commands.

use std::sync::Arc;

use super::word::Target;
use super::{Parser, SyntaxError, is_blank, is_meta, is_name};
use crate::config::Mode;
use crate::ir::{
    AndOr, Arm, ArmEnd, Assigned, Assignment, Command, Compound, Connector, Descriptor, Element, Item, List, Part,
    Pipeline, Redirect, RedirectKind, Simple, Word,
};

/// The words that end a list where a command could begin.
const CLOSING: [&[u8]; 8] = [b"then", b"do", b"done", b"fi", b"elif", b"else", b"esac", b"}"];

/// The commands whose operands are assignments (XCU 2.9.1.1, and `local`); the last two are bash's.
const DECLARING: [&[u8]; 5] = [b"export", b"readonly", b"local", b"declare", b"typeset"];

/// `2>&1`.
fn error_to_output() -> Redirect {
    let word = Word { parts: vec![Part::Literal(b"1".to_vec())] };
    Redirect { fd: Descriptor::Number(2), kind: RedirectKind::Duplicate { word, output: true } }
}

fn is_literal(word: &Word, text: &[u8]) -> bool {
    matches!(word.parts.as_slice(), [Part::Literal(literal)] if literal == text)
}

impl Parser<'_> {
    /// Everything up to the end of the source.
    pub(super) fn script(&mut self) -> Result<List, SyntaxError> {
        let list = self.list()?;
        if self.peek().is_some() { self.unexpected() } else { Ok(list) }
    }

    /// A list up to one of the bytes, which must follow.
    pub(super) fn list_until(&mut self, ends: &[u8]) -> Result<List, SyntaxError> {
        let list = self.list()?;
        match self.peek() {
            Some(byte) if ends.contains(&byte) => Ok(list),
            _ => self.unexpected(),
        }
    }

    /// A list, possibly empty, up to something that cannot go on with it.
    fn list(&mut self) -> Result<List, SyntaxError> {
        let mut items = vec![];
        loop {
            self.command_begins()?;
            if self.at_list_end() || !self.item(&mut items)? {
                return Ok(List(items));
            }
        }
    }

    /// Passes newlines before a command, also those that an alias gives.
    fn command_begins(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.skip_newlines()?;
            if !self.expand_aliases() {
                return Ok(());
            }
        }
    }

    /// A list up to the end of a line, which it passes, or of the script.
    pub(super) fn list_of_line(&mut self) -> Result<List, SyntaxError> {
        let mut items = vec![];
        loop {
            let goes_on = self.item(&mut items)?;
            self.skip_blanks();
            if goes_on && self.peek() != Some(b'\n') && self.expand_aliases() {
                self.skip_blanks();
            }
            match self.peek() {
                None => return Ok(List(items)),
                Some(b'\n') => {
                    self.newline()?;
                    return Ok(List(items));
                }
                Some(_) if goes_on => {}
                Some(_) => return self.unexpected(),
            }
        }
    }

    /// An and-or list with what ends it; false where nothing does.
    fn item(&mut self, items: &mut Vec<Item>) -> Result<bool, SyntaxError> {
        self.skip_blanks();
        let (begin, around) = (self.position, self.around.len());
        let and_or = Arc::new(self.and_or()?);
        self.skip_blanks();
        let (background, goes_on) = match self.peek() {
            Some(b'&') => {
                // What came out of an alias is in no one text.
                let text = if around == self.around.len() { self.source.get(begin..self.position) } else { None };
                let text = text.unwrap_or_default().trim_ascii_end().into();
                self.bump();
                (Some(text), true)
            }
            Some(b';') if self.peek_at(1) != Some(b';') && self.peek_at(1) != Some(b'&') => {
                self.bump();
                (None, true)
            }
            Some(b'\n') => (None, true),
            _ => (None, false),
        };
        items.push(Item { and_or, background });
        Ok(goes_on)
    }

    fn at_list_end(&mut self) -> bool {
        match self.peek() {
            None | Some(b')') => true,
            Some(b';') => matches!(self.peek_at(1), Some(b';' | b'&')),
            _ => self.reserved().is_some_and(|word| CLOSING.contains(&word)),
        }
    }

    /// The unquoted word that stands here, if it is made of plain characters.
    fn reserved(&self) -> Option<&[u8]> {
        let rest = &self.source[self.position..];
        let length = rest.iter().position(|byte| is_blank(*byte) || is_meta(*byte)).unwrap_or(rest.len());
        let word = &rest[..length];
        let plain = word
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'{' | b'}' | b'!' | b'[' | b']' | b'_'));
        (plain && !word.is_empty()).then_some(word)
    }

    /// Passes `word` where it stands here as a reserved word.
    pub(super) fn accept(&mut self, word: &[u8]) -> bool {
        let here = self.reserved() == Some(word);
        if here {
            self.advance(word.len());
        }
        here
    }

    /// Passes `word`, which must stand here, newlines before it allowed.
    fn expect(&mut self, word: &str) -> Result<(), SyntaxError> {
        self.skip_newlines()?;
        if self.accept(word.as_bytes()) {
            return Ok(());
        }
        match self.unexpected::<()>() {
            Err(error) if self.mode == Mode::Bash => Err(error),
            Err(error) => Err(SyntaxError { message: format!("{} (expecting \"{word}\")", error.message), ..error }),
            ok => ok,
        }
    }

    fn and_or(&mut self) -> Result<AndOr, SyntaxError> {
        let first = self.pipeline()?;
        let mut rest = vec![];
        loop {
            self.skip_blanks();
            let connector = if self.looking_at(b"&&") {
                Connector::And
            } else if self.looking_at(b"||") {
                Connector::Or
            } else {
                return Ok(AndOr { first, rest });
            };
            self.advance(2);
            self.command_begins()?;
            rest.push((connector, self.pipeline()?));
        }
    }

    fn pipeline(&mut self) -> Result<Pipeline, SyntaxError> {
        let mut pipeline = Pipeline { negated: false, timed: None, commands: vec![] };
        self.expand_aliases();
        self.skip_blanks();
        let mut alone = false;
        loop {
            if self.accept(b"!") {
                pipeline.negated = !pipeline.negated;
            } else if self.mode == Mode::Bash && self.accept(b"time") {
                self.skip_blanks();
                let portable = self.accept_option(b"-p");
                pipeline.timed = Some(portable || pipeline.timed == Some(true));
            } else {
                break;
            }
            alone = self.mode == Mode::Bash;
            self.skip_blanks();
        }
        if alone && matches!(self.peek(), None | Some(b'\n' | b';' | b')')) {
            return Ok(pipeline);
        }
        loop {
            let mut command = self.nested(Self::command)?;
            self.skip_blanks();
            if self.peek() != Some(b'|') || self.peek_at(1) == Some(b'|') {
                pipeline.commands.push(Arc::new(command));
                return Ok(pipeline);
            }
            self.bump();
            if self.peek() == Some(b'&') {
                if self.mode == Mode::Sh {
                    return self.error("`|&` is bash's and not supported; write `2>&1 |`");
                }
                self.bump();
                if let Command::Simple(Simple { redirects, .. }) | Command::Compound { redirects, .. } = &mut command {
                    redirects.push(error_to_output());
                }
            }
            pipeline.commands.push(Arc::new(command));
            self.command_begins()?;
        }
    }

    /// Passes an option that stands here as a word of its own.
    pub(super) fn accept_option(&mut self, option: &[u8]) -> bool {
        let ended = self.peek_at(option.len()).is_none_or(|byte| is_blank(byte) || is_meta(byte));
        let here = self.looking_at(option) && ended;
        if here {
            self.advance(option.len());
        }
        here
    }

    fn command(&mut self) -> Result<Command, SyntaxError> {
        self.expand_aliases();
        self.skip_blanks();
        let line = self.line;
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
        let redirects = self.redirects()?;
        Ok(Command::Compound { line, body, redirects })
    }

    /// A list that must not be empty, up to the reserved word `end`, which it passes.
    fn body(&mut self, end: &str) -> Result<List, SyntaxError> {
        let list = self.filled_list()?;
        self.expect(end)?;
        Ok(list)
    }

    fn filled_list(&mut self) -> Result<List, SyntaxError> {
        let list = self.list()?;
        if list.0.is_empty() { self.unexpected() } else { Ok(list) }
    }

    fn if_command(&mut self) -> Result<Compound, SyntaxError> {
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

    fn while_command(&mut self, until: bool) -> Result<Compound, SyntaxError> {
        self.advance(5);
        let condition = self.body("do")?;
        let body = self.body("done")?;
        Ok(Compound::While { until, condition, body })
    }

    fn for_command(&mut self) -> Result<Compound, SyntaxError> {
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
    fn for_arithmetic(&mut self) -> Result<Compound, SyntaxError> {
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

    fn case_command(&mut self) -> Result<Compound, SyntaxError> {
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
        let (begin, around) = (self.position, self.around.len());
        let body = self.nested(Self::command)?;
        // What came out of an alias is in no one text.
        let text = if around == self.around.len() { self.source.get(begin..self.position) } else { None };
        match body {
            Command::Compound { .. } => {
                Ok(Command::Function { name, text: text.unwrap_or_default().into(), body: Arc::new(body) })
            }
            _ => self.error("a function's body must be a compound command such as `{ …; }`"),
        }
    }

    fn simple(&mut self) -> Result<Command, SyntaxError> {
        let mut simple = Simple {
            line: self.line,
            assignments: vec![],
            declares: false,
            words: vec![],
            compounds: vec![],
            redirects: vec![],
        };
        loop {
            self.skip_blanks();
            if self.alias_next || simple.words.is_empty() {
                self.expand_aliases();
                self.skip_blanks();
            }
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
            let word = self.field_word()?;
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
        Ok(Command::Simple(simple))
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
