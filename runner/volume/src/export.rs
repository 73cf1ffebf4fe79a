use std::io::{Read, Write};

use sha2::{Digest as _, Sha256};

use crate::error::Context;
use crate::unpack::blob_error;
use crate::{Digest, Snapshot, Store, VolumeError};

/// What was exported.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exported {
    /// The sha256 of what was written.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Store {
    /// Writes a snapshot as one `tar.zst`: its base layer as it is. The same state gives the same bytes. What was written
    /// is to be thrown away where this is an error, `Corrupt` for a damaged store included.
    pub fn export(&self, snapshot: &Snapshot, out: &mut dyn Write) -> Result<Exported, VolumeError> {
        let _lock = self.read_lock()?;
        let manifest = self.manifest(&snapshot.manifest)?;
        let (layer, _) = manifest.parts()?;
        let mut file = self
            .fs
            .open("export.open", &self.blobs, &layer.digest.hex())
            .map_err(|error| blob_error(&layer.digest, error))?;
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
}
