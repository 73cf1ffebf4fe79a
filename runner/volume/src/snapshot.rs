use serde::{Deserialize, Serialize};

use crate::Digest;

/// A published state of a volume, as its reference tells.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Snapshot {
    /// Its manifest, by which the store finds everything else.
    pub manifest: Digest,
    /// The build that left it.
    pub build: String,
    /// When that build was saved, in milliseconds since 1970.
    pub finished: u64,
    /// Counts the snapshots of a volume: the largest is the latest.
    pub sequence: u64,
    /// What the build started from.
    #[serde(default)]
    pub parent: Option<Digest>,
    /// Identity of the volume's state.
    pub tree: Digest,
    /// Files, directories and links.
    pub entries: u64,
    /// Bytes of file contents.
    pub raw_bytes: u64,
    /// Bytes that it takes in the store.
    pub stored_bytes: u64,
}
