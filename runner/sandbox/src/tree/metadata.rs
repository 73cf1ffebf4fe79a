//! What is known of a file.

use std::io;
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use stepbox_system::{FileKind, Metadata};

use super::entry::Found;
use super::errors::{ENOENT, ENOTDIR, error};
use super::place::Place;
use super::walk::is_link_error;
use super::{Climb, Directory, FileTree, kernel};

/// The attribute in which the mode that was asked for is remembered, in octal, where the host's file has another (DESIGN 3.5).
const MODE_ATTRIBUTE: &str = "user.stepbox.mode";

/// Set on the host's file where a mode is remembered, so that it is not looked for elsewhere, which would mean to open every
/// file that is asked about. Of the modes that guests ask for only the lower nine bits come to the host, so that nothing else sets it.
pub(crate) const MARK: u32 = 0o1000;

pub(super) fn kind_of(kind: FileType) -> FileKind {
    match kind {
        FileType::Directory => FileKind::Directory,
        FileType::Symlink => FileKind::Symlink,
        FileType::Fifo => FileKind::Fifo,
        FileType::Socket => FileKind::Socket,
        FileType::CharacterDevice => FileKind::CharacterDevice,
        FileType::BlockDevice => FileKind::BlockDevice,
        _ => FileKind::File,
    }
}

fn time(seconds: i64, nanoseconds: u64) -> SystemTime {
    let part = u32::try_from(nanoseconds).unwrap_or(0).min(999_999_999);
    let moved = if seconds >= 0 {
        SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds.unsigned_abs(), part))
    } else {
        SystemTime::UNIX_EPOCH
            .checked_sub(Duration::from_secs(seconds.unsigned_abs()))
            .and_then(|whole| whole.checked_add(Duration::from_nanos(part.into())))
    };
    moved.unwrap_or(SystemTime::UNIX_EPOCH)
}

pub(super) fn metadata_of(stat: &Stat) -> Metadata {
    Metadata {
        kind: kind_of(FileType::from_raw_mode(stat.st_mode)),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        mode: stat.st_mode & 0o7777,
        links: stat.st_nlink,
        device: stat.st_dev,
        inode: stat.st_ino,
        modified: time(stat.st_mtime, stat.st_mtime_nsec),
        accessed: time(stat.st_atime, stat.st_atime_nsec),
    }
}

/// What a command of the image looks like.
pub(super) fn command_metadata() -> Metadata {
    Metadata::unnamed(FileKind::File, 0, 0o755, 2)
}

/// The remembered mode of an open file.
pub(crate) fn remembered_mode(file: impl AsFd) -> Option<u32> {
    let mut text = [0; 8];
    let length = rustix::fs::fgetxattr(file, MODE_ATTRIBUTE, &mut text).ok()?;
    let mode = u32::from_str_radix(std::str::from_utf8(&text[..length]).ok()?, 8).ok()?;
    Some(mode & 0o7777)
}

/// Remembers a mode, or that there is none to remember.
pub(super) fn remember_mode(file: impl AsFd, mode: Option<u32>) -> io::Result<()> {
    match mode {
        Some(mode) => {
            let text = format!("{mode:o}");
            Ok(rustix::fs::fsetxattr(file, MODE_ATTRIBUTE, text.as_bytes(), rustix::fs::XattrFlags::empty())?)
        }
        // It was not there, or the file system has no attributes.
        None => {
            let _ = rustix::fs::fremovexattr(file, MODE_ATTRIBUTE);
            Ok(())
        }
    }
}

/// What was asked about.
pub(super) enum Stated {
    Host(Stat),
    Other(Metadata),
}

impl Stated {
    fn is_dir(&self) -> bool {
        match self {
            Self::Host(stat) => FileType::from_raw_mode(stat.st_mode) == FileType::Directory,
            Self::Other(metadata) => metadata.is_dir(),
        }
    }

    pub(super) fn metadata(&self) -> Metadata {
        match self {
            Self::Host(stat) => metadata_of(stat),
            Self::Other(metadata) => metadata.clone(),
        }
    }
}

