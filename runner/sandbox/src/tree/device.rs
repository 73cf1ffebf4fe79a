use std::io;
use std::time::SystemTime;

use stepbox_system::{CancelToken, FileKind, FileObject, Metadata, OpenFile, VirtualPath};

const ENXIO: i32 = 6;
const ENOSPC: i32 = 28;

/// A device under `/dev`. None is the host's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Device {
    Full,
    Null,
    Random,
    Tty,
    Zero,
}

const DEVICES: [(&str, Device); 6] = [
    ("full", Device::Full),
    ("null", Device::Null),
    ("random", Device::Random),
    ("tty", Device::Tty),
    ("urandom", Device::Random),
    ("zero", Device::Zero),
];

impl Device {
    /// The names under `/dev`.
    pub(super) fn names() -> impl Iterator<Item = &'static str> {
        DEVICES.iter().map(|(name, _)| *name)
    }

    /// The device at a normalized path.
    pub(super) fn at(path: &VirtualPath) -> Option<Self> {
        let name = path.as_bytes().strip_prefix(b"/dev/")?;
        DEVICES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, device)| *device)
    }

    pub(super) fn open(self) -> io::Result<OpenFile> {
        match self {
            // No step has a terminal.
            Self::Tty => Err(io::Error::from_raw_os_error(ENXIO)),
            Self::Null => Ok(OpenFile::null()),
            device => Ok(OpenFile::new(device)),
        }
    }

    pub(super) fn metadata(self) -> Metadata {
        Metadata {
            kind: FileKind::CharacterDevice,
            size: 0,
            mode: 0o666,
            links: 1,
            device: 0,
            inode: 16 + self as u64,
            modified: SystemTime::UNIX_EPOCH,
            accessed: SystemTime::UNIX_EPOCH,
        }
    }
}

impl FileObject for Device {
    fn read(&self, buffer: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        match self {
            Self::Null | Self::Tty => return Ok(0),
            Self::Zero | Self::Full => buffer.fill(0),
            Self::Random => {
                let count = buffer.len().min(64 * 1024);
                return Ok(rustix::rand::getrandom(&mut buffer[..count], rustix::rand::GetRandomFlags::empty())?);
            }
        }
        Ok(buffer.len())
    }

    fn write(&self, data: &[u8], _: &CancelToken) -> io::Result<usize> {
        if *self == Self::Full { Err(io::Error::from_raw_os_error(ENOSPC)) } else { Ok(data.len()) }
    }

    fn seek(&self, _: io::SeekFrom) -> io::Result<u64> {
        Ok(0)
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok((*self).metadata())
    }

    fn kind(&self) -> FileKind {
        FileKind::CharacterDevice
    }
}
