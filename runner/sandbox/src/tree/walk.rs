//! Finding what a path leads to.

use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use stepbox_system::VirtualPath;

use super::entry::{Entry, Found};
use super::errors::{EINVAL, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EPERM, error};
use super::place::Place;
use super::{Climb, Directory, FileTree, kernel};

/// How many links one path may lead through (as Linux).
const MAX_LINKS: u32 = 40;

/// How long a path may be, in bytes (as Linux).
const MAX_PATH: usize = 4095;

/// The entry of this name in a directory.
pub(super) fn child(directory: &VirtualPath, name: &[u8]) -> io::Result<VirtualPath> {
    directory.join(name).map_err(|_| error(EINVAL))
}

/// The names of a path, without empty ones and `.`.
fn names(path: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty() && *name != b".")
}

/// Whether a path asks for a directory by its end: `a/`, `a/.`, and also `a/..`.
fn names_directory(path: &[u8]) -> bool {
    path.ends_with(b"/") || path == b"." || path.ends_with(b"/.") || path == b".." || path.ends_with(b"/..")
}

/// What is wrong with a path before anything is looked at.
pub(super) fn check(path: &[u8]) -> io::Result<()> {
    if path.is_empty() {
        Err(error(ENOENT))
    } else if path.len() > MAX_PATH {
        Err(error(ENAMETOOLONG))
    } else if path.contains(&0) {
        Err(error(EINVAL))
    } else {
        Ok(())
    }
}

/// A path whose text alone says where it leads, unless a link is on its way.
pub(super) struct Plain {
    /// Where it leads.
    pub(super) path: VirtualPath,
    /// Whether it must be a directory.
    pub(super) slash: bool,
}

impl FileTree {
    /// The path as plain text, where it has no `..`.
    pub(super) fn plain(&self, base: &Directory, path: &[u8], climb: Climb) -> io::Result<Option<Plain>> {
        check(path)?;
        let absolute = path[0] == b'/';
        if absolute && climb == Climb::Never {
            return Err(error(EPERM));
        }
        let mut full = if absolute { vec![] } else { base.path.as_bytes().to_vec() };
        if full == b"/" {
            full.clear();
        }
        for name in names(path) {
            if name == b".." {
                return Ok(None);
            }
            full.push(b'/');
            full.extend_from_slice(name);
        }
        if full.is_empty() {
            full.push(b'/');
        }
        let path_ = VirtualPath::new(full).map_err(|_| error(EINVAL))?;
        Ok(Some(Plain { path: path_, slash: names_directory(path) }))
    }

    /// The handle that is nearest to a place below a mount, and the rest of the way from there.
    pub(super) fn nearest<'a>(
        &'a self,
        base: &'a Directory,
        full: &'a VirtualPath,
        mount: usize,
        rest: &'a [u8],
    ) -> io::Result<(std::os::fd::BorrowedFd<'a>, &'a [u8])> {
        // From the handle that is held: it is right also where its directory was renamed meanwhile.
        if base.mount == mount
            && let Some(rest) = full.strip_prefix(&base.path)
            && !rest.is_empty()
        {
            return Ok((base.handle(self)?, rest));
        }
        Ok((self.mounts[mount].directory.as_fd(), rest))
    }

    /// The same for a path that may lead to where it begins: to the directory that is held, whatever has become of its place.
    pub(super) fn nearest_or_itself<'a>(
        &'a self,
        base: &'a Directory,
        full: &'a VirtualPath,
        mount: usize,
        rest: &'a [u8],
    ) -> io::Result<(std::os::fd::BorrowedFd<'a>, &'a [u8])> {
        if base.mount == mount && *full == base.path {
            return Ok((base.handle(self)?, b"."));
        }
        self.nearest(base, full, mount, rest)
    }

    /// The entry that a path names, its last name not followed.
    pub(super) fn entry(&self, base: &Directory, path: &[u8], climb: Climb) -> io::Result<Found<'_>> {
        let Some(plain) = self.plain(base, path, climb)? else { return self.walk(base, path, climb, false) };
        match self.place(&plain.path) {
            Place::Nowhere => Err(error(ENOENT)),
            Place::Mount(number) => Ok(Found::Directory(Directory::closed(plain.path, number))),
            Place::Device(device) => Ok(Found::Device(device)),
            Place::Below(number, rest) => {
                let (handle, rest) = self.nearest(base, &plain.path, number, rest)?;
                let name = rest.rsplit(|byte| *byte == b'/').next().unwrap_or_default().to_vec();
                let above = rest.len().saturating_sub(name.len() + 1);
                if above == 0 {
                    // In the directory that is held, or in that of the mount.
                    let parent = if plain.path.parent() == base.path && base.mount == number {
                        base.clone()
                    } else {
                        Directory::closed(plain.path.parent(), number)
                    };
                    return Ok(Found::Entry(Entry::new(self, parent, name, plain.slash)));
                }
                match kernel::open_path(handle, &rest[..above], OFlags::PATH | OFlags::DIRECTORY, Mode::empty()) {
                    Ok(parent) => {
                        let parent = Directory::opened(plain.path.parent(), number, parent);
                        Ok(Found::Entry(Entry::new(self, parent, name, plain.slash)))
                    }
                    Err(failed) if is_link_error(&failed) => self.walk(base, path, climb, false),
                    Err(failed) => Err(failed),
                }
            }
            // The directory that holds it may be reached by a link.
            Place::File(_) | Place::Command(..) => self.walk(base, path, climb, false),
        }
    }

    /// Goes to what a path leads to, name by name. `follow` says whether a link at its end is followed; the target may be missing.
    pub(super) fn walk(&self, base: &Directory, path: &[u8], climb: Climb, follow: bool) -> io::Result<Found<'_>> {
        // A command of the image is there also where its directory is not.
        if let Some(plain) = self.plain(base, path, climb)?
            && let Place::Command(number, rest) = self.place(&plain.path)
            && kernel::open_path(self.mounts[number].directory.as_fd(), rest, OFlags::PATH, Mode::empty())
                .is_err_and(|failed| failed.raw_os_error() == Some(ENOENT))
        {
            return Ok(Found::Command(plain.path));
        }
        let mut walk = Walk {
            tree: self,
            climb,
            base: base.path.clone(),
            at: base.clone(),
            pending: names(path).rev().map(<[u8]>::to_vec).collect(),
            slash: names_directory(path),
            links: 0,
        };
        if path[0] == b'/' {
            walk.start_at_root()?;
        }
        walk.run(follow)
    }
}

