//! The live volume as a sorted list of what is in it, by directory handles alone.

use std::collections::HashMap;
use std::ffi::CString;
use std::os::fd::AsFd;

use cap_std::fs::Dir;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, Stat};

use crate::error::Context;
use crate::index::{KEPT_MODE, check_path};
use crate::known::{FileStat, Moment};
use crate::pack::Skipped;
use crate::store_fs::MODE_ATTRIBUTE;
use crate::{VolumeError, VolumeErrorKind};

/// How many entries a volume may have.
const MAX_ENTRIES: usize = 2_000_000;

/// Something found.
pub(crate) struct Found {
    pub(crate) path: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, u32),
    pub(crate) kind: FoundKind,
    pub(crate) stat: FileStat,
}

pub(crate) enum FoundKind {
    File { size: u64, sparse: bool },
    Directory,
    Symlink { target: Vec<u8> },
    HardLink { target: Vec<u8> },
}

/// Everything that was found.
pub(crate) struct Tree {
    /// Sorted by the components of their paths, parents first.
    pub(crate) found: Vec<Found>,
    /// What cannot be kept.
    pub(crate) skipped: Vec<Skipped>,
    /// The file system that the tree is on.
    pub(crate) device: u64,
    /// When looking began.
    pub(crate) begun: Moment,
}

struct Walk<'a> {
    found: Vec<Found>,
    skipped: Vec<Skipped>,
    /// The first path of each file that has several.
    links: HashMap<(u64, u64), Vec<u8>>,
    stop: &'a dyn Fn() -> bool,
}

/// Everything below `root` but `exclude` at its top.
pub(crate) fn walk(root: &Dir, exclude: &[Vec<u8>], stop: &dyn Fn() -> bool) -> Result<Tree, VolumeError> {
    let begun = Moment::now();
    let mut walk = Walk { found: vec![], skipped: vec![], links: HashMap::new(), stop };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let top = rustix::fs::openat(root, ".", flags, Mode::empty()).context("cannot read the volume")?;
    let device = rustix::fs::fstat(&top).context("cannot read the volume")?.st_dev;
    let mut names = names_of(&top, MAX_ENTRIES)?;
    names.retain(|name| !exclude.contains(name));
    // Directories that are open, each with what is still to be looked at, the last name first. At most as many as a path
    // may have components.
    names.reverse();
    let mut open = vec![(top, vec![], names)];
    while let Some((directory, path, names)) = open.last_mut() {
        let Some(name) = names.pop() else {
            open.pop();
            continue;
        };
        let mut full = path.clone();
        if !full.is_empty() {
            full.push(b'/');
        }
        full.extend_from_slice(&name);
        if let Some(inner) = walk.look(directory, &name, full.clone())? {
            let mut names = names_of(&inner, MAX_ENTRIES.saturating_sub(walk.found.len()))?;
            names.reverse();
            open.push((inner, full, names));
        }
    }
    Ok(Tree { found: walk.found, skipped: walk.skipped, device, begun })
}

/// The mode that was asked for (settled detail 5): the remembered one, else `host`.
pub(crate) fn asked_mode(file: impl AsFd, host: u32) -> u32 {
    let mut text = [0; 8];
    let length = rustix::fs::fgetxattr(file, MODE_ATTRIBUTE, &mut text).unwrap_or(0);
    let asked = std::str::from_utf8(&text[..length]).ok().and_then(|text| u32::from_str_radix(text, 8).ok());
    asked.map_or(host, |mode| mode & KEPT_MODE)
}

fn too_many() -> VolumeError {
    VolumeError::new(VolumeErrorKind::Limit, format!("the volume has more than {MAX_ENTRIES} entries"))
}

/// The names in a directory, sorted; at most `limit`.
fn names_of(directory: &rustix::fd::OwnedFd, limit: usize) -> Result<Vec<Vec<u8>>, VolumeError> {
    let mut buffer = Vec::with_capacity(64 << 10);
    let mut reader = RawDir::new(directory, buffer.spare_capacity_mut());
    let mut names = vec![];
    while let Some(entry) = reader.next() {
        let entry = entry.context("cannot read a directory of the volume")?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            if names.len() == limit {
                return Err(too_many());
            }
            names.push(name.to_vec());
        }
    }
    names.sort();
    Ok(names)
}

impl Walk<'_> {
    /// Notes one entry; its handle where it is a directory.
    fn look(
        &mut self,
        directory: &rustix::fd::OwnedFd,
        name: &[u8],
        path: Vec<u8>,
    ) -> Result<Option<rustix::fd::OwnedFd>, VolumeError> {
        if (self.stop)() {
            return Err(VolumeError::cancelled());
        }
        if self.found.len() >= MAX_ENTRIES {
            return Err(VolumeError::new(
                VolumeErrorKind::Limit,
                format!("the volume has more than {MAX_ENTRIES} entries"),
            ));
        }
        let shown = || format!("cannot look at `{}`", String::from_utf8_lossy(&path));
        let name = CString::new(name).map_err(|_| VolumeError::corrupt("a name holds a NUL byte"))?;
        if let Err(why) = check_path(&path) {
            return Ok(self.skip(path, why));
        }
        let stat = rustix::fs::statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW).context(shown())?;
        let kind = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => match self.earlier_link(&stat, &path) {
                Some(target) => FoundKind::HardLink { target },
                None => {
                    let sparse = stat.st_blocks.saturating_mul(512) < stat.st_size;
                    FoundKind::File { size: stat.st_size.cast_unsigned(), sparse }
                }
            },
            FileType::Directory => FoundKind::Directory,
            FileType::Symlink => {
                let target = rustix::fs::readlinkat(directory, &name, vec![]).context(shown())?;
                FoundKind::Symlink { target: target.into_bytes() }
            }
            FileType::Fifo => return Ok(self.skip(path, "a named pipe")),
            FileType::Socket => return Ok(self.skip(path, "a socket")),
            _ => return Ok(self.skip(path, "a device")),
        };
        let opened = if matches!(kind, FoundKind::Directory) {
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            Some(rustix::fs::openat(directory, &name, flags, Mode::empty()).context(shown())?)
        } else {
            None
        };
        let mode = match (&kind, &opened) {
            // The mode of a symbolic link means nothing; some file systems make one up.
            (FoundKind::Symlink { .. }, _) => 0o777,
            (_, Some(directory)) => asked_mode(directory, stat.st_mode & KEPT_MODE),
            _ => stat.st_mode & KEPT_MODE,
        };
        self.found.push(Found {
            path,
            mode,
            mtime: (stat.st_mtime, u32::try_from(stat.st_mtime_nsec).unwrap_or(0)),
            kind,
            stat: FileStat::of(&stat),
        });
        Ok(opened)
    }

    fn skip(&mut self, path: Vec<u8>, why: &str) -> Option<rustix::fd::OwnedFd> {
        self.skipped.push(Skipped { path, why: why.to_owned() });
        None
    }

    fn earlier_link(&mut self, stat: &Stat, path: &[u8]) -> Option<Vec<u8>> {
        if stat.st_nlink < 2 {
            return None;
        }
        let key = (stat.st_dev, stat.st_ino);
        if let Some(first) = self.links.get(&key) {
            return Some(first.clone());
        }
        self.links.insert(key, path.to_vec());
        None
    }
}
