//! The supervisor: a build from start to end.
//!
//! [`run`] reads and checks the pipeline ([`BuildRequest`]), restores the latest snapshot through the worker, clones,
//! drives the steps in their order, has the volume packed and publishes it. What happens is told as [`BuildEvent`]s while
//! it happens and as [`Outcome`] at the end. The engine has the rights of the user; it starts the worker, which has not,
//! hands it directories, and never looks into what the worker has made of foreign bytes. It reads no environment, no
//! terminal and no home directory: the caller says everything.

mod annotations;
mod approval;
mod archivist;
mod bounds;
mod build;
mod build_about;
mod build_id;
mod build_slots;
mod builds;
mod check;
mod console;
mod continuation;
mod decisions;
mod directories;
mod earlier;
mod error;
mod event;
mod export_files;
mod freestyle;
mod git;
mod graph;
mod hook_courses;
mod identity;
mod image;
mod interrupt;
mod local_volume;
mod outcome;
mod output;
mod preflight;
mod record;
mod record_directory;
mod recorded_events;
mod recorded_variables;
mod reporter;
mod repository;
mod request;
mod restore;
mod resumed;
mod run;
mod running;
mod save;
mod snapshots;
mod standing;
mod step;
mod steps;
mod stored_snapshots;
mod trigger;
mod unsupported;
mod volume_contents;
mod volume_options;
mod volume_use;
mod volumes;
mod warm_trees;
mod work_directory;
mod worker;

#[cfg(test)]
mod tests;

pub use annotations::Annotation;
pub use approval::{Answer, Approver, Question, Reply};
pub use build_about::{BuildAbout, RECORD_VERSION};
pub use build_id::BuildId;
pub use builds::{BuildEnd, BuildList, BuildQuery, BuildRecord, BuildState, BuildSummary, Builds};
pub use check::{Missing, PipelineCheck, StepCheck, Toolbox, check};
pub use console::{Console, OpenShell, ShellQuestion};
pub use continuation::{Continuation, continue_build};
pub use directories::{Directories, modules_directory};
pub use earlier::FromStep;
pub use error::{EngineError, EngineErrorKind, Problem, SourcePlace};
pub use event::{BuildEvent, EVENT_VERSION, Stream};
pub use git::GitCredentials;
pub use graph::{GraphStep, PipelineGraph, graph};
pub use image::check_image;
pub use interrupt::Interrupt;
pub use outcome::{Awaited, AwaitedStep, BuildResult, FailedCommand, Outcome, StepOutcome, VolumeOutcome};
pub use recorded_events::RecordedEvents;
pub use recorded_variables::RecordedVariables;
pub use request::{BuildRequest, MissingCommand, ToolboxCheck};
pub use run::run;
pub use stepbox_limits::{BadLimit, Limit, Limits, Per, Setter, Setting, Settled, Wanted};
pub use stepbox_pipeline::{
    BadAssignment, BuildVersion, Diagnostic, Layer, Severity, Shell, Variables, expression, json_schema, lint,
    parse_assignment, parse_variable_file, read_variable_file, substitute_condition, validate,
};
pub use stepbox_protocol::Typed;
pub use stepbox_reader::{Reader, ReaderError, SettingsError, Way, serve as serve_reader};
pub use stepbox_volume::io_text;
pub use volume_contents::{ChangeKind, Difference, GcReport, LogEntry, SizeNode, VerifyReport};
pub use volume_options::{ConcurrentVolume, LocalVolume, SaveVolume};
pub use volumes::{Export, SnapshotInfo, VolumeInfo, Volumes};
pub use worker::{Lockdown, WorkerLaunch};
