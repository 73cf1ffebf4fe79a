//! The archived states of one volume, as a build needs them.

use std::any::Any;

use cap_std::fs::Dir;
use stepbox_protocol::{BlobDigest, PackReport};

use crate::build_id::BuildId;
use crate::error::EngineError;

/// An archived state of a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Snapshot {
    /// Its manifest.
    pub(crate) manifest: BlobDigest,
    /// The build that left it.
    pub(crate) build: String,
}

/// The snapshots of a volume, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct History {
    /// Those that are known.
    pub(crate) snapshots: Vec<Snapshot>,
    /// Why the first may not be the newest.
    pub(crate) damage: Option<String>,
}

/// What is said of a snapshot when it is published.
pub(crate) struct Publication<'a> {
    /// The build that leaves it.
    pub(crate) build: &'a BuildId,
    /// When, in milliseconds since 1970.
    pub(crate) time: u64,
    /// What the build started from.
    pub(crate) parent: Option<BlobDigest>,
    /// Whether the build waits: then the snapshot is for it alone.
    pub(crate) waits: bool,
}

/// The snapshots of the volume of a build.
pub(crate) trait Snapshots {
    /// All that are kept, the newest first: the first is what the next build starts from.
    ///
    /// Where there are some that cannot be told, and no others, that is an error: nobody starts empty by accident.
    fn history(&self) -> Result<History, EngineError>;

    /// What a build has left, also where it waits; `None` where there is nothing.
    fn of_build(&self, build: &BuildId) -> Result<Option<Snapshot>, EngineError>;

    /// Keeps everything in the history from being removed until the result is dropped.
    fn keep(&self) -> Result<Box<dyn Any>, EngineError>;

    /// Keeps one snapshot from being removed until the result is dropped, however long that is.
    fn lease(&self, manifest: &BlobDigest) -> Option<Box<dyn Any>>;

    /// The directory of blobs, for the worker to read.
    fn blobs(&self) -> Result<Dir, EngineError>;

    /// Makes staged files the newest snapshot, after comparing them with what the worker says of them; its manifest.
    /// After an error the newest is what it was, and so it is after a publication for a build that waits. Errors are in words.
    fn publish(&self, packed: &PackReport, staging: &Dir, about: &Publication<'_>) -> Result<BlobDigest, String>;
}

/// A digest as people see it.
pub(crate) fn digest_text(digest: &BlobDigest) -> String {
    let mut text = String::from("sha256:");
    for byte in digest.0 {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
