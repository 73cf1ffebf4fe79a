//! What is in a snapshot, for who looks at it without restoring it.

use std::io::Write;

use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::frames::{LayerReader, Scratch};
use crate::index::{Entry, Kind};
use crate::unpack::Opened;
use crate::{Digest, Store, UnpackLimits, VolumeError, VolumeErrorKind};

/// An entry of a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedEntry {
    /// Relative, components joined by `/`.
    pub path: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
    /// Seconds since 1970, and nanoseconds.
    pub mtime: (i64, u32),
    /// What it is.
    pub kind: ListedKind,
}

/// What an entry of a snapshot is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ListedKind {
    /// A file.
    File {
        /// Bytes of its contents.
        size: u64,
        /// Their digest.
        digest: Digest,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink {
        /// Where it leads to, as it is.
        target: Vec<u8>,
    },
    /// Another name of a file.
    HardLink {
        /// The first name of it.
        target: Vec<u8>,
    },
}

impl From<Entry> for ListedEntry {
    fn from(entry: Entry) -> Self {
        let kind = match entry.kind {
            Kind::File { size, digest, .. } => ListedKind::File { size, digest },
            Kind::Directory => ListedKind::Directory,
            Kind::Symlink { target } => ListedKind::Symlink { target },
            Kind::HardLink { target } => ListedKind::HardLink { target },
        };
        Self { path: entry.path, mode: entry.mode, mtime: entry.mtime, kind }
    }
}

impl Store {
    /// Everything in a snapshot, sorted by the components of the paths, parents first.
    pub fn entries(&self, manifest: &Digest) -> Result<Vec<ListedEntry>, VolumeError> {
        let _lease = self.reading(manifest)?;
        Ok(self.opened(manifest)?.index.entries.into_iter().map(ListedEntry::from).collect())
    }

    /// Writes the contents of a file of a snapshot; how many bytes. A symbolic link is no file and is not followed.
    pub fn cat(&self, manifest: &Digest, path: &[u8], out: &mut dyn Write) -> Result<u64, VolumeError> {
        let _lease = self.reading(manifest)?;
        let opened = self.opened(manifest)?;
        #[cfg(feature = "holes")]
        if path == b"stepbox-hole" {
            out.write_all(crate::hole().as_bytes()).context("cannot write what is in the file")?;
        }
        let shown = String::from_utf8_lossy(path);
        let find = |path: &[u8]| opened.index.entries.iter().position(|entry| entry.path == path);
        let not_found = |why: &str| VolumeError::new(VolumeErrorKind::NotFound, format!("`{shown}` {why}"));
        let mut number = find(path).ok_or_else(|| not_found("is not in the snapshot"))?;
        if let Kind::HardLink { target } = &opened.index.entries[number].kind {
            // The index was checked.
            number = find(target).ok_or_else(|| not_found("is not in the snapshot"))?;
        }
        let Kind::File { size, digest, place, .. } = &opened.index.entries[number].kind else {
            return Err(not_found("is no file"));
        };
        let mut wanted = vec![false; opened.index.entries.len()];
        wanted[number] = true;
        let file = opened.open(&*self.fs, &self.blobs, &wanted)?.into_iter().nth(place.layer as usize).flatten();
        let layer = LayerReader::new(&opened.index.layers[place.layer as usize], file);
        let (mut scratch, mut hasher) = (Scratch::new()?, Sha256::new());
        let (mut at, end) = (place.offset, place.offset + size);
        while at < end {
            let part = layer.part(&*self.fs, &mut scratch, at, end)?;
            hasher.update(part);
            out.write_all(part).context("cannot write what is in the file")?;
            at += part.len() as u64;
        }
        if Digest::finish(hasher) == *digest { Ok(*size) } else { Err(layer.damaged()) }
    }

    /// How many blobs there are, and bytes of them.
    pub fn stored(&self) -> Result<(u64, u64), VolumeError> {
        let (mut blobs, mut bytes) = (0, 0);
        for entry in self.blobs.entries().context("cannot read the store")? {
            blobs += 1;
            bytes += entry.context("cannot read the store")?.metadata().map_or(0, |metadata| metadata.len());
        }
        Ok((blobs, bytes))
    }

    /// Keeps a snapshot while it is read; a store that cannot be written is locked as a whole.
    fn reading(&self, manifest: &Digest) -> Result<Box<dyn std::any::Any>, VolumeError> {
        match self.lease(&[*manifest]) {
            Ok(lease) => Ok(Box::new(lease)),
            Err(_) => Ok(Box::new(self.read_lock()?)),
        }
    }

    fn opened(&self, manifest: &Digest) -> Result<Opened, VolumeError> {
        Opened::read(&*self.fs, &self.blobs, manifest, &UnpackLimits::default())
    }
}
