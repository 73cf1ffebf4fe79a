//! What a tree on disk has that a snapshot has not, and the other way round.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering as Memory};

use cap_std::fs::Dir;

use crate::VolumeError;
use crate::index::{Entry, Index, Kind, in_order};
use crate::known::KnownTree;
use crate::pack::{hash_file, open};
use crate::tar::{BLOCK, Member, header};
use crate::walk::{Found, FoundKind, Tree, asked_mode};

/// A snapshot has at most this many layers: more would make every restore open more files.
const MAX_LAYERS: usize = 16;

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// It is as this entry of the base.
    Base(usize),
    /// It is read anew.
    Read,
}

/// A tree beside the snapshot that it comes from.
pub(crate) struct Changes {
    /// For each entry that was found.
    pub(crate) sources: Vec<Source>,
    /// Entries of the base that are gone, and whose directory is still there.
    pub(crate) gone: Vec<usize>,
    /// Whether anything differs at all.
    any: bool,
}

impl Changes {
    /// Compares what was found in `root` with a base. Files whose size, times and inode are as they were are not opened.
    pub(crate) fn find(
        root: &Dir,
        tree: &Tree,
        base: &Index,
        known: Option<&KnownTree>,
        threads: usize,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, VolumeError> {
        let matches = pair(&tree.found, &base.entries);
        let known = known.filter(|known| known.device == tree.device && known.stats.len() == base.entries.len());
        let mut sources = vec![Source::Read; tree.found.len()];
        // Files that look like those of the base and must be read to know.
        let mut doubtful = vec![];
        let mut gone_any = false;
        for (found, entry) in &matches {
            let (Some(found), Some(entry)) = (*found, *entry) else {
                gone_any |= entry.is_some();
                continue;
            };
            let (seen, old) = (&tree.found[found], &base.entries[entry]);
            match (&seen.kind, &old.kind) {
                (FoundKind::File { size, .. }, Kind::File { size: old_size, .. }) => {
                    if known.is_some_and(|known| known.stats[entry] == Some(seen.stat)) {
                        sources[found] = Source::Base(entry);
                    } else if size == old_size && seen.mtime == old.mtime {
                        doubtful.push((found, entry));
                    }
                }
                (FoundKind::Directory, Kind::Directory) if (seen.mode, seen.mtime) == (old.mode, old.mtime) => {
                    sources[found] = Source::Base(entry);
                }
                (FoundKind::Symlink { target }, Kind::Symlink { target: old_target })
                    if target == old_target && seen.mtime == old.mtime =>
                {
                    sources[found] = Source::Base(entry);
                }
                _ => {}
            }
        }
        for (found, entry) in confirm(root, &tree.found, base, &doubtful, threads, stop)? {
            sources[found] = Source::Base(entry);
        }
        // A link is as it was where the file that it leads to is: else that file gets a new place, and the link must
        // follow in tools that unpack layer by layer.
        for (found, entry) in &matches {
            if let (Some(found), Some(entry)) = (*found, *entry)
                && let (FoundKind::HardLink { target }, Kind::HardLink { target: old }) =
                    (&tree.found[found].kind, &base.entries[entry].kind)
                && target == old
                && tree
                    .found
                    .binary_search_by(|one| in_order(&one.path, target))
                    .is_ok_and(|at| matches!(sources[at], Source::Base(_)))
            {
                sources[found] = Source::Base(entry);
            }
        }
        let any = gone_any || sources.contains(&Source::Read);
        Ok(Self { gone: missing(&tree.found, &base.entries, &matches), sources, any })
    }

    /// Whether the tree is as the base.
    pub(crate) fn none(&self) -> bool {
        !self.any
    }

    /// Whether a whole new layer is better than another one on top: there are many already, more than a third of what is
    /// stored is dead, or half of the volume is new.
    pub(crate) fn want_a_whole(&self, tree: &Tree, base: &Index) -> bool {
        if base.layers.len() >= MAX_LAYERS {
            return true;
        }
        let raw: Vec<u64> = base.layers.iter().map(|layer| layer.stream_length()).collect();
        let mut live = vec![0; raw.len()];
        let (mut new, mut all) = (0u64, 0u64);
        for (found, source) in tree.found.iter().zip(&self.sources) {
            if let FoundKind::File { size, .. } = found.kind {
                all = all.saturating_add(size);
                new = new.saturating_add(if *source == Source::Read { size } else { 0 });
            }
            if let Source::Base(entry) = source {
                let (layer, bytes) = place(&base.entries[*entry]);
                if let Some(live) = live.get_mut(layer) {
                    *live += bytes;
                }
            }
        }
        let stored =
            |layer: usize| -> u64 { base.layers[layer].frames.iter().map(|frame| u64::from(frame.stored)).sum() };
        let total: u64 = (0..raw.len()).map(stored).sum();
        let dead: u64 = (0..raw.len())
            .map(|layer| {
                let dead = u128::from(raw[layer].saturating_sub(live[layer]));
                (u128::from(stored(layer)) * dead / u128::from(raw[layer].max(1))) as u64
            })
            .sum();
        new.saturating_mul(2) > all || dead.saturating_mul(100) > total.saturating_mul(35)
    }
}

/// The layer of an entry and how much of its stream it takes. What has no contents counts for the base.
fn place(entry: &Entry) -> (usize, u64) {
    let (member, layer, size) = match &entry.kind {
        Kind::File { size, place, .. } => (Member::File { size: *size }, place.layer as usize, *size),
        Kind::Directory => (Member::Directory, 0, 0),
        Kind::Symlink { target } => (Member::Symlink { target }, 0, 0),
        Kind::HardLink { target } => (Member::HardLink { target }, 0, 0),
    };
    let head = header(&entry.path, member, entry.mode, entry.mtime).len() as u64;
    (layer, head + size.next_multiple_of(BLOCK as u64))
}

/// Numbers of what was found and of entries, side by side where their paths are the same.
pub(crate) fn pair(found: &[Found], entries: &[Entry]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut pairs = Vec::with_capacity(found.len().max(entries.len()));
    let (mut left, mut right) = (0, 0);
    loop {
        let order = match (found.get(left), entries.get(right)) {
            (Some(found), Some(entry)) => in_order(&found.path, &entry.path),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return pairs,
        };
        pairs.push(((order.is_le()).then_some(left), (order.is_ge()).then_some(right)));
        left += usize::from(order.is_le());
        right += usize::from(order.is_ge());
    }
}

/// Entries of the base that need a whiteout: the path is gone, and its directory still is one.
fn missing(found: &[Found], entries: &[Entry], pairs: &[(Option<usize>, Option<usize>)]) -> Vec<usize> {
    let directories: HashSet<&[u8]> =
        found.iter().filter(|one| matches!(one.kind, FoundKind::Directory)).map(|one| one.path.as_slice()).collect();
    let gone = pairs.iter().filter_map(|pair| if pair.0.is_none() { pair.1 } else { None });
    gone.filter(|entry| {
        let path = &entries[*entry].path;
        path.iter().rposition(|byte| *byte == b'/').is_none_or(|at| directories.contains(&path[..at]))
    })
    .collect()
}

/// Reads files that look like their entries, on several threads; those that are.
fn confirm(
    root: &Dir,
    found: &[Found],
    base: &Index,
    doubtful: &[(usize, usize)],
    threads: usize,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<(usize, usize)>, VolumeError> {
    let next = AtomicUsize::new(0);
    let confirmed = Mutex::new(vec![]);
    let problem: Mutex<Option<VolumeError>> = Mutex::new(None);
    let look = || {
        while let Some((seen, entry)) = doubtful.get(next.fetch_add(1, Memory::Relaxed)) {
            match is_as(root, &found[*seen], &base.entries[*entry], stop) {
                Ok(true) => confirmed.lock().unwrap_or_else(PoisonError::into_inner).push((*seen, *entry)),
                Ok(false) => {}
                Err(error) => {
                    problem.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    // Nobody needs to look at the others.
                    next.store(doubtful.len(), Memory::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        // Threads cost more than a few small files.
        if doubtful.len() > 64 {
            for _ in 1..threads {
                scope.spawn(look);
            }
        }
        look();
    });
    match problem.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(confirmed.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Whether a file of the right size and time has the mode and the contents of an entry.
fn is_as(root: &Dir, found: &Found, entry: &Entry, stop: &(dyn Fn() -> bool + Sync)) -> Result<bool, VolumeError> {
    let Kind::File { size, digest, .. } = &entry.kind else { return Ok(false) };
    let file = open(root, &found.path)?;
    if asked_mode(&file, found.mode) != entry.mode {
        return Ok(false);
    }
    Ok(hash_file(file, &found.path, *size, stop)? == Some(*digest))
}
