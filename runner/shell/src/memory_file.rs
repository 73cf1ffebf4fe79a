use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use stepbox_system::{CancelToken, FileKind, FileObject, Metadata};

/// A file in memory: a here-document to read, or the output of a substitution to collect. Clones are the same file.
#[derive(Clone)]
pub(crate) struct MemoryFile(Arc<Mutex<State>>);

struct State {
    data: Vec<u8>,
    offset: usize,
    limit: usize,
    overflowed: bool,
}

const EFBIG: i32 = 27;

impl MemoryFile {
    /// A file to read from its beginning.
    pub(crate) fn holding(data: Vec<u8>) -> Self {
        let limit = data.len();
        Self(Arc::new(Mutex::new(State { data, offset: 0, limit, overflowed: false })))
    }

    /// An empty file for at most `limit` bytes.
    pub(crate) fn collecting(limit: usize) -> Self {
        Self(Arc::new(Mutex::new(State { data: vec![], offset: 0, limit, overflowed: false })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was written; `None` where it was more than the limit.
    pub(crate) fn take(&self) -> Option<Vec<u8>> {
        let mut state = self.state();
        if state.overflowed { None } else { Some(std::mem::take(&mut state.data)) }
    }
}

impl FileObject for MemoryFile {
    fn read(&self, buffer: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        let mut state = self.state();
        let rest = state.data.get(state.offset..).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        state.offset += count;
        Ok(count)
    }

    fn write(&self, data: &[u8], cancel: &CancelToken) -> io::Result<usize> {
        if cancel.is_cancelled() {
            return Err(io::Error::from_raw_os_error(4));
        }
        let mut state = self.state();
        if state.data.len() + data.len() > state.limit {
            state.overflowed = true;
            return Err(io::Error::from_raw_os_error(EFBIG));
        }
        state.data.extend_from_slice(data);
        Ok(data.len())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::unnamed(FileKind::Fifo, self.state().data.len() as u64, 0o600, 0))
    }

    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }
}
