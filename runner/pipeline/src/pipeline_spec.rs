//! What a pipeline's specification (`kind: pipeline`) says beside the pipeline itself (section 10.4).

use crate::place::Place;

/// The specification of a pipeline, as servers keep it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PipelineSpec {
    /// `metadata.name`, like `project/pipeline`.
    pub name: String,
    /// The variables of the pipeline, the layer below those of a build.
    pub variables: Vec<SpecVariable>,
    /// What builds do where the command line says nothing.
    pub options: SpecOptions,
    /// What starts builds on a server, those by time too; here a caller may name one.
    pub triggers: Vec<SpecTrigger>,
}

/// A trigger, as far as it matters to the builds that it starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecTrigger {
    /// Its name.
    pub name: String,
    /// The server's name for it.
    pub id: Option<String>,
    /// Its variables, the layer between those of the pipeline and those of a build.
    pub variables: Vec<SpecVariable>,
    /// What its builds do; each option is on where the trigger or the pipeline has it on.
    pub options: SpecOptions,
}

/// A variable of a pipeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecVariable {
    /// Its name.
    pub key: String,
    /// Its value as written, numbers and booleans too; empty where none is given (rule V18).
    pub value: String,
    /// Whether the value is a secret, which is masked (rule V31).
    pub encrypted: bool,
    /// Where its value stands, or the variable where it has none.
    pub place: Place,
}

/// What builds do by default. All are off where they are not given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are switches of a format that is not ours")]
pub struct SpecOptions {
    /// Do not use what is compiled already (rule L13).
    pub no_cache: bool,
    /// Of no effect here.
    pub no_cf_cache: bool,
    /// Begin with an empty volume (rule L12).
    pub reset_volume: bool,
    /// Of no effect here.
    pub enable_notifications: bool,
    /// Keep the volume while a build waits for an answer (rule L15).
    pub keep_volume_while_waiting: bool,
}
