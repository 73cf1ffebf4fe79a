//! Where something stands in a document.

/// A stretch of a document's text: where it begins and how long it is.
///
/// Lines and columns count from 1, columns in characters; offset and length are in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Offset of the first byte.
    pub offset: usize,
    /// Length in bytes.
    pub length: usize,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Translates what the scanner counts (characters) into bytes, lines and columns.
#[derive(Debug)]
pub(crate) struct PlaceIndex<'a> {
    text: &'a str,
    /// Byte offset of every character, and one more for the end. Empty where the text is ASCII: there they are equal.
    bytes: Vec<u32>,
    /// Byte offset at which each line begins.
    lines: Vec<usize>,
}

impl<'a> PlaceIndex<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let mut bytes = Vec::new();
        if !text.is_ascii() {
            bytes.extend(text.char_indices().map(|(at, _)| u32::try_from(at).unwrap_or(u32::MAX)));
        }
        let mut lines = vec![0];
        lines.extend(text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1));
        Self { text, bytes, lines }
    }

    /// The byte offset of a character index.
    pub(crate) fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            return character.min(self.text.len());
        }
        self.bytes.get(character).map_or(self.text.len(), |at| *at as usize)
    }

    /// The place between two byte offsets, which must be boundaries of characters.
    pub(crate) fn place(&self, start: usize, end: usize) -> Place {
        let line = self.lines.partition_point(|begin| *begin <= start).saturating_sub(1);
        let begin = self.lines.get(line).copied().unwrap_or(0);
        let column = self.text.get(begin..start).map_or(start - begin, |before| before.chars().count());
        Place { line: line + 1, column: column + 1, offset: start, length: end.saturating_sub(start) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_become_bytes_lines_and_columns() {
        let text = "ä: ö\nb: c";
        let index = PlaceIndex::new(text);
        assert_eq!(index.byte(3), 4);
        assert_eq!(index.place(4, 6), Place { line: 1, column: 4, offset: 4, length: 2 });
        assert_eq!(index.place(7, 8), Place { line: 2, column: 1, offset: 7, length: 1 });
        assert_eq!(index.byte(1000), text.len());
    }
}
