use serde::{Deserialize, Serialize};
use stepbox_limits::Limits;

/// From supervisor to worker. What handles go with a request stands with its variant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Request {
    /// The first request. Handles: a private directory for the scratch trees of steps; the store's blobs, to read; a
    /// staging directory for new blobs; the directory that will be the live volume; and, if there is one, the directory of
    /// compiled modules. Or the store's blobs alone, for a worker that only exports. The worker can open nothing outside of them
    /// afterwards. Answer: `Ready`.
    Setup(Setup),
    /// Restores a snapshot. Handles: the directory of the volume, and, with an older tree, what was noted of it, if there is that. Answer:
    /// `Unpacked` or `UnpackFailed`.
    Unpack {
        /// The snapshot's manifest.
        manifest: BlobDigest,
        /// Whether the directory holds the tree of an older build, of which as much is kept as can be; else it is empty.
        older: bool,
    },
    /// Begins with the volume as it is. Handle: its directory, once more. Answer: `Mounted`.
    Mount,
    /// Runs a step on the live volume. Answers: `Output` any number of times, then `StepFinished`.
    RunStep(StepRequest),
    /// Ends a step, or all. The step answers with `StepFinished` in its own time.
    Cancel {
        /// Which; all where `None`.
        step: Option<StepId>,
        /// Number of the signal.
        signal: u8,
    },
    /// A person has answered a question of a step's shell.
    ShellTyped {
        /// Which step.
        step: StepId,
        /// The question's number.
        question: u32,
        /// What.
        typed: Typed,
    },
    /// A person has typed Ctrl-C while a step's shell executes something.
    ShellInterrupt {
        /// Which step.
        step: StepId,
    },
    /// Packs the live volume into the staging directory. Answer: `Packed` or `PackFailed`.
    Pack(PackRequest),
    /// Writes a snapshot as one `tar.zst`. Handle: the file, open for writing. Answer: `Exported` or `ExportFailed`.
    Export {
        /// The snapshot's manifest.
        manifest: BlobDigest,
    },
    /// Ends the worker.
    Shutdown,
}

/// What a worker is for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Setup {
    /// The supervisor's [`crate::VERSION`].
    pub version: u32,
    /// Whether it locks itself before it touches foreign bytes.
    pub lockdown: bool,
    /// The limits of this build and, where a step has none of its own, of its steps.
    pub limits: Limits,
    /// For tests: the name of a point in saving or restoring at which the worker kills itself.
    pub kill_at: Option<String>,
}

/// A sha256, which names a blob of the store.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct BlobDigest(pub [u8; 32]);

/// A step of this build, as both sides count them.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct StepId(pub u32);

/// A step to run.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct StepRequest {
    /// Its number in this build.
    pub id: StepId,
    /// Its name, for messages.
    pub name: String,
    /// What it runs.
    pub work: Work,
    /// Its whole environment.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// Where it starts: an absolute virtual path. Made where it is missing and below the volume (rule W9).
    pub working_directory: Vec<u8>,
    /// Folders of the volume that it sees elsewhere.
    pub volumes: Vec<CustomMount>,
    /// When it has a shell for a person.
    pub shell: ShellMoments,
    /// Its limits, none of which is above the build's.
    pub limits: Limits,
}

/// When a step has a shell for a person: in its place, with its files, environment and working directory. Events: `ShellOpened`,
/// any number of `ShellAsks`, `ShellClosed`.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct ShellMoments {
    /// Before it runs.
    pub before: bool,
    /// When it has ended with another status than 0.
    pub after_failure: bool,
}

/// What a person answers to a question of a step's shell.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Typed {
    /// A line with its newline, or the rest of the last one.
    Text(Vec<u8>),
    /// What was typed so far is not meant (Ctrl-C).
    Interrupted,
    /// There is no more (Ctrl-D).
    End,
}

/// A folder of the volume at another place.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CustomMount {
    /// The folder: a path in the volume, empty for the volume itself. Made where it is missing.
    pub source: Vec<u8>,
    /// Where it is seen: an absolute virtual path.
    pub target: Vec<u8>,
    /// Whether it is only read there.
    pub read_only: bool,
}

/// What a step runs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Work {
    /// A script, with `set -e` in force from the start (rules F5, F6).
    Script {
        /// Which shell reads it.
        shell: ShellKind,
        /// Its text.
        text: Vec<u8>,
    },
    /// A program with its arguments, its name first (rule F9).
    Program(Vec<Vec<u8>>),
}

/// Which shell a step asks for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum ShellKind {
    /// `sh`, the default.
    Sh,
    /// `bash`.
    Bash,
}

/// How to pack.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct PackRequest {
    /// Names at the volume's top that are left out (rule V29).
    pub exclude: Vec<Vec<u8>>,
    /// The manifest of the snapshot to build on, where none was restored.
    pub base: Option<BlobDigest>,
}
