//! What the text of a path without links and `..` says.

use stepbox_system::VirtualPath;

use super::FileTree;
use super::device::Device;
use crate::image::is_command_directory;

/// What stands at a path.
pub(super) enum Place<'a> {
    /// The directory of a mount.
    Mount(usize),
    /// Below a mount: its number and the rest.
    Below(usize, &'a [u8]),
    /// A single file, by its number.
    File(usize),
    Device(Device),
    /// A command of the image, unless a file of the step's own stands there.
    Command(usize, &'a [u8]),
    Nowhere,
}

impl FileTree {
    /// What stands at a normalized path.
    pub(super) fn place<'a>(&'a self, path: &'a VirtualPath) -> Place<'a> {
        if let Some(number) = self.files.iter().position(|file| file.at == *path) {
            return Place::File(number);
        }
        let below =
            self.mounts.iter().enumerate().find_map(|(number, mount)| Some((number, path.strip_prefix(&mount.at)?)));
        let Some((number, rest)) = below else { return Place::Nowhere };
        if rest.is_empty() {
            return Place::Mount(number);
        }
        // Only the root's own directories hold what is made up.
        if self.mounts[number].at.as_bytes() == b"/" {
            if let Some(device) = Device::at(path) {
                return Place::Device(device);
            }
            if self.image.command_at(path).is_some() {
                return Place::Command(number, rest);
            }
        }
        Place::Below(number, rest)
    }

    /// Whether something is mounted below a normalized path: it is a directory, whatever the host has there.
    pub(super) fn is_above_mount(&self, path: &VirtualPath) -> bool {
        let below = |at: &VirtualPath| at != path && at.strip_prefix(path).is_some();
        self.mounts.iter().any(|mount| below(&mount.at))
    }

    /// Whether something is mounted at or below a normalized path: it can be neither removed nor renamed.
    pub(super) fn holds_mount(&self, path: &VirtualPath) -> bool {
        self.mounts.iter().any(|mount| mount.at.strip_prefix(path).is_some())
            || self.files.iter().any(|file| file.at != *path && file.at.strip_prefix(path).is_some())
            || path.as_bytes() == b"/dev"
            || is_command_directory(path)
    }
}
