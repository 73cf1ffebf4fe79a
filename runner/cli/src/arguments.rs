//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use stepbox_engine::Limit;

/// Runs Codefresh pipelines without Docker.
#[derive(Debug, Parser)]
#[command(
    name = "stepbox",
    version,
    about = "Runs Codefresh pipelines without Docker: steps as WebAssembly, one volume kept from build to build",
    after_help = "Exit status: 0 the build succeeded, 1 it failed, 2 wrong usage or invalid pipeline, 3 the build was terminated, 4 Stepbox itself failed, 5 the build waits for an approval"
)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a pipeline
    Run(Box<RunArguments>),
    /// Go on with a build that waits for an approval: yes
    Approve(AnswerArguments),
    /// Go on with a build that waits for an approval: no
    Deny(AnswerArguments),
    /// Check pipelines against the rules of the format
    Validate(ValidateArguments),
    /// Show the steps of a pipeline as they would run
    Plan(PlanArguments),
    /// Say which steps of a pipeline can run here, and what the others need
    Check(CheckArguments),
    /// Say what a condition comes to: `true` or `false`
    Eval(EvalArguments),
    /// Run the shell of a step: commands, a script, or what standard input holds
    Sh(ShArguments),
    /// List the commands that every step can use, or say how one is called
    Tools(ToolsArguments),
    /// Run one WASI module alone
    Exec(ExecArguments),
    /// Let a project have what its `stepbox.yaml` asks for, until that changes
    Trust(TrustArguments),
    /// Print a JSON Schema of pipelines, for editors
    Schema,
    /// Look at the volumes that builds have left
    Volume(VolumeArguments),
    /// Look at builds that ran here
    #[command(subcommand)]
    Builds(BuildsCommand),
    /// The other side of `run`; the socket to it is the standard input
    #[command(name = "__worker", hide = true)]
    Worker,
}

