use std::io;

use stepbox_system::{CancelToken, FileKind, FileObject, Metadata, OpenFile, VirtualPath};

const ENXIO: i32 = 6;
const ENOSPC: i32 = 28;

/// A device under `/dev`. None is the host's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Device {
    /// A descriptor of whoever opens it, by its number: `/dev/stdin`, `/dev/fd/3`.
    Descriptor(u32),
    Full,
    Null,
    Random,
    Tty,
    Zero,
}

const DEVICES: [(&str, Device); 9] = [
    ("full", Device::Full),
    ("null", Device::Null),
    ("random", Device::Random),
    ("stderr", Device::Descriptor(2)),
    ("stdin", Device::Descriptor(0)),
    ("stdout", Device::Descriptor(1)),
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
        if let Some(number) = name.strip_prefix(b"fd/") {
            return std::str::from_utf8(number).ok()?.parse().ok().map(Self::Descriptor);
        }
        DEVICES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, device)| *device)
    }

    pub(super) fn open(self) -> io::Result<OpenFile> {
        match self {
            // No step has a terminal, and whose descriptor it is must be known.
            Self::Tty | Self::Descriptor(_) => Err(io::Error::from_raw_os_error(ENXIO)),
            Self::Null => Ok(OpenFile::null()),
            device => Ok(OpenFile::new(device)),
        }
    }

    pub(super) fn metadata(self) -> Metadata {
        Metadata::unnamed(FileKind::CharacterDevice, 0, 0o666, self.inode())
    }
}

impl Device {
    fn inode(self) -> u64 {
        match self {
            Self::Full => 16,
            Self::Null => 17,
            Self::Random => 18,
            Self::Tty => 19,
            Self::Zero => 20,
            Self::Descriptor(number) => 32 + u64::from(number),
        }
    }
}

impl FileObject for Device {
    fn read(&self, buffer: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        match self {
            Self::Null | Self::Tty | Self::Descriptor(_) => return Ok(0),
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
