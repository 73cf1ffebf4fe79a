/// What a person does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Key {
    Text(char),
    Enter,
    Backspace,
    Delete,
    Left,
    Right,
    WordLeft,
    WordRight,
    Up,
    Down,
    Start,
    End,
    /// Everything before the cursor goes (Ctrl-U).
    KillBefore,
    /// Everything behind it (Ctrl-K).
    KillBehind,
    /// The word before it (Ctrl-W).
    KillWord,
    /// Ctrl-D: the end of all lines, or the character at the cursor goes.
    EndOrDelete,
    Interrupt,
    ClearScreen,
}

/// A longer sequence is none of a key.
const MAX_SEQUENCE: usize = 16;

/// Makes keys of a terminal's bytes.
#[derive(Default)]
pub(super) struct Decoder {
    /// What has begun: a character of several bytes, or what follows ESC.
    pending: Vec<u8>,
}

impl Decoder {
    /// Takes a byte; the key that it ends.
    pub(super) fn feed(&mut self, byte: u8) -> Option<Key> {
        if self.pending.first() == Some(&0x1b) {
            return self.sequence(byte);
        }
        if byte < 0x80 {
            // A character that was cut off is dropped.
            self.pending.clear();
        }
        Some(match byte {
            b'\r' | b'\n' => Key::Enter,
            0x01 => Key::Start,
            0x02 => Key::Left,
            0x03 => Key::Interrupt,
            0x04 => Key::EndOrDelete,
            0x05 => Key::End,
            0x06 => Key::Right,
            0x08 | 0x7f => Key::Backspace,
            b'\t' => Key::Text('\t'),
            0x0b => Key::KillBehind,
            0x0c => Key::ClearScreen,
            0x0e => Key::Down,
            0x10 => Key::Up,
            0x15 => Key::KillBefore,
            0x17 => Key::KillWord,
            0x1b => {
                self.pending.push(byte);
                return None;
            }
            0x00..=0x1f => return None,
            0x20..=0x7e => Key::Text(char::from(byte)),
            _ => return self.character(byte),
        })
    }

    /// A byte of a character of several.
    fn character(&mut self, byte: u8) -> Option<Key> {
        if byte & 0xc0 == 0xc0 {
            self.pending.clear();
        }
        self.pending.push(byte);
        let text = match std::str::from_utf8(&self.pending) {
            Ok(text) => text.chars().next(),
            Err(error) if error.error_len().is_none() => return None,
            Err(_) => None,
        };
        self.pending.clear();
        // The eight-bit control characters are nothing to type.
        text.filter(|character| !character.is_control()).map(Key::Text)
    }

    /// A byte behind ESC.
    fn sequence(&mut self, byte: u8) -> Option<Key> {
        if byte == 0x1b {
            self.pending.truncate(1);
            return None;
        }
        // Of an endless one only the end counts.
        if self.pending.len() < MAX_SEQUENCE {
            self.pending.push(byte);
        }
        let ended = match self.pending[1] {
            // A control sequence ends with a letter or `~`.
            b'[' => self.pending.len() > 2 && (0x40..=0x7e).contains(&byte),
            b'O' => self.pending.len() > 2,
            _ => true,
        };
        if !ended {
            return None;
        }
        let sequence = std::mem::take(&mut self.pending);
        Some(match &sequence[1..] {
            b"[A" | b"OA" => Key::Up,
            b"[B" | b"OB" => Key::Down,
            b"[C" | b"OC" => Key::Right,
            b"[D" | b"OD" => Key::Left,
            b"[H" | b"OH" | b"[1~" | b"[7~" => Key::Start,
            b"[F" | b"OF" | b"[4~" | b"[8~" => Key::End,
            b"[3~" => Key::Delete,
            b"b" | b"[1;5D" | b"[1;3D" => Key::WordLeft,
            b"f" | b"[1;5C" | b"[1;3C" => Key::WordRight,
            b"\x7f" => Key::KillWord,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        bytes.iter().filter_map(|byte| decoder.feed(*byte)).collect()
    }

    #[test]
    fn bytes_become_keys() {
        assert_eq!(
            keys("aä€😀\r".as_bytes()),
            [Key::Text('a'), Key::Text('ä'), Key::Text('€'), Key::Text('😀'), Key::Enter]
        );
        assert_eq!(
            keys(b"\x1b[A\x1bOB\x1b[3~\x1b[1;5D\x1bf\x01\x05\x17"),
            [Key::Up, Key::Down, Key::Delete, Key::WordLeft, Key::WordRight, Key::Start, Key::End, Key::KillWord]
        );
    }

    #[test]
    fn what_is_no_key_is_nothing_and_what_follows_is_read() {
        // Characters that are cut off, invalid, or control the terminal; unknown and endless sequences.
        for bytes in [
            &b"\xe2\x82a"[..],
            b"\xffa",
            b"\x80a",
            b"\xc2\x9ba",
            b"\x1b[99;99Ra",
            b"\x1bZa",
            b"\x1b\x1b\x1bZa",
            b"\x00\x1fa",
            b"\x1b[0;0;0;0;0;0;0;0;0;0;0;0Ra",
        ] {
            assert_eq!(keys(bytes), [Key::Text('a')], "{bytes:?}");
        }
    }
}
