//! Makes a directory on the volume equal to a [`Desired`] tree.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt, Permissions, PermissionsExt};
use gix::bstr::{BStr, BString, ByteSlice};

use super::contents::{Contents, open_file};
use super::descent::{Descent, make_directory};
use super::desired::{Content, Desired, Node};
use super::error::stopped;
use crate::directories::open_directory;
use crate::work_directory::remove_tree;

/// How deep a directory may be that is looked into; deeper ones that nobody wants are removed unseen.
const MAX_DEPTH: usize = 256;

/// Which unwanted entries stay.
pub(super) trait Keep {
    /// Whether an entry that is not wanted stays as it is (rule G8: what git ignores).
    fn keeps(&mut self, path: &BStr, is_directory: bool) -> io::Result<bool>;

    /// Whether directories stay that are repositories of their own (rule G8b).
    fn keeps_repositories(&self) -> bool;
}

/// Nothing unwanted stays.
pub(super) struct KeepNothing;

impl Keep for KeepNothing {
    fn keeps(&mut self, _: &BStr, _: bool) -> io::Result<bool> {
        Ok(false)
    }

    fn keeps_repositories(&self) -> bool {
        false
    }
}

/// What was written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Written {
    /// Files and links that are there now and wanted.
    pub(super) files: u64,
    /// Bytes in them.
    pub(super) bytes: u64,
}

/// Removes what is not wanted and writes what is. Files that are right already are not touched, so that they keep their
/// times. `except` names an entry of the root that is left alone.
///
/// # Errors
/// Of the system; [`io::ErrorKind::Interrupted`] where `stop` says so.
pub(super) fn write(
    root: &Dir,
    desired: &Desired,
    contents: &mut Contents<'_>,
    keep: &mut dyn Keep,
    except: Option<&str>,
    stop: &dyn Fn() -> bool,
) -> io::Result<Written> {
    let mut clean = Clean { desired, keep, stop };
    clean.directory(root, BStr::new(""), except, 0)?;
    let mut written = Written::default();
    let mut descent = Descent::new(root);
    for (path, node) in desired.iter() {
        if stop() {
            return Err(stopped());
        }
        let (parent, name) = descent.parent_of(path, true)?;
        match node {
            Node::Repository => {
                make_directory(parent, name)?;
                continue;
            }
            Node::Link(target) => link(parent, name, target)?,
            Node::File { content, executable } => {
                match file(parent, name, path, content, *executable, contents, stop)? {
                    Some(size) => written.bytes += size,
                    // The source has lost it meanwhile.
                    None => {
                        remove_tree(parent, name)?;
                        continue;
                    }
                }
            }
        }
        written.files += 1;
    }
    Ok(written)
}

/// Removes what is not wanted.
struct Clean<'a> {
    desired: &'a Desired,
    keep: &'a mut dyn Keep,
    stop: &'a dyn Fn() -> bool,
}

impl Clean<'_> {
    /// Cleans a directory; says whether nothing is left in it.
    fn directory(&mut self, directory: &Dir, path: &BStr, except: Option<&str>, depth: usize) -> io::Result<bool> {
        let names = directory.entries()?.map(|entry| Ok(entry?.file_name())).collect::<io::Result<Vec<OsString>>>()?;
        let mut empty = true;
        for name in names {
            if (self.stop)() {
                return Err(stopped());
            }
            if except.is_some_and(|except| name == except) {
                empty = false;
                continue;
            }
            empty &= self.entry(directory, &name, join(path, &name).as_bstr(), depth)?;
        }
        Ok(empty)
    }

    /// Cleans an entry; says whether it is gone.
    fn entry(&mut self, parent: &Dir, name: &OsStr, path: &BStr, depth: usize) -> io::Result<bool> {
        let metadata = match parent.symlink_metadata(name) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
            Err(error) => return Err(error),
        };
        match self.desired.get(path) {
            Some(Node::Repository) if !is_repository(parent, name) => {
                remove_tree(parent, name)?;
                return Ok(true);
            }
            Some(_) => return Ok(false),
            None => {}
        }
        let wanted = self.desired.is_directory(path);
        if !wanted && self.keep.keeps(path, metadata.is_dir())? {
            return Ok(false);
        }
        if metadata.is_dir() && depth < MAX_DEPTH {
            let directory = open_directory(parent, name)?;
            if !wanted && self.keep.keeps_repositories() && directory.symlink_metadata(".git").is_ok() {
                return Ok(false);
            }
            let empty = self.directory(&directory, path, None, depth + 1)?;
            if wanted || !empty {
                return Ok(false);
            }
            drop(directory);
        }
        remove_tree(parent, name)?;
        Ok(true)
    }
}

