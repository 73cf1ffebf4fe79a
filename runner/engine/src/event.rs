//! What happens in a build, as it happens: the one place that documents the event stream, which is shown, printed as JSON and
//! kept in the record of the build.
//!
//! Serialised as JSON, an event is an object whose `event` names it. The stream begins with `build_started`, which
//! carries the version of the format, and ends with `build_finished` or `build_aborted`. One that waits for an approval ends
//! with `build_waiting`; when it goes on, what it then tells begins with `build_continued`. Fields may be added without a new
//! version; a reader skips events and fields that it does not know. Durations are milliseconds, sizes bytes. Texts of steps
//! are masked (rule V31) and otherwise untrusted: who shows them must strip what steers a terminal.

use serde::{Deserialize, Serialize};

use crate::annotations::Annotation;
use crate::build_id::BuildId;
use crate::outcome::{AwaitedStep, BuildResult, StepOutcome, VolumeOutcome};

/// The version of the event stream.
pub const EVENT_VERSION: u32 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum BuildEvent {
    /// The pipeline is valid, and the build begins.
    BuildStarted {
        /// [`EVENT_VERSION`].
        version: u32,
        /// The build.
        build: BuildId,
        /// The pipeline's name: what `--pipeline` said, else the path of its file.
        pipeline: String,
        /// The volume's name: what `--volume` said, else the pipeline's name.
        volume: String,
        /// The folder of the host that is the volume; none where it is kept in snapshots.
        #[serde(default)]
        folder: Option<String>,
        /// The build whose snapshot the volume starts from; none where it starts empty.
        from: Option<String>,
        /// When, in milliseconds since 1970.
        timestamp: u64,
        /// How many steps there are.
        steps: usize,
    },
    /// The worker is there, which runs the steps.
    WorkerStarted {
        /// Whether it has locked itself; false with `--no-lockdown`.
        locked: bool,
        /// The version of Landlock's interface that it has used; none where the kernel has none that can be used.
        landlock: Option<u32>,
        /// Whether its system calls are filtered.
        seccomp: bool,
    },
    /// A snapshot is on the volume.
    VolumeRestored {
        /// The snapshot's manifest.
        digest: String,
        /// The build that left it.
        from: String,
        /// Files, directories and links.
        entries: u64,
        /// Bytes of file contents.
        bytes: u64,
        /// How long it took.
        duration_ms: u64,
    },
    /// A step begins.
    StepStarted {
        /// Its name.
        step: String,
        /// Its title, or its name.
        title: String,
        /// Its stage.
        stage: Option<String>,
        /// `freestyle` or `git-clone`.
        #[serde(rename = "type")]
        type_name: String,
        /// Its image, of freestyle steps.
        image: Option<String>,
    },
    /// A step printed something.
    Output {
        /// Its name.
        step: String,
        /// Where it printed.
        stream: Stream,
        /// What: any stretch of text, not lines. What is not UTF-8 is replaced by U+FFFD.
        text: String,
    },
    /// An approval waits for an answer.
    ApprovalAwaited {
        /// The step's name.
        step: String,
        /// Until when, in milliseconds since 1970; then it comes to what the pipeline says.
        until: u64,
    },
    /// A hook begins (rule H5). What its steps print is output of the step whose hook it is, or of a step with the hook's name
    /// where it is the pipeline's.
    HookStarted {
        /// The step; none for a hook of the pipeline.
        step: Option<String>,
        /// `on_elected`, `on_success`, `on_fail` or `on_finish`.
        hook: String,
    },
    /// A hook ended.
    HookFinished {
        /// The step; none for a hook of the pipeline.
        step: Option<String>,
        /// `on_elected`, `on_success`, `on_fail` or `on_finish`.
        hook: String,
        /// `success`, `error` or `terminated`.
        state: String,
        /// Why it failed.
        reason: Option<String>,
        /// How long it took.
        duration_ms: u64,
    },
    /// Something is noted on the build (rules A1 to A5).
    AnnotationSet {
        /// The annotation's name.
        name: String,
        /// What it says: a text, a number, true or false, or nothing.
        value: Annotation,
    },
    /// An annotation of the build is removed.
    AnnotationUnset {
        /// The annotation's name.
        name: String,
    },
    /// A shell for a person begins in a step. What is printed there is output of the step; what is typed is told nowhere.
    ShellOpened {
        /// The step's name.
        step: String,
        /// The status with which the step has failed; none before its commands run.
        after: Option<u8>,
    },
    /// It ended.
    ShellClosed {
        /// The step's name.
        step: String,
    },
    /// An attempt at a step failed; there will be another (rules F28-F31).
    StepRetried {
        /// Its name.
        step: String,
        /// The attempt that failed, counted from 1.
        attempt: u32,
        /// How many there are at most.
        attempts: u32,
        /// Why it failed.
        reason: String,
        /// How long nothing happens before the next one.
        wait_ms: u64,
    },
    /// A step ended.
    StepFinished(StepOutcome),
    /// Something that a person should know of.
    Warning {
        /// The step that it concerns.
        step: Option<String>,
        /// In words.
        message: String,
        /// `file:line:column`, where there is one.
        place: Option<String>,
    },
    /// The volume is archived and is what the next build starts from.
    VolumeSaved {
        /// The snapshot's manifest.
        digest: String,
        /// Files, directories and links.
        entries: u64,
        /// Bytes of file contents.
        bytes: u64,
        /// How much more that is than the volume started with; negative where it is less.
        change: i64,
        /// Bytes that the archive takes in the store.
        stored: u64,
        /// How long it took.
        duration_ms: u64,
    },
    /// The volume is archived for this build alone, which waits; what the next build starts from stays as it is.
    VolumeHeld {
        /// The snapshot's manifest.
        digest: String,
        /// Files, directories and links.
        entries: u64,
        /// Bytes of file contents.
        bytes: u64,
        /// How much more that is than the volume started with; negative where it is less.
        change: i64,
        /// Bytes that the archive takes in the store.
        stored: u64,
        /// How long it took.
        duration_ms: u64,
    },
    /// The volume is not archived: the next build starts from where this one did.
    VolumeNotSaved {
        /// Why.
        reason: String,
    },
    /// The build stops here until somebody answers.
    BuildWaiting {
        /// The build.
        build: BuildId,
        /// The approvals for which it waits.
        steps: Vec<AwaitedStep>,
        /// What became of the volume.
        volume: VolumeOutcome,
        /// How long it ran so far.
        duration_ms: u64,
    },
    /// A build that has waited goes on.
    BuildContinued {
        /// [`EVENT_VERSION`].
        version: u32,
        /// The build.
        build: BuildId,
        /// When, in milliseconds since 1970.
        timestamp: u64,
    },
    /// The build is over.
    BuildFinished {
        /// The build.
        build: BuildId,
        /// What it came to.
        result: BuildResult,
        /// What became of the volume.
        volume: VolumeOutcome,
        /// How long it took.
        duration_ms: u64,
    },
    /// Stepbox could not run the build to its end.
    BuildAborted {
        /// Why.
        message: String,
    },
}

/// Where a step printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// The names of all events, by which a reader knows what is damaged from what a newer Stepbox has written.
pub(crate) const NAMES: [&str; 22] = [
    "build_started",
    "worker_started",
    "volume_restored",
    "step_started",
    "output",
    "hook_started",
    "hook_finished",
    "annotation_set",
    "annotation_unset",
    "approval_awaited",
    "shell_opened",
    "shell_closed",
    "step_retried",
    "step_finished",
    "warning",
    "volume_saved",
    "volume_not_saved",
    "volume_held",
    "build_waiting",
    "build_continued",
    "build_finished",
    "build_aborted",
];
