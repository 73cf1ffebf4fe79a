//! Where the bytes of files come from.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Cursor, Read};

use cap_std::fs::Dir;
use gix::bstr::{BStr, ByteSlice};
use rustix::fs::{Mode, OFlags};

use super::descent::Descent;
use super::desired::Content;

/// The largest object that is written into a clone, in bytes: objects are unpacked in memory.
const MAX_BLOB: u64 = 1 << 30;

/// Opens what a [`Content`] stands for.
pub(super) struct Contents<'a> {
    /// Where [`Content::Same`] is.
    directory: Option<Descent<'a>>,
    /// What a path has before its path there.
    prefix: &'static str,
    /// Where [`Content::Blob`] is.
    repository: Option<&'a gix::Repository>,
}

/// A file's bytes.
pub(super) struct Opened<'a> {
    pub(super) reader: Box<dyn Read + 'a>,
    /// How many they are; a file of the source may change while it is read.
    pub(super) size: u64,
}

impl<'a> Contents<'a> {
    pub(super) fn new(directory: Option<&'a Dir>, repository: Option<&'a gix::Repository>) -> Self {
        Self { directory: directory.map(Descent::new), prefix: "", repository }
    }

    /// For files that lie one directory higher than the paths of the tree say.
    pub(super) fn below(mut self, prefix: &'static str) -> Self {
        self.prefix = prefix;
        self
    }

    /// Opens; `None` where the file of the source is gone meanwhile, or is no file any more.
    pub(super) fn open<'o>(&'o mut self, path: &BStr, content: &'o Content) -> io::Result<Option<Opened<'o>>> {
        match content {
            Content::Bytes(bytes) => {
                Ok(Some(Opened { size: bytes.len() as u64, reader: Box::new(Cursor::new(bytes.as_slice())) }))
            }
            Content::Same => {
                let Some(directory) = &mut self.directory else { return Ok(None) };
                let path = path.strip_prefix(self.prefix.as_bytes()).unwrap_or(path).as_bstr();
                let (parent, name) = match directory.parent_of(path, false) {
                    Ok(found) => found,
                    Err(error) if is_gone(&error) => return Ok(None),
                    Err(error) => return Err(error),
                };
                Ok(open_file(parent, name)?.map(|(file, size)| Opened { reader: Box::new(file), size }))
            }
            Content::Blob(id) => {
                let Some(repository) = self.repository else { return Ok(None) };
                let size = repository.find_header(*id).map_err(io::Error::other)?.size();
                if size > MAX_BLOB {
                    return Err(io::Error::other(format!("it has {size} bytes, and at most {MAX_BLOB} are supported")));
                }
                let data = repository.find_object(*id).map_err(io::Error::other)?.detach().data;
                Ok(Some(Opened { size: data.len() as u64, reader: Box::new(Cursor::new(data)) }))
            }
        }
    }
}

/// Opens a regular file without following links or waiting for the other end of a pipe; anything else is `None`.
pub(super) fn open_file(parent: &Dir, name: &OsStr) -> io::Result<Option<(File, u64)>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(io::Error::from) {
        Ok(handle) => File::from(handle),
        Err(error) if is_gone(&error) => return Ok(None),
        Err(error) => return Err(error),
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then_some((file, metadata.len())))
}

/// Not there any more, or something else by now.
fn is_gone(error: &io::Error) -> bool {
    let changed = [rustix::io::Errno::LOOP, rustix::io::Errno::NOTDIR, rustix::io::Errno::NXIO];
    error.kind() == io::ErrorKind::NotFound
        || changed.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use cap_std::ambient_authority;

    use super::*;

    #[test]
    fn what_is_gone_or_has_become_something_else_is_none() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path();
        std::fs::write(path.join("file"), "text").expect("writes");
        std::fs::create_dir(path.join("directory")).expect("makes");
        std::os::unix::fs::symlink("file", path.join("link")).expect("links");
        std::os::unix::fs::symlink("directory", path.join("link_to_directory")).expect("links");
        std::fs::write(path.join("directory/inner"), "text").expect("writes");
        let mode = Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, path.join("fifo"), rustix::fs::FileType::Fifo, mode, 0).expect("makes");
        drop(std::os::unix::net::UnixListener::bind(path.join("socket")).expect("binds"));
        let directory = Dir::open_ambient_dir(path, ambient_authority()).expect("opens");
        let mut contents = Contents::new(Some(&directory), None);
        for name in ["file", "directory/inner"] {
            assert!(contents.open(name.into(), &Content::Same).expect("reads").is_some(), "{name}");
        }
        let gone = ["missing", "missing/x", "file/x", "link", "link_to_directory/inner", "directory", "fifo", "socket"];
        for name in gone {
            assert!(contents.open(name.into(), &Content::Same).expect("no error").is_none(), "{name}");
        }
        let long = "x".repeat(300);
        assert!(contents.open(long.as_str().into(), &Content::Same).is_err(), "any other error stays one");
        let deep = format!("{long}/x");
        assert!(contents.open(deep.as_str().into(), &Content::Same).is_err());
    }
}
