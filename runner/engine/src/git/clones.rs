//! What git-clone steps get.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt as _};
use gix::ObjectId;
use gix::bstr::BStr;
use gix::worktree::stack::state::ignore;
use stepbox_pipeline::{BuildFacts, repository_name};

use super::address::{Address, Grants};
use super::clone::Clone;
use super::contents::Contents;
use super::error::GitError;
use super::git_directory::{GitDirectory, Head};
use super::ignored::Ignored;
use super::mirror::{Fetch, Fetched};
use super::origin::without_password;
use super::revision::{branch_of, find_commit};
use super::source::{LocalTree, Served, Source, WorkTree};
use super::work_tree::open_isolated;
use super::working_tree::Listing;
use super::write::{Keep, KeepNothing};
use crate::directories::Directories;
use crate::error::EngineError;
use crate::repository::{CloneRequest, Cloned, Repository, Told};
use crate::request::BuildRequest;

/// The source of a build, and the way to other repositories.
pub(crate) struct Clones {
    source: Source,
    tracked_only: bool,
    strict_revision: bool,
    grants: Arc<Grants>,
    /// Where copies of other repositories are kept.
    mirrors: PathBuf,
    /// The state directory, which is never a part of the source.
    state: PathBuf,
}

impl Clones {
    /// Finds the source of a build.
    ///
    /// # Errors
    /// As [`Source::find`] has them.
    pub(crate) fn find(request: &BuildRequest, directories: &Directories) -> Result<Self, EngineError> {
        let source = Source::find(request)?;
        let origin = source.work_tree.as_ref().and_then(|tree| tree.origin.as_ref());
        let grants = Grants {
            named: request.allow_clone.clone(),
            origin: origin.and_then(|origin| origin.host.clone()),
            prefixes: request.git_prefixes.clone(),
        };
        Ok(Self {
            source,
            tracked_only: request.source_tracked_only,
            strict_revision: request.strict_revision,
            grants: Arc::new(grants),
            mirrors: directories.state.join("mirrors"),
            state: directories.state.clone(),
        })
    }
}

impl Repository for Clones {
    fn facts(&self) -> BuildFacts {
        self.source.facts()
    }

