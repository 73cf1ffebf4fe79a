//! Bracket expressions (XBD 9.3.5): ranges, classes, and single characters.

use super::{Symbol, Token, Unit};

/// How long the name of a class may be, with its delimiter.
const MAX_NAME: usize = 16;

/// What stands between the brackets.
#[derive(Debug)]
pub(super) enum Member {
    Range(Symbol, Symbol),
    Class(fn(char) -> bool),
}

impl Member {
    pub(super) fn has(&self, symbol: Symbol) -> bool {
        match (self, symbol) {
            (Self::Range(low, high), _) => (*low..=*high).contains(&symbol),
            (Self::Class(class), Symbol::Char(character)) => class(character),
            (Self::Class(_), Symbol::Byte(_)) => false,
        }
    }
}

/// A bracket expression behind its `[`, and how many units it takes; where it is none, how many were looked at.
pub(super) fn parse(units: &[Unit]) -> Result<(Token, usize), usize> {
    let negated = units.first().is_some_and(|unit| unit.active && matches!(unit.byte, b'!' | b'^'));
    let begin = usize::from(negated);
    let mut at = begin;
    let mut members = vec![];
    loop {
        let Some(unit) = units.get(at) else { return Err(at) };
        if unit.active && unit.byte == b']' && at > begin {
            return Ok((Token::Set { negated, members }, at + 1));
        }
        if let Some((name, length)) = class_name(&units[at..], b':') {
            members.push(Member::Class(class(&name).ok_or(at)?));
            at += length;
            continue;
        }
        let (low, next) = symbol(units, at).ok_or(at)?;
        at = next;
        let is_range = units.get(at).is_some_and(|unit| unit.active && unit.byte == b'-')
            && units.get(at + 1).is_some_and(|unit| !(unit.active && unit.byte == b']'));
        let high = if is_range {
            let (high, next) = symbol(units, at + 1).ok_or(at)?;
            at = next;
            high
        } else {
            low
        };
        members.push(Member::Range(low, high));
    }
}

/// The name in `[:name:]`, `[.name.]` or `[=name=]`, and how many units that takes.
fn class_name(units: &[Unit], delimiter: u8) -> Option<(Vec<u8>, usize)> {
    let [open, sign, rest @ ..] = units else { return None };
    if !(open.active && open.byte == b'[' && sign.byte == delimiter) {
        return None;
    }
    let text: Vec<u8> = rest.iter().map(|unit| unit.byte).take(MAX_NAME).collect();
    let end = text.windows(2).position(|pair| pair == [delimiter, b']'])?;
    Some((text[..end].to_vec(), 2 + end + 2))
}

/// The character at `at`, as `[.c.]`, `[=c=]` or itself, a backslash before it passed.
fn symbol(units: &[Unit], mut at: usize) -> Option<(Symbol, usize)> {
    for delimiter in [b'.', b'='] {
        if let Some((name, length)) = class_name(&units[at..], delimiter) {
            let symbol = Symbol::first(&name).filter(|symbol| symbol.len() == name.len())?;
            return Some((symbol, at + length));
        }
    }
    if units.get(at)?.active && units[at].byte == b'\\' && at + 1 < units.len() {
        at += 1;
    }
    let bytes: Vec<u8> = units[at..].iter().take(4).map(|unit| unit.byte).collect();
    let symbol = Symbol::first(&bytes)?;
    Some((symbol, at + symbol.len()))
}

fn class(name: &[u8]) -> Option<fn(char) -> bool> {
    Some(match name {
        b"alpha" => |c| c.is_alphabetic(),
        b"digit" => |c| c.is_ascii_digit(),
        b"alnum" => |c| c.is_alphanumeric(),
        b"upper" => |c| c.is_uppercase(),
        b"lower" => |c| c.is_lowercase(),
        b"space" => |c| c.is_ascii_whitespace() || c == '\u{b}',
        b"blank" => |c| c == ' ' || c == '\t',
        b"punct" => |c| c.is_ascii_punctuation(),
        b"print" => |c| !c.is_control(),
        b"graph" => |c| !c.is_control() && !c.is_whitespace(),
        b"cntrl" => |c| c.is_control(),
        b"xdigit" => |c| c.is_ascii_hexdigit(),
        _ => return None,
    })
}
