//! What the store must keep: every reference of every volume, of builds and of leases.

use std::collections::HashSet;

use cap_std::fs::Dir;

use crate::error::Context;
use crate::store::{HISTORY, LATEST, NAME, read_reference};
use crate::{Digest, Scope, Snapshot, Store, VolumeError, VolumeErrorKind};

/// The directory of a volume's tags.
pub(crate) const TAGS: &str = "tags";

/// What kind of reference leads to a snapshot.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RefKind {
    Latest,
    /// The number that is its name.
    History(u64),
    Tag,
}

/// A file that leads to a snapshot.
pub(crate) struct Reference {
    pub(crate) kind: RefKind,
    /// Its name in its directory.
    pub(crate) file: String,
    /// What it leads to, or why nobody can tell.
    pub(crate) snapshot: Result<Snapshot, VolumeError>,
}

/// The references of one volume.
pub(crate) struct VolumeRefs {
    /// The name of its directory.
    pub(crate) key: String,
    pub(crate) directory: Dir,
    /// `None` where that is damaged.
    pub(crate) scope: Option<Scope>,
    pub(crate) references: Vec<Reference>,
}

impl VolumeRefs {
    /// The directory that a reference is in.
    pub(crate) fn place(&self, reference: &Reference) -> Result<Dir, VolumeError> {
        let place = match reference.kind {
            RefKind::Latest => self.directory.try_clone(),
            RefKind::History(_) => self.directory.open_dir(HISTORY),
            RefKind::Tag => self.directory.open_dir(TAGS),
        };
        place.context("cannot read the store")
    }

    /// The number of the latest snapshot; `None` where there is none or it cannot be told.
    pub(crate) fn latest(&self) -> Option<u64> {
        let latest = self.references.iter().find(|reference| reference.kind == RefKind::Latest)?;
        latest.snapshot.as_ref().ok().map(|snapshot| snapshot.sequence)
    }
}

impl Store {
    /// Every reference of every volume, readable or not.
    pub(crate) fn all_references(&self) -> Result<Vec<VolumeRefs>, VolumeError> {
        let mut volumes = vec![];
        for entry in self.refs.entries().context("cannot read the store")? {
            let entry = entry.context("cannot read the store")?;
            let key = entry.file_name().to_string_lossy().into_owned();
            let directory = match self.refs.open_dir(&key) {
                Ok(directory) => directory,
                // Removed just now.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(VolumeError::io("cannot read the store", error)),
            };
            let scope = self.fs.read("store.name.read", &directory, NAME, 64 << 10).ok();
            let scope = scope.and_then(|text| serde_json::from_slice(&text).ok());
            let mut references = vec![];
            match read_reference(&*self.fs, &directory, LATEST) {
                Ok(None) => {}
                Ok(Some(snapshot)) => references.push(reference(RefKind::Latest, LATEST, Ok(snapshot))),
                Err(error) => references.push(reference(RefKind::Latest, LATEST, Err(error))),
            }
            self.references_in(&directory, HISTORY, &mut references)?;
            self.references_in(&directory, TAGS, &mut references)?;
            volumes.push(VolumeRefs { key, directory, scope, references });
        }
        volumes.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(volumes)
    }

    fn references_in(&self, directory: &Dir, name: &str, into: &mut Vec<Reference>) -> Result<(), VolumeError> {
        let place = match directory.open_dir(name) {
            Ok(place) => place,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(VolumeError::io("cannot read the store", error)),
        };
        for entry in place.entries().context("cannot read the store")? {
            let file = entry.context("cannot read the store")?.file_name().to_string_lossy().into_owned();
            let kind = match name {
                HISTORY => match file.parse() {
                    Ok(number) => RefKind::History(number),
                    Err(_) => continue,
                },
                _ => RefKind::Tag,
            };
            match read_reference(&*self.fs, &place, &file) {
                Ok(None) => {}
                Ok(Some(snapshot)) => into.push(reference(kind, &file, Ok(snapshot))),
                Err(error) => into.push(reference(kind, &file, Err(error))),
            }
        }
        Ok(())
    }

    /// The names of all blobs that somebody needs; `None` where a reference or a manifest cannot be read, so that nobody
    /// can tell. The lock must be held alone. `gone` and `released`
    /// are entries of histories and files of builds that are taken for removed.
    pub(crate) fn needed(
        &self,
        volumes: &[VolumeRefs],
        gone: &HashSet<(String, u64)>,
        released: &HashSet<String>,
    ) -> Result<Option<HashSet<String>>, VolumeError> {
        let mut manifests: Vec<Digest> = self.leased()?;
        for volume in volumes {
            let newest = volume.latest().unwrap_or(u64::MAX);
            for reference in &volume.references {
                match (&reference.snapshot, &reference.kind) {
                    (_, RefKind::History(number)) if gone.contains(&(volume.key.clone(), *number)) => {}
                    // One beyond the latest was left by a publication that did not end well.
                    (Ok(snapshot), RefKind::History(_)) if snapshot.sequence > newest => {}
                    (Ok(snapshot), _) => manifests.push(snapshot.manifest),
                    (Err(error), _) if error.kind() != VolumeErrorKind::Corrupt => return Err(error.again()),
                    (Err(_), _) => return Ok(None),
                }
            }
        }
        for build in self.kept_builds()? {
            if released.contains(&build) {
                continue;
            }
            match self.kept_in_file(&build) {
                Ok(Some(kept)) => manifests.push(kept.snapshot.manifest),
                Ok(None) => {}
                Err(error) if error.kind() != VolumeErrorKind::Corrupt => return Err(error),
                Err(_) => return Ok(None),
            }
        }
        let mut needed = HashSet::new();
        for digest in manifests {
            if needed.insert(digest.hex()) {
                let manifest = match self.manifest(&digest) {
                    Ok(manifest) => manifest,
                    Err(error) if error.kind() != VolumeErrorKind::Corrupt => return Err(error),
                    Err(_) => return Ok(None),
                };
                needed.extend(manifest.blobs().map(|digest| digest.hex()));
            }
        }
        Ok(Some(needed))
    }
}

fn reference(kind: RefKind, file: &str, snapshot: Result<Snapshot, VolumeError>) -> Reference {
    Reference { kind, file: file.to_owned(), snapshot }
}
