//! The options of a built-in, letter by letter (XBD 12.2).

/// Goes through the words behind a built-in's name.
pub(super) struct Letters<'a> {
    words: &'a [Vec<u8>],
    /// What is left of the word that is being read.
    word: &'a [u8],
    ended: bool,
}

impl<'a> Letters<'a> {
    pub(super) fn of(words: &'a [Vec<u8>]) -> Self {
        Self { words, word: &[], ended: false }
    }

    /// The next letter; `None` where the operands begin.
    pub(super) fn next(&mut self) -> Option<u8> {
        if self.word.is_empty() && !self.ended {
            let (first, rest) = self.words.split_first().filter(|(word, _)| word.len() > 1 && word[0] == b'-')?;
            self.words = rest;
            self.ended = first == b"--";
            self.word = if self.ended { &[] } else { &first[1..] };
        }
        let (letter, behind) = self.word.split_first()?;
        self.word = behind;
        Some(*letter)
    }

    /// The value of the letter: what stands behind it, else the next word.
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        if !self.word.is_empty() {
            return Some(std::mem::take(&mut self.word));
        }
        let (value, rest) = self.words.split_first()?;
        self.words = rest;
        Some(value)
    }

    /// What stands behind the options.
    pub(super) fn operands(self) -> &'a [Vec<u8>] {
        self.words
    }
}
