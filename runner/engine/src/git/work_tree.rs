//! The git work tree of a source, opened so that nothing outside of it counts.

use std::io;
use std::path::{Path, PathBuf};

use gix::sec::Trust;

use super::error::GitError;

/// Opens a repository without any configuration of the system or the user, and without the environment. What its own
/// configuration says is used for names only (the origin), never for programs, filters or paths.
pub(super) fn open_isolated(path: &Path) -> Result<gix::Repository, GitError> {
    let options = gix::open::Options::isolated().open_path_as_is(true).with(Trust::Full);
    let repository =
        options.open(path).map_err(GitError::git(format!("cannot read the git repository `{}`", path.display())))?;
    Ok(repository.to_thread_local())
}

/// Opens the repository of a work tree; `None` where `root` has no `.git`.
///
/// A repository whose files are elsewhere is only opened where these say in their turn that the work tree is theirs: an
/// unpacked archive could name any repository of this user.
pub(super) fn open_work_tree(root: &Path) -> Result<Option<gix::Repository>, GitError> {
    let dot_git = root.join(".git");
    let metadata = match std::fs::symlink_metadata(&dot_git) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(GitError::io(format!("cannot read `{}`", dot_git.display()))(error)),
    };
    let refuse = |why: &str| Err(GitError::Refused(format!("`{}` {why}", dot_git.display())));
    if metadata.is_symlink() {
        return refuse("is a symbolic link, which is not followed");
    }
    let repository = open_isolated(&dot_git)?;
    if !metadata.is_dir() && !belongs(&repository, root, &dot_git) {
        return refuse("names a repository elsewhere that does not know this work tree");
    }
    // `core.worktree` may name any directory.
    let work_tree = repository.workdir().and_then(|path| std::fs::canonicalize(path).ok());
    if work_tree.as_deref() != Some(root) {
        return refuse("says that its work tree is another directory");
    }
    Ok(Some(repository))
}

/// Whether the repository that a `.git` file names knows it: a linked work tree by its file `gitdir`, a submodule by
/// `core.worktree`.
fn belongs(repository: &gix::Repository, root: &Path, dot_git: &Path) -> bool {
    let directory = repository.git_dir();
    let same = |path: PathBuf, wanted: &Path| {
        let path = if path.is_absolute() { path } else { directory.join(path) };
        std::fs::canonicalize(path).is_ok_and(|path| path == wanted)
    };
    let linked = std::fs::read_to_string(directory.join("gitdir")).is_ok_and(|text| same(text.trim().into(), dot_git));
    let submodule = || {
        let tree = repository.config_snapshot().string("core.worktree");
        tree.is_some_and(|tree| same(tree.to_string().into(), root))
    };
    linked || submodule()
}
