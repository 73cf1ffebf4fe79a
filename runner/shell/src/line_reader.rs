use std::io::{self, SeekFrom};

use stepbox_system::{CancelToken, OpenFile};

/// How much is read at once from what can be set back.
const BLOCK: usize = 512;

/// Reads a descriptor that others read too: what stands behind the last byte that was taken is left for the next reader.
pub(crate) struct LineReader<'a> {
    file: &'a OpenFile,
    cancel: &'a CancelToken,
    block: [u8; BLOCK],
    /// What of the block was taken, and how much of it there is.
    taken: usize,
    length: usize,
    /// Whether the descriptor can be set back; otherwise it is read byte by byte.
    seekable: bool,
}

impl<'a> LineReader<'a> {
    pub(crate) fn new(file: &'a OpenFile, cancel: &'a CancelToken) -> Self {
        let seekable = file.seek(SeekFrom::Current(0)).is_ok();
        Self { file, cancel, block: [0; BLOCK], taken: 0, length: 0, seekable }
    }

    /// The next byte; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<u8>> {
        if self.taken == self.length {
            let most = if self.seekable { BLOCK } else { 1 };
            self.taken = 0;
            self.length = 0;
            self.length = self.file.read(&mut self.block[..most], self.cancel)?;
            if self.length == 0 {
                return Ok(None);
            }
        }
        self.taken += 1;
        Ok(Some(self.block[self.taken - 1]))
    }

    /// Up to the end of a line, which is added to `text`, or until that has `limit` bytes; false where there was
    /// nothing more.
    pub(crate) fn line(&mut self, text: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
        self.until(b'\n', text, limit)
    }

    /// The same, up to a delimiter.
    pub(crate) fn until(&mut self, delimiter: u8, text: &mut Vec<u8>, limit: usize) -> io::Result<bool> {
        let before = text.len();
        while text.len() < limit
            && let Some(byte) = self.next()?
        {
            text.push(byte);
            if byte == delimiter {
                break;
            }
        }
        Ok(text.len() > before)
    }
}

impl Drop for LineReader<'_> {
    fn drop(&mut self) {
        let ahead = self.length - self.taken;
        if ahead > 0 {
            // It could be set back when this began, and nobody else knows how far it was read.
            let _ = self.file.seek(SeekFrom::Current(-(ahead as i64)));
        }
    }
}
