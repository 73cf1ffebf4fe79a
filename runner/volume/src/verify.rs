//! Verification: whether everything that the references lead to is there and is what it should be; and repair, which goes
//! back to what is whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::derive::agrees;
use crate::error::Context;
use crate::frames::LayerReader;
use crate::manifest::to_bytes;
use crate::roots::{RefKind, VolumeRefs};
use crate::store::{HISTORY, LATEST, unique_name};
use crate::unpack::Opened;
use crate::{Digest, Scope, Snapshot, Store, UnpackLimits, VolumeError, VolumeErrorKind};

/// The directory of blobs that are not what their name says.
const CORRUPT: &str = "corrupt";

/// How to verify.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct VerifyOptions {
    /// Whether to unpack every layer and compare it with the index.
    pub deep: bool,
    /// Whether to put damaged blobs aside and to go back to snapshots that are whole.
    pub repair: bool,
}

/// What was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Verified {
    /// How many volumes.
    pub volumes: u64,
    /// How many different snapshots.
    pub snapshots: u64,
    /// How many blobs.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Blobs that nobody needs, which a collection removes. They are no problem.
    pub garbage: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What a repair has done, in words.
    pub repaired: Vec<String>,
}

/// Something wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// In words.
    pub message: String,
    /// The volume that it concerns.
    pub volume: Option<Scope>,
    /// The snapshot that cannot be restored for it.
    pub snapshot: Option<Digest>,
}

impl Store {
    /// Looks at every blob and every reference. Builds go on meanwhile; a collection waits, and with `repair` builds that
    /// begin or save wait too.
    pub fn verify(&self, options: &VerifyOptions, stop: &dyn Fn() -> bool) -> Result<Verified, VolumeError> {
        let _lock = self.lock(options.repair)?;
        let mut verified = Verified::default();
        let volumes = self.all_references()?;
        let damaged = self.damaged_blobs(&mut verified, stop)?;
        let mut broken: HashMap<Digest, String> = HashMap::new();
        let mut whole: HashSet<Digest> = HashSet::new();
        let mut needed: HashSet<String> = HashSet::new();
        let mut look = |store: &Self, manifest: Digest| -> Result<Option<String>, VolumeError> {
            if let Some(why) = broken.get(&manifest) {
                return Ok(Some(why.clone()));
            }
            if whole.insert(manifest) {
                if stop() {
                    return Err(VolumeError::cancelled());
                }
                needed.insert(manifest.hex());
                if let Err(error) = store.whole(&manifest, &damaged, options.deep, &mut needed) {
                    // What cannot be read just now is not damaged, and must not be "repaired".
                    if error.kind() != VolumeErrorKind::Corrupt {
                        return Err(error);
                    }
                    whole.remove(&manifest);
                    broken.insert(manifest, error.to_string());
                    return Ok(Some(error.to_string()));
                }
            }
            Ok(None)
        };
        // For each volume the files of its references that lead nowhere.
        let mut bad: BTreeMap<&str, Vec<&crate::roots::Reference>> = BTreeMap::new();
        for volume in &volumes {
            let newest = volume.latest().unwrap_or(u64::MAX);
            if volume.scope.is_none() && !volume.references.is_empty() {
                let message = format!("the name of the volume in `refs/{}` is damaged or missing", volume.key);
                verified.problems.push(Problem { message, volume: None, snapshot: None });
            }
            verified.volumes += u64::from(!volume.references.is_empty());
            for reference in &volume.references {
                let (message, snapshot) = match (&reference.snapshot, &reference.kind) {
                    (Ok(snapshot), RefKind::History(_)) if snapshot.sequence > newest => continue,
                    (Ok(snapshot), _) => match look(self, snapshot.manifest)? {
                        None => continue,
                        Some(why) => (why, Some(snapshot.manifest)),
                    },
                    (Err(error), _) if error.kind() != VolumeErrorKind::Corrupt => return Err(error.again()),
                    (Err(error), _) => (error.to_string(), None),
                };
                bad.entry(&volume.key).or_default().push(reference);
                let message = match reference.kind {
                    RefKind::Latest => format!("the latest snapshot: {message}"),
                    RefKind::History(number) => format!("snapshot {number}: {message}"),
                    RefKind::Tag => format!("tag `{}`: {message}", reference.file),
                };
                verified.problems.push(Problem { message, volume: volume.scope.clone(), snapshot });
            }
        }
        let mut bad_builds = HashSet::new();
        for build in self.kept_builds()? {
            let (message, scope, snapshot) = match self.kept_in_file(&build) {
                Ok(None) => continue,
                Ok(Some(kept)) => match look(self, kept.snapshot.manifest)? {
                    None => continue,
                    Some(why) => (why, Some(kept.scope), Some(kept.snapshot.manifest)),
                },
                Err(error) if error.kind() == VolumeErrorKind::Corrupt => (error.to_string(), None, None),
                Err(error) => return Err(error),
            };
            let message = format!("what build `{build}` has left: {message}");
            verified.problems.push(Problem { message, volume: scope, snapshot });
            bad_builds.insert(build);
        }
        verified.snapshots = (whole.len() + broken.len()) as u64;
        // What a lease keeps is somebody's, but no reference is broken by it.
        let names = self.blobs.entries().context("cannot read the store")?;
        for entry in names {
            let name = entry.context("cannot read the store")?.file_name().to_string_lossy().into_owned();
            verified.garbage += u64::from(!needed.contains(&name));
        }
        if options.repair {
            self.put_aside(&damaged, &mut verified)?;
            for volume in &volumes {
                if let Some(bad) = bad.get(volume.key.as_str()) {
                    self.go_back(volume, bad, &whole, &mut verified)?;
                }
            }
            for build in &bad_builds {
                verified.repaired.push(format!("what build `{build}` had left is forgotten"));
            }
            self.release_files(&bad_builds)?;
            let _ = self.write_index();
        }
        Ok(verified)
    }

