use unicode_segmentation::UnicodeSegmentation;

use super::keys::Key;

/// The line that is being typed, and the cursor in it: before which character, in bytes.
#[derive(Debug, Default)]
pub(super) struct Buffer {
    text: String,
    at: usize,
}

impl Buffer {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What stands before the cursor.
    pub(super) fn before(&self) -> &str {
        &self.text[..self.at]
    }

    /// Another line instead, where there is one.
    pub(super) fn replace(&mut self, text: Option<String>) {
        if let Some(text) = text {
            self.at = text.len();
            self.text = text;
        }
    }

    /// Does what a key says. Those that are not for a line do nothing.
    pub(super) fn apply(&mut self, key: Key) {
        match key {
            Key::Text(character) => {
                self.text.insert(self.at, character);
                self.at += character.len_utf8();
            }
            Key::Backspace => self.remove(self.left(), self.at),
            Key::Delete | Key::EndOrDelete => self.remove(self.at, self.right()),
            Key::Left => self.at = self.left(),
            Key::Right => self.at = self.right(),
            Key::WordLeft => self.at = self.word_left(),
            Key::WordRight => self.at = self.word_right(),
            Key::Start => self.at = 0,
            Key::End => self.at = self.text.len(),
            Key::KillBefore => self.remove(0, self.at),
            Key::KillBehind => self.text.truncate(self.at),
            Key::KillWord => {
                // As the terminal's own Ctrl-W: up to a blank.
                let kept = self.before().trim_end();
                let start = kept.rfind(char::is_whitespace).map_or(0, |at| at + 1);
                self.remove(start, self.at);
            }
            Key::Enter | Key::Up | Key::Down | Key::Interrupt | Key::ClearScreen => {}
        }
    }

    fn remove(&mut self, from: usize, to: usize) {
        self.text.drain(from..to);
        self.at = from;
    }

    fn left(&self) -> usize {
        self.before().grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
    }

    fn right(&self) -> usize {
        self.at + self.text[self.at..].graphemes(true).next().map_or(0, str::len)
    }

    fn word_left(&self) -> usize {
        let kept = self.before().trim_end_matches(|c: char| !c.is_alphanumeric());
        kept.trim_end_matches(char::is_alphanumeric).len()
    }

    fn word_right(&self) -> usize {
        let rest = self.text[self.at..].trim_start_matches(|c: char| !c.is_alphanumeric());
        self.text.len() - rest.trim_start_matches(char::is_alphanumeric).len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_by_whole_characters_and_words() {
        let typed = |text: &str, keys: &[Key]| {
            let mut buffer = Buffer::default();
            text.chars().for_each(|c| buffer.apply(Key::Text(c)));
            keys.iter().for_each(|key| buffer.apply(key.clone()));
            format!("{}|{}", buffer.before(), &buffer.text()[buffer.before().len()..])
        };
        use Key::*;
        for (text, keys, expected) in [
            ("", &[Backspace, Delete, Left, Right, WordLeft, WordRight, KillWord, KillBefore, KillBehind][..], "|"),
            ("ab", &[Left, Text('x')], "ax|b"),
            // A letter with its accent, and a family, are one.
            ("ae\u{301}", &[Backspace], "a|"),
            ("👩\u{200d}👧x", &[Left, Left], "|👩\u{200d}👧x"),
            ("echo some-words", &[WordLeft], "echo some-|words"),
            ("echo some-words", &[KillWord], "echo |"),
            ("echo some  ", &[KillWord], "echo |"),
            ("a b", &[Start, WordRight, KillBehind], "a|"),
            ("a b", &[Left, KillBefore, End], "b|"),
            ("abc", &[Start, Delete, EndOrDelete], "|c"),
        ] {
            assert_eq!(typed(text, keys), expected, "{text:?} {keys:?}");
        }
    }
}