impl FileTree {
    /// What is known of the file that a path leads to; of a link itself where `follow` is false.
    pub(crate) fn metadata_at(
        &self,
        base: &Directory,
        path: &[u8],
        climb: Climb,
        follow: bool,
    ) -> io::Result<Metadata> {
        self.stat_at(base, path, climb, follow).map(|stated| stated.metadata())
    }

    pub(super) fn stat_at(&self, base: &Directory, path: &[u8], climb: Climb, follow: bool) -> io::Result<Stated> {
        if let Some(plain) = self.plain(base, path, climb)?
            && let Place::Below(number, rest) = self.place(&plain.path)
        {
            let (handle, rest) = self.nearest_or_itself(base, &plain.path, number, rest)?;
            let stat = if rest.contains(&b'/') {
                kernel::open_path(handle, rest, OFlags::PATH, Mode::empty())
                    .and_then(|opened| Ok(rustix::fs::fstat(&opened)?))
            } else {
                // A single name, which the kernel does not follow.
                rustix::fs::statat(handle, rest, AtFlags::SYMLINK_NOFOLLOW).map_err(io::Error::from)
            };
            match stat {
                Ok(stat) => {
                    let kind = FileType::from_raw_mode(stat.st_mode);
                    if kind != FileType::Symlink || !(follow || plain.slash) {
                        return ended(Stated::Host(stat), plain.slash);
                    }
                }
                Err(failed) if is_link_error(&failed) => {}
                Err(failed) => return Err(failed),
            }
        }
        let slash = path.ends_with(b"/");
        match self.walk(base, path, climb, follow || slash)? {
            Found::Directory(directory) => Ok(Stated::Host(rustix::fs::fstat(directory.handle(self)?)?)),
            Found::Entry(entry) => {
                let name = entry.host_name();
                let stat = rustix::fs::statat(entry.directory()?, name, AtFlags::SYMLINK_NOFOLLOW)?;
                ended(Stated::Host(stat), entry.slash)
            }
            Found::Device(device) => ended(Stated::Other(device.metadata()), slash),
            Found::Command(_) => ended(Stated::Other(command_metadata()), slash),
        }
    }

    /// The mode of a file that a path leads to: the one that was asked for (DESIGN 3.5).
    pub(crate) fn mode_at(&self, base: &Directory, path: &[u8], climb: Climb, follow: bool) -> io::Result<u32> {
        let metadata = self.metadata_at(base, path, climb, follow)?;
        Ok(self.remembered_at(base, path, climb, &metadata).unwrap_or(metadata.mode))
    }

    pub(super) fn remembered_at(
        &self,
        base: &Directory,
        path: &[u8],
        climb: Climb,
        metadata: &Metadata,
    ) -> Option<u32> {
        if metadata.mode & MARK == 0 || !matches!(metadata.kind, FileKind::File | FileKind::Directory) {
            return None;
        }
        match self.open_host(base, path, climb, OFlags::RDONLY).ok()? {
            Some(file) => remembered_mode(&file),
            None => None,
        }
    }
}

/// A slash at the end wants a directory.
fn ended(stated: Stated, slash: bool) -> io::Result<Stated> {
    if slash && !stated.is_dir() { Err(error(ENOTDIR)) } else { Ok(stated) }
}

impl FileTree {
    /// Opens what a path leads to on the host, without making anything; `None` where it is ours.
    pub(super) fn open_host(
        &self,
        base: &Directory,
        path: &[u8],
        climb: Climb,
        flags: OFlags,
    ) -> io::Result<Option<std::os::fd::OwnedFd>> {
        match self.walk(base, path, climb, true)? {
            Found::Directory(directory) => Ok(Some(directory.readable(self)?)),
            Found::Entry(entry) => {
                if entry.host_name().is_empty() {
                    return Err(error(ENOENT));
                }
                kernel::open_name(entry.directory()?, entry.host_name(), flags, Mode::empty()).map(Some)
            }
            Found::Device(_) | Found::Command(_) => Ok(None),
        }
    }
}
