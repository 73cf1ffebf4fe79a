//! Where one build works, and what dead builds have left.

use std::cell::RefCell;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, Metadata, MetadataExt, OpenOptions};
use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use crate::build_id::BuildId;
use crate::directories::{State, open_directory, open_file};
use crate::error::EngineError;

const LOCK: &str = "lock";

/// What the names of directories begin with that are being removed.
const REMOVED: &str = "removed-";

/// `work/<build>/`: removed when dropped. Whoever holds its lock lives.
pub(crate) struct WorkDirectory {
    parent: Dir,
    /// Its name in there.
    name: RefCell<String>,
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
        // Made under a name that no sweep takes for a build, and renamed when its lock is held.
        let made = Self::fresh_of(state, build, &format!("new-{build}")).map_err(failed)?;
        made.rename_to(build).map_err(failed)?;
        Ok(made)
    }

    /// Makes the directory of a build that was there before and goes on, or is to be removed; `None` where it lives. As
    /// long as this lives nobody else can have it.
    ///
    /// # Errors
    /// [`crate::EngineErrorKind::State`].
    pub(crate) fn claim(state: &State, build: &BuildId) -> Result<Option<Self>, EngineError> {
        let path = state.path.join("work").join(build.as_str());
        let failed = |error: io::Error| EngineError::state(format!("cannot make `{}`", path.display()), &error);
        // Several may try at once, so each has a name of its own.
        let fresh = BuildId::generate(std::time::SystemTime::now()).map_err(failed)?;
        let made = Self::fresh_of(state, build, &format!("new-{fresh}")).map_err(failed)?;
        loop {
            match made.rename_to(build) {
                Ok(()) => return Ok(Some(made)),
                Err(error) if matches!(error.raw_os_error(), Some(17 | 39)) => {}
                Err(error) => return Err(failed(error)),
            }
            // Somebody has it, or it is left of one that died.
            if !remove_dead(&state.work, build.as_str()).map_err(failed)? {
                return Ok(None);
            }
        }
    }

    fn fresh_of(state: &State, build: &BuildId, fresh: &str) -> io::Result<Self> {
        let parent = state.work.try_clone()?;
        make(&parent, fresh)?;
        let directory = parent.open_dir(fresh)?;
        let lock = directory.open_with(LOCK, OpenOptions::new().write(true).create_new(true))?.into_std();
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        for name in ["scratch", "staging"] {
            make(&directory, name)?;
        }
        let path = state.path.join("work").join(build.as_str());
        Ok(Self { parent, name: RefCell::new(fresh.to_owned()), directory, path, _lock: lock })
    }

    fn rename_to(&self, build: &BuildId) -> io::Result<()> {
        self.parent.rename(&*self.name.borrow(), &self.parent, build.as_str())?;
        *self.name.borrow_mut() = build.as_str().to_owned();
        Ok(())
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

    /// A directory in it that is there, after everything in it is removed. It stays the same for who has it open.
    pub(crate) fn emptied(&self, name: &str) -> Result<Dir, EngineError> {
        let directory = self.open(name)?;
        let failed = |error| self.failed("cannot empty", name, &error);
        for entry in directory.entries().map_err(failed)? {
            remove_tree(&directory, entry.map_err(failed)?.file_name()).map_err(failed)?;
        }
        Ok(directory)
    }

    /// Moves a directory in it to another place of the state directory.
    pub(crate) fn give(&self, name: &str, to: &Dir, new: &str) -> Result<(), EngineError> {
        self.directory.rename(name, to, new).map_err(|error| self.failed("cannot move", name, &error))
    }

    /// Moves a directory of another place into it.
    pub(crate) fn take(&self, from: &Dir, name: &str, new: &str) -> io::Result<()> {
        from.rename(name, &self.directory, new)
    }

    /// Makes an empty directory in it.
    pub(crate) fn make(&self, name: &str) -> Result<Dir, EngineError> {
        make(&self.directory, name).map_err(|error| self.failed("cannot make", name, &error))?;
        self.open(name)
    }

    /// Renames a directory in it.
    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<(), EngineError> {
        self.directory.rename(from, &self.directory, to).map_err(|error| self.failed("cannot rename", from, &error))
    }

    /// Removes everything in it. The build lives on until this is dropped.
    pub(crate) fn clear(&self) -> io::Result<()> {
        for entry in self.directory.entries()? {
            let name = entry?.file_name();
            if name != LOCK {
                remove_tree(&self.directory, name)?;
            }
        }
        Ok(())
    }

    fn failed(&self, what: &str, name: &str, error: &io::Error) -> EngineError {
        EngineError::state(format!("{what} `{}`", self.path.join(name).display()), error)
    }
}

impl Drop for WorkDirectory {
    fn drop(&mut self) {
        // Gone at once, so that the name never stands for half a directory. What stays is swept by a later build.
        let _ = remove_renamed(&self.parent, &self.name.borrow());
    }
}

