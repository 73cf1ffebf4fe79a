//! The same calls on a directory by Linux itself: what they must come to.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, ResolveFlags, SeekFrom};
use rustix::io::Errno;

use super::Came;
use super::calls::Call;

struct Open {
    handle: OwnedFd,
    directory: bool,
    read: bool,
    write: bool,
}

/// A guest as Linux would see it: descriptors from 3 on, the first of them the directory.
pub(crate) struct Linux {
    open: BTreeMap<u32, Open>,
}

type Result<T> = std::result::Result<T, Errno>;

impl Linux {
    pub(crate) fn new(directory: &Path) -> Self {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let handle = rustix::fs::open(directory, flags, Mode::empty()).expect("opens");
        Self { open: BTreeMap::from([(3, Open { handle, directory: true, read: false, write: false })]) }
    }

    pub(crate) fn came(&mut self, call: &Call) -> Came {
        match self.make(call) {
            Ok(came) => came,
            Err(errno) => Came::Error(errno.raw_os_error() as u8),
        }
    }

    fn get(&self, number: u32) -> Result<&Open> {
        self.open.get(&number).ok_or(Errno::BADF)
    }

    fn directory(&self, number: u32) -> Result<BorrowedFd<'_>> {
        let open = self.get(number)?;
        if open.directory { Ok(open.handle.as_fd()) } else { Err(Errno::NOTDIR) }
    }

    fn file(&self, number: u32, read: bool, write: bool) -> Result<BorrowedFd<'_>> {
        let open = self.get(number)?;
        let able = !open.directory && (!read || open.read) && (!write || open.write);
        if able { Ok(open.handle.as_fd()) } else { Err(Errno::BADF) }
    }

    /// The directory that a path's last name is in, beneath the one that it begins at, and that name as it ends.
    fn parent(&self, number: u32, path: &str) -> Result<(OwnedFd, String)> {
        let from = self.directory(number)?;
        if path.is_empty() {
            return Err(Errno::NOENT);
        }
        if path.starts_with('/') {
            return Err(Errno::PERM);
        }
        let bare = path.trim_end_matches('/');
        let (above, name) = bare.rsplit_once('/').unwrap_or((".", bare));
        let above = if above.is_empty() { "." } else { above };
        let slash = if path.ends_with('/') { "/" } else { "" };
        let parent = beneath(from, above, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
        Ok((parent, format!("{name}{slash}")))
    }

    fn make(&mut self, call: &Call) -> Result<Came> {
        match call {
            Call::Open { at, path, oflags, rights, append, follow } => {
                let (read, write) = (rights & 2 != 0, rights & 64 != 0);
                let mut flags = match (read, write) {
                    (_, false) => OFlags::RDONLY,
                    (false, true) => OFlags::WRONLY,
                    (true, true) => OFlags::RDWR,
                };
                flags.set(OFlags::APPEND, *append && write);
                flags.set(OFlags::CREATE, oflags & 1 != 0);
                flags.set(OFlags::DIRECTORY, oflags & 2 != 0);
                flags.set(OFlags::EXCL, oflags & 4 != 0 && oflags & 1 != 0);
                flags.set(OFlags::TRUNC, oflags & 8 != 0);
                flags.set(OFlags::NOFOLLOW, !follow);
                let mode = if oflags & 1 != 0 { Mode::from_raw_mode(0o644) } else { Mode::empty() };
                let from = self.directory(*at)?;
                if path.is_empty() {
                    return Err(Errno::NOENT);
                }
                let handle = beneath(from, path, flags, mode)?;
                let directory = kind(&handle)? == FileType::Directory;
                let number = (3..).find(|number| !self.open.contains_key(number)).expect("a free one");
                self.open.insert(number, Open { handle, directory, read, write });
                Ok(Came::Number(number.into()))
            }
            Call::Close { number } => self.open.remove(number).map(|_| Came::Nothing).ok_or(Errno::BADF),
            Call::Renumber { from, to } => {
                self.get(*from)?;
                self.get(*to)?;
                if from != to {
                    let moved = self.open.remove(from).expect("looked");
                    self.open.insert(*to, moved);
                }
                Ok(Came::Nothing)
            }
            Call::Read { number, length } => {
                let mut data = vec![0; *length as usize];
                let count = rustix::io::read(self.file(*number, true, false)?, &mut data[..])?;
                data.truncate(count);
                Ok(Came::Bytes(data))
            }
            Call::Write { number, data } => {
                let file = self.file(*number, false, true)?;
                Ok(Came::Number(rustix::io::write(file, data)? as u64))
            }
            Call::ReadAt { number, length, offset } => {
                let file = self.file(*number, true, false)?;
                let mut data = vec![0; *length as usize];
                let count = rustix::io::pread(file, &mut data[..], *offset)?;
                data.truncate(count);
                Ok(Came::Bytes(data))
            }
            Call::WriteAt { number, data, offset } => {
                let file = self.file(*number, false, true)?;
                Ok(Came::Number(rustix::io::pwrite(file, data, *offset)? as u64))
            }
            Call::Seek { number, offset, whence } => {
                let position = match whence {
                    0 => SeekFrom::Start(u64::try_from(*offset).map_err(|_| Errno::INVAL)?),
                    1 => SeekFrom::Current(*offset),
                    2 => SeekFrom::End(*offset),
                    _ => return Err(Errno::INVAL),
                };
                Ok(Came::Number(rustix::fs::seek(self.file(*number, false, false)?, position)?))
            }
            Call::Tell { number } => {
                Ok(Came::Number(rustix::fs::seek(self.file(*number, false, false)?, SeekFrom::Current(0))?))
            }
            Call::SetSize { number, size } => {
                rustix::fs::ftruncate(self.file(*number, false, true)?, *size)?;
                Ok(Came::Nothing)
            }
            Call::Stat { number } => Ok(told(&rustix::fs::fstat(&self.get(*number)?.handle)?)),
            Call::PathStat { at, path, follow } => {
                let from = self.directory(*at)?;
                if path.is_empty() {
                    return Err(Errno::NOENT);
                }
                let mut flags = OFlags::PATH;
                flags.set(OFlags::NOFOLLOW, !follow);
                Ok(told(&rustix::fs::fstat(&beneath(from, path, flags, Mode::empty())?)?))
            }
            Call::List { number } => {
                let from = self.directory(*number)?;
                let again = rustix::fs::openat(from, ".", OFlags::RDONLY | OFlags::DIRECTORY, Mode::empty())?;
                let mut buffer = Vec::with_capacity(8192);
                let mut entries = RawDir::new(&again, buffer.spare_capacity_mut());
                let mut listed = vec![];
                while let Some(entry) = entries.next() {
                    let entry = entry?;
                    listed.push((entry.file_name().to_bytes().to_vec(), number_of(entry.file_type())));
                }
                listed.sort();
                Ok(Came::Listed(listed))
            }
            Call::MakeDirectory { at, path } => {
                let (parent, name) = self.parent(*at, path)?;
                rustix::fs::mkdirat(parent, name, Mode::from_raw_mode(0o755))?;
                Ok(Came::Nothing)
            }
            Call::RemoveDirectory { at, path } => {
                let (parent, name) = self.parent(*at, path)?;
                rustix::fs::unlinkat(parent, name, AtFlags::REMOVEDIR)?;
                Ok(Came::Nothing)
            }
            Call::Unlink { at, path } => {
                let (parent, name) = self.parent(*at, path)?;
                rustix::fs::unlinkat(parent, name, AtFlags::empty())?;
                Ok(Came::Nothing)
            }
            Call::Rename { from, old, to, new } => {
                let ((from, old), (to, new)) = (self.parent(*from, old)?, self.parent(*to, new)?);
                rustix::fs::renameat(from, old, to, new)?;
                Ok(Came::Nothing)
            }
            Call::Link { from, old, to, new } => {
                let ((from, old), (to, new)) = (self.parent(*from, old)?, self.parent(*to, new)?);
                rustix::fs::linkat(from, old, to, new, AtFlags::empty())?;
                Ok(Came::Nothing)
            }
            Call::Symlink { target, at, path } => {
                let (parent, name) = self.parent(*at, path)?;
                rustix::fs::symlinkat(target, parent, name)?;
                Ok(Came::Nothing)
            }
            Call::ReadLink { at, path, length } => {
                let (parent, name) = self.parent(*at, path)?;
                let mut target = rustix::fs::readlinkat(parent, name, vec![])?.into_bytes();
                target.truncate(*length as usize);
                Ok(Came::Bytes(target))
            }
        }
    }
}

fn beneath(from: BorrowedFd<'_>, path: &str, flags: OFlags, mode: Mode) -> Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    rustix::fs::openat2(from, path, flags | OFlags::CLOEXEC, mode, resolve)
}

fn kind(handle: &OwnedFd) -> Result<FileType> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(handle)?.st_mode))
}

fn told(stat: &rustix::fs::Stat) -> Came {
    Came::stat(number_of(FileType::from_raw_mode(stat.st_mode)), stat.st_size as u64, stat.st_nlink as u64)
}

/// The number that preview 1 has for a kind.
fn number_of(kind: FileType) -> u8 {
    match kind {
        FileType::Directory => 3,
        FileType::RegularFile => 4,
        FileType::Symlink => 7,
        _ => 0,
    }
}
