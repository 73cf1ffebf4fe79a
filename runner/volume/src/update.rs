//! A tree that holds another state, or this one already, is made to hold a snapshot: only what differs is touched.

use std::collections::HashSet;

use cap_std::fs::Dir;

use crate::changes::pair;
use crate::error::Context;
use crate::index::{Entry, Index, Kind, MAX_INDEX, in_order};
use crate::known::{FileStat, KnownTree};
use crate::pack::{hash_file, open};
use crate::restore::{Restore, shown};
use crate::store_fs::MODE_ATTRIBUTE;
use crate::unpack::{Opened, read_blob};
use crate::walk::{Found, FoundKind, Tree, walk};
use crate::{Digest, StoreFs, UnpackLimits, Unpacked, VolumeError, VolumeErrorKind};

/// Makes `target`, which holds whatever it holds, the snapshot of `manifest`. What is `known` of it need not be read;
/// without that every file is compared by its contents. After an error the target holds neither state and is to be thrown
/// away.
pub fn update(
    fs: &dyn StoreFs,
    blobs: &Dir,
    manifest: &Digest,
    target: &Dir,
    known: Option<&KnownTree>,
    limits: &UnpackLimits,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Unpacked, VolumeError> {
    let snapshot = Opened::read(fs, blobs, manifest, limits)?;
    let tree = walk(target, &[], stop)?;
    if let Some(skipped) = tree.skipped.first() {
        let path = String::from_utf8_lossy(&skipped.path);
        let message = format!("the older tree holds `{path}`, which no snapshot has: {}", skipped.why);
        return Err(VolumeError::new(VolumeErrorKind::Io, message));
    }
    let older = match known {
        Some(known) if known.index == snapshot.blob => None,
        // Without the index that it is known by, nothing is known of it.
        Some(known) => read_blob(fs, "unpack.older.read", blobs, &known.index, MAX_INDEX)
            .and_then(|data| Index::decode(&data, limits.entries))
            .ok(),
        None => None,
    };
    let old = match (known, &older) {
        (Some(known), None) if known.index == snapshot.blob => Some((known, &snapshot.index)),
        (Some(known), Some(index)) => Some((known, index)),
        _ => None,
    };
    let trusted = trusted(&tree, old);
    let plan = Plan::make(target, &tree, &trusted, &snapshot.index, stop)?;
    let entries = &snapshot.index.entries;
    let layers = snapshot.open(fs, blobs, &plan.create)?;
    let restore = Restore::new(fs, target, &snapshot.index, layers, &plan.create, stop);
    for found in plan.remove.iter().rev() {
        let found = &tree.found[*found];
        let directory = matches!(found.kind, FoundKind::Directory);
        let removed = fs.remove_entry("unpack.remove", target, &found.path, directory);
        removed.context(format_args!("cannot remove `{}`", String::from_utf8_lossy(&found.path)))?;
    }
    restore.directories()?;
    let mut stats = restore.files(limits.threads.max(1))?;
    for (number, stat) in &plan.kept {
        stats[*number] = *stat;
    }
    for number in &plan.retouch {
        retouch(fs, target, &entries[*number])?;
        if let Kind::File { .. } = entries[*number].kind {
            stats[*number] = Some(restore.look(&entries[*number])?);
        }
    }
    restore.links(&mut stats)?;
    // A name that went or came changes how the file looks that has others.
    for number in &plan.linked {
        stats[*number] = Some(restore.look(&entries[*number])?);
    }
    restore.finish(&plan.finish)?;
    let kept = plan.create.iter().filter(|create| !**create).count() as u64;
    Ok(Unpacked {
        entries: entries.len() as u64,
        raw_bytes: snapshot.index.raw_bytes(),
        kept,
        known: restore.known(snapshot.blob, stats)?,
    })
}

/// For each file that was found the entry whose contents it is known to have.
fn trusted<'a>(tree: &Tree, old: Option<(&KnownTree, &'a Index)>) -> Vec<Option<&'a Entry>> {
    let mut trusted = vec![None; tree.found.len()];
    let Some((known, index)) = old else { return trusted };
    if known.device != tree.device || known.stats.len() != index.entries.len() {
        return trusted;
    }
    for (found, entry) in pair(&tree.found, &index.entries) {
        if let (Some(found), Some(entry)) = (found, entry)
            && matches!(tree.found[found].kind, FoundKind::File { .. })
            && matches!(index.entries[entry].kind, Kind::File { .. })
            && known.stats[entry] == Some(tree.found[found].stat)
        {
            trusted[found] = Some(&index.entries[entry]);
        }
    }
    trusted
}

/// What is to be done, all of it known before anything is touched.
#[derive(Default)]
struct Plan {
    /// For each entry whether it is made.
    create: Vec<bool>,
    /// For each entry whether it is a directory that gets its mode and time again.
    finish: Vec<bool>,
    /// What was found and goes.
    remove: Vec<usize>,
    /// Files that stay as they are, and how they look.
    kept: Vec<(usize, Option<FileStat>)>,
    /// Entries that stay and get another mode or time.
    retouch: Vec<usize>,
    /// Files that stay and may have gained or lost names.
    linked: Vec<usize>,
}

