//! What a regular expression is parsed into.

use std::ops::Range;

/// A part of a regular expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// Matches nothing at all, everywhere.
    Empty,
    /// One character.
    Character(u32),
    /// One character out of some.
    Set(Set),
    /// `^`.
    Start,
    /// `$`.
    End,
    /// `\b`, or `\B`.
    Boundary(bool),
    /// What a capturing group of a number, from 1, matched.
    Back(u32),
    /// A capturing group.
    Capture(u32, Box<Node>),
    /// What must, or must not, stand before or behind.
    Look {
        /// Before rather than behind.
        behind: bool,
        /// Must not.
        negated: bool,
        /// What.
        node: Box<Node>,
    },
    /// One after the other.
    Sequence(Vec<Node>),
    /// One of them.
    Either(Vec<Node>),
    /// Again and again.
    Repeat {
        /// What.
        node: Box<Node>,
        /// At least so often.
        least: usize,
        /// At most so often; `None` is without end.
        most: Option<usize>,
        /// As often as possible rather than as seldom.
        greedy: bool,
        /// The capturing groups inside, which every round forgets.
        captures: Range<u32>,
    },
}

/// A set of characters: sorted ranges, both ends included, that do not touch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Set {
    ranges: Vec<(u32, u32)>,
    /// All others are meant. Stands beside the ranges, because case is ignored before it is turned round.
    negated: bool,
}

/// The last character there is.
const LAST: u32 = 0x0010_FFFF;

const DIGITS: &[(u32, u32)] = &[(0x30, 0x39)];
const WORD: &[(u32, u32)] = &[(0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)];
const LINE_ENDS: &[(u32, u32)] = &[(0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029)];

impl Set {
    /// The set of some ranges, in any order.
    pub(super) fn new(mut ranges: Vec<(u32, u32)>, negated: bool) -> Self {
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        Self { ranges: merged, negated }
    }

    /// The ranges of `\d`, `\w`, `\s` and of their capitals, which mean all others. `folded` says that case is ignored
    /// as Unicode does.
    pub(super) fn of_letter(letter: char, folded: bool) -> Option<Vec<(u32, u32)>> {
        let ranges = match letter.to_ascii_lowercase() {
            'd' => DIGITS.to_vec(),
            // `ſ` and the sign of Kelvin fold to `s` and `k`.
            'w' if folded => [WORD, &[(0x17F, 0x17F), (0x212A, 0x212A)]].concat(),
            'w' => WORD.to_vec(),
            's' => (0..=0xFFFF_u16)
                .filter(|unit| crate::expression::is_space(*unit))
                .map(|unit| (u32::from(unit), u32::from(unit)))
                .collect(),
            _ => return None,
        };
        Some(if letter.is_ascii_uppercase() { others(&ranges) } else { ranges })
    }

    /// `.`: everything, or everything but the ends of lines.
    pub(super) fn dot(all: bool) -> Self {
        Self { ranges: if all { Vec::new() } else { LINE_ENDS.to_vec() }, negated: true }
    }

    /// Whether all other characters are meant.
    pub(super) fn is_negated(&self) -> bool {
        self.negated
    }

    /// Whether a character is in the ranges.
    pub(super) fn holds(&self, character: u32) -> bool {
        let after = self.ranges.partition_point(|(first, _)| *first <= character);
        after.checked_sub(1).is_some_and(|at| self.ranges[at].1 >= character)
    }
}

/// The characters that are in none of some ranges.
fn others(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let sorted = Set::new(ranges.to_vec(), false).ranges;
    let mut next = 0;
    let mut found = Vec::with_capacity(sorted.len() + 1);
    for (first, last) in sorted {
        if next < first {
            found.push((next, first - 1));
        }
        next = last + 1;
    }
    if next <= LAST {
        found.push((next, LAST));
    }
    found
}

/// Whether a character is one that `\w` means.
pub(super) fn is_word(character: u32) -> bool {
    WORD.iter().any(|(first, last)| (*first..=*last).contains(&character))
}

/// Whether a character ends a line.
pub(super) fn is_line_end(character: u32) -> bool {
    LINE_ENDS.iter().any(|(first, last)| (*first..=*last).contains(&character))
}
