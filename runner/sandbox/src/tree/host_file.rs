use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, OFlags};
use stepbox_system::{CancelToken, FileKind, FileObject, Metadata};

use super::Quota;

/// A file of a mount. Its offset is the kernel's, and so is the rule for appending.
pub(crate) struct HostFile {
    file: File,
    kind: FileKind,
    writable: bool,
    quota: Quota,
    /// Whether the offset was set since something was written there.
    moved: AtomicBool,
}

impl HostFile {
    pub(super) fn new(file: File, kind: FileKind, writable: bool, quota: Quota) -> Self {
        Self { file, kind, writable, quota, moved: AtomicBool::new(false) }
    }

    /// Writes some of `length` bytes that count.
    fn counted(&self, length: usize, write: impl FnOnce() -> io::Result<usize>) -> io::Result<usize> {
        let length = length as u64;
        self.quota.take(length)?;
        let written = write();
        self.quota.give_back(length - written.as_ref().map_or(0, |count| *count as u64).min(length));
        written
    }

    /// Takes what lies between the end of the file and a place behind it: it counts like written bytes, since whoever reads
    /// the file has to read it.
    fn reach(&self, offset: u64) -> io::Result<()> {
        if self.quota.bytes.is_none() || offset == 0 {
            return Ok(());
        }
        let size = u64::try_from(rustix::fs::fstat(&self.file)?.st_size).unwrap_or(0);
        self.quota.take(offset.saturating_sub(size))
    }

    /// Sets its size.
    pub(crate) fn set_size(&self, size: u64) -> io::Result<()> {
        self.reach(size)?;
        Ok(rustix::fs::ftruncate(&self.file, size)?)
    }

    /// Makes room, and the file as large as that.
    pub(crate) fn allocate(&self, offset: u64, length: u64) -> io::Result<()> {
        self.reach(offset.saturating_add(length))?;
        Ok(rustix::fs::fallocate(&self.file, FallocateFlags::empty(), offset, length)?)
    }

    /// The open file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Whether its mount may be written.
    pub(crate) fn writable(&self) -> bool {
        self.writable
    }

    pub(crate) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    pub(crate) fn write_at(&self, data: &[u8], offset: u64) -> io::Result<usize> {
        self.reach(offset)?;
        self.counted(data.len(), || self.file.write_at(data, offset))
    }

    /// Whether every write goes to the end.
    pub(crate) fn appends(&self) -> io::Result<bool> {
        Ok(rustix::fs::fcntl_getfl(&self.file)?.contains(OFlags::APPEND))
    }

    /// Sets whether every write goes to the end.
    pub(crate) fn set_appends(&self, appends: bool) -> io::Result<()> {
        let mut flags = rustix::fs::fcntl_getfl(&self.file)?;
        flags.set(OFlags::APPEND, appends);
        Ok(rustix::fs::fcntl_setfl(&self.file, flags)?)
    }
}

impl FileObject for HostFile {
    fn read(&self, buffer: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        (&self.file).read(buffer)
    }

    fn write(&self, data: &[u8], _: &CancelToken) -> io::Result<usize> {
        // Only behind its end the file grows by more than what is written.
        if self.moved.load(Ordering::Relaxed) && self.quota.bytes.is_some() {
            self.moved.store(false, Ordering::Relaxed);
            self.reach((&self.file).stream_position()?)?;
        }
        self.counted(data.len(), || (&self.file).write(data))
    }

    fn seek(&self, position: io::SeekFrom) -> io::Result<u64> {
        // Asking for the place is no move.
        if !matches!(position, io::SeekFrom::Current(0)) {
            self.moved.store(true, Ordering::Relaxed);
        }
        (&self.file).seek(position)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(super::metadata::metadata_of(&rustix::fs::fstat(&self.file)?))
    }

    fn kind(&self) -> FileKind {
        self.kind
    }
}
