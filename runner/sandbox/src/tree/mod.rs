//! The virtual file tree of a step: mounts of directory handles, devices, and the image's commands.
//!
//! Paths are resolved below a handle by the kernel (`openat2`, through `cap-std`), never as text of the host. For now `..`
//! is taken by the path's text, and a symbolic link that leaves its mount, an absolute one included, is an error.

mod device;
mod host_file;

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::Arc;
use std::time::SystemTime;

use cap_std::fs::{Dir, FileType, FileTypeExt, MetadataExt, OpenOptionsExt};
use rustix::fs::OFlags;
use stepbox_system::{Access, DirEntry, FileKind, Metadata, OpenFile, OpenOptions, Vfs, VirtualPath};

use crate::Image;
use crate::image::is_command_directory;
use device::Device;
use host_file::HostFile;

const EACCES: i32 = 13;
const ENOENT: i32 = 2;
const EROFS: i32 = 30;
const EXDEV: i32 = 18;
const ELOOP: i32 = 40;
const EINVAL: i32 = 22;
const ENOTDIR: i32 = 20;

/// A directory of the host at a place of the virtual tree.
pub struct Mount {
    /// Where: an absolute, normalized path.
    pub at: VirtualPath,
    /// What.
    pub directory: Dir,
    /// Whether steps may write there.
    pub writable: bool,
}

/// The virtual file tree of one step.
pub struct FileTree {
    /// The deepest first.
    mounts: Vec<Mount>,
    image: Arc<Image>,
}

/// What stands at a path.
enum Place<'a> {
    Mounted(&'a Mount, &'a OsStr),
    Device(Device),
    Command,
}

impl FileTree {
    /// A tree of `mounts`, one of which must be at `/`, with the commands of `image`.
    pub fn new(mut mounts: Vec<Mount>, image: Arc<Image>) -> Arc<Self> {
        mounts.sort_by_key(|mount| std::cmp::Reverse(mount.at.as_bytes().len()));
        Arc::new(Self { mounts, image })
    }

    /// The directories that guests are given: their path inside, and a path by which this process reaches the handle.
    pub(crate) fn preopens(&self) -> impl Iterator<Item = (String, String, bool)> {
        self.mounts.iter().rev().map(|mount| {
            (mount.at.to_string(), format!("/proc/self/fd/{}", mount.directory.as_raw_fd()), mount.writable)
        })
    }

    /// What stands at a normalized path.
    fn place<'a>(&'a self, path: &'a VirtualPath) -> io::Result<Place<'a>> {
        if let Some(device) = Device::at(path) {
            return Ok(Place::Device(device));
        }
        if self.image.command_at(path).is_some() && !self.on_disk(path) {
            return Ok(Place::Command);
        }
        self.mounted(path)
    }

    fn mounted<'a>(&'a self, path: &'a VirtualPath) -> io::Result<Place<'a>> {
        for mount in &self.mounts {
            if let Some(rest) = path.strip_prefix(&mount.at) {
                let rest = if rest.is_empty() { OsStr::new(".") } else { OsStr::from_bytes(rest) };
                return Ok(Place::Mounted(mount, rest));
            }
        }
        Err(io::Error::from_raw_os_error(ENOENT))
    }

    /// Whether a step has put a file of its own where a command of the image stands.
    fn on_disk(&self, path: &VirtualPath) -> bool {
        match self.mounted(path) {
            Ok(Place::Mounted(mount, rest)) => mount.directory.symlink_metadata(rest).is_ok(),
            _ => false,
        }
    }
}

/// An error as a program in a container would see it: what leads outside does not exist there.
fn inside(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        // The kernel and cap-std say so of a path that leaves its mount.
        Some(EXDEV) => io::Error::from_raw_os_error(EACCES),
        Some(_) => error,
        None if error.kind() == io::ErrorKind::PermissionDenied => io::Error::from_raw_os_error(EACCES),
        None => error,
    }
}

fn kind_of(kind: FileType) -> FileKind {
    if kind.is_dir() {
        FileKind::Directory
    } else if kind.is_symlink() {
        FileKind::Symlink
    } else if kind.is_fifo() {
        FileKind::Fifo
    } else if kind.is_socket() {
        FileKind::Socket
    } else if kind.is_char_device() {
        FileKind::CharacterDevice
    } else if kind.is_block_device() {
        FileKind::BlockDevice
    } else {
        FileKind::File
    }
}

fn metadata_of(metadata: &cap_std::fs::Metadata) -> Metadata {
    let time = |seconds: i64, nanoseconds: i64| {
        let base = std::time::Duration::new(seconds.unsigned_abs(), nanoseconds.clamp(0, 999_999_999) as u32);
        let moved = if seconds >= 0 {
            SystemTime::UNIX_EPOCH.checked_add(base)
        } else {
            SystemTime::UNIX_EPOCH.checked_sub(base)
        };
        moved.unwrap_or(SystemTime::UNIX_EPOCH)
    };
    Metadata {
        kind: kind_of(metadata.file_type()),
        size: metadata.len(),
        mode: metadata.mode() & 0o7777,
        links: metadata.nlink(),
        device: metadata.dev(),
        inode: metadata.ino(),
        modified: time(metadata.mtime(), metadata.mtime_nsec()),
        accessed: time(metadata.atime(), metadata.atime_nsec()),
    }
}

/// What a command of the image looks like.
fn command_metadata() -> Metadata {
    Metadata {
        kind: FileKind::File,
        size: 0,
        mode: 0o755,
        links: 1,
        device: 0,
        inode: 2,
        modified: SystemTime::UNIX_EPOCH,
        accessed: SystemTime::UNIX_EPOCH,
    }
}

