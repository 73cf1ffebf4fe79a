//! What people do with the volumes that builds have left: list, show, export, remove.

use std::fs::{File, OpenOptions};
use std::io::Seek;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use stepbox_protocol::BlobDigest;
use stepbox_volume::{Digest, HostFs, Scope, ScopeKind, Store};

use crate::archivist::{Archivist, Reach};
use crate::directories::{Directories, State};
use crate::error::{EngineError, EngineErrorKind};
use crate::stored_snapshots::{open, store_error};
use crate::warm_trees;
use crate::worker::WorkerLaunch;

/// The volumes of a state directory.
pub struct Volumes {
    pub(crate) state: State,
    pub(crate) store: Store,
}

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VolumeInfo {
    /// Its name: of the pipeline, or what `--volume` said.
    pub name: String,
    /// Whether it was named with `--volume`.
    pub named: bool,
    /// Its snapshots, the latest first.
    pub snapshots: Vec<SnapshotInfo>,
}

/// An archived state of a volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SnapshotInfo {
    /// Its manifest.
    pub digest: String,
    /// The build that left it.
    pub build: String,
    /// When, in milliseconds since 1970.
    pub finished: u64,
    /// The manifest that the build started from.
    pub parent: Option<String>,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub bytes: u64,
    /// Bytes that it takes in the store, shared ones counted.
    pub stored: u64,
}

impl From<stepbox_volume::Snapshot> for SnapshotInfo {
    fn from(one: stepbox_volume::Snapshot) -> Self {
        Self {
            digest: one.manifest.to_string(),
            build: one.build,
            finished: one.finished,
            parent: one.parent.map(|parent| parent.to_string()),
            entries: one.entries,
            bytes: one.raw_bytes,
            stored: one.stored_bytes,
        }
    }
}

/// A volume that was written to a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Export {
    /// The file.
    pub file: PathBuf,
    /// Its sha256.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
}

impl Volumes {
    /// Opens the store of a state directory, and makes both where they are missing. One that is only readable will do for
    /// everything but removing.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`] and [`EngineErrorKind::Store`].
    pub fn open(directories: &Directories) -> Result<Self, EngineError> {
        let state = State::open_to_read(&directories.state)?;
        let store = open(&state, Arc::new(HostFs))?;
        Ok(Self { state, store })
    }

    /// The directories that commands need which stay inside of the state directory, and which of them are written: for whoever is about to
    /// lock itself. Who only reads still notes what must not be removed meanwhile.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`].
    pub fn reach(&self, writes: bool) -> Result<Vec<(OwnedFd, bool)>, EngineError> {
        let failed = |error: &std::io::Error| EngineError::state("cannot open the state directory", error);
        let state = File::open(&self.state.path).map_err(|error| failed(&error))?;
        let mut reach = vec![(state.into(), writes)];
        if !writes {
            reach.extend(self.store.leases().map(|leases| (leases.into_std_file().into(), true)));
        }
        Ok(reach)
    }

    /// Every volume, sorted by name.
    ///
    /// # Errors
    /// [`EngineErrorKind::Store`].
    pub fn list(&self) -> Result<Vec<VolumeInfo>, EngineError> {
        let volumes = self.store.list().map_err(|error| store_error(&error))?;
        volumes.into_iter().map(|volume| self.info(&volume.scope)).collect()
    }

    /// One volume. `pipeline:NAME` and `volume:NAME` tell two of one name apart.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none, or more than one.
    pub fn show(&self, name: &str) -> Result<VolumeInfo, EngineError> {
        self.info(&self.find(name)?)
    }

