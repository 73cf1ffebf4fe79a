use std::fs::File;
use std::sync::Arc;

use cap_std::fs::Dir;

use crate::error::Context;
use crate::kept::BUILDS;
use crate::manifest::{MAX_MANIFEST, Manifest};
use crate::unpack::read_blob;
use crate::{Digest, Scope, Snapshot, StoreFs, VolumeError, VolumeErrorKind};

/// What a reference may be, in bytes.
const MAX_REFERENCE: u64 = 64 << 10;

/// Names inside the store.
pub(crate) const LATEST: &str = "latest";
pub(crate) const HISTORY: &str = "history";
pub(crate) const NAME: &str = "name";
const LOCK: &str = "lock";
const REFS: &str = "refs";
const FRESH_REFS: &str = "refs.new";

/// A store of snapshots: an OCI image layout with references beside it. Used by the supervisor alone.
pub struct Store {
    pub(crate) root: Dir,
    pub(crate) blobs: Dir,
    pub(crate) refs: Dir,
    pub(crate) tmp: Dir,
    pub(crate) fs: Arc<dyn StoreFs>,
}

/// A volume as `volume ls` shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VolumeSummary {
    /// Which builds share it.
    pub scope: Scope,
    /// Its latest snapshot; `None` where the reference cannot be read.
    pub latest: Option<Snapshot>,
    /// How many snapshots are kept.
    pub snapshots: u64,
}

