//! `stepbox run`.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use stepbox_engine::{
    BuildEvent, BuildRequest, BuildResult, Builds, ConcurrentVolume, Console, Directories, EngineError,
    EngineErrorKind, FromStep, GitCredentials, Interrupt, LocalVolume, Lockdown, MissingCommand, Outcome, Reader,
    SaveVolume, Shell, VolumeOutcome, WorkerLaunch, io_text, parse_assignment, read_variable_file,
};

use crate::arguments::{Output, RunArguments, ShownArguments, WallArguments, WhenToSave, WhileInUse};
use crate::error::{CliError, colors};
use crate::project::ProjectFile;
use crate::results::Results;
use crate::shell_console::ShellConsole;
use crate::text::{Amount, Text};
use crate::{configuration, environment, exit_code, grants, json, plan, policy, reader, secrets, terminal, worker};

/// Where a pipeline is looked for, in this order.
const DEFAULT_FILES: [&str; 2] = ["codefresh.yml", ".codefresh/codefresh.yml"];

/// How large a pipeline or variable file may be, in bytes.
pub(crate) const MAX_FILE: u64 = 4 << 20;

/// What is to be built, as files and environment say it, and what else the project's own file asks for.
pub(crate) fn request(
    file: Option<&Path>,
    images: &[String],
    reader: Reader,
) -> Result<(BuildRequest, ProjectFile), CliError> {
    let file = pipeline_file(file)?;
    let text = read_file(&file, "the pipeline")?;
    let project = ProjectFile::of(&file, &reader)?;
    let mut request = BuildRequest::new(file, text, missing_commands);
    request.reader = reader;
    request.home = environment::home();
    for image in images {
        match image.split_once('=') {
            Some((name, target)) if !name.is_empty() && !target.is_empty() => {
                request.images.push((name.to_owned(), target.to_owned()));
            }
            _ => {
                let message = format!("`--image {image}` does not say what stands for the image");
                return Err(CliError::usage(message).hint("write `--image NAME=toolbox`"));
            }
        }
    }
    request.images.extend(project.project.images.clone());
    Ok((request, project))
}

/// What is said of the volume.
fn volume_options(request: &mut BuildRequest, arguments: &RunArguments) {
    request.volume.clone_from(&arguments.volume);
    request.reset_volume = arguments.reset_volume;
    request.no_cache = arguments.no_cache;
    request.save_volume = match arguments.save_volume {
        WhenToSave::Always => SaveVolume::Always,
        WhenToSave::Success => SaveVolume::Success,
        WhenToSave::Never => SaveVolume::Never,
    };
    request.concurrent_volume = match arguments.concurrent_volume {
        WhileInUse::Latest => ConcurrentVolume::Latest,
        WhileInUse::Empty => ConcurrentVolume::Empty,
    };
    request.local_volume =
        arguments.local_volume.clone().map(|path| path.map_or(LocalVolume::OfPipeline, LocalVolume::At));
}

