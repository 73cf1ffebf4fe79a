use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, OnceLock};

use rustix::fs::{Mode, OFlags};
use stepbox_system::VirtualPath;

use super::errors::{ENOENT, error};
use super::{FileTree, Quota, kernel};

/// A directory of the tree as somebody holds it: a place to start from, opened or not yet.
#[derive(Clone)]
pub(crate) struct Directory {
    /// Its place when it was found, without links, `.` and `..`.
    pub(super) path: VirtualPath,
    /// The number of its mount.
    pub(super) mount: usize,
    /// Empty for the directory of the mount itself, which needs no handle of its own.
    handle: Arc<OnceLock<OwnedFd>>,
}

/// Whether a path may lead out of the directory that it starts from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Climb {
    /// It may: the directory is a place in the tree.
    Free,
    /// By `..`, an absolute path or a link: `EPERM`. The directory is a boundary.
    Never,
}

impl Directory {
    /// One that is opened when it is first needed.
    pub(super) fn closed(path: VirtualPath, mount: usize) -> Self {
        Self { path, mount, handle: Arc::default() }
    }

    pub(super) fn opened(path: VirtualPath, mount: usize, handle: OwnedFd) -> Self {
        let lock = OnceLock::new();
        let _ = lock.set(handle);
        Self { path, mount, handle: Arc::new(lock) }
    }

    /// Where it stands.
    pub(crate) fn path(&self) -> &VirtualPath {
        &self.path
    }

    /// A handle to open below.
    pub(super) fn handle<'a>(&'a self, tree: &'a FileTree) -> io::Result<BorrowedFd<'a>> {
        if let Some(handle) = self.handle.get() {
            return Ok(handle.as_fd());
        }
        let mount = &tree.mounts[self.mount];
        let below = self.path.strip_prefix(&mount.at).ok_or_else(|| error(ENOENT))?;
        if below.is_empty() {
            return Ok(mount.directory.as_fd());
        }
        let opened =
            kernel::open_path(mount.directory.as_fd(), below, OFlags::PATH | OFlags::DIRECTORY, Mode::empty())?;
        Ok(self.handle.get_or_init(|| opened).as_fd())
    }

    /// A handle to read it by.
    pub(super) fn readable(&self, tree: &FileTree) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        kernel::open_name(self.handle(tree)?, b".", flags, Mode::empty())
    }

    /// How much may be added below it.
    pub(super) fn quota<'a>(&self, tree: &'a FileTree) -> &'a Quota {
        &tree.mounts[self.mount].quota
    }

    /// Whether it may be changed.
    pub(super) fn writable(&self, tree: &FileTree) -> bool {
        tree.mounts[self.mount].writable
    }
}

impl FileTree {
    /// The root of the tree, or of its outermost mount.
    pub(crate) fn root(&self) -> io::Result<Directory> {
        let number = self.mounts.len().checked_sub(1).ok_or_else(|| error(ENOENT))?;
        Ok(Directory::closed(self.mounts[number].at.clone(), number))
    }

    /// The directory of a mount, by its place.
    pub(crate) fn mounted_at(&self, at: &VirtualPath) -> Option<Directory> {
        let number = self.mounts.iter().position(|mount| mount.at == *at)?;
        Some(Directory::closed(at.clone(), number))
    }
}
