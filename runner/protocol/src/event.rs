use serde::{Deserialize, Serialize};

use crate::{BlobDigest, StepId};

/// From worker to supervisor.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Event {
    /// The worker is set up.
    Ready {
        /// The worker's [`crate::VERSION`].
        version: u32,
        /// What the kernel keeps it from; `None` where it was not to lock itself.
        wall: Option<Wall>,
    },
    /// A snapshot is restored.
    Unpacked {
        /// Files, directories and links.
        entries: u64,
        /// Bytes of file contents.
        bytes: u64,
        /// Entries that were there already.
        kept: u64,
    },
    /// A snapshot could not be restored; the directory given for it is to be thrown away.
    UnpackFailed(Failure),
    /// The live volume is in place.
    Mounted,
    /// A step printed something. Untrusted bytes.
    Output {
        /// Which step.
        step: StepId,
        /// Where it printed.
        stream: OutputStream,
        /// What.
        data: Vec<u8>,
    },
    /// A shell for a person begins.
    ShellOpened {
        /// In which step.
        step: StepId,
        /// The status with which the step has ended; `None` before it runs.
        after: Option<u8>,
    },
    /// A shell, or what runs in it, asks for a line. Answer: `ShellTyped`; without one where it asks again or is closed.
    ShellAsks {
        /// In which step.
        step: StepId,
        /// The number of the question.
        question: u32,
        /// The shell's prompt; `None` where a program reads. Untrusted bytes.
        prompt: Option<Vec<u8>>,
    },
    /// A shell ended.
    ShellClosed {
        /// In which step.
        step: StepId,
    },
    /// A step ended.
    StepFinished(StepReport),
    /// The volume is packed.
    Packed(PackReport),
    /// The volume could not be packed.
    PackFailed(Failure),
    /// A snapshot is written to the file.
    Exported,
    /// It could not be; the file is to be thrown away.
    ExportFailed(Failure),
    /// Something a person should know of.
    Warning {
        /// The step that it concerns.
        step: Option<StepId>,
        /// In words.
        message: String,
    },
}

/// What the kernel keeps a worker from.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Wall {
    /// The version of Landlock's interface; `None` where the kernel has none that can be used.
    pub landlock: Option<u32>,
    /// Whether system calls are filtered.
    pub seccomp: bool,
    /// What the kernel lacks of the wall, in words.
    pub missing: Option<String>,
}

/// Where a step printed.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a step went.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StepReport {
    /// Which step.
    pub step: StepId,
    /// How it ended.
    pub end: StepEnd,
    /// Contents of the export file that it left (rule V28); `None` where it could not be read.
    pub exports: Option<Vec<u8>>,
    /// Names that `cf_export --mask` was given (rule V21).
    pub masked: Vec<Vec<u8>>,
    /// How many modules were instantiated for it.
    pub modules: u64,
    /// The command with which its script failed, where one did.
    pub failed: Option<FailedCommand>,
}

/// The command with which a script failed. Untrusted bytes, each text at most 2048 of them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FailedCommand {
    /// The line of the script that was being executed, from 1.
    pub script_line: u32,
    /// The file that the command stands in, where the script has read that with `.`; `None` for the script itself.
    pub file: Option<Vec<u8>>,
    /// Its line there, from 1.
    pub line: u32,
    /// The function that it stands in.
    pub function: Option<Vec<u8>>,
    /// As it was typed; empty where that is not known.
    pub text: Vec<u8>,
}

/// How a step ended.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum StepEnd {
    /// Its shell or program ended with this status.
    Exited(u8),
    /// It was cancelled with this signal.
    Cancelled(u8),
    /// It could not be run, or Stepbox failed while it ran.
    Failed(String),
}

/// What went wrong.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Failure {
    /// Of what kind.
    pub kind: FailureKind,
    /// In words, with the cause.
    pub message: String,
}

/// Kinds of failure that the supervisor treats differently.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum FailureKind {
    /// Stored bytes are not what their name says, or not what they must be: an older snapshot may do.
    Corrupt,
    /// No space is left, or a quota is used up.
    NoSpace,
    /// It may not be written.
    ReadOnly,
    /// It was cancelled.
    Cancelled,
    /// Anything else.
    Other,
}

/// What packing left in the staging directory.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PackReport {
    /// What is new; `None` where the volume is as the snapshot that it comes from.
    pub added: Option<Box<Added>>,
    /// The manifest of the snapshot on which that builds; `None` for a whole volume.
    pub base: Option<BlobDigest>,
    /// Identity of the volume's state.
    pub tree_digest: BlobDigest,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub bytes: u64,
    /// What could not be kept: path, and why.
    pub skipped: Vec<(Vec<u8>, String)>,
}

/// What a snapshot has that the one below it has not.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Added {
    /// The layer.
    pub layer: StagedFile,
    /// The index of the whole volume.
    pub index: StagedFile,
    /// Digests of layer and index as they are when they are unpacked.
    pub diff_ids: [BlobDigest; 2],
}

/// A file in the staging directory that becomes a blob.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StagedFile {
    /// Its name there.
    pub name: String,
    /// What the worker says its sha256 is; the supervisor computes it itself.
    pub digest: BlobDigest,
    /// Its size in bytes.
    pub size: u64,
}
