//! Words: quotes, and everything that begins with `$` or a backtick.

use std::sync::Arc;

use super::{Parser, SyntaxError, is_blank, is_meta, is_name};
use crate::config::Mode;
use crate::ir::{Anchor, Element, LetterChange, List, Name, Operation, Parameter, Part, Word};

/// Where a word stands, which says where it ends and what is special in it.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    /// Outside everything.
    Plain,
    /// In `${name-…}`: up to `}`.
    Braces,
    /// The pattern of `${name/…/…}`: up to `/` or `}`.
    Pattern,
    /// In `${name:…}`: up to `:` or `}`.
    Offset,
    /// In an extended pattern such as `@(…)`: up to `)`.
    Group,
    /// The right side of `=~`: parentheses and `|` belong to it.
    Regex,
    /// In `name[…]`: up to the `]` that belongs to it.
    Subscript,
}

/// What `${…}` is that means nothing.
const BAD_SUBSTITUTION: &str = "bad substitution";

/// What an assignment names.
pub(super) struct Target {
    pub(super) name: Vec<u8>,
    pub(super) subscript: Option<Word>,
    pub(super) append: bool,
}

/// Collects parts, joining text of one kind.
#[derive(Default)]
pub(super) struct Parts(pub(super) Vec<Part>);

impl Parts {
    fn literal(&mut self, byte: u8) {
        match self.0.last_mut() {
            Some(Part::Literal(text)) => text.push(byte),
            _ => self.0.push(Part::Literal(vec![byte])),
        }
    }

    pub(super) fn quoted(&mut self, byte: u8) {
        match self.0.last_mut() {
            Some(Part::Quoted(text)) => text.push(byte),
            _ => self.0.push(Part::Quoted(vec![byte])),
        }
    }

    /// Text as it comes: quoted or not.
    fn text(&mut self, byte: u8, quoted: bool) {
        if quoted { self.quoted(byte) } else { self.literal(byte) }
    }
}