/// Whether a directory has a `.git`.
fn is_repository(parent: &Dir, name: &OsStr) -> bool {
    open_directory(parent, name).is_ok_and(|directory| directory.symlink_metadata(".git").is_ok())
}

/// A path below another one, either of which may be empty.
pub(super) fn join_paths(path: &BStr, below: &BStr) -> BString {
    join(path, OsStr::from_bytes(below))
}

/// A path with one more part.
pub(super) fn join(path: &BStr, name: &OsStr) -> BString {
    let mut joined = BString::from(path);
    if !joined.is_empty() {
        joined.push(b'/');
    }
    joined.extend_from_slice(name.as_bytes());
    joined
}

fn link(parent: &Dir, name: &OsStr, target: &[u8]) -> io::Result<()> {
    if parent.read_link_contents(name).is_ok_and(|known| known.into_os_string().into_vec() == target) {
        return Ok(());
    }
    remove_tree(parent, name)?;
    // Not by `Dir::symlink_contents`, which refuses what a link in a repository may well say.
    rustix::fs::symlinkat(target, parent, name).map_err(io::Error::from)
}

/// Writes a file unless it is right; its size, or `None` where it cannot be read any more.
fn file(
    parent: &Dir,
    name: &OsStr,
    path: &BStr,
    content: &Content,
    executable: bool,
    contents: &mut Contents<'_>,
    stop: &dyn Fn() -> bool,
) -> io::Result<Option<u64>> {
    let mode = if executable { 0o755 } else { 0o644 };
    if let Some((mut known, size)) = open_file(parent, name)? {
        let Some(mut opened) = contents.open(path, content)? else { return Ok(None) };
        let metadata = known.metadata()?;
        // A file with a second name would change under that name too.
        let alone = std::os::unix::fs::MetadataExt::nlink(&metadata) == 1;
        if alone && opened.size == size && equal(&mut known, &mut opened.reader, size, stop)? {
            if std::os::unix::fs::MetadataExt::mode(&metadata) & 0o777 != mode {
                known.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
            }
            return Ok(Some(size));
        }
    }
    let Some(mut opened) = contents.open(path, content)? else { return Ok(None) };
    remove_tree(parent, name)?;
    let mut target = parent.open_with(name, OpenOptions::new().write(true).create_new(true).mode(mode))?;
    let mut buffer = vec![0; buffer_size(opened.size)];
    let size = copy(&mut opened.reader, &mut target, &mut buffer, stop)?;
    // The mask of the process is not to show in a snapshot.
    if target.metadata()?.mode() & 0o777 != mode {
        target.set_permissions(Permissions::from_mode(mode))?;
    }
    Ok(Some(size))
}

/// Most files are small.
fn buffer_size(size: u64) -> usize {
    usize::try_from(size).unwrap_or(usize::MAX).clamp(1, 1 << 16)
}

fn copy(
    reader: &mut dyn Read,
    target: &mut dyn io::Write,
    buffer: &mut [u8],
    stop: &dyn Fn() -> bool,
) -> io::Result<u64> {
    let mut size = 0;
    loop {
        let count = reader.read(buffer)?;
        if count == 0 {
            return Ok(size);
        }
        if stop() {
            return Err(stopped());
        }
        target.write_all(&buffer[..count])?;
        size += count as u64;
    }
}

/// Whether two streams have the same bytes.
fn equal(one: &mut dyn Read, other: &mut dyn Read, size: u64, stop: &dyn Fn() -> bool) -> io::Result<bool> {
    // One more than the bytes that are expected shows the end.
    let length = buffer_size(size.saturating_add(1));
    let mut buffers = (vec![0; length], vec![0; length]);
    loop {
        let count = fill(one, &mut buffers.0)?;
        if fill(other, &mut buffers.1)? != count || buffers.0[..count] != buffers.1[..count] {
            return Ok(false);
        }
        if count < buffers.0.len() {
            return Ok(true);
        }
        if stop() {
            return Err(stopped());
        }
    }
}

fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut count = 0;
    while count < buffer.len() {
        match reader.read(&mut buffer[count..])? {
            0 => break,
            more => count += more,
        }
    }
    Ok(count)
}
