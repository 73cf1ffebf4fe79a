//! Opening files and directories.

use std::fs::File;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use stepbox_system::{FileKind, OpenFile};

use super::device::Device;
use super::entry::{Entry, Found};
use super::errors::{EACCES, EEXIST, EISDIR, ELOOP, ENOENT, ENOTDIR, EROFS, error};
use super::metadata::kind_of;
use super::place::Place;
use super::walk::is_link_error;
use super::{Climb, Directory, FileTree, HostFile, Quota, kernel};

/// How something is to be opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OpenHow {
    pub(crate) read: bool,
    pub(crate) write: bool,
    pub(crate) append: bool,
    pub(crate) truncate: bool,
    pub(crate) create: bool,
    /// With `create`: an error where something is there.
    pub(crate) exclusive: bool,
    /// An error where it is no directory.
    pub(crate) directory: bool,
    /// Whether a link at the end is followed.
    pub(crate) follow: bool,
    /// Permission bits of a new file, the umask already taken off.
    pub(crate) mode: u32,
    /// Whether a write returns when it is safe on disk, with all that belongs to it or with its data alone.
    pub(crate) synchronous: bool,
    pub(crate) data_synchronous: bool,
}

/// What was opened.
pub(crate) enum Opened {
    File(OpenFile),
    Directory(Directory),
    /// The descriptor of this number of whoever opens it.
    Descriptor(u32),
}

impl OpenHow {
    fn flags(&self) -> OFlags {
        let mut flags = match (self.read, self.write || self.append) {
            (_, false) => OFlags::RDONLY,
            (false, true) => OFlags::WRONLY,
            (true, true) => OFlags::RDWR,
        };
        flags.set(OFlags::APPEND, self.append);
        flags.set(OFlags::TRUNC, self.truncate);
        flags.set(OFlags::CREATE, self.create);
        flags.set(OFlags::EXCL, self.create && self.exclusive);
        flags.set(OFlags::DIRECTORY, self.directory);
        flags.set(OFlags::DSYNC, self.data_synchronous);
        flags.set(OFlags::SYNC, self.synchronous);
        flags
    }

    fn mode(&self) -> Mode {
        if !self.create {
            return Mode::empty();
        }
        // The host's file stays readable and writable for us (DESIGN 3.5).
        Mode::from_raw_mode(self.mode & 0o777 | 0o600)
    }

    fn changes(&self) -> bool {
        self.write || self.append || self.truncate || self.create
    }
}

/// Opens or makes a file; a new one has the mode that was asked for.
fn open_file(directory: BorrowedFd<'_>, path: &[u8], flags: OFlags, how: &OpenHow) -> io::Result<OwnedFd> {
    let open = if path.contains(&b'/') { kernel::open_path } else { kernel::open_name };
    if !flags.contains(OFlags::CREATE) {
        return open(directory, path, flags, Mode::empty());
    }
    if kernel::differs_when_new(how.mode, false) {
        match open(directory, path, flags | OFlags::EXCL, how.mode()) {
            Ok(made) => return kernel::settle_new(&made, how.mode, false).map(|()| made),
            Err(there) if there.raw_os_error() == Some(EEXIST) && !how.exclusive => {}
            Err(failed) => return Err(failed),
        }
    }
    open(directory, path, flags, how.mode())
}

/// A deliberate hole, for the tests of the second wall: opens a file of the host.
#[cfg(feature = "holes")]
fn hole(path: &[u8]) -> Option<io::Result<OwnedFd>> {
    let mark = b"stepbox-hole:";
    let at = path.windows(mark.len()).position(|part| part == mark)?;
    let host: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(&path[at + mark.len()..]);
    Some(File::open(host).map(OwnedFd::from))
}

impl FileTree {
    /// Opens what a path leads to.
    pub(crate) fn open_at(&self, base: &Directory, path: &[u8], climb: Climb, how: &OpenHow) -> io::Result<Opened> {
        #[cfg(feature = "holes")]
        if let Some(file) = hole(path) {
            let directory = |handle| Directory::opened(base.path.clone(), 0, handle);
            return self.opened(file?, how, false, &Quota::default(), directory);
        }
        if let Some(plain) = self.plain(base, path, climb)?
            && let Place::Below(number, rest) = self.place(&plain.path)
        {
            let writable = self.mounts[number].writable;
            if how.changes() && !writable {
                return self.open_read_only(base, path, climb, how);
            }
            if plain.slash && how.create {
                return Err(error(EISDIR));
            }
            let (handle, rest) = self.nearest_or_itself(base, &plain.path, number, rest)?;
            let mut flags = how.flags();
            flags.set(OFlags::DIRECTORY, how.directory || plain.slash);
            let quota = &self.mounts[number].quota;
            let opened = counted(quota, how, flags, |flags| open_file(handle, rest, flags, how));
            match opened {
                Ok(opened) => {
                    let found = |handle| Directory::opened(plain.path.clone(), number, handle);
                    return self.opened(opened, how, writable, quota, found);
                }
                Err(failed) if is_link_error(&failed) => {}
                Err(failed) => return Err(failed),
            }
        }
        let slash = path.ends_with(b"/");
        match self.walk(base, path, climb, (how.follow || slash) && !(how.create && how.exclusive))? {
            Found::Directory(directory) => self.open_directory(&directory, how),
            Found::Device(_) | Found::Command(_) if how.directory || slash => Err(error(ENOTDIR)),
            Found::Device(_) | Found::Command(_) if how.create && how.exclusive => Err(error(EEXIST)),
            Found::Device(Device::Descriptor(number)) => Ok(Opened::Descriptor(number)),
            Found::Device(device) => device.open().map(Opened::File),
            Found::Command(_) if how.changes() => Err(error(EACCES)),
            Found::Command(_) => Ok(Opened::File(OpenFile::null())),
            Found::Entry(entry) => self.open_entry(&entry, how),
        }
    }