/// Runs the pipeline, once or once per set of variables; the exit status.
pub(crate) fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    let variables = assignments("-v", &arguments.variables)?;
    let secrets = arguments.secrets.iter().map(|text| secrets::read(text)).collect::<Result<Vec<_>, _>>()?;
    let reader = reader::start(arguments.wall, arguments.shown.in_process)?;
    let made = request(arguments.pipeline_file.as_deref(), &arguments.images, reader);
    let (mut request, project) = made.map_err(|error| {
        let meant_folder = arguments.local_volume == Some(None);
        let no_file = arguments.pipeline_file.as_ref().is_some_and(|path| !path.is_file());
        if meant_folder && no_file {
            error.hint("to name the folder of the volume, write `--local-volume=DIR`")
        } else {
            error
        }
    })?;
    let user = configuration::user()?;
    request.secrets = secrets;
    request.trigger.clone_from(&arguments.trigger);
    request.branch.clone_from(&arguments.branch);
    request.revision.clone_from(&arguments.sha);
    request.only.clone_from(&arguments.only);
    request.skip.clone_from(&arguments.skip);
    request.approve.clone_from(&arguments.approve);
    request.deny.clone_from(&arguments.deny);
    request.annotations = assignments("-a", &arguments.annotations)?;
    request.approver = terminal::approver();
    request.shell_at.clone_from(&arguments.shell_at);
    request.shell_on_failure = arguments.shell_on_failure;
    let console = shell_console(arguments)?;
    request.console = console.clone().map(|console| Arc::new(console) as Arc<dyn Console>);
    request.skip_unsupported = arguments.skip_unsupported;
    for (flag, why) in arguments.meaningless.given().into_iter().filter(|_| !arguments.shown.quiet) {
        eprintln!("note: `{flag}` has no meaning here: {why}");
    }
    request.source.clone_from(&arguments.source);
    request.pipeline = arguments.pipeline.clone().or_else(environment::pipeline).or(user.pipeline.clone());
    volume_options(&mut request, arguments);
    request.source_tracked_only = arguments.source_tracked_only;
    request.strict_revision = arguments.strict_revision;
    request.allow_clone = arguments.allow_clone.iter().chain(&user.allow_clone).cloned().collect();
    request.git_prefixes = user.git.clone().into_iter().collect();
    request.git_credentials = git_credentials()?;
    let policy = policy::read(arguments.limits.policy.as_deref())?;
    grants::settle(&mut request, arguments, &project, &user, &policy)?;
    request.kill_at = environment::test_kill_at();
    request.initiator = environment::user();

    // What is passed on from the environment; `-v` wins over it.
    let passed = std::mem::take(&mut request.variables);
    let directories = directories()?;
    if let Some(step) = &arguments.from {
        let build = arguments.from_build.as_ref();
        let build = build.map(|build| Builds::open(&directories)?.find(build)).transpose()?;
        request.from = Some(FromStep { step: step.clone(), build });
    }
    if arguments.dry_run {
        for from_file in variable_sets(arguments.variable_file.as_deref(), &request.reader)? {
            request.variables = from_file.into_iter().chain(passed.iter().chain(&variables).cloned()).collect();
            plan::dry_run(&directories, &request, arguments.shown.output)?;
        }
        return Ok(exit_code::SUCCESS);
    }
    let launch = launch(arguments.shown.in_process, arguments.wall)?;
    let interrupt = watch_signals(console)?;

    let builds = variable_sets(arguments.variable_file.as_deref(), &request.reader)?;
    let mut status = exit_code::SUCCESS;
    let count = builds.len();
    for (number, from_file) in builds.into_iter().enumerate() {
        if interrupt.count() > 0 {
            return Ok(exit_code::TERMINATED);
        }
        if count > 1 && arguments.shown.output == Output::Text && !arguments.shown.quiet {
            eprintln!("{}build {} of {count}", if number > 0 { "\n" } else { "" }, number + 1);
        }
        let mut request = request.clone();
        // What is given on the command line wins over the file.
        request.variables = from_file.into_iter().chain(passed.iter().chain(&variables).cloned()).collect();
        let one = Shown::new(&arguments.shown).build(arguments.require_all, |show| {
            stepbox_engine::run(&directories, &launch, &request, &interrupt, show)
        })?;
        // Rule S8: with several builds, the maximum counts.
        status = exit_code::worse(status, one);
    }
    Ok(status)
}

/// How a build is shown.
pub(crate) struct Shown<'a> {
    arguments: &'a ShownArguments,
    text: Option<Text>,
    results: Results,
}

impl<'a> Shown<'a> {
    pub(crate) fn new(arguments: &'a ShownArguments) -> Self {
        let amount = match (arguments.quiet, arguments.verbose) {
            (true, _) => Amount::Quiet,
            (_, true) => Amount::Verbose,
            _ => Amount::Normal,
        };
        let text = (arguments.output == Output::Text).then(|| Text::new(amount, colors()));
        Self { arguments, text, results: Results::default() }
    }

    /// Shows a build while it runs; the exit status.
    pub(crate) fn build(
        self,
        require_all: bool,
        run: impl FnOnce(&mut dyn FnMut(&BuildEvent)) -> Result<Outcome, EngineError>,
    ) -> Result<u8, CliError> {
        let Self { arguments, mut text, mut results } = self;
        let mut show = |event: &BuildEvent| match &mut text {
            Some(text) => text.show(event),
            None => json::print(event, &mut results),
        };
        let outcome = run(&mut show).map_err(hinted)?;
        if let Some(text) = &mut text {
            text.summary(&outcome);
        }
        let mut status = status(&outcome, arguments.require_save);
        if require_all && status == exit_code::SUCCESS && outcome.steps.iter().any(|step| step.unsupported) {
            status = exit_code::BUILD_FAILED;
        }
        if let Err(error) = text.as_ref().map_or(&results, Text::results).check() {
            error.print();
            return Ok(if status == exit_code::SUCCESS { error.status() } else { status });
        }
        Ok(status)
    }
}

