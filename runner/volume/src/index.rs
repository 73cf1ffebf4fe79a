//! The index of a snapshot: every entry, and where its contents are. What a restore trusts, pinned by the manifest.

use std::fs::File;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::layer::{MAX_FRAME, ends, layer_size};
use crate::{Digest, VolumeError, VolumeErrorKind};

/// What an index may be, packed and unpacked, in bytes.
pub(crate) const MAX_INDEX: u64 = 512 << 20;

/// What a reader keeps of the past while unpacking: 8 MiB.
const MAX_WINDOW_LOG: u32 = 23;

/// What is written. Version 1, of one layer, is read too.
const VERSION: u32 = 2;

/// The most layers that a reader opens.
pub(crate) const MAX_LAYERS: usize = 64;

/// The bits of a mode that are kept: setuid and setgid could give rights on another host.
pub(crate) const KEPT_MODE: u32 = 0o1777;

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Index {
    version: u32,
    /// The layers that hold the contents, the base first.
    pub(crate) layers: Vec<Layer>,
    /// Sorted by the components of their paths, parents first.
    pub(crate) entries: Vec<Entry>,
}

/// A layer as its readers find their way in it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Layer {
    pub(crate) digest: Digest,
    /// Its frames, in order.
    pub(crate) frames: Vec<Frame>,
}

impl Layer {
    /// Whether what an open layer has around its frames is what it should be.
    pub(crate) fn check(&self, file: &File) -> Result<(), VolumeError> {
        let damaged = || VolumeError::corrupt(format!("blob {} has another table than the index", self.digest));
        let (head, table) = ends(&self.frames);
        let behind = layer_size(&self.frames) - table.len() as u64;
        for (at, expected) in [(0, head), (behind, table)] {
            let mut seen = vec![0; expected.len()];
            file.read_exact_at(&mut seen, at).map_err(|_| damaged())?;
            if seen != expected {
                return Err(damaged());
            }
        }
        Ok(())
    }

    /// Bytes of its tar stream.
    pub(crate) fn stream_length(&self) -> u64 {
        self.frames.iter().map(|frame| u64::from(frame.raw)).sum()
    }
}

/// One frame of a layer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Frame {
    /// Bytes of the tar stream in it.
    pub(crate) raw: u32,
    /// Bytes of the layer that it takes.
    pub(crate) stored: u32,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Entry {
    /// Relative, components joined by `/`.
    pub(crate) path: Vec<u8>,
    pub(crate) mode: u32,
    /// Seconds since 1970 and nanoseconds.
    pub(crate) mtime: (i64, u32),
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Kind {
    File {
        size: u64,
        digest: Digest,
        place: Place,
        /// Whether it had holes: then blocks of zeros become holes again.
        sparse: bool,
    },
    Directory,
    Symlink {
        target: Vec<u8>,
    },
    /// To an earlier file of this index.
    HardLink {
        target: Vec<u8>,
    },
}

/// Where the contents of a file begin: in which layer, and where in its tar stream.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct Place {
    pub(crate) layer: u32,
    pub(crate) offset: u64,
}

/// An index of version 1, behind its number.
#[derive(Deserialize)]
struct FirstIndex {
    layer: Digest,
    frames: Vec<Frame>,
    entries: Vec<FirstEntry>,
}

#[derive(Deserialize)]
struct FirstEntry {
    path: Vec<u8>,
    mode: u32,
    mtime: (i64, u32),
    kind: FirstKind,
}

#[derive(Deserialize)]
enum FirstKind {
    File { size: u64, digest: Digest, offset: u64 },
    Directory,
    Symlink { target: Vec<u8> },
    HardLink { target: Vec<u8> },
}

