use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{AtFlags, FlockOperation, Mode, OFlags, ResolveFlags, Timespec, Timestamps, XattrFlags};

/// Every operation on files that this crate carries out, so that a fault can be put before or behind each.
///
/// `point` names the operation in its place (`publish.ref.rename`). Paths are relative to a handle and, where they come
/// from a snapshot, are resolved without following links.
pub trait StoreFs: Send + Sync {
    /// Makes a new file for writing, mode 0600; an error where there is one.
    fn create(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<File>;
    /// Opens a file for reading.
    fn open(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<File>;
    /// Reads a whole file of at most `limit` bytes; a larger one is `InvalidData`.
    fn read(&self, point: &'static str, directory: &Dir, name: &str, limit: u64) -> io::Result<Vec<u8>>;
    /// Writes all of `data`.
    fn write(&self, point: &'static str, file: &mut File, data: &[u8]) -> io::Result<()>;
    /// Has a file's contents safe on disk.
    fn sync(&self, point: &'static str, file: &File) -> io::Result<()>;
    /// Has a directory's names safe on disk.
    fn sync_directory(&self, point: &'static str, directory: &Dir) -> io::Result<()>;
    /// Renames over whatever has the new name.
    fn rename(&self, point: &'static str, from: &Dir, old: &str, to: &Dir, new: &str) -> io::Result<()>;
    /// Takes the write permission of a blob away.
    fn protect(&self, point: &'static str, file: &File) -> io::Result<()>;
    /// Removes a file; fine where it is missing.
    fn remove(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<()>;
    /// Makes a directory, mode 0700; fine where there is one.
    fn make_directory(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<()>;
    /// Waits for the lock of a file, shared or exclusive; it is held until the file is closed.
    fn lock(&self, point: &'static str, file: &File, exclusive: bool) -> io::Result<()>;
    /// Fills `buffer` from a place in a file.
    fn read_frame(&self, point: &'static str, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Makes a directory of a snapshot, mode 0700.
    fn restore_directory(&self, point: &'static str, root: &Dir, path: &[u8]) -> io::Result<()>;
    /// Makes a file of a snapshot for writing, mode 0600.
    fn restore_file(&self, point: &'static str, root: &Dir, path: &[u8]) -> io::Result<File>;
    /// Writes all of `data` at a place in a file.
    fn write_at(&self, point: &'static str, file: &File, data: &[u8], offset: u64) -> io::Result<()>;
    /// Makes a file this long.
    fn set_length(&self, point: &'static str, file: &File, length: u64) -> io::Result<()>;
    /// Removes a file, a link or an empty directory of a tree.
    fn remove_entry(&self, point: &'static str, root: &Dir, path: &[u8], directory: bool) -> io::Result<()>;
    /// Makes a symbolic link of a snapshot.
    fn restore_symlink(&self, point: &'static str, root: &Dir, target: &[u8], path: &[u8]) -> io::Result<()>;
    /// Makes a hard link of a snapshot.
    fn restore_link(&self, point: &'static str, root: &Dir, old: &[u8], new: &[u8]) -> io::Result<()>;
    /// Sets the mode and time of a file of a snapshot. On the host its owner keeps reading and writing (settled detail
    /// 5); where that is another mode than the asked one, the asked one is remembered beside it.
    fn finish_file(&self, point: &'static str, file: &File, mode: u32, mtime: (i64, u32)) -> io::Result<()>;
    /// Sets the mode of a directory (`None` for a link) and its time.
    fn finish_path(
        &self,
        point: &'static str,
        root: &Dir,
        path: &[u8],
        mode: Option<u32>,
        mtime: (i64, u32),
    ) -> io::Result<()>;
}

/// The host's file system.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostFs;

/// No link is followed and the root is not left.
const INSIDE: ResolveFlags = ResolveFlags::BENEATH.union(ResolveFlags::NO_SYMLINKS).union(ResolveFlags::NO_MAGICLINKS);

fn times(mtime: (i64, u32)) -> Timestamps {
    let time = Timespec { tv_sec: mtime.0, tv_nsec: mtime.1.into() };
    Timestamps { last_access: time, last_modification: time }
}

/// The attribute that holds, in octal, the mode that was asked for where the host's is another.
pub(crate) const MODE_ATTRIBUTE: &str = "user.stepbox.mode";

/// Set on the host's file where such a mode is remembered, so that the sandbox need not look for it elsewhere.
const REMEMBERED: u32 = 0o1000;

/// Sets a mode with `owner` added, and remembers the asked one. A file system that remembers nothing gets the asked one.
fn set_mode(file: impl AsFd, mode: u32, owner: u32) -> io::Result<()> {
    let mut host = mode | owner;
    if host != mode {
        let text = format!("{mode:o}");
        if rustix::fs::fsetxattr(&file, MODE_ATTRIBUTE, text.as_bytes(), XattrFlags::empty()).is_err() {
            host = mode;
        } else {
            host |= REMEMBERED;
        }
    }
    Ok(rustix::fs::fchmod(&file, Mode::from_raw_mode(host))?)
}

impl StoreFs for HostFs {
    fn create(&self, _: &'static str, directory: &Dir, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        Ok(directory.open_with(name, &options)?.into_std())
    }

    fn open(&self, _: &'static str, directory: &Dir, name: &str) -> io::Result<File> {
        Ok(directory.open(name)?.into_std())
    }

    fn read(&self, _: &'static str, directory: &Dir, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        let mut data = vec![];
        directory.open(name)?.take(limit + 1).read_to_end(&mut data)?;
        if data.len() as u64 > limit {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("larger than {limit} bytes")));
        }
        Ok(data)
    }

    fn write(&self, _: &'static str, file: &mut File, data: &[u8]) -> io::Result<()> {
        file.write_all(data)
    }

    fn sync(&self, _: &'static str, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn sync_directory(&self, _: &'static str, directory: &Dir) -> io::Result<()> {
        // Through a fresh handle: one opened only to look things up cannot be synced.
        let handle =
            rustix::fs::openat(directory, ".", OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(rustix::fs::fsync(handle)?)
    }

    fn rename(&self, _: &'static str, from: &Dir, old: &str, to: &Dir, new: &str) -> io::Result<()> {
        from.rename(old, to, new)
    }

    fn protect(&self, _: &'static str, file: &File) -> io::Result<()> {
        Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(0o444))?)
    }

    fn remove(&self, _: &'static str, directory: &Dir, name: &str) -> io::Result<()> {
        match directory.remove_file(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn make_directory(&self, _: &'static str, directory: &Dir, name: &str) -> io::Result<()> {
        match rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn lock(&self, _: &'static str, file: &File, exclusive: bool) -> io::Result<()> {
        let operation = if exclusive { FlockOperation::LockExclusive } else { FlockOperation::LockShared };
        loop {
            match rustix::fs::flock(file, operation) {
                Err(rustix::io::Errno::INTR) => {}
                other => return Ok(other?),
            }
        }
    }

    fn read_frame(&self, _: &'static str, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(file, buffer, offset)
    }

    fn restore_directory(&self, _: &'static str, root: &Dir, path: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::mkdirat(root, path, Mode::from_raw_mode(0o700))?)
    }

    fn restore_file(&self, _: &'static str, root: &Dir, path: &[u8]) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat2(root, path, flags, Mode::from_raw_mode(0o600), INSIDE)?;
        Ok(File::from(file))
    }

    fn write_at(&self, _: &'static str, file: &File, data: &[u8], offset: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::write_all_at(file, data, offset)
    }

    fn set_length(&self, _: &'static str, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    fn remove_entry(&self, _: &'static str, root: &Dir, path: &[u8], directory: bool) -> io::Result<()> {
        let (parent, name) = match path.iter().rposition(|byte| *byte == b'/') {
            Some(at) => (&path[..at], &path[at + 1..]),
            None => (&b"."[..], path),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let parent = rustix::fs::openat2(root, parent, flags, Mode::empty(), INSIDE)?;
        let flags = if directory { AtFlags::REMOVEDIR } else { AtFlags::empty() };
        Ok(rustix::fs::unlinkat(parent, name, flags)?)
    }

    fn restore_symlink(&self, _: &'static str, root: &Dir, target: &[u8], path: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::symlinkat(target, root, path)?)
    }

    fn restore_link(&self, _: &'static str, root: &Dir, old: &[u8], new: &[u8]) -> io::Result<()> {
        Ok(rustix::fs::linkat(root, old, root, new, AtFlags::empty())?)
    }

    fn finish_file(&self, _: &'static str, file: &File, mode: u32, mtime: (i64, u32)) -> io::Result<()> {
        set_mode(file, mode, 0o600)?;
        Ok(rustix::fs::futimens(file, &times(mtime))?)
    }

    fn finish_path(
        &self,
        _: &'static str,
        root: &Dir,
        path: &[u8],
        mode: Option<u32>,
        mtime: (i64, u32),
    ) -> io::Result<()> {
        if let Some(mode) = mode {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let directory = rustix::fs::openat2(root, path, flags, Mode::empty(), INSIDE)?;
            set_mode(&directory, mode, 0o700)?;
            return Ok(rustix::fs::futimens(&directory, &times(mtime))?);
        }
        Ok(rustix::fs::utimensat(root, path, &times(mtime), AtFlags::SYMLINK_NOFOLLOW)?)
    }
}
