//! From bytes to the tree: a recursive descent with a bounded depth.
//!
//! The parser is ours and reads bytes. `brush-parser`, which the first plan named, reads UTF-8 only, recurses without a
//! bound and cannot read `case` inside `$( )`; what it would have taken to lower its words is as much code as this.

mod command;
mod error;
mod here_document;
mod word;

pub use error::SyntaxError;

use std::sync::{Arc, OnceLock};

use crate::config::Limits;
use crate::ir::{List, Word};

/// Parses a whole script whose first line has the number `line`.
pub(crate) fn parse(source: &[u8], line: u32, limits: &Limits) -> Result<List, SyntaxError> {
    if source.len() > limits.source {
        let message = format!("the script is larger than {} bytes", limits.source);
        return Err(SyntaxError { line, message });
    }
    let mut parser = Parser::new(source, line, limits.nesting);
    parser.script()
}

/// A here-document whose body is still to come.
struct Pending {
    delimiter: Vec<u8>,
    /// Whether the body is taken as it stands.
    literal: bool,
    strip_tabs: bool,
    body: Arc<OnceLock<Word>>,
}

struct Parser<'a> {
    source: &'a [u8],
    position: usize,
    line: u32,
    depth: u32,
    max_depth: u32,
    pending: Vec<Pending>,
}

impl<'a> Parser<'a> {
    fn new(source: &'a [u8], line: u32, max_depth: u32) -> Self {
        Self { source, position: 0, line, depth: 0, max_depth, pending: vec![] }
    }

    fn peek(&self) -> Option<u8> {
        self.source.get(self.position).copied()
    }

    fn peek_at(&self, offset: usize) -> Option<u8> {
        self.source.get(self.position + offset).copied()
    }

    fn looking_at(&self, text: &[u8]) -> bool {
        self.source[self.position..].starts_with(text)
    }

    fn bump(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.position += 1;
        if byte == b'\n' {
            self.line += 1;
        }
        Some(byte)
    }

    fn advance(&mut self, count: usize) {
        for _ in 0..count {
            self.bump();
        }
    }

    fn error<T>(&self, message: impl Into<String>) -> Result<T, SyntaxError> {
        Err(SyntaxError { line: self.line, message: message.into() })
    }

    /// What stands here, for a message.
    fn unexpected<T>(&self) -> Result<T, SyntaxError> {
        match self.peek() {
            None => self.error("end of file unexpected"),
            Some(b'\n') => self.error("newline unexpected"),
            Some(_) => {
                let rest = &self.source[self.position..];
                let end = rest.iter().position(|byte| is_meta(*byte) || is_blank(*byte)).unwrap_or(rest.len());
                let operator = rest.iter().take_while(|byte| is_meta(**byte) && **byte != b'\n').take(2).count();
                let shown = String::from_utf8_lossy(&rest[..if end == 0 { operator.max(1) } else { end.min(60) }]);
                self.error(format!("\"{shown}\" unexpected"))
            }
        }
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
        if self.depth >= self.max_depth {
            return self.error(format!("more than {} constructs stand inside one another", self.max_depth));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Passes blanks, comments and escaped newlines.
    fn skip_blanks(&mut self) {
        loop {
            match self.peek() {
                Some(byte) if is_blank(byte) => self.advance(1),
                Some(b'\\') if self.peek_at(1) == Some(b'\n') => self.advance(2),
                Some(b'#') => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.position += 1;
                    }
                }
                _ => return,
            }
        }
    }

    /// Passes blanks and newlines, and reads the here-documents that begin behind a newline.
    fn skip_newlines(&mut self) -> Result<(), SyntaxError> {
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'\n') {
                return Ok(());
            }
            self.newline()?;
        }
    }

    /// Passes a newline and the here-documents behind it.
    fn newline(&mut self) -> Result<(), SyntaxError> {
        self.bump();
        self.here_documents()
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

/// Whether a byte ends an unquoted word.
fn is_meta(byte: u8) -> bool {
    matches!(byte, b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')')
}

/// Whether a variable could have this name.
pub(crate) fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_')
        && name.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}
