//! What is in a directory.

use std::collections::BTreeSet;
use std::io;

use rustix::fs::{AtFlags, RawDir};
use stepbox_system::FileKind;

use super::device::Device;
use super::metadata::kind_of;
use super::{Directory, FileTree};
use crate::image::is_command_directory;

/// A name in a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Listed {
    pub(crate) name: Vec<u8>,
    pub(crate) kind: FileKind,
    pub(crate) inode: u64,
}

/// How much is read at once, in bytes.
const CHUNK: usize = 32 << 10;

impl FileTree {
    /// The names in a directory without `.` and `..`, read once from its beginning to its end.
    pub(crate) fn list(&self, directory: &Directory) -> io::Result<Vec<Listed>> {
        let handle = directory.readable(self)?;
        let mut buffer = Vec::with_capacity(CHUNK);
        let mut reader = RawDir::new(&handle, buffer.spare_capacity_mut());
        let mut listed = vec![];
        while let Some(entry) = reader.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not tell; a file that is gone by now is listed all the same.
                rustix::fs::FileType::Unknown => rustix::fs::statat(&handle, name, AtFlags::SYMLINK_NOFOLLOW)
                    .map_or(FileKind::File, |stat| kind_of(rustix::fs::FileType::from_raw_mode(stat.st_mode))),
                kind => kind_of(kind),
            };
            listed.push(Listed { name: name.to_vec(), kind, inode: entry.ino() });
        }
        self.add_ours(directory, &mut listed);
        Ok(listed)
    }

    /// Adds what the host's directory does not hold, and takes out what something else stands for.
    fn add_ours(&self, directory: &Directory, listed: &mut Vec<Listed>) {
        for file in self.files.iter().filter(|file| file.at.parent() == directory.path) {
            let name = file.at.file_name().unwrap_or_default();
            listed.retain(|entry| entry.name != name);
            if let Ok(stat) = rustix::fs::statat(&file.directory, file.name.as_slice(), AtFlags::SYMLINK_NOFOLLOW) {
                let kind = kind_of(rustix::fs::FileType::from_raw_mode(stat.st_mode));
                listed.push(Listed { name: name.to_vec(), kind, inode: stat.st_ino });
            }
        }
        for mount in
            self.mounts.iter().filter(|mount| mount.at.as_bytes() != b"/" && mount.at.parent() == directory.path)
        {
            let name = mount.at.file_name().unwrap_or_default();
            listed.retain(|entry| entry.name != name);
            let inode = rustix::fs::fstat(&mount.directory).map_or(1, |stat| stat.st_ino);
            listed.push(Listed { name: name.to_vec(), kind: FileKind::Directory, inode });
        }
        if self.mounts[directory.mount].at.as_bytes() != b"/" {
            return;
        }
        let mut add = |names: &mut dyn Iterator<Item = &'static str>, kind: FileKind| {
            let known: BTreeSet<Vec<u8>> = listed.iter().map(|entry| entry.name.clone()).collect();
            let missing = names.map(|name| name.as_bytes().to_vec()).filter(|name| !known.contains(name));
            listed.extend(missing.map(|name| Listed { name, kind, inode: 2 }));
        };
        if is_command_directory(&directory.path) {
            add(&mut self.image.commands(), FileKind::File);
        }
        if directory.path.as_bytes() == b"/dev" {
            add(&mut Device::names(), FileKind::CharacterDevice);
        }
    }
}
