//! The tree that the layers of a snapshot are by themselves, for comparing it with the index.

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::frames::LayerReader;
use crate::index::{Entry, Index, Kind, Place};
use crate::tar::{WHITEOUT, name_of};
use crate::tar_read::{ReadKind, TarReader};
use crate::{Digest, StoreFs, VolumeError};

/// Entries by their paths with `\0` for `/`, so that they are in the order of an index and what is below a path follows it.
type Derived = BTreeMap<Vec<u8>, Entry>;

/// Whether applying the layers one after the other gives what the index says; else what is wrong.
pub(crate) fn agrees(fs: &dyn StoreFs, index: &Index, layers: &[LayerReader<'_>]) -> Result<(), VolumeError> {
    let mut derived = Derived::new();
    for (number, layer) in layers.iter().enumerate() {
        apply(fs, u32::try_from(number).unwrap_or(u32::MAX), layer, &mut derived)?;
    }
    let mut entries = index.entries.iter();
    for (seen, said) in derived.values().zip(&mut entries) {
        let mut seen = seen.clone();
        // Holes are no part of the stream.
        if let (Kind::File { sparse, .. }, Kind::File { sparse: said, .. }) = (&mut seen.kind, &said.kind) {
            *sparse = *said;
        }
        if seen != *said {
            let path = String::from_utf8_lossy(&said.path);
            return Err(VolumeError::corrupt(format!("layers and index do not agree about `{path}`")));
        }
    }
    if derived.len() != index.entries.len() {
        return Err(VolumeError::corrupt("layers and index do not agree about how many entries there are"));
    }
    Ok(())
}

fn key(path: &[u8]) -> Vec<u8> {
    path.iter().map(|byte| if *byte == b'/' { 0 } else { *byte }).collect()
}

fn apply(fs: &dyn StoreFs, number: u32, layer: &LayerReader<'_>, derived: &mut Derived) -> Result<(), VolumeError> {
    let mut reader = TarReader::new(fs, layer, layer.stream_length())?;
    while let Some(member) = reader.next()? {
        let name = name_of(&member.path);
        // A base removes nothing, and before there were deltas such names were not marked.
        if number > 0 && !member.literal && name.starts_with(WHITEOUT) {
            let gone = [&member.path[..member.path.len() - name.len()], &name[WHITEOUT.len()..]].concat();
            remove(derived, &gone, true);
            continue;
        }
        let kind = match member.kind {
            ReadKind::File { size, offset } => {
                let mut hasher = Sha256::new();
                reader.bytes(size, |part| hasher.update(part))?;
                reader.pad()?;
                let place = Place { layer: number, offset };
                Kind::File { size, digest: Digest::finish(hasher), place, sparse: false }
            }
            ReadKind::Directory => Kind::Directory,
            ReadKind::Symlink { target } => Kind::Symlink { target },
            ReadKind::HardLink { target } => Kind::HardLink { target },
        };
        if kind != Kind::Directory {
            remove(derived, &member.path, false);
        }
        let entry = Entry { path: member.path, mode: member.mode, mtime: member.mtime, kind };
        derived.insert(key(&entry.path), entry);
    }
    Ok(())
}

/// Removes what is below a path, and with `itself` the path too.
fn remove(derived: &mut Derived, path: &[u8], itself: bool) {
    let key = key(path);
    let below = [&key[..], b"\0"].concat();
    let end = [&key[..], b"\x01"].concat();
    let gone: Vec<Vec<u8>> = derived.range(below..end).map(|(key, _)| key.clone()).collect();
    for key in gone {
        derived.remove(&key);
    }
    if itself {
        derived.remove(&key);
    }
}
