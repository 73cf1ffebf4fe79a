//! Where a build stands when it ends, or stops for an approval: `builds/<build>/standing.json`. Another one can go on from
//! there. No secret is in it: what held one is left out by its name, and must be given again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use stepbox_limits::Limits;
use stepbox_pipeline::{FailurePolicy, Masker, PlanStanding, StepFacts, StepState};
use stepbox_volume::Digest;

use crate::build_id::BuildId;
use crate::request::BuildRequest;
use crate::volume_options::{ConcurrentVolume, LocalVolume, SaveVolume};

/// Where a build stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Standing {
    /// [`crate::RECORD_VERSION`].
    pub(crate) version: u32,
    pub(crate) build: BuildId,
    /// Every step, in the order of the plan.
    pub(crate) steps: Vec<RecordedStep>,
    /// What steps have exported, in the order in which they ended.
    pub(crate) exports: Vec<StepExports>,
    /// The variables that were given for the build.
    pub(crate) given: Remembered,
    /// The names of exports that are masked.
    pub(crate) masked: Vec<String>,
    /// Of a build that waits.
    pub(crate) waiting: Option<RecordedWait>,
}

/// Where a step stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedStep {
    pub(crate) name: String,
    /// A word of rule S1.
    state: String,
    never: bool,
    fail_fast: bool,
    strict_fail_fast: bool,
    /// What other steps can say about it; none where it has not ended.
    facts: Option<RecordedFacts>,
}

/// What other steps can say about a step (rule V11). What held a secret is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct RecordedFacts {
    #[serde(rename = "type")]
    type_name: String,
    description: Option<String>,
    working_directory: Option<String>,
    result: Option<String>,
    revision: Option<String>,
    repo: Option<String>,
    answered_by: Option<String>,
    /// The members that are left out.
    #[serde(default)]
    secret: Vec<String>,
}

/// What a step has exported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepExports {
    pub(crate) step: String,
    pub(crate) variables: Remembered,
}

/// Variables by name; of those that hold a secret only the names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) values: BTreeMap<String, String>,
    pub(crate) secret: BTreeSet<String>,
}

/// What a waiting build needs besides, to go on as it began.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedWait {
    pub(crate) steps: Vec<RecordedApproval>,
    /// The text of the pipeline; none where a secret stands in it.
    pub(crate) text: Option<String>,
    /// The sha256 of the text.
    pub(crate) digest: String,
    pub(crate) request: RecordedRequest,
    /// What steps see of the build (rule V16), as it was when it began.
    pub(crate) system: Remembered,
    /// How long it ran so far.
    pub(crate) duration_ms: u64,
    pub(crate) warnings: Vec<String>,
}

/// An approval that nobody has answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RecordedApproval {
    pub(crate) step: String,
    /// In milliseconds since 1970.
    pub(crate) until: u64,
}

/// What the caller has said of a build, but for its variables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecordedRequest {
    pipeline_file: PathBuf,
    trigger: Option<String>,
    branch: Option<String>,
    revision: Option<String>,
    approve: Vec<String>,
    deny: Vec<String>,
    skip_unsupported: bool,
    source: Option<PathBuf>,
    images: Vec<(String, String)>,
    pipeline: Option<String>,
    volume: Option<String>,
    source_tracked_only: bool,
    strict_revision: bool,
    allow_clone: Vec<String>,
    git_prefixes: Vec<(String, String)>,
    /// Whether only a success is saved; a build that never saves does not wait.
    save_on_success: bool,
    /// Whether the volume is the folder that Stepbox keeps for the pipeline.
    own_folder: bool,
    local_volume: Option<PathBuf>,
    no_cache: bool,
    /// None where another version of Stepbox, which has other limits, wrote them.
    #[serde(deserialize_with = "limits_of_this_version")]
    limits: Option<Limits>,
}

/// An approval that a build waits for: its step's number, and until when in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Waiting {
    pub(crate) number: usize,
    pub(crate) until: u64,
}

impl Remembered {
    /// Variables without those that hold a secret: whose name is one, or whose value has one in it.
    pub(crate) fn of<'a>(
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        names: &BTreeSet<&str>,
        masker: &Masker,
    ) -> Self {
        let mut kept = Self::default();
        for (name, value) in variables {
            if names.contains(name) || masker.mask(value) != value {
                kept.secret.insert(name.to_owned());
                kept.values.remove(name);
            } else {
                kept.secret.remove(name);
                kept.values.insert(name.to_owned(), value.to_owned());
            }
        }
        kept
    }
}

impl RecordedStep {
    /// A step as it stands.
    pub(crate) fn new(name: &str, standing: PlanStanding, facts: Option<&StepFacts>, masker: &Masker) -> Self {
        let PlanStanding { state, never, policy: FailurePolicy { fail_fast, strict_fail_fast } } = standing;
        let facts = facts.map(|facts| RecordedFacts::new(facts, masker));
        Self { name: name.to_owned(), state: state.as_str().to_owned(), never, fail_fast, strict_fail_fast, facts }
    }

