//! From bytes to the tree: a recursive descent with a bounded depth.
//!
//! The parser is ours and reads bytes. `brush-parser`, which the first plan named, reads UTF-8 only, recurses without a
//! bound and cannot read `case` inside `$( )`; what it would have taken to lower its words is as much code as this.

mod arithmetic;
mod assignment;
mod braces;
mod command;
mod compound;
mod error;
mod here_document;
mod input;
mod list;
mod parameter;
mod quotes;
mod redirect;
mod test_command;
mod word;

pub use error::SyntaxError;
pub(crate) use input::{Aliases, More};

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::config::{Limits, Mode};
use crate::ir::{List, Word};

/// Reads a whole script whose first line has the number `line`.
pub(crate) fn parse(source: &[u8], line: u32, mode: Mode, limits: &Limits) -> Result<List, SyntaxError> {
    if source.len() > limits.source {
        let message = format!("the script is larger than {} bytes", limits.source);
        return Err(SyntaxError::new(line, message));
    }
    Parser::new(source, line, mode, limits).script()
}

/// How much of a line an error shows, in bytes.
const MAX_SHOWN: usize = 4096;

/// A here-document whose body is still to come.
struct Pending {
    delimiter: Vec<u8>,
    /// Whether the body is taken as it stands.
    literal: bool,
    strip_tabs: bool,
    body: Arc<OnceLock<Word>>,
}

/// A place in the text.
#[derive(Clone, Copy)]
struct Mark {
    position: usize,
    around: usize,
}

/// Reads a script, as a whole or command by command.
pub(crate) struct Parser<'a> {
    /// The text that is being read. With `more` it ends with a line.
    source: Cow<'a, [u8]>,
    position: usize,
    /// Where the command began that is being read.
    begin: usize,
    line: u32,
    mode: Mode,
    depth: u32,
    max_depth: u32,
    max_source: usize,
    pending: Vec<Pending>,
    more: Option<More<'a>>,
    /// Whether there are no more lines; they are not asked for again.
    ended: bool,
    /// Up to where no lines have to be joined, and how many bytes that has moved so far.
    joined: usize,
    moved: usize,
    aliases: Arc<Aliases>,
    /// The alias whose value `source` is.
    alias: Option<Vec<u8>>,
    /// Whether the next word may be an alias though no command begins there.
    alias_next: bool,
    /// What aliases have given so far; one that names two others twice grows without bound.
    alias_bytes: usize,
    around: Vec<input::Around<'a>>,
    /// Whether extended patterns such as `@(a|b)` may stand in words: bash's `shopt -s extglob`.
    extglob: bool,
    /// Whether braces are expanded, in bash.
    braces: bool,
    /// How many bytes were read a second time.
    reread: usize,
}

impl<'a> Parser<'a> {
    /// Of a text whose first line has the number `line`.
    pub(crate) fn new(source: &'a [u8], line: u32, mode: Mode, limits: &Limits) -> Self {
        Self {
            source: Cow::Borrowed(source),
            position: 0,
            begin: 0,
            line,
            mode,
            depth: 0,
            max_depth: limits.nesting,
            max_source: limits.source,
            pending: vec![],
            more: None,
            ended: false,
            joined: 0,
            moved: 0,
            aliases: Arc::default(),
            alias: None,
            alias_next: false,
            alias_bytes: 0,
            around: vec![],
            extglob: false,
            braces: mode == Mode::Bash,
            reread: 0,
        }
    }

    /// This place, to ask later what was written since.
    fn mark(&self) -> Mark {
        Mark { position: self.position, around: self.around.len() }
    }

    /// What was written since; nothing where an alias came between, since that is in no one text.
    fn written_since(&self, mark: Mark) -> &[u8] {
        let text = self.source.get(mark.position..self.position).filter(|_| mark.around == self.around.len());
        text.unwrap_or_default()
    }

    /// Of lines that are read as they are needed and not before.
    pub(crate) fn of_lines(more: More<'a>, mode: Mode, limits: &Limits) -> Self {
        Self { source: Cow::Owned(vec![]), more: Some(more), ..Self::new(b"", 1, mode, limits) }
    }

