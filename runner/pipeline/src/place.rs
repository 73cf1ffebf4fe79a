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

/// Translates what the scanner counts (characters) into bytes, lines and columns, each in logarithmic time.
#[derive(Debug)]
pub(crate) struct PlaceIndex<'a> {
    text: &'a str,
    /// Byte offset of every character. Empty where the text is ASCII: there both are equal.
    bytes: Vec<usize>,
    /// The character with which each line begins.
    lines: Vec<usize>,
}

impl<'a> PlaceIndex<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let bytes = if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        let mut lines = vec![0];
        lines.extend(text.chars().enumerate().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1));
        Self { text, bytes, lines }
    }

    /// The byte offset of a character, counted from 0.
    pub(crate) fn byte(&self, character: usize) -> usize {
        if self.bytes.is_empty() {
            return character.min(self.text.len());
        }
        self.bytes.get(character).copied().unwrap_or(self.text.len())
    }

    /// The place from one character up to another.
    pub(crate) fn place(&self, start: usize, end: usize) -> Place {
        let line = self.lines.partition_point(|begin| *begin <= start);
        let begin = self.lines.get(line.saturating_sub(1)).copied().unwrap_or(0);
        let offset = self.byte(start);
        let length = self.byte(end).saturating_sub(offset);
        Place { line, column: start.saturating_sub(begin) + 1, offset, length }
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
        assert_eq!(index.place(3, 4), Place { line: 1, column: 4, offset: 4, length: 2 });
        assert_eq!(index.place(5, 6), Place { line: 2, column: 1, offset: 7, length: 1 });
        assert_eq!(index.byte(1000), text.len());
    }
}
