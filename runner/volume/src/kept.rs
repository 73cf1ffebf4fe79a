//! What each build has left, by its name: kept as long as somebody keeps the build, whatever becomes of the volume.

use serde::{Deserialize, Serialize};

use crate::error::Context;
use crate::manifest::to_bytes;
use crate::{Digest, Packed, PublishMeta, Scope, Snapshot, Store, VolumeError};
use cap_std::fs::Dir;

/// The directory of what builds have left, one file a build.
const BUILDS: &str = "builds";
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
        let mut gone = false;
        for build in names {
            let name = file_name(build);
            gone |= builds.exists(&name);
            let removed = self.fs.remove("store.kept.remove", &builds, &name);
            removed.context("cannot release the snapshot of a build")?;
        }
        if gone { self.collect() } else { Ok(0) }
    }

    /// Forgets what the builds of a volume have left in it; what only builds have that wait stays.
    pub(crate) fn release_published(&self, scope: &Scope) -> Result<(), VolumeError> {
        let Some(builds) = self.builds()? else { return Ok(()) };
        for build in self.kept_builds()? {
            // One that is damaged belongs to nobody who could be told.
            let Ok(Some(kept)) = self.read_kept(&builds, &build) else { continue };
            if kept.published && kept.scope == *scope {
                self.fs.remove("store.kept.remove", &builds, &build).context("cannot remove the volume")?;
            }
        }
        Ok(())
    }

    /// Everything that builds have left.
    pub(crate) fn all_kept(&self) -> Result<Vec<KeptSnapshot>, VolumeError> {
        let Some(builds) = self.builds()? else { return Ok(vec![]) };
        let mut all = vec![];
        for build in self.kept_builds()? {
            all.extend(self.read_kept(&builds, &build)?);
        }
        Ok(all)
    }

    pub(crate) fn write_kept(&self, kept: &KeptSnapshot) -> Result<(), VolumeError> {
        self.fs.make_directory("publish.kept.make", &self.root, BUILDS).context("cannot write the store")?;
        let builds = self.root.open_dir(BUILDS).context("cannot open the store")?;
        self.replace_file("publish.kept", &builds, &file_name(&kept.snapshot.build), &to_bytes(kept)?)
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
