//! The files of a commit.

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::Mode;

use super::desired::{Content, Desired, Node};
use super::error::GitError;

/// The longest text of a symbolic link.
const MAX_LINK: u64 = 4095;

/// The files of a commit.
pub(super) struct CommitTree {
    pub(super) desired: Desired,
    pub(super) index: gix::index::File,
    /// Submodules.
    pub(super) links: Vec<Link>,
}

/// A submodule: a commit of another repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// Where it is in the clone.
    pub(super) path: BString,
    /// Where it is in the repository.
    pub(super) full: BString,
    pub(super) commit: ObjectId,
}

/// Lists the files of a commit below a path.
///
/// # Errors
/// Where objects are missing or broken, and for paths that no clone may have.
pub(super) fn list(
    repository: &gix::Repository,
    commit: ObjectId,
    prefix: &BStr,
    stop: &dyn Fn() -> bool,
) -> Result<CommitTree, GitError> {
    let failed = || GitError::git(format!("cannot read the files of commit {commit}"));
    let found = repository.find_commit(commit).map_err(failed())?;
    let tree = found.tree_id().map_err(failed())?;
    let index = repository.index_from_tree(&tree).map_err(failed())?;
    let mut desired = Desired::default();
    let mut links = vec![];
    for entry in index.entries() {
        if stop() {
            return Err(GitError::Stopped);
        }
        let full = entry.path(&index);
        let Some(path) = below(prefix, full) else { continue };
        // The library refuses such names; this is a second lock on the same door.
        if path.split_str("/").any(|part| part.eq_ignore_ascii_case(b".git")) {
            return Err(GitError::Refused(format!("commit {commit} holds the path `{path}`, which no clone may have")));
        }
        let node = match entry.mode {
            Mode::FILE => Node::File { content: Content::Blob(entry.id), executable: false },
            Mode::FILE_EXECUTABLE => Node::File { content: Content::Blob(entry.id), executable: true },
            Mode::SYMLINK => {
                let header = repository.find_header(entry.id).map_err(failed())?;
                if header.size() > MAX_LINK {
                    return Err(GitError::Refused(format!("the symbolic link `{path}` is too long")));
                }
                Node::Link(repository.find_object(entry.id).map_err(failed())?.detach().data)
            }
            _ => {
                links.push(Link { path: path.to_owned(), full: full.to_owned(), commit: entry.id });
                Node::Repository
            }
        };
        desired.insert(path.to_owned(), node)?;
    }
    Ok(CommitTree { desired, index, links })
}

/// A path below a prefix.
fn below<'a>(prefix: &BStr, path: &'a BStr) -> Option<&'a BStr> {
    if prefix.is_empty() {
        return Some(path);
    }
    path.strip_prefix(prefix.as_bytes())?.strip_prefix(b"/").map(ByteSlice::as_bstr)
}
