//! The directory of mirrors: each has one user at a time, and none stays for ever.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cap_std::fs::Dir;
use rustix::fs::{FlockOperation, flock};

use super::error::GitError;
use super::mirror::POLL;
use crate::directories::{open_directory, private_directory};
use crate::work_directory::remove_tree;

/// What the names of mirrors begin with that are being removed.
const REMOVED: &str = "removed-";

/// How deep a mirror can be; git makes no deeper one.
const MAX_DEPTH: usize = 16;

/// How long mirrors stay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// One that nobody has used for longer goes.
    pub(super) age: Duration,
    /// How many bytes all of them may have; those go first that were used longest ago. The one that was used last stays
    /// whatever it has: it would be fetched again at once.
    pub(super) bytes: u64,
}

const BOUNDS: Bounds = Bounds { age: Duration::from_secs(30 * 24 * 3600), bytes: 10 << 30 };

/// The directory of mirrors. A mirror is `<name>.git`, and `<name>.lock` beside it, whose time is that of the last use.
#[derive(Debug, Clone)]
pub(super) struct Mirrors {
    pub(super) directory: PathBuf,
    /// What time it is.
    pub(super) clock: fn() -> SystemTime,
}

impl Mirrors {
    /// The mirror of a key (an address, and what else tells mirrors apart): where it is or is to be, and its lock.
    ///
    /// # Errors
    /// Where the directory or the lock cannot be made, and [`GitError::Stopped`].
    pub(super) fn lock(&self, key: &str, stop: &dyn Fn() -> bool) -> Result<(PathBuf, File), GitError> {
        private_directory(&self.directory).map_err(|error| GitError::Refused(error.message))?;
        let name = gix::objs::compute_hash(gix::hash::Kind::Sha256, gix::objs::Kind::Blob, key.as_bytes())
            .map_err(GitError::git("cannot name the mirror"))?;
        let path = self.directory.join(format!("{name}.lock"));
        let failed = || GitError::io(format!("cannot lock `{}`", path.display()));
        loop {
            let file = open_lock(&path).map_err(failed())?;
            loop {
                match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                    Ok(()) => break,
                    Err(rustix::io::Errno::WOULDBLOCK) if stop() => return Err(GitError::Stopped),
                    Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(POLL),
                    Err(error) => return Err(failed()(error.into())),
                }
            }
            // Else the mirror was collected meanwhile, and its lock with it.
            if is_at(&file, &path) {
                file.set_modified((self.clock)()).map_err(failed())?;
                return Ok((self.directory.join(format!("{name}.git")), file));
            }
        }
    }
}

/// Removes mirrors that nobody uses any more, or that are too many. What is in use stays, and so does what cannot be
/// removed: the next build tries again.
///
/// `state` is the state directory, `now` the time against which the last use counts, `most` how many bytes they may have.
pub(crate) fn collect_mirrors(state: &Path, now: SystemTime, most: u64) {
    collect(&state.join("mirrors"), now, Bounds { bytes: BOUNDS.bytes.min(most), ..BOUNDS });
}

/// [`collect_mirrors`] with other bounds.
pub(super) fn collect(mirrors: &Path, now: SystemTime, bounds: Bounds) {
    if !mirrors.is_dir() {
        return;
    }
    let Ok(directory) = private_directory(mirrors) else { return };
    let Ok(entries) = directory.entries() else { return };
    let mut found = vec![];
    for entry in entries.flatten() {
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
        if name.starts_with(REMOVED) {
            let _ = remove_tree(&directory, &name);
        } else if let Some(name) = name.strip_suffix(".git").filter(|name| is_name(name)) {
            // A mirror whose lock is lost is used now, and goes by its time from here on.
            let path = mirrors.join(format!("{name}.lock"));
            if path.symlink_metadata().is_err() {
                let _ = open_lock(&path).and_then(|lock| lock.set_modified(now));
            }
        } else if let Some(name) = name.strip_suffix(".lock").filter(|name| is_name(name)) {
            let mirror = format!("{name}.git");
            let bytes = open_directory(&directory, &mirror).map_or(0, |mirror| size(&mirror, 0));
            found.extend(last_use(&mirrors.join(format!("{name}.lock"))).map(|used| (used, name.to_owned(), bytes)));
        }
    }
    found.sort();
    let mut total = 0_u64;
    for (number, (used, name, bytes)) in found.into_iter().rev().enumerate() {
        total = total.saturating_add(bytes);
        let old = now.duration_since(used).is_ok_and(|age| age > bounds.age);
        if (old || (total > bounds.bytes && number > 0)) && remove(&directory, mirrors, &name, used).unwrap_or(false) {
            total = total.saturating_sub(bytes);
        }
    }
}

/// Removes a mirror that nobody has used since; says whether it is gone.
pub(super) fn remove(directory: &Dir, mirrors: &Path, name: &str, used: SystemTime) -> io::Result<bool> {
    let path = mirrors.join(format!("{name}.lock"));
    let lock = open_lock(&path)?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        return Ok(false);
    }
    if !is_at(&lock, &path) || lock.metadata()?.modified()? != used {
        return Ok(false);
    }
    let removed = format!("{REMOVED}{name}");
    match directory.rename(format!("{name}.git"), directory, &removed) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // Last, and while it is held: whoever waits for it finds that it is no more the lock.
    std::fs::remove_file(&path)?;
    remove_tree(directory, &removed)?;
    Ok(true)
}

/// Whether it is the hash of a key.
fn is_name(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// Whether an open file is the one of that name.
fn is_at(file: &File, path: &Path) -> bool {
    let same = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(one), Ok(other)) => same(one) == same(other),
        _ => false,
    }
}

fn last_use(lock: &Path) -> Option<SystemTime> {
    lock.symlink_metadata().ok()?.modified().ok()
}

/// The bytes of all files of a directory.
fn size(directory: &Dir, depth: usize) -> u64 {
    let Ok(entries) = directory.entries() else { return 0 };
    let mut bytes = 0_u64;
    for entry in entries.flatten() {
        let Ok(metadata) = entry.metadata() else { continue };
        let inner = match metadata.is_dir() && depth < MAX_DEPTH {
            true => open_directory(directory, entry.file_name()).map_or(0, |inner| size(&inner, depth + 1)),
            false => metadata.len(),
        };
        bytes = bytes.saturating_add(inner);
    }
    bytes
}
