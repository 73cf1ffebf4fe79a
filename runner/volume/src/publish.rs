use cap_std::fs::Dir;

use crate::error::Context;
use crate::manifest::{Below, Config, MAX_MANIFEST, Manifest, build, to_bytes};
use crate::store::{HISTORY, LATEST, NAME, lock_file, read_reference, unique_name};
use crate::unpack::{blob_error, read_blob};
use crate::{Digest, KeptSnapshot, Packed, Scope, Snapshot, StagedBlob, Store, VolumeError, VolumeErrorKind};

/// What is told with a new snapshot.
#[derive(Clone, Debug)]
pub struct PublishMeta {
    /// The build that leaves it.
    pub build: String,
    /// When, in milliseconds since 1970.
    pub finished: u64,
    /// The manifest that the build started from.
    pub parent: Option<Digest>,
}

impl Store {
    /// Makes what was packed into `staging` the latest snapshot of a volume. Who publishes last is the latest, whoever
    /// started first (rule L9). Blobs first, then the manifest, then the references; each safe on disk before the next.
    pub fn publish(
        &self,
        scope: &Scope,
        packed: &Packed,
        staging: &Dir,
        meta: &PublishMeta,
    ) -> Result<Snapshot, VolumeError> {
        // No removal may take a blob away between here and the reference.
        let _lock = self.lock(false)?;
        let snapshot = self.take_in_all(packed, staging, meta)?;
        // What the build has left is known before it is the latest: in between, it is only that.
        self.write_kept(&KeptSnapshot { scope: scope.clone(), published: true, snapshot: snapshot.clone() })?;
        let key = scope.key();
        self.fs.make_directory("publish.refs.make", &self.refs, &key).context("cannot write the store")?;
        let directory = self.refs.open_dir(&key).context("cannot open the store")?;
        self.fs.make_directory("publish.history.make", &directory, HISTORY).context("cannot write the store")?;
        let history = directory.open_dir(HISTORY).context("cannot open the store")?;
        let file = lock_file(&directory, "lock")?;
        self.fs.lock("publish.lock", &file, true).context("cannot lock the volume")?;
        // Until the first one is published nobody knows whether what leads to it is safe on disk.
        if !directory.exists(LATEST) {
            self.replace_file("publish.name", &directory, NAME, &to_bytes(scope)?)?;
            self.fs.sync_directory("publish.refs.sync_directory", &self.refs).context("cannot write the store")?;
        }
        let last = self.last_sequence(&directory, &history)?;
        let snapshot = Snapshot { sequence: last + 1, ..snapshot };
        let text = to_bytes(&snapshot)?;
        self.replace_file("publish.history", &history, &format!("{:010}", snapshot.sequence), &text)?;
        self.replace_file("publish.ref", &directory, LATEST, &text)?;
        drop(file);
        // For OCI tools alone: a failure here does not undo what is published.
        let _ = self.write_index();
        Ok(snapshot)
    }

    /// Makes blobs of what was packed, all safe on disk, and gives the snapshot that they are; its sequence is 0.
    pub(crate) fn take_in_all(
        &self,
        packed: &Packed,
        staging: &Dir,
        meta: &PublishMeta,
    ) -> Result<Snapshot, VolumeError> {
        let added = match (&packed.added, packed.base) {
            (Some(added), _) => added,
            (None, Some(base)) => return self.as_before(packed, base, meta),
            (None, None) => return Err(VolumeError::corrupt("nothing was packed")),
        };
        for blob in [&added.layer, &added.index] {
            self.take_in(staging, blob)?;
        }
        let below = match packed.base {
            Some(base) => self.below(&base)?,
            None => Below { layers: vec![], diff_ids: vec![] },
        };
        let (config, manifest) = build(packed, added, below)?;
        let points = ["publish.config.create", "publish.config.write", "publish.config.sync", "publish.config.rename"];
        self.add_blob(points, &config)?;
        let points =
            ["publish.manifest.create", "publish.manifest.write", "publish.manifest.sync", "publish.manifest.rename"];
        let digest = self.add_blob(points, &manifest)?;
        self.fs.sync_directory("publish.blobs.sync_directory", &self.blobs).context("cannot write the store")?;
        self.snapshot(packed, digest, meta)
    }

    /// The snapshot that a manifest in the store is.
    fn snapshot(&self, packed: &Packed, manifest: Digest, meta: &PublishMeta) -> Result<Snapshot, VolumeError> {
        let parsed = self.manifest(&manifest)?;
        let own = self.blobs.metadata(manifest.hex()).context("cannot read the store")?.len();
        Ok(Snapshot {
            manifest,
            build: meta.build.clone(),
            finished: meta.finished,
            sequence: 0,
            parent: meta.parent,
            tree: packed.tree_digest,
            entries: packed.entries,
            raw_bytes: packed.raw_bytes,
            stored_bytes: parsed.size().saturating_add(own),
        })
    }

