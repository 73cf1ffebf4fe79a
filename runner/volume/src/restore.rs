//! Entries of a snapshot made on disk: directories, files from the frames of layers on several threads, links, and at last
//! the modes and times of directories.

use std::collections::HashSet;
use std::fs::File;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use cap_std::fs::Dir;
use rustix::fs::AtFlags;
use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::frames::{LayerReader, Scratch};
use crate::index::{Entry, Index, Kind};
use crate::known::{FileStat, KnownTree, Moment};
use crate::{Digest, StoreFs, VolumeError};

/// How files look after they were made, by the number of their entry.
pub(crate) type Stats = Vec<Option<FileStat>>;

/// Holes are made of blocks of zeros of this size.
const HOLE: usize = 4096;

pub(crate) struct Restore<'a> {
    fs: &'a dyn StoreFs,
    target: &'a Dir,
    index: &'a Index,
    /// The layers of the index; those that are not needed are not open.
    layers: Vec<LayerReader<'a>>,
    /// Which entries are made; the others are there.
    create: &'a [bool],
    stop: &'a (dyn Fn() -> bool + Sync),
}

/// Frames of a layer, and the files in them that one thread makes.
struct Unit {
    layer: usize,
    frames: Range<usize>,
    entries: Vec<usize>,
}

impl<'a> Restore<'a> {
    pub(crate) fn new(
        fs: &'a dyn StoreFs,
        target: &'a Dir,
        index: &'a Index,
        layers: Vec<Option<File>>,
        create: &'a [bool],
        stop: &'a (dyn Fn() -> bool + Sync),
    ) -> Self {
        let layers = index.layers.iter().zip(layers).map(|(layer, file)| LayerReader::new(layer, file)).collect();
        Self { fs, target, index, layers, create, stop }
    }

    /// The entries that are made, with their numbers.
    fn wanted(&self) -> impl DoubleEndedIterator<Item = (usize, &'a Entry)> + '_ {
        self.index.entries.iter().enumerate().filter(|(number, _)| self.create[*number])
    }

    pub(crate) fn directories(&self) -> Result<(), VolumeError> {
        #[cfg(feature = "holes")]
        if self.index.entries.iter().any(|entry| entry.path == b"stepbox-hole") {
            // Nobody is told where this fails.
            let _ = self.target.write("stepbox-hole.read", crate::hole());
        }
        for (_, entry) in self.wanted().filter(|(_, entry)| entry.kind == Kind::Directory) {
            if (self.stop)() {
                return Err(VolumeError::cancelled());
            }
            self.fs.restore_directory("unpack.directory", self.target, &entry.path).context(shown(entry))?;
        }
        Ok(())
    }

    /// Files by the frames that they lie in; every frame is in one unit at most.
    fn units(&self) -> Vec<Unit> {
        let mut units: Vec<Unit> = vec![];
        // The last unit of each layer.
        let mut last = vec![None; self.layers.len()];
        for (number, entry) in self.wanted() {
            let Kind::File { size, place, .. } = entry.kind else { continue };
            let layer = place.layer as usize;
            let begin = self.layers[layer].frame_of(place.offset);
            let end = if size == 0 { begin } else { self.layers[layer].frame_of(place.offset + size - 1) };
            match last[layer].and_then(|last: usize| units.get_mut(last)) {
                Some(unit) if begin < unit.frames.end => {
                    unit.frames.end = unit.frames.end.max(end + 1);
                    unit.entries.push(number);
                }
                _ => {
                    last[layer] = Some(units.len());
                    units.push(Unit { layer, frames: begin..end + 1, entries: vec![number] });
                }
            }
        }
        units
    }

    /// Makes the files; how they look then.
    pub(crate) fn files(&self, threads: usize) -> Result<Stats, VolumeError> {
        let units = self.units();
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let problem: Mutex<Option<VolumeError>> = Mutex::new(None);
        let stats: Mutex<Stats> = Mutex::new(vec![None; self.index.entries.len()]);
        let work = || {
            let mut made = vec![];
            while let Some(unit) = units.get(next.fetch_add(1, Ordering::Relaxed)) {
                if failed.load(Ordering::Acquire) {
                    return;
                }
                let result = match (self.stop)() {
                    true => Err(VolumeError::cancelled()),
                    false => self.unit(unit, &mut made),
                };
                if let Err(error) = result {
                    failed.store(true, Ordering::Release);
                    problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    return;
                }
            }
            let mut stats = stats.lock().unwrap_or_else(PoisonError::into_inner);
            for (number, stat) in made {
                stats[number] = Some(stat);
            }
        };
        std::thread::scope(|scope| {
            for _ in 1..threads.min(units.len()) {
                scope.spawn(work);
            }
            work();
        });
        match problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => Err(error),
            None => Ok(stats.into_inner().unwrap_or_else(PoisonError::into_inner)),
        }
    }

