//! Where the parser's text comes from: a script as a whole, lines that are read as they are needed, and the values of
//! aliases, which stand where their names stood.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Parser, is_blank, is_meta};

/// What `alias` has defined.
pub(crate) type Aliases = BTreeMap<Vec<u8>, Arc<[u8]>>;

/// Adds the next line to the text; false where there is none.
pub(crate) type More<'a> = Box<dyn FnMut(&mut Vec<u8>) -> bool + 'a>;

/// Words that mean more than an alias where a command begins.
const RESERVED: [&[u8]; 16] = [
    b"!", b"{", b"}", b"case", b"do", b"done", b"elif", b"else", b"esac", b"fi", b"for", b"if", b"in", b"then",
    b"until", b"while",
];

/// How many bytes may be moved to join lines inside words: text made for it would take time with the square of its length.
pub(super) const MAX_MOVED: usize = 4 << 30;

/// A text that is gone on with behind the value of an alias.
pub(super) struct Around<'a> {
    source: Cow<'a, [u8]>,
    position: usize,
    alias: Option<Vec<u8>>,
}

impl Parser<'_> {
    /// The byte that stands here; goes on to the next text where one ends.
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            if let Some(byte) = self.source.get(self.position) {
                return Some(*byte);
            }
            if !self.refill() {
                return None;
            }
        }
    }

    fn refill(&mut self) -> bool {
        if let Some(around) = self.around.pop() {
            // The word behind an alias that ends in a blank may be an alias too (XCU 2.3.1).
            self.alias_next = self.source.last().is_some_and(|byte| is_blank(*byte));
            self.source = around.source;
            self.joined = 0;
            self.position = around.position;
            self.alias = around.alias;
            return true;
        }
        if !self.ended && self.source.len() <= self.max_source {
            self.ended = !self.more.as_mut().is_some_and(|more| more(self.source.to_mut()));
            return !self.ended;
        }
        false
    }

    /// Takes escaped newlines out of what stands here up to a blank or a quote, so that what is looked at ahead is what is
    /// meant (XCU 2.2.1): `i\<newline>f`, `&\<newline>&`, `$\<newline>{x}`.
    pub(super) fn join_lines(&mut self) {
        if self.position < self.joined {
            return;
        }
        let mut at = self.position;
        loop {
            match self.source.get(at) {
                Some(b'\\') => {}
                None | Some(b'\n' | b' ' | b'\t' | b'"' | b'\'' | b'`') => break,
                Some(_) => {
                    at += 1;
                    continue;
                }
            }
            if self.source.get(at + 1) != Some(&b'\n') {
                break;
            }
            // The next line is still to come.
            if at + 2 == self.source.len() && self.around.is_empty() && !self.refill() {
                break;
            }
            self.moved = self.moved.saturating_add(self.source.len() - at);
            if self.moved > MAX_MOVED {
                break;
            }
            self.source.to_mut().drain(at..at + 2);
            self.line += 1;
        }
        self.joined = at;
    }

    /// Forgets what lines were made commands of.
    pub(super) fn discard(&mut self) {
        if self.more.is_some() && self.around.is_empty() {
            self.source.to_mut().drain(..self.position);
            self.position = 0;
            self.joined = 0;
        }
        self.begin = self.position;
    }

    /// After an error: goes on behind everything that was read so far.
    pub(crate) fn forget_line(&mut self) {
        self.around.clear();
        self.pending.clear();
        self.position = self.source.len();
        self.ended = false;
        self.depth = 0;
        self.alias = None;
        self.discard();
    }

    /// The text of the command that was parsed last.
    pub(crate) fn consumed(&self) -> &[u8] {
        self.source.get(self.begin..self.position).unwrap_or_default()
    }

    /// From here on, these are the aliases.
    pub(crate) fn set_aliases(&mut self, aliases: &Arc<Aliases>) {
        if !Arc::ptr_eq(&self.aliases, aliases) {
            self.aliases = Arc::clone(aliases);
        }
    }

    /// Puts the value of an alias in place of its name, if one stands here, until something else does; whether it has.
    pub(super) fn expand_aliases(&mut self) -> bool {
        self.alias_next = false;
        let mut expanded = false;
        while !self.aliases.is_empty() {
            self.skip_blanks();
            let rest = &self.source[self.position..];
            let length = rest.iter().position(|byte| is_blank(*byte) || is_meta(*byte)).unwrap_or(rest.len());
            let name = &rest[..length];
            let is_inside = |around: &Option<Vec<u8>>| around.as_deref() == Some(name);
            // A number before a redirection is no word.
            let is_descriptor = name.iter().all(u8::is_ascii_digit) && matches!(rest.get(length), Some(b'<' | b'>'));
            if RESERVED.contains(&name)
                || is_descriptor
                || is_inside(&self.alias)
                || self.around.iter().any(|around| is_inside(&around.alias))
            {
                return expanded;
            }
            let Some(value) = self.aliases.get(name).cloned() else { return expanded };
            let name = name.to_vec();
            self.alias_bytes += value.len() + 1;
            if self.alias_bytes > self.max_source {
                return expanded;
            }
            expanded = true;
            self.around.push(Around {
                source: std::mem::replace(&mut self.source, Cow::Owned(value.to_vec())),
                position: self.position + length,
                alias: self.alias.replace(name),
            });
            self.position = 0;
            self.joined = 0;
        }
        expanded
    }
}
