use std::io::{Read, Write};

use cap_std::fs::Dir;
use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::frames::{LayerReader, Scratch};
use crate::index::{Entry, Index, Kind};
use crate::layer::{LayerWriter, Sink};
use crate::manifest::{Descriptor, MAX_MANIFEST, Manifest};
use crate::stream::Stream;
use crate::tar::{Member, header};
use crate::unpack::{Opened, blob_error, read_blob};
use crate::{Digest, PackOptions, Snapshot, Store, StoreFs, UnpackLimits, VolumeError};

/// What was exported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exported {
    /// The sha256 of what was written.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Store {
    /// Writes a snapshot as one `tar.zst`: its only layer as it is, or several made into one. What was written is to be
    /// thrown away where this is an error, `Corrupt` for a damaged store included.
    pub fn export(&self, snapshot: &Snapshot, out: &mut (dyn Write + Send)) -> Result<Exported, VolumeError> {
        let _lock = self.read_lock()?;
        export(&*self.fs, &self.blobs, &snapshot.manifest, out)
    }
}

/// Writes the snapshot of `manifest` in the store's `blobs` as [`Store::export`] does, for whoever has no more of the store than that.
pub fn export(
    fs: &dyn StoreFs,
    blobs: &Dir,
    manifest: &Digest,
    out: &mut (dyn Write + Send),
) -> Result<Exported, VolumeError> {
    let exporter = Exporter { fs, blobs };
    let parsed = Manifest::parse(&read_blob(fs, "export.manifest.read", blobs, manifest, MAX_MANIFEST)?)?;
    if let ([layer], _) = parsed.parts()? {
        return exporter.copy(layer, out);
    }
    exporter.merge(&Opened::read(fs, blobs, manifest, &UnpackLimits::default())?, out)
}

struct Exporter<'a> {
    fs: &'a dyn StoreFs,
    blobs: &'a Dir,
}

impl Exporter<'_> {
    fn copy(&self, layer: &Descriptor, out: &mut dyn Write) -> Result<Exported, VolumeError> {
        let file = self.fs.open("export.open", self.blobs, &layer.digest.hex());
        let mut file = file.map_err(|error| blob_error(&layer.digest, error))?;
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        let mut size = 0;
        loop {
            let count = file.read(&mut buffer).context("cannot read the store")?;
            if count == 0 {
                break;
            }
            hasher.update(&buffer[..count]);
            out.write_all(&buffer[..count]).context("cannot write the export")?;
            size += count as u64;
        }
        let digest = Digest::finish(hasher);
        if digest != layer.digest {
            return Err(VolumeError::corrupt(format!("blob {} is damaged", layer.digest)));
        }
        Ok(Exported { digest, size })
    }

    /// Makes one layer of several: what packing the state as a whole would make.
    fn merge(&self, opened: &Opened, out: &mut (dyn Write + Send)) -> Result<Exported, VolumeError> {
        let index = &opened.index;
        let files = opened.open(self.fs, self.blobs, &vec![true; index.entries.len()])?;
        let mut layers = vec![];
        for (layer, file) in index.layers.iter().zip(files) {
            layers.push((LayerReader::new(layer, file), Scratch::new()?));
        }
        let options = PackOptions::default();
        let written = std::thread::scope(|scope| {
            let (writer, result) = LayerWriter::start(scope, Output(out), options.level, options.threads);
            let mut stream = Stream::new(writer);
            let streamed = self.stream(index, &mut layers, &mut stream).and_then(|()| stream.end());
            drop(stream);
            let written = result.recv().unwrap_or_else(|_| Err(VolumeError::corrupt("the writer has died")));
            // The reader notices a failed writer only as a closed door.
            match (streamed, written) {
                (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
                (Ok(()), Ok(written)) => Ok(written),
            }
        })?;
        Ok(Exported { digest: written.digest, size: written.size })
    }

    fn stream(
        &self,
        index: &Index,
        layers: &mut [(LayerReader<'_>, Scratch)],
        stream: &mut Stream,
    ) -> Result<(), VolumeError> {
        for Entry { path, mode, mtime, kind } in &index.entries {
            match kind {
                Kind::File { size, digest, place, .. } => {
                    // The index was checked.
                    let (layer, scratch) = &mut layers[place.layer as usize];
                    stream.head(&header(path, Member::File { size: *size }, *mode, *mtime));
                    let mut hasher = Sha256::new();
                    let (mut at, end) = (place.offset, place.offset + size);
                    stream.contents(*size, |buffer, want| {
                        let part = layer.part(self.fs, scratch, at, end.min(at + want))?;
                        hasher.update(part);
                        buffer.extend_from_slice(part);
                        at += part.len() as u64;
                        Ok(())
                    })?;
                    if Digest::finish(hasher) != *digest {
                        return Err(layer.damaged());
                    }
                }
                Kind::Directory => stream.head(&header(path, Member::Directory, *mode, *mtime)),
                Kind::Symlink { target } => stream.head(&header(path, Member::Symlink { target }, *mode, *mtime)),
                Kind::HardLink { target } => stream.head(&header(path, Member::HardLink { target }, *mode, *mtime)),
            }
            stream.put(&[])?;
        }
        Ok(())
    }
}

/// An export as a layer is written into it.
struct Output<'a>(&'a mut (dyn Write + Send));

impl Sink for Output<'_> {
    fn write(&mut self, data: &[u8]) -> Result<(), VolumeError> {
        self.0.write_all(data).context("cannot write the export")
    }

    fn end(&mut self) -> Result<(), VolumeError> {
        Ok(())
    }
}
