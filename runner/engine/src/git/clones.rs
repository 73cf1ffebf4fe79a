//! What git-clone steps get.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cap_std::fs::Dir;
use gix::ObjectId;
use stepbox_limits::{Budget, Limit};
use stepbox_pipeline::{BuildFacts, repository_name};

use super::address::Grants;
use super::clone::Clone;
use super::credentials::GitCredentials;
use super::error::GitError;
use super::mirror::PAUSE;
use super::mirrors::Mirrors;
use super::origin::without_password;
use super::source::Source;
use crate::directories::Directories;
use crate::error::EngineError;
use crate::repository::{CloneRequest, Cloned, Repository, Told};
use crate::request::BuildRequest;

/// The source of a build, and the way to other repositories.
pub(crate) struct Clones {
    source: Source,
    pub(super) tracked_only: bool,
    pub(super) strict_revision: bool,
    pub(super) grants: Arc<Grants>,
    pub(super) credentials: GitCredentials,
    /// How long is waited between tries to reach a host (rule G11).
    pub(super) pause: Duration,
    /// Where copies of other repositories are kept.
    pub(super) mirrors: Mirrors,
    /// The state directory, which is never a part of the source.
    pub(super) state: PathBuf,
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
            within: request.clone_hosts.clone(),
            origin: origin.and_then(|origin| origin.host.clone()),
            prefixes: request.git_prefixes.clone(),
            traffic: Some(Arc::new(Budget::new(request.limits.setting(Limit::Clone)))),
            #[cfg(test)]
            plain: request.plain_https,
        };
        Ok(Self {
            source,
            tracked_only: request.source_tracked_only,
            strict_revision: request.strict_revision,
            grants: Arc::new(grants),
            credentials: request.git_credentials.clone(),
            pause: PAUSE.mul_f64(request.pace),
            mirrors: Mirrors { directory: directories.state.join("mirrors"), clock: request.clock },
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

/// Branches and tags of a repository, and the branches of its origin.
pub(super) fn references(
    repository: &gix::Repository,
    of_origin: bool,
) -> Result<BTreeMap<String, ObjectId>, GitError> {
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
