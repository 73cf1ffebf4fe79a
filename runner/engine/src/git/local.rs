//! Clones of the source.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _};
use gix::ObjectId;
use gix::bstr::{BStr, BString};
use gix::worktree::stack::state::ignore;

use super::clone::{Clone, short};
use super::clones::{Clones, references};
use super::contents::Contents;
use super::error::GitError;
use super::git_directory::{GitDirectory, Head};
use super::ignored::Ignored;
use super::remote::modules as remote_modules;
use super::revision::{branch_of, find_commit};
use super::source::{LocalTree, Served, WorkTree};
use super::submodules;
use super::waiting::Waiting;
use super::working_tree::Listing;
use super::write::{Keep, KeepNothing, join_paths};
use crate::repository::Told;

/// A submodule that is checked out in the source.
struct Module {
    /// Its directory.
    path: PathBuf,
    /// Its path in the clone.
    at: BString,
}

impl Clones {
    /// Clones the source.
    pub(super) fn serve(&self, served: &Served<'_>, clone: &mut Clone<'_>) -> Result<Option<String>, GitError> {
        if clone.request.depth.is_some() {
            clone.line("`depth` is for other repositories: the source is cloned with its whole history".to_owned());
        }
        let tree = served.work_tree.map(WorkTree::local);
        let Some(tree) = &tree else {
            if let Some(revision) = &clone.request.revision {
                clone.line(format!("the source has no git history: its files may not be those of `{revision}`"));
            }
            self.working_tree(served, None, clone, BStr::new(""), false)?;
            return Ok(None);
        };
        let head = tree.repository.head_id().ok().map(gix::Id::detach);
        match self.other_commit(tree, head, clone)? {
            Some(commit) => {
                self.commit(served, tree, commit, clone)?;
                Ok(Some(commit.to_string()))
            }
            None => {
                let whole = served.prefix.is_empty();
                let modules = self.working_tree(served, Some(tree), clone, BStr::new(""), whole)?;
                self.modules(modules, clone, whole)?;
                Ok(head.map(|head| head.to_string()))
            }
        }
    }

    /// The commit that is wanted instead of what is checked out, where that is to be followed; warned about where not.
    fn other_commit(
        &self,
        tree: &LocalTree<'_>,
        head: Option<ObjectId>,
        clone: &mut Clone<'_>,
    ) -> Result<Option<ObjectId>, GitError> {
        let Some(revision) = &clone.request.revision else { return Ok(None) };
        let branch = tree.repository.head_name().ok().flatten().map(|name| name.shorten().to_string());
        if branch.as_deref() == Some(revision.trim()) {
            return Ok(None);
        }
        let wanted = find_commit(&tree.repository, revision);
        if wanted.is_some() && wanted == head {
            return Ok(None);
        }
        let here = match (&branch, head) {
            (_, None) => "a source without commits".to_owned(),
            (Some(branch), Some(head)) => format!("`{branch}` ({})", short(head)),
            (None, Some(head)) => short(head),
        };
        match (wanted, self.strict_revision) {
            (Some(wanted), true) => Ok(Some(wanted)),
            (None, true) => Err(GitError::Refused(format!("the source has no revision `{revision}`; it is at {here}"))),
            (wanted, false) => {
                let wanted =
                    wanted.map_or_else(|| ", which the source does not have".into(), |id| format!(" ({})", short(id)));
                (clone.tell)(Told::Warning(format!(
                    "the step asks for revision `{revision}`{wanted}, and gets the working tree of {here} as it is now; \
                     `--strict-revision` clones what it asks for"
                )));
                Ok(None)
            }
        }
    }

