//! What git-clone steps get.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice};
use gix::worktree::stack::state::ignore;
use stepbox_pipeline::{BuildFacts, repository_name};

use super::address::{Address, Grants};
use super::commit_tree;
use super::contents::Contents;
use super::descent::{Descent, make_directory};
use super::desired::Desired;
use super::error::GitError;
use super::git_directory::{GitDirectory, Head};
use super::mirror::{Fetch, Fetched};
use super::revision::{branch_of, find_commit};
use super::source::{Served, Source, WorkTree};
use super::work_tree::open_isolated;
use super::working_tree::{Listing, some_of};
use super::write::{Keep, KeepNothing, Written, write};
use crate::directories::{Directories, open_directory};
use crate::error::EngineError;
use crate::repository::{CloneRequest, Cloned, Repository, Told};
use crate::request::BuildRequest;
use crate::work_directory::remove_tree;

/// The source of a build, and the way to other repositories.
pub(crate) struct Clones {
    source: Source,
    tracked_only: bool,
    strict_revision: bool,
    grants: Arc<Grants>,
    /// Where copies of other repositories are kept.
    mirrors: PathBuf,
    /// Device and inode of the state directory, which is never a part of the source.
    state: Option<(u64, u64)>,
}

/// One clone that is made.
struct Clone<'a> {
    request: &'a CloneRequest,
    name: &'a str,
    volume: &'a Dir,
    stop: &'a dyn Fn() -> bool,
    tell: &'a mut dyn FnMut(Told),
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
        let state = std::fs::metadata(&directories.state).ok().map(|metadata| (metadata.dev(), metadata.ino()));
        Ok(Self {
            source,
            tracked_only: request.source_tracked_only,
            strict_revision: request.strict_revision,
            grants: Arc::new(grants),
            mirrors: directories.state.join("mirrors"),
            state,
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
        let name = repository_name(&request.repo).ok_or_else(|| format!("`{}` names no repository", request.repo))?;
        let mut clone = Clone { request, name, volume, stop, tell };
        let revision = match self.source.serve(&request.repo, name) {
            Some(served) => self.serve(&served, &mut clone),
            None => self.fetch(&mut clone),
        };
        let revision = revision.map_err(|error| error.to_string())?;
        let directory = clone.path();
        Ok(Cloned { directory, revision: revision.or_else(|| request.revision.clone()), repo: request.repo.clone() })
    }
}

impl Clones {
    /// Clones the source.
    fn serve(&self, served: &Served<'_>, clone: &mut Clone<'_>) -> Result<Option<String>, GitError> {
        let Some(tree) = served.work_tree else {
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
        tree: &WorkTree,
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
        tree: Option<&WorkTree>,
        clone: &mut Clone<'_>,
    ) -> Result<(), GitError> {
        let from = Dir::open_ambient_dir(served.path, ambient_authority())
            .map_err(GitError::io(format!("cannot read the source `{}`", served.path.display())))?;
        let index = match tree {
            Some(tree) => {
                Some(tree.repository.index_or_empty().map_err(GitError::git("cannot read the index of the source"))?)
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
            index: index.as_deref().map(|index| &***index),
            ignored: &mut *ignored,
            prefix: served.prefix.as_ref(),
            tracked_only: self.tracked_only && tree.is_some(),
            state: self.state,
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
        if let (Some(tree), Some(index)) = (whole, &index) {
            let head = match tree.repository.head_name().map_err(GitError::git("cannot read the source's `HEAD`"))? {
                Some(name) => Head::Branch(name.to_string()),
                None => Head::Detached(
                    tree.repository.head_id().map_err(GitError::git("cannot read the source's `HEAD`"))?.detach(),
                ),
            };
            source_directory(tree, head, (****index).clone())?.write_to(&target, clone.stop)?;
        }
        Ok(())
    }

    /// Clones the files of a commit of the source.
    fn commit(
        &self,
        served: &Served<'_>,
        tree: &WorkTree,
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
fn source_directory(tree: &WorkTree, head: Head, index: gix::index::State) -> Result<GitDirectory<'_>, GitError> {
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
    let origin = tree.origin.as_ref().filter(|origin| origin.host.is_some()).map(|origin| origin.url.clone());
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

impl Clone<'_> {
    fn line(&mut self, line: String) {
        (self.tell)(Told::Line(line));
    }

    /// `N files, M MB`.
    fn summary(&self, from: &str, written: Written) -> String {
        format!("source: {from}, {} files, {:.1} MB", written.files, written.bytes as f64 / 1e6)
    }

    fn skipped(&mut self, repositories: &[BString]) {
        if !repositories.is_empty() {
            let names = some_of(repositories);
            (self.tell)(Told::Warning(format!("not cloned, as repositories of their own (submodules): {names}")));
        }
    }

    /// The clone's directory from the volume's root (rule G1).
    fn path(&self) -> String {
        match self.request.parent.as_str() {
            "" => self.name.to_owned(),
            parent => format!("{parent}/{}", self.name),
        }
    }

    /// Opens the directory that is cloned into. What is there stays only where it is a repository (rules G7, G9).
    fn target(&self, repository: bool) -> Result<Dir, GitError> {
        let failed = || GitError::io(format!("cannot make `{}` on the volume", self.path()));
        let mut descent = Descent::new(self.volume);
        let parent = descent.directory(BStr::new(&self.request.parent), true).map_err(failed())?;
        let known = open_directory(parent, self.name).ok().filter(|known| repository && is_repository(known));
        if known.is_none() {
            remove_tree(parent, self.name).map_err(failed())?;
        }
        make_directory(parent, self.name.as_ref()).map_err(failed())
    }

    fn write(
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
    fn commit_tree(
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

/// What git ignores, by the rules of the repository that is cloned: what a step has left in a `.gitignore` or in `.git` on
/// the volume does not count (rule G8).
struct Ignored<'a> {
    stack: gix::AttributeStack<'a>,
}

impl<'a> Ignored<'a> {
    fn new(
        repository: &'a gix::Repository,
        index: &gix::index::State,
        source: ignore::Source,
    ) -> Result<Self, GitError> {
        let stack = repository.excludes(index, None, source);
        Ok(Self { stack: stack.map_err(GitError::git("cannot read what the repository ignores"))? })
    }
}

impl Keep for Ignored<'_> {
    fn keeps(&mut self, path: &BStr, is_directory: bool) -> std::io::Result<bool> {
        use gix::index::entry::Mode;
        let mode = if is_directory { Mode::DIR } else { Mode::FILE };
        let platform = self.stack.at_entry(path.as_bstr(), Some(mode)).map_err(std::io::Error::other)?;
        Ok(platform.is_excluded())
    }

    fn keeps_repositories(&self) -> bool {
        true
    }
}
