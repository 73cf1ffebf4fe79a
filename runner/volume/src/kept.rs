//! What each build has left, by its name: kept as long as somebody keeps the build, whatever becomes of the volume.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::error::Context;
use crate::manifest::to_bytes;
use crate::{Digest, Packed, PublishMeta, Scope, Snapshot, Store, VolumeError};
use cap_std::fs::Dir;

/// The directory of what builds have left, one file a build.
pub(crate) const BUILDS: &str = "builds";
/// What such a file may be, in bytes.
const MAX_KEPT: u64 = 64 << 10;

/// The snapshot that a build has left.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KeptSnapshot {
    /// The volume of the build.
    pub scope: Scope,
    /// Whether the volume has it too. Then it goes with the volume; else the build waits, and needs it.
    pub published: bool,
    /// The snapshot.
    pub snapshot: Snapshot,
}

impl Store {
    /// Takes in what was packed into `staging` as the snapshot of a build, and of nobody else: the volume stays as it is.
    pub fn keep(
        &self,
        scope: &Scope,
        packed: &Packed,
        staging: &Dir,
        meta: &PublishMeta,
    ) -> Result<Snapshot, VolumeError> {
        let _lock = self.lock(false)?;
        let snapshot = self.take_in_all(packed, staging, meta)?;
        self.write_kept(&KeptSnapshot { scope: scope.clone(), published: false, snapshot: snapshot.clone() })?;
        Ok(snapshot)
    }

    /// The snapshot that a build has left; `None` where it has left none, or it was released.
    pub fn kept(&self, build: &str) -> Result<Option<KeptSnapshot>, VolumeError> {
        match self.builds()? {
            Some(builds) => self.read_kept(&builds, &file_name(build)),
            None => Ok(None),
        }
    }

    /// The names of all builds that have left a snapshot, in any order.
    pub fn kept_builds(&self) -> Result<Vec<String>, VolumeError> {
        let Some(builds) = self.builds()? else { return Ok(vec![]) };
        let mut names = vec![];
        for entry in builds.entries().context("cannot read the store")? {
            names.push(entry.context("cannot read the store")?.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    /// Forgets what builds have left, and removes every blob that nobody else needs; how many bytes that freed. A build
    /// that has left nothing is no error. Waits for builds that are restoring or saving right now.
    pub fn release(&self, names: &[&str]) -> Result<u64, VolumeError> {
        let Some(builds) = self.builds()? else { return Ok(0) };
        let _lock = self.lock(true)?;
        let gone: HashSet<String> =
            names.iter().map(|build| file_name(build)).filter(|name| builds.exists(name)).collect();
        self.release_files(&gone)?;
        if gone.is_empty() { Ok(0) } else { self.collect() }
    }

    /// Forgets what the builds of a volume have left in it; what only builds have that wait stays.
    pub(crate) fn release_published(&self, scope: &Scope) -> Result<(), VolumeError> {
        let Some(builds) = self.builds()? else { return Ok(()) };
        let mut gone = HashSet::new();
        for build in self.kept_builds()? {
            // One that is damaged belongs to nobody who could be told.
            let Ok(Some(kept)) = self.read_kept(&builds, &build) else { continue };
            if kept.published && kept.scope == *scope {
                gone.insert(build);
            }
        }
        self.release_files(&gone)
    }

    /// Removes files of what builds have left. They must not come back after their blobs are gone.
    pub(crate) fn release_files(&self, files: &HashSet<String>) -> Result<(), VolumeError> {
        let Some(builds) = self.builds()? else { return Ok(()) };
        for file in files {
            let removed = self.fs.remove("store.kept.remove", &builds, file);
            removed.context("cannot release the snapshot of a build")?;
        }
        if files.is_empty() {
            return Ok(());
        }
        self.fs.sync_directory("store.kept.sync_directory", &builds).context("cannot write the store")
    }

    /// What the file of a build says.
    pub(crate) fn kept_in_file(&self, file: &str) -> Result<Option<KeptSnapshot>, VolumeError> {
        match self.builds()? {
            Some(builds) => self.read_kept(&builds, file),
            None => Ok(None),
        }
    }

    pub(crate) fn write_kept(&self, kept: &KeptSnapshot) -> Result<(), VolumeError> {
        self.fs.make_directory("publish.kept.make", &self.root, BUILDS).context("cannot write the store")?;
        let builds = self.root.open_dir(BUILDS).context("cannot open the store")?;
        self.replace_file("publish.kept", &builds, &file_name(&kept.snapshot.build), &to_bytes(kept)?)?;
        // Of a build that waits there is nothing else.
        if !kept.published {
            self.fs.sync_directory("publish.builds.sync_directory", &self.root).context("cannot write the store")?;
        }
        Ok(())
    }

    fn builds(&self) -> Result<Option<Dir>, VolumeError> {
        match self.root.open_dir(BUILDS) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VolumeError::io("cannot read the store", error)),
        }
    }

    fn read_kept(&self, builds: &Dir, name: &str) -> Result<Option<KeptSnapshot>, VolumeError> {
        match self.fs.read("store.kept.read", builds, name, MAX_KEPT) {
            Ok(text) => serde_json::from_slice(&text).map(Some).map_err(|error| {
                VolumeError::corrupt(format!("what the store says of build `{name}` is damaged: {error}"))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VolumeError::io("cannot read the store", error)),
        }
    }
}

/// The file of a build: its name where that is a plain one, as those that Stepbox makes are.
fn file_name(build: &str) -> String {
    let plain = (1..=64).contains(&build.len()) && build.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if plain { build.to_owned() } else { format!("_{}", Digest::of(build.as_bytes()).hex()) }
}