/// `ELOOP`: a link where none may be; and `ENOTDIR`, which the kernel says of a link where a directory is wanted.
pub(super) fn is_link_error(failed: &io::Error) -> bool {
    matches!(failed.raw_os_error(), Some(ELOOP | ENOTDIR))
}

struct Walk<'t> {
    tree: &'t FileTree,
    climb: Climb,
    /// Where it began.
    base: VirtualPath,
    /// Where it is.
    at: Directory,
    /// What is still to be gone, the next name last.
    pending: Vec<Vec<u8>>,
    slash: bool,
    links: u32,
}

impl<'t> Walk<'t> {
    fn start_at_root(&mut self) -> io::Result<()> {
        if self.climb == Climb::Never {
            return Err(error(EPERM));
        }
        self.at = self.tree.root()?;
        Ok(())
    }

    fn up(&mut self) -> io::Result<()> {
        if self.climb == Climb::Never && self.at.path == self.base {
            return Err(error(EPERM));
        }
        let above = self.at.path.parent();
        self.at = match self.tree.place(&above) {
            Place::Mount(number) | Place::Below(number, _) => Directory::closed(above, number),
            // Above the outermost mount there is nothing.
            _ => return Ok(()),
        };
        Ok(())
    }

    fn run(mut self, follow: bool) -> io::Result<Found<'t>> {
        while let Some(name) = self.pending.pop() {
            if name == b".." {
                self.up()?;
                continue;
            }
            let last = self.pending.is_empty();
            let full = child(&self.at.path, &name)?;
            match self.tree.place(&full) {
                Place::Mount(number) => {
                    self.at = Directory::closed(full, number);
                    continue;
                }
                Place::File(number) => {
                    let entry = Entry::of_file(self.tree, self.at.clone(), number, self.slash);
                    if let Some(found) = self.step(entry, last, follow)? {
                        return Ok(found);
                    }
                }
                Place::Device(device) if last => return Ok(Found::Device(device)),
                Place::Device(_) => return Err(error(ENOTDIR)),
                // Of `/dev/fd` only the names in it are there.
                Place::Below(number, _)
                    if !last && (full.as_bytes() == b"/dev/fd" || self.tree.is_above_mount(&full)) =>
                {
                    self.at = Directory::closed(full, number);
                }
                Place::Command(..) if last && !self.on_disk(&name)? => return Ok(Found::Command(full)),
                Place::Command(..) | Place::Below(..) => {
                    let entry = Entry::new(self.tree, self.at.clone(), name, self.slash);
                    if let Some(found) = self.step(entry, last, follow)? {
                        return Ok(found);
                    }
                }
                Place::Nowhere => return Err(error(ENOENT)),
            }
        }
        Ok(Found::Directory(self.at))
    }

    /// Whether a file of the step's own stands where a command of the image does.
    fn on_disk(&self, name: &[u8]) -> io::Result<bool> {
        Ok(kernel::open_name(self.at.handle(self.tree)?, name, OFlags::PATH, Mode::empty()).is_ok())
    }

    /// Goes on by an entry; what it is where the way ends there.
    fn step(&mut self, entry: Entry<'t>, last: bool, follow: bool) -> io::Result<Option<Found<'t>>> {
        if last && !follow {
            return Ok(Some(Found::Entry(entry)));
        }
        let opened = match kernel::open_name(entry.directory()?, entry.host_name(), OFlags::PATH, Mode::empty()) {
            Ok(opened) => opened,
            Err(missing) if last && missing.raw_os_error() == Some(ENOENT) => return Ok(Some(Found::Entry(entry))),
            Err(failed) => return Err(failed),
        };
        match FileType::from_raw_mode(rustix::fs::fstat(&opened)?.st_mode) {
            FileType::Symlink => {
                self.follow(opened)?;
                Ok(None)
            }
            FileType::Directory if !last => {
                self.at = Directory::opened(entry.path()?, entry.mount(), opened);
                Ok(None)
            }
            _ if last => Ok(Some(Found::Entry(entry))),
            _ => Err(error(ENOTDIR)),
        }
    }

    fn follow(&mut self, link: OwnedFd) -> io::Result<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(error(ELOOP));
        }
        let target = rustix::fs::readlinkat(&link, c"", vec![])?.into_bytes();
        check(&target)?;
        if self.pending.is_empty() {
            self.slash |= names_directory(&target);
        }
        if target[0] == b'/' {
            self.start_at_root()?;
        }
        let waiting: usize = self.pending.iter().map(|name| name.len() + 1).sum();
        if waiting + target.len() > 16 * MAX_PATH {
            return Err(error(ENAMETOOLONG));
        }
        self.pending.extend(names(&target).rev().map(<[u8]>::to_vec));
        Ok(())
    }
}
