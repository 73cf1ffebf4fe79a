//! Which builds share a volume (DESIGN.md section 3, item 8).

use std::path::Path;

use crate::error::{EngineError, EngineErrorKind};
use crate::request::BuildRequest;
use stepbox_volume::{Scope, io_text};

/// The longest name of a pipeline or a volume, in bytes.
const MAX_NAME: usize = 4096;

/// What a volume is kept under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum VolumeScope {
    /// A pipeline's own volume.
    Pipeline(String),
    /// A volume with a name.
    Named(String),
}

impl From<&VolumeScope> for Scope {
    fn from(scope: &VolumeScope) -> Self {
        match scope {
            VolumeScope::Pipeline(name) => Self::pipeline(name.clone()),
            VolumeScope::Named(name) => Self::volume(name.clone()),
        }
    }
}

impl VolumeScope {
    /// The name that people see.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Pipeline(name) | Self::Named(name) => name,
        }
    }
}

/// Who a build is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The pipeline's name: as given, else the canonical path of its file; never what the repository says.
    pub(crate) pipeline: String,
    /// Its volume.
    pub(crate) scope: VolumeScope,
}

impl Identity {
    /// The identity of a build.
    ///
    /// # Errors
    /// Where a name is empty, or the pipeline file has no canonical path.
    pub(crate) fn of(request: &BuildRequest) -> Result<Self, EngineError> {
        for (flag, name) in [("--pipeline", &request.pipeline), ("--volume", &request.volume)] {
            let Some(why) = name.as_deref().and_then(unusable) else { continue };
            let message = format!("the name that `{flag}` gives {why}");
            let hint = format!("give a name on one line, such as `{flag} my-project`");
            return Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint));
        }
        let pipeline = match &request.pipeline {
            Some(name) => name.clone(),
            None => canonical(&request.pipeline_file)?,
        };
        let scope = match &request.volume {
            Some(name) => VolumeScope::Named(name.clone()),
            None => VolumeScope::Pipeline(pipeline.clone()),
        };
        Ok(Self { pipeline, scope })
    }
}

/// Why a name cannot name anything, if so: it is shown on one line and stored beside the snapshots.
fn unusable(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        Some("is empty".to_owned())
    } else if name.chars().any(char::is_control) {
        Some("has a control character in it".to_owned())
    } else if name.len() > MAX_NAME {
        Some(format!("is longer than {MAX_NAME} bytes"))
    } else {
        None
    }
}

fn canonical(file: &Path) -> Result<String, EngineError> {
    let path = std::fs::canonicalize(file).map_err(|error| {
        let message = format!("cannot find `{}`: {}", file.display(), io_text(&error));
        EngineError::new(EngineErrorKind::Usage, message)
    })?;
    path.into_os_string().into_string().map_err(|path| {
        let message = format!("the path `{}` is not UTF-8 and cannot name a volume", path.display());
        EngineError::new(EngineErrorKind::Usage, message).hint("name the pipeline with `--pipeline NAME`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn l10_a_pipeline_is_its_path_or_its_name_and_a_named_volume_is_its_own() {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(home.path().join("a")).expect("makes");
        let file = home.path().join("a/codefresh.yml");
        std::fs::write(&file, "").expect("writes");
        let path = std::fs::canonicalize(&file).expect("there").into_os_string().into_string().expect("text");
        let mut request = BuildRequest::new(home.path().join("a/../a/codefresh.yml"), String::new(), |_, _| Ok(vec![]));
        let plain = Identity::of(&request).expect("found");
        assert_eq!(plain, Identity { pipeline: path.clone(), scope: VolumeScope::Pipeline(path.clone()) });
        request.volume = Some("cache".into());
        let named = Identity::of(&request).expect("found");
        assert_eq!(named, Identity { pipeline: path, scope: VolumeScope::Named("cache".into()) });
        request.pipeline = Some("team/app".into());
        request.volume = None;
        assert_eq!(Identity::of(&request).expect("found").scope, VolumeScope::Pipeline("team/app".into()));
        request.pipeline = Some(" ".into());
        assert_eq!(Identity::of(&request).expect_err("empty").kind, EngineErrorKind::Usage);
    }
}
