use std::io::{self, BufRead};
use std::rc::Rc;

use stepbox_tool::pattern::Pattern;

/// How much is read at once, in bytes.
const BUFFER: usize = 64 << 10;

/// The longest record, in bytes.
const MAX_RECORD: usize = 256 << 20;

/// What stands between records.
#[derive(Clone)]
pub(super) enum Separator {
    Byte(u8),
    /// Empty lines.
    Paragraph,
    Pattern(Rc<Pattern>),
}

/// Records of one source.
#[derive(Default)]
pub(super) struct Records {
    buffer: Vec<u8>,
    start: usize,
    over: bool,
}

impl Records {
    /// Reads more; whether there was any.
    fn fill(&mut self, source: &mut dyn BufRead) -> io::Result<bool> {
        if self.over {
            return Ok(false);
        }
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        if self.buffer.len() > MAX_RECORD {
            return Err(io::Error::other(format!("a record is longer than {MAX_RECORD} bytes")));
        }
        let before = self.buffer.len();
        self.buffer.resize(before + BUFFER, 0);
        let read = source.read(&mut self.buffer[before..]);
        self.buffer.truncate(before + read.as_ref().map_or(0, |count| *count));
        self.over = read? == 0;
        Ok(!self.over)
    }

    /// The next record, and what has ended it.
    pub(super) fn next(
        &mut self,
        source: &mut dyn BufRead,
        separator: &Separator,
        record: &mut Vec<u8>,
        ended_by: &mut Vec<u8>,
    ) -> io::Result<bool> {
        record.clear();
        ended_by.clear();
        if let Separator::Paragraph = separator {
            // Newlines before the first record do not count.
            loop {
                let count = self.buffer[self.start..].iter().take_while(|byte| **byte == b'\n').count();
                self.start += count;
                if self.start < self.buffer.len() || !self.fill(source)? {
                    break;
                }
            }
        }
        let mut looked = 0;
        loop {
            let text = &self.buffer[self.start..];
            let found = match separator {
                Separator::Byte(byte) => {
                    memchr::memchr(*byte, &text[looked..]).map(|at| (looked + at, looked + at + 1))
                }
                Separator::Paragraph => text.windows(2).position(|pair| pair == b"\n\n").and_then(|at| {
                    let count = text[at..].iter().take_while(|byte| **byte == b'\n').count();
                    (at + count < text.len() || self.over).then_some((at, at + count))
                }),
                Separator::Pattern(pattern) => {
                    let mut found = pattern.find(text, 0).map_err(io::Error::other)?;
                    while let Some((from, to)) = found
                        && from == to
                    {
                        found = if from < text.len() {
                            pattern.find(text, from + 1).map_err(io::Error::other)?
                        } else {
                            None
                        };
                    }
                    // One at the end could go on in what is not read yet.
                    found.filter(|(_, to)| *to < text.len() || self.over)
                }
            };
            if let Some((from, to)) = found {
                record.extend(&text[..from]);
                ended_by.extend(&text[from..to]);
                self.start += to;
                return Ok(true);
            }
            looked = text.len();
            if self.fill(source)? {
                continue;
            }
            let text = &self.buffer[self.start..];
            if text.is_empty() {
                return Ok(false);
            }
            if !matches!(separator, Separator::Byte(_)) && looked > 0 {
                // Once more, now that nothing follows.
                looked = 0;
                if let Separator::Pattern(pattern) = separator
                    && let Some((from, to)) = pattern.find(text, 0).map_err(io::Error::other)?.filter(|(a, b)| a < b)
                {
                    record.extend(&text[..from]);
                    ended_by.extend(&text[from..to]);
                    self.start += to;
                    return Ok(true);
                }
            }
            let end = if let Separator::Paragraph = separator {
                text.iter().rposition(|byte| *byte != b'\n').map_or(0, |at| at + 1)
            } else {
                text.len()
            };
            record.extend(&text[..end]);
            ended_by.extend(&text[end..]);
            self.start = self.buffer.len();
            let _ = looked;
            return Ok(true);
        }
    }
}