    /// A mount that cannot be written says so of what is there and of what would be made, but of nothing else.
    fn open_read_only(&self, base: &Directory, path: &[u8], climb: Climb, how: &OpenHow) -> io::Result<Opened> {
        match self.metadata_at(base, path, climb, how.follow) {
            Ok(_) if how.create && how.exclusive => Err(error(EEXIST)),
            Ok(metadata) if metadata.is_dir() && (how.write || how.append) => Err(error(EISDIR)),
            Ok(_) if how.write || how.append || how.truncate => Err(error(EROFS)),
            Ok(_) => self.open_at(base, path, climb, &OpenHow { create: false, ..*how }),
            Err(failed) if failed.raw_os_error() == Some(ENOENT) && how.create => Err(error(EROFS)),
            Err(failed) => Err(failed),
        }
    }

    fn open_directory(&self, directory: &Directory, how: &OpenHow) -> io::Result<Opened> {
        if how.create && how.exclusive {
            return Err(error(EEXIST));
        }
        if how.changes() {
            return Err(error(EISDIR));
        }
        let handle = directory.readable(self)?;
        Ok(Opened::Directory(Directory::opened(directory.path.clone(), directory.mount, handle)))
    }

    fn open_entry(&self, entry: &Entry<'_>, how: &OpenHow) -> io::Result<Opened> {
        let writable = entry.check_writable();
        let mut flags = how.flags();
        let mut how = *how;
        if how.changes()
            && let Err(failed) = writable
        {
            let there = kernel::open_name(entry.directory()?, entry.host_name(), OFlags::PATH, Mode::empty());
            match there {
                Ok(_) if how.create && how.exclusive => return Err(error(EEXIST)),
                Ok(_) if how.write || how.append || how.truncate => return Err(failed),
                Ok(_) => {
                    how.create = false;
                    flags = how.flags();
                }
                Err(missing) if missing.raw_os_error() == Some(ENOENT) && how.create => return Err(failed),
                Err(other) => return Err(other),
            }
        }
        if entry.slash && how.create {
            return Err(error(EISDIR));
        }
        flags.set(OFlags::DIRECTORY, how.directory || entry.slash);
        let directory = entry.directory()?;
        let opened = counted(entry.quota(), &how, flags, |flags| open_file(directory, entry.host_name(), flags, &how));
        let opened = opened.map_err(|failed| match failed.raw_os_error() {
            Some(ELOOP) if how.create && how.exclusive => error(EEXIST),
            _ => failed,
        })?;
        let path = entry.path()?;
        let found = |handle| Directory::opened(path, entry.mount(), handle);
        self.opened(opened, &how, entry.check_writable().is_ok(), entry.quota(), found)
    }

    fn opened(
        &self,
        handle: OwnedFd,
        how: &OpenHow,
        writable: bool,
        quota: &Quota,
        directory: impl FnOnce(OwnedFd) -> Directory,
    ) -> io::Result<Opened> {
        let kind = if how.directory {
            FileKind::Directory
        } else {
            kind_of(FileType::from_raw_mode(rustix::fs::fstat(&handle)?.st_mode))
        };
        if kind == FileKind::Directory {
            return if how.create { Err(error(EISDIR)) } else { Ok(Opened::Directory(directory(handle))) };
        }
        // What is only read uses nothing up.
        let quota = if how.changes() { quota.clone() } else { Quota::default() };
        Ok(Opened::File(OpenFile::new(HostFile::new(File::from(handle), kind, writable, quota))))
    }
}

/// Opens by `open`; what is made by that counts. Where something is there already nothing is made.
fn counted(
    quota: &Quota,
    how: &OpenHow,
    flags: OFlags,
    open: impl Fn(OFlags) -> io::Result<OwnedFd>,
) -> io::Result<OwnedFd> {
    if !how.create || how.directory || quota.entries.is_none() {
        return open(flags);
    }
    if !how.exclusive {
        match open(flags.difference(OFlags::CREATE)) {
            Err(missing) if missing.raw_os_error() == Some(ENOENT) => {}
            other => return other,
        }
    }
    quota.entry(|| open(flags))
}