/// Says what one can do where only the program knows it.
fn hinted(mut error: EngineError) -> EngineError {
    if error.hints.is_empty() {
        match error.kind {
            EngineErrorKind::State => {
                error
                    .hints
                    .push("name another state directory with the environment variable `STEPBOX_HOME`".to_owned());
            }
            EngineErrorKind::Restore => {
                error.hints.push("nothing is lost: once the cause is mended, run the build again".to_owned());
            }
            _ => {}
        }
    }
    error
}

fn status(outcome: &Outcome, require_save: bool) -> u8 {
    match outcome.result {
        BuildResult::Terminated => exit_code::TERMINATED,
        BuildResult::PendingApproval => exit_code::WAITING,
        _ if require_save && matches!(outcome.volume, VolumeOutcome::NotSaved { .. }) => exit_code::STEPBOX_FAILED,
        BuildResult::Failure => exit_code::BUILD_FAILED,
        BuildResult::Success => exit_code::SUCCESS,
    }
}

/// They, and what they stand for.
const SHORTS: [(&str, &str); 5] = [
    ("-rv", "--reset-volume"),
    ("-lv", "--local-volume"),
    ("-nc", "--no-cache"),
    ("-ncfc", "--no-cf-cache"),
    ("-en", "--enable-notifications"),
];

/// The two-letter shorts that Codefresh's own command line has; clap knows only shorts of one letter.
pub(crate) fn rewrite_shorts(arguments: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.collect();
    if arguments.get(1).is_some_and(|command| command == "run") {
        for argument in arguments.iter_mut().skip(2) {
            if argument == "--" {
                break;
            }
            let Some(text) = argument.to_str() else { continue };
            let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
            if let Some((_, long)) = SHORTS.iter().find(|(short, _)| *short == name) {
                *argument = value.map_or_else(|| (*long).to_owned(), |value| format!("{long}={value}")).into();
            }
        }
    }
    arguments
}

pub(crate) fn pipeline_file(given: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(path) = given {
        return Ok(path.to_owned());
    }
    match DEFAULT_FILES.into_iter().map(Path::new).find(|path| path.is_file()) {
        Some(path) => Ok(path.to_owned()),
        None => {
            let message =
                format!("there is no pipeline here: neither `{}` nor `{}` exists", DEFAULT_FILES[0], DEFAULT_FILES[1]);
            Err(CliError::usage(message).hint("name the file: `stepbox run path/to/codefresh.yml`"))
        }
    }
}

