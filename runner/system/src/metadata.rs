use std::time::SystemTime;

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character device (`/dev/null` and its like; only ever one of ours).
    CharacterDevice,
    /// A block device.
    BlockDevice,
    /// A pipe.
    Fifo,
    /// A socket.
    Socket,
}

/// What is known of a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Its size in bytes.
    pub size: u64,
    /// Permission bits, 0 to 0o7777.
    pub mode: u32,
    /// Number of hard links.
    pub links: u64,
    /// Identity of the file system; equal for files of one mount.
    pub device: u64,
    /// Identity of the file within its file system.
    pub inode: u64,
    /// When the contents last changed.
    pub modified: SystemTime,
    /// When the contents were last read.
    pub accessed: SystemTime,
}

impl Metadata {
    /// Of what no file system holds (a pipe, a device, a stream of the host): one link, and neither identity nor times of the
    /// host. `size` in bytes, `mode` as permission bits, `inode` tells it from others of its kind.
    pub fn unnamed(kind: FileKind, size: u64, mode: u32, inode: u64) -> Self {
        let time = SystemTime::UNIX_EPOCH;
        Self { kind, size, mode, links: 1, device: 0, inode, modified: time, accessed: time }
    }

    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.kind == FileKind::Directory
    }

    /// Whether any execution bit is set.
    pub fn is_executable(&self) -> bool {
        self.mode & 0o111 != 0
    }
}

/// One name in a directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DirEntry {
    /// The name: bytes without `/` and NUL; never `.` or `..`.
    pub name: Vec<u8>,
    /// What it is, links not followed.
    pub kind: FileKind,
}
