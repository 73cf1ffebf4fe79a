use std::collections::HashMap;

use stepbox_tool::file_info::FileInfo;

/// Which differences do not count.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ignored {
    /// Upper and lower case.
    pub(super) case: bool,
    /// All white space.
    pub(super) all_space: bool,
    /// How much white space there is.
    pub(super) amount: bool,
    /// White space at the end of lines.
    pub(super) trailing: bool,
}

/// A file to compare.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// What it is called.
    pub(super) name: String,
    /// When it was changed: seconds and nanoseconds.
    pub(super) modified: (i64, u32),
    pub(super) data: Vec<u8>,
}

impl Input {
    pub(super) fn new(name: String, info: Option<&FileInfo>, data: Vec<u8>) -> Self {
        Self { name, modified: info.map_or((0, 0), |info| info.modified), data }
    }

    /// Its lines without their ends.
    pub(super) fn lines(&self) -> Vec<&[u8]> {
        let mut lines: Vec<&[u8]> = self.data.split(|byte| *byte == b'\n').collect();
        // After the last newline nothing begins.
        lines.pop_if(|last| last.is_empty());
        lines
    }

    /// Whether its last line has no end.
    pub(super) fn is_open(&self) -> bool {
        self.data.last().is_some_and(|last| *last != b'\n')
    }

    pub(super) fn is_binary(&self) -> bool {
        memchr::memchr(0, &self.data).is_some()
    }
}

/// Numbers for lines: equal where the lines count as equal.
#[derive(Default)]
pub(super) struct Numbers {
    known: HashMap<Vec<u8>, u32>,
}

impl Numbers {
    /// The numbers of the lines of a file.
    pub(super) fn of(&mut self, lines: &[&[u8]], open: bool, ignored: Ignored) -> Vec<u32> {
        let last = lines.len().checked_sub(1);
        let spaces_count = !(ignored.all_space || ignored.amount || ignored.trailing);
        lines
            .iter()
            .enumerate()
            .map(|(at, line)| {
                let mut key = ignored.key(line);
                if open && spaces_count && Some(at) == last {
                    // No line with an end has one inside.
                    key.push(b'\n');
                }
                let next = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
                *self.known.entry(key).or_insert(next)
            })
            .collect()
    }
}

impl Ignored {
    /// What counts of a line.
    fn key(self, line: &[u8]) -> Vec<u8> {
        let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
        let mut key: Vec<u8> = if self.all_space {
            line.iter().copied().filter(|byte| !is_space(byte)).collect()
        } else if self.amount {
            let mut key: Vec<u8> = vec![];
            for byte in line {
                if !is_space(byte) {
                    key.push(*byte);
                } else if key.last() != Some(&b' ') {
                    key.push(b' ');
                }
            }
            key.pop_if(|last| *last == b' ');
            key
        } else {
            line.to_vec()
        };
        if self.trailing {
            let end = key.iter().rposition(|byte| !is_space(byte)).map_or(0, |at| at + 1);
            key.truncate(end);
        }
        if self.case {
            key = match std::str::from_utf8(&key) {
                Ok(text) => text.to_lowercase().into_bytes(),
                Err(_) => key.to_ascii_lowercase(),
            };
        }
        key
    }
}