    /// Clones the files as they are now, to a place in the clone; with its history where that is wanted. Gives the
    /// submodules in it.
    fn working_tree(
        &self,
        served: &Served<'_>,
        tree: Option<&LocalTree<'_>>,
        clone: &mut Clone<'_>,
        at: &BStr,
        history: bool,
    ) -> Result<Vec<Module>, GitError> {
        let from = Dir::open_ambient_dir(served.path, ambient_authority())
            .map_err(GitError::io(format!("cannot read the source `{}`", served.path.display())))?;
        let index = match tree {
            Some(tree) => {
                let index = tree.repository.index_or_empty();
                let index = index.map_err(GitError::git("cannot read the index of the source"))?;
                Some(gix::index::State::clone(&index))
            }
            None => None,
        };
        let mut ignored: Box<dyn Keep> = match (tree, &index) {
            (Some(tree), Some(index)) => {
                let source = ignore::Source::WorktreeThenIdMappingIfNotSkipped;
                Box::new(Ignored::new(&tree.repository, index, source)?)
            }
            _ => Box::new(KeepNothing),
        };
        let listing = Listing {
            index: index.as_ref(),
            ignored: &mut *ignored,
            prefix: served.prefix.as_ref(),
            tracked_only: self.tracked_only && tree.is_some(),
            // A first build makes the state directory after its source is found.
            omitted: [
                std::fs::metadata(&self.state).ok().map(|metadata| (metadata.dev(), metadata.ino())),
                clone.volume.dir_metadata().ok().map(|metadata| (metadata.dev(), metadata.ino())),
            ],
            stop: clone.stop,
        };
        let found = listing.list(&from)?;
        let whole = tree.filter(|_| history);
        let target = clone.target(at, whole.is_some())?;
        let mut contents = Contents::new(Some(&from), None);
        let written = clone.write(&target, &found.desired, &mut contents, &mut *ignored)?;
        let mut line = clone.summary(at, &served.path.display().to_string(), written);
        line.push_str(&match (tree, whole) {
            (None, _) => ", without history".to_owned(),
            (Some(_), None) => format!(", {} modified, {} untracked, without history", found.modified, found.untracked),
            (Some(_), Some(_)) => format!(", {} modified, {} untracked", found.modified, found.untracked),
        });
        clone.line(line);
        let below = |path: &BString| join_paths(at, path.as_ref());
        let repositories: Vec<BString> = found.repositories.iter().map(below).collect();
        clone.skipped("as repositories of their own", &repositories);
        if let (Some(tree), Some(index)) = (whole, index) {
            let head = match tree.repository.head_name().map_err(GitError::git("cannot read the source's `HEAD`"))? {
                Some(name) => Head::Branch(name.to_string()),
                None => Head::Detached(
                    tree.repository.head_id().map_err(GitError::git("cannot read the source's `HEAD`"))?.detach(),
                ),
            };
            source_directory(tree, head, index)?.write_to(&target, clone.stop)?;
        }
        let module = |path: &BString| Module { path: served.path.join(OsStr::from_bytes(path)), at: below(path) };
        Ok(found.submodules.iter().map(module).collect())
    }

    /// Clones submodules as they are checked out in the source, and theirs.
    fn modules(&self, modules: Vec<Module>, clone: &mut Clone<'_>, history: bool) -> Result<(), GitError> {
        let mut waiting = Waiting::new(modules);
        let mut missing = vec![];
        while let Some((depth, module)) = waiting.pop() {
            let tree = match WorkTree::open(module.path.clone()) {
                Ok(Some(tree)) => tree,
                Ok(None) => {
                    missing.push(module.at);
                    continue;
                }
                // Whatever it is, it is only about the submodule.
                Err(error) => {
                    clone.without(module.at.as_ref(), GitError::Refused(error.to_string()))?;
                    continue;
                }
            };
            let served = Served { path: &module.path, work_tree: Some(&tree), prefix: BString::default() };
            match self.working_tree(&served, Some(&tree.local()), clone, module.at.as_ref(), history) {
                Ok(inner) => waiting.extend(depth, inner),
                Err(error) => {
                    clone.without(module.at.as_ref(), error)?;
                    // Some of its files may be there by now.
                    clone.target(module.at.as_ref(), false)?;
                }
            }
        }
        clone.skipped("as submodules that are not checked out in the source", &missing);
        waiting.left_out(clone);
        Ok(())
    }

    /// Clones the files of a commit of the source.
    fn commit(
        &self,
        served: &Served<'_>,
        tree: &LocalTree<'_>,
        commit: ObjectId,
        clone: &mut Clone<'_>,
    ) -> Result<(), GitError> {
        let whole = served.prefix.is_empty();
        let revision = clone.request.revision.clone().unwrap_or_default();
        let target = clone.target(BStr::new(""), whole)?;
        let prefix = served.prefix.as_ref();
        let from = served.path.display().to_string();
        let (index, links) = clone.commit_tree(&target, &tree.repository, commit, prefix, BStr::new(""), &from)?;
        let urls = submodules::urls(&tree.repository, &index, links)?;
        if whole {
            let head = branch_of(&tree.repository, &revision).map_or(Head::Detached(commit), Head::Branch);
            source_directory(tree, head, index)?.write_to(&target, clone.stop)?;
        }
        // Their commits may be anywhere, as in any clone: what is checked out is not what is asked for.
        let origin = tree.origin.and_then(|origin| self.grants.address(&origin.url, None).ok());
        let base = origin.map(|(address, _)| address);
        self.remote_modules(remote_modules(urls, BStr::new(""), base.as_ref()), clone, base.as_ref(), whole)
    }
}

/// The `.git` of a clone of the source.
fn source_directory<'a>(
    tree: &'a LocalTree<'_>,
    head: Head,
    index: gix::index::State,
) -> Result<GitDirectory<'a>, GitError> {
    let repository = &tree.repository;
    let mut references = references(repository, true)?;
    // A clone has the branches of its origin, and one of its own.
    let branches: Vec<_> =
        references.extract_if("refs/heads/".to_owned().., |name, _| name.starts_with("refs/heads/")).collect();
    for (name, id) in branches {
        references.entry(name.replacen("refs/heads/", "refs/remotes/origin/", 1)).or_insert(id);
    }
    if let Head::Branch(name) = &head
        && let Some(commit) = find_commit(repository, name)
    {
        references.insert(name.clone(), commit);
    }
    // A path of this machine is none of a step's business.
    let origin = tree.origin.filter(|origin| origin.host.is_some()).map(|origin| origin.url.clone());
    Ok(GitDirectory { repository, head, references, origin, index })
}
