//! The files of a source as they are now.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::sync::atomic::AtomicBool;

use cap_std::fs::{Dir, Metadata, MetadataExt};
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::{Flags, Mode, Stage};

use super::contents::open_file;
use super::desired::{Content, Desired, Node};
use super::error::{GitError, stopped};
use super::write::{Keep, join};
use crate::directories::open_directory;

/// How deep a source may be.
const MAX_DEPTH: usize = 256;

/// A source as it is now.
#[derive(Debug, Default)]
pub(super) struct WorkingTree {
    pub(super) desired: Desired,
    /// Tracked files that are not as the index has them, or are gone.
    pub(super) modified: u64,
    /// Files that git does not track.
    pub(super) untracked: u64,
    /// Submodules; whether they are checked out is not looked at.
    pub(super) submodules: Vec<BString>,
    /// Other repositories in the source; their files are not served.
    pub(super) repositories: Vec<BString>,
}

/// How a source is looked at.
pub(super) struct Listing<'a> {
    /// What git tracks; `None` for a directory without git.
    pub(super) index: Option<&'a gix::index::State>,
    /// What git ignores, by paths in the work tree.
    pub(super) ignored: &'a mut dyn Keep,
    /// The directory's path in the work tree; empty for the whole.
    pub(super) prefix: &'a BStr,
    /// Leave out what git does not track.
    pub(super) tracked_only: bool,
    /// Directories that are never served (device and inode): where Stepbox keeps its state, and the volume itself.
    pub(super) omitted: [Option<(u64, u64)>; 2],
    /// Asked often.
    pub(super) stop: &'a dyn Fn() -> bool,
}

impl Listing<'_> {
    /// Lists a directory.
    ///
    /// # Errors
    /// Where it cannot be read, or is too large or too deep.
    pub(super) fn list(self, root: &Dir) -> Result<WorkingTree, GitError> {
        let mut walk =
            Walk { tracked: Tracked::new(self.index), listing: self, found: WorkingTree::default(), seen: 0 };
        walk.directory(root, BStr::new(""), 0)?;
        let gone = walk.tracked.files_below(walk.listing.prefix).saturating_sub(walk.seen);
        walk.found.modified += gone;
        // Directories have no order of their own.
        walk.found.submodules.sort();
        walk.found.repositories.sort();
        Ok(walk.found)
    }
}

/// What git tracks, by path.
struct Tracked<'a> {
    entries: HashMap<&'a BStr, &'a gix::index::Entry>,
    directories: HashSet<&'a BStr>,
    /// When the index was written, in seconds; files that changed then or later may differ although their times do not.
    written: i64,
    hash: gix::hash::Kind,
    git: bool,
}

impl<'a> Tracked<'a> {
    fn new(index: Option<&'a gix::index::State>) -> Self {
        let mut tracked = Self {
            entries: HashMap::new(),
            directories: HashSet::new(),
            written: index.map_or(0, |index| index.timestamp().unix_seconds()),
            hash: index.map_or(gix::hash::Kind::Sha1, gix::index::State::object_hash),
            git: index.is_some(),
        };
        let Some(index) = index else { return tracked };
        for entry in index.entries() {
            let path = entry.path(index);
            tracked.entries.insert(path, entry);
            let mut rest = path;
            while let Some(end) = rest.rfind_byte(b'/') {
                rest = rest[..end].as_bstr();
                if !tracked.directories.insert(rest) {
                    break;
                }
            }
        }
        tracked
    }

    /// Files that a complete work tree has.
    fn files_below(&self, prefix: &BStr) -> u64 {
        let below = |path: &BStr| {
            prefix.is_empty() || path.strip_prefix(prefix.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
        };
        let counts = |entry: &gix::index::Entry| {
            !entry.flags.contains(Flags::SKIP_WORKTREE) && !matches!(entry.mode, Mode::COMMIT | Mode::DIR)
        };
        self.entries.iter().filter(|(path, entry)| below(path) && counts(entry)).count() as u64
    }
}

struct Walk<'a> {
    tracked: Tracked<'a>,
    listing: Listing<'a>,
    found: WorkingTree,
    /// Tracked files that are there.
    seen: u64,
}

