//! Trees of volumes that builds have left as they were saved: the next build gets one by rename, and only what differs
//! from its snapshot is touched. They are a cache: whoever removes them loses time alone.

use std::fs::File;
use std::io::{self, Write};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, MetadataExt, OpenOptions};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use stepbox_volume::{KNOWN_FILE, Scope};

use crate::build_id::BuildId;
use crate::directories::{State, open_directory, open_file, spread};
use crate::error::EngineError;
use crate::work_directory::{WorkDirectory, remove_tree};

/// The directory of trees, in the state directory; the lock in it is held while one is chosen or put there.
const DIRECTORY: &str = "warm";
const LOCK: &str = "lock";

/// What lies in the directory of a tree.
const TREE: &str = "tree";
const ABOUT: &str = "about.json";
/// What `about.json` may be, in bytes.
const MAX_ABOUT: u64 = 4096;

/// How many trees of one volume are kept, how many of all, and how many bytes they may hold.
const OF_VOLUME: usize = 2;
const ALL: usize = 8;
const BYTES: u64 = 16 << 30;
/// Where less than that is free, none is kept.
const FREE: u64 = 1 << 30;

/// The trees that builds of one volume have left.
pub(crate) struct WarmTrees {
    /// The state directory.
    state: std::path::PathBuf,
    work: Dir,
    /// What the names of its trees begin with.
    key: String,
    /// How many bytes all trees may have.
    most: u64,
}

/// A tree that now is this build's.
pub(crate) struct WarmTree {
    pub(crate) tree: Dir,
    /// What was noted of it.
    pub(crate) noted: Option<File>,
}

/// What is known of a tree.
#[derive(Deserialize, Serialize)]
struct About {
    /// The snapshot that it was saved as.
    manifest: String,
    /// Bytes of file contents.
    bytes: u64,
}

/// A tree beside others.
struct Listed {
    name: String,
    about: About,
    /// When it was put there, in nanoseconds since 1970.
    time: i128,
}

impl WarmTrees {
    /// The trees of a volume; all trees together have `most` bytes.
    ///
    /// # Errors
    /// [`crate::EngineErrorKind::State`].
    pub(crate) fn new(state: &State, scope: &Scope, most: u64) -> Result<Self, EngineError> {
        let work = state.work.try_clone().map_err(|error| EngineError::state("cannot open the state", &error))?;
        Ok(Self { state: state.path.clone(), work, key: scope.key(), most: BYTES.min(most) })
    }

    /// Moves the best tree into a build's directory, as `incoming`: that of the snapshot, else the newest one of the
    /// volume. `None` where there is none that can be had.
    pub(crate) fn take(&self, work: &WorkDirectory, manifest: &str) -> Option<WarmTree> {
        let directory = self.open().ok()??;
        let _lock = lock(&directory).ok()?;
        let mut own = self.list(&directory).ok()?;
        own.retain(|listed| self.owns(&listed.name));
        let best = own.into_iter().max_by_key(|listed| (listed.about.manifest == manifest, listed.time))?;
        work.take(&directory, &best.name, "kept").ok()?;
        let kept = work.open("kept").ok()?;
        let noted = open_file(&kept, KNOWN_FILE).ok();
        work.rename(&format!("kept/{TREE}"), "incoming").ok()?;
        Some(WarmTree { tree: work.open("incoming").ok()?, noted })
    }

