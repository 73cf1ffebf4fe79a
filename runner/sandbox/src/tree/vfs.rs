//! The tree as the shell uses it.

use std::io;

use stepbox_system::{
    Access, CancelToken, DirEntry, FileKind, FileObject, Metadata, OpenFile, OpenOptions, Vfs, VirtualPath,
};

use super::entry::Found;
use super::errors::{ENOTDIR, error};
use super::{Climb, Directory, FileTree, OpenHow, Opened};

/// A directory that the shell has opened: to be looked at, not to be read.
struct OpenDirectory {
    metadata: Metadata,
}

impl FileObject for OpenDirectory {
    fn read(&self, _: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        Err(error(super::errors::EISDIR))
    }

    fn write(&self, _: &[u8], _: &CancelToken) -> io::Result<usize> {
        Err(error(9))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(self.metadata.clone())
    }

    fn kind(&self) -> FileKind {
        FileKind::Directory
    }
}

impl FileTree {
    /// The directory that a path of the tree leads to.
    pub(crate) fn directory_at(&self, path: &VirtualPath) -> io::Result<Directory> {
        self.directory_below(&self.root()?, path.as_bytes(), Climb::Free)
    }

    /// The directory that a path leads to.
    pub(crate) fn directory_below(&self, base: &Directory, path: &[u8], climb: Climb) -> io::Result<Directory> {
        let how = OpenHow { read: true, directory: true, follow: true, ..OpenHow::default() };
        match self.open_at(base, path, climb, &how)? {
            Opened::Directory(directory) => Ok(directory),
            Opened::File(_) | Opened::Descriptor(_) => Err(error(ENOTDIR)),
        }
    }
}

impl Vfs for FileTree {
    fn open(&self, path: &VirtualPath, options: &OpenOptions) -> io::Result<OpenFile> {
        let how = OpenHow {
            read: options.read,
            write: options.write,
            append: options.append,
            truncate: options.truncate,
            create: options.create || options.create_new,
            exclusive: options.create_new,
            directory: false,
            follow: true,
            mode: options.mode,
            ..OpenHow::default()
        };
        match self.open_at(&self.root()?, path.as_bytes(), Climb::Free, &how)? {
            Opened::File(file) => Ok(file),
            // The shell knows its own and does not ask.
            Opened::Descriptor(_) => Err(error(super::errors::ENXIO)),
            Opened::Directory(directory) => {
                let metadata = self.metadata_at(&directory, b".", Climb::Free, true)?;
                Ok(OpenFile::new(OpenDirectory { metadata }))
            }
        }
    }

    fn metadata(&self, path: &VirtualPath, follow: bool) -> io::Result<Metadata> {
        let root = self.root()?;
        let mut metadata = self.metadata_at(&root, path.as_bytes(), Climb::Free, follow)?;
        if let Some(mode) = self.remembered_at(&root, path.as_bytes(), Climb::Free, &metadata) {
            metadata.mode = mode;
        }
        Ok(metadata)
    }

    fn read_dir(&self, path: &VirtualPath) -> io::Result<Vec<DirEntry>> {
        let listed = self.list(&self.directory_at(path)?)?;
        Ok(listed.into_iter().map(|entry| DirEntry { name: entry.name, kind: entry.kind }).collect())
    }

    fn read_link(&self, path: &VirtualPath) -> io::Result<Vec<u8>> {
        self.link_target(&self.root()?, path.as_bytes(), Climb::Free)
    }

    fn canonicalize(&self, path: &VirtualPath) -> io::Result<VirtualPath> {
        match self.walk(&self.root()?, path.as_bytes(), Climb::Free, true)? {
            Found::Directory(directory) => Ok(directory.path),
            Found::Command(path) => Ok(path),
            Found::Device(_) => Ok(path.normalized()),
            Found::Entry(entry) => {
                let stat =
                    rustix::fs::statat(entry.directory()?, entry.host_name(), rustix::fs::AtFlags::SYMLINK_NOFOLLOW);
                match stat {
                    Ok(stat) if entry.slash && !is_directory(&stat) => Err(error(ENOTDIR)),
                    Ok(_) => entry.path(),
                    Err(failed) => Err(failed.into()),
                }
            }
        }
    }

    fn access(&self, path: &VirtualPath, access: Access) -> bool {
        let Ok(root) = self.root() else { return false };
        // As it was written: a slash at its end asks for a directory.
        let Ok(metadata) = self.metadata_at(&root, path.as_bytes(), Climb::Free, true) else { return false };
        match access {
            // Inside the user is root: modes never deny reading or writing (DESIGN 3.5).
            Access::Read => true,
            Access::Write => match self.walk(&root, path.as_bytes(), Climb::Free, true) {
                Ok(Found::Directory(directory)) => directory.writable(self),
                Ok(Found::Entry(entry)) => entry.check_writable().is_ok(),
                Ok(Found::Device(_)) => true,
                Ok(Found::Command(_)) | Err(_) => false,
            },
            Access::Execute if metadata.is_dir() => true,
            Access::Execute => match self.remembered_at(&root, path.as_bytes(), Climb::Free, &metadata) {
                Some(mode) => mode & 0o111 != 0,
                None => metadata.is_executable() || self.looks_executable(path, &metadata),
            },
        }
    }
}

fn is_directory(stat: &rustix::fs::Stat) -> bool {
    rustix::fs::FileType::from_raw_mode(stat.st_mode) == rustix::fs::FileType::Directory
}

impl FileTree {
    /// A file that begins as a program does and was written by a tool that cannot set modes (DESIGN 3.5).
    fn looks_executable(&self, path: &VirtualPath, metadata: &Metadata) -> bool {
        if metadata.kind != FileKind::File {
            return false;
        }
        let mut head = [0; 4];
        let read = self.open(path, &OpenOptions::reading()).and_then(|file| file.read(&mut head, &CancelToken::new()));
        read.is_ok_and(|count| head[..count].starts_with(b"#!") || head[..count] == *b"\0asm")
    }
}