    /// A volume that is as its base was: the base is its snapshot too.
    fn as_before(&self, packed: &Packed, base: Digest, meta: &PublishMeta) -> Result<Snapshot, VolumeError> {
        let manifest = self.manifest(&base)?;
        if manifest.tree() != Some(packed.tree_digest) {
            return Err(VolumeError::corrupt("the volume is not what the snapshot below it is"));
        }
        self.all_there(&manifest)?;
        self.snapshot(packed, base, meta)
    }

    /// What the snapshot is made of on which a delta lies.
    fn below(&self, base: &Digest) -> Result<Below, VolumeError> {
        let manifest = self.manifest(base)?;
        self.all_there(&manifest)?;
        let config = read_blob(&*self.fs, "publish.base.read", &self.blobs, &manifest.config(), MAX_MANIFEST)?;
        let config: Config = serde_json::from_slice(&config)
            .map_err(|error| VolumeError::corrupt(format!("the config of the snapshot below is damaged: {error}")))?;
        let layers = manifest.parts()?.0.to_vec();
        let mut diff_ids = config.rootfs.diff_ids;
        if diff_ids.len() != layers.len() + 1 {
            return Err(VolumeError::corrupt("the config of the snapshot below does not fit its manifest"));
        }
        diff_ids.truncate(layers.len());
        Ok(Below { layers, diff_ids })
    }

    /// Whether every blob of a manifest is there, as long as it should be: nothing new is built on what is broken.
    fn all_there(&self, manifest: &Manifest) -> Result<(), VolumeError> {
        for (digest, size) in manifest.sizes() {
            match self.blobs.metadata(digest.hex()) {
                Ok(metadata) if metadata.len() == size => {}
                Ok(_) => return Err(VolumeError::corrupt(format!("blob {digest} is damaged"))),
                Err(error) => return Err(blob_error(&digest, error)),
            }
        }
        Ok(())
    }

    /// The sequence of the newest reference. One in the history beyond a sound `latest` was never published and is
    /// written over.
    fn last_sequence(&self, directory: &Dir, history: &Dir) -> Result<u64, VolumeError> {
        match read_reference(&*self.fs, directory, LATEST) {
            Ok(latest) => return Ok(latest.map_or(0, |latest| latest.sequence)),
            Err(error) if error.kind() == VolumeErrorKind::Corrupt => {}
            Err(error) => return Err(error),
        }
        let mut last = 0;
        for entry in history.entries().context("cannot read the store")? {
            let name = entry.context("cannot read the store")?.file_name();
            if let Ok(number) = name.to_string_lossy().parse::<u64>() {
                last = last.max(number);
            }
        }
        Ok(last)
    }

    /// Moves a staged file to its name among the blobs, after comparing it with what the worker has said of it.
    fn take_in(&self, staging: &Dir, blob: &StagedBlob) -> Result<(), VolumeError> {
        let name = blob.digest.hex();
        let file = self.fs.open("publish.blob.open", staging, &blob.name).context("cannot read what was packed")?;
        let (digest, size) = Digest::of_reader(&file).context("cannot read what was packed")?;
        if digest != blob.digest || size != blob.size {
            return Err(VolumeError::corrupt(format!(
                "what was packed is not what the worker said: {digest} instead of {}",
                blob.digest
            )));
        }
        self.fs.sync("publish.blob.sync", &file).context("cannot write the store")?;
        self.fs.protect("publish.blob.protect", &file).context("cannot write the store")?;
        // One of this name has the same contents, unless it was damaged: then this one mends it.
        self.fs.rename("publish.blob.rename", staging, &blob.name, &self.blobs, &name).context("cannot write the store")
    }

    fn add_blob(&self, points: [&'static str; 4], data: &[u8]) -> Result<Digest, VolumeError> {
        let digest = Digest::of(data);
        let temporary = unique_name();
        let written = (|| {
            let mut file = self.fs.create(points[0], &self.tmp, &temporary)?;
            self.fs.write(points[1], &mut file, data)?;
            self.fs.sync(points[2], &file)?;
            self.fs.protect("publish.blob.protect", &file)?;
            self.fs.rename(points[3], &self.tmp, &temporary, &self.blobs, &digest.hex())
        })();
        if written.is_err() {
            let _ = self.tmp.remove_file(&temporary);
        }
        written.context("cannot write the store")?;
        Ok(digest)
    }
}