    /// Leaves the volume of a build that was saved as `manifest`, with what was noted of it in `staging`, for the next
    /// one. Too many are removed, the oldest first.
    pub(crate) fn keep(&self, work: &WorkDirectory, build: &BuildId, manifest: &str, bytes: u64) -> io::Result<()> {
        let free = rustix::fs::fstatvfs(&self.work)?;
        if free.f_bavail.saturating_mul(free.f_frsize) < FREE || bytes > self.most {
            return Ok(());
        }
        let staging = work.open("staging").map_err(io::Error::other)?;
        // Without the note the next build would have to read everything, which takes as long as unpacking it.
        open_file(&staging, KNOWN_FILE)?;
        let kept = work.make("leaving").map_err(io::Error::other)?;
        staging.rename(KNOWN_FILE, &kept, KNOWN_FILE)?;
        work.give("volume", &kept, TREE).map_err(io::Error::other)?;
        let about = About { manifest: manifest.to_owned(), bytes };
        let mut file = kept.open_with(ABOUT, OpenOptions::new().write(true).create_new(true))?;
        file.write_all(&serde_json::to_vec(&about)?)?;

        let directory = match self.open()? {
            Some(directory) => directory,
            None => {
                let state = self.state()?;
                match state.create_dir_with(DIRECTORY, DirBuilder::new().mode(0o700)) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => {}
                }
                let directory = open_directory(&state, DIRECTORY)?;
                spread(&directory);
                directory
            }
        };
        let held = lock(&directory)?;
        work.give("leaving", &directory, &format!("{}.{build}", self.key)).map_err(io::Error::other)?;
        let mut gone = vec![];
        for (number, name) in surplus(self.list(&directory)?, self.most).into_iter().enumerate() {
            // A name that the next sweep knows, should this one not come to its end.
            let removed = format!("leaving-{number}");
            if work.take(&directory, &name, &removed).is_ok() {
                gone.push(removed);
            }
        }
        drop(held);
        // They go with everything else of the build.
        drop(gone);
        Ok(())
    }

    fn state(&self) -> io::Result<Dir> {
        Dir::open_ambient_dir(&self.state, cap_std::ambient_authority())
    }

    fn open(&self) -> io::Result<Option<Dir>> {
        match open_directory(&self.state()?, DIRECTORY) {
            Ok(directory) => Ok(Some(directory)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn owns(&self, name: &str) -> bool {
        owner(name) == Some(&self.key)
    }

    /// All trees, of every volume. What makes no sense is taken for the oldest and emptiest, so that it goes.
    fn list(&self, directory: &Dir) -> io::Result<Vec<Listed>> {
        let mut all = vec![];
        for entry in directory.entries()? {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            if owner(&name).is_none() {
                continue;
            }
            let Ok(metadata) = entry.metadata() else { continue };
            let about = open_directory(directory, &name).and_then(|tree| open_file(&tree, ABOUT)).and_then(|file| {
                let text = io::read_to_string(io::Read::take(file, MAX_ABOUT))?;
                Ok(serde_json::from_str(&text)?)
            });
            let time = i128::from(metadata.ctime()) * 1_000_000_000 + i128::from(metadata.ctime_nsec());
            all.push(match about {
                Ok(about) => Listed { name, about, time },
                Err(_) => Listed { name, about: About { manifest: String::new(), bytes: 0 }, time: 0 },
            });
        }
        Ok(all)
    }
}

/// The volume of a tree, by its name; `None` for what is no tree.
fn owner(name: &str) -> Option<&str> {
    let (key, build) = name.rsplit_once('.')?;
    BuildId::parse(build).map(|_| key)
}

/// The names of the trees that are too many.
fn surplus(mut all: Vec<Listed>, most: u64) -> Vec<String> {
    all.sort_by_key(|listed| std::cmp::Reverse(listed.time));
    let mut of_volume: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    let (mut count, mut bytes) = (0, 0u64);
    let mut gone = vec![];
    for listed in all {
        let own = of_volume.entry(owner(&listed.name).unwrap_or_default().to_owned()).or_default();
        if *own < OF_VOLUME && count < ALL && bytes.saturating_add(listed.about.bytes) <= most && listed.time > 0 {
            *own += 1;
            count += 1;
            bytes += listed.about.bytes;
        } else {
            gone.push(listed.name);
        }
    }
    gone
}

/// Removes the trees of a volume, or all of them where `scope` is `None`.
pub(crate) fn remove(state: &State, scope: Option<&Scope>) -> io::Result<()> {
    let root = Dir::open_ambient_dir(&state.path, cap_std::ambient_authority())?;
    let directory = match open_directory(&root, DIRECTORY) {
        Ok(directory) => directory,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let _lock = lock(&directory)?;
    let key = scope.map(Scope::key);
    for entry in directory.entries()? {
        let name = entry?.file_name();
        let Some(of) = name.to_str().and_then(owner) else { continue };
        if key.as_deref().is_none_or(|key| key == of) {
            remove_tree(&directory, &name)?;
        }
    }
    Ok(())
}

fn lock(directory: &Dir) -> io::Result<File> {
    let lock = directory.open_with(LOCK, OpenOptions::new().write(true).create(true))?.into_std();
    flock(&lock, FlockOperation::LockExclusive)?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(tag: &str, time: i128, bytes: u64) -> Listed {
        let name = format!("{tag}.{:024x}", time);
        assert!(owner(&name).is_some(), "{name}");
        Listed { name, about: About { manifest: String::new(), bytes }, time }
    }

    fn gone(all: Vec<Listed>) -> Vec<i128> {
        let mut gone: Vec<i128> = surplus(all, BYTES)
            .iter()
            .map(|name| i128::from_str_radix(name.rsplit('.').next().expect("an end"), 16).expect("a number"))
            .collect();
        gone.sort_unstable();
        gone
    }

    #[test]
    fn the_newest_trees_stay_and_no_more_than_there_may_be() {
        let of_one = |count: i128| (1..=count).map(|time| listed("v-a-1", time, 1)).collect::<Vec<_>>();
        assert_eq!(gone(of_one(4)), [1, 2]);
        let many = (1..=10).map(|time| listed(&format!("v-{time}-1"), time, 1)).collect();
        assert_eq!(gone(many), [1, 2]);
        let large = vec![listed("v-a-1", 3, BYTES / 2 + 1), listed("v-b-1", 2, BYTES / 2), listed("v-c-1", 1, 5)];
        assert_eq!(gone(large), [2]);
    }

    #[test]
    fn only_what_a_build_has_left_is_a_tree() {
        for name in ["lock", "v-a-1", "v-a-1.", ".x", "v.a.txt"] {
            assert_eq!(owner(name), None, "{name}");
        }
    }
}
