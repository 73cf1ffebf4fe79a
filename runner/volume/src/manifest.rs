//! The manifest and config of a snapshot, as OCI image tools read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::index::MAX_LAYERS;
use crate::pack::Added;
use crate::{Digest, Packed, VolumeError, VolumeErrorKind};

/// Media type of a layer.
pub const LAYER_MEDIA_TYPE: &str = "application/vnd.oci.image.layer.v1.tar+zstd";
/// Media type of the index, which is the last layer of a manifest.
pub const INDEX_MEDIA_TYPE: &str = "application/vnd.stepbox.volume.index.v1+zstd";
/// What the media types of all indexes begin with; a number follows.
const INDEX_MEDIA_PREFIX: &str = "application/vnd.stepbox.volume.index.";
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

/// What the snapshot below a delta is made of.
pub(crate) struct Below {
    /// Its layers, the base first.
    pub(crate) layers: Vec<Descriptor>,
    /// Their digests as they are when they are unpacked.
    pub(crate) diff_ids: Vec<Digest>,
}

/// Config and manifest of a packed volume, as bytes. No time and no host is in them: the same state on the same base has
/// the same manifest.
pub(crate) fn build(packed: &Packed, added: &Added, below: Below) -> Result<(Vec<u8>, Vec<u8>), VolumeError> {
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let Below { mut layers, mut diff_ids } = below;
    layers.push(Descriptor::new(LAYER_MEDIA_TYPE, added.layer.digest, added.layer.size));
    layers.push(Descriptor::new(INDEX_MEDIA_TYPE, added.index.digest, added.index.size));
    diff_ids.extend(added.diff_ids);
    let config = to_bytes(&Config {
        architecture: architecture.to_owned(),
        os: "linux".to_owned(),
        config: BTreeMap::new(),
        rootfs: RootFs { kind: "layers".to_owned(), diff_ids },
    })?;
    let annotation = |name: &str, value: String| (name.to_owned(), value);
    let manifest = Manifest {
        schema_version: 2,
        media_type: MANIFEST_MEDIA_TYPE.to_owned(),
        config: Descriptor::new(CONFIG_MEDIA_TYPE, Digest::of(&config), config.len() as u64),
        layers,
        annotations: BTreeMap::from([
            annotation(INDEX_ANNOTATION, added.index.digest.to_string()),
            annotation(TREE_ANNOTATION, packed.tree_digest.to_string()),
            annotation(ENTRIES_ANNOTATION, packed.entries.to_string()),
            annotation(BYTES_ANNOTATION, packed.raw_bytes.to_string()),
        ]),
    };
    Ok((config, to_bytes(&manifest)?))
}

/// An OCI image config, as far as a snapshot uses it.
#[derive(Deserialize, Serialize)]
pub(crate) struct Config {
    architecture: String,
    #[serde(default)]
    config: BTreeMap<String, serde_json::Value>,
    os: String,
    pub(crate) rootfs: RootFs,
}

#[derive(Deserialize, Serialize)]
pub(crate) struct RootFs {
    pub(crate) diff_ids: Vec<Digest>,
    #[serde(rename = "type")]
    kind: String,
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

    /// The layers, the base first, and the index.
    pub(crate) fn parts(&self) -> Result<(&[Descriptor], &Descriptor), VolumeError> {
        let unreadable = || VolumeError::corrupt("the manifest is not one of a snapshot that this Stepbox can read");
        let (index, layers) = self.layers.split_last().ok_or_else(unreadable)?;
        if let Some(version) = index.media_type.strip_prefix(INDEX_MEDIA_PREFIX)
            && index.media_type != INDEX_MEDIA_TYPE
        {
            let message = format!("the snapshot has an index of version `{version}`, which a newer Stepbox wrote");
            return Err(VolumeError::new(VolumeErrorKind::Newer, message));
        }
        let layers_are = layers.iter().all(|layer| layer.media_type == LAYER_MEDIA_TYPE);
        if layers.is_empty() || layers.len() > MAX_LAYERS || !layers_are || index.media_type != INDEX_MEDIA_TYPE {
            return Err(unreadable());
        }
        if self.annotations.get(INDEX_ANNOTATION) != Some(&index.digest.to_string()) {
            return Err(VolumeError::corrupt("the manifest names two different indexes"));
        }
        Ok((layers, index))
    }

    /// The blob of its config.
    pub(crate) fn config(&self) -> Digest {
        self.config.digest
    }

    /// The identity of the state, as it was noted.
    pub(crate) fn tree(&self) -> Option<Digest> {
        self.annotations.get(TREE_ANNOTATION)?.parse().ok()
    }

    /// Every blob that it needs.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = Digest> + '_ {
        self.sizes().map(|(digest, _)| digest)
    }

    /// The same, with their sizes.
    pub(crate) fn sizes(&self) -> impl Iterator<Item = (Digest, u64)> + '_ {
        std::iter::once(&self.config).chain(&self.layers).map(|blob| (blob.digest, blob.size))
    }

    /// Bytes of all of them.
    pub(crate) fn size(&self) -> u64 {
        self.sizes().fold(0, |sum, (_, size)| sum.saturating_add(size))
    }
}
