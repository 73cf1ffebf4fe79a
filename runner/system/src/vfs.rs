use std::io;

use crate::{DirEntry, Metadata, OpenFile, OpenOptions, VirtualPath};

/// What `test -r`, `-w` and `-x` ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// May be read.
    Read,
    /// May be written.
    Write,
    /// May be executed, or entered.
    Execute,
}

/// The virtual file tree as the shell uses it. Errors carry an operating system code (`ENOENT`, `EACCES`, …).
pub trait Vfs: Send + Sync {
    /// Opens a file, a device or, to read, a directory (whose `read` is then `EISDIR`).
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> io::Result<OpenFile>;

    /// What is known of the file at `path`; of the link itself where `follow` is false.
    fn metadata(&self, path: &VirtualPath, follow: bool) -> io::Result<Metadata>;

    /// The names in a directory, in no particular order, without `.` and `..`.
    fn read_dir(&self, path: &VirtualPath) -> io::Result<Vec<DirEntry>>;

    /// The target of a symbolic link, as it was written.
    fn read_link(&self, path: &VirtualPath) -> io::Result<Vec<u8>>;

    /// The same place without links, `.` and `..` (`cd -P`, `pwd -P`).
    fn canonicalize(&self, path: &VirtualPath) -> io::Result<VirtualPath>;

    /// Whether the file may be used in this way; false also where it does not exist.
    fn access(&self, path: &VirtualPath, access: Access) -> bool;
}
