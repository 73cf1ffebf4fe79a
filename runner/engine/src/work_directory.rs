//! Where one build works, and what dead builds have left.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions};
use rustix::fs::{FlockOperation, flock};

use crate::build_id::BuildId;
use crate::directories::{State, open_directory};
use crate::error::EngineError;

const LOCK: &str = "lock";

/// `work/<build>/`: removed when dropped. Whoever holds its lock lives.
pub(crate) struct WorkDirectory {
    parent: Dir,
    name: String,
    directory: Dir,
    path: PathBuf,
    /// Held until the directory is gone.
    _lock: File,
}

impl WorkDirectory {
    /// Makes the directory of a build.
    ///
    /// # Errors
    /// [`crate::EngineErrorKind::State`].
    pub(crate) fn create(state: &State, build: &BuildId) -> Result<Self, EngineError> {
        let path = state.path.join("work").join(build.as_str());
        let failed = |error: io::Error| EngineError::state(format!("cannot make `{}`", path.display()), &error);
        let parent = state.work.try_clone().map_err(failed)?;
        // Made under a name that no sweep takes for a build, and renamed when its lock is held.
        let fresh = format!("new-{build}");
        make(&parent, &fresh).map_err(failed)?;
        let directory = parent.open_dir(&fresh).map_err(failed)?;
        let lock =
            directory.open_with(LOCK, OpenOptions::new().write(true).create_new(true)).map_err(failed)?.into_std();
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|error| failed(error.into()))?;
        for name in ["scratch", "staging"] {
            make(&directory, name).map_err(failed)?;
        }
        parent.rename(&fresh, &parent, build.as_str()).map_err(failed)?;
        Ok(Self { parent, name: build.as_str().to_owned(), directory, path: path.clone(), _lock: lock })
    }

    /// A directory in it that is there.
    pub(crate) fn open(&self, name: &str) -> Result<Dir, EngineError> {
        open_directory(&self.directory, name).map_err(|error| self.failed("cannot open", name, &error))
    }

    /// A fresh, empty directory, instead of what was there.
    pub(crate) fn fresh(&self, name: &str) -> Result<Dir, EngineError> {
        remove_tree(&self.directory, name).map_err(|error| self.failed("cannot remove", name, &error))?;
        make(&self.directory, name).map_err(|error| self.failed("cannot make", name, &error))?;
        self.open(name)
    }

    /// Renames a directory in it.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), EngineError> {
        self.directory.rename(from, &self.directory, to).map_err(|error| self.failed("cannot rename", from, &error))
    }

    /// Removes everything.
    pub(crate) fn remove(self) -> io::Result<()> {
        remove_tree(&self.parent, &self.name)
    }

    fn failed(&self, what: &str, name: &str, error: &io::Error) -> EngineError {
        EngineError::state(format!("{what} `{}`", self.path.join(name).display()), error)
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        // What stays is swept by a later build.
        let _ = remove_tree(&self.parent, &self.name);
    }
}

/// Whether a build lives: somebody holds its lock.
pub(crate) fn lives(state: &State, build: &BuildId) -> bool {
    let Ok(directory) = open_directory(&state.work, build.as_str()) else { return false };
    let Ok(lock) = directory.open(LOCK) else { return false };
    flock(lock.into_std(), FlockOperation::NonBlockingLockShared).is_err()
}

/// Removes what builds have left that no longer live, and says whether there were any. Failures stay for the next sweep.
pub(crate) fn sweep(state: &State) -> bool {
    let mut found = false;
    let Ok(entries) = state.work.entries() else { return false };
    for entry in entries.flatten() {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let Some(build) = BuildId::parse(name.strip_prefix("new-").unwrap_or(&name)) else { continue };
        let Ok(directory) = open_directory(&state.work, &name) else { continue };
        let fresh = name != build.as_str();
        let dead = match directory.open_with(LOCK, OpenOptions::new().write(true)) {
            // One that is just being made does not hold its lock yet.
            _ if fresh => is_old(&directory),
            Ok(lock) => flock(lock.into_std(), FlockOperation::NonBlockingLockExclusive).is_ok(),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if dead {
            found = true;
            let _ = remove_tree(&state.work, &name);
        }
    }
    found
}

fn is_old(directory: &Dir) -> bool {
    let modified = directory.dir_metadata().and_then(|metadata| metadata.modified());
    modified.ok().and_then(|time| time.into_std().elapsed().ok()).is_some_and(|age| age.as_secs() > 24 * 3600)
}

fn make(parent: &Dir, name: &str) -> io::Result<()> {
    parent.create_dir_with(name, DirBuilder::new().mode(0o700))
}

/// Removes a tree without following links; nothing there is fine.
pub(crate) fn remove_tree(parent: &Dir, name: impl AsRef<Path>) -> io::Result<()> {
    let name = name.as_ref();
    match parent.symlink_metadata(name) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return parent.remove_file(name),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    match parent.remove_dir_all(name) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_dead_builds_left_is_swept_and_the_living_stay() {
        let home = tempfile::tempdir().expect("a directory");
        let state = State::open(&home.path().join("state")).map_err(|error| error.message).expect("opens");
        let id = || BuildId::generate(SystemTime::now()).expect("random");
        let (alive, dead, gone) = (id(), id(), id());
        let work = WorkDirectory::create(&state, &alive).map_err(|error| error.message).expect("made");
        let path = home.path().join("state/work");
        std::fs::create_dir_all(path.join(dead.as_str()).join("volume/deep")).expect("makes");
        std::fs::write(path.join(dead.as_str()).join(LOCK), "").expect("writes");
        std::fs::create_dir(path.join("somebody's")).expect("makes");
        drop(WorkDirectory::create(&state, &gone));
        assert!(sweep(&state));
        let mut left: Vec<_> = std::fs::read_dir(&path)
            .expect("reads")
            .map(|entry| entry.expect("reads").file_name().into_string().expect("text"))
            .collect();
        left.sort();
        assert!(!sweep(&state));
        assert_eq!(left, [alive.as_str(), "somebody's"]);
        work.remove().expect("removes");
        assert!(!path.join(alive.as_str()).exists());
    }
}
