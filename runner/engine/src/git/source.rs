//! The source of a build: where it is and what is known of it.

use std::path::{Path, PathBuf};

use gix::bstr::BString;
use stepbox_pipeline::BuildFacts;

use super::error::GitError;
use super::origin::Origin;
use super::work_tree::open_work_tree;
use super::write::join;
use crate::error::{EngineError, EngineErrorKind};
use crate::request::BuildRequest;
use stepbox_volume::io_text;

/// The directory that a build is of.
pub(super) struct Source {
    pub(super) path: PathBuf,
    /// Its last part.
    pub(super) name: String,
    /// The git work tree that it is, or is a part of.
    pub(super) work_tree: Option<WorkTree>,
    /// The directory of the pipeline file, where it lies deeper: an example in a larger tree is a repository of its own
    /// name.
    project: Option<PathBuf>,
}

/// A git work tree.
pub(super) struct WorkTree {
    /// Its root.
    pub(super) root: PathBuf,
    repository: gix::ThreadSafeRepository,
    pub(super) origin: Option<Origin>,
}

/// A git work tree as one thread uses it: steps may clone at once.
pub(super) struct LocalTree<'a> {
    pub(super) repository: gix::Repository,
    pub(super) origin: Option<&'a Origin>,
}

/// What is served under a repository's name: a whole work tree with its history, or a directory without.
pub(super) struct Served<'a> {
    pub(super) path: &'a Path,
    pub(super) work_tree: Option<&'a WorkTree>,
    /// The directory's path in the work tree; empty for the whole.
    pub(super) prefix: BString,
}

impl Source {
    /// The source: what the request says, else the work tree that holds the pipeline file, else its directory.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] for what is no directory, for `/`, the home directory and what holds it, and for a
    /// repository that cannot be read.
    pub(super) fn find(request: &BuildRequest) -> Result<Self, EngineError> {
        let home = request.home.as_deref().and_then(|home| std::fs::canonicalize(home).ok());
        let refused =
            |path: &Path| path.parent().is_none() || home.as_deref().is_some_and(|home| home.starts_with(path));
        let tree_of = |directory: &Path| {
            directory.ancestors().find(|one| one.join(".git").symlink_metadata().is_ok()).map(Path::to_owned)
        };
        let mut project = None;
        let (path, root) = match &request.source {
            Some(source) => {
                let path = canonical(source)?;
                // A home directory in git says nothing about what is below it.
                let root = tree_of(&path).filter(|root| *root == path || !refused(root));
                (path, root)
            }
            None => {
                let file = canonical(&request.pipeline_file)?;
                let directory = file.parent().unwrap_or(&file).to_owned();
                let root = tree_of(&directory);
                project = root.is_some().then(|| directory.clone());
                (root.clone().unwrap_or(directory), root)
            }
        };
        let refuse = |why: &str| {
            let message = format!("`{}` cannot be the source of a build: {why}", path.display());
            EngineError::new(EngineErrorKind::Usage, message).hint("name a directory with `--source DIR`")
        };
        if !path.is_dir() {
            return Err(refuse("it is not a directory"));
        }
        if refused(&path) {
            return Err(refuse("it is, or holds, a home directory or the whole system"));
        }
        let work_tree = root.map(WorkTree::open).transpose().map_err(|error| refuse(&error.to_string()))?.flatten();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("source").to_owned();
        Ok(Self { path, name, work_tree, project })
    }

    /// What is known of it (rule V16).
    pub(super) fn facts(&self) -> BuildFacts {
        let tree = self.work_tree.as_ref();
        // A part of a work tree goes by its own name.
        let origin = tree.filter(|tree| tree.root == self.path).and_then(|tree| tree.origin.as_ref());
        let mut facts = BuildFacts {
            repo_owner: Some(origin.and_then(|origin| origin.owner.clone()).unwrap_or_else(|| "local".to_owned())),
            repo_name: Some(origin.map_or_else(|| self.name.clone(), |origin| origin.name.clone())),
            ..BuildFacts::default()
        };
        let Some(repository) = tree.map(|tree| tree.repository.to_thread_local()) else { return facts };
        facts.branch = repository.head_name().ok().flatten().map(|name| name.shorten().to_string());
        if let Ok(commit) = repository.head_commit() {
            let hash = commit.id.to_string();
            facts.commit_url = origin.and_then(|origin| origin.commit_url(&hash));
            facts.revision = Some(hash);
            facts.commit_author = commit.author().ok().map(|author| author.name.to_string());
            facts.commit_message = Some(commit.message_raw_sloppy().to_string().trim_end().to_owned());
        }
        facts
    }

    /// What is served for a repository: the source itself where it has that origin or directory name, the pipeline's
    /// own directory where it has the name, nothing where the name means another repository.
    pub(super) fn serve(&self, repo: &str, name: &str) -> Option<Served<'_>> {
        let origin = self.work_tree.as_ref().and_then(|tree| tree.origin.as_ref());
        let path = if name == self.name || origin.is_some_and(|origin| origin.is(repo)) {
            &self.path
        } else {
            self.project.as_ref().filter(|project| project.file_name().is_some_and(|known| known == name))?
        };
        let prefix = |tree: &WorkTree| {
            let below = path.strip_prefix(&tree.root).ok()?;
            Some(below.iter().fold(BString::default(), |prefix, part| join(prefix.as_ref(), part)))
        };
        let work_tree = self.work_tree.as_ref();
        Some(Served { path, work_tree, prefix: work_tree.and_then(prefix).unwrap_or_default() })
    }
}

impl WorkTree {
    /// For this thread.
    pub(super) fn local(&self) -> LocalTree<'_> {
        LocalTree { repository: self.repository.to_thread_local(), origin: self.origin.as_ref() }
    }

    /// Opens the work tree of a directory; `None` where it has no `.git`.
    ///
    /// # Errors
    /// As [`open_work_tree`] has them.
    pub(super) fn open(root: PathBuf) -> Result<Option<Self>, GitError> {
        let Some(repository) = open_work_tree(&root)? else { return Ok(None) };
        let origin = repository.config_snapshot().string("remote.origin.url");
        let origin = origin.and_then(|url| Origin::parse(&url.to_string()));
        Ok(Some(Self { root, repository: repository.into_sync(), origin }))
    }
}

fn canonical(path: &Path) -> Result<PathBuf, EngineError> {
    std::fs::canonicalize(path).map_err(|error| {
        let message = format!("cannot use the source `{}`: {}", path.display(), io_text(&error));
        EngineError::new(EngineErrorKind::Usage, message)
    })
}