pub(crate) fn read_file(path: &Path, what: &str) -> Result<String, CliError> {
    let shown = path.display();
    let metadata = std::fs::metadata(path).map_err(|error| cannot_read(path, what, &error))?;
    if metadata.is_dir() {
        return Err(CliError::usage(format!("cannot read {what}: `{shown}` is a directory"))
            .hint(format!("name the file, such as `{}`", path.join(DEFAULT_FILES[0]).display())));
    }
    if metadata.len() > MAX_FILE {
        return Err(CliError::usage(format!("cannot read {what}: `{shown}` is larger than {MAX_FILE} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| cannot_read(path, what, &error))?;
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        CliError::usage(format!("cannot read {what}: `{shown}` is not UTF-8 text (line {line})"))
    })
}

pub(crate) fn cannot_read(path: &Path, what: &str, error: &std::io::Error) -> CliError {
    CliError::usage(format!("cannot read {what} `{}`: {}", path.display(), io_text(error)))
}

/// What `-v` gives.
pub(crate) fn assignments(flag: &str, given: &[String]) -> Result<Vec<(String, String)>, CliError> {
    let one = |text: &String| {
        parse_assignment(text).map_err(|error| {
            CliError::usage(error.to_string()).hint(format!("`{text}` was given; write `{flag} NAME=VALUE`"))
        })
    };
    given.iter().map(one).collect()
}

/// The builds to run, each with its variables.
fn variable_sets(file: Option<&Path>, reader: &Reader) -> Result<Vec<Vec<(String, String)>>, CliError> {
    let Some(path) = file else { return Ok(vec![vec![]]) };
    let text = read_file(path, "the variables")?;
    match read_variable_file(reader.document(&text).map_err(reader::failed)?) {
        Ok(builds) if builds.is_empty() => {
            Err(CliError::usage(format!("`{}` holds no set of variables", path.display())))
        }
        Ok(builds) => Ok(builds),
        Err(problems) => Err(CliError::Variables { path: path.display().to_string(), text, problems }),
    }
}

/// What git-clone steps show to hosts: what the environment says, then the user's file.
pub(crate) fn git_credentials() -> Result<GitCredentials, CliError> {
    let mut credentials = match environment::git_credentials() {
        Some((what, text)) => match text.to_str() {
            Some(text) => GitCredentials::parse(text, &what)?,
            None => return Err(CliError::usage(format!("{what} is not UTF-8 text"))),
        },
        None => GitCredentials::default(),
    };
    if let Some(path) = environment::git_credentials_file() {
        credentials.extend(GitCredentials::read(&path)?);
    }
    Ok(credentials)
}

/// Where state and compiled modules live.
pub(crate) fn directories() -> Result<Directories, CliError> {
    match environment::state() {
        Some(state) => Ok(Directories { state, cache: environment::cache() }),
        None => Err(CliError::host("there is no place for state: neither STEPBOX_HOME nor HOME is set")
            .hint("set STEPBOX_HOME to a directory of your own")),
    }
}

/// How workers are started.
pub(crate) fn launch(in_process: bool, wall: WallArguments) -> Result<WorkerLaunch, CliError> {
    if in_process {
        return Ok(WorkerLaunch::InProcess(worker::serve_here));
    }
    let program =
        std::env::current_exe().map_err(|error| CliError::host(format!("cannot find the program itself: {error}")))?;
    let lockdown = match wall {
        WallArguments { no_lockdown: true, .. } => Lockdown::Off,
        WallArguments { require_lockdown: true, .. } => Lockdown::Required,
        WallArguments { .. } => Lockdown::On,
    };
    Ok(WorkerLaunch::Process { program, arguments: vec!["__worker".into()], lockdown })
}

/// The terminal for the shells that are asked for.
fn shell_console(arguments: &RunArguments) -> Result<Option<ShellConsole>, CliError> {
    let flag = match (arguments.shell_at.first(), arguments.shell_on_failure) {
        (Some(step), _) => format!("--shell-at {step}"),
        (None, true) => "--shell-on-failure".to_owned(),
        (None, false) => return Ok(None),
    };
    if arguments.shown.output != Output::Text {
        let error =
            CliError::usage(format!("`{flag}` opens a shell for a person, and `--output json` is for programs"));
        return Err(error.hint("leave one of them out"));
    }
    let missing = [
        ("standard input", std::io::stdin().is_terminal()),
        ("standard output", std::io::stdout().is_terminal()),
        ("standard error", std::io::stderr().is_terminal()),
    ]
    .into_iter()
    .find(|(_, there)| !there);
    match missing {
        None => Ok(Some(ShellConsole::new())),
        Some((what, _)) => Err(CliError::usage(format!("`{flag}` needs a terminal, and {what} is none"))
            .hint("run it at a terminal, without redirections")
            .hint(
                "to look at what a build has left: `stepbox volume ls`, and `stepbox volume restore` into a directory",
            )),
    }
}

/// Ctrl-C and its like end the build in order; a second one kills the worker. In a shell of the build Ctrl-C is for what it
/// executes.
pub(crate) fn watch_signals(console: Option<ShellConsole>) -> Result<Interrupt, CliError> {
    let interrupt = Interrupt::new();
    let theirs = interrupt.clone();
    let signals = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];
    let mut signals = signal_hook::iterator::Signals::new(signals)
        .map_err(|error| CliError::host(format!("cannot watch for signals: {error}")))?;
    let taken =
        move |signal| signal == signal_hook::consts::SIGINT && console.as_ref().is_some_and(ShellConsole::interrupt);
    let watch = move || signals.forever().filter(|signal| !taken(*signal)).for_each(|_| theirs.trigger());
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)
        .map_err(|error| CliError::host(format!("cannot start a thread: {error}")))?;
    Ok(interrupt)
}

/// What of a script's commands the toolbox lacks.
pub(crate) fn missing_commands(script: &[u8], shell: Shell) -> Result<Vec<MissingCommand>, String> {
    let mode = match shell {
        Shell::Sh => stepbox_worker::Mode::Sh,
        Shell::Bash => stepbox_worker::Mode::Bash,
    };
    let commands = stepbox_worker::commands_of(script, mode).map_err(|error| error.to_string())?;
    // A path may be a file that an earlier command makes.
    let missing = commands.into_iter().filter(|one| !one.name.contains('/') && !stepbox_worker::provides(&one.name));
    Ok(missing.map(|one| MissingCommand { name: one.name, line: one.line as usize }).collect())
}
