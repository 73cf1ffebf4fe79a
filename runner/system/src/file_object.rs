use std::any::Any;
use std::io;
use std::sync::Arc;

use crate::{CancelToken, FileKind, Interest, Metadata, Wake, Watch};

/// What stands behind an open descriptor. Shared by every descriptor that was duplicated from it, its offset too.
///
/// Errors are `io::Error` with an operating system code where a guest is to see one (`EPIPE`, `EBADF`, …).
pub trait FileObject: Any + Send + Sync {
    /// Reads at the current offset and moves it; 0 is the end. A wait ends with `EINTR` when `cancel` is cancelled.
    fn read(&self, buffer: &mut [u8], cancel: &CancelToken) -> io::Result<usize>;

    /// Writes at the current offset (at the end of the file where it was opened to append) and moves it.
    fn write(&self, data: &[u8], cancel: &CancelToken) -> io::Result<usize>;

    /// Moves the offset; `ESPIPE` where there is none.
    fn seek(&self, position: io::SeekFrom) -> io::Result<u64> {
        let _ = position;
        Err(io::Error::from_raw_os_error(29))
    }

    /// What is known of the file.
    fn metadata(&self) -> io::Result<Metadata>;

    /// The kind of file, without asking the host.
    fn kind(&self) -> FileKind;

    /// Whether this is a terminal, for `test -t`.
    fn is_terminal(&self) -> bool {
        false
    }

    /// Whether a read or a write would not wait now. What cannot tell says so.
    fn is_ready(&self, interest: Interest) -> bool {
        let _ = interest;
        true
    }

    /// The same for one who asks once and does not wait: what cannot be watched may know it too.
    fn is_ready_now(&self, interest: Interest) -> bool {
        self.is_ready(interest)
    }

    /// Has `waker` woken when [`FileObject::is_ready`] may say something else; nothing where that never changes.
    fn watch(&self, waker: Arc<dyn Wake>) -> Option<Watch> {
        let _ = waker;
        None
    }
}
