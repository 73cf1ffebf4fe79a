//! Collection: old snapshots are forgotten, and blobs that nobody needs are removed.
//!
//! It holds the store's lock alone, from looking to removing: whoever publishes or takes a lease holds it shared, so that
//! nothing becomes needed in between, and no marks and no waiting time are needed either. What is long under way, such as a
//! build, holds a lease and not the lock.

use std::collections::HashSet;

use crate::error::Context;
use crate::roots::{RefKind, VolumeRefs};
use crate::{Digest, Scope, Store, VolumeError, VolumeErrorKind};

/// What a collection keeps.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct GcOptions {
    /// How many snapshots of each volume, the newest first; the latest stays always.
    pub keep_last: u64,
    /// Snapshots that were saved at this time or later stay too, in milliseconds since 1970.
    pub keep_since: Option<u64>,
    /// Whether only to say what would be done.
    pub dry_run: bool,
}

impl Default for GcOptions {
    fn default() -> Self {
        Self { keep_last: 3, keep_since: None, dry_run: false }
    }
}

/// What a collection has removed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Collected {
    /// Snapshots that were forgotten: of which volume, and the manifest.
    pub snapshots: Vec<(Scope, Digest)>,
    /// Builds whose own snapshot was forgotten.
    pub builds: Vec<String>,
    /// How many blobs.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
}

impl Store {
    /// Forgets snapshots that are too old, and removes every blob that no volume, no tag, no build and no lease needs.
    ///
    /// Where a reference cannot be read nobody knows what it needs: then this is an error, and nothing is removed.
    pub fn gc(&self, options: &GcOptions) -> Result<Collected, VolumeError> {
        let _lock = self.lock(true)?;
        let volumes = self.all_references()?;
        let mut collected = Collected::default();
        let mut gone: HashSet<(String, u64)> = HashSet::new();
        let mut kept: HashSet<Digest> = HashSet::new();
        for volume in &volumes {
            gone.extend(outdated(volume, options).into_iter().map(|number| (volume.key.clone(), number)));
            for reference in &volume.references {
                let Ok(snapshot) = &reference.snapshot else { continue };
                match (&reference.kind, &volume.scope) {
                    (RefKind::History(number), scope) if gone.contains(&(volume.key.clone(), *number)) => {
                        collected.snapshots.extend(scope.clone().map(|scope| (scope, snapshot.manifest)));
                    }
                    _ => {
                        kept.insert(snapshot.manifest);
                    }
                }
            }
        }
        // What a build has left in its volume goes with the volume's own; a build that waits needs what it has.
        let mut released = HashSet::new();
        for build in self.kept_builds()? {
            if let Ok(Some(one)) = self.kept_in_file(&build)
                && one.published
                && !kept.contains(&one.snapshot.manifest)
            {
                collected.builds.push(one.snapshot.build);
                released.insert(build);
            }
        }
        let Some(needed) = self.needed(&volumes, &gone, &released)? else {
            let message = "a reference of the store is damaged, so that nobody can tell what is needed";
            return Err(VolumeError::new(VolumeErrorKind::Corrupt, message));
        };
        if !options.dry_run {
            for volume in &volumes {
                let mut places = vec![];
                for reference in &volume.references {
                    if let RefKind::History(number) = reference.kind
                        && gone.contains(&(volume.key.clone(), number))
                    {
                        let place = volume.place(reference)?;
                        self.fs
                            .remove("gc.history.remove", &place, &reference.file)
                            .context("cannot write the store")?;
                        places.push(place);
                    }
                }
                // A reference must not come back after its blobs are gone.
                if let Some(place) = places.pop() {
                    self.fs.sync_directory("gc.history.sync_directory", &place).context("cannot write the store")?;
                }
            }
            self.release_files(&released)?;
        }
        (collected.blobs, collected.bytes) = self.sweep_blobs(&needed, options.dry_run)?;
        collected.builds.sort();
        Ok(collected)
    }

    /// Removes blobs that are not needed; how many and how many bytes.
    pub(crate) fn sweep_blobs(&self, needed: &HashSet<String>, dry_run: bool) -> Result<(u64, u64), VolumeError> {
        let (mut blobs, mut bytes) = (0, 0);
        for entry in self.blobs.entries().context("cannot read the store")? {
            let entry = entry.context("cannot read the store")?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if !needed.contains(&name) {
                blobs += 1;
                bytes += entry.metadata().map_or(0, |metadata| metadata.len());
                if !dry_run {
                    self.fs.remove("store.blob.remove", &self.blobs, &name).context("cannot remove a blob")?;
                }
            }
        }
        Ok((blobs, bytes))
    }

    /// Removes every blob that no volume and no build needs; how many bytes that freed. The lock must be held alone. Where
    /// that cannot be told every blob stays, and what was removed is gone all the same.
    pub(crate) fn collect(&self) -> Result<u64, VolumeError> {
        let volumes = self.all_references()?;
        match self.needed(&volumes, &HashSet::new(), &HashSet::new())? {
            Some(needed) => Ok(self.sweep_blobs(&needed, false)?.1),
            None => Ok(0),
        }
    }
}

/// The numbers in a volume's history that are too old, or were never published.
fn outdated(volume: &VolumeRefs, options: &GcOptions) -> Vec<u64> {
    let newest = volume.latest();
    let mut history: Vec<(u64, u64)> = vec![];
    let mut gone = vec![];
    for reference in &volume.references {
        if let (RefKind::History(number), Ok(snapshot)) = (&reference.kind, &reference.snapshot) {
            match newest {
                Some(newest) if *number > newest => gone.push(*number),
                _ => history.push((*number, snapshot.finished)),
            }
        }
    }
    history.sort_unstable_by_key(|(number, _)| std::cmp::Reverse(*number));
    let keep = usize::try_from(options.keep_last).unwrap_or(usize::MAX).max(1);
    let old = history.into_iter().skip(keep);
    let old = old.filter(|(_, finished)| options.keep_since.is_none_or(|since| *finished < since));
    gone.extend(old.map(|(number, _)| number));
    gone
}
