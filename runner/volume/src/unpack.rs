use std::collections::VecDeque;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use cap_std::fs::Dir;
use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::index::{Entry, Index, Kind, MAX_INDEX};
use crate::layer::{first_frame, layer_size};
use crate::manifest::{MAX_MANIFEST, Manifest};
use crate::{Digest, StoreFs, VolumeError, VolumeErrorKind};

/// Bounds of a restore.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnpackLimits {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub raw_bytes: u64,
    /// Threads that decompress and write.
    pub threads: usize,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        Self { entries: 2_000_000, raw_bytes: 1 << 40, threads }
    }
}

/// What was restored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Unpacked {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub raw_bytes: u64,
}

/// Restores the snapshot of `manifest` from the store's `blobs` into `target`, an empty directory. All bytes are compared
/// with their digests; where one is wrong the error is `Corrupt` and the target is to be thrown away.
pub fn unpack(
    fs: &dyn StoreFs,
    blobs: &Dir,
    manifest: &Digest,
    target: &Dir,
    limits: &UnpackLimits,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Unpacked, VolumeError> {
    let data = read_blob(fs, "unpack.manifest.read", blobs, manifest, MAX_MANIFEST)?;
    let manifest = Manifest::parse(&data)?;
    let (layer, index) = manifest.parts()?;
    let index = Index::decode(&read_blob(fs, "unpack.index.read", blobs, &index.digest, MAX_INDEX)?, limits.entries)?;
    if index.layer != layer.digest {
        return Err(VolumeError::corrupt("the index is of another layer than the manifest names"));
    }
    if layer_size(&index.frames) != layer.size {
        return Err(VolumeError::corrupt("the index does not fit the size of the layer"));
    }
    if index.raw_bytes() > limits.raw_bytes {
        let message = format!("the snapshot holds more than {} bytes", limits.raw_bytes);
        return Err(VolumeError::new(VolumeErrorKind::Limit, message));
    }
    let file =
        fs.open("unpack.layer.open", blobs, &layer.digest.hex()).map_err(|error| blob_error(&layer.digest, error))?;
    let restore = Restore { fs, target, index: &index, file: &file, layer: layer.digest, stop };
    restore.directories()?;
    restore.files(layer.size, limits.threads.max(1))?;
    restore.links()?;
    restore.finish()?;
    Ok(Unpacked { entries: index.entries.len() as u64, raw_bytes: index.raw_bytes() })
}

pub(crate) fn blob_error(digest: &Digest, error: std::io::Error) -> VolumeError {
    match error.kind() {
        std::io::ErrorKind::NotFound => VolumeError::corrupt(format!("blob {digest} is missing")),
        std::io::ErrorKind::InvalidData => VolumeError::corrupt(format!("blob {digest} is too large")),
        _ => VolumeError::io(format!("cannot read blob {digest}"), error),
    }
}

/// A blob, if it is what its name says.
pub(crate) fn read_blob(
    fs: &dyn StoreFs,
    point: &'static str,
    blobs: &Dir,
    digest: &Digest,
    limit: u64,
) -> Result<Vec<u8>, VolumeError> {
    let data = fs.read(point, blobs, &digest.hex(), limit).map_err(|error| blob_error(digest, error))?;
    if Digest::of(&data) != *digest {
        return Err(VolumeError::corrupt(format!("blob {digest} is damaged")));
    }
    Ok(data)
}

struct Restore<'a> {
    fs: &'a dyn StoreFs,
    target: &'a Dir,
    index: &'a Index,
    file: &'a File,
    layer: Digest,
    stop: &'a (dyn Fn() -> bool + Sync),
}

/// Frames and the files in them that one thread restores.
struct Unit {
    frames: Range<usize>,
    entries: Vec<usize>,
}