/// Arguments of `stepbox tools`.
#[derive(Args, Debug)]
pub(crate) struct ToolsArguments {
    /// The command of which the help is printed
    pub(crate) name: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox sh`.
#[derive(Args, Debug)]
#[command(override_usage = "stepbox sh [OPTIONS] [-c COMMANDS | FILE | -] [ARGS…]")]
pub(crate) struct ShArguments {
    /// Read scripts as bash does
    #[arg(long)]
    pub(crate) bash: bool,
    /// The image whose commands there are [default: the toolbox]
    #[arg(long, value_name = "NAME")]
    pub(crate) image: Option<String>,
    /// A directory that the shell sees, and where; with `:ro` it cannot be written; may be given again [default: the current
    /// directory at /codefresh/volume]
    #[arg(long = "mount", value_name = "HOST::GUEST[:ro]")]
    pub(crate) mounts: Vec<OsString>,
    /// The working directory, as seen inside [default: where the first mount is]
    #[arg(short = 'C', value_name = "DIR")]
    pub(crate) directory: Option<PathBuf>,
    /// Set a variable of the shell's environment; NAME alone hands on the value that it has here; may be given again
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<OsString>,
    /// The second wall
    #[command(flatten)]
    pub(crate) wall: WallArguments,
    /// What is limited, and by whom
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
    /// What is run, as `sh` takes it: options, `-c COMMANDS`, or a FILE inside; then its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Arguments of `stepbox exec`.
#[derive(Args, Debug)]
#[command(override_usage = "stepbox exec [OPTIONS] MODULE [--] [ARGS…]")]
pub(crate) struct ExecArguments {
    /// A directory that the module is given, and by which name; with `:ro` it cannot be written; may be given again [default: none]
    #[arg(long = "mount", value_name = "HOST::GUEST[:ro]")]
    pub(crate) mounts: Vec<OsString>,
    /// Set a variable of the module's environment, which is empty otherwise; NAME alone hands on the value that it has here; may be
    /// given again
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) environment: Vec<OsString>,
    /// The working directory: an absolute path as the module sees it; it is given as `.` and named in PWD
    #[arg(long, value_name = "DIR")]
    pub(crate) cwd: Option<OsString>,
    /// What is limited, and by whom
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
    /// How much the module may compute, in units of about an instruction [default: no bound]
    #[arg(long, value_name = "N")]
    pub(crate) fuel: Option<u64>,
    /// Whose WASI preview 1 it is given
    #[arg(long, value_enum, value_name = "WHOSE", default_value_t = Wasi::Own)]
    pub(crate) wasi: Wasi,
    /// Write there how it ended, as JSON: `status`, and `modules`, how many were started
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// The second wall
    #[command(flatten)]
    pub(crate) wall: WallArguments,
    /// The module, in its binary form
    #[arg(value_name = "MODULE")]
    pub(crate) module: PathBuf,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub(crate) arguments: Vec<OsString>,
}

/// Whose WASI preview 1 a module is given.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Wasi {
    /// Stepbox's
    Own,
    /// That of wasmtime, to compare with
    Stock,
}

/// Arguments of `stepbox run`.
#[derive(Args, Debug)]
pub(crate) struct RunArguments {
    /// The pipeline file [default: `codefresh.yml`, then `.codefresh/codefresh.yml`]
    pub(crate) pipeline_file: Option<PathBuf>,
    /// Set a variable of the build; may be given again
    #[arg(short = 'v', long = "variable", visible_alias = "var", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// Set a secret variable, masked in all output and never recorded: NAME=VALUE, NAME@FILE for the contents of a file, or
    /// NAME alone for the value of that environment variable; may be given again
    #[arg(short = 'S', long = "secret", value_name = "NAME[=VALUE|@FILE]")]
    pub(crate) secrets: Vec<String>,
    /// Take variables from a YAML or JSON file: a map is one build, an array of maps one build per element
    #[arg(long = "var-file", visible_alias = "variable-file", value_name = "FILE")]
    pub(crate) variable_file: Option<PathBuf>,
    /// Say what stands for an image; NAME may be a glob, TARGET is `toolbox`; may be given again
    #[arg(long = "image", value_name = "NAME=TARGET")]
    pub(crate) images: Vec<String>,
    /// The pipeline's name; builds of one name share a volume [default: the file's path]
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// Use the volume of this name instead of the pipeline's
    #[arg(long, value_name = "NAME")]
    pub(crate) volume: Option<String>,
    /// Start with an empty volume
    #[arg(long)]
    pub(crate) reset_volume: bool,
    /// The trigger whose variables and options the build has, by its name or id; triggers stand in `kind: pipeline` files
    #[arg(short, long, value_name = "NAME")]
    pub(crate) trigger: Option<String>,
    /// Use a plain folder as the volume and keep it as the build leaves it; nothing is archived [default: one of Stepbox's own]
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true)]
    pub(crate) local_volume: Option<Option<PathBuf>>,
    /// When to save the volume; a build that is terminated never saves it
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = WhenToSave::Always)]
    pub(crate) save_volume: WhenToSave,
    /// What to start from while another build of the volume runs: its latest state, or nothing
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = WhileInUse::Latest)]
    pub(crate) concurrent_volume: WhileInUse,
    /// Use no cache of compiled modules
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// The branch of the build (`CF_BRANCH`), where not that of the source
    #[arg(short, long, value_name = "BRANCH")]
    pub(crate) branch: Option<String>,
    /// The commit of the build (`CF_REVISION`), where not that of the source
    #[arg(short, long, value_name = "COMMIT")]
    pub(crate) sha: Option<String>,
    /// Run this step only; may be given again, or several with commas between
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Leave this step out; may be given again, or several with commas between
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Note something on the build; may be given again
    #[arg(short, long = "annotation", value_name = "NAME=TEXT")]
    pub(crate) annotations: Vec<String>,
    /// Start at this step: with the volume, the variables and the results of the steps before it that an earlier build has left
    #[arg(long, value_name = "STEP", conflicts_with_all = ["dry_run", "reset_volume"])]
    pub(crate) from: Option<String>,
    /// The build to start from [default: the latest of the pipeline that has left its volume]
    #[arg(long, value_name = "BUILD", requires = "from")]
    pub(crate) from_build: Option<String>,
    /// Answer this approval with yes; may be given again, or several with commas between
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) approve: Vec<String>,
    /// Answer this approval with no; may be given again, or several with commas between
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) deny: Vec<String>,
    /// Open a shell before the commands of this step: in its place, with its files and environment; needs a terminal; may be
    /// given again, or several with commas between
    #[arg(long, value_name = "STEP", value_delimiter = ',')]
    pub(crate) shell_at: Vec<String>,
    /// Open a shell after a step that has failed, where everything is as it left it; needs a terminal
    #[arg(long)]
    pub(crate) shell_on_failure: bool,
    /// Memory that one command may use, in MiB
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(crate) memory: Option<u64>,
    /// The second wall
    #[command(flatten)]
    pub(crate) wall: WallArguments,
    /// Give the build this variable of the environment; may be given again
    #[arg(long = "env", value_name = "NAME")]
    pub(crate) environment: Vec<String>,
    /// What is limited, and by whom
    #[command(flatten)]
    pub(crate) limits: LimitArguments,
    /// Flags of the official command line that mean nothing here
    #[command(flatten)]
    pub(crate) meaningless: Meaningless,
    /// Leave out what cannot run here, and what refers to it, instead of refusing the pipeline
    #[arg(long)]
    pub(crate) skip_unsupported: bool,
    /// With `--skip-unsupported`: end with status 1 where something was left out
    #[arg(long)]
    pub(crate) require_all: bool,
    /// Show what would run, variables replaced as far as they are known, and run nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The directory that is cloned where the pipeline clones its own repository [default: the git work tree of the pipeline file]
    #[arg(long, value_name = "DIR")]
    pub(crate) source: Option<PathBuf>,
    /// Leave files of the source out that git does not track
    #[arg(long)]
    pub(crate) source_tracked_only: bool,
    /// Clone the revision that the step asks for, not the source's working tree as it is now
    #[arg(long)]
    pub(crate) strict_revision: bool,
    /// Let git-clone steps reach this host, or a repository below this directory; may be given again
    #[arg(long = "allow-clone", value_name = "HOST")]
    pub(crate) allow_clone: Vec<String>,
    /// How the build is shown
    #[command(flatten)]
    pub(crate) shown: ShownArguments,
}

/// Arguments of `stepbox trust`.
#[derive(Args, Debug)]
pub(crate) struct TrustArguments {
    /// The pipeline file beside which `stepbox.yaml` is [default: `codefresh.yml`, then `.codefresh/codefresh.yml`]
    pub(crate) pipeline_file: Option<PathBuf>,
    /// Trust it no longer
    #[arg(long)]
    pub(crate) remove: bool,
}

/// What is limited, and by whom.
#[derive(Args, Debug)]
pub(crate) struct LimitArguments {
    /// Set a limit, such as `memory=512MiB`; may be given again; `--help` lists all
    #[arg(long = "limit", value_name = "NAME=AMOUNT", long_help = limits_help())]
    pub(crate) limits: Vec<String>,
    /// A policy of the host's owner, beside /etc/stepbox/policy.yaml, which always counts
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
}

/// What `--limit` can set.
fn limits_help() -> String {
    format!(
        "Set a limit; may be given again. AMOUNT is a size (64KiB, 1.5GiB), a number, a time (90s, 10m, 2h) or `none`.\n\
         `stepbox.yaml` may ask for less, the owner of the host (/etc/stepbox/policy.yaml) has the last word.\n\n  \
         NAME          default   per      what\n{}",
        Limit::reference()
    )
}

/// How a build is shown, and what its status means.
#[derive(Args, Clone, Debug)]
pub(crate) struct ShownArguments {
    /// End with status 4 where the volume cannot be saved
    #[arg(long)]
    pub(crate) require_save: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// Print only what steps print, and errors
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Print more about what happens
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Run the worker inside this process; for tests
    #[arg(long, hide = true)]
    pub(crate) in_process: bool,
}

/// Arguments of `stepbox approve` and `stepbox deny`.
#[derive(Args, Debug)]
pub(crate) struct AnswerArguments {
    /// The build's name, its first digits, or `latest`
    pub(crate) build: String,
    /// The steps that are answered [default: the one for which the build waits]
    #[arg(value_name = "STEP")]
    pub(crate) steps: Vec<String>,
    /// Give a secret of the build again, which is recorded nowhere: NAME=VALUE, NAME@FILE for the contents of a file, or
    /// NAME alone for the value of that environment variable; may be given again
    #[arg(short = 'S', long = "secret", value_name = "NAME[=VALUE|@FILE]")]
    pub(crate) secrets: Vec<String>,
    /// The second wall
    #[command(flatten)]
    pub(crate) wall: WallArguments,
    /// A policy of the host's owner, beside /etc/stepbox/policy.yaml, which always counts
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// How the build is shown
    #[command(flatten)]
    pub(crate) shown: ShownArguments,
}

/// The second wall: what the kernel keeps a process from that touches foreign bytes.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct WallArguments {
    /// Do nothing where the kernel cannot lock what handles foreign bytes (Landlock, seccomp) [default: say so and go on]
    #[arg(long, conflicts_with = "no_lockdown")]
    pub(crate) require_lockdown: bool,
    /// Lock nothing, to look for faults of Stepbox
    #[arg(long)]
    pub(crate) no_lockdown: bool,
}

/// Arguments of `stepbox validate`.
#[derive(Args, Debug)]
pub(crate) struct ValidateArguments {
    /// The pipeline files; `-` is the standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// The second wall.
    #[command(flatten)]
    pub(crate) wall: WallArguments,
}

/// Arguments of `stepbox plan`.
#[derive(Args, Debug)]
pub(crate) struct PlanArguments {
    /// The pipeline file [default: `codefresh.yml`, then `.codefresh/codefresh.yml`]
    pub(crate) pipeline_file: Option<PathBuf>,
    /// Set a variable of the build; may be given again
    #[arg(short = 'v', long = "variable", visible_alias = "var", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = PlanOutput::Text)]
    pub(crate) output: PlanOutput,
    /// The second wall.
    #[command(flatten)]
    pub(crate) wall: WallArguments,
}

/// How to print a plan.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum PlanOutput {
    /// For people
    Text,
    /// One JSON document
    Json,
    /// A flow chart in Mermaid's language
    Mermaid,
}

/// Arguments of `stepbox check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArguments {
    /// The pipeline file [default: `codefresh.yml`, then `.codefresh/codefresh.yml`]
    pub(crate) pipeline_file: Option<PathBuf>,
    /// Set a variable of the build; may be given again
    #[arg(short = 'v', long = "variable", visible_alias = "var", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// Say what stands for an image; NAME may be a glob, TARGET is `toolbox`; may be given again
    #[arg(long = "image", value_name = "NAME=TARGET")]
    pub(crate) images: Vec<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
    /// The second wall.
    #[command(flatten)]
    pub(crate) wall: WallArguments,
}

/// Arguments of `stepbox eval`.
#[derive(Args, Debug)]
pub(crate) struct EvalArguments {
    /// The expression, as it stands in `when.condition`
    pub(crate) expression: String,
    /// Take variables from a JSON file: an object whose values are numbers, texts, booleans, null or objects
    #[arg(long, value_name = "FILE")]
    pub(crate) variables: Option<PathBuf>,
    /// Set a variable to a text; may be given again
    #[arg(short = 'v', long = "variable", visible_alias = "var", value_name = "NAME=VALUE")]
    pub(crate) texts: Vec<String>,
    /// Print the value itself
    #[arg(long)]
    pub(crate) value: bool,
    /// Evaluate as the official evaluator does: `replace` replaces once, `===` is no operator
    #[arg(long)]
    pub(crate) official: bool,
}

/// Flags of the official command line that mean nothing here. They are accepted, with a note.
#[derive(Args, Debug)]
pub(crate) struct Meaningless {
    #[arg(long, hide = true)]
    no_cf_cache: bool,
    #[arg(long, hide = true)]
    enable_notifications: bool,
    #[arg(long, hide = true)]
    local: bool,
    #[arg(long, hide = true, value_name = "MILLICORES")]
    cpu: Option<String>,
    #[arg(long, hide = true, value_name = "GIB")]
    disk: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    pack_name: Option<String>,
    #[arg(long, hide = true, value_name = "NAME")]
    runtime_name: Option<String>,
}

impl Meaningless {
    /// Those that were given, each with the reason why it means nothing.
    pub(crate) fn given(&self) -> Vec<(&'static str, &'static str)> {
        [
            (self.no_cf_cache, "--no-cf-cache", "there is no such cache here"),
            (self.enable_notifications, "--enable-notifications", "there is nobody to notify"),
            (self.local, "--local", "every build is local"),
            (self.cpu.is_some(), "--cpu", "all processors may be used"),
            (self.disk.is_some(), "--disk", "`--limit written=…` bounds what a step writes"),
            (self.pack_name.is_some(), "--pack-name", "this machine is as large as it is"),
            (self.runtime_name.is_some(), "--runtime-name", "builds run on this machine"),
        ]
        .into_iter()
        .filter_map(|(given, flag, why)| given.then_some((flag, why)))
        .collect()
    }
}

/// When to save the volume.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum WhenToSave {
    /// After success and after failure
    Always,
    /// After success only
    Success,
    /// Never: the store is only read
    Never,
}

