use std::fs::File;

use cap_std::fs::Dir;

use crate::error::Context;
use crate::index::{Index, Kind, MAX_INDEX};
use crate::known::KnownTree;
use crate::layer::layer_size;
use crate::manifest::{Descriptor, MAX_MANIFEST, Manifest};
use crate::restore::Restore;
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
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unpacked {
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub raw_bytes: u64,
    /// Entries that were there already, as they must be.
    pub kept: u64,
    /// What is known of the tree from now on: what [`crate::pack`] needs to save only what changes.
    pub known: KnownTree,
}

/// Restores the snapshot of `manifest` from the store's `blobs` into `target`, an empty directory. The contents of every
/// file are compared with their digest; where one is wrong the error is `Corrupt` and the target is to be thrown away.
pub fn unpack(
    fs: &dyn StoreFs,
    blobs: &Dir,
    manifest: &Digest,
    target: &Dir,
    limits: &UnpackLimits,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Unpacked, VolumeError> {
    let snapshot = Opened::read(fs, blobs, manifest, limits)?;
    let create = vec![true; snapshot.index.entries.len()];
    let restore = Restore::new(fs, target, &snapshot.index, snapshot.open(fs, blobs, &create)?, &create, stop);
    restore.directories()?;
    let mut stats = restore.files(limits.threads.max(1))?;
    restore.links(&mut stats)?;
    restore.finish(&create)?;
    Ok(Unpacked {
        entries: snapshot.index.entries.len() as u64,
        raw_bytes: snapshot.index.raw_bytes(),
        kept: 0,
        known: restore.known(snapshot.blob, stats)?,
    })
}

/// A snapshot whose manifest and index are read.
pub(crate) struct Opened {
    pub(crate) layers: Vec<Descriptor>,
    /// The blob of the index.
    pub(crate) blob: Digest,
    pub(crate) index: Index,
}

impl Opened {
    pub(crate) fn read(
        fs: &dyn StoreFs,
        blobs: &Dir,
        manifest: &Digest,
        limits: &UnpackLimits,
    ) -> Result<Self, VolumeError> {
        let data = read_blob(fs, "unpack.manifest.read", blobs, manifest, MAX_MANIFEST)?;
        let manifest = Manifest::parse(&data)?;
        let (layers, index) = manifest.parts()?;
        let (layers, blob) = (layers.to_vec(), index.digest);
        let index = read_blob(fs, "unpack.index.read", blobs, &blob, MAX_INDEX)?;
        let index = Index::decode(&index, limits.entries)?;
        if !index.layers.iter().map(|layer| layer.digest).eq(layers.iter().map(|layer| layer.digest)) {
            return Err(VolumeError::corrupt("the index is of other layers than the manifest names"));
        }
        if index.layers.iter().zip(&layers).any(|(layer, known)| layer_size(&layer.frames) != known.size) {
            return Err(VolumeError::corrupt("the index does not fit the size of a layer"));
        }
        if index.raw_bytes() > limits.raw_bytes {
            let message = format!("the snapshot holds more than {} bytes", limits.raw_bytes);
            return Err(VolumeError::new(VolumeErrorKind::Limit, message));
        }
        Ok(Self { layers, blob, index })
    }

    /// Opens the layers that hold contents of the wanted entries.
    pub(crate) fn open(
        &self,
        fs: &dyn StoreFs,
        blobs: &Dir,
        wanted: &[bool],
    ) -> Result<Vec<Option<File>>, VolumeError> {
        let mut needed = vec![false; self.layers.len()];
        for (entry, wanted) in self.index.entries.iter().zip(wanted) {
            if let (Kind::File { size: 1.., place, .. }, true) = (&entry.kind, wanted) {
                // The index was checked.
                needed[place.layer as usize] = true;
            }
        }
        let open = |(layer, needed): (&Descriptor, bool)| -> Result<Option<File>, VolumeError> {
            if !needed {
                return Ok(None);
            }
            let digest = &layer.digest;
            let file = fs.open("unpack.layer.open", blobs, &digest.hex()).map_err(|error| blob_error(digest, error))?;
            let size = file.metadata().context(format_args!("cannot read blob {digest}"))?.len();
            if size != layer.size {
                return Err(VolumeError::corrupt(format!("blob {digest} is damaged")));
            }
            Ok(Some(file))
        };
        self.layers.iter().zip(needed).map(open).collect()
    }
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
