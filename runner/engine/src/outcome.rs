//! What a build came to.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::annotations::Annotation;
use crate::build_id::BuildId;
use crate::recorded_variables::RecordedVariables;

/// A build that ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// The build.
    pub build: BuildId,
    /// What it came to.
    pub result: BuildResult,
    /// Its steps in the order of the plan, those that did not run too.
    pub steps: Vec<StepOutcome>,
    /// What became of the volume.
    pub volume: VolumeOutcome,
    /// How long it took.
    #[serde(rename = "duration_ms", with = "milliseconds")]
    pub duration: Duration,
    /// The texts of all warnings.
    pub warnings: Vec<String>,
    /// What the steps exported, masked.
    #[serde(default)]
    pub exported: RecordedVariables,
    /// What is noted on it, masked (rule A5).
    #[serde(default)]
    pub annotations: BTreeMap<String, Annotation>,
    /// What it waits for, where it does.
    #[serde(default)]
    pub waiting: Option<Awaited>,
}

/// What a build waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Awaited {
    /// The approvals that nobody has answered, at least one.
    pub steps: Vec<AwaitedStep>,
    /// The names of values that are recorded nowhere and must be given again when the build is to go on.
    pub secrets: Vec<String>,
}

/// An approval that nobody has answered yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwaitedStep {
    /// The step's name.
    pub step: String,
    /// Until when an answer counts, in milliseconds since 1970.
    pub until: u64,
    /// What the step comes to afterwards: `approved`, `denied` or `terminated` (rule A6).
    pub then: String,
}

/// What a build came to (rule S2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildResult {
    /// All well, or nothing that counts failed.
    Success,
    /// A step that counts failed.
    Failure,
    /// Stopped from outside.
    Terminated,
    /// It is not over: it waits for an approval.
    #[serde(rename = "pending-approval")]
    PendingApproval,
}

/// How a step went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepOutcome {
    /// Its name.
    #[serde(rename = "step")]
    pub name: String,
    /// Its title, or its name.
    pub title: String,
    /// Its stage.
    pub stage: Option<String>,
    /// `success`, `error`, `terminated`, or `pending` where it did not run (rule S1).
    pub state: String,
    /// The exit status, where it has one.
    pub status: Option<u8>,
    /// Why it failed, where an exit status does not say it.
    pub reason: Option<String>,
    /// The command that its exit status comes from, where that is not 0 and the step has commands.
    #[serde(default)]
    pub failed_command: Option<FailedCommand>,
    /// How long it took.
    #[serde(rename = "duration_ms", with = "milliseconds")]
    pub duration: Duration,
    /// How many modules were instantiated for it.
    pub modules: u64,
    /// How many attempts were made; 0 where it did not run.
    #[serde(default)]
    pub attempts: u32,
    /// Whether it was left out because it cannot run here (`--skip-unsupported`).
    #[serde(default)]
    pub unsupported: bool,
}

/// The command with which the commands of a step failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCommand {
    /// As it was typed, masked; empty where that is not known.
    pub command: String,
    /// The file that it stands in, where the commands have read that with `.`; none where it is one of them.
    pub file: Option<String>,
    /// Its line there: of all commands of the step together, or of the file.
    pub line: u32,
    /// The function that it stands in.
    pub function: Option<String>,
    /// The line of all commands of the step together that was being executed.
    pub script_line: u32,
    /// `file:line:column` in the pipeline: of the command, or of `script_line` where the command stands in a file.
    pub place: Option<String>,
}

/// What became of the volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum VolumeOutcome {
    /// Archived; the fields are those of the event `volume_saved`.
    Saved {
        /// The snapshot's manifest.
        digest: String,
        /// Files, directories and links.
        entries: u64,
        /// Bytes of file contents.
        bytes: u64,
        /// How much more that is than the volume started with.
        change: i64,
        /// Bytes that the archive takes in the store.
        stored: u64,
    },
    /// Saving failed, or could not be tried.
    NotSaved {
        /// Why.
        reason: String,
    },
    /// Nobody wanted it saved.
    Skipped {
        /// Why.
        #[serde(default)]
        reason: String,
    },
    /// Archived for the build alone, which waits; the fields are those of the event `volume_held`.
    Held {
        /// The snapshot's manifest.
        digest: String,
        /// Files, directories and links.
        entries: u64,
        /// Bytes of file contents.
        bytes: u64,
        /// How much more that is than the volume started with.
        change: i64,
        /// Bytes that the archive takes in the store.
        stored: u64,
    },
    /// It is a folder of the host, which is as the build left it (rule L16).
    Kept {
        /// The folder.
        path: String,
    },
}

/// A duration as whole milliseconds.
pub(crate) mod milliseconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(super::as_milliseconds(*duration))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

pub(crate) fn as_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
