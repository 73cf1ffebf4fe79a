use stepbox_pipeline::Place;

use crate::wire::Stretch;

/// How many bytes of the text stand between two known counts of characters.
const BLOCK: usize = 64;

/// The places of a text, each told in constant or logarithmic time, however many are asked for and in which order.
pub(crate) struct Places<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// How many characters begin before each block.
    characters: Vec<usize>,
}

impl<'a> Places<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let lines = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        let mut count = 0;
        let characters = text
            .as_bytes()
            .chunks(BLOCK)
            .map(|block| {
                let before = count;
                count += begin(block);
                before
            })
            .collect();
        Self { text, lines, characters }
    }

    /// The place that a stretch of the text has; `None` where it is no stretch of it, or cuts a character.
    pub(crate) fn at(&self, (offset, length): Stretch) -> Option<Place> {
        let (offset, length) = (offset as usize, length as usize);
        self.text.get(offset..offset.checked_add(length)?)?;
        let line = self.lines.partition_point(|begin| *begin <= offset);
        let column = self.before(offset) - self.before(self.lines[line - 1]) + 1;
        Some(Place { line, column, offset, length })
    }

    /// How many characters begin before a byte.
    fn before(&self, offset: usize) -> usize {
        let block = offset / BLOCK;
        match self.characters.get(block) {
            Some(before) => before + begin(&self.text.as_bytes()[block * BLOCK..offset]),
            // At the end of a text that fills its last block.
            None => {
                self.characters.last().map_or(0, |before| before + begin(&self.text.as_bytes()[(block - 1) * BLOCK..]))
            }
        }
    }
}

/// How many characters begin in these bytes of a text.
fn begin(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count()
}
