//! Snapshots of the volume: an OCI image layout that holds each state of a volume as one `tar+zstd` layer and an index.
//!
//! Two roles share this crate. The worker packs the live volume into a staging directory ([`pack`]) and restores
//! snapshots ([`unpack`]); it handles foreign bytes. The supervisor owns the [`Store`]: it hashes what was staged, links
//! it in and publishes it, without looking inside.
//!
//! Everything is immutable and named by its sha256, except the references under `refs/` and `builds/`, which are replaced by rename
//! after what they point to is safe on disk. A crash at any instant leaves the old state or the new one.

mod changes;
mod collect;
mod contents;
mod derive;
mod digest;
mod error;
mod export;
mod faulty_fs;
mod frames;
mod index;
mod kept;
mod known;
mod layer;
mod lease;
mod manifest;
mod oci_index;
mod pack;
mod publish;
mod restore;
mod roots;
mod scope;
mod snapshot;
mod store;
mod store_fs;
mod stream;
mod tags;
mod tar;
mod tar_read;
mod unpack;
#[cfg(test)]
mod unpack_tests;
mod update;
mod verify;
mod walk;

pub use collect::{Collected, GcOptions};
pub use contents::{ListedEntry, ListedKind};
pub use digest::{Digest, InvalidDigest};
pub use error::{VolumeError, VolumeErrorKind, io_text};
pub use export::{Exported, export};
pub use faulty_fs::{Fault, FaultyFs, RESTORE_POINTS, SAVE_POINTS};
pub use kept::KeptSnapshot;
pub use known::{KNOWN_FILE, KnownTree};
pub use lease::Lease;
pub use manifest::{INDEX_MEDIA_TYPE, LAYER_MEDIA_TYPE};
pub use pack::{Added, Basis, PackOptions, Packed, Skipped, StagedBlob, pack};
pub use publish::PublishMeta;
pub use scope::{Scope, ScopeKind};
pub use snapshot::Snapshot;
pub use store::{Store, VolumeSummary};
pub use store_fs::{HostFs, StoreFs};
pub use unpack::{UnpackLimits, Unpacked, unpack};
pub use update::update;
pub use verify::{Problem, Verified, VerifyOptions};

/// A deliberate hole, for the tests of the second wall: reads a file of the host.
#[cfg(feature = "holes")]
pub(crate) fn hole() -> String {
    std::fs::read_to_string("/etc/passwd").unwrap_or_else(|error| error.to_string())
}