    /// Where it stands; `None` where the record makes no sense.
    pub(crate) fn standing(&self) -> Option<PlanStanding> {
        let policy = FailurePolicy { fail_fast: self.fail_fast, strict_fail_fast: self.strict_fail_fast };
        Some(PlanStanding { state: StepState::from_word(&self.state)?, never: self.never, policy })
    }

    /// What other steps can say about it.
    pub(crate) fn facts(&self) -> Option<StepFacts> {
        let facts = self.facts.clone()?;
        Some(StepFacts {
            name: self.name.clone(),
            type_name: facts.type_name,
            description: facts.description,
            working_directory: facts.working_directory,
            result: facts.result,
            revision: facts.revision,
            repo: facts.repo,
            answered_by: facts.answered_by,
        })
    }

    /// The members of its facts that are not known any more, because a secret was in them.
    pub(crate) fn forgotten(&self) -> &[String] {
        self.facts.as_ref().map_or(&[], |facts| &facts.secret)
    }
}

impl RecordedFacts {
    fn new(facts: &StepFacts, masker: &Masker) -> Self {
        let mut secret = vec![];
        let mut keep = |name: &str, text: &Option<String>| {
            let text = text.clone()?;
            let clean = masker.mask(&text) == text;
            if !clean {
                secret.push(name.to_owned());
            }
            clean.then_some(text)
        };
        Self {
            type_name: facts.type_name.clone(),
            // Masked where it was made.
            description: facts.description.as_ref().map(|text| masker.mask(text)),
            working_directory: keep("workingDirectory", &facts.working_directory),
            result: facts.result.clone(),
            revision: keep("revision", &facts.revision),
            repo: keep("repo", &facts.repo),
            answered_by: keep("authEntity.name", &facts.answered_by),
            secret,
        }
    }
}

impl RecordedRequest {
    /// What is kept of a request; every path is absolute.
    pub(crate) fn of(request: &BuildRequest) -> Self {
        let absolute = |path: &PathBuf| std::fs::canonicalize(path).unwrap_or_else(|_| path.clone());
        Self {
            pipeline_file: absolute(&request.pipeline_file),
            trigger: request.trigger.clone(),
            branch: request.branch.clone(),
            revision: request.revision.clone(),
            approve: request.approve.clone(),
            deny: request.deny.clone(),
            skip_unsupported: request.skip_unsupported,
            source: request.source.as_ref().map(absolute),
            images: request.images.clone(),
            pipeline: request.pipeline.clone(),
            volume: request.volume.clone(),
            source_tracked_only: request.source_tracked_only,
            strict_revision: request.strict_revision,
            allow_clone: request.allow_clone.clone(),
            git_prefixes: request.git_prefixes.clone(),
            save_on_success: request.save_volume == SaveVolume::Success,
            own_folder: request.local_volume == Some(LocalVolume::OfPipeline),
            local_volume: match &request.local_volume {
                Some(LocalVolume::At(path)) => Some(absolute(path)),
                _ => None,
            },
            no_cache: request.no_cache,
            limits: Some(request.limits),
        }
    }

    /// The pipeline file.
    pub(crate) fn file(&self) -> &std::path::Path {
        &self.pipeline_file
    }

    /// Whether this version of Stepbox understands all of it.
    pub(crate) fn is_understood(&self) -> bool {
        self.limits.is_some()
    }

    /// Says all of it again.
    pub(crate) fn apply(self, request: &mut BuildRequest) {
        request.pipeline_file = self.pipeline_file;
        request.trigger = self.trigger;
        request.branch = self.branch;
        request.revision = self.revision;
        request.approve = self.approve;
        request.deny = self.deny;
        request.skip_unsupported = self.skip_unsupported;
        request.source = self.source;
        request.images = self.images;
        request.pipeline = self.pipeline;
        request.volume = self.volume;
        request.source_tracked_only = self.source_tracked_only;
        request.strict_revision = self.strict_revision;
        request.allow_clone = self.allow_clone;
        request.git_prefixes = self.git_prefixes;
        request.save_volume = if self.save_on_success { SaveVolume::Success } else { SaveVolume::Always };
        request.concurrent_volume = ConcurrentVolume::Latest;
        let own = self.own_folder.then_some(LocalVolume::OfPipeline);
        request.local_volume = own.or(self.local_volume.map(LocalVolume::At));
        request.no_cache = self.no_cache;
        request.limits = self.limits.unwrap_or_default();
    }

    /// Whether a secret stands in one of its texts.
    pub(crate) fn holds_secret(&self, masker: &Masker) -> bool {
        fn any(value: &serde_json::Value, masker: &Masker) -> bool {
            match value {
                serde_json::Value::String(text) => masker.mask(text) != *text,
                serde_json::Value::Array(items) => items.iter().any(|item| any(item, masker)),
                serde_json::Value::Object(fields) => fields.values().any(|field| any(field, masker)),
                _ => false,
            }
        }
        serde_json::to_value(self).map_or(true, |value| any(&value, masker))
    }
}

fn limits_of_this_version<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Limits>, D::Error> {
    let value = serde_json::Value::deserialize(from)?;
    Ok(serde_json::from_value(value).ok())
}

/// The sha256 of a pipeline's text.
pub(crate) fn digest_of(text: &[u8]) -> String {
    Digest::of(text).to_string()
}
