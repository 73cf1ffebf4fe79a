use std::fs::File;
use std::io::{self, Read, Seek, Write};

use stepbox_system::{CancelToken, FileKind, FileObject, Metadata};

/// A file of a mount. Its offset is the kernel's, and so is the rule for appending.
pub(super) struct HostFile {
    file: File,
    kind: FileKind,
}

impl HostFile {
    pub(super) fn new(file: File, kind: FileKind) -> Self {
        Self { file, kind }
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
        Ok(super::metadata_of(&cap_std::fs::Metadata::from_file(&self.file)?))
    }

    fn kind(&self) -> FileKind {
        self.kind
    }
}