    /// Writes a snapshot, named as [`Volumes::snapshot`] has it, as one `tar.zst`: into the file, or into the directory, named by its sha256. What is
    /// there is replaced only by a whole export.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] for the volume, [`EngineErrorKind::Store`] for what is damaged, else
    /// [`EngineErrorKind::State`].
    pub fn export(&self, launch: &WorkerLaunch, name: &str, output: &Path) -> Result<Export, EngineError> {
        let (_, latest) = self.resolve(name)?;
        let into_directory = output.is_dir();
        let parent = if into_directory { output } else { output.parent().unwrap_or(output) };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        let temporary = parent.join(format!(".stepbox-export-{}", std::process::id()));
        let failed = |error: &std::io::Error| EngineError::state(format!("cannot write `{}`", output.display()), error);
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o644)
            .open(&temporary)
            .map_err(|error| failed(&error))?;
        let written = (|| {
            let blobs = self.store.blobs().map_err(|error| store_error(&error))?;
            let lease = self.store.lease(&[latest.manifest]).ok();
            let mut archivist = Archivist::start(launch, &Reach { blobs: &blobs, written: None })?;
            let exported = archivist.export(BlobDigest(*latest.manifest.as_bytes()), &file);
            archivist.end();
            exported?;
            drop(lease);
            // As it lies there, whatever the worker was.
            file.rewind().map_err(|error| failed(&error))?;
            let (digest, size) = Digest::of_reader(&file).map_err(|error| failed(&error))?;
            file.sync_all().map_err(|error| failed(&error))?;
            let target = match into_directory {
                true => output.join(format!("{}.tar.zst", digest.hex())),
                false => output.to_owned(),
            };
            std::fs::rename(&temporary, &target).map_err(|error| failed(&error))?;
            // The name must be as safe as the contents.
            File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| failed(&error))?;
            Ok(Export { file: target, digest: digest.to_string(), size })
        })();
        if written.is_err() {
            // Half an export helps nobody.
            let _ = std::fs::remove_file(&temporary);
        }
        written
    }

    /// Removes a volume with all its snapshots; how many bytes that freed.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none, else [`EngineErrorKind::Store`].
    pub fn remove(&self, name: &str) -> Result<u64, EngineError> {
        let scope = self.find(name)?;
        let freed = self.store.remove(&scope).map_err(|error| store_error(&error))?;
        warm_trees::remove(&self.state, Some(&scope))
            .map_err(|error| EngineError::state("cannot remove what builds of the volume have left", &error))?;
        Ok(freed)
    }

    pub(crate) fn find(&self, name: &str) -> Result<Scope, EngineError> {
        let volumes = self.store.list().map_err(|error| store_error(&error))?;
        let all = || volumes.iter().map(|volume| &volume.scope);
        let of = |kind, value: &str| all().find(|scope| scope.kind == kind && scope.value == value).cloned();
        let found = [of(ScopeKind::Pipeline, name), of(ScopeKind::Volume, name)];
        match found {
            [Some(_), Some(_)] => {
                let message = format!("a pipeline and a named volume are both called `{name}`");
                let hint = format!("say `pipeline:{name}` or `volume:{name}`");
                return Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint));
            }
            [Some(scope), None] | [None, Some(scope)] => return Ok(scope),
            [None, None] => {}
        }
        let told = name.strip_prefix("pipeline:").and_then(|name| of(ScopeKind::Pipeline, name));
        let told = told.or_else(|| name.strip_prefix("volume:").and_then(|name| of(ScopeKind::Volume, name)));
        told.ok_or_else(|| no_volume(name))
    }

    fn info(&self, scope: &Scope) -> Result<VolumeInfo, EngineError> {
        let history = self.store.history(scope).map_err(|error| store_error(&error))?;
        let snapshots = history.into_iter().map(SnapshotInfo::from);
        Ok(VolumeInfo {
            name: scope.value.clone(),
            named: scope.kind == ScopeKind::Volume,
            snapshots: snapshots.collect(),
        })
    }
}

fn no_volume(name: &str) -> EngineError {
    EngineError::new(EngineErrorKind::Usage, format!("there is no volume `{name}`"))
        .hint("`stepbox volume ls` lists them")
}
