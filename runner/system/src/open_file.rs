use std::any::Any;
use std::io;
use std::sync::Arc;

use crate::{CancelToken, FileKind, FileObject, Interest, Metadata, NullFile, Wake, Watch};

/// An open descriptor: a shared handle on a [`FileObject`]. A clone is a duplicate, as `dup` makes one; the object is
/// closed with its last handle.
#[derive(Clone)]
pub struct OpenFile(Arc<dyn FileObject>);

impl OpenFile {
    /// A descriptor on `object`.
    pub fn new(object: impl FileObject + 'static) -> Self {
        Self(Arc::new(object))
    }

    /// A descriptor on an object that others hold too.
    pub fn from_shared(object: Arc<dyn FileObject>) -> Self {
        Self(object)
    }

    /// A descriptor on `/dev/null`.
    pub fn null() -> Self {
        Self::new(NullFile)
    }

    /// Whether both are descriptors of one open file.
    pub fn same_as(&self, other: &Self) -> bool {
        std::ptr::addr_eq(Arc::as_ptr(&self.0), Arc::as_ptr(&other.0))
    }

    /// See [`FileObject::read`].
    pub fn read(&self, buffer: &mut [u8], cancel: &CancelToken) -> io::Result<usize> {
        self.0.read(buffer, cancel)
    }

    /// See [`FileObject::write`]. May write less than all of `data`.
    pub fn write(&self, data: &[u8], cancel: &CancelToken) -> io::Result<usize> {
        self.0.write(data, cancel)
    }

    /// Writes all of `data`.
    pub fn write_all(&self, mut data: &[u8], cancel: &CancelToken) -> io::Result<()> {
        while !data.is_empty() {
            match self.0.write(data, cancel)? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => data = &data[written..],
            }
        }
        Ok(())
    }

    /// Reads to the end, at most `limit` bytes; more is an `EFBIG` error.
    pub fn read_to_end(&self, limit: usize, cancel: &CancelToken) -> io::Result<Vec<u8>> {
        let mut data = vec![];
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = self.0.read(&mut buffer, cancel)?;
            if count == 0 {
                return Ok(data);
            }
            if data.len() + count > limit {
                return Err(io::Error::from_raw_os_error(27));
            }
            data.extend_from_slice(&buffer[..count]);
        }
    }

    /// See [`FileObject::seek`].
    pub fn seek(&self, position: io::SeekFrom) -> io::Result<u64> {
        self.0.seek(position)
    }

    /// See [`FileObject::metadata`].
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata()
    }

    /// See [`FileObject::is_ready_now`].
    pub fn is_ready_now(&self, interest: Interest) -> bool {
        self.0.is_ready_now(interest)
    }

    /// See [`FileObject::is_ready`].
    pub fn is_ready(&self, interest: Interest) -> bool {
        self.0.is_ready(interest)
    }

    /// See [`FileObject::watch`].
    pub fn watch(&self, waker: Arc<dyn Wake>) -> Option<Watch> {
        self.0.watch(waker)
    }

    /// The object, where it is a `T`.
    pub fn downcast_ref<T: FileObject>(&self) -> Option<&T> {
        let object: &dyn Any = &*self.0;
        object.downcast_ref()
    }

    /// See [`FileObject::kind`].
    pub fn kind(&self) -> FileKind {
        self.0.kind()
    }

    /// See [`FileObject::is_terminal`].
    pub fn is_terminal(&self) -> bool {
        self.0.is_terminal()
    }
}

impl std::fmt::Debug for OpenFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OpenFile").field(&self.kind()).finish()
    }
}
