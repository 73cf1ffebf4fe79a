//! The store of snapshots as a build uses it.

use std::any::Any;
use std::sync::Arc;

use cap_std::fs::Dir;
use stepbox_limits::Setting;
use stepbox_protocol::{BlobDigest, PackReport, StagedFile};
use stepbox_volume::{
    Added, Digest, FaultyFs, HostFs, Packed, PublishMeta, Scope, StagedBlob, Store, StoreFs, VolumeError,
    VolumeErrorKind, io_text,
};

use crate::build_id::BuildId;
use crate::directories::State;
use crate::error::{EngineError, EngineErrorKind};
use crate::identity::VolumeScope;
use crate::snapshots::{History, Publication, Snapshot, Snapshots};

/// The snapshots of one volume in the store.
pub(crate) struct StoredSnapshots {
    store: Store,
    scope: Scope,
    /// How large the store may become.
    room: Setting,
}

impl StoredSnapshots {
    /// Opens the store. `kill_at` is for tests: the point at which this process kills itself.
    ///
    /// # Errors
    /// [`EngineErrorKind::Store`] where it cannot be read or written.
    pub(crate) fn open(
        state: &State,
        scope: &VolumeScope,
        room: Setting,
        kill_at: Option<&str>,
    ) -> Result<Self, EngineError> {
        let fs: Arc<dyn StoreFs> = match kill_at {
            None => Arc::new(HostFs),
            Some(point) => Arc::new(FaultyFs::dying_at(HostFs, point.to_owned(), kill_self)),
        };
        let store = open(state, fs)?;
        Ok(Self { store, scope: scope.into(), room })
    }

    /// Whether so much more fits into the store.
    fn check_room(&self, more: u64) -> Result<(), String> {
        if self.room.value == u64::MAX {
            return Ok(());
        }
        let failed = |error: std::io::Error| format!("cannot tell how large the store is: {}", io_text(&error));
        let blobs = self.store.blobs().map_err(|error| error.to_string())?;
        let mut size = more;
        for entry in blobs.entries().map_err(failed)? {
            size = size.saturating_add(entry.and_then(|entry| entry.metadata()).map_err(failed)?.len());
        }
        if size <= self.room.value {
            return Ok(());
        }
        Err(format!("the store would have {size} bytes, above {}; `stepbox volume gc` makes room", self.room.words()))
    }

    /// Removes what a dead build has left in the store.
    pub(crate) fn sweep(&self) -> Result<(), EngineError> {
        self.store.sweep().map_err(|error| store_error(&error))
    }
}

/// Opens the store of a state directory.
pub(crate) fn open(state: &State, fs: Arc<dyn StoreFs>) -> Result<Store, EngineError> {
    let root = state.store.try_clone().map_err(|error| EngineError::state("cannot open the store", &error))?;
    Store::open(root, fs).map_err(|error| store_error(&error))
}

pub(crate) fn store_error(error: &VolumeError) -> EngineError {
    let kind = match error.kind() {
        VolumeErrorKind::NotFound => EngineErrorKind::Usage,
        VolumeErrorKind::NoSpace | VolumeErrorKind::ReadOnly => EngineErrorKind::State,
        _ => EngineErrorKind::Store,
    };
    EngineError::new(kind, error.to_string())
}

impl Snapshots for StoredSnapshots {
    fn history(&self) -> Result<History, EngineError> {
        let damage = self.store.latest(&self.scope).err();
        let history = self.store.history(&self.scope).map_err(|error| store_error(&error))?;
        if let (Some(damage), true) = (&damage, history.is_empty()) {
            let message = format!("cannot tell what the volume starts from: {damage}");
            return Err(EngineError::new(EngineErrorKind::Restore, message)
                .hint("to start with an empty volume, give `--reset-volume`"));
        }
        let snapshots = history.into_iter().map(snapshot).collect();
        Ok(History { snapshots, damage: damage.map(|error| error.to_string()) })
    }

    fn of_build(&self, build: &BuildId) -> Result<Option<Snapshot>, EngineError> {
        let kept = self.store.kept(build.as_str()).map_err(|error| store_error(&error))?;
        Ok(kept.map(|kept| snapshot(kept.snapshot)))
    }

    fn keep(&self) -> Result<Box<dyn Any>, EngineError> {
        Ok(Box::new(self.store.read_lock().map_err(|error| store_error(&error))?))
    }

    fn lease(&self, manifest: &BlobDigest) -> Option<Box<dyn Any>> {
        // A store that cannot be written is not collected either.
        let lease = self.store.lease(&[Digest::from_bytes(manifest.0)]).ok()?;
        Some(Box::new(lease))
    }

    fn blobs(&self) -> Result<Dir, EngineError> {
        self.store.blobs().map_err(|error| store_error(&error))
    }

    fn publish(&self, packed: &PackReport, staging: &Dir, about: &Publication<'_>) -> Result<BlobDigest, String> {
        if let Some(added) = &packed.added {
            self.check_room(added.layer.size.saturating_add(added.index.size))?;
        }
        let packed = self::packed(packed);
        let meta = PublishMeta {
            build: about.build.to_string(),
            finished: about.time,
            parent: about.parent.map(|digest| Digest::from_bytes(digest.0)),
        };
        let done = match about.waits {
            true => self.store.keep(&self.scope, &packed, staging, &meta),
            false => self.store.publish(&self.scope, &packed, staging, &meta),
        };
        let snapshot = done.map_err(|error| error.to_string())?;
        Ok(BlobDigest(*snapshot.manifest.as_bytes()))
    }
}

/// What a worker has packed, as the store publishes it.
pub(crate) fn packed(report: &PackReport) -> Packed {
    Packed {
        added: report.added.as_ref().map(|added| Added {
            layer: blob(&added.layer),
            index: blob(&added.index),
            diff_ids: added.diff_ids.map(|id| Digest::from_bytes(id.0)),
        }),
        base: report.base.map(|base| Digest::from_bytes(base.0)),
        tree_digest: Digest::from_bytes(report.tree_digest.0),
        entries: report.entries,
        raw_bytes: report.bytes,
        skipped: vec![],
    }
}

fn snapshot(one: stepbox_volume::Snapshot) -> Snapshot {
    Snapshot { manifest: BlobDigest(*one.manifest.as_bytes()), build: one.build }
}

fn blob(file: &StagedFile) -> StagedBlob {
    StagedBlob { name: file.name.clone(), digest: Digest::from_bytes(file.digest.0), size: file.size }
}

/// Ends this process as a power failure would.
fn kill_self() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
