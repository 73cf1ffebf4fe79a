//! Making, removing and renaming entries, and what is remembered of them.

use std::io;

use rustix::fs::{AtFlags, Mode, OFlags, Timestamps};

use super::entry::{Entry, Found};
use super::errors::{EBUSY, EEXIST, EINVAL, ENOENT, ENOTDIR, EPERM, EROFS, EXDEV, error};
use super::metadata::{MARK, kind_of, remember_mode};
use super::{Climb, Directory, FileTree, kernel, walk};

impl FileTree {
    /// The entry that a path names, which must be one that can be changed.
    fn to_change(&self, base: &Directory, path: &[u8], climb: Climb, there: i32) -> io::Result<Entry<'_>> {
        // It is in what it names, so that only what is there already can be meant (as Linux).
        if matches!(last_name(path), Some(b"." | b"..")) {
            self.metadata_at(base, path, climb, true)?;
            return Err(error(there));
        }
        match self.entry(base, path, climb)? {
            Found::Entry(entry) => Ok(entry),
            Found::Directory(_) => Err(error(there)),
            Found::Device(_) | Found::Command(_) => Err(error(if there == EEXIST { EEXIST } else { EROFS })),
        }
    }

    /// The same for an entry that goes: nothing may be mounted on it or below it.
    fn to_remove(&self, base: &Directory, path: &[u8], climb: Climb) -> io::Result<Entry<'_>> {
        let entry = self.to_change(base, path, climb, EBUSY)?;
        entry.check_writable()?;
        if self.holds_mount(&entry.path()?) {
            return Err(error(EBUSY));
        }
        Ok(entry)
    }

    /// Makes a directory with these permission bits, the umask already taken off.
    pub(crate) fn create_directory(&self, base: &Directory, path: &[u8], climb: Climb, mode: u32) -> io::Result<()> {
        let entry = self.to_change(base, path, climb, EEXIST)?;
        self.check_new(&entry)?;
        let permissions = Mode::from_raw_mode(mode & 0o777 | 0o700);
        entry.quota().entry(|| Ok(rustix::fs::mkdirat(entry.directory()?, entry.name_as_written(), permissions)?))?;
        if kernel::differs_when_new(mode, true) {
            let made = kernel::open_name(entry.directory()?, entry.host_name(), OFlags::DIRECTORY, Mode::empty())?;
            kernel::settle_new(made, mode, true)?;
        }
        Ok(())
    }

    /// A name that is there is an error before a mount that cannot be written is.
    fn check_new(&self, entry: &Entry<'_>) -> io::Result<()> {
        let Err(failed) = entry.check_writable() else { return Ok(()) };
        let there = rustix::fs::statat(entry.directory()?, entry.host_name(), AtFlags::SYMLINK_NOFOLLOW);
        if there.is_ok() { Err(error(EEXIST)) } else { Err(failed) }
    }

    /// Removes what is no directory.
    pub(crate) fn remove_file(&self, base: &Directory, path: &[u8], climb: Climb) -> io::Result<()> {
        let entry = match self.entry(base, path, climb)? {
            Found::Directory(_) => return Err(error(super::errors::EISDIR)),
            _ => self.to_remove(base, path, climb)?,
        };
        Ok(rustix::fs::unlinkat(entry.directory()?, entry.name_as_written(), AtFlags::empty())?)
    }

    /// Removes an empty directory.
    pub(crate) fn remove_directory(&self, base: &Directory, path: &[u8], climb: Climb) -> io::Result<()> {
        if last_name(path) == Some(b".") {
            return Err(error(EINVAL));
        }
        let entry = self.to_remove(base, path, climb)?;
        Ok(rustix::fs::unlinkat(entry.directory()?, entry.name_as_written(), AtFlags::REMOVEDIR)?)
    }

    /// Renames, atomically, within one mount; `EXDEV` else.
    pub(crate) fn rename(&self, from: (&Directory, &[u8], Climb), to: (&Directory, &[u8], Climb)) -> io::Result<()> {
        let old = self.to_remove(from.0, from.1, from.2)?;
        let new = self.to_remove(to.0, to.1, to.2)?;
        if old.mount() != new.mount() {
            return Err(error(EXDEV));
        }
        Ok(rustix::fs::renameat(old.directory()?, old.name_as_written(), new.directory()?, new.name_as_written())?)
    }

    /// Makes a further name of a file, within one mount; `EXDEV` else. A link is linked itself.
    pub(crate) fn link(&self, from: (&Directory, &[u8], Climb), to: (&Directory, &[u8], Climb)) -> io::Result<()> {
        let old = match self.entry(from.0, from.1, from.2)? {
            Found::Entry(entry) => entry,
            Found::Directory(_) => return Err(error(EPERM)),
            Found::Device(_) | Found::Command(_) => return Err(error(EXDEV)),
        };
        let new = self.to_change(to.0, to.1, to.2, EEXIST)?;
        self.check_new(&new)?;
        if old.mount() != new.mount() {
            return Err(error(EXDEV));
        }
        old.check_writable()?;
        let stat = rustix::fs::statat(old.directory()?, old.host_name(), AtFlags::SYMLINK_NOFOLLOW)?;
        let kind = kind_of(rustix::fs::FileType::from_raw_mode(stat.st_mode));
        if old.slash && kind != stepbox_system::FileKind::Directory {
            return Err(error(ENOTDIR));
        }
        if new.slash {
            let there = rustix::fs::statat(new.directory()?, new.host_name(), AtFlags::SYMLINK_NOFOLLOW);
            return Err(error(if there.is_ok() { EEXIST } else { ENOENT }));
        }
        let flags = AtFlags::empty();
        new.quota().entry(|| {
            Ok(rustix::fs::linkat(old.directory()?, old.host_name(), new.directory()?, new.host_name(), flags)?)
        })
    }

    /// Makes a symbolic link. Its target is text and may lead anywhere in the tree.
    pub(crate) fn symlink(&self, target: &[u8], base: &Directory, path: &[u8], climb: Climb) -> io::Result<()> {
        walk::check(target)?;
        if climb == Climb::Never && target[0] == b'/' {
            return Err(error(EPERM));
        }
        let entry = self.to_change(base, path, climb, EEXIST)?;
        self.check_new(&entry)?;
        entry.quota().entry(|| Ok(rustix::fs::symlinkat(target, entry.directory()?, entry.name_as_written())?))
    }

    /// The target of a symbolic link, as it was written.
    pub(crate) fn link_target(&self, base: &Directory, path: &[u8], climb: Climb) -> io::Result<Vec<u8>> {
        match self.entry(base, path, climb)? {
            Found::Entry(entry) if !entry.slash => {
                Ok(rustix::fs::readlinkat(entry.directory()?, entry.host_name(), vec![])?.into_bytes())
            }
            Found::Entry(_) => {
                let metadata = self.metadata_at(base, path, climb, true)?;
                Err(error(if metadata.is_dir() { EINVAL } else { ENOTDIR }))
            }
            _ => Err(error(EINVAL)),
        }
    }

    /// Sets times.
    pub(crate) fn set_times(
        &self,
        base: &Directory,
        path: &[u8],
        climb: Climb,
        follow: bool,
        times: &Timestamps,
    ) -> io::Result<()> {
        match self.walk(base, path, climb, follow || path.ends_with(b"/"))? {
            Found::Directory(directory) => {
                if !directory.writable(self) {
                    return Err(error(EROFS));
                }
                Ok(rustix::fs::futimens(directory.readable(self)?, times)?)
            }
            Found::Entry(entry) => {
                entry.check_writable()?;
                if entry.slash && !self.metadata_at(base, path, climb, true)?.is_dir() {
                    return Err(error(ENOTDIR));
                }
                let name = entry.host_name();
                Ok(rustix::fs::utimensat(entry.directory()?, name, times, AtFlags::SYMLINK_NOFOLLOW)?)
            }
            Found::Device(_) => Ok(()),
            Found::Command(_) => Err(error(EROFS)),
        }
    }

    /// Sets the mode of a file or directory, links followed (DESIGN 3.5): the host's file stays usable for us, and what was
    /// asked is remembered.
    pub(crate) fn set_mode(&self, base: &Directory, path: &[u8], climb: Climb, mode: u32) -> io::Result<()> {
        match self.walk(base, path, climb, true)? {
            Found::Directory(directory) => {
                if !directory.writable(self) {
                    return Err(error(EROFS));
                }
                set_mode_of(directory.readable(self)?, true, mode)
            }
            Found::Entry(entry) => {
                entry.check_writable()?;
                let opened = kernel::open_name(entry.directory()?, entry.host_name(), OFlags::RDONLY, Mode::empty())?;
                let kind = rustix::fs::FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode);
                if entry.slash && kind != rustix::fs::FileType::Directory {
                    return Err(error(ENOTDIR));
                }
                set_mode_of(opened, kind == rustix::fs::FileType::Directory, mode)
            }
            // As root may change a device's mode, and nothing comes of it.
            Found::Device(_) => Ok(()),
            Found::Command(_) => Err(error(EROFS)),
        }
    }
}

/// The last name of a path, slashes behind it not counted.
fn last_name(path: &[u8]) -> Option<&[u8]> {
    path.split(|byte| *byte == b'/').rfind(|name| !name.is_empty())
}

/// Sets the mode of an open file or directory.
pub(crate) fn set_mode_of(file: impl std::os::fd::AsFd, directory: bool, mode: u32) -> io::Result<()> {
    let asked = mode & 0o7777;
    let host = asked & 0o777 | if directory { 0o700 } else { 0o600 };
    // Also where the host's mode says the same but nothing may execute it: its first bytes count no longer.
    let told = host == asked && (directory || asked & 0o111 != 0);
    let mark = match remember_mode(&file, (!told).then_some(asked)) {
        Ok(()) if told => 0,
        Ok(()) => MARK,
        // A file system without attributes: the host's mode has to do.
        Err(failed) if failed.raw_os_error() == Some(95) => 0,
        Err(failed) => return Err(failed),
    };
    Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(host | mark))?)
}
