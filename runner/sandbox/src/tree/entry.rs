use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use stepbox_system::VirtualPath;

use super::device::Device;
use super::errors::{EROFS, error};
use super::{Directory, FileTree, Quota};

/// A name in a directory: it may be there or not, and is not followed where it is a link.
pub(super) struct Entry<'t> {
    tree: &'t FileTree,
    /// The directory as the tree sees it.
    pub(super) parent: Directory,
    /// Its name as the tree sees it.
    pub(super) name: Vec<u8>,
    /// The single file that is laid over it.
    file: Option<usize>,
    /// Whether the path ended in a slash.
    pub(super) slash: bool,
}

impl<'t> Entry<'t> {
    pub(super) fn new(tree: &'t FileTree, parent: Directory, name: Vec<u8>, slash: bool) -> Self {
        Self { tree, parent, name, file: None, slash }
    }

    /// The entry over which the single file of this number is laid.
    pub(super) fn of_file(tree: &'t FileTree, parent: Directory, number: usize, slash: bool) -> Self {
        let name = tree.files[number].at.file_name().unwrap_or_default().to_vec();
        Self { tree, parent, name, file: Some(number), slash }
    }

    /// The directory on the host that holds it.
    pub(super) fn directory(&self) -> io::Result<BorrowedFd<'_>> {
        match self.file {
            Some(number) => Ok(self.tree.files[number].directory.as_fd()),
            None => self.parent.handle(self.tree),
        }
    }

    /// Its name on the host.
    pub(super) fn host_name(&self) -> &[u8] {
        match self.file {
            Some(number) => &self.tree.files[number].name,
            None => &self.name,
        }
    }

    /// Its name on the host with the slash at its end, for calls that take a single name and never follow it.
    pub(super) fn name_as_written(&self) -> Vec<u8> {
        let mut name = self.host_name().to_vec();
        if self.slash {
            name.push(b'/');
        }
        name
    }

    /// Where it stands in the tree.
    pub(super) fn path(&self) -> io::Result<VirtualPath> {
        super::walk::child(&self.parent.path, &self.name)
    }

    /// An error where it may not be changed.
    pub(super) fn check_writable(&self) -> io::Result<()> {
        let writable = match self.file {
            Some(number) => self.tree.files[number].writable,
            None => self.parent.writable(self.tree),
        };
        if writable { Ok(()) } else { Err(error(EROFS)) }
    }

    /// How much may be added there.
    pub(super) fn quota(&self) -> &'t Quota {
        self.parent.quota(self.tree)
    }

    /// The mount that it is in; single files count as what they are laid over.
    pub(super) fn mount(&self) -> usize {
        self.parent.mount
    }
}

/// What a path leads to.
pub(super) enum Found<'t> {
    /// A directory, by a path that names it without its name: `/`, `.`, `a/..`, the place of a mount.
    Directory(Directory),
    Entry(Entry<'t>),
    Device(Device),
    /// A command of the image, and the path that it stands at.
    Command(VirtualPath),
}
