//! Clones of other repositories, and of submodules from where `.gitmodules` says.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::Arc;

use gix::ObjectId;
use gix::bstr::{BStr, BString};

use super::address::{Address, WebAddress};
use super::clone::Clone;
use super::clones::{Clones, references};
use super::commit_tree::Link;
use super::error::GitError;
use super::git_directory::{GitDirectory, Head};
use super::http::origin_of;
use super::mirror::{Fetch, Fetched};
use super::revision::find_commit;
use super::submodules;
use super::waiting::Waiting;
use super::work_tree::open_isolated;
use super::write::join_paths;
use crate::repository::Told;

/// A repository that is to be cloned to a place in the clone.
struct Wanted<'a> {
    address: &'a Address,
    credentials: Option<(String, String)>,
    depth: Option<NonZeroU32>,
    revision: Revision<'a>,
    /// Empty for the clone itself.
    at: &'a BStr,
    /// Whether it gets a `.git`.
    history: bool,
}

/// What is checked out.
#[derive(Clone, Copy)]
enum Revision<'a> {
    /// What the step says; the host's default where it says nothing.
    Named(Option<&'a str>),
    /// What the repository has recorded whose submodule it is.
    Recorded(ObjectId),
}

/// A submodule, and the address that it has, or why it has none.
pub(super) struct Module {
    at: BString,
    commit: ObjectId,
    address: Result<String, String>,
}

/// The submodules of a repository that is in the clone at `at` and comes from `base`.
pub(super) fn modules(urls: Vec<(Link, Result<String, String>)>, at: &BStr, base: Option<&Address>) -> Vec<Module> {
    let module = |(link, url): (Link, Result<String, String>)| Module {
        at: join_paths(at, link.path.as_ref()),
        commit: link.commit,
        address: url.and_then(|url| submodules::address(&url, base)),
    };
    urls.into_iter().map(module).collect()
}

impl Clones {
    /// Clones another repository.
    pub(super) fn fetch(&self, clone: &mut Clone<'_>) -> Result<Option<String>, GitError> {
        let request = clone.request;
        let (address, note) = self.grants.address(&request.repo, request.git.as_deref())?;
        if let Some(note) = note {
            clone.line(note);
        }
        let wanted = Wanted {
            address: &address,
            credentials: self.credentials(clone, &address, &address),
            depth: request.depth.and_then(NonZeroU32::new),
            revision: Revision::Named(request.revision.as_deref()),
            at: BStr::new(""),
            history: true,
        };
        let (commit, modules) = self.checkout(clone, &wanted)?;
        self.remote_modules(modules, clone, Some(&address), true)?;
        Ok(Some(commit.to_string()))
    }

    /// Clones submodules from where they say that they are, and theirs. `top` is where the clone itself comes from.
    pub(super) fn remote_modules(
        &self,
        modules: Vec<Module>,
        clone: &mut Clone<'_>,
        top: Option<&Address>,
        history: bool,
    ) -> Result<(), GitError> {
        let mut waiting = Waiting::new(modules);
        while let Some((depth, module)) = waiting.pop() {
            match self.remote_module(clone, &module, top, history) {
                Ok(inner) => waiting.extend(depth, inner),
                Err(error) => clone.without(module.at.as_ref(), error)?,
            }
        }
        waiting.left_out(clone);
        Ok(())
    }

    fn remote_module(
        &self,
        clone: &mut Clone<'_>,
        module: &Module,
        top: Option<&Address>,
        history: bool,
    ) -> Result<Vec<Module>, GitError> {
        let address = module.address.as_ref().map_err(|why| GitError::Refused(why.clone()))?;
        let (address, note) = self.grants.address(address, None)?;
        if let Some(note) = note {
            clone.line(note);
        }
        let wanted = Wanted {
            address: &address,
            credentials: self.credentials(clone, &address, top.unwrap_or(&address)),
            // The recorded commit is often not among the last ones.
            depth: None,
            revision: Revision::Recorded(module.commit),
            at: module.at.as_ref(),
            history,
        };
        Ok(self.checkout(clone, &wanted)?.1)
    }

    /// What is shown to a host: what the step says, where it is the host of the step's repository (`top`), else what the
    /// address says, else the user.
    fn credentials(&self, clone: &Clone<'_>, address: &Address, top: &Address) -> Option<(String, String)> {
        let (Address::Web(address), top) = (address, top) else { return None };
        let of_step = clone.request.credentials.clone().or_else(|| match top {
            Address::Web(WebAddress { credentials, .. }) => credentials.clone(),
            Address::Directory(_) => None,
        });
        let same = matches!(top, Address::Web(top) if origin_of(&top.url) == origin_of(&address.url));
        let given = of_step.filter(|_| same).or_else(|| address.credentials.clone());
        given.or_else(|| self.credentials.find(&address.url))
    }

    /// Clones one repository without its submodules, which it gives. Whoever else waits for its mirror waits no longer
    /// then: two builds could wait for each other's.
    fn checkout(&self, clone: &mut Clone<'_>, wanted: &Wanted<'_>) -> Result<(ObjectId, Vec<Module>), GitError> {
        let (fetched, url, origin) = match wanted.address {
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
                    credentials: wanted.credentials.clone(),
                    depth: wanted.depth,
                    revision: match wanted.revision {
                        Revision::Named(revision) => revision.map(str::to_owned),
                        Revision::Recorded(commit) => Some(commit.to_string()),
                    },
                    grants: Arc::clone(&self.grants),
                    pause: self.pause,
                };
                let tell = &mut *clone.tell;
                (
                    fetch.run(&self.mirrors, clone.stop, &mut |line| tell(Told::Line(line)))?,
                    address.url.clone(),
                    Some(address.url.clone()),
                )
            }
        };
        let repository = &fetched.repository;
        let (head, commit) = match wanted.revision {
            Revision::Named(revision) => checked_out(&fetched, revision, &url)?,
            Revision::Recorded(commit) => match repository.find_commit(commit) {
                Ok(_) => (Head::Detached(commit), commit),
                Err(_) => return Err(GitError::Refused(format!("`{url}` has no commit {commit}"))),
            },
        };
        let target = clone.target(wanted.at, wanted.history)?;
        let (index, links) = clone.commit_tree(&target, repository, commit, BStr::new(""), wanted.at, &url)?;
        let urls = submodules::urls(repository, &index, links)?;
        if wanted.history {
            let mut references: BTreeMap<String, ObjectId> = fetched
                .references
                .iter()
                .map(|(name, id)| (name.replacen("refs/heads/", "refs/remotes/origin/", 1), *id))
                .collect();
            if let Head::Branch(name) = &head {
                references.insert(name.clone(), commit);
            }
            GitDirectory { repository, head, references, origin, index }.write_to(&target, clone.stop)?;
        }
        Ok((commit, modules(urls, wanted.at, Some(wanted.address))))
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
