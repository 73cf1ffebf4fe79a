//! Faults for tests: an operation that fails, or a process that dies, before or behind a named point.

use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use cap_std::fs::Dir;

use crate::StoreFs;

/// The points of saving and publishing, in the order in which they are first met. `publish.name.…` and
/// `publish.refs.sync_directory` are met once in the life of a volume.
pub const SAVE_POINTS: &[&str] = &[
    "pack.clear",
    "pack.layer.create",
    "pack.layer.write",
    "pack.layer.sync",
    "pack.index.create",
    "pack.index.write",
    "pack.index.sync",
    "publish.blob.open",
    "publish.blob.sync",
    "publish.blob.protect",
    "publish.blob.rename",
    "publish.config.create",
    "publish.config.write",
    "publish.config.sync",
    "publish.config.rename",
    "publish.manifest.create",
    "publish.manifest.write",
    "publish.manifest.sync",
    "publish.manifest.rename",
    "publish.blobs.sync_directory",
    "publish.kept.make",
    "publish.kept.create",
    "publish.kept.write",
    "publish.kept.sync",
    "publish.kept.rename",
    "publish.kept.sync_directory",
    "publish.refs.make",
    "publish.history.make",
    "publish.lock",
    "publish.name.create",
    "publish.name.write",
    "publish.name.sync",
    "publish.name.rename",
    "publish.name.sync_directory",
    "publish.refs.sync_directory",
    "publish.history.create",
    "publish.history.write",
    "publish.history.sync",
    "publish.history.rename",
    "publish.history.sync_directory",
    "publish.ref.create",
    "publish.ref.write",
    "publish.ref.sync",
    "publish.ref.rename",
    "publish.ref.sync_directory",
    "publish.oci-index.create",
    "publish.oci-index.write",
    "publish.oci-index.sync",
    "publish.oci-index.rename",
    "publish.oci-index.sync_directory",
];

/// The points of restoring.
pub const RESTORE_POINTS: &[&str] = &[
    "unpack.manifest.read",
    "unpack.index.read",
    "unpack.layer.open",
    "unpack.directory",
    "unpack.file.create",
    "unpack.frame.read",
    "unpack.file.write",
    "unpack.file.finish",
    "unpack.symlink",
    "unpack.symlink.finish",
    "unpack.link",
    "unpack.directory.finish",
];

/// What happens at a point.
pub enum Fault {
    /// The operation fails with this code of the operating system, and is not carried out.
    Error(i32),
    /// This is called instead of going on; it may end the process.
    Call(Box<dyn Fn() + Send + Sync>),
}

/// A file system with one fault.
pub struct FaultyFs<F> {
    inner: F,
    point: String,
    /// Which time the point is met, counted from 1.
    turn: u64,
    met: AtomicU64,
    fault: Fault,
    /// Every point that was met, whether a fault is there or not.
    seen: Mutex<BTreeSet<&'static str>>,
}

impl<F: StoreFs> FaultyFs<F> {
    /// The `turn`th time that an operation of `point` begins, or ends where `point` has `.after` at its end, `fault`
    /// happens; `*` is any point. An error at an end comes after the operation was carried out.
    pub fn new(inner: F, point: impl Into<String>, turn: u64, fault: Fault) -> Self {
        Self { inner, point: point.into(), turn, met: AtomicU64::new(0), fault, seen: Mutex::default() }
    }

    /// The same with a call at the first time.
    pub fn dying_at(inner: F, point: impl Into<String>, die: impl Fn() + Send + Sync + 'static) -> Self {
        Self::new(inner, point, 1, Fault::Call(Box::new(die)))
    }

