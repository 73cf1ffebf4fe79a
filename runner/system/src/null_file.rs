use std::io;

use crate::{CancelToken, FileKind, FileObject, Metadata};

/// `/dev/null`: reads nothing, swallows everything.
#[derive(Clone, Copy, Debug, Default)]
pub struct NullFile;

impl FileObject for NullFile {
    fn read(&self, _: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        Ok(0)
    }

    fn write(&self, data: &[u8], _: &CancelToken) -> io::Result<usize> {
        Ok(data.len())
    }

    fn seek(&self, _: io::SeekFrom) -> io::Result<u64> {
        Ok(0)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::unnamed(FileKind::CharacterDevice, 0, 0o666, 3))
    }

    fn kind(&self) -> FileKind {
        FileKind::CharacterDevice
    }
}
