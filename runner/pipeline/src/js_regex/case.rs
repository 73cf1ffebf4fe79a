//! Characters that are the same when case is ignored, in JavaScript's two ways.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Whether case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Case {
    /// It does.
    Sensitive,
    /// Flag `i`: what has the same capital letter is the same.
    Ignored,
    /// Flags `i` and `u`: what folds to the same letter is the same.
    IgnoredUnicode,
}

/// Beyond these no character has a case.
const LAST_UNIT: u32 = 0xFFFF;
const LAST_CASED: u32 = 0x1_FFFF;

type Groups = HashMap<u32, Vec<u32>>;

impl Case {
    /// The one character that stands for all that are the same.
    pub(super) fn fold(self, character: u32) -> u32 {
        let Some(c) = char::from_u32(character) else { return character };
        match self {
            Self::Sensitive => character,
            _ if c.is_ascii() => {
                u32::from(if self == Self::Ignored { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() })
            }
            Self::Ignored => match single(c.to_uppercase()) {
                // Beyond a unit, or into ASCII, JavaScript leaves a character as it is.
                Some(upper) if !upper.is_ascii() && u32::from(upper) <= LAST_UNIT => upper.into(),
                _ => character,
            },
            // Folding is to go up and down again; the dotless `ı` alone stays itself.
            Self::IgnoredUnicode if c == 'ı' => character,
            Self::IgnoredUnicode => {
                let upper = single(c.to_uppercase()).unwrap_or(c);
                single(upper.to_lowercase()).unwrap_or(upper).into()
            }
        }
    }

    /// All characters that fold to a folded one.
    pub(super) fn same_as(self, folded: u32) -> &'static [u32] {
        static IGNORED: OnceLock<Groups> = OnceLock::new();
        static UNICODE: OnceLock<Groups> = OnceLock::new();
        let groups = match self {
            Self::Sensitive => return &[],
            Self::Ignored => IGNORED.get_or_init(|| groups(self, LAST_UNIT)),
            Self::IgnoredUnicode => UNICODE.get_or_init(|| groups(self, LAST_CASED)),
        };
        groups.get(&folded).map_or(&[], Vec::as_slice)
    }
}

fn groups(case: Case, last: u32) -> Groups {
    let mut groups = Groups::new();
    for character in 0..=last {
        let folded = case.fold(character);
        if folded != character {
            groups.entry(folded).or_insert_with(|| vec![folded]).push(character);
        }
    }
    groups
}

/// The only item.
fn single(mut all: impl Iterator<Item = char>) -> Option<char> {
    all.next().filter(|_| all.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ways_of_ignoring_case() {
        let same = |case: Case, left: char, right: char| case.fold(left.into()) == case.fold(right.into());
        for (left, right, ignored, unicode) in [
            ('a', 'A', true, true),
            ('é', 'É', true, true),
            ('ſ', 's', false, true),
            ('\u{212A}', 'k', false, true),
            ('ß', '\u{1E9E}', false, true),
            ('ı', 'I', false, false),
            ('İ', 'i', false, false),
            ('σ', 'ς', true, true),
            ('𐐀', '𐐨', false, true),
            ('a', 'b', false, false),
        ] {
            assert_eq!(same(Case::Ignored, left, right), ignored, "{left} {right}");
            assert_eq!(same(Case::IgnoredUnicode, left, right), unicode, "{left} {right}");
            assert!(!same(Case::Sensitive, left, right));
        }
        assert_eq!(Case::Ignored.same_as('A'.into()), ['A', 'a'].map(u32::from));
        assert_eq!(Case::IgnoredUnicode.same_as('k'.into()), ['k', 'K', '\u{212A}'].map(u32::from));
        assert_eq!(Case::Sensitive.same_as('A'.into()), [0_u32; 0]);
    }
}
