//! Text as the condition language has it: a sequence of UTF-16 code units, as in JavaScript.

use std::sync::Arc;

/// A text. Lengths, indexes and the order of two texts count in UTF-16 code units, and half of a surrogate pair can
/// stand alone (`substring` may cut one).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Arc<[u16]>);

impl Text {
    /// The text of some code units.
    #[must_use]
    pub fn from_units(units: &[u16]) -> Self {
        Self(units.into())
    }

    /// Its code units.
    #[must_use]
    pub fn units(&self) -> &[u16] {
        &self.0
    }

    /// In capitals. One letter may become several.
    pub(super) fn upper(&self) -> Self {
        self.by_parts(str::to_uppercase)
    }

    /// In small letters; a sigma at the end of a word becomes its final form.
    pub(super) fn lower(&self) -> Self {
        self.by_parts(str::to_lowercase)
    }

    /// Without white space at its ends.
    pub(super) fn trimmed(&self, start: bool, end: bool) -> Self {
        Self::from_units(trim(&self.0, start, end))
    }

    /// Applies a function to what is Unicode; lone surrogates stay.
    fn by_parts(&self, change: impl Fn(&str) -> String) -> Self {
        let mut out: Vec<u16> = Vec::with_capacity(self.0.len());
        let mut part = String::new();
        for unit in char::decode_utf16(self.0.iter().copied()) {
            match unit {
                Ok(c) => part.push(c),
                Err(lone) => {
                    out.extend(change(&part).encode_utf16());
                    part.clear();
                    out.push(lone.unpaired_surrogate());
                }
            }
        }
        out.extend(change(&part).encode_utf16());
        Self(out.into())
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(text.encode_utf16().collect())
    }
}

impl From<Vec<u16>> for Text {
    fn from(units: Vec<u16>) -> Self {
        Self(units.into())
    }
}

/// A lone surrogate shows as the replacement character.
impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf16_lossy(&self.0))
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", String::from_utf16_lossy(&self.0))
    }
}

/// Without JavaScript's white space at the ends that are asked for.
pub(super) fn trim(units: &[u16], start: bool, end: bool) -> &[u16] {
    let first = if start { units.iter().position(|unit| !is_space(*unit)).unwrap_or(units.len()) } else { 0 };
    let rest = &units[first..];
    let last = if end { rest.iter().rposition(|unit| !is_space(*unit)).map_or(0, |at| at + 1) } else { rest.len() };
    &rest[..last]
}

/// JavaScript's white space and line ends: unlike Rust's it holds U+FEFF and does not hold U+0085.
pub(crate) fn is_space(unit: u16) -> bool {
    matches!(
        unit,
        0x09..=0x0D | 0x20 | 0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 | 0xFEFF
    )
}

/// Where `needle` first begins in `text` at or behind `from`, in time that grows with both lengths and not with their
/// product (Knuth, Morris and Pratt): a condition may hold long texts that nearly match everywhere.
pub(super) fn find(text: &[u16], needle: &[u16], from: usize) -> Option<usize> {
    if needle.is_empty() {
        return (from <= text.len()).then_some(from);
    }
    let borders = borders(needle);
    let mut matched = 0;
    for (at, unit) in text.iter().enumerate().skip(from) {
        while matched > 0 && needle[matched] != *unit {
            matched = borders[matched - 1];
        }
        matched += usize::from(needle[matched] == *unit);
        if matched == needle.len() {
            return Some(at + 1 - matched);
        }
    }
    None
}

/// For each beginning of a text the length of its longest proper beginning that is also its end.
fn borders(needle: &[u16]) -> Vec<usize> {
    let mut borders = vec![0; needle.len()];
    let mut length = 0;
    for at in 1..needle.len() {
        while length > 0 && needle[length] != needle[at] {
            length = borders[length - 1];
        }
        length += usize::from(needle[length] == needle[at]);
        borders[at] = length;
    }
    borders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn the_first_place_of_a_text_in_another() {
        for (text, needle, expected) in [
            ("", "", Some(0)),
            ("abc", "", Some(0)),
            ("abc", "c", Some(2)),
            ("abc", "d", None),
            ("aabaaab", "aaab", Some(3)),
            ("aaa", "aaaa", None),
            ("abababac", "ababac", Some(2)),
            ("äöü", "ü", Some(2)),
        ] {
            assert_eq!(find(&units(text), &units(needle), 0), expected, "{text} {needle}");
        }
        assert_eq!(find(&units("aXaX"), &units("X"), 2), Some(3));
        assert_eq!(find(&units("a"), &units(""), 2), None);
    }

    #[test]
    fn letters_change_beside_lone_surrogates_which_stay() {
        let mut mixed = units("aΣ");
        mixed.push(0xD800);
        mixed.extend(units("ß😀"));
        let text = Text::from(mixed);
        assert_eq!(text.upper().units()[2], 0xD800);
        assert_eq!(text.upper().to_string(), "AΣ\u{FFFD}SS😀");
        assert_eq!(text.lower().to_string(), "aς\u{FFFD}ß😀");
    }

    #[test]
    fn white_space_is_that_of_javascript() {
        assert_eq!(Text::from("\u{FEFF}\u{A0}\t a \u{2028}").trimmed(true, true).to_string(), "a");
        assert_eq!(Text::from("\u{85}a").trimmed(true, true).to_string(), "\u{85}a");
        assert_eq!(Text::from(" a ").trimmed(true, false).to_string(), "a ");
        assert_eq!(Text::from(" a ").trimmed(false, true).to_string(), " a");
        assert_eq!(Text::from("  ").trimmed(false, true).to_string(), "");
    }
}