/// What to start from while another build of the volume runs.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum WhileInUse {
    /// The latest snapshot, like every build
    Latest,
    /// Nothing
    Empty,
}

/// How to print.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Output {
    /// For people
    Text,
    /// One JSON document a line: an event of a build, or what is said of a file
    Json,
}

/// `stepbox builds …`
#[derive(Debug, Subcommand)]
pub(crate) enum BuildsCommand {
    /// List the builds, the newest first
    Ls(ListArguments),
    /// Show what a build was and what it came to
    Show(ShowArguments),
    /// Print what a build has told
    Logs(LogsArguments),
    /// Remove the record of a build
    Rm(BuildName),
}

/// Which builds.
#[derive(Args, Debug)]
pub(crate) struct ListArguments {
    /// Only those of this pipeline
    #[arg(long, value_name = "NAME")]
    pub(crate) pipeline: Option<String>,
    /// At most so many; 0 for all
    #[arg(short = 'n', long, default_value_t = 20, value_name = "COUNT")]
    pub(crate) limit: usize,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Which build.
#[derive(Args, Debug)]
pub(crate) struct BuildName {
    /// The build's name, its first digits, or `latest`
    pub(crate) build: String,
}

/// Arguments of `stepbox builds show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// The build's name, its first digits, or `latest`
    #[arg(default_value = "latest")]
    pub(crate) build: String,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox builds logs`.
#[derive(Args, Debug)]
pub(crate) struct LogsArguments {
    /// The build's name, its first digits, or `latest`
    #[arg(default_value = "latest")]
    pub(crate) build: String,
    /// Only what this step has printed
    #[arg(long, value_name = "STEP")]
    pub(crate) step: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox volume`.
#[derive(Args, Debug)]
pub(crate) struct VolumeArguments {
    /// The second wall.
    #[command(flatten)]
    pub(crate) wall: WallArguments,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: VolumeCommand,
}

/// `stepbox volume …`
#[derive(Debug, Subcommand)]
pub(crate) enum VolumeCommand {
    /// List the volumes
    Ls(VolumeList),
    /// Show a volume and its snapshots
    Show(VolumeName),
    /// List the snapshots of a volume, one a line
    Log(VolumeName),
    /// Say what a snapshot has differently from another one
    Diff(DiffArguments),
    /// Print a file of a snapshot
    Cat(CatArguments),
    /// Save a directory as the latest snapshot of a volume
    Save(DirectoryArguments),
    /// Restore a snapshot into a directory
    Restore(DirectoryArguments),
    /// Write a snapshot as one `tar.zst`
    Export(ExportArguments),
    /// Give a snapshot a name, which keeps it, or take the name away
    Tag(TagArguments),
    /// Remove a volume with all its snapshots
    Rm(VolumeName),
    /// Forget old snapshots and remove what nobody needs
    Gc(GcArguments),
    /// Look whether everything in the store is whole
    Verify(VerifyArguments),
    /// Show what takes the space: of all volumes, or of one snapshot
    Stats(StatsArguments),
}

/// How a list of volumes is printed.
#[derive(Args, Debug)]
pub(crate) struct VolumeList {
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Which volume.
#[derive(Args, Debug)]
pub(crate) struct VolumeName {
    /// The volume's name, as `stepbox volume ls` prints it, or the pipeline file that it belongs to
    pub(crate) name: String,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox volume diff`.
#[derive(Args, Debug)]
pub(crate) struct DiffArguments {
    /// The snapshot to compare with: VOLUME@WHICH
    #[arg(value_name = "BEFORE")]
    pub(crate) before: String,
    /// The snapshot that is compared [default: the latest of the same volume]
    #[arg(value_name = "AFTER")]
    pub(crate) after: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox volume cat`.
#[derive(Args, Debug)]
pub(crate) struct CatArguments {
    /// The snapshot: VOLUME for the latest, or VOLUME@WHICH, where WHICH is a tag, a build, a digest or `~N`
    pub(crate) snapshot: String,
    /// The file, from the volume on
    pub(crate) path: String,
}

/// Arguments of `stepbox volume save` and `stepbox volume restore`.
#[derive(Args, Debug)]
pub(crate) struct DirectoryArguments {
    /// The volume; `restore` takes VOLUME@WHICH too, where WHICH is a tag, a build, a digest or `~N`
    #[arg(long, value_name = "NAME")]
    pub(crate) volume: String,
    /// The directory
    pub(crate) directory: PathBuf,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox volume export`.
#[derive(Args, Debug)]
pub(crate) struct ExportArguments {
    /// The volume's name, as `stepbox volume ls` prints it, or the pipeline file that it belongs to; VOLUME@WHICH is an
    /// older snapshot
    pub(crate) name: String,
    /// The file to write, or a directory in which the file is named by its sha256
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

/// Arguments of `stepbox volume tag`.
#[derive(Args, Debug)]
pub(crate) struct TagArguments {
    /// The snapshot: VOLUME for the latest, or VOLUME@WHICH, where WHICH is a tag, a build, a digest or `~N`
    pub(crate) snapshot: String,
    /// The name
    pub(crate) tag: String,
    /// Take the name away; the snapshot stays as long as the volume's history has it
    #[arg(long)]
    pub(crate) delete: bool,
}

/// Arguments of `stepbox volume gc`.
#[derive(Args, Debug)]
pub(crate) struct GcArguments {
    /// How many snapshots of each volume stay
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keep_last: u64,
    /// Snapshots of the last so many days stay too
    #[arg(long, value_name = "DAYS")]
    pub(crate) keep_days: Option<u64>,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox volume verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArguments {
    /// Unpack every layer too, and compare it with what the snapshots say
    #[arg(long)]
    pub(crate) deep: bool,
    /// Put damaged blobs aside and go back to the newest snapshots that are whole
    #[arg(long)]
    pub(crate) repair: bool,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Arguments of `stepbox volume stats`.
#[derive(Args, Debug)]
pub(crate) struct StatsArguments {
    /// The snapshot: VOLUME for the latest, or VOLUME@WHICH, where WHICH is a tag, a build, a digest or `~N`
    pub(crate) snapshot: Option<String>,
    /// How to print
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}