impl Restore<'_> {
    fn damaged(&self) -> VolumeError {
        VolumeError::corrupt(format!("blob {} is damaged", self.layer))
    }

    fn shown(entry: &Entry) -> String {
        format!("cannot restore `{}`", String::from_utf8_lossy(&entry.path))
    }

    fn directories(&self) -> Result<(), VolumeError> {
        for entry in self.index.entries.iter().filter(|entry| entry.kind == Kind::Directory) {
            if (self.stop)() {
                return Err(VolumeError::cancelled());
            }
            self.fs.restore_directory("unpack.directory", self.target, &entry.path).context(Self::shown(entry))?;
        }
        Ok(())
    }

    /// Where each frame begins in the tar stream, and in the layer.
    fn places(&self) -> (Vec<u64>, Vec<u64>) {
        let (mut raw, mut stored) = (vec![0], vec![first_frame()]);
        for frame in &self.index.frames {
            raw.push(raw[raw.len() - 1] + u64::from(frame.raw));
            stored.push(stored[stored.len() - 1] + u64::from(frame.stored));
        }
        (raw, stored)
    }

    /// Files by the frames that they lie in; every frame is in one unit at most.
    fn units(&self, raw: &[u64]) -> VecDeque<Unit> {
        let mut units: VecDeque<Unit> = VecDeque::new();
        for (number, entry) in self.index.entries.iter().enumerate() {
            let Kind::File { size, offset, .. } = entry.kind else { continue };
            let first = raw.partition_point(|begin| *begin <= offset).saturating_sub(1);
            let last =
                if size == 0 { first } else { raw.partition_point(|begin| *begin < offset + size).saturating_sub(1) };
            match units.back_mut() {
                Some(unit) if first < unit.frames.end => {
                    unit.frames.end = unit.frames.end.max(last + 1);
                    unit.entries.push(number);
                }
                _ => units.push_back(Unit { frames: first..last + 1, entries: vec![number] }),
            }
        }
        units
    }

    fn files(&self, layer_size: u64, threads: usize) -> Result<(), VolumeError> {
        let (raw, stored) = self.places();
        let units = self.units(&raw);
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let problem: Mutex<Option<VolumeError>> = Mutex::new(None);
        let fail = |error: VolumeError| {
            failed.store(true, Ordering::Release);
            problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        };
        std::thread::scope(|scope| {
            // The whole blob is hashed beside the restore: a flipped byte that no file shows is told all the same.
            scope.spawn(|| {
                if let Err(error) = self.check_layer(layer_size, &failed) {
                    fail(error);
                }
            });
            for _ in 0..threads {
                scope.spawn(|| {
                    while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if failed.load(Ordering::Acquire) {
                            return;
                        }
                        let result =
                            if (self.stop)() { Err(VolumeError::cancelled()) } else { self.unit(unit, &raw, &stored) };
                        if let Err(error) = result {
                            fail(error);
                            return;
                        }
                    }
                });
            }
        });
        match problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn check_layer(&self, size: u64, failed: &AtomicBool) -> Result<(), VolumeError> {
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut at = 0;
        while !failed.load(Ordering::Acquire) {
            let count = self.file.read_at(&mut buffer, at).context(format!("cannot read blob {}", self.layer))?;
            if count == 0 {
                return if at == size && Digest::finish(hasher) == self.layer { Ok(()) } else { Err(self.damaged()) };
            }
            hasher.update(&buffer[..count]);
            at += count as u64;
            if at > size {
                return Err(self.damaged());
            }
        }
        Ok(())
    }

    fn unit(&self, unit: &Unit, raw: &[u64], stored: &[u64]) -> Result<(), VolumeError> {
        let mut decoder = zstd::bulk::Decompressor::new().context("cannot decompress")?;
        // The frame that is in memory.
        let mut current: Option<(usize, Vec<u8>)> = None;
        for number in &unit.entries {
            let entry = &self.index.entries[*number];
            let Kind::File { size, digest, offset } = &entry.kind else { continue };
            let mut file =
                self.fs.restore_file("unpack.file.create", self.target, &entry.path).context(Self::shown(entry))?;
            let mut hasher = Sha256::new();
            let (mut at, end) = (*offset, offset + size);
            while at < end {
                let frame = raw.partition_point(|begin| *begin <= at).saturating_sub(1);
                if current.as_ref().is_none_or(|(known, _)| *known != frame) {
                    current = Some((frame, self.frame(frame, stored, &mut decoder)?));
                }
                let Some((_, data)) = &current else { return Err(self.damaged()) };
                let begin = usize::try_from(at - raw[frame]).unwrap_or(usize::MAX);
                let stop = usize::try_from(end.min(raw[frame + 1]) - raw[frame]).unwrap_or(usize::MAX);
                let part = data.get(begin..stop).filter(|part| !part.is_empty()).ok_or_else(|| self.damaged())?;
                self.fs.write("unpack.file.write", &mut file, part).context(Self::shown(entry))?;
                hasher.update(part);
                at += part.len() as u64;
            }
            if Digest::finish(hasher) != *digest {
                return Err(self.damaged());
            }
            self.fs.finish_file("unpack.file.finish", &file, entry.mode, entry.mtime).context(Self::shown(entry))?;
        }
        Ok(())
    }

    fn frame(
        &self,
        number: usize,
        stored: &[u64],
        decoder: &mut zstd::bulk::Decompressor<'_>,
    ) -> Result<Vec<u8>, VolumeError> {
        let frame = self.index.frames.get(number).ok_or_else(|| self.damaged())?;
        let mut data = vec![0; frame.stored as usize];
        self.fs.read_frame("unpack.frame.read", self.file, &mut data, stored[number]).map_err(|_| self.damaged())?;
        match decoder.decompress(&data, frame.raw as usize) {
            Ok(raw) if raw.len() == frame.raw as usize => Ok(raw),
            _ => Err(self.damaged()),
        }
    }

    fn links(&self) -> Result<(), VolumeError> {
        for entry in &self.index.entries {
            if (self.stop)() {
                return Err(VolumeError::cancelled());
            }
            match &entry.kind {
                Kind::Symlink { target } => {
                    self.fs
                        .restore_symlink("unpack.symlink", self.target, target, &entry.path)
                        .context(Self::shown(entry))?;
                    self.fs
                        .finish_path("unpack.symlink.finish", self.target, &entry.path, None, entry.mtime)
                        .context(Self::shown(entry))?;
                }
                Kind::HardLink { target } => {
                    self.fs
                        .restore_link("unpack.link", self.target, target, &entry.path)
                        .context(Self::shown(entry))?;
                }
                Kind::File { .. } | Kind::Directory => {}
            }
        }
        Ok(())
    }

    /// Modes and times of directories last, the deepest first, since what is made inside changes them.
    fn finish(&self) -> Result<(), VolumeError> {
        for entry in self.index.entries.iter().rev().filter(|entry| entry.kind == Kind::Directory) {
            self.fs
                .finish_path("unpack.directory.finish", self.target, &entry.path, Some(entry.mode), entry.mtime)
                .context(Self::shown(entry))?;
        }
        Ok(())
    }
}
