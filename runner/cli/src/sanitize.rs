//! What steps print is untrusted: it must not steer the terminal of who reads it. Colours stay.

/// Takes everything out of `text` that could move the cursor, set a title or speak to a terminal; `pending` carries an
/// unfinished escape sequence to the next piece.
#[derive(Default)]
pub(crate) struct Sanitizer {
    state: State,
    sequence: String,
}

#[derive(Clone, Copy, Default, Eq, PartialEq)]
enum State {
    #[default]
    Text,
    /// Behind ESC.
    Escape,
    /// In a control sequence (`ESC [ …`).
    Control,
    /// In a string for the terminal (`ESC ] … BEL`, `ESC P … ESC \`).
    String,
    /// In such a string, behind an ESC.
    StringEscape,
}

/// The longest control sequence that is kept.
const MAX_SEQUENCE: usize = 64;

impl Sanitizer {
    /// What may be shown of the next piece of text.
    pub(crate) fn feed(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for character in text.chars() {
            self.next(character, &mut out);
        }
        out
    }

    fn next(&mut self, character: char, out: &mut String) {
        match self.state {
            State::Text => match character {
                '\x1b' => self.state = State::Escape,
                // The eight-bit forms of the same.
                '\u{9b}' => self.begin_control(),
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => self.state = State::String,
                '\n' | '\t' => out.push(character),
                // A carriage return alone would overwrite what stands on the line.
                '\r' => {}
                character if character.is_control() => {}
                // These reorder the text around them.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
                character => out.push(character),
            },
            State::Escape => match character {
                '[' => self.begin_control(),
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::String,
                '\x1b' => {}
                _ => self.state = State::Text,
            },
            State::Control => match character {
                '\x20'..='\x3f' => {
                    if self.sequence.len() < MAX_SEQUENCE {
                        self.sequence.push(character);
                    }
                }
                // Only what changes colours and weight.
                'm' if self.sequence.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')) => {
                    out.push_str(&format!("\x1b[{}m", self.sequence));
                    self.state = State::Text;
                }
                '\x1b' => self.state = State::Escape,
                _ => self.state = State::Text,
            },
            State::String => match character {
                '\x07' | '\u{9c}' => self.state = State::Text,
                '\x1b' => self.state = State::StringEscape,
                // A line is never swallowed for good.
                '\n' => {
                    out.push('\n');
                    self.state = State::Text;
                }
                _ => {}
            },
            State::StringEscape => {
                self.state = if character == '\\' { State::Text } else { State::String };
            }
        }
    }

    fn begin_control(&mut self) {
        self.sequence.clear();
        self.state = State::Control;
    }
}

/// The same for a text that is whole, with colours taken out too.
pub(crate) fn plain(text: &str) -> String {
    let kept = Sanitizer::default().feed(text);
    let mut out = String::with_capacity(kept.len());
    let mut rest = kept.as_str();
    while let Some(at) = rest.find('\x1b') {
        out.push_str(&rest[..at]);
        rest = rest[at..].split_once('m').map_or("", |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_reach_the_terminal() {
        for (given, expected) in [
            ("plain\ttext\n", "plain\ttext\n"),
            ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m"),
            ("a\x1b[2Jb\x1b[10;10Hc", "abc"),
            ("\x1b]0;title\x07x", "x"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1bP+q544e\x1b\\x", "x"),
            ("over\rwritten\x08\x07", "overwritten"),
            ("\u{9b}2Jx\u{9d}0;t\u{9c}y", "xy"),
            ("\x1b[?1049hx", "x"),
            ("a\u{202e}b", "ab"),
            ("\x1b]unfinished\nnext", "\nnext"),
        ] {
            assert_eq!(Sanitizer::default().feed(given), expected, "{given:?}");
        }
        assert_eq!(plain("\x1b[31mred\x1b[0m and\n"), "red and\n");
    }

    #[test]
    fn a_sequence_may_be_cut_anywhere() {
        let given = "a\x1b[31mb\x1b]0;t\x07c\x1b[2Jd";
        for cut in given.char_indices().map(|(at, _)| at) {
            let mut sanitizer = Sanitizer::default();
            let text = sanitizer.feed(&given[..cut]) + &sanitizer.feed(&given[cut..]);
            assert_eq!(text, "a\x1b[31mbcd");
        }
    }
}
