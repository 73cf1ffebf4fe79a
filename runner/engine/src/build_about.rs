//! What is known of a build when it begins: `builds/<build>/build.json`.

use serde::{Deserialize, Serialize};
use stepbox_pipeline::{Masker, Variables};

use crate::build_id::BuildId;
use crate::identity::Identity;
use crate::recorded_variables::RecordedVariables;
use crate::request::BuildRequest;

/// The version of the files of a record. Fields may be added without a new one. A newer record is read as far as it is
/// understood, and never written to.
pub const RECORD_VERSION: u32 = 1;

/// A build as it began. Secrets are masked (rule V31), but in the names of pipeline and volume, by which builds are found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildAbout {
    /// [`RECORD_VERSION`].
    pub version: u32,
    /// The build.
    pub build: BuildId,
    /// The pipeline's name: what `--pipeline` said, else the path of its file.
    pub pipeline: String,
    /// The pipeline's file.
    pub file: String,
    /// The volume's name: what `--volume` said, else the pipeline's name.
    pub volume: String,
    /// The build whose snapshot the volume starts from; none where it starts empty.
    pub from: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started: u64,
    /// The branch, where one is known.
    pub branch: Option<String>,
    /// The commit, where one is known.
    pub revision: Option<String>,
    /// Who started it, where that is known.
    pub initiator: Option<String>,
    /// The variables that were given for it.
    pub variables: RecordedVariables,
    /// The names of the secrets that were given for it.
    pub secrets: Vec<String>,
}

impl BuildAbout {
    /// A build that begins, nothing masked yet. `variables` are all that are known; `started` is in milliseconds since
    /// 1970.
    pub(crate) fn new(
        build: &BuildId,
        request: &BuildRequest,
        identity: &Identity,
        variables: &Variables,
        from: Option<String>,
        started: u64,
    ) -> Self {
        let file = std::fs::canonicalize(&request.pipeline_file).unwrap_or_else(|_| request.pipeline_file.clone());
        let mut secrets: Vec<String> = request.secrets.iter().map(|(name, _)| name.clone()).collect();
        secrets.sort();
        secrets.dedup();
        let given = request.variables.iter().filter(|(name, _)| secrets.binary_search(name).is_err());
        let known = |name| variables.get(name).filter(|value| !value.is_empty()).map(str::to_owned);
        Self {
            version: RECORD_VERSION,
            build: build.clone(),
            pipeline: identity.pipeline.clone(),
            file: file.display().to_string(),
            volume: identity.scope.name().to_owned(),
            from,
            started,
            branch: known("CF_BRANCH"),
            revision: known("CF_REVISION"),
            initiator: Some(request.initiator.clone()).filter(|name| !name.is_empty()),
            variables: RecordedVariables::of(given.cloned()),
            secrets,
        }
    }

    /// The same, with secrets replaced.
    pub(crate) fn masked(&self, masker: &Masker) -> Self {
        let mask = |text: &Option<String>| text.as_ref().map(|text| masker.mask(text));
        Self {
            branch: mask(&self.branch),
            revision: mask(&self.revision),
            initiator: mask(&self.initiator),
            variables: self.variables.masked(masker),
            ..self.clone()
        }
    }
}