    fn clone_onto(
        &self,
        request: &CloneRequest,
        volume: &Dir,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Cloned, String> {
        let shown = without_password(&request.repo);
        let name = repository_name(&request.repo).ok_or_else(|| format!("`{shown}` names no repository"))?;
        let mut clone = Clone { request, name, volume, stop, tell };
        let revision = match self.source.serve(&request.repo, name) {
            Some(served) => self.serve(&served, &mut clone),
            None => self.fetch(&mut clone),
        };
        let revision = revision.map_err(|error| error.to_string())?;
        let directory = clone.path();
        Ok(Cloned { directory, revision: revision.or_else(|| request.revision.clone()), repo: shown })
    }
}

impl Clones {
    /// Clones the source.
    fn serve(&self, served: &Served<'_>, clone: &mut Clone<'_>) -> Result<Option<String>, GitError> {
        if clone.request.depth.is_some() {
            clone.line("`depth` is for other repositories: the source is cloned with its whole history".to_owned());
        }
        let tree = served.work_tree.map(WorkTree::local);
        let Some(tree) = &tree else {
            if let Some(revision) = &clone.request.revision {
                clone.line(format!("the source has no git history: its files may not be those of `{revision}`"));
            }
            self.working_tree(served, None, clone)?;
            return Ok(None);
        };
        let head = tree.repository.head_id().ok().map(gix::Id::detach);
        match self.other_commit(tree, head, clone)? {
            Some(commit) => {
                self.commit(served, tree, commit, clone)?;
                Ok(Some(commit.to_string()))
            }
            None => {
                self.working_tree(served, Some(tree), clone)?;
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

    /// Clones the files as they are now.
    fn working_tree(
        &self,
        served: &Served<'_>,
        tree: Option<&LocalTree<'_>>,
        clone: &mut Clone<'_>,
    ) -> Result<(), GitError> {
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
        let whole = tree.filter(|_| served.prefix.is_empty());
        let target = clone.target(whole.is_some())?;
        let mut contents = Contents::new(Some(&from), None);
        let written = clone.write(&target, &found.desired, &mut contents, &mut *ignored)?;
        let mut line = clone.summary(&served.path.display().to_string(), written);
        line.push_str(&match (tree, whole) {
            (None, _) => ", without history".to_owned(),
            (Some(_), None) => format!(", {} modified, {} untracked, without history", found.modified, found.untracked),
            (Some(_), Some(_)) => format!(", {} modified, {} untracked", found.modified, found.untracked),
        });
        clone.line(line);
        clone.skipped(&found.repositories);
        if let (Some(tree), Some(index)) = (whole, index) {
            let head = match tree.repository.head_name().map_err(GitError::git("cannot read the source's `HEAD`"))? {
                Some(name) => Head::Branch(name.to_string()),
                None => Head::Detached(
                    tree.repository.head_id().map_err(GitError::git("cannot read the source's `HEAD`"))?.detach(),
                ),
            };
            source_directory(tree, head, index)?.write_to(&target, clone.stop)?;
        }
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
        let target = clone.target(whole)?;
        let index =
            clone.commit_tree(&target, &tree.repository, commit, served.prefix.as_ref(), |clone, written| {
                clone.summary(&format!("{} at {}", served.path.display(), short(commit)), written)
            })?;
        if whole {
            let head = branch_of(&tree.repository, &revision).map_or(Head::Detached(commit), Head::Branch);
            source_directory(tree, head, index)?.write_to(&target, clone.stop)?;
        }
        Ok(())
    }

    /// Clones another repository.
    fn fetch(&self, clone: &mut Clone<'_>) -> Result<Option<String>, GitError> {
        let (address, note) = self.grants.address(&clone.request.repo, clone.request.git.as_deref())?;
        if let Some(note) = note {
            clone.line(note);
        }
        let (fetched, url, origin) = match &address {
            Address::Directory(path) => {
                let inner = path.join(".git");
                let repository = open_isolated(if inner.is_dir() { &inner } else { path })?;
                let references = references(&repository, false)?;
                let default = repository.head_name().ok().flatten().map(|name| name.to_string());
                (Fetched::local(repository, references, default), path.display().to_string(), None)
            }
            Address::Web(address) => {
                clone.line(format!("fetching {}", address.url));
                let fetch = Fetch {
                    address: address.clone(),
                    credentials: clone.request.credentials.clone().or_else(|| address.credentials.clone()),
                    depth: clone.request.depth.and_then(NonZeroU32::new),
                    revision: clone.request.revision.clone(),
                    grants: Arc::clone(&self.grants),
                };
                let tell = &mut *clone.tell;
                (
                    fetch.run(&self.mirrors, clone.stop, &mut |line| tell(Told::Line(line)))?,
                    address.url.clone(),
                    Some(address.url.clone()),
                )
            }
        };
        let (head, commit) = checked_out(&fetched, clone.request.revision.as_deref(), &url)?;
        let target = clone.target(true)?;
        let repository = &fetched.repository;
        let index = clone.commit_tree(&target, repository, commit, BStr::new(""), |clone, written| {
            clone.summary(&format!("{url} at {}", short(commit)), written)
        })?;
        let mut references: BTreeMap<String, ObjectId> = fetched
            .references
            .iter()
            .map(|(name, id)| (name.replacen("refs/heads/", "refs/remotes/origin/", 1), *id))
            .collect();
        if let Head::Branch(name) = &head {
            references.insert(name.clone(), commit);
        }
        GitDirectory { repository, head, references, origin, index }.write_to(&target, clone.stop)?;
        Ok(Some(commit.to_string()))
    }
}

/// What of a fetched repository is checked out.
fn checked_out(fetched: &Fetched, revision: Option<&str>, url: &str) -> Result<(Head, ObjectId), GitError> {
    let repository = &fetched.repository;
    let peel = |id: ObjectId| {
        let object = repository.find_object(id).ok()?;
        object.peel_to_kind(gix::objs::Kind::Commit).ok().map(|commit| commit.id)
    };
    let none = || GitError::Refused(format!("`{url}` has no commits"));
    let Some(revision) = revision else {
        let name = fetched.default.clone().ok_or_else(none)?;
        let id = fetched.references.get(&name).copied().and_then(peel).ok_or_else(none)?;
        return Ok((Head::Branch(name), id));
    };
    let branch = format!("refs/heads/{}", revision.strip_prefix("refs/heads/").unwrap_or(revision));
    if let Some(id) = fetched.references.get(&branch).copied().and_then(peel) {
        return Ok((Head::Branch(branch), id));
    }
    let tag = fetched.references.get(&format!("refs/tags/{revision}")).copied().and_then(peel);
    // A name that is no branch of the host any more may still be one in the mirror.
    let hash =
        || revision.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| find_commit(repository, revision)).flatten();
    let commit = tag.or_else(hash);
    commit
        .map(|commit| (Head::Detached(commit), commit))
        .ok_or_else(|| GitError::Refused(format!("`{url}` has no revision `{revision}`")))
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

/// Branches and tags of a repository, and the branches of its origin.
fn references(repository: &gix::Repository, of_origin: bool) -> Result<BTreeMap<String, ObjectId>, GitError> {
    let failed = || GitError::git("cannot read the references of the repository");
    let platform = repository.references().map_err(failed())?;
    let mut all = BTreeMap::new();
    for reference in platform.all().map_err(failed())? {
        // One that is broken is not worth the others.
        let Ok(reference) = reference else { continue };
        let name = reference.name().as_bstr().to_string();
        let wanted = name.starts_with("refs/heads/")
            || name.starts_with("refs/tags/")
            || (of_origin && name.starts_with("refs/remotes/origin/"));
        if let (true, Some(id)) = (wanted, reference.try_id()) {
            all.insert(name, id.detach());
        }
    }
    Ok(all)
}

fn short(id: ObjectId) -> String {
    id.to_hex_with_len(10).to_string()
}
