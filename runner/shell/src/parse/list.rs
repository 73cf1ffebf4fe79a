//! Lists and pipelines.

use std::sync::Arc;

use super::{Parser, SyntaxError, is_blank, is_meta};
use crate::config::Mode;
use crate::ir::{
    AndOr, Command, Connector, Descriptor, Item, List, Part, Pipeline, Redirect, RedirectKind, Simple, Word,
};

/// The words that end a list where a command could begin.
pub(super) const CLOSING: [&[u8]; 8] = [b"then", b"do", b"done", b"fi", b"elif", b"else", b"esac", b"}"];

/// `2>&1`.
fn error_to_output() -> Redirect {
    let word = Word { parts: vec![Part::Literal(b"1".to_vec())] };
    Redirect { fd: Descriptor::Number(2), kind: RedirectKind::Duplicate { word, output: true } }
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
    pub(super) fn list(&mut self) -> Result<List, SyntaxError> {
        let mut items = vec![];
        loop {
            self.command_begins()?;
            if self.at_list_end() || !self.item(&mut items)? {
                return Ok(List(items));
            }
        }
    }

    /// Passes newlines before a command, also those that an alias gives.
    pub(super) fn command_begins(&mut self) -> Result<(), SyntaxError> {
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
        let begin = self.mark();
        let and_or = Arc::new(self.and_or()?);
        self.skip_blanks();
        let (background, goes_on) = match self.peek() {
            Some(b'&') => {
                let text = self.written_since(begin).trim_ascii_end().into();
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
    pub(super) fn reserved(&self) -> Option<&[u8]> {
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
    pub(super) fn expect(&mut self, word: &str) -> Result<(), SyntaxError> {
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
}
