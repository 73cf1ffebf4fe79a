//! Escapes and classes of a regular expression.

use super::node::{Node, Set};
use super::parser::{Complaint, Parser};

const ESCAPE: Complaint = "Invalid escape";
const NAMED_REFERENCE: Complaint = "Invalid named reference";

impl Parser<'_> {
    /// What a backslash means outside of a class.
    pub(super) fn escape(&mut self) -> Result<(Node, bool), Complaint> {
        let next = match self.ahead(1) {
            Some(next) => next,
            None if self.at + 1 < self.text.len() => '\0',
            None => return Err("\\ at end of pattern"),
        };
        match next {
            'b' | 'B' => {
                self.at += 2;
                Ok((Node::Boundary(next == 'b'), false))
            }
            '1'..='9' if self.back_reference().is_some() => {
                let number = self.back_reference().unwrap_or_default();
                self.at += 1;
                self.decimal();
                self.refers = true;
                Ok((Node::Back(number), true))
            }
            '1'..='9' if self.syntax.unicode => Err(ESCAPE),
            'k' if self.named => {
                self.at += 2;
                let name = if self.eat('<') { self.group_name() } else { None }.ok_or(NAMED_REFERENCE)?;
                self.refers = true;
                let number = u32::try_from(self.wanted.len()).unwrap_or(u32::MAX);
                self.wanted.push(name);
                Ok((Node::Back(self.captures.saturating_add(1).saturating_add(number)), true))
            }
            _ => {
                self.at += 1;
                match self.class_letter()? {
                    Some(ranges) => Ok((Node::Set(Set::new(ranges, false)), true)),
                    None => Ok((Node::Character(self.character_escape(false)?), true)),
                }
            }
        }
    }

    /// The number behind a backslash, if there is such a group.
    fn back_reference(&self) -> Option<u32> {
        let digits = (1..).map_while(|by| self.ahead(by).and_then(|c| c.to_digit(10)));
        let number = digits.fold(0_u32, |number, digit| number.saturating_mul(10).saturating_add(digit));
        (number <= self.captures).then_some(number)
    }

    /// `d`, `w`, `s` and their capitals behind a backslash; `p` with the flag `u` is not known.
    fn class_letter(&mut self) -> Result<Option<Vec<(u32, u32)>>, Complaint> {
        let Some(letter) = self.peek() else { return Ok(None) };
        if self.syntax.unicode && matches!(letter, 'p' | 'P') {
            return Err("\\p{…} is not supported");
        }
        let ranges = Set::of_letter(letter, self.syntax.unicode && self.syntax.ignore_case);
        self.at += usize::from(ranges.is_some());
        Ok(ranges)
    }

    /// One escaped character; the backslash is behind us.
    fn character_escape(&mut self, in_class: bool) -> Result<u32, Complaint> {
        let unicode = self.syntax.unicode;
        let Some(&code) = self.text.get(self.at) else { return Err("\\ at end of pattern") };
        let c = char::from_u32(code).unwrap_or('\0');
        if c == 'c' {
            let letter = self
                .ahead(1)
                .filter(|c| c.is_ascii_alphabetic() || (in_class && !unicode && (c.is_ascii_digit() || *c == '_')));
            return match letter {
                Some(letter) => {
                    self.at += 2;
                    Ok(u32::from(letter) % 32)
                }
                None if unicode => Err("Invalid Unicode escape"),
                // The backslash is meant, and `c` stands for itself behind it.
                None => Ok('\\'.into()),
            };
        }
        self.at += 1;
        Ok(match c {
            't' => 0x09,
            'n' => 0x0A,
            'v' => 0x0B,
            'f' => 0x0C,
            'r' => 0x0D,
            '0' if !self.peek().is_some_and(|c| c.is_ascii_digit()) => 0,
            '0'..='7' if unicode => {
                return Err(if in_class { "Invalid class escape" } else { "Invalid decimal escape" });
            }
            '0'..='7' => self.octal(u32::from(c) - 0x30),
            'x' => match self.hexadecimal(2) {
                Some(code) => code,
                None if unicode => return Err(ESCAPE),
                None => code,
            },
            'u' => match self.unicode_escape() {
                Some(code) => code,
                None if unicode => return Err("Invalid Unicode escape"),
                None => code,
            },
            _ if unicode && !(is_syntax(c) || (in_class && c == '-')) => return Err(ESCAPE),
            _ => code,
        })
    }

    /// Up to two more octal digits, as far as the value stays below 256.
    fn octal(&mut self, first: u32) -> u32 {
        let mut value = first;
        for _ in 0..2 {
            match self.peek().and_then(|c| c.to_digit(8)).filter(|digit| value * 8 + digit <= 0xFF) {
                Some(digit) => {
                    value = value * 8 + digit;
                    self.at += 1;
                }
                None => break,
            }
        }
        value
    }

    /// So many digits, or nothing is read.
    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let value = (0..digits).try_fold(0, |value, by| Some(value * 16 + self.ahead(by)?.to_digit(16)?))?;
        self.at += digits;
        Some(value)
    }

    /// `XXXX`; with the flag `u` also `{X…}` and two halves of a pair.
    fn unicode_escape(&mut self) -> Option<u32> {
        let here = self.at;
        if !self.syntax.unicode {
            return self.hexadecimal(4);
        }
        if self.eat('{') {
            let mut value: Option<u32> = None;
            while let Some(digit) = self.peek().and_then(|c| c.to_digit(16)) {
                value = Some(value.unwrap_or(0).saturating_mul(16).saturating_add(digit));
                self.at += 1;
            }
            let value = value.filter(|value| *value <= 0x10_FFFF && self.eat('}'));
            self.at = if value.is_some() { self.at } else { here };
            return value;
        }
        let high = self.hexadecimal(4)?;
        let behind = self.at;
        if (0xD800..0xDC00).contains(&high)
            && self.eat_all("\\u")
            && let Some(low) = self.hexadecimal(4).filter(|low| (0xDC00..0xE000).contains(low))
        {
            return Some(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00));
        }
        self.at = behind;
        Some(high)
    }

    /// `[…]`.
    pub(super) fn class(&mut self) -> Result<Set, Complaint> {
        self.at += 1;
        let negated = self.eat('^');
        let mut ranges = Vec::new();
        while !self.eat(']') {
            let first = self.class_atom()?;
            if !(self.peek() == Some('-') && self.at + 1 < self.text.len() && self.ahead(1) != Some(']')) {
                ranges.extend(first.ranges());
                continue;
            }
            self.at += 1;
            let last = self.class_atom()?;
            match (&first, &last) {
                (Atom::Character(first), Atom::Character(last)) if first > last => {
                    return Err("Range out of order in character class");
                }
                (Atom::Character(first), Atom::Character(last)) => ranges.push((*first, *last)),
                _ if self.syntax.unicode => return Err("Invalid character class"),
                // A range from or to `\d` is both and the dash.
                _ => {
                    ranges.extend(first.ranges());
                    ranges.push(('-'.into(), '-'.into()));
                    ranges.extend(last.ranges());
                }
            }
        }
        Ok(Set::new(ranges, negated))
    }

    fn class_atom(&mut self) -> Result<Atom, Complaint> {
        let Some(&code) = self.text.get(self.at) else { return Err("Unterminated character class") };
        self.at += 1;
        if code != u32::from('\\') {
            return Ok(Atom::Character(code));
        }
        if self.at >= self.text.len() {
            return Err("\\ at end of pattern");
        }
        if self.eat('b') {
            return Ok(Atom::Character(0x08));
        }
        if self.named && self.peek() == Some('k') {
            return Err(ESCAPE);
        }
        match self.class_letter()? {
            Some(ranges) => Ok(Atom::Ranges(ranges)),
            None => self.character_escape(true).map(Atom::Character),
        }
    }
}

/// An item of a class.
enum Atom {
    Character(u32),
    Ranges(Vec<(u32, u32)>),
}

impl Atom {
    fn ranges(&self) -> Vec<(u32, u32)> {
        match self {
            Self::Character(character) => vec![(*character, *character)],
            Self::Ranges(ranges) => ranges.clone(),
        }
    }
}

/// The characters that may be escaped with the flag `u`.
fn is_syntax(c: char) -> bool {
    "^$\\.*+?()[]{}|/".contains(c)
}