    /// Of a part of this one's text.
    fn inner<'b>(&self, source: &'b [u8], line: u32) -> Parser<'b> {
        Parser {
            source: Cow::Borrowed(source),
            position: 0,
            begin: 0,
            line,
            mode: self.mode,
            depth: self.depth + 1,
            max_depth: self.max_depth,
            max_source: self.max_source,
            pending: vec![],
            more: None,
            ended: false,
            joined: 0,
            moved: 0,
            aliases: Arc::clone(&self.aliases),
            alias: None,
            alias_next: false,
            alias_bytes: self.alias_bytes,
            around: vec![],
            extglob: self.extglob,
            braces: self.braces,
            reread: self.reread,
        }
    }

    /// From here on, whether extended patterns and braces are special in words.
    pub(crate) fn set_words(&mut self, extglob: bool, braces: bool) {
        self.extglob = extglob;
        self.braces = braces;
    }

    /// The commands up to the end of a line, `None` at the end of the script. Nothing behind the line is read.
    pub(crate) fn next_command(&mut self) -> Result<Option<List>, SyntaxError> {
        let result = self.command_line();
        if self.source.len() > self.max_source {
            return self.error(format!("the script is larger than {} bytes", self.max_source));
        }
        result
    }

    fn command_line(&mut self) -> Result<Option<List>, SyntaxError> {
        loop {
            self.discard();
            self.skip_blanks();
            self.expand_aliases();
            match self.peek() {
                None => return Ok(None),
                Some(b'\n') => self.newline()?,
                Some(_) => return self.list_of_line().map(Some),
            }
        }
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
        let mut error = SyntaxError::new(self.line, message);
        if self.mode == Mode::Bash {
            error.message.insert_str(0, "syntax error: ");
            error.whole = true;
        }
        Err(error)
    }

    /// What stands here is wrong here.
    fn unexpected<T>(&self) -> Result<T, SyntaxError> {
        let rest = &self.source[self.position.min(self.source.len())..];
        let end = rest.iter().position(|byte| is_meta(*byte) || is_blank(*byte)).unwrap_or(rest.len());
        let operator = rest.iter().take_while(|byte| is_meta(**byte) && **byte != b'\n').take(2).count();
        let token = match rest.first() {
            None => None,
            Some(b'\n') => Some("newline".to_owned()),
            Some(_) => {
                let shown = &rest[..if end == 0 { operator.max(1) } else { end.min(60) }];
                Some(String::from_utf8_lossy(shown).into_owned())
            }
        };
        let mut error = match (self.mode, token) {
            (Mode::Sh, None) => SyntaxError::new(self.line, "end of file unexpected"),
            (Mode::Sh, Some(token)) if token == "newline" => SyntaxError::new(self.line, "newline unexpected"),
            (Mode::Sh, Some(token)) => SyntaxError::new(self.line, format!("\"{token}\" unexpected")),
            (Mode::Bash, None) => {
                // bash counts the end as a line of its own.
                let open = self.source.last().is_some_and(|byte| *byte != b'\n');
                SyntaxError::new(self.line + u32::from(open), "syntax error: unexpected end of file")
            }
            (Mode::Bash, Some(token)) => {
                let begin = self.source[..self.position].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                let line = self.source[begin..].split(|byte| *byte == b'\n').next().unwrap_or_default();
                let message = format!("syntax error near unexpected token `{token}'");
                let text = String::from_utf8_lossy(&line[..line.len().min(MAX_SHOWN)]).into_owned();
                SyntaxError { text: Some(text), ..SyntaxError::new(self.line, message) }
            }
        };
        error.whole = self.mode == Mode::Bash;
        Err(error)
    }

    /// What begins at a line and must end with `end` does not: what sh says, or bash's words.
    fn unterminated<T>(&self, begin: u32, sh: &str, end: &str) -> Result<T, SyntaxError> {
        Err(match self.mode {
            Mode::Sh => SyntaxError::new(begin, sh),
            Mode::Bash => {
                let message = format!("unexpected EOF while looking for matching `{end}'");
                SyntaxError { whole: true, ..SyntaxError::new(begin, message) }
            }
        })
    }

    /// Runs `inner` one level deeper.
    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, SyntaxError>) -> Result<T, SyntaxError> {
        if self.depth >= self.max_depth {
            return self.error(format!("more than {} constructs stand inside one another", self.max_depth));
        }
        if self.alias_bytes > self.max_source {
            return self.error(format!("aliases give more than {} bytes", self.max_source));
        }
        if self.moved > input::MAX_MOVED {
            return self.error("too many escaped newlines stand inside words");
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
                // The word behind an alias that ends in a blank.
                _ if self.alias_next && self.expand_aliases() => {}
                _ => return self.join_lines(),
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
