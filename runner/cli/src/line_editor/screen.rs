use std::io::{self, Write};

use rustix::termios::tcgetwinsize;
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use super::buffer::Buffer;

/// How wide a terminal is that does not tell.
const USUAL_WIDTH: usize = 80;

/// The rows that the prompt and the line take.
pub(super) struct Screen {
    /// The last line of the prompt: what is drawn again when the line changes.
    prompt: String,
    width: usize,
    /// How far the cursor is from where the prompt begins, in columns of one endless row.
    cursor: usize,
    /// What is shown behind the prompt.
    shown: String,
}

/// Writes to the terminal.
pub(super) fn write(bytes: &[u8]) -> io::Result<()> {
    let mut terminal = io::stdout().lock();
    terminal.write_all(bytes)?;
    terminal.flush()
}

impl Screen {
    /// Shows the prompt.
    pub(super) fn begin(prompt: &[u8]) -> io::Result<Self> {
        let prompt = String::from_utf8_lossy(prompt).replace(['\u{1}', '\u{2}'], "");
        write(prompt.as_bytes())?;
        let prompt = prompt.rsplit('\n').next().unwrap_or_default().to_owned();
        let cursor = columns(&prompt);
        Ok(Self { prompt, width: width(), cursor, shown: String::new() })
    }

    /// Shows the line as it is now.
    pub(super) fn show(&mut self, buffer: &Buffer) -> io::Result<()> {
        let text = visible(buffer.text());
        let before = visible(buffer.before());
        let cursor = end_of(&self.prompt, &before, self.width);
        let end = end_of(&self.prompt, &text, self.width);
        let added = text.strip_prefix(self.shown.as_str()).filter(|_| {
            // Something is appended and stays on its row: what stands before the prompt stays too.
            cursor == end
                && self.cursor == end_of(&self.prompt, &self.shown, self.width)
                && end / self.width == self.cursor / self.width
        });
        let drawn = match added {
            Some(added) => added.to_owned(),
            None => self.redraw(&text, cursor, end),
        };
        (self.cursor, self.shown) = (cursor, text);
        write(drawn.as_bytes())
    }

    /// Everything again, from where the prompt begins.
    fn redraw(&self, text: &str, cursor: usize, end: usize) -> String {
        let mut drawn = String::new();
        up(&mut drawn, self.cursor / self.width);
        drawn.push_str(&format!("\r{}{text}\x1b[J", self.prompt));
        // A terminal goes to the next row when the next character comes.
        if end > 0 && end.is_multiple_of(self.width) {
            drawn.push('\n');
        }
        up(&mut drawn, end / self.width - cursor / self.width);
        drawn.push('\r');
        if !cursor.is_multiple_of(self.width) {
            drawn.push_str(&format!("\x1b[{}C", cursor % self.width));
        }
        drawn
    }

    /// Draws everything again where the terminal has another width than before. Terminals move what they show to the new rows
    /// by themselves, so that the cursor is where it would be by the new width.
    pub(super) fn follow_resize(&mut self, buffer: &Buffer) -> io::Result<()> {
        let width = width();
        if width == self.width {
            return Ok(());
        }
        self.width = width;
        let text = visible(buffer.text());
        self.cursor = end_of(&self.prompt, &visible(buffer.before()), width);
        let drawn = self.redraw(&text, self.cursor, end_of(&self.prompt, &text, width));
        write(drawn.as_bytes())
    }

    /// An empty screen.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.cursor = 0;
        self.shown = "\n".to_owned();
        write(b"\x1b[H\x1b[2J")
    }

    /// Goes to the row below the line.
    pub(super) fn leave(&mut self, buffer: &Buffer, mark: &str) -> io::Result<()> {
        let end = end_of(&self.prompt, &visible(buffer.text()), self.width);
        let rows = end / self.width - self.cursor / self.width;
        let down = if rows > 0 { format!("\x1b[{rows}B") } else { String::new() };
        write(format!("{down}{mark}\n").as_bytes())
    }
}

fn up(drawn: &mut String, rows: usize) {
    if rows > 0 {
        drawn.push_str(&format!("\x1b[{rows}A"));
    }
}

fn width() -> usize {
    let size = tcgetwinsize(rustix::stdio::stdout());
    size.map(|size| usize::from(size.ws_col)).ok().filter(|width| *width > 0).unwrap_or(USUAL_WIDTH)
}

/// What a line looks like: control characters, which a history can hold, are shown as `^X`.
fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\t' => shown.push_str("  "),
            '\0'..='\x1f' => {
                shown.push('^');
                shown.push(char::from(character as u8 + b'@'));
            }
            character if character.is_control() => shown.push('?'),
            character => shown.push(character),
        }
    }
    shown
}

/// Where the cursor is behind a prompt and a text, in columns of one endless row: a wide character that does not fit at the end
/// of a row stands on the next one.
fn end_of(prompt: &str, text: &str, width: usize) -> usize {
    let mut at = columns(prompt);
    for grapheme in text.graphemes(true) {
        let columns = grapheme.width();
        if columns > 1 && at % width + columns > width {
            at += width - at % width;
        }
        at += columns;
    }
    at
}

/// The columns that a prompt takes; colours and their like take none.
fn columns(prompt: &str) -> usize {
    let mut plain = String::new();
    let mut characters = prompt.chars();
    while let Some(character) = characters.next() {
        if character != '\x1b' {
            plain.push(character);
            continue;
        }
        match characters.next() {
            Some('[') => drop(characters.find(|c| ('\x40'..='\x7e').contains(c))),
            Some(']') => drop(characters.find(|c| *c == '\x07' || *c == '\\')),
            _ => {}
        }
    }
    visible(&plain).width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_are_those_of_terminals() {
        for (prompt, text, width, expected) in [
            ("$ ", "abc", 80, 5),
            ("\x1b[1;32mgreen\x1b[0m \x1b]0;title\x07$ ", "", 80, 8),
            ("$ ", "日本", 80, 6),
            // The second one does not fit behind the first.
            ("$ ", "日本", 5, 7),
            ("$ ", "e\u{301}", 80, 3),
            ("$ ", "👩\u{200d}👧", 80, 4),
        ] {
            assert_eq!(end_of(prompt, &visible(text), width), expected, "{prompt:?} {text:?}");
        }
        assert_eq!(visible("a\tb\x03\u{9b}"), "a  b^C?");
    }
}