    /// Blobs that are not what their names say.
    fn damaged_blobs(&self, verified: &mut Verified, stop: &dyn Fn() -> bool) -> Result<BTreeSet<String>, VolumeError> {
        let mut damaged = BTreeSet::new();
        for entry in self.blobs.entries().context("cannot read the store")? {
            if stop() {
                return Err(VolumeError::cancelled());
            }
            let name = entry.context("cannot read the store")?.file_name().to_string_lossy().into_owned();
            let file = self.fs.open("verify.blob.open", &self.blobs, &name).context("cannot read the store")?;
            let (digest, size) = Digest::of_reader(&file).context(format_args!("cannot read blob {name}"))?;
            verified.blobs += 1;
            verified.bytes += size;
            if digest.hex() != name {
                let message = format!("blob sha256:{name} is damaged");
                verified.problems.push(Problem { message, volume: None, snapshot: None });
                damaged.insert(name);
            }
        }
        Ok(damaged)
    }

    /// Whether everything of a snapshot is there and fits together.
    fn whole(
        &self,
        manifest: &Digest,
        damaged: &BTreeSet<String>,
        deep: bool,
        needed: &mut HashSet<String>,
    ) -> Result<(), VolumeError> {
        let parsed = self.manifest(manifest)?;
        needed.extend(parsed.blobs().map(|digest| digest.hex()));
        for (digest, size) in parsed.sizes() {
            if damaged.contains(&digest.hex()) {
                return Err(VolumeError::corrupt(format!("blob {digest} is damaged")));
            }
            match self.blobs.metadata(digest.hex()) {
                Ok(metadata) if metadata.len() == size => {}
                Ok(_) => return Err(VolumeError::corrupt(format!("blob {digest} has another size than it should"))),
                Err(error) => return Err(crate::unpack::blob_error(&digest, error)),
            }
        }
        let opened = Opened::read(&*self.fs, &self.blobs, manifest, &UnpackLimits::default())?;
        if parsed.tree() != Some(opened.index.tree_digest()) {
            return Err(VolumeError::corrupt("the manifest names another state than the index"));
        }
        if !deep {
            return Ok(());
        }
        let mut layers = vec![];
        for layer in &opened.index.layers {
            let digest = &layer.digest;
            let file = self.fs.open("verify.layer.open", &self.blobs, &digest.hex());
            let file = file.map_err(|error| crate::unpack::blob_error(digest, error))?;
            layer.check(&file)?;
            layers.push(LayerReader::new(layer, Some(file)));
        }
        agrees(&*self.fs, &opened.index, &layers)
    }

    /// Moves damaged blobs out of the way, so that the next save of the same contents makes them anew.
    fn put_aside(&self, damaged: &BTreeSet<String>, verified: &mut Verified) -> Result<(), VolumeError> {
        if damaged.is_empty() {
            return Ok(());
        }
        self.fs.make_directory("repair.make", &self.root, CORRUPT).context("cannot write the store")?;
        let aside = self.root.open_dir(CORRUPT).context("cannot open the store")?;
        for name in damaged {
            let new = format!("{name}.{}", unique_name());
            self.fs.rename("repair.blob.rename", &self.blobs, name, &aside, &new).context("cannot write the store")?;
            verified.repaired.push(format!("blob sha256:{name} is in `corrupt/` now"));
        }
        self.fs.sync_directory("repair.blobs.sync_directory", &self.blobs).context("cannot write the store")
    }

    /// Makes the newest whole snapshot of a volume its latest, and forgets the others that are not whole.
    fn go_back(
        &self,
        volume: &VolumeRefs,
        bad: &[&crate::roots::Reference],
        whole: &HashSet<Digest>,
        verified: &mut Verified,
    ) -> Result<(), VolumeError> {
        let shown = volume.scope.as_ref().map_or_else(|| format!("refs/{}", volume.key), |scope| scope.value.clone());
        let sound = volume.references.iter().filter(|reference| matches!(reference.kind, RefKind::History(_)));
        let sound = sound.filter_map(|reference| reference.snapshot.as_ref().ok());
        let newest: Option<&Snapshot> =
            sound.filter(|one| whole.contains(&one.manifest)).max_by_key(|one| one.sequence);
        if bad.iter().any(|reference| reference.kind == RefKind::Latest) {
            match newest {
                Some(newest) => {
                    self.replace_file("publish.ref", &volume.directory, LATEST, &to_bytes(newest)?)?;
                    verified.repaired.push(format!("`{shown}` is back at what build {} has left", newest.build));
                }
                None => {
                    self.fs.remove("repair.ref.remove", &volume.directory, LATEST).context("cannot write the store")?;
                    self.fs
                        .sync_directory("repair.ref.sync_directory", &volume.directory)
                        .context("cannot write the store")?;
                    verified.repaired.push(format!("`{shown}` has no whole snapshot left: it begins empty"));
                }
            }
        }
        for reference in bad.iter().filter(|reference| reference.kind != RefKind::Latest) {
            let place = volume.place(reference)?;
            self.fs.remove("repair.ref.remove", &place, &reference.file).context("cannot write the store")?;
            self.fs.sync_directory("repair.ref.sync_directory", &place).context("cannot write the store")?;
            let what = match reference.kind {
                RefKind::Tag => "tag",
                _ => HISTORY,
            };
            verified.repaired.push(format!("`{shown}`: {what} `{}` is forgotten", reference.file));
        }
        Ok(())
    }
}
