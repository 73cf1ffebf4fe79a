//! The virtual file tree of a step: mounts of directory handles, single files laid over an entry, devices, and the image's
//! commands. The shell's [`stepbox_system::Vfs`] and the guests' calls are two faces of it.
//!
//! No path string is ever handed to the host. A path without links and `..` goes to the kernel as it is, below the
//! handle of its mount (`openat2` with `RESOLVE_BENEATH`, `RESOLVE_NO_MAGICLINKS`, `RESOLVE_NO_SYMLINKS`). Any other is walked name by name
//! (`walk`): a symbolic link is read and continued against the virtual root, as in a container.
//!
//! Directories that stand above a mount can be neither removed nor renamed, so that they are never links: which mount a path
//! without links and `..` belongs to can be told from its text alone.

mod change;
mod device;
mod directory;
mod entry;
mod host_file;
mod kernel;
mod listing;
mod metadata;
mod open;
mod place;
mod quota;
mod vfs;
mod walk;

pub(crate) use change::set_mode_of;
pub(crate) use directory::{Climb, Directory};
pub(crate) use host_file::HostFile;
pub(crate) use listing::Listed;
pub(crate) use metadata::{MARK, remembered_mode};
pub(crate) use open::{OpenHow, Opened};
pub use quota::Quota;

use std::sync::Arc;

use cap_std::fs::Dir;
use stepbox_system::VirtualPath;

use crate::Image;

/// A directory of the host at a place of the virtual tree.
pub struct Mount {
    /// Where: an absolute, normalized path.
    pub at: VirtualPath,
    /// What.
    pub directory: Dir,
    /// Whether steps may write there.
    pub writable: bool,
    /// How much they may add.
    pub quota: Quota,
}

/// A single file of the host over an entry of a mount: whatever is done to the entry is done to it. It may be removed, made anew
/// and renamed over.
pub struct FileMount {
    /// Where: an absolute, normalized path.
    pub at: VirtualPath,
    /// The directory that holds the file.
    pub directory: Dir,
    /// Its name there: not empty, without `/`.
    pub name: Vec<u8>,
    /// Whether steps may write to it.
    pub writable: bool,
}

/// The virtual file tree of one step.
pub struct FileTree {
    /// The deepest first.
    mounts: Vec<Mount>,
    files: Vec<FileMount>,
    image: Arc<Image>,
}

impl FileTree {
    /// A tree of `mounts` with the commands of `image`.
    pub fn new(mounts: Vec<Mount>, image: Arc<Image>) -> Arc<Self> {
        Self::with_files(mounts, vec![], image)
    }

    /// The same, with single files over entries of the mounts.
    pub fn with_files(mut mounts: Vec<Mount>, files: Vec<FileMount>, image: Arc<Image>) -> Arc<Self> {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.at.as_bytes().len()));
        Arc::new(Self { mounts, files, image })
    }

    /// What is mounted, the outermost first: where, and whether it may be written.
    pub(crate) fn mounts(&self) -> impl Iterator<Item = (&VirtualPath, bool, &Dir)> {
        self.mounts.iter().rev().map(|mount| (&mount.at, mount.writable, &mount.directory))
    }
}

/// Linux's numbers of the errors that the tree itself finds.
mod errors {
    pub(super) const EPERM: i32 = 1;
    pub(super) const ENOENT: i32 = 2;
    pub(super) const ENXIO: i32 = 6;
    pub(super) const EACCES: i32 = 13;
    pub(super) const EBUSY: i32 = 16;
    pub(super) const EEXIST: i32 = 17;
    pub(super) const EXDEV: i32 = 18;
    pub(super) const ENOTDIR: i32 = 20;
    pub(super) const EISDIR: i32 = 21;
    pub(super) const EINVAL: i32 = 22;
    pub(super) const EROFS: i32 = 30;
    pub(super) const ENAMETOOLONG: i32 = 36;
    pub(super) const ELOOP: i32 = 40;
    pub(super) const EDQUOT: i32 = 122;

    /// The error of a number.
    pub(super) fn error(number: i32) -> std::io::Error {
        std::io::Error::from_raw_os_error(number)
    }
}
