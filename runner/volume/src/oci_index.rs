//! `index.json`: what OCI tools see of the references. It follows them and is never what Stepbox goes by, but for a layout
//! that was carried over without its references.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Context;
use crate::manifest::{Descriptor, to_bytes};
use crate::store::{LATEST, NAME};
use crate::{Scope, Snapshot, Store, VolumeError};

const FILE: &str = "index.json";
const MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// What it may be, in bytes.
const MAX_FILE: u64 = 64 << 20;

const TAG_ANNOTATION: &str = "org.opencontainers.image.ref.name";
const SCOPE_ANNOTATION: &str = "dev.stepbox.volume.scope";
const REFERENCE_ANNOTATION: &str = "dev.stepbox.volume.reference";

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct OciIndex {
    schema_version: u32,
    #[serde(default)]
    media_type: String,
    manifests: Vec<Descriptor>,
}

impl Store {
    /// Writes `index.json` anew from the references.
    pub(crate) fn write_index(&self) -> Result<(), VolumeError> {
        let mut manifests = vec![];
        for volume in self.list()? {
            let Some(latest) = volume.latest else { continue };
            let Ok(metadata) = self.blobs.metadata(latest.manifest.hex()) else { continue };
            let annotations = BTreeMap::from([
                (TAG_ANNOTATION.to_owned(), volume.scope.tag()),
                (SCOPE_ANNOTATION.to_owned(), text(&volume.scope)?),
                (REFERENCE_ANNOTATION.to_owned(), text(&latest)?),
            ]);
            manifests.push(Descriptor::of_manifest(latest.manifest, metadata.len(), annotations));
        }
        let index = OciIndex { schema_version: 2, media_type: MEDIA_TYPE.to_owned(), manifests };
        self.replace_file("publish.oci-index", &self.root, FILE, &to_bytes(&index)?)
    }

    /// Makes references from `index.json`, where there is one. What is not ours in it is left alone.
    pub(crate) fn adopt_index(&self) -> Result<(), VolumeError> {
        let data = match self.fs.read("store.index.read", &self.root, FILE, MAX_FILE) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            other => other.context("cannot read `index.json` of the store")?,
        };
        let index: OciIndex = serde_json::from_slice(&data)
            .map_err(|error| VolumeError::corrupt(format!("`index.json` of the store is damaged: {error}")))?;
        for descriptor in &index.manifests {
            let annotation = |name: &str| descriptor.annotations.get(name).map(String::as_str).unwrap_or_default();
            let scope = serde_json::from_str::<Scope>(annotation(SCOPE_ANNOTATION));
            let snapshot = serde_json::from_str::<Snapshot>(annotation(REFERENCE_ANNOTATION));
            let (Ok(scope), Ok(snapshot)) = (scope, snapshot) else { continue };
            if snapshot.manifest != descriptor.digest {
                continue;
            }
            self.fs.make_directory("store.make", &self.refs, &scope.key()).context("cannot write the store")?;
            let Some(directory) = self.references(&scope)? else { continue };
            self.replace_file("store.adopt", &directory, NAME, &to_bytes(&scope)?)?;
            self.replace_file("store.adopt", &directory, LATEST, &to_bytes(&snapshot)?)?;
        }
        Ok(())
    }
}

fn text(value: &impl Serialize) -> Result<String, VolumeError> {
    serde_json::to_string(value).map_err(|error| VolumeError::corrupt(format!("cannot write JSON: {error}")))
}