    /// The points that were met so far.
    pub fn seen(&self) -> BTreeSet<&'static str> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn here(&self, point: &'static str, after: bool) -> io::Result<()> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(point);
        let wanted = self.point.strip_suffix(".after");
        let name = wanted.unwrap_or(&self.point);
        if (name != point && name != "*") || wanted.is_some() != after {
            return Ok(());
        }
        if self.met.fetch_add(1, Ordering::AcqRel) + 1 != self.turn {
            return Ok(());
        }
        match &self.fault {
            Fault::Error(code) => Err(io::Error::from_raw_os_error(*code)),
            Fault::Call(call) => {
                call();
                Ok(())
            }
        }
    }
}

impl<F: StoreFs> StoreFs for FaultyFs<F> {
    fn create(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<File> {
        self.here(point, false)?;
        let done = self.inner.create(point, directory, name)?;
        self.here(point, true)?;
        Ok(done)
    }

    fn open(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<File> {
        self.here(point, false)?;
        let done = self.inner.open(point, directory, name)?;
        self.here(point, true)?;
        Ok(done)
    }

    fn read(&self, point: &'static str, directory: &Dir, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        self.here(point, false)?;
        let done = self.inner.read(point, directory, name, limit)?;
        self.here(point, true)?;
        Ok(done)
    }

    fn write(&self, point: &'static str, file: &mut File, data: &[u8]) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.write(point, file, data)?;
        self.here(point, true)
    }

    fn sync(&self, point: &'static str, file: &File) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.sync(point, file)?;
        self.here(point, true)
    }

    fn sync_directory(&self, point: &'static str, directory: &Dir) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.sync_directory(point, directory)?;
        self.here(point, true)
    }

    fn rename(&self, point: &'static str, from: &Dir, old: &str, to: &Dir, new: &str) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.rename(point, from, old, to, new)?;
        self.here(point, true)
    }

    fn protect(&self, point: &'static str, file: &File) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.protect(point, file)?;
        self.here(point, true)
    }

    fn remove(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.remove(point, directory, name)?;
        self.here(point, true)
    }

    fn make_directory(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.make_directory(point, directory, name)?;
        self.here(point, true)
    }

    fn lock(&self, point: &'static str, file: &File, exclusive: bool) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.lock(point, file, exclusive)?;
        self.here(point, true)
    }

    fn read_frame(&self, point: &'static str, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.read_frame(point, file, buffer, offset)?;
        self.here(point, true)
    }

    fn restore_directory(&self, point: &'static str, root: &Dir, path: &[u8]) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.restore_directory(point, root, path)?;
        self.here(point, true)
    }

    fn restore_file(&self, point: &'static str, root: &Dir, path: &[u8]) -> io::Result<File> {
        self.here(point, false)?;
        let done = self.inner.restore_file(point, root, path)?;
        self.here(point, true)?;
        Ok(done)
    }

    fn write_at(&self, point: &'static str, file: &File, data: &[u8], offset: u64) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.write_at(point, file, data, offset)?;
        self.here(point, true)
    }

    fn set_length(&self, point: &'static str, file: &File, length: u64) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.set_length(point, file, length)?;
        self.here(point, true)
    }

    fn remove_entry(&self, point: &'static str, root: &Dir, path: &[u8], directory: bool) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.remove_entry(point, root, path, directory)?;
        self.here(point, true)
    }

    fn restore_symlink(&self, point: &'static str, root: &Dir, target: &[u8], path: &[u8]) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.restore_symlink(point, root, target, path)?;
        self.here(point, true)
    }

    fn restore_link(&self, point: &'static str, root: &Dir, old: &[u8], new: &[u8]) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.restore_link(point, root, old, new)?;
        self.here(point, true)
    }

    fn finish_file(&self, point: &'static str, file: &File, mode: u32, mtime: (i64, u32)) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.finish_file(point, file, mode, mtime)?;
        self.here(point, true)
    }

    fn finish_path(
        &self,
        point: &'static str,
        root: &Dir,
        path: &[u8],
        mode: Option<u32>,
        mtime: (i64, u32),
    ) -> io::Result<()> {
        self.here(point, false)?;
        self.inner.finish_path(point, root, path, mode, mtime)?;
        self.here(point, true)
    }
}
