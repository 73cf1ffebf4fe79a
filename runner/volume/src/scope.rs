use serde::{Deserialize, Serialize};

use crate::Digest;

/// Which builds share a volume.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
pub struct Scope {
    /// What the value is.
    pub kind: ScopeKind,
    /// The pipeline's identity, or the volume's name.
    pub value: String,
}

/// What a scope's value is. Equal values of different kinds are different volumes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeKind {
    /// A pipeline's name or the path of its file.
    Pipeline,
    /// A name that was given with `--volume`.
    Volume,
}

impl Scope {
    /// The volume of a pipeline.
    pub fn pipeline(value: impl Into<String>) -> Self {
        Self { kind: ScopeKind::Pipeline, value: value.into() }
    }

    /// The volume of a name.
    pub fn volume(value: impl Into<String>) -> Self {
        Self { kind: ScopeKind::Volume, value: value.into() }
    }

    /// A plain name that no other scope has, whatever the value holds; that of its directory under `refs/`.
    #[must_use]
    pub fn key(&self) -> String {
        let kind = match self.kind {
            ScopeKind::Pipeline => "pipeline",
            ScopeKind::Volume => "volume",
        };
        Digest::of(format!("{kind}\0{}", self.value).as_bytes()).hex()[..32].to_owned()
    }

    /// A plain name, under which OCI tools find it: readable, and unique by a part of the key.
    #[must_use]
    pub fn tag(&self) -> String {
        let allowed = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '_' };
        let readable: String = self.value.chars().map(allowed).collect();
        let readable = readable.trim_start_matches(['.', '-', '_']);
        let start = readable.len().saturating_sub(100);
        format!("v-{}-{}", &readable[start..], &self.key()[..8])
    }
}
