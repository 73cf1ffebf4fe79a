//! Redirections.

use std::sync::{Arc, OnceLock};

use super::{Parser, Pending, SyntaxError, is_name};
use crate::config::Mode;
use crate::ir::{Descriptor, Part, Redirect, RedirectKind, Word};

impl Parser<'_> {
    pub(super) fn redirects(&mut self) -> Result<Vec<Redirect>, SyntaxError> {
        let mut redirects = vec![];
        loop {
            self.skip_blanks();
            match self.redirect()? {
                Some(redirect) => redirects.push(redirect),
                None => return Ok(redirects),
            }
        }
    }

    /// A redirection, if one stands here.
    pub(super) fn redirect(&mut self) -> Result<Option<Redirect>, SyntaxError> {
        let rest = &self.source[self.position..];
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if self.looking_at(b"&>") {
            let append = self.peek_at(2) == Some(b'>');
            self.advance(2 + usize::from(append));
            let word = self.target()?;
            return Ok(Some(Redirect { fd: Descriptor::Default, kind: RedirectKind::Both { word, append } }));
        }
        let name = self.descriptor_name();
        let length = name.as_ref().map_or(digits, |name| name.len() + 2);
        if !matches!(rest.get(length), Some(b'<' | b'>')) || rest.get(length + 1) == Some(&b'(') {
            return Ok(None);
        }
        let fd = if let Some(name) = name {
            Descriptor::Variable(name)
        } else if digits == 0 {
            Descriptor::Default
        } else {
            match String::from_utf8_lossy(&rest[..digits]).parse::<u32>() {
                Ok(fd) if fd < 1024 => Descriptor::Number(fd),
                _ => return self.error("bad file descriptor number"),
            }
        };
        self.position += length;
        let operator: &[u8] = [&b"<<<"[..], b"<<-", b"<<", b"<&", b"<>", b"<", b">>", b">&", b">|", b">"]
            .into_iter()
            .find(|operator| self.looking_at(operator))
            .unwrap_or(b"<");
        self.advance(operator.len());
        let kind = match operator {
            b"<<<" => {
                self.skip_blanks();
                let word = self.word()?;
                if word.parts.is_empty() {
                    return self.unexpected();
                }
                RedirectKind::HereString(word)
            }
            b"<<" | b"<<-" => self.here_document(operator.len() == 3)?,
            b"<&" => RedirectKind::Duplicate { word: self.target()?, output: false },
            b">&" => RedirectKind::Duplicate { word: self.target()?, output: true },
            b"<>" => RedirectKind::ReadWrite(self.target()?),
            b">>" => RedirectKind::Append(self.target()?),
            b">|" => RedirectKind::Clobber(self.target()?),
            b">" => RedirectKind::Write(self.target()?),
            _ => RedirectKind::Read(self.target()?),
        };
        Ok(Some(Redirect { fd, kind }))
    }

    /// The name in `{name}`, bash's way to ask for a free descriptor.
    fn descriptor_name(&self) -> Option<Vec<u8>> {
        let rest = self.source[self.position..].strip_prefix(b"{").filter(|_| self.mode == Mode::Bash)?;
        let name = &rest[..rest.iter().position(|byte| *byte == b'}')?];
        is_name(name).then(|| name.to_vec())
    }

    fn target(&mut self) -> Result<Word, SyntaxError> {
        self.skip_blanks();
        let word = self.field_word()?;
        if word.parts.is_empty() { self.unexpected() } else { Ok(word) }
    }

    fn here_document(&mut self, strip_tabs: bool) -> Result<RedirectKind, SyntaxError> {
        self.skip_blanks();
        let (begin, around) = (self.position, self.around.len());
        let word = self.word()?;
        if word.parts.is_empty() {
            return self.unexpected();
        }
        let mut delimiter = vec![];
        let mut literal = false;
        for part in &word.parts {
            match part {
                Part::Literal(text) => delimiter.extend_from_slice(text),
                Part::Quoted(text) => {
                    literal = true;
                    delimiter.extend_from_slice(text);
                }
                // Nothing is expanded in it (XCU 2.7.4).
                _ if around == self.around.len() => {
                    let text = &self.source[begin..self.position];
                    literal = text.iter().any(|byte| b"\"'\\".contains(byte));
                    delimiter = text.iter().copied().filter(|byte| !b"\"'\\".contains(byte)).collect();
                    break;
                }
                _ => return self.error("the delimiter of a here-document cannot hold an expansion"),
            }
        }
        let body = Arc::new(OnceLock::new());
        self.pending.push(Pending { delimiter, literal, strip_tabs, body: Arc::clone(&body) });
        Ok(RedirectKind::HereDocument(body))
    }
}
