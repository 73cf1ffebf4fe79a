//! The manifest and config of a snapshot, as OCI image tools read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Digest, Packed, VolumeError};

/// Media type of a layer.
pub const LAYER_MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Media type of the index, which is the last layer of a manifest.
pub const INDEX_MEDIA_TYPE: &str = "application/vnd.stepbox.volume.index.v1+zstd";
const MANIFEST_MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_MEDIA_TYPE: &str = "application/vnd.oci.image.config.v1+json";

const INDEX_ANNOTATION: &str = "dev.stepbox.volume.index";
const TREE_ANNOTATION: &str = "dev.stepbox.volume.tree";
const ENTRIES_ANNOTATION: &str = "dev.stepbox.volume.entries";
const BYTES_ANNOTATION: &str = "dev.stepbox.volume.bytes";

/// What a manifest may be, in bytes.
pub(crate) const MAX_MANIFEST: u64 = 4 << 20;

/// An OCI image manifest, as far as a snapshot uses it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Manifest {
    schema_version: u32,
    media_type: String,
    config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default)]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// An OCI descriptor.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

impl Descriptor {
    fn new(media_type: &str, digest: Digest, size: u64) -> Self {
        Self { media_type: media_type.to_owned(), digest, size, annotations: BTreeMap::new() }
    }

    /// Of a manifest, with what `index.json` says of it.
    pub(crate) fn of_manifest(digest: Digest, size: u64, annotations: BTreeMap<String, String>) -> Self {
        Self { annotations, ..Self::new(MANIFEST_MEDIA_TYPE, digest, size) }
    }
}

/// Config and manifest of a packed volume, as bytes. No time and no host is in them: the same state has the same manifest.
pub(crate) fn build(packed: &Packed) -> Result<(Vec<u8>, Vec<u8>), VolumeError> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let config = serde_json::json!({
        "architecture": architecture,
        "os": "linux",
        "config": {},
        "rootfs": { "type": "layers", "diff_ids": packed.diff_ids.map(|id| id.to_string()) },
    });
    let config = to_bytes(&config)?;
    let annotation = |name: &str, value: String| (name.to_owned(), value);
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST_MEDIA_TYPE.to_owned(),
        config: Descriptor::new(CONFIG_MEDIA_TYPE, Digest::of(&config), config.len() as u64),
        layers: vec![
            Descriptor::new(LAYER_MEDIA_TYPE, packed.layer.digest, packed.layer.size),
            Descriptor::new(INDEX_MEDIA_TYPE, packed.index.digest, packed.index.size),
        ],
        annotations: BTreeMap::from([
            annotation(INDEX_ANNOTATION, packed.index.digest.to_string()),
            annotation(TREE_ANNOTATION, packed.tree_digest.to_string()),
            annotation(ENTRIES_ANNOTATION, packed.entries.to_string()),
            annotation(BYTES_ANNOTATION, packed.raw_bytes.to_string()),
        ]),
    };
    Ok((config, to_bytes(&manifest)?))
}

pub(crate) fn to_bytes(value: &impl Serialize) -> Result<Vec<u8>, VolumeError> {
    serde_json::to_vec(value).map_err(|error| VolumeError::corrupt(format!("cannot write JSON: {error}")))
}

impl Manifest {
    /// A manifest from its bytes, whose digest was checked.
    pub(crate) fn parse(data: &[u8]) -> Result<Self, VolumeError> {
        let manifest: Self = serde_json::from_slice(data)
            .map_err(|error| VolumeError::corrupt(format!("the manifest of the snapshot is damaged: {error}")))?;
        manifest.parts()?;
        Ok(manifest)
    }

    /// The base layer and the index.
    pub(crate) fn parts(&self) -> Result<(&Descriptor, &Descriptor), VolumeError> {
        match self.layers.as_slice() {
            [layer, index] if layer.media_type == LAYER_MEDIA_TYPE && index.media_type == INDEX_MEDIA_TYPE => {
                if self.annotations.get(INDEX_ANNOTATION) != Some(&index.digest.to_string()) {
                    return Err(VolumeError::corrupt("the manifest names two different indexes"));
                }
                Ok((layer, index))
            }
            _ => Err(VolumeError::corrupt("the manifest is not one of a snapshot that this Stepbox can read")),
        }
    }

    /// Every blob that it needs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = Digest> + '_ {
        std::iter::once(self.config.digest).chain(self.layers.iter().map(|layer| layer.digest))
    }
}
