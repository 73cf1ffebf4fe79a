//! What running builds still need, though no reference may lead to it any more.

use std::fs::File;

use cap_std::fs::Dir;

use crate::error::Context;
use crate::store::unique_name;
use crate::{Digest, Store, VolumeError};

/// The directory of leases, one file each, locked by who holds it.
const LEASES: &str = "leases";
/// What a lease may be, in bytes.
const MAX_LEASE: u64 = 1 << 20;

/// Keeps snapshots from being removed for as long as it lives. A process that dies lets go of it.
pub struct Lease {
    directory: Dir,
    name: String,
    /// Locked; unlocked when it is closed.
    _file: File,
}

impl Drop for Lease {
    fn drop(&mut self) {
        // What stays is taken for dead by the next collection.
        let _ = self.directory.remove_file(&self.name);
    }
}

impl Store {
    /// The directory of leases, for whoever is about to give up writing anything else; `None` where the store cannot be written.
    pub fn leases(&self) -> Option<Dir> {
        self.fs.make_directory("lease.make", &self.root, LEASES).ok()?;
        self.root.open_dir(LEASES).ok()
    }

    /// Keeps the snapshots of these manifests until the result is dropped.
    pub fn lease(&self, manifests: &[Digest]) -> Result<Lease, VolumeError> {
        // No collection runs between here and the end, so that none sees half a lease.
        let _lock = self.lock(false)?;
        self.fs.make_directory("lease.make", &self.root, LEASES).context("cannot write the store")?;
        let directory = self.root.open_dir(LEASES).context("cannot open the store")?;
        let name = unique_name();
        let mut file = self.fs.create("lease.create", &directory, &name).context("cannot write the store")?;
        let written = self.fs.lock("lease.lock", &file, true).and_then(|()| {
            let text: String = manifests.iter().map(|manifest| format!("{manifest}\n")).collect();
            self.fs.write("lease.write", &mut file, text.as_bytes())
        });
        let lease = Lease { directory, name, _file: file };
        written.context("cannot write the store")?;
        Ok(lease)
    }

    /// The manifests of all leases that somebody holds; those of the dead are removed. The lock must be held alone.
    pub(crate) fn leased(&self) -> Result<Vec<Digest>, VolumeError> {
        let directory = match self.root.open_dir(LEASES) {
            Ok(directory) => directory,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(VolumeError::io("cannot read the store", error)),
        };
        let mut manifests = vec![];
        for entry in directory.entries().context("cannot read the store")? {
            let name = entry.context("cannot read the store")?.file_name().to_string_lossy().into_owned();
            let file = match self.fs.open("lease.open", &directory, &name) {
                Ok(file) => file,
                // Let go of just now.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(VolumeError::io("cannot read the store", error)),
            };
            if rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok() {
                self.fs.remove("lease.remove", &directory, &name).context("cannot write the store")?;
                continue;
            }
            let text = match self.fs.read("lease.read", &directory, &name, MAX_LEASE) {
                Ok(text) => text,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(VolumeError::io("cannot read the store", error)),
            };
            for line in String::from_utf8_lossy(&text).lines() {
                let digest = line.parse();
                manifests.push(digest.map_err(|_| VolumeError::corrupt(format!("the lease `{name}` is damaged")))?);
            }
        }
        Ok(manifests)
    }
}
