//! What files are, and what directories hold.

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Stat};

/// What `stat` tells about a file, with the types that differ between hosts made equal.
#[derive(Clone, Debug)]
pub struct FileInfo {
    /// What it is.
    pub kind: FileType,
    /// Permission bits alone.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// How many names it has.
    pub links: u64,
    /// Its number.
    pub inode: u64,
    /// Where it is.
    pub device: u64,
    /// Seconds and nanoseconds of the last access, modification and change.
    pub accessed: (i64, u32),
    /// As `accessed`.
    pub modified: (i64, u32),
    /// As `accessed`.
    pub changed: (i64, u32),
}

/// What `path` is, with or without following it where it is a link.
pub fn read(path: &Path, follow: bool) -> io::Result<FileInfo> {
    let found = if follow { rustix::fs::stat(path) } else { rustix::fs::lstat(path) };
    Ok(FileInfo::new(&found?))
}

#[expect(clippy::allow_attributes, reason = "which conversions are useless differs between hosts")]
#[allow(clippy::useless_conversion, clippy::unnecessary_cast, reason = "the fields' types differ between hosts")]
impl FileInfo {
    fn new(found: &Stat) -> Self {
        let time = |seconds, nanoseconds: i128| (seconds, u32::try_from(nanoseconds).unwrap_or(0));
        #[cfg(target_os = "wasi")]
        let times = [found.st_atim, found.st_mtim, found.st_ctim].map(|t| time(t.tv_sec as i64, t.tv_nsec as i128));
        #[cfg(not(target_os = "wasi"))]
        let times = [
            time(found.st_atime as i64, found.st_atime_nsec as i128),
            time(found.st_mtime as i64, found.st_mtime_nsec as i128),
            time(found.st_ctime as i64, found.st_ctime_nsec as i128),
        ];
        Self {
            kind: FileType::from_raw_mode(found.st_mode),
            mode: found.st_mode as u32 & 0o7777,
            size: u64::try_from(found.st_size).unwrap_or(0),
            links: u64::from(found.st_nlink),
            inode: u64::from(found.st_ino),
            device: u64::from(found.st_dev),
            accessed: times[0],
            modified: times[1],
            changed: times[2],
        }
    }

    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == FileType::Directory
    }

    /// Whether it is a symbolic link.
    pub fn is_link(&self) -> bool {
        self.kind == FileType::Symlink
    }

    /// The letter of its kind, as `find -type` has it.
    pub fn letter(&self) -> char {
        match self.kind {
            FileType::Directory => 'd',
            FileType::Symlink => 'l',
            FileType::CharacterDevice => 'c',
            FileType::BlockDevice => 'b',
            #[cfg(not(target_os = "wasi"))]
            FileType::Fifo => 'p',
            #[cfg(not(target_os = "wasi"))]
            FileType::Socket => 's',
            _ => 'f',
        }
    }

    /// `-rw-r--r--`.
    pub fn mode_text(&self) -> String {
        let mut text = String::from(if self.letter() == 'f' { '-' } else { self.letter() });
        for (shift, special, set, alone) in [(6, 0o4000, 's', 'S'), (3, 0o2000, 's', 'S'), (0, 0o1000, 't', 'T')] {
            let bits = self.mode >> shift;
            text.push(if bits & 4 != 0 { 'r' } else { '-' });
            text.push(if bits & 2 != 0 { 'w' } else { '-' });
            text.push(match (self.mode & special != 0, bits & 1 != 0) {
                (false, false) => '-',
                (false, true) => 'x',
                (true, true) => set,
                (true, false) => alone,
            });
        }
        text
    }

    /// Bytes that the file takes, in blocks of 4 KiB: WASI does not tell them.
    pub fn allocated(&self) -> u64 {
        match self.kind {
            FileType::RegularFile => self.size.div_ceil(4096).saturating_mul(4096),
            FileType::Directory => 4096,
            _ => 0,
        }
    }
}

/// The entries of a directory, sorted by name; those that cannot be read are left out.
pub fn entries(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_written_as_ls_writes_them() {
        let mut info = read(Path::new("/"), true).expect("the root is there");
        for (mode, text) in [(0o755, "drwxr-xr-x"), (0o1777, "drwxrwxrwt"), (0o4644, "drwSr--r--"), (0, "d---------")] {
            info.mode = mode;
            assert_eq!(info.mode_text(), text);
        }
    }
}
