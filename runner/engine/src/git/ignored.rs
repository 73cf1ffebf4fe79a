//! What git ignores.

use std::io;

use gix::bstr::{BStr, ByteSlice};
use gix::index::entry::Mode;
use gix::worktree::stack::state::ignore;

use super::error::GitError;
use super::write::Keep;

/// What git ignores, by the rules of the repository that is cloned: what a step has left in a `.gitignore` or in `.git` on
/// the volume does not count (rule G8).
pub(super) struct Ignored<'a> {
    stack: gix::AttributeStack<'a>,
}

impl<'a> Ignored<'a> {
    pub(super) fn new(
        repository: &'a gix::Repository,
        index: &gix::index::State,
        source: ignore::Source,
    ) -> Result<Self, GitError> {
        let stack = repository.excludes(index, None, source);
        Ok(Self { stack: stack.map_err(GitError::git("cannot read what the repository ignores"))? })
    }
}

impl Keep for Ignored<'_> {
    fn keeps(&mut self, path: &BStr, is_directory: bool) -> io::Result<bool> {
        let mode = if is_directory { Mode::DIR } else { Mode::FILE };
        let platform = self.stack.at_entry(path.as_bstr(), Some(mode)).map_err(io::Error::other)?;
        Ok(platform.is_excluded())
    }

    fn keeps_repositories(&self) -> bool {
        true
    }
}