/// Removes what builds have left that no longer live, and says whether there were any. Failures stay for the next sweep.
pub(crate) fn sweep(state: &State) -> bool {
    let mut found = false;
    let Ok(entries) = state.work.entries() else { return false };
    for entry in entries.flatten() {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        let removed = name.strip_prefix(REMOVED).map(|name| name.strip_prefix("work-").unwrap_or(name));
        if removed.is_some_and(|name| BuildId::parse(name).is_some()) {
            let _ = remove_tree(&state.work, &name);
            continue;
        }
        let Some(build) = BuildId::parse(name.strip_prefix("new-").unwrap_or(&name)) else { continue };
        if name == build.as_str() {
            found |= remove_dead(&state.work, &name).unwrap_or(false);
            continue;
        }
        // One that is just being made does not hold its lock yet.
        if open_directory(&state.work, &name).is_ok_and(|directory| is_old(&directory)) {
            found = true;
            let _ = remove_tree(&state.work, &name);
        }
    }
    found
}

/// Removes the directory of a build that no longer lives; whether it did not, which it does not either where there is none.
/// Whoever takes a directory away holds its lock: a build that goes on gets one of the same name, which must stay.
fn remove_dead(work: &Dir, name: &str) -> io::Result<bool> {
    let directory = match open_directory(work, name) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let lock = match open_file(&directory, LOCK) {
        Ok(lock) => Some(lock),
        // One that an older Stepbox was removing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    // Without one the directory itself is locked: else who looks first could take away the next one of the name.
    let held = match &lock {
        Some(lock) => flock(lock, FlockOperation::NonBlockingLockExclusive),
        None => flock(&directory, FlockOperation::NonBlockingLockExclusive),
    };
    match held {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(lock.is_none()),
        Err(error) => return Err(error.into()),
    }
    // It may have been taken away, and the name given to another one, before the lock was held.
    let now = open_directory(work, name).and_then(|now| now.dir_metadata());
    let same = |now: &Metadata, then: &Metadata| (now.dev(), now.ino()) == (then.dev(), then.ino());
    if now.is_ok_and(|now| directory.dir_metadata().is_ok_and(|then| same(&now, &then))) {
        remove_renamed(work, name)?;
    }
    Ok(true)
}

/// Removes a directory in two steps: the first takes its name away.
fn remove_renamed(work: &Dir, name: &str) -> io::Result<()> {
    // One that nobody else uses: the build may go on, and its next directory go too, while this one is removed.
    let gone = format!("{REMOVED}work-{}", BuildId::generate(std::time::SystemTime::now())?);
    work.rename(name, work, &gone)?;
    remove_tree(work, &gone)
}

/// Whether a build lives: somebody holds the lock of its directory.
pub(crate) fn is_running(work: &Dir, build: &BuildId) -> io::Result<bool> {
    let lock = open_directory(work, build.as_str()).and_then(|directory| open_file(&directory, LOCK));
    match lock {
        // Shared, so that two who look do not take each other for the build.
        Ok(lock) => match flock(lock, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(Errno::WOULDBLOCK) => Ok(true),
            Err(error) => Err(error.into()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Removes a directory of the state directory so that it is gone at once, whatever happens while its contents go.
pub(crate) fn remove_at_once(work: &Dir, parent: &Dir, build: &BuildId) -> io::Result<()> {
    let gone = format!("{REMOVED}{build}");
    remove_tree(work, &gone)?;
    parent.rename(build.as_str(), work, &gone)?;
    remove_tree(work, &gone)
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
        std::fs::create_dir_all(path.join(format!("removed-{gone}/deep"))).expect("makes");
        assert_eq!(
            [&alive, &dead, &gone].map(|build| is_running(&state.work, build).expect("told")),
            [true, false, false]
        );
        drop(WorkDirectory::create(&state, &gone));
        assert!(sweep(&state));
        let mut left: Vec<_> = std::fs::read_dir(&path)
            .expect("reads")
            .map(|entry| entry.expect("reads").file_name().into_string().expect("text"))
            .collect();
        left.sort();
        assert!(!sweep(&state));
        assert_eq!(left, [alive.as_str(), "somebody's"]);
        assert!(WorkDirectory::claim(&state, &alive).map_err(|error| error.message).expect("tries").is_none());
        work.clear().expect("removes");
        assert!(is_running(&state.work, &alive).expect("told"), "as long as the outcome is not written");
        drop(work);
        assert!(!path.join(alive.as_str()).exists());
        assert_eq!(std::fs::read_dir(&path).expect("reads").count(), 1);
    }

    #[test]
    fn a_build_that_goes_on_has_one_owner_and_what_it_left_before_goes() {
        let home = tempfile::tempdir().expect("a directory");
        let state = State::open(&home.path().join("state")).map_err(|error| error.message).expect("opens");
        let build = BuildId::generate(SystemTime::now()).expect("random");
        let path = home.path().join("state/work").join(build.as_str());
        for lock in [true, false] {
            std::fs::create_dir_all(path.join("volume/deep")).expect("makes");
            if lock {
                std::fs::write(path.join(LOCK), "").expect("writes");
            }
            let claimed = std::thread::scope(|scope| {
                let claim = || WorkDirectory::claim(&state, &build).map_err(|error| error.message).expect("tries");
                let sweeps = scope.spawn(|| sweep(&state));
                let all = [scope.spawn(claim), scope.spawn(claim), scope.spawn(claim)];
                let all = all.map(|thread| thread.join().expect("no panic"));
                sweeps.join().expect("no panic");
                all
            });
            assert_eq!(claimed.iter().filter(|claimed| claimed.is_some()).count(), 1);
            assert!(is_running(&state.work, &build).expect("told") && !path.join("volume").exists());
        }
    }
}