/// Held while blobs are used that a removal must not take away.
pub struct StoreLock(#[expect(dead_code, reason = "the lock lives as long as the file is open")] File);

impl Store {
    /// Opens the store in `root`, and makes it where it is missing. In a layout that was carried over without its
    /// references, they are made from `index.json`.
    pub fn open(root: Dir, fs: Arc<dyn StoreFs>) -> Result<Self, VolumeError> {
        let make = |directory: &Dir, name: &str| {
            fs.make_directory("store.make", directory, name).context("cannot make the store")
        };
        make(&root, "blobs")?;
        let blobs = root.open_dir("blobs").context("cannot open the store")?;
        make(&blobs, "sha256")?;
        make(&root, "tmp")?;
        make(&root, BUILDS)?;
        let opened = |name: &str| root.open_dir(name).context("cannot open the store");
        let (blobs, tmp) = (opened("blobs/sha256")?, opened("tmp")?);
        let refs = root.try_clone().context("cannot open the store")?;
        let mut store = Self { root, blobs, refs, tmp, fs };
        store.refs = store.open_references()?;
        match store.fs.read("store.layout.read", &store.root, "oci-layout", 4096) {
            Ok(text) => {
                if !String::from_utf8_lossy(&text).contains("\"1.0.0\"") {
                    let message = "the store has another layout than OCI image layout 1.0.0";
                    return Err(VolumeError::new(VolumeErrorKind::Corrupt, message));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                store.replace_file("store.layout", &store.root, "oci-layout", b"{\"imageLayoutVersion\":\"1.0.0\"}")?;
                if !store.root.exists("index.json") {
                    store.write_index()?;
                }
            }
            Err(error) => return Err(VolumeError::io("cannot read the store", error)),
        }
        Ok(store)
    }

    /// The directory of blobs, for a worker to read.
    pub fn blobs(&self) -> Result<Dir, VolumeError> {
        self.blobs.try_clone().context("cannot open the store")
    }

    /// Keeps every blob from being removed until the result is dropped.
    pub fn read_lock(&self) -> Result<StoreLock, VolumeError> {
        self.lock(false)
    }

    pub(crate) fn lock(&self, exclusive: bool) -> Result<StoreLock, VolumeError> {
        let file = lock_file(&self.root, LOCK)?;
        self.fs.lock("store.lock", &file, exclusive).context("cannot lock the store")?;
        Ok(StoreLock(file))
    }

    /// The directory of references. It appears by rename when it is complete, so that a crash leaves none or all.
    fn open_references(&mut self) -> Result<Dir, VolumeError> {
        if !self.root.exists(REFS) {
            let _lock = self.lock(true)?;
            // Another build may have been faster.
            if !self.root.exists(REFS) {
                self.fs.make_directory("store.make", &self.root, FRESH_REFS).context("cannot make the store")?;
                self.refs = self.root.open_dir(FRESH_REFS).context("cannot open the store")?;
                self.adopt_index()?;
                self.fs
                    .rename("store.refs.rename", &self.root, FRESH_REFS, &self.root, REFS)
                    .context("cannot make the store")?;
                self.fs.sync_directory("store.refs.sync_directory", &self.root).context("cannot make the store")?;
            }
        }
        self.root.open_dir(REFS).context("cannot open the store")
    }

    pub(crate) fn references(&self, scope: &Scope) -> Result<Option<Dir>, VolumeError> {
        match self.refs.open_dir(scope.key()) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(VolumeError::io("cannot read the store", error)),
        }
    }

    /// The latest snapshot of a volume; `None` where there is none yet.
    pub fn latest(&self, scope: &Scope) -> Result<Option<Snapshot>, VolumeError> {
        match self.references(scope)? {
            Some(directory) => read_reference(&*self.fs, &directory, LATEST),
            None => Ok(None),
        }
    }

    /// Every snapshot of a volume that is kept, the newest first.
    pub fn history(&self, scope: &Scope) -> Result<Vec<Snapshot>, VolumeError> {
        let Some(directory) = self.references(scope)? else { return Ok(vec![]) };
        self.history_in(&directory)
    }

    fn history_in(&self, directory: &Dir) -> Result<Vec<Snapshot>, VolumeError> {
        let mut snapshots = vec![];
        // A damaged `latest` must not hide the older ones, which are what a fall-back needs.
        let newest = match read_reference(&*self.fs, directory, LATEST) {
            // Never published, or being removed.
            Ok(None) => return Ok(vec![]),
            Ok(Some(latest)) => {
                let sequence = latest.sequence;
                snapshots.push(latest);
                sequence
            }
            Err(_) => u64::MAX,
        };
        if let Ok(history) = directory.open_dir(HISTORY) {
            for entry in history.entries().context("cannot read the store")? {
                let entry = entry.context("cannot read the store")?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if name.bytes().all(|byte| byte.is_ascii_digit())
                    && let Ok(Some(snapshot)) = read_reference(&*self.fs, &history, &name)
                    // One beyond the latest was left by a publication that did not end well.
                    && snapshot.sequence <= newest
                {
                    snapshots.push(snapshot);
                }
            }
        }
        snapshots.sort_by_key(|snapshot| std::cmp::Reverse(snapshot.sequence));
        snapshots.dedup_by_key(|snapshot| snapshot.sequence);
        Ok(snapshots)
    }

    /// Every volume, sorted by its name.
    pub fn list(&self) -> Result<Vec<VolumeSummary>, VolumeError> {
        let mut volumes = vec![];
        for entry in self.refs.entries().context("cannot read the store")? {
            let entry = entry.context("cannot read the store")?;
            let Ok(directory) = entry.open_dir() else { continue };
            let Ok(name) = self.fs.read("store.name.read", &directory, NAME, MAX_REFERENCE) else { continue };
            let Ok(scope) = serde_json::from_slice::<Scope>(&name) else { continue };
            let history = self.history_in(&directory)?;
            if history.is_empty() {
                continue;
            }
            volumes.push(VolumeSummary { scope, latest: history.first().cloned(), snapshots: history.len() as u64 });
        }
        volumes.sort_by(|a, b| a.scope.value.cmp(&b.scope.value));
        Ok(volumes)
    }

    /// Removes a volume with all its snapshots, and every blob that nobody else needs; how many bytes that freed. What a
    /// build has that waits stays, for it to go on with. Waits for builds that are restoring or saving right now.
    pub fn remove(&self, scope: &Scope) -> Result<u64, VolumeError> {
        let _lock = self.lock(true)?;
        if self.references(scope)?.is_none() {
            return Err(VolumeError::new(VolumeErrorKind::NotFound, format!("there is no volume `{}`", scope.value)));
        }
        // Gone at once, so that no crash leaves half a volume, and safely so before any blob goes.
        let gone = unique_name();
        let refs = (&self.refs, scope.key());
        self.fs.rename("remove.rename", refs.0, &refs.1, &self.tmp, &gone).context("cannot remove the volume")?;
        self.fs.sync_directory("remove.sync_directory", &self.refs).context("cannot remove the volume")?;
        // What stays of it is swept later.
        let _ = self.tmp.remove_dir_all(&gone);
        self.release_published(scope)?;
        self.write_index()?;
        self.collect()
    }

    pub(crate) fn manifest(&self, digest: &Digest) -> Result<Manifest, VolumeError> {
        Manifest::parse(&read_blob(&*self.fs, "store.manifest.read", &self.blobs, digest, MAX_MANIFEST)?)
    }

    /// Replaces a small file by rename, once its contents are safe. `point` is one of a few known names.
    pub(crate) fn replace_file(
        &self,
        point: &'static str,
        directory: &Dir,
        name: &str,
        data: &[u8],
    ) -> Result<(), VolumeError> {
        let what = || format!("cannot write `{name}` of the store");
        let points = points(point);
        let temporary = unique_name();
        let written = (|| {
            let mut file = self.fs.create(points[0], &self.tmp, &temporary)?;
            self.fs.write(points[1], &mut file, data)?;
            self.fs.sync(points[2], &file)?;
            self.fs.rename(points[3], &self.tmp, &temporary, directory, name)
        })();
        if written.is_err() {
            // What remains there is swept at the next start.
            let _ = self.tmp.remove_file(&temporary);
        }
        written.context(what())?;
        self.fs.sync_directory(points[4], directory).context(what())
    }

    /// Removes what interrupted builds have left in `tmp`. Call it while nothing is being published.
    pub fn sweep(&self) -> Result<(), VolumeError> {
        let _lock = self.lock(true)?;
        for entry in self.tmp.entries().context("cannot read the store")? {
            let entry = entry.context("cannot read the store")?;
            // Another process may have swept it meanwhile.
            let _ = match entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                true => self.tmp.remove_dir_all(entry.file_name()),
                false => self.tmp.remove_file(entry.file_name()),
            };
        }
        Ok(())
    }
}

