//! Ways down a tree that follow no link.

use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;

use cap_std::fs::Dir;
use gix::bstr::{BStr, BString, ByteSlice};

use crate::directories::open_directory;
use crate::work_directory::remove_tree;

/// Opens directories below a root one part at a time, and keeps those open that the next path shares.
pub(super) struct Descent<'a> {
    root: &'a Dir,
    open: Vec<(BString, Dir)>,
}

impl<'a> Descent<'a> {
    pub(super) fn new(root: &'a Dir) -> Self {
        Self { root, open: vec![] }
    }

    /// The directory that holds a path, and the name in it. `make` says that what is missing is made, and that what is no
    /// directory is replaced by one.
    pub(super) fn parent_of<'p>(&mut self, path: &'p BStr, make: bool) -> io::Result<(&Dir, &'p OsStr)> {
        let (parent, name) = match path.rfind_byte(b'/') {
            Some(end) => (&path[..end], &path[end + 1..]),
            None => (BStr::new(""), path),
        };
        Ok((self.directory(parent.as_bstr(), make)?, OsStr::from_bytes(name)))
    }

    /// The directory of a path.
    pub(super) fn directory(&mut self, path: &BStr, make: bool) -> io::Result<&Dir> {
        let parts: Vec<&[u8]> = path.split_str("/").filter(|part| !part.is_empty()).collect();
        let shared = self.open.iter().zip(&parts).take_while(|((name, _), part)| name.as_bytes() == **part).count();
        self.open.truncate(shared);
        for part in &parts[shared..] {
            let name = OsStr::from_bytes(part);
            let above = self.open.last().map_or(self.root, |(_, directory)| directory);
            let directory = if make { make_directory(above, name)? } else { open_directory(above, name)? };
            self.open.push(((*part).into(), directory));
        }
        Ok(self.open.last().map_or(self.root, |(_, directory)| directory))
    }
}

/// Opens a directory, made where it is missing; a file or link in its place is removed.
pub(super) fn make_directory(parent: &Dir, name: &OsStr) -> io::Result<Dir> {
    match open_directory(parent, name) {
        Ok(directory) => return Ok(directory),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) if parent.symlink_metadata(name).is_ok_and(|metadata| metadata.is_dir()) => return Err(error),
        Err(_) => remove_tree(parent, name)?,
    }
    parent.create_dir(name)?;
    open_directory(parent, name)
}