impl Walk<'_> {
    fn directory(&mut self, directory: &Dir, path: &BStr, depth: usize) -> Result<(), GitError> {
        let failed = || GitError::io(format!("cannot read `{path}` in the source"));
        let entries = directory.entries().map_err(failed())?;
        for entry in entries {
            if (self.listing.stop)() {
                return Err(GitError::Stopped);
            }
            let name = entry.map_err(failed())?.file_name();
            // Files may vanish while they are listed.
            let Ok(metadata) = directory.symlink_metadata(&name) else { continue };
            if name != ".git" {
                self.entry(directory, &name, &metadata, join(path, &name), depth)?;
            }
        }
        Ok(())
    }

    fn entry(
        &mut self,
        parent: &Dir,
        name: &OsStr,
        metadata: &Metadata,
        path: BString,
        depth: usize,
    ) -> Result<(), GitError> {
        let full = match self.listing.prefix {
            prefix if prefix.is_empty() => path.clone(),
            prefix => BString::from([prefix.as_bytes(), b"/", path.as_bytes()].concat()),
        };
        let known = self.tracked.entries.get(full.as_bstr()).copied();
        if metadata.is_dir() {
            let tracked = self.tracked.directories.contains(full.as_bstr());
            if known.is_some_and(|entry| entry.mode == Mode::COMMIT) {
                self.found.submodules.push(path.clone());
                return self.found.desired.insert(path, Node::Repository);
            }
            if !tracked && (self.listing.tracked_only || self.ignores(&full, true)?) {
                return Ok(());
            }
            let Ok(directory) = open_directory(parent, name) else { return Ok(()) };
            if !tracked && self.is_foreign(&directory, metadata) {
                if self.tracked.git && directory.symlink_metadata(".git").is_ok() {
                    self.found.repositories.push(path);
                }
                return Ok(());
            }
            if depth >= MAX_DEPTH {
                return Err(GitError::Refused(format!(
                    "the source is deeper than {MAX_DEPTH} directories at `{path}`"
                )));
            }
            return self.directory(&directory, path.as_bstr(), depth + 1);
        }
        let node = if metadata.is_symlink() {
            let Ok(target) = parent.read_link_contents(name) else { return Ok(()) };
            Node::Link(target.into_os_string().into_vec())
        } else if metadata.is_file() {
            Node::File { content: Content::Same, executable: metadata.mode() & 0o100 != 0 }
        } else {
            return Ok(());
        };
        match known {
            Some(entry) => {
                self.seen += 1;
                let same = self.is_unchanged(entry, parent, name, metadata, &node);
                self.found.modified += u64::from(!same.map_err(GitError::io(format!("cannot read `{path}`")))?);
            }
            None if self.tracked.git => {
                if self.listing.tracked_only || self.ignores(&full, false)? {
                    return Ok(());
                }
                self.found.untracked += 1;
            }
            None => {}
        }
        self.found.desired.insert(path, node)
    }

    fn ignores(&mut self, path: &BString, is_directory: bool) -> Result<bool, GitError> {
        let ignored = self.listing.ignored.keeps(path.as_bstr(), is_directory);
        ignored.map_err(GitError::io(format!("cannot tell whether git ignores `{path}`")))
    }

    /// Directories that nobody tracks and that are never served: our own state, other repositories, and, without git, what
    /// says of itself that it can be made again.
    fn is_foreign(&self, directory: &Dir, metadata: &Metadata) -> bool {
        let has = |name: &str| directory.symlink_metadata(name).is_ok();
        self.listing.omitted.contains(&Some((metadata.dev(), metadata.ino())))
            || (self.tracked.git && has(".git"))
            || (!self.tracked.git && has("CACHEDIR.TAG"))
    }

    /// Whether a file is as the index has it; its content is looked at where its times leave a doubt.
    fn is_unchanged(
        &self,
        entry: &gix::index::Entry,
        parent: &Dir,
        name: &OsStr,
        metadata: &Metadata,
        node: &Node,
    ) -> io::Result<bool> {
        let mode = match node {
            Node::Repository => Mode::COMMIT,
            Node::Link(_) => Mode::SYMLINK,
            Node::File { executable: true, .. } => Mode::FILE_EXECUTABLE,
            Node::File { executable: false, .. } => Mode::FILE,
        };
        if entry.mode != mode || entry.stage() != Stage::Unconflicted {
            return Ok(false);
        }
        let stat = &entry.stat;
        let same_time = i64::from(stat.mtime.secs) == metadata.mtime()
            && (stat.mtime.nsecs == 0 || i64::from(stat.mtime.nsecs) == metadata.mtime_nsec());
        #[expect(clippy::cast_possible_truncation, reason = "the index keeps the low half of the size")]
        let same_size = stat.size == metadata.size() as u32;
        if same_time && same_size && metadata.mtime() < self.tracked.written {
            return Ok(true);
        }
        let hash = match node {
            Node::Repository => return Ok(false),
            Node::Link(target) => gix::objs::compute_hash(self.tracked.hash, gix::objs::Kind::Blob, target),
            Node::File { .. } => {
                let Some((mut file, size)) = open_file(parent, name)? else { return Ok(false) };
                gix::objs::compute_stream_hash(
                    self.tracked.hash,
                    gix::objs::Kind::Blob,
                    &mut file,
                    size,
                    &mut gix::progress::Discard,
                    &AtomicBool::new(false),
                )
            }
        };
        if (self.listing.stop)() {
            return Err(stopped());
        }
        // A file that grows or shrinks while it is read has changed.
        Ok(hash.is_ok_and(|hash| hash == entry.id))
    }
}

/// The names in a list that is shown, at most three of them.
pub(super) fn some_of(paths: &[BString]) -> String {
    let shown: Vec<_> = paths.iter().take(3).map(|path| format!("`{path}`")).collect();
    let more = paths.len().saturating_sub(shown.len());
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    shown.join(", ") + &rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_names_is_short() {
        let names = |count: usize| (0..count).map(|n| BString::from(n.to_string())).collect::<Vec<_>>();
        assert_eq!(some_of(&names(1)), "`0`");
        assert_eq!(some_of(&names(5)), "`0`, `1`, `2` and 2 more");
    }
}