/// The names of the operations of [`Store::replace_file`] at its places.
fn points(point: &'static str) -> [&'static str; 5] {
    match point {
        "publish.ref" => [
            "publish.ref.create",
            "publish.ref.write",
            "publish.ref.sync",
            "publish.ref.rename",
            "publish.ref.sync_directory",
        ],
        "publish.history" => [
            "publish.history.create",
            "publish.history.write",
            "publish.history.sync",
            "publish.history.rename",
            "publish.history.sync_directory",
        ],
        "publish.kept" => [
            "publish.kept.create",
            "publish.kept.write",
            "publish.kept.sync",
            "publish.kept.rename",
            "publish.kept.sync_directory",
        ],
        "tag" => ["tag.create", "tag.write", "tag.sync", "tag.rename", "tag.sync_directory"],
        "publish.name" => [
            "publish.name.create",
            "publish.name.write",
            "publish.name.sync",
            "publish.name.rename",
            "publish.name.sync_directory",
        ],
        "publish.oci-index" => [
            "publish.oci-index.create",
            "publish.oci-index.write",
            "publish.oci-index.sync",
            "publish.oci-index.rename",
            "publish.oci-index.sync_directory",
        ],
        _ => [
            "store.layout.create",
            "store.layout.write",
            "store.layout.sync",
            "store.layout.rename",
            "store.layout.sync_directory",
        ],
    }
}

/// A name that no other process and no other thread uses.
pub(crate) fn unique_name() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    format!("{}-{}-{now:x}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn lock_file(directory: &Dir, name: &str) -> Result<File, VolumeError> {
    use cap_std::fs::{OpenOptions, OpenOptionsExt};
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o600);
    match directory.open_with(name, &options) {
        Ok(file) => Ok(file.into_std()),
        // A store that may only be read can still be locked through what is there.
        Err(error) if matches!(error.raw_os_error(), Some(30 | 13)) => match directory.open(name) {
            Ok(file) => Ok(file.into_std()),
            Err(_) => Err(VolumeError::io("the store cannot be written", error)),
        },
        Err(error) => Err(VolumeError::io("cannot lock the store", error)),
    }
}

/// A reference; `None` where it is missing.
pub(crate) fn read_reference(fs: &dyn StoreFs, directory: &Dir, name: &str) -> Result<Option<Snapshot>, VolumeError> {
    match fs.read("store.ref.read", directory, name, MAX_REFERENCE) {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(snapshot) => Ok(Some(snapshot)),
            Err(error) => {
                Err(VolumeError::corrupt(format!("the reference `{name}` of the volume is damaged: {error}")))
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(VolumeError::io("cannot read the store", error)),
    }
}
