//! Names that somebody gave to snapshots: they stay as long as the name does.

use crate::error::Context;
use crate::manifest::to_bytes;
use crate::roots::TAGS;
use crate::store::{lock_file, read_reference};
use crate::{Scope, Snapshot, Store, VolumeError, VolumeErrorKind};

impl Store {
    /// Gives a snapshot of a volume a name, instead of the one that had it before.
    pub fn tag(&self, scope: &Scope, snapshot: &Snapshot, name: &str) -> Result<(), VolumeError> {
        check(name)?;
        let _lock = self.lock(false)?;
        let Some(directory) = self.references(scope)? else { return Err(no_volume(scope)) };
        // Whatever it leads to must be whole now: what is collected meanwhile cannot be named.
        for digest in self.manifest(&snapshot.manifest)?.blobs() {
            if !self.blobs.exists(digest.hex()) {
                return Err(VolumeError::corrupt(format!("blob {digest} is missing")));
            }
        }
        let file = lock_file(&directory, "lock")?;
        self.fs.lock("tag.lock", &file, true).context("cannot lock the volume")?;
        self.fs.make_directory("tag.make", &directory, TAGS).context("cannot write the store")?;
        let tags = directory.open_dir(TAGS).context("cannot open the store")?;
        self.replace_file("tag", &tags, name, &to_bytes(snapshot)?)?;
        self.fs.sync_directory("tag.volume.sync_directory", &directory).context("cannot write the store")
    }

    /// Takes a name away; the snapshot stays as long as the history has it.
    pub fn untag(&self, scope: &Scope, name: &str) -> Result<(), VolumeError> {
        check(name)?;
        let _lock = self.lock(false)?;
        let Some(directory) = self.references(scope)? else { return Err(no_volume(scope)) };
        let missing =
            || VolumeError::new(VolumeErrorKind::NotFound, format!("the volume `{}` has no tag `{name}`", scope.value));
        let tags = directory.open_dir(TAGS).map_err(|_| missing())?;
        if !tags.exists(name) {
            return Err(missing());
        }
        self.fs.remove("tag.remove", &tags, name).context("cannot write the store")?;
        self.fs.sync_directory("tag.sync_directory", &tags).context("cannot write the store")
    }

    /// The named snapshots of a volume, sorted by name. Damaged ones are left out; `verify` tells of them.
    pub fn tags(&self, scope: &Scope) -> Result<Vec<(String, Snapshot)>, VolumeError> {
        let Some(directory) = self.references(scope)? else { return Ok(vec![]) };
        let tags = match directory.open_dir(TAGS) {
            Ok(tags) => tags,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(vec![]),
            Err(error) => return Err(VolumeError::io("cannot read the store", error)),
        };
        let mut all = vec![];
        for entry in tags.entries().context("cannot read the store")? {
            let name = entry.context("cannot read the store")?.file_name().to_string_lossy().into_owned();
            if let Ok(Some(snapshot)) = read_reference(&*self.fs, &tags, &name) {
                all.push((name, snapshot));
            }
        }
        all.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(all)
    }
}

fn no_volume(scope: &Scope) -> VolumeError {
    VolumeError::new(VolumeErrorKind::NotFound, format!("there is no volume `{}`", scope.value))
}

/// The grammar of OCI tags: nothing that could be a path.
fn check(name: &str) -> Result<(), VolumeError> {
    let begins = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let rest = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    if begins && rest && name.len() <= 128 && name != "latest" {
        return Ok(());
    }
    let message = format!(
        "`{}` is no name of a tag: letters, digits, `.`, `_` and `-`, at most 128, and not `latest`",
        name.escape_debug()
    );
    Err(VolumeError::new(VolumeErrorKind::Limit, message))
}
