use std::fs::File;
use std::io::Read;

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags, ResolveFlags};
use sha2::{Digest as _, Sha256};

use crate::changes::{Changes, Source};
use crate::error::Context;
use crate::index::{Entry, Index, Layer, MAX_INDEX};
use crate::known::{KNOWN_FILE, KnownTree};
use crate::layer::{LayerWriter, Sink, Written};
use crate::manifest::{MAX_MANIFEST, Manifest};
use crate::stream::{Contents, Stream};
use crate::unpack::read_blob;
use crate::walk::{FoundKind, Tree, walk};
use crate::{Digest, StoreFs, UnpackLimits, VolumeError, VolumeErrorKind};

/// The names of what [`pack`] leaves in the staging directory.
const LAYER: &str = "layer";
const INDEX: &str = "index";

/// How to pack.
#[derive(Clone, Debug)]
pub struct PackOptions {
    /// Names at the volume's top that are left out.
    pub exclude: Vec<Vec<u8>>,
    /// Level of zstd.
    pub level: i32,
    /// Threads that compress.
    pub threads: usize,
}

impl Default for PackOptions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(16);
        Self { exclude: vec![], level: 3, threads }
    }
}

/// A file in the staging directory that is to become a blob.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StagedBlob {
    /// Its name there.
    pub name: String,
    /// Its sha256.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// Something that a snapshot cannot keep.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Skipped {
    /// Where it is, relative to the volume.
    pub path: Vec<u8>,
    /// What it is.
    pub why: String,
}

/// A packed volume, still in the staging directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Packed {
    /// What is new; `None` where the volume is as its base, and the staging directory holds no layer.
    pub added: Option<Added>,
    /// The manifest on whose layers the new one lies; `None` where the new layer is the whole volume.
    pub base: Option<Digest>,
    /// Identity of the volume's state: equal for equal states, however they are stored.
    pub tree_digest: Digest,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub raw_bytes: u64,
    /// What could not be kept.
    pub skipped: Vec<Skipped>,
}

/// What a snapshot has that its base has not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Added {
    /// The layer: all of the volume, or what differs from the base.
    pub layer: StagedBlob,
    /// The index of the whole volume.
    pub index: StagedBlob,
    /// Digests of layer and index as they are when they are unpacked.
    pub diff_ids: [Digest; 2],
}

/// The snapshot that a volume was restored from.
#[derive(Clone, Copy)]
pub struct Basis<'a> {
    /// The store's blobs.
    pub blobs: &'a Dir,
    /// The snapshot's manifest.
    pub manifest: Digest,
    /// What is known of the volume since it was restored; without it files of the same size and time are read.
    pub known: Option<&'a KnownTree>,
}

/// Packs the volume `workspace` into `staging`: what it has that its basis has not, or all of it where there is no basis,
/// or a whole layer is better by now. The same state from the same basis gives the same bytes. Nothing may write to the
/// volume meanwhile; `stop` is asked now and then whether to give up. What is known of the volume is left in
/// [`KNOWN_FILE`] beside the rest, for who keeps it.
pub fn pack(
    fs: &dyn StoreFs,
    workspace: &Dir,
    staging: &Dir,
    options: &PackOptions,
    basis: Option<&Basis<'_>>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Result<Packed, VolumeError> {
    let mut tree = walk(workspace, &options.exclude, stop)?;
    let skipped = std::mem::take(&mut tree.skipped);
    for name in [LAYER, INDEX, KNOWN_FILE] {
        fs.remove("pack.clear", staging, name).context("cannot clear the staging directory")?;
    }
    // A basis that cannot be read is as good as none: the volume is saved all the same.
    let base = basis.and_then(|basis| Base::read(fs, basis).ok());
    let mut changes = None;
    if let (Some(base), Some(basis)) = (&base, basis) {
        let found = Changes::find(workspace, &tree, &base.index, basis.known, options.threads.max(1), stop)?;
        if found.none() {
            remember(fs, staging, &tree, base.blob)?;
            return Ok(Packed {
                added: None,
                base: Some(base.manifest),
                tree_digest: base.index.tree_digest(),
                entries: base.index.entries.len() as u64,
                raw_bytes: base.index.raw_bytes(),
                skipped,
            });
        }
        if !found.want_a_whole(&tree, &base.index) {
            changes = Some(found);
        }
    }
    let whole = vec![Source::Read; tree.found.len()];
    let base = base.filter(|_| changes.is_some());
    let (mut layers, base_entries) = match &base {
        Some(base) => (base.index.layers.clone(), base.index.entries.as_slice()),
        None => (vec![], &[][..]),
    };
    let contents = Contents {
        root: workspace,
        tree: &tree,
        sources: changes.as_ref().map_or(&whole, |changes| &changes.sources),
        base: base_entries,
        gone: changes.as_ref().map_or(&[], |changes| &changes.gone),
        layer: u32::try_from(layers.len()).unwrap_or(u32::MAX),
    };
    let (entries, written) = write_layer(fs, staging, options, &contents, stop)?;
    layers.push(Layer { digest: written.digest, frames: written.frames });
    let index = Index::new(layers, entries);
    let (blob, index_diff_id) = index.encode()?;
    let mut file = fs.create("pack.index.create", staging, INDEX).context("cannot make the index")?;
    fs.write("pack.index.write", &mut file, &blob).context("cannot write the index")?;
    fs.sync("pack.index.sync", &file).context("cannot write the index")?;
    let index_blob = StagedBlob { name: INDEX.to_owned(), digest: Digest::of(&blob), size: blob.len() as u64 };
    remember(fs, staging, &tree, index_blob.digest)?;
    Ok(Packed {
        added: Some(Added {
            layer: StagedBlob { name: LAYER.to_owned(), digest: written.digest, size: written.size },
            index: index_blob,
            diff_ids: [written.diff_id, index_diff_id],
        }),
        base: base.map(|base| base.manifest),
        tree_digest: index.tree_digest(),
        entries: index.entries.len() as u64,
        raw_bytes: index.raw_bytes(),
        skipped,
    })
}