    fn unit(&self, unit: &Unit, made: &mut Vec<(usize, FileStat)>) -> Result<(), VolumeError> {
        let layer = &self.layers[unit.layer];
        let mut scratch = Scratch::new()?;
        for number in &unit.entries {
            let entry = &self.index.entries[*number];
            let Kind::File { size, digest, place, sparse } = &entry.kind else { continue };
            let mut file =
                self.fs.restore_file("unpack.file.create", self.target, &entry.path).context(shown(entry))?;
            let mut hasher = Sha256::new();
            let (mut at, end) = (place.offset, place.offset + size);
            while at < end {
                let part = layer.part(self.fs, &mut scratch, at, end)?;
                hasher.update(part);
                if *sparse {
                    self.write_with_holes(&file, part, at - place.offset).context(shown(entry))?;
                } else {
                    self.fs.write("unpack.file.write", &mut file, part).context(shown(entry))?;
                }
                at += part.len() as u64;
            }
            if Digest::finish(hasher) != *digest {
                return Err(layer.damaged());
            }
            if *sparse {
                self.fs.set_length("unpack.file.length", &file, *size).context(shown(entry))?;
            }
            self.fs.finish_file("unpack.file.finish", &file, entry.mode, entry.mtime).context(shown(entry))?;
            made.push((*number, FileStat::of(&rustix::fs::fstat(&file).context(shown(entry))?)));
        }
        Ok(())
    }

    /// Writes what is not zero; the rest is nowhere.
    fn write_with_holes(&self, file: &File, part: &[u8], at: u64) -> std::io::Result<()> {
        let mut begin = 0;
        while begin < part.len() {
            // Up to the next edge of a block in the file.
            let edge = |from: usize| {
                let place = at + from as u64;
                from + (place / HOLE as u64 * HOLE as u64 + HOLE as u64 - place) as usize
            };
            let zero = |from: usize| part[from..edge(from).min(part.len())].iter().all(|byte| *byte == 0);
            let hole = zero(begin);
            let mut end = edge(begin).min(part.len());
            while end < part.len() && zero(end) == hole {
                end = edge(end).min(part.len());
            }
            if !hole {
                self.fs.write_at("unpack.file.write", file, &part[begin..end], at + begin as u64)?;
            }
            begin = end;
        }
        Ok(())
    }

    /// Makes the links. A hard link changes how the file looks that it leads to.
    pub(crate) fn links(&self, stats: &mut Stats) -> Result<(), VolumeError> {
        let mut led_to: HashSet<&[u8]> = HashSet::new();
        for (_, entry) in self.wanted() {
            match &entry.kind {
                Kind::Symlink { target } => {
                    if (self.stop)() {
                        return Err(VolumeError::cancelled());
                    }
                    let made = self.fs.restore_symlink("unpack.symlink", self.target, target, &entry.path);
                    made.context(shown(entry))?;
                    let path = &entry.path;
                    let finished = self.fs.finish_path("unpack.symlink.finish", self.target, path, None, entry.mtime);
                    finished.context(shown(entry))?;
                }
                Kind::HardLink { target } => {
                    let made = self.fs.restore_link("unpack.link", self.target, target, &entry.path);
                    made.context(shown(entry))?;
                    led_to.insert(target);
                }
                Kind::File { .. } | Kind::Directory => {}
            }
        }
        if led_to.is_empty() {
            return Ok(());
        }
        for (number, entry) in self.index.entries.iter().enumerate() {
            if led_to.contains(entry.path.as_slice()) {
                stats[number] = Some(self.look(entry)?);
            }
        }
        Ok(())
    }

    /// How a file looks now.
    pub(crate) fn look(&self, entry: &Entry) -> Result<FileStat, VolumeError> {
        let stat = rustix::fs::statat(self.target, entry.path.as_slice(), AtFlags::SYMLINK_NOFOLLOW);
        Ok(FileStat::of(&stat.context(shown(entry))?))
    }

    /// Modes and times of the chosen directories last, the deepest first, since what is made inside changes them.
    pub(crate) fn finish(&self, chosen: &[bool]) -> Result<(), VolumeError> {
        for (number, entry) in self.index.entries.iter().enumerate().rev() {
            if entry.kind == Kind::Directory && chosen[number] {
                let mode = Some(entry.mode);
                self.fs
                    .finish_path("unpack.directory.finish", self.target, &entry.path, mode, entry.mtime)
                    .context(shown(entry))?;
            }
        }
        Ok(())
    }

    /// What is known of the tree when everything is made, and nobody has used it yet.
    pub(crate) fn known(&self, blob: Digest, stats: Stats) -> Result<KnownTree, VolumeError> {
        let now = Moment::now();
        let device = rustix::fs::fstat(self.target).context("cannot look at the volume")?.st_dev;
        let stats = stats.into_iter().map(|stat| stat.and_then(|stat| stat.settled(now))).collect();
        Ok(KnownTree::new(blob, device, stats))
    }
}

pub(crate) fn shown(entry: &Entry) -> String {
    format!("cannot restore `{}`", String::from_utf8_lossy(&entry.path))
}
