use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::FileExt;

use rustix::fs::OFlags;
use stepbox_system::{CancelToken, FileKind, FileObject, Metadata};

/// A file of a mount. Its offset is the kernel's, and so is the rule for appending.
pub(crate) struct HostFile {
    file: File,
    kind: FileKind,
    writable: bool,
}

impl HostFile {
    pub(super) fn new(file: File, kind: FileKind, writable: bool) -> Self {
        Self { file, kind, writable }
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
        self.file.write_at(data, offset)
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
        (&self.file).write(data)
    }

    fn seek(&self, position: io::SeekFrom) -> io::Result<u64> {
        (&self.file).seek(position)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(super::metadata::metadata_of(&rustix::fs::fstat(&self.file)?))
    }

    fn kind(&self) -> FileKind {
        self.kind
    }
}