impl Plan {
    fn make(
        target: &Dir,
        tree: &Tree,
        trusted: &[Option<&Entry>],
        index: &Index,
        stop: &(dyn Fn() -> bool + Sync),
    ) -> Result<Self, VolumeError> {
        let count = index.entries.len();
        let mut plan = Self { create: vec![true; count], finish: vec![false; count], ..Self::default() };
        // The found numbers of files that stay.
        let mut staying = vec![false; tree.found.len()];
        let mut touched: HashSet<&[u8]> = HashSet::new();
        let pairs = pair(&tree.found, &index.entries);
        for (found, entry) in &pairs {
            if let (Some(number), Some(entry_number)) = (*found, *entry) {
                let (found, entry) = (&tree.found[number], &index.entries[entry_number]);
                if let Some(change) = compare(target, found, trusted[number], entry, tree, &staying, stop)? {
                    staying[number] = true;
                    plan.create[entry_number] = false;
                    match entry.kind {
                        Kind::File { .. } => plan.kept.push((entry_number, change.stat)),
                        Kind::Directory => plan.finish[entry_number] = change.retouch,
                        _ => {}
                    }
                    if change.retouch {
                        plan.retouch.push(entry_number);
                    }
                    continue;
                }
            }
            if let Some(number) = *found {
                plan.remove.push(number);
                touched.insert(parent(&tree.found[number].path));
            }
            if let Some(number) = *entry {
                touched.insert(parent(&index.entries[number].path));
            }
        }
        let mut led_to: HashSet<&[u8]> = HashSet::new();
        for found in &tree.found {
            if let FoundKind::HardLink { target } = &found.kind {
                led_to.insert(target);
            }
        }
        for (number, entry) in index.entries.iter().enumerate() {
            match entry.kind {
                Kind::Directory => {
                    plan.finish[number] |= plan.create[number] || touched.contains(entry.path.as_slice());
                }
                Kind::File { .. } if !plan.create[number] && led_to.contains(entry.path.as_slice()) => {
                    plan.linked.push(number);
                }
                _ => {}
            }
        }
        Ok(plan)
    }
}

fn parent(path: &[u8]) -> &[u8] {
    path.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |at| &path[..at])
}

/// Something that stays.
struct Stays {
    /// Whether it gets another mode or time.
    retouch: bool,
    stat: Option<FileStat>,
}

/// Whether what was found can stay for an entry of its path; `None` where it cannot.
fn compare(
    target: &Dir,
    found: &Found,
    trusted: Option<&Entry>,
    entry: &Entry,
    tree: &Tree,
    staying: &[bool],
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Option<Stays>, VolumeError> {
    let same_time = found.mtime == entry.mtime;
    let stays = |retouch| Ok(Some(Stays { retouch, stat: None }));
    match (&found.kind, &entry.kind) {
        (FoundKind::Directory, Kind::Directory) => stays(!same_time || found.mode != entry.mode),
        (FoundKind::Symlink { target }, Kind::Symlink { target: wanted }) if target == wanted => stays(!same_time),
        (FoundKind::HardLink { target }, Kind::HardLink { target: wanted }) if target == wanted => {
            let first = tree.found.binary_search_by(|one| in_order(&one.path, target));
            if first.is_ok_and(|first| staying[first]) { stays(false) } else { Ok(None) }
        }
        (FoundKind::File { size, .. }, Kind::File { size: wanted, digest, .. }) if size == wanted => {
            if let Some(old) = trusted {
                let same = matches!(&old.kind, Kind::File { digest: old, .. } if old == digest);
                let retouch = (old.mode, old.mtime) != (entry.mode, entry.mtime);
                return Ok(same.then_some(Stays { retouch, stat: Some(found.stat) }));
            }
            let same = hash_file(open(target, &found.path)?, &found.path, *size, stop)? == Some(*digest);
            // Its mode and its times are set again, after which they tell.
            Ok(same.then_some(Stays { retouch: true, stat: None }))
        }
        _ => Ok(None),
    }
}

/// Gives something that stays the mode and time of its entry. Directories get theirs at the end.
fn retouch(fs: &dyn StoreFs, target: &Dir, entry: &Entry) -> Result<(), VolumeError> {
    match entry.kind {
        Kind::Symlink { .. } => {
            let done = fs.finish_path("unpack.symlink.finish", target, &entry.path, None, entry.mtime);
            done.context(shown(entry))
        }
        Kind::File { .. } | Kind::Directory => {
            let file = open(target, &entry.path)?;
            // One that was remembered for another mode.
            let _ = rustix::fs::fremovexattr(&file, MODE_ATTRIBUTE);
            if entry.kind == Kind::Directory {
                return Ok(());
            }
            fs.finish_file("unpack.file.finish", &file, entry.mode, entry.mtime).context(shown(entry))
        }
        Kind::HardLink { .. } => Ok(()),
    }
}