impl Parser<'_> {
    /// A word at this place; empty parts where none begins.
    pub(super) fn word(&mut self) -> Result<Word, SyntaxError> {
        let mut parts = Parts::default();
        self.tilde(&mut parts, b"/");
        self.word_parts(Place::Plain, false, &mut parts, false)?;
        Ok(Word { parts: parts.0 })
    }

    /// The value of an assignment, in which a tilde may also stand behind a colon.
    pub(super) fn assigned(&mut self) -> Result<Word, SyntaxError> {
        let mut parts = Parts::default();
        self.tilde(&mut parts, b"/:");
        self.word_parts(Place::Plain, false, &mut parts, true)?;
        Ok(Word { parts: parts.0 })
    }

    /// A prompt, which is expanded as a here-document is.
    pub(crate) fn prompt_text(&mut self) -> Result<Word, SyntaxError> {
        self.here_document_body()
    }

    /// The body of a here-document: as between double quotes, except for the quotes.
    pub(super) fn here_document_body(&mut self) -> Result<Word, SyntaxError> {
        let mut parts = Parts::default();
        while let Some(byte) = self.peek() {
            match byte {
                b'\\' => match self.peek_at(1) {
                    Some(b'\n') => self.advance(2),
                    Some(next @ (b'$' | b'`' | b'\\')) => {
                        self.advance(2);
                        parts.quoted(next);
                    }
                    _ => {
                        self.bump();
                        parts.quoted(byte);
                    }
                },
                b'$' => self.dollar(true, &mut parts)?,
                b'`' => self.backticks(true, &mut parts)?,
                _ => {
                    self.bump();
                    parts.quoted(byte);
                }
            }
        }
        Ok(Word { parts: parts.0 })
    }

    /// A tilde prefix, up to one of `ends` or the end of the word, if it is made of plain characters.
    fn tilde(&mut self, parts: &mut Parts, ends: &[u8]) {
        if self.peek() != Some(b'~') {
            return;
        }
        let rest = &self.source[self.position + 1..];
        let length = rest
            .iter()
            .position(|byte| ends.contains(byte) || is_blank(*byte) || is_meta(*byte) || *byte == b'}')
            .unwrap_or(rest.len());
        let name = &rest[..length];
        if name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'+')) {
            parts.0.push(Part::Tilde(name.to_vec()));
            self.advance(length + 1);
        }
    }

    fn word_parts(
        &mut self,
        place: Place,
        in_quotes: bool,
        parts: &mut Parts,
        assigned: bool,
    ) -> Result<(), SyntaxError> {
        let mut brackets = 0u32;
        // In an offset: open parentheses, and `?` whose `:` is still to come.
        let (mut parentheses, mut questions) = (0u32, 0u32);
        while let Some(byte) = self.peek() {
            if place == Place::Offset {
                match byte {
                    b'(' => parentheses += 1,
                    b')' => parentheses = parentheses.saturating_sub(1),
                    b'?' => questions += 1,
                    b':' if questions > 0 => {
                        questions -= 1;
                        self.bump();
                        parts.literal(byte);
                        continue;
                    }
                    _ => {}
                }
            }
            let ends = match place {
                Place::Plain => is_blank(byte) || is_meta(byte),
                Place::Braces => byte == b'}',
                Place::Pattern => matches!(byte, b'}' | b'/'),
                Place::Offset => byte == b'}' || (byte == b':' && parentheses == 0),
                Place::Group => byte == b')',
                Place::Regex => is_blank(byte) || (is_meta(byte) && !matches!(byte, b'(' | b'|')),
                Place::Subscript => byte == b']' && brackets == 0,
            };
            // `<(…)` stands anywhere in a word.
            if ends && place == Place::Plain && self.at_process() {
                self.process_substitution(parts)?;
                continue;
            }
            if ends {
                return Ok(());
            }
            match byte {
                b'\\' => {
                    self.bump();
                    match self.peek() {
                        Some(b'\n') => self.advance(1),
                        // Between double quotes a backslash stays before what it does not protect.
                        Some(next) if in_quotes && !matches!(next, b'$' | b'`' | b'"' | b'\\' | b'}') => {
                            parts.quoted(b'\\');
                        }
                        Some(next) => {
                            self.bump();
                            parts.quoted(next);
                        }
                        None => parts.text(b'\\', in_quotes),
                    }
                }
                b'\'' if !in_quotes => self.single_quotes(parts)?,
                b'"' => self.double_quotes(parts)?,
                b'$' if (!in_quotes || self.mode == Mode::Bash) && self.peek_at(1) == Some(b'\'') => {
                    self.dollar_quotes(parts)?;
                }
                b'$' => self.dollar(in_quotes, parts)?,
                b'`' => self.backticks(in_quotes, parts)?,
                b'?' | b'*' | b'+' | b'@' | b'!' if self.extglob && !in_quotes && self.peek_at(1) == Some(b'(') => {
                    self.bump();
                    parts.literal(byte);
                    self.group(parts)?;
                }
                b'(' if matches!(place, Place::Group | Place::Regex) => self.group(parts)?,
                b':' if assigned => {
                    self.bump();
                    parts.literal(b':');
                    self.tilde(parts, b"/:");
                }
                _ => {
                    match byte {
                        b'[' => brackets += 1,
                        b']' => brackets = brackets.saturating_sub(1),
                        _ => {}
                    }
                    self.bump();
                    parts.text(byte, in_quotes);
                }
            }
        }
        match place {
            Place::Plain | Place::Regex => Ok(()),
            Place::Subscript => self.unterminated(self.line, "missing `]`", "]"),
            Place::Group => self.unterminated(self.line, "missing `)`", ")"),
            _ => self.unterminated(self.line, "missing `}`", "}"),
        }
    }

    /// `(…)` in a pattern, with its parentheses.
    fn group(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
        self.bump();
        parts.literal(b'(');
        self.nested(|parser| parser.word_parts(Place::Group, false, parts, false))?;
        self.bump();
        parts.literal(b')');
        Ok(())
    }

    /// The right side of `=~`.
    pub(super) fn regex_word(&mut self) -> Result<Word, SyntaxError> {
        let mut parts = Parts::default();
        self.tilde(&mut parts, b"/");
        let before = std::mem::take(&mut self.extglob);
        let result = self.word_parts(Place::Regex, false, &mut parts, false);
        self.extglob = before;
        result?;
        Ok(Word { parts: parts.0 })
    }

    /// A word of a command, which brace expansion may make several of.
    pub(super) fn field_word(&mut self) -> Result<Word, SyntaxError> {
        let word = self.word()?;
        if self.mode == Mode::Bash && self.braces { self.brace_word(word) } else { Ok(word) }
    }

    /// Whether `<(` or `>(` stands here. ash has them too.
    pub(super) fn at_process(&mut self) -> bool {
        matches!(self.peek(), Some(b'<' | b'>')) && self.peek_at(1) == Some(b'(')
    }

    fn process_substitution(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
        let output = self.peek() == Some(b'>');
        let list = Arc::new(self.parenthesized_list()?);
        parts.0.push(Part::Process { list, output });
        Ok(())
    }

    fn single_quotes(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
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

    fn double_quotes(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
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
    fn dollar_quotes(&mut self, parts: &mut Parts) -> Result<(), SyntaxError> {
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

    pub(super) fn dollar(&mut self, quoted: bool, parts: &mut Parts) -> Result<(), SyntaxError> {
        self.join_lines();
        let special = |name: Name| Part::Parameter {
            parameter: Box::new(Parameter { name, operation: Operation::Plain }),
            quoted,
        };
        match self.peek_at(1) {
            // There are no translations: `$"…"` is `"…"`.
            Some(b'"') if !quoted && self.mode == Mode::Bash => {
                self.bump();
                Ok(())
            }
            Some(b'(') if self.peek_at(2) == Some(b'(') => {
                if let Some(expression) = self.nested(|parser| parser.double_parentheses(3))? {
                    parts.0.push(Part::Arithmetic { expression, quoted });
                    return Ok(());
                }
                self.command_substitution(quoted, parts)
            }
            Some(b'(') => self.command_substitution(quoted, parts),
            Some(b'[') if self.mode == Mode::Bash => {
                self.advance(2);
                let expression = self.nested(Self::bracket_expression)?;
                parts.0.push(Part::Arithmetic { expression, quoted });
                Ok(())
            }
            Some(b'{') => {
                self.advance(2);
                let parameter = self.nested(|parser| parser.braced_in_bash(quoted))?;
                parts.0.push(Part::Parameter { parameter: Box::new(parameter), quoted });
                Ok(())
            }
            Some(digit @ b'1'..=b'9') => {
                self.advance(2);
                parts.0.push(special(Name::Positional(usize::from(digit - b'0'))));
                Ok(())
            }
            Some(name @ (b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' | b'0')) => {
                self.advance(2);
                parts.0.push(special(Name::Special(name)));
                Ok(())
            }
            Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => {
                self.bump();
                let name = self.take_name();
                parts.0.push(special(Name::Variable(name)));
                Ok(())
            }
            _ => {
                self.bump();
                parts.text(b'$', quoted);
                Ok(())
            }
        }
    }

    fn take_name(&mut self) -> Vec<u8> {
        let mut name = vec![];
        loop {
            self.peek();
            let rest = &self.source[self.position..];
            let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
            name.extend_from_slice(&rest[..length]);
            self.position += length;
            if !self.looking_at(b"\\\n") {
                return name;
            }
            self.advance(2);
        }
    }

    fn command_substitution(&mut self, quoted: bool, parts: &mut Parts) -> Result<(), SyntaxError> {
        let list = Arc::new(self.parenthesized_list()?);
        parts.0.push(Part::Command { list, quoted });
        Ok(())
    }

    /// The list in `$(…)` and its like, with the two bytes before it and the one behind it.
    fn parenthesized_list(&mut self) -> Result<List, SyntaxError> {
        self.advance(2);
        // Here-documents announced outside begin behind the line that this ends on.
        let outside = std::mem::take(&mut self.pending);
        let begin = self.line;
        let list = self.nested(|parser| parser.list_until(b")"));
        if list.is_err() && self.source.get(self.position).is_none() && self.mode == Mode::Bash {
            return self.unterminated(begin, "", ")");
        }
        let list = list?;
        self.bump();
        self.pending.splice(0..0, outside);
        Ok(list)
    }

    pub(super) fn backticks(&mut self, quoted: bool, parts: &mut Parts) -> Result<(), SyntaxError> {
        let begin = self.line;
        self.bump();
        let mut text = vec![];
        loop {
            match self.bump() {
                Some(b'`') => break,
                Some(b'\\') => match self.peek() {
                    Some(next @ (b'`' | b'\\' | b'$')) => {
                        self.bump();
                        text.push(next);
                    }
                    Some(b'"') if quoted => {
                        self.bump();
                        text.push(b'"');
                    }
                    _ => text.push(b'\\'),
                },
                Some(byte) => text.push(byte),
                None => return self.unterminated(begin, "unterminated backquote", "`"),
            }
        }
        let list = self.nested(|parser| parser.inner(&text, begin).script())?;
        parts.0.push(Part::Command { list: Arc::new(list), quoted });
        Ok(())
    }

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
    fn braced_in_bash(&mut self, quoted: bool) -> Result<Parameter, SyntaxError> {
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

    /// `[…]` behind a name, with the bracket at this place.
    fn subscript(&mut self) -> Result<Word, SyntaxError> {
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
