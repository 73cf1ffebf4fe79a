//! What the caller wants to be run.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use stepbox_limits::Limits;
use stepbox_pipeline::Shell;
use stepbox_reader::Reader;

use crate::approval::Approver;
use crate::console::Console;
use crate::earlier::FromStep;
use crate::git::GitCredentials;
use crate::volume_options::{ConcurrentVolume, LocalVolume, SaveVolume};

/// Which commands of a script for a shell the toolbox lacks, by name; `Err` says why the script cannot be read.
pub type ToolboxCheck = fn(script: &[u8], shell: Shell) -> Result<Vec<MissingCommand>, String>;

/// A command that the toolbox lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingCommand {
    /// Its name.
    pub name: String,
    /// The line of the script in which it stands first, counted from 1.
    pub line: usize,
}

/// A build to run. Everything that depends on who runs it and where is in here.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// The pipeline file; its canonical path is the pipeline's name unless `pipeline` says otherwise.
    pub pipeline_file: PathBuf,
    /// Its text.
    pub pipeline_text: String,
    /// Who parses it.
    pub reader: Reader,
    /// Variables of the build (`-v`); of equal names the last wins. They win over `CF_…` variables too.
    pub variables: Vec<(String, String)>,
    /// Variables whose values are shown and recorded nowhere (rule V31). They win over `variables`.
    pub secrets: Vec<(String, String)>,
    /// The trigger whose variables and options the build has; one of a specification (`kind: pipeline`).
    pub trigger: Option<String>,
    /// The branch of the build, where not that of the source.
    pub branch: Option<String>,
    /// The commit of the build, where not that of the source.
    pub revision: Option<String>,
    /// Run these steps only; all where there are none (rule S12).
    pub only: Vec<String>,
    /// Leave these steps out (rule S12).
    pub skip: Vec<String>,
    /// Approvals that are answered with yes.
    pub approve: Vec<String>,
    /// Approvals that are answered with no.
    pub deny: Vec<String>,
    /// Who is asked for an approval that is not answered beforehand; where there is nobody, the build stops there and waits.
    pub approver: Option<Arc<dyn Approver>>,
    /// Steps before whose commands a shell is opened for the person at `console`.
    pub shell_at: Vec<String>,
    /// Open such a shell after a step that has failed, where its volume, files and environment are as it left them.
    pub shell_on_failure: bool,
    /// Who sits there; without one no shell is opened.
    pub console: Option<Arc<dyn Console>>,
    /// What is noted on the build from its beginning: names, of letters, digits and `_`, and texts.
    pub annotations: Vec<(String, String)>,
    /// Start at a step, from what an earlier build has left.
    pub from: Option<FromStep>,
    /// Leave out what cannot run here, and what refers to it, instead of refusing the pipeline.
    pub skip_unsupported: bool,
    /// The source of the build, where not the work tree or directory of the pipeline file.
    pub source: Option<PathBuf>,
    /// The user's home directory, which is never a source.
    pub home: Option<PathBuf>,
    /// What stands for an image: name or glob, and target; the first that fits counts.
    pub images: Vec<(String, String)>,
    /// The pipeline's name, where not the path of its file.
    pub pipeline: Option<String>,
    /// Use the volume of this name.
    pub volume: Option<String>,
    /// Start with an empty volume (rule L12).
    pub reset_volume: bool,
    /// Clone only what git tracks.
    pub source_tracked_only: bool,
    /// Clone the revision that a step asks for, not the working tree.
    pub strict_revision: bool,
    /// Hosts that git-clone steps may reach.
    pub allow_clone: Vec<String>,
    /// Hosts and directories that clones come from at all, by the word of the host's owner; any where `None`.
    pub clone_hosts: Option<Vec<String>>,
    /// Names of git integrations, and the prefix of addresses that each stands for.
    pub git_prefixes: Vec<(String, String)>,
    /// What git-clone steps without credentials of their own show to hosts. It is masked like a secret.
    pub git_credentials: GitCredentials,
    /// When the volume is saved.
    pub save_volume: SaveVolume,
    /// What the build starts from while another build of its volume runs.
    pub concurrent_volume: ConcurrentVolume,
    /// Use a folder of the host as the volume; nothing is archived then.
    pub local_volume: Option<LocalVolume>,
    /// Do not use what is compiled already (rule L13).
    pub no_cache: bool,
    /// What steps, the build and the host may use.
    pub limits: Limits,
    /// For tests: the point in saving or restoring at which the process that is there kills itself.
    pub kill_at: Option<String>,
    /// Who starts the build; empty where unknown.
    pub initiator: String,
    /// How long a second of waiting between attempts takes, in seconds: 1, but for tests.
    pub pace: f64,
    /// What time it is.
    pub clock: fn() -> SystemTime,
    /// Speak https without its encryption.
    #[cfg(test)]
    pub(crate) plain_https: bool,
    /// What the toolbox lacks; asked when nobody provides an image.
    pub toolbox: ToolboxCheck,
}

impl BuildRequest {
    /// A build of a pipeline, everything else as it is where nobody says anything.
    #[must_use]
    pub fn new(pipeline_file: PathBuf, pipeline_text: String, toolbox: ToolboxCheck) -> Self {
        Self {
            pipeline_file,
            pipeline_text,
            reader: Reader::here(),
            variables: vec![],
            secrets: vec![],
            trigger: None,
            branch: None,
            revision: None,
            only: vec![],
            skip: vec![],
            approve: vec![],
            deny: vec![],
            approver: None,
            shell_at: vec![],
            shell_on_failure: false,
            console: None,
            annotations: vec![],
            from: None,
            skip_unsupported: false,
            source: None,
            home: None,
            images: vec![],
            pipeline: None,
            volume: None,
            reset_volume: false,
            source_tracked_only: false,
            strict_revision: false,
            allow_clone: vec![],
            clone_hosts: None,
            git_prefixes: vec![],
            git_credentials: GitCredentials::default(),
            save_volume: SaveVolume::default(),
            concurrent_volume: ConcurrentVolume::default(),
            local_volume: None,
            no_cache: false,
            limits: Limits::default(),
            kill_at: None,
            initiator: String::new(),
            pace: 1.0,
            clock: SystemTime::now,
            #[cfg(test)]
            plain_https: false,
            toolbox,
        }
    }
}
