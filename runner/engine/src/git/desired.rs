//! What a directory is to hold.

use std::collections::{BTreeMap, HashSet};

use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};

use super::error::GitError;

/// How many files and links a clone may have.
const MAX_NODES: usize = 4_000_000;

/// How long and how deep a path in a clone may be.
const MAX_PATH: usize = 4096;
const MAX_DEPTH: usize = 256;

/// Where a file's bytes come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Content {
    /// The file of the same path in the directory that is copied.
    Same,
    /// An object of the repository.
    Blob(ObjectId),
    /// These.
    Bytes(Vec<u8>),
}

/// One entry that git knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Node {
    /// A regular file.
    File {
        /// What is in it.
        content: Content,
        /// Whether it may be executed.
        executable: bool,
    },
    /// A symbolic link, and what it says.
    Link(Vec<u8>),
    /// A directory in which a repository of its own is or may be: a submodule. What is in it is somebody else's matter,
    /// where it is a repository.
    Repository,
}

/// A tree of files and links. Directories are there where something is in them, as in git.
#[derive(Debug, Default)]
pub(super) struct Desired {
    nodes: BTreeMap<BString, Node>,
    directories: HashSet<BString>,
}

impl Desired {
    /// Adds an entry.
    ///
    /// # Errors
    /// [`GitError::Refused`] for a path that no clone may have: git refuses them too, as the trees of a repository are
    /// written by strangers.
    pub(super) fn insert(&mut self, path: BString, node: Node) -> Result<(), GitError> {
        let refuse = |why: &str| Err(GitError::Refused(format!("the repository holds the path `{path}`, which {why}")));
        if path.len() > MAX_PATH || path.split_str("/").count() > MAX_DEPTH {
            return refuse("is too long or too deep");
        }
        if self.nodes.len() >= MAX_NODES {
            return Err(GitError::Refused(format!("the repository holds more than {MAX_NODES} files")));
        }
        if path.contains(&0) || path.split_str("/").any(|part| matches!(part, b"" | b"." | b"..")) {
            return refuse("is no path in it");
        }
        self.insert_directories(path.as_ref());
        self.nodes.insert(path, node);
        Ok(())
    }

    fn insert_directories(&mut self, path: &BStr) {
        let mut rest = path.as_bytes();
        while let Some(end) = rest.rfind_byte(b'/') {
            rest = &rest[..end];
            if !self.directories.insert(rest.into()) {
                break;
            }
        }
    }

    /// What is to be at a path.
    pub(super) fn get(&self, path: &BStr) -> Option<&Node> {
        self.nodes.get(path)
    }

    /// Whether something is to be below a path.
    pub(super) fn is_directory(&self, path: &BStr) -> bool {
        self.directories.contains(path)
    }

    /// All entries, by path.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&BStr, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_bstr(), node))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_leave_the_clone_are_refused() {
        let node = || Node::Link(b"x".to_vec());
        for path in ["", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\0b", &"a/".repeat(300), &"a".repeat(5000)] {
            assert!(Desired::default().insert(path.into(), node()).is_err(), "{path}");
        }
        let mut desired = Desired::default();
        desired.insert("a/b/c".into(), node()).expect("a path");
        desired.insert("a/d".into(), node()).expect("a path");
        assert!(desired.is_directory("a".into()) && desired.is_directory("a/b".into()));
        assert!(!desired.is_directory("a/d".into()) && !desired.is_directory("".into()));
        assert_eq!(desired.iter().map(|(path, _)| path.to_string()).collect::<Vec<_>>(), ["a/b/c", "a/d"]);
    }
}
