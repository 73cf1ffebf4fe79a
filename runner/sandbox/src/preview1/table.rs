use std::sync::Arc;

use stepbox_system::{FileKind, OpenFile};

use super::errno::Errno;
use super::rights;
use crate::tree::{Climb, Directory, Listed};

/// What stands behind a number of the guest's.
#[derive(Clone)]
pub(super) enum Object {
    File(OpenFile),
    Directory(OpenDirectory),
}

/// An open directory.
#[derive(Clone)]
pub(super) struct OpenDirectory {
    pub(super) directory: Directory,
    pub(super) climb: Climb,
    /// Its names as they were when they were read from the beginning: places in it stay what they are.
    pub(super) listing: Option<Arc<Vec<Listed>>>,
}

/// A descriptor.
#[derive(Clone)]
pub(super) struct Descriptor {
    pub(super) object: Object,
    /// Rights, and those of what is opened below.
    pub(super) base: u64,
    pub(super) inheriting: u64,
    /// How it was opened: `fdflags`.
    pub(super) flags: u16,
    /// What the guest has begun with at a number above the standard three.
    pub(super) given: Given,
}

/// What a guest learns of a descriptor that it has begun with.
#[derive(Clone)]
pub(super) enum Given {
    /// It has opened it by itself, or it is a standard one.
    Nothing,
    /// The name of a directory.
    Directory(Vec<u8>),
    /// A redirection of the shell: told as something else than a directory, so that a C library that looks for directories
    /// goes on with the next number.
    Redirection,
}

impl Descriptor {
    /// One that the guest begins with.
    pub(super) fn inherited(file: OpenFile) -> Self {
        let base = match file.kind() {
            FileKind::File => rights::FILE,
            // A device that is no terminal must not look like one: the C library takes these two for the difference.
            FileKind::CharacterDevice if !file.is_terminal() => rights::STREAM | rights::FD_SEEK | rights::FD_TELL,
            _ => rights::STREAM,
        };
        Self { object: Object::File(file), base, inheriting: 0, flags: 0, given: Given::Nothing }
    }

    pub(super) fn preopened(name: &[u8], directory: Directory, climb: Climb) -> Self {
        Self {
            object: Object::Directory(OpenDirectory { directory, climb, listing: None }),
            base: rights::DIRECTORY,
            inheriting: rights::DIRECTORY | rights::FILE,
            flags: 0,
            given: Given::Directory(name.to_vec()),
        }
    }

    /// The directory; `ENOTDIR` where it is none.
    pub(super) fn directory(&self) -> Result<&OpenDirectory, Errno> {
        match &self.object {
            Object::Directory(directory) => Ok(directory),
            Object::File(_) => Err(Errno::NOTDIR),
        }
    }

    /// The file; `EBADF` where it is a directory.
    pub(super) fn file(&self) -> Result<&OpenFile, Errno> {
        match &self.object {
            Object::File(file) => Ok(file),
            Object::Directory(_) => Err(Errno::BADF),
        }
    }
}

/// The descriptors of a guest.
pub(super) struct Table {
    entries: Vec<Option<Descriptor>>,
    open: usize,
    limit: usize,
    /// Whether the limit was met.
    full: bool,
}

impl Table {
    pub(super) fn new(limit: usize) -> Self {
        Self { entries: Vec::with_capacity(16), open: 0, limit, full: false }
    }

    /// Whether the guest has wanted more than it may have.
    pub(super) fn was_full(&self) -> bool {
        self.full
    }

    pub(super) fn get(&self, number: u32) -> Result<&Descriptor, Errno> {
        self.entries.get(number as usize).and_then(Option::as_ref).ok_or(Errno::BADF)
    }

    pub(super) fn get_mut(&mut self, number: u32) -> Result<&mut Descriptor, Errno> {
        self.entries.get_mut(number as usize).and_then(Option::as_mut).ok_or(Errno::BADF)
    }

    /// Puts a descriptor at a number that it had outside.
    pub(super) fn place(&mut self, number: u32, descriptor: Descriptor) -> Result<(), Errno> {
        let at = number as usize;
        if self.open >= self.limit || at >= self.limit {
            self.full = true;
            return Err(Errno::MFILE);
        }
        if self.entries.len() <= at {
            self.entries.resize_with(at + 1, || None);
        }
        if self.entries[at].replace(descriptor).is_none() {
            self.open += 1;
        }
        Ok(())
    }

    /// Puts a descriptor at the lowest free number above the standard three.
    pub(super) fn insert(&mut self, descriptor: Descriptor) -> Result<u32, Errno> {
        if self.open >= self.limit {
            self.full = true;
            return Err(Errno::MFILE);
        }
        let free = self.entries.iter().skip(3).position(Option::is_none).map_or(self.entries.len().max(3), |at| at + 3);
        let number = u32::try_from(free).map_err(|_| Errno::MFILE)?;
        self.place(number, descriptor)?;
        Ok(number)
    }

    pub(super) fn close(&mut self, number: u32) -> Result<Descriptor, Errno> {
        let closed = self.entries.get_mut(number as usize).and_then(Option::take).ok_or(Errno::BADF)?;
        self.open -= 1;
        Ok(closed)
    }

    /// Moves a descriptor to a number that is open, whose own is closed.
    pub(super) fn renumber(&mut self, from: u32, to: u32) -> Result<(), Errno> {
        self.get(from)?;
        self.get(to)?;
        if from != to {
            let mut moved = self.close(from)?;
            moved.given = Given::Nothing;
            self.entries[to as usize] = Some(moved);
        }
        Ok(())
    }
}