impl From<FirstIndex> for Index {
    fn from(first: FirstIndex) -> Self {
        let entry = |FirstEntry { path, mode, mtime, kind }| {
            let kind = match kind {
                FirstKind::File { size, digest, offset } => {
                    Kind::File { size, digest, place: Place { layer: 0, offset }, sparse: false }
                }
                FirstKind::Directory => Kind::Directory,
                FirstKind::Symlink { target } => Kind::Symlink { target },
                FirstKind::HardLink { target } => Kind::HardLink { target },
            };
            Entry { path, mode, mtime, kind }
        };
        let layers = vec![Layer { digest: first.layer, frames: first.frames }];
        Self::new(layers, first.entries.into_iter().map(entry).collect())
    }
}

impl Index {
    pub(crate) fn new(layers: Vec<Layer>, entries: Vec<Entry>) -> Self {
        Self { version: VERSION, layers, entries }
    }

    /// Its bytes as a blob, and the digest of what they are when they are unpacked.
    pub(crate) fn encode(&self) -> Result<(Vec<u8>, Digest), VolumeError> {
        let raw = postcard::to_stdvec(self)
            .map_err(|error| VolumeError::corrupt(format!("the index cannot be written: {error}")))?;
        let blob =
            zstd::bulk::compress(&raw, 3).map_err(|error| VolumeError::io("cannot compress the index", error))?;
        Ok((blob, Digest::of(&raw)))
    }

    /// An index from its blob. Checks everything that a restore relies on.
    pub(crate) fn decode(blob: &[u8], max_entries: u64) -> Result<Self, VolumeError> {
        let mut decoder = zstd::stream::Decoder::new(blob).context("cannot read the index")?;
        decoder.window_log_max(MAX_WINDOW_LOG).context("cannot read the index")?;
        let mut raw = vec![];
        std::io::Read::read_to_end(&mut std::io::Read::take(decoder, MAX_INDEX + 1), &mut raw)
            .map_err(|error| VolumeError::corrupt(format!("the index is damaged: {error}")))?;
        if raw.len() as u64 > MAX_INDEX {
            return Err(VolumeError::corrupt(format!("the index is larger than {MAX_INDEX} bytes")));
        }
        let damaged = |error| VolumeError::corrupt(format!("the index is damaged: {error}"));
        let (version, rest) = postcard::take_from_bytes::<u32>(&raw).map_err(damaged)?;
        let index: Self = match version {
            1 => postcard::from_bytes::<FirstIndex>(rest).map_err(damaged)?.into(),
            VERSION => postcard::from_bytes(&raw).map_err(damaged)?,
            0 => return Err(VolumeError::corrupt("the index is damaged: it has no version")),
            newer => {
                let message = format!(
                    "the snapshot has an index of version {newer}, which a newer Stepbox wrote; this one reads 1 to {VERSION}"
                );
                return Err(VolumeError::new(VolumeErrorKind::Newer, message));
            }
        };
        if index.entries.len() as u64 > max_entries {
            return Err(VolumeError::corrupt(format!("the index has more than {max_entries} entries")));
        }
        index.check()?;
        Ok(index)
    }

    /// Bytes of file contents.
    pub(crate) fn raw_bytes(&self) -> u64 {
        let sizes = self.entries.iter().map(|entry| if let Kind::File { size, .. } = entry.kind { size } else { 0 });
        sizes.fold(0, u64::saturating_add)
    }

    /// Identity of the state, wherever its contents lie.
    pub(crate) fn tree_digest(&self) -> Digest {
        let mut hasher = Sha256::new();
        let mut field = |data: &[u8]| {
            hasher.update((data.len() as u64).to_le_bytes());
            hasher.update(data);
        };
        for entry in &self.entries {
            field(&entry.path);
            field(&entry.mode.to_le_bytes());
            field(&entry.mtime.0.to_le_bytes());
            field(&entry.mtime.1.to_le_bytes());
            match &entry.kind {
                Kind::File { size, digest, .. } => {
                    field(b"f");
                    field(&size.to_le_bytes());
                    field(digest.as_bytes());
                }
                Kind::Directory => field(b"d"),
                Kind::Symlink { target } => {
                    field(b"l");
                    field(target);
                }
                Kind::HardLink { target } => {
                    field(b"h");
                    field(target);
                }
            }
        }
        Digest::finish(hasher)
    }

