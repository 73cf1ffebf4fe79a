//! Words: quotes, and everything that begins with `$` or a backtick.

use std::sync::Arc;

use super::{Parser, SyntaxError, is_blank, is_meta};
use crate::config::Mode;
use crate::ir::{List, Name, Operation, Parameter, Part, Word};

/// Where a word stands, which says where it ends and what is special in it.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Place {
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

/// Collects parts, joining text of one kind.
#[derive(Default)]
pub(super) struct Parts(pub(super) Vec<Part>);

impl Parts {
    pub(super) fn literal(&mut self, byte: u8) {
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
        self.tilde(&mut parts, if self.mode == Mode::Bash { b"/:" } else { b"/" });
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
    pub(super) fn tilde(&mut self, parts: &mut Parts, ends: &[u8]) {
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

    pub(super) fn word_parts(
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
                b'?' | b'*' | b'+' | b'@' | b'!'
                    if self.extglob && !in_quotes && self.peek_at(1) == Some(b'(') && self.group_closes(place) =>
                {
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

    /// Whether the group whose sign stands here ends before the braces around it do.
    fn group_closes(&self, place: Place) -> bool {
        if !matches!(place, Place::Braces | Place::Pattern) {
            return true;
        }
        let mut open = 0u32;
        let mut quote = None;
        let mut rest = self.source[self.position..].iter();
        while let Some(byte) = rest.next() {
            match (quote, byte) {
                (_, b'\\') => drop(rest.next()),
                (Some(end), byte) if end == *byte => quote = None,
                (Some(_), _) => {}
                (None, b'\'' | b'"') => quote = Some(*byte),
                (None, b'(') => open += 1,
                (None, b')') if open == 1 => return true,
                (None, b')') => open = open.saturating_sub(1),
                (None, b'}') => return false,
                _ => {}
            }
        }
        false
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

    pub(super) fn take_name(&mut self) -> Vec<u8> {
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
}