/// The basis, read.
struct Base {
    manifest: Digest,
    /// The blob of the index.
    blob: Digest,
    index: Index,
}

impl Base {
    fn read(fs: &dyn StoreFs, basis: &Basis<'_>) -> Result<Self, VolumeError> {
        let data = read_blob(fs, "pack.base.read", basis.blobs, &basis.manifest, MAX_MANIFEST)?;
        let manifest = Manifest::parse(&data)?;
        let blob = manifest.parts()?.1.digest;
        let data = read_blob(fs, "pack.base.read", basis.blobs, &blob, MAX_INDEX)?;
        let index = Index::decode(&data, UnpackLimits::default().entries)?;
        if basis.known.is_some_and(|known| known.index != blob) {
            return Err(VolumeError::corrupt("the volume is known by another index"));
        }
        Ok(Self { manifest: basis.manifest, blob, index })
    }
}

/// A layer in the staging directory.
struct Staged<'a> {
    fs: &'a dyn StoreFs,
    file: File,
}

impl Sink for Staged<'_> {
    fn write(&mut self, data: &[u8]) -> Result<(), VolumeError> {
        self.fs.write("pack.layer.write", &mut self.file, data).context("cannot write the layer")
    }

    fn end(&mut self) -> Result<(), VolumeError> {
        self.fs.sync("pack.layer.sync", &self.file).context("cannot write the layer")
    }
}

/// Writes the layer on several threads.
fn write_layer(
    fs: &dyn StoreFs,
    staging: &Dir,
    options: &PackOptions,
    contents: &Contents<'_>,
    stop: &dyn Fn() -> bool,
) -> Result<(Vec<Entry>, Written), VolumeError> {
    let file = fs.create("pack.layer.create", staging, LAYER).context("cannot make the layer")?;
    let sink = Staged { fs, file };
    std::thread::scope(|scope| {
        let (writer, result) = LayerWriter::start(scope, sink, options.level, options.threads.max(1));
        let mut stream = Stream::new(writer);
        let entries = stream.write(contents, stop);
        let ended = stream.end();
        drop(stream);
        let written = result.recv().unwrap_or_else(|_| Err(VolumeError::corrupt("the layer's writer has died")));
        // What went wrong first counts: the reader notices a failed writer only as a closed door.
        match (entries, written) {
            (Ok(entries), Ok(written)) => ended.map(|()| (entries, written)),
            (Err(error), _) if error.kind() != VolumeErrorKind::Cancelled || stop() => Err(error),
            (_, Err(error)) => Err(error),
            (Err(error), Ok(_)) => Err(error),
        }
    })
}

/// Notes how the files looked, for who finds the tree again as it is now. It is a help and no part of the snapshot.
fn remember(fs: &dyn StoreFs, staging: &Dir, tree: &Tree, index: Digest) -> Result<(), VolumeError> {
    let stats = tree.found.iter().map(|found| match found.kind {
        FoundKind::File { .. } => found.stat.settled(tree.begun),
        _ => None,
    });
    let known = KnownTree::new(index, tree.device, stats.collect()).to_bytes()?;
    let written = fs
        .create("pack.known.create", staging, KNOWN_FILE)
        .and_then(|mut file| fs.write("pack.known.write", &mut file, &known));
    if written.is_err() {
        // Half a note would be refused, and none is better.
        let _ = staging.remove_file(KNOWN_FILE);
    }
    Ok(())
}

/// Opens a file that the walk has found.
pub(crate) fn open(root: &Dir, path: &[u8]) -> Result<File, VolumeError> {
    let inside = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    // Not blocking: something that is no regular file any more must not hold us.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat2(root, path, flags, Mode::empty(), inside);
    Ok(File::from(file.context(format_args!("cannot read `{}`", String::from_utf8_lossy(path)))?))
}

pub(crate) fn shorter(path: &[u8]) -> VolumeError {
    let message = format!("`{}` became shorter while it was read", String::from_utf8_lossy(path));
    VolumeError::new(VolumeErrorKind::Io, message)
}

/// The digest of a file of the volume; `None` where it has another size.
pub(crate) fn hash_file(
    mut file: File,
    path: &[u8],
    size: u64,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Digest>, VolumeError> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; usize::try_from(size + 1).unwrap_or(usize::MAX).min(1 << 20)];
    let mut seen = 0;
    while seen <= size {
        if stop() {
            return Err(VolumeError::cancelled());
        }
        let count = file.read(&mut buffer);
        match count.context(format_args!("cannot read `{}`", String::from_utf8_lossy(path)))? {
            0 => break,
            count => {
                hasher.update(&buffer[..count]);
                seen += count as u64;
            }
        }
    }
    Ok((seen == size).then(|| Digest::finish(hasher)))
}