    /// Paths that stay inside, parents that are directories of this index, nothing twice, contents inside the stream.
    fn check(&self) -> Result<(), VolumeError> {
        let mut frames = self.layers.iter().flat_map(|layer| &layer.frames);
        if frames.any(|frame| frame.raw > MAX_FRAME || frame.stored > MAX_FRAME) {
            return Err(VolumeError::corrupt(format!("the index has a frame of more than {MAX_FRAME} bytes")));
        }
        if self.layers.is_empty() || self.layers.len() > MAX_LAYERS {
            return Err(VolumeError::corrupt(format!("the index has no layer, or more than {MAX_LAYERS}")));
        }
        let lengths: Vec<u64> = self.layers.iter().map(Layer::stream_length).collect();
        // In each layer contents lie one behind the other: nothing is unpacked twice, so that a small layer makes no
        // large volume.
        let mut used = vec![0; lengths.len()];
        // The directories that stand open while going down the sorted entries.
        let mut open: Vec<&[u8]> = vec![];
        let mut last: Option<&[u8]> = None;
        let mut files = std::collections::HashSet::new();
        for entry in &self.entries {
            let path = entry.path.as_slice();
            let bad = |why: &str| {
                VolumeError::corrupt(format!("the index has a bad entry `{}`: {why}", String::from_utf8_lossy(path)))
            };
            check_path(path).map_err(bad)?;
            if last.is_some_and(|last| in_order(last, path).is_ge()) {
                return Err(bad("out of order"));
            }
            last = Some(path);
            if entry.mode & !KEPT_MODE != 0 || entry.mtime.1 >= 1_000_000_000 {
                return Err(bad("its mode or time is none that a snapshot keeps"));
            }
            let parent = path.iter().rposition(|byte| *byte == b'/').map_or(&b""[..], |at| &path[..at]);
            while open.last().is_some_and(|directory| *directory != parent) {
                open.pop();
            }
            if open.last().copied().unwrap_or_default() != parent {
                return Err(bad("its directory is missing"));
            }
            match &entry.kind {
                Kind::Directory => open.push(path),
                Kind::File { size, place: Place { layer, offset }, .. } => {
                    let layer = usize::try_from(*layer).unwrap_or(usize::MAX);
                    let (used, length) = match (used.get_mut(layer), lengths.get(layer)) {
                        (Some(used), Some(length)) => (used, *length),
                        _ => return Err(bad("it is in a layer that there is not")),
                    };
                    let end = offset.checked_add(*size).filter(|end| *offset >= *used && *end <= length);
                    *used = end.ok_or_else(|| bad("its contents lie outside the layer or in another's"))?;
                    files.insert(path);
                }
                Kind::Symlink { target } => {
                    if target.is_empty() || target.contains(&0) || target.len() > 4095 {
                        return Err(bad("its target is no path"));
                    }
                }
                Kind::HardLink { target } => {
                    if !files.contains(target.as_slice()) {
                        return Err(bad("it is a hard link to no earlier file"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// How two paths of a snapshot stand to each other: by their components.
pub(crate) fn in_order(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    left.split(|byte| *byte == b'/').cmp(right.split(|byte| *byte == b'/'))
}

/// Whether a path may stand in a snapshot.
pub(crate) fn check_path(path: &[u8]) -> Result<(), &'static str> {
    if path.is_empty() || path.len() > 4095 {
        return Err("its length is 0 or above 4095 bytes");
    }
    if path.contains(&0) {
        return Err("it holds a NUL byte");
    }
    let mut depth = 0;
    for part in path.split(|byte| *byte == b'/') {
        depth += 1;
        match part {
            b"" | b"." | b".." => return Err("it holds an empty component, `.` or `..`"),
            part if part.len() > 255 => return Err("a component is longer than 255 bytes"),
            _ => {}
        }
    }
    if depth > 512 { Err("it is deeper than 512 directories") } else { Ok(()) }
}
