//! One clone on the volume.

use cap_std::fs::Dir;
use gix::ObjectId;
use gix::bstr::{BStr, BString};
use gix::worktree::stack::state::ignore;

use super::commit_tree::{self, Link};
use super::contents::Contents;
use super::descent::{Descent, make_directory};
use super::desired::Desired;
use super::error::GitError;
use super::ignored::Ignored;
use super::working_tree::some_of;
use super::write::{Keep, Written, join_paths, write};
use crate::directories::open_directory;
use crate::repository::{CloneRequest, Told};
use crate::work_directory::remove_tree;

/// One clone that is made.
pub(super) struct Clone<'a> {
    pub(super) request: &'a CloneRequest,
    pub(super) name: &'a str,
    pub(super) volume: &'a Dir,
    pub(super) stop: &'a dyn Fn() -> bool,
    pub(super) tell: &'a mut dyn FnMut(Told),
}

impl Clone<'_> {
    pub(super) fn line(&mut self, line: String) {
        (self.tell)(Told::Line(line));
    }

    /// `N files, M MB`.
    pub(super) fn summary(&self, at: &BStr, from: &str, written: Written) -> String {
        let what = if at.is_empty() { "source".to_owned() } else { format!("submodule `{at}`") };
        format!("{what}: {from}, {} files, {:.1} MB", written.files, written.bytes as f64 / 1e6)
    }

    /// Warns of repositories that are not cloned, where there are any.
    pub(super) fn skipped(&mut self, why: &str, repositories: &[BString]) {
        if !repositories.is_empty() {
            let names = some_of(repositories);
            (self.tell)(Told::Warning(format!("not cloned, {why}: {names}")));
        }
    }

    /// Warns of a submodule that is not to be had: official clones have none at all, and the pipeline may do without. What
    /// else goes wrong with it ends the clone.
    pub(super) fn without(&mut self, at: &BStr, error: GitError) -> Result<(), GitError> {
        match error {
            GitError::Refused(why) => {
                (self.tell)(Told::Warning(format!("submodule `{at}` is not cloned: {why}")));
                Ok(())
            }
            GitError::Stopped => Err(GitError::Stopped),
            GitError::Io { what, source } => Err(GitError::Io { what: format!("submodule `{at}`: {what}"), source }),
            GitError::Repository { what, why } => {
                Err(GitError::Repository { what: format!("submodule `{at}`: {what}"), why })
            }
        }
    }

    /// The clone's directory from the volume's root (rule G1).
    pub(super) fn path(&self) -> String {
        match self.request.parent.as_str() {
            "" => self.name.to_owned(),
            parent => format!("{parent}/{}", self.name),
        }
    }

    /// The path of a submodule from the volume's root; `at` is its path in the clone, empty for the clone itself.
    fn path_of(&self, at: &BStr) -> BString {
        let path = BString::from(self.path());
        if at.is_empty() { path } else { join_paths(path.as_ref(), at) }
    }

    /// Opens the directory that is cloned into. What is there stays only where it is a repository (rules G7, G9).
    pub(super) fn target(&self, at: &BStr, repository: bool) -> Result<Dir, GitError> {
        let path = self.path_of(at);
        let failed = || GitError::io(format!("cannot make `{path}` on the volume"));
        let mut descent = Descent::new(self.volume);
        let (parent, name) = descent.parent_of(path.as_ref(), true).map_err(failed())?;
        let known = open_directory(parent, name).ok().filter(|known| repository && is_repository(known));
        if known.is_none() {
            remove_tree(parent, name).map_err(failed())?;
        }
        make_directory(parent, name).map_err(failed())
    }

    pub(super) fn write(
        &self,
        target: &Dir,
        desired: &Desired,
        contents: &mut Contents<'_>,
        keep: &mut dyn Keep,
    ) -> Result<Written, GitError> {
        write(target, desired, contents, keep, Some(".git"), self.stop)
            .map_err(GitError::io(format!("cannot write the clone `{}`", self.path())))
    }

    /// Writes the files of a commit, and gives its index and submodules. `from` says where they are from.
    pub(super) fn commit_tree(
        &mut self,
        target: &Dir,
        repository: &gix::Repository,
        commit: ObjectId,
        prefix: &BStr,
        at: &BStr,
        from: &str,
    ) -> Result<(gix::index::State, Vec<Link>), GitError> {
        let tree = commit_tree::list(repository, commit, prefix, self.stop)?;
        let mut ignored = Ignored::new(repository, &tree.index, ignore::Source::IdMapping)?;
        let mut contents = Contents::new(None, Some(repository));
        let written = self.write(target, &tree.desired, &mut contents, &mut ignored)?;
        let line = self.summary(at, &format!("{from} at {}", short(commit)), written);
        self.line(line);
        Ok((gix::index::File::into_parts(tree.index).0, tree.links))
    }
}

/// A commit as it is shown.
pub(super) fn short(id: ObjectId) -> String {
    id.to_hex_with_len(10).to_string()
}

/// Whether a directory on the volume is a repository, as git tells it.
fn is_repository(directory: &Dir) -> bool {
    open_directory(directory, ".git").is_ok_and(|git| {
        git.symlink_metadata("HEAD").is_ok()
            && open_directory(&git, "objects").is_ok()
            && open_directory(&git, "refs").is_ok()
    })
}