impl Vfs for FileTree {
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> io::Result<OpenFile> {
        let slash = path.has_trailing_slash();
        let path = path.normalized();
        match self.place(&path)? {
            Place::Device(device) => device.open(),
            Place::Command if options.write => Err(io::Error::from_raw_os_error(EACCES)),
            Place::Command => Ok(OpenFile::null()),
            Place::Mounted(mount, rest) => {
                let writes = options.write || options.append || options.create || options.create_new;
                if writes && !mount.writable {
                    return Err(io::Error::from_raw_os_error(EROFS));
                }
                if slash && writes {
                    return Err(io::Error::from_raw_os_error(21));
                }
                let mut host = cap_std::fs::OpenOptions::new();
                host.read(options.read)
                    .write(options.write)
                    .append(options.append)
                    .truncate(options.truncate && !options.append)
                    .create(options.create)
                    .create_new(options.create_new)
                    .mode(options.mode)
                    // A pipe that somebody has planted must not hold the opener.
                    .custom_flags(OFlags::NONBLOCK.bits().cast_signed());
                let file = mount.directory.open_with(rest, &host).map_err(inside)?.into_std();
                let metadata = metadata_of(&cap_std::fs::Metadata::from_file(&file)?);
                if slash && !metadata.is_dir() {
                    return Err(io::Error::from_raw_os_error(ENOTDIR));
                }
                Ok(OpenFile::new(HostFile::new(file, metadata.kind)))
            }
        }
    }

    fn metadata(&self, path: &VirtualPath, follow: bool) -> io::Result<Metadata> {
        let slash = path.has_trailing_slash();
        let path = path.normalized();
        let metadata = match self.place(&path)? {
            Place::Device(device) => device.metadata(),
            Place::Command => command_metadata(),
            Place::Mounted(mount, rest) => {
                let metadata = if follow || slash {
                    mount.directory.metadata(rest)
                } else {
                    mount.directory.symlink_metadata(rest)
                };
                metadata_of(&metadata.map_err(inside)?)
            }
        };
        if slash && !metadata.is_dir() {
            return Err(io::Error::from_raw_os_error(ENOTDIR));
        }
        Ok(metadata)
    }

    fn read_dir(&self, path: &VirtualPath) -> io::Result<Vec<DirEntry>> {
        let path = path.normalized();
        let Place::Mounted(mount, rest) = self.place(&path)? else {
            return Err(io::Error::from_raw_os_error(ENOTDIR));
        };
        let mut entries = vec![];
        for entry in mount.directory.read_dir(rest).map_err(inside)? {
            let entry = entry?;
            // A file that is gone by now is listed all the same.
            let kind = entry.file_type().map_or(FileKind::File, kind_of);
            entries.push(DirEntry { name: entry.file_name().into_vec(), kind });
        }
        if is_command_directory(&path) {
            let known: BTreeSet<Vec<u8>> = entries.iter().map(|entry| entry.name.clone()).collect();
            let commands = self.image.commands().iter().map(|name| name.as_bytes().to_vec());
            entries.extend(
                commands.filter(|name| !known.contains(name)).map(|name| DirEntry { name, kind: FileKind::File }),
            );
        }
        if path.as_bytes() == b"/dev" {
            let known: BTreeSet<Vec<u8>> = entries.iter().map(|entry| entry.name.clone()).collect();
            let devices = Device::names().map(|name| name.as_bytes().to_vec());
            entries.extend(
                devices
                    .filter(|name| !known.contains(name))
                    .map(|name| DirEntry { name, kind: FileKind::CharacterDevice }),
            );
        }
        Ok(entries)
    }

    fn read_link(&self, path: &VirtualPath) -> io::Result<Vec<u8>> {
        let path = path.normalized();
        match self.place(&path)? {
            Place::Mounted(mount, rest) => {
                Ok(mount.directory.read_link_contents(rest).map_err(inside)?.into_os_string().into_vec())
            }
            _ => Err(io::Error::from_raw_os_error(EINVAL)),
        }
    }

    fn canonicalize(&self, path: &VirtualPath) -> io::Result<VirtualPath> {
        let path = path.normalized();
        match self.place(&path)? {
            Place::Mounted(mount, rest) => {
                let rest = mount.directory.canonicalize(rest).map_err(inside)?;
                let joined = mount.at.join(rest.as_os_str().as_bytes());
                joined.map(|path| path.normalized()).map_err(|_| io::Error::from_raw_os_error(ELOOP))
            }
            _ => Ok(path),
        }
    }

    fn access(&self, path: &VirtualPath, access: Access) -> bool {
        // As it was written: a slash at its end asks for a directory.
        let Ok(metadata) = self.metadata(path, true) else { return false };
        let path = path.normalized();
        match access {
            // Inside the user is root: modes never deny reading or writing (DESIGN 3.5).
            Access::Read => true,
            Access::Write => match self.place(&path) {
                Ok(Place::Mounted(mount, _)) => mount.writable,
                Ok(Place::Device(_)) => true,
                _ => false,
            },
            Access::Execute => metadata.is_dir() || metadata.is_executable() || self.looks_executable(&path, &metadata),
        }
    }
}

impl FileTree {
    /// A file that begins as a program does and was written by a tool that cannot set modes (DESIGN 3.5).
    fn looks_executable(&self, path: &VirtualPath, metadata: &Metadata) -> bool {
        if metadata.kind != FileKind::File {
            return false;
        }
        let mut head = [0; 4];
        let read = self
            .open(path, &OpenOptions::reading())
            .and_then(|file| file.read(&mut head, &stepbox_system::CancelToken::new()));
        read.is_ok_and(|count| head[..count].starts_with(b"#!") || head[..count] == *b"\0asm")
    }
}
