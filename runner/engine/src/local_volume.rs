//! A folder of the host that is the volume of a build (rule L16).

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use rustix::fs::{FlockOperation, Mode, OFlags, flock};
use rustix::io::Errno;
use stepbox_volume::Scope;

use crate::directories::{Directories, private_directory};
use crate::error::{EngineError, EngineErrorKind};
use crate::identity::Identity;
use crate::request::BuildRequest;
use crate::volume_options::LocalVolume;
use crate::work_directory::remove_tree;

/// The folder, which no other build uses as long as this lives.
pub(crate) struct LocalFolder {
    path: PathBuf,
    pub(crate) directory: Dir,
}

impl LocalFolder {
    /// Opens the folder that a build asks for, and makes it where it is missing.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] for a folder that no build may have, or that another build uses;
    /// [`EngineErrorKind::State`] where it cannot be made or opened.
    pub(crate) fn open(
        request: &BuildRequest,
        directories: &Directories,
        identity: &Identity,
    ) -> Result<Option<Self>, EngineError> {
        let Some(local) = &request.local_volume else { return Ok(None) };
        if let Some(name) = &request.volume {
            let message = format!("`--local-volume` and `--volume {name}` exclude each other");
            return Err(EngineError::new(EngineErrorKind::Usage, message).hint("give one of them"));
        }
        let path = match local {
            LocalVolume::OfPipeline => {
                private_directory(&directories.state)?;
                let parent = directories.state.join("volumes");
                private_directory(&parent)?;
                parent.join(Scope::from(&identity.scope).tag())
            }
            LocalVolume::At(path) => path.clone(),
        };
        let shown = path.display();
        let failed = |what: &str, error: &std::io::Error| EngineError::state(format!("cannot {what} `{shown}`"), error);
        DirBuilder::new().recursive(true).mode(0o755).create(&path).map_err(|error| failed("make", &error))?;
        let path = std::fs::canonicalize(&path).map_err(|error| failed("use", &error))?;
        if *local != LocalVolume::OfPipeline {
            refuse(&path, request, directories)?;
        }
        let directory = rustix::fs::open(&path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
            .map_err(|error| failed("open", &error.into()))?;
        match flock(&directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let message = format!("another build uses the local volume `{shown}`");
                let hint = "wait for it, or name another folder with `--local-volume=DIR`";
                return Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint));
            }
            Err(error) => return Err(failed("lock", &error.into())),
        }
        Ok(Some(Self { path, directory: Dir::from_std_file(directory.into()) }))
    }

    /// Removes everything in it (rule L12).
    pub(crate) fn reset(&self) -> Result<(), EngineError> {
        let failed = |error| EngineError::state(format!("cannot empty `{}`", self.shown()), &error);
        for entry in self.directory.entries().map_err(failed)? {
            remove_tree(&self.directory, entry.map_err(failed)?.file_name()).map_err(failed)?;
        }
        Ok(())
    }

    /// Its path as people see it.
    pub(crate) fn shown(&self) -> String {
        self.path.display().to_string()
    }
}

/// Steps may remove everything on their volume: what holds other things is none.
fn refuse(path: &Path, request: &BuildRequest, directories: &Directories) -> Result<(), EngineError> {
    let known = |path: Option<&Path>| path.and_then(|path| std::fs::canonicalize(path).ok());
    let (home, state) = (known(request.home.as_deref()), known(Some(&directories.state)));
    let holds = |what: &Option<PathBuf>| what.as_ref().is_some_and(|what| what.starts_with(path));
    let why = if path.parent().is_none() {
        "is the root of the file system"
    } else if holds(&home) {
        "is or holds your home directory"
    } else if holds(&state) || state.is_some_and(|state| path.starts_with(state)) {
        "is a part of Stepbox's own state, or holds it"
    } else if holds(&known(Some(&request.pipeline_file))) || holds(&known(request.source.as_deref())) {
        "holds the pipeline or its source"
    } else {
        return Ok(());
    };
    let message = format!("`{}` cannot be a local volume: it {why}", path.display());
    let hint =
        "steps may change and remove everything in it: name a folder of its own, such as `--local-volume=./volume`";
    Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint))
}
