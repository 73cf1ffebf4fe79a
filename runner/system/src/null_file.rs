use std::io;
use std::time::SystemTime;

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
        Ok(Metadata {
            kind: FileKind::CharacterDevice,
            size: 0,
            mode: 0o666,
            links: 1,
            device: 0,
            inode: 3,
            modified: SystemTime::UNIX_EPOCH,
            accessed: SystemTime::UNIX_EPOCH,
        })
    }

    fn kind(&self) -> FileKind {
        FileKind::CharacterDevice
    }
}
