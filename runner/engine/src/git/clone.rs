//! One clone on the volume.

use cap_std::fs::Dir;
use gix::ObjectId;
use gix::bstr::{BStr, BString};
use gix::worktree::stack::state::ignore;

use super::commit_tree;
use super::contents::Contents;
use super::descent::{Descent, make_directory};
use super::desired::Desired;
use super::error::GitError;
use super::ignored::Ignored;
use super::working_tree::some_of;
use super::write::{Keep, Written, write};
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
    pub(super) fn summary(&self, from: &str, written: Written) -> String {
        format!("source: {from}, {} files, {:.1} MB", written.files, written.bytes as f64 / 1e6)
    }

    pub(super) fn skipped(&mut self, repositories: &[BString]) {
        if !repositories.is_empty() {
            let names = some_of(repositories);
            (self.tell)(Told::Warning(format!("not cloned, as repositories of their own (submodules): {names}")));
        }
    }

    /// The clone's directory from the volume's root (rule G1).
    pub(super) fn path(&self) -> String {
        match self.request.parent.as_str() {
            "" => self.name.to_owned(),
            parent => format!("{parent}/{}", self.name),
        }
    }

    /// Opens the directory that is cloned into. What is there stays only where it is a repository (rules G7, G9).
    pub(super) fn target(&self, repository: bool) -> Result<Dir, GitError> {
        let failed = || GitError::io(format!("cannot make `{}` on the volume", self.path()));
        let mut descent = Descent::new(self.volume);
        let parent = descent.directory(BStr::new(&self.request.parent), true).map_err(failed())?;
        let known = open_directory(parent, self.name).ok().filter(|known| repository && is_repository(known));
        if known.is_none() {
            remove_tree(parent, self.name).map_err(failed())?;
        }
        make_directory(parent, self.name.as_ref()).map_err(failed())
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

    /// Writes the files of a commit, and gives its index.
    pub(super) fn commit_tree(
        &mut self,
        target: &Dir,
        repository: &gix::Repository,
        commit: ObjectId,
        prefix: &BStr,
        summary: impl FnOnce(&Self, Written) -> String,
    ) -> Result<gix::index::State, GitError> {
        let tree = commit_tree::list(repository, commit, prefix, self.stop)?;
        let mut ignored = Ignored::new(repository, &tree.index, ignore::Source::IdMapping)?;
        let mut contents = Contents::new(None, Some(repository));
        let written = self.write(target, &tree.desired, &mut contents, &mut ignored)?;
        let line = summary(self, written);
        self.line(line);
        self.skipped(&tree.repositories);
        Ok(gix::index::File::into_parts(tree.index).0)
    }
}

/// Whether a directory on the volume is a repository, as git tells it.
fn is_repository(directory: &Dir) -> bool {
    open_directory(directory, ".git").is_ok_and(|git| {
        git.symlink_metadata("HEAD").is_ok()
            && open_directory(&git, "objects").is_ok()
            && open_directory(&git, "refs").is_ok()
    })
}
