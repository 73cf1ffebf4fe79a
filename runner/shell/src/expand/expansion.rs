use smallvec::SmallVec;

use super::split::{self, Token};
use crate::pattern::Unit;

/// Where a text in an expanded word comes from, which says what may still happen to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Origin {
    /// From the script, outside quotes: a pattern may be made of it.
    Plain,
    /// From quotes.
    Quoted,
    /// From an unquoted expansion: fields are split at it, and a pattern may be made of it.
    Expanded,
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    /// The text up to this place.
    Text(Origin, usize),
    /// Something quoted stands here: there is a field, even an empty one.
    Force,
    /// A field ends here (between the parameters of `$@`).
    Break,
}

/// What expansion yields, in order, before fields are split.
#[derive(Debug, Default)]
pub(crate) struct Expansion {
    text: Vec<u8>,
    /// Nearly all words have one.
    pieces: SmallVec<[Piece; 2]>,
    /// Nobody will ask where the text comes from.
    only_text: bool,
}

impl Expansion {
    /// One that will be made fields or a pattern of.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// One of which nothing but the text will be used.
    pub(super) fn only_text() -> Self {
        Self { only_text: true, ..Self::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    fn add(&mut self, text: &[u8], origin: Origin) {
        self.text.extend_from_slice(text);
        if self.only_text || text.is_empty() {
            return;
        }
        let end = self.text.len();
        match self.pieces.last_mut() {
            Some(Piece::Text(last, at)) if *last == origin => *at = end,
            _ => self.pieces.push(Piece::Text(origin, end)),
        }
    }

    /// Text of the script outside quotes.
    pub(super) fn plain(&mut self, text: &[u8]) {
        self.add(text, Origin::Plain);
    }

    /// The result of an expansion, or text of the script inside quotes.
    pub(super) fn push(&mut self, text: &[u8], quoted: bool) {
        if quoted && text.is_empty() {
            self.force();
        }
        self.add(text, if quoted { Origin::Quoted } else { Origin::Expanded });
    }

    pub(super) fn force(&mut self) {
        if !self.only_text {
            self.pieces.push(Piece::Force);
        }
    }

    pub(super) fn end_field(&mut self) {
        if self.only_text {
            self.text.push(b' ');
        } else {
            self.pieces.push(Piece::Break);
        }
    }

    /// Adds the word of `${name-word}`: where the whole stands in quotes so does all of it.
    pub(super) fn push_operand(&mut self, inner: &Self, quoted: bool) {
        if quoted {
            self.force();
        }
        let mut begin = 0;
        for piece in &inner.pieces {
            match *piece {
                Piece::Text(origin, end) => {
                    let origin = match origin {
                        _ if quoted => Origin::Quoted,
                        // What stands there unquoted is split as the value would be.
                        Origin::Plain => Origin::Expanded,
                        origin => origin,
                    };
                    self.add(&inner.text[begin..end], origin);
                    begin = end;
                }
                Piece::Force => self.force(),
                Piece::Break => self.end_field(),
            }
        }
    }

    pub(super) fn into_text(self) -> Vec<u8> {
        self.text
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = (Origin, &[u8])> {
        let mut begin = 0;
        self.pieces.iter().filter_map(move |piece| match *piece {
            Piece::Text(origin, end) => Some((origin, &self.text[std::mem::replace(&mut begin, end)..end])),
            Piece::Force | Piece::Break => None,
        })
    }

    /// As a pattern: what was quoted is literal.
    pub(super) fn units(&self) -> Vec<Unit> {
        let unit = |origin: Origin| move |byte: &u8| Unit { byte: *byte, active: origin != Origin::Quoted };
        self.texts().flat_map(|(origin, text)| text.iter().map(unit(origin))).collect()
    }

    /// Whether it is one field as it stands (or none), and names no files: so are nearly all words. A lone `[` is the
    /// command.
    pub(super) fn is_whole(&self, separators: &[u8]) -> bool {
        !self.pieces.iter().any(|piece| matches!(piece, Piece::Break))
            && (self.text == b"[" && !separators.contains(&b'[') || self.stays(separators))
    }

    /// Whether no text in it is split or may name files.
    fn stays(&self, separators: &[u8]) -> bool {
        let separates = |byte: &u8| separators.contains(byte);
        self.texts().all(|(origin, text)| match origin {
            Origin::Quoted => true,
            Origin::Plain => !may_be_pattern(text),
            Origin::Expanded => !text.iter().any(separates) && !may_be_pattern(text),
        })
    }

    /// The fields of one that is only broken between values, as `"$@"` is.
    pub(super) fn broken(&self, separators: &[u8]) -> Option<Vec<Vec<u8>>> {
        if !self.stays(separators) {
            return None;
        }
        let mut fields = vec![];
        let mut current: Option<Vec<u8>> = None;
        let mut begin = 0;
        for piece in &self.pieces {
            match *piece {
                Piece::Text(_, end) => {
                    current.get_or_insert_default().extend_from_slice(&self.text[begin..end]);
                    begin = end;
                }
                Piece::Force => drop(current.get_or_insert_default()),
                Piece::Break => fields.extend(current.take()),
            }
        }
        fields.extend(current);
        Some(fields)
    }

    /// The field of one that is whole.
    pub(super) fn into_field(self) -> Option<Vec<u8>> {
        (!self.pieces.is_empty()).then_some(self.text)
    }

    /// The fields (XCU 2.6.5).
    pub(super) fn split(&self, separators: &[u8]) -> Vec<Vec<(u8, Origin)>> {
        let mut tokens = vec![];
        let mut begin = 0;
        for piece in &self.pieces {
            match *piece {
                Piece::Text(origin, end) => {
                    tokens.extend(self.text[begin..end].iter().map(|byte| Token::Byte(*byte, origin)));
                    begin = end;
                }
                Piece::Force => tokens.push(Token::Force),
                Piece::Break => tokens.push(Token::Break),
            }
        }
        split::split(&tokens, separators)
    }
}

/// Whether files might be meant.
fn may_be_pattern(text: &[u8]) -> bool {
    text.iter().any(|byte| is_special(*byte))
}

/// Whether a byte may make a pattern of a word; every extended one has a parenthesis.
pub(super) fn is_special(byte: u8) -> bool {
    matches!(byte, b'*' | b'?' | b'[' | b'(')
}
