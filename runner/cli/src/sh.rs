//! `stepbox sh`: the shell of a step without a build around it.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode as FileMode, OFlags};
use signal_hook::iterator::Signals;
use stepbox_engine::modules_directory;
use stepbox_worker::{Mode, Session, SessionMount, SessionSetup, SessionSignals};

use crate::arguments::ShArguments;
use crate::error::CliError;
use crate::line_editor::Prompt;
use crate::{environment, limits, wall};

/// Where the volume is inside.
const VOLUME: &str = "/codefresh/volume";

/// Name and value.
pub(crate) type Variable = (Vec<u8>, Vec<u8>);

/// Runs the shell; its status is the program's.
pub(crate) fn run(arguments: &ShArguments) -> Result<u8, CliError> {
    if let Some(image) = &arguments.image {
        stepbox_engine::check_image(image)?;
    }
    let (mounts, cwd) = mounts(arguments)?;
    let scratch = tempfile::Builder::new()
        .prefix("stepbox-sh-")
        .tempdir()
        .map_err(|error| CliError::host(format!("cannot make a directory for the shell's private files: {error}")))?;
    let parent = scratch.path().parent().unwrap_or(Path::new("/"));
    let setup = SessionSetup {
        scratch: open(scratch.path())?,
        scratch_parent: open(parent)?,
        lockdown: !arguments.wall.no_lockdown,
        mounts,
        modules: environment::cache().and_then(|cache| modules_directory(&cache).ok()),
        standard: [
            rustix::io::dup(rustix::stdio::stdin()).ok(),
            rustix::io::dup(rustix::stdio::stdout()).ok(),
            rustix::io::dup(rustix::stdio::stderr()).ok(),
        ],
        environment: variables(&arguments.environment)?,
        cwd: cwd.into_vec(),
        mode: if arguments.bash { Mode::Bash } else { Mode::Sh },
        limits: limits::of_one(&arguments.limits)?,
    };
    let signals = signals()?;
    let session = Session::new(setup).map_err(failed)?;
    wall::check(arguments.wall, session.wall())?;
    let prompts = arguments.command.is_empty() && std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if prompts {
        let prompt = Prompt::default();
        watch(signals, session.signals(), Some(prompt.clone()))?;
        let status = session.run_prompt(prompt).map_err(failed);
        drop(scratch);
        return status;
    }
    watch(signals, session.signals(), None)?;
    let command = arguments.command.iter().map(|word| word.as_bytes().to_vec()).collect();
    let status = session.run(command).map_err(failed);
    // What a script leaves without permissions could not be removed otherwise; the directory is ours alone.
    drop(scratch);
    status
}

fn failed(error: stepbox_worker::WorkerError) -> CliError {
    CliError::host(format!("the shell cannot run: {error}"))
}

/// What is mounted, and the working directory inside.
fn mounts(arguments: &ShArguments) -> Result<(Vec<SessionMount>, OsString), CliError> {
    let mut mounts = vec![];
    let mut first = None;
    for text in &arguments.mounts {
        let (host, guest, writable) = mount(text)?;
        first.get_or_insert_with(|| guest.clone());
        mounts.push(SessionMount { at: guest.into_vec(), directory: open(&host)?, writable });
    }
    if mounts.is_empty() {
        mounts.push(SessionMount { at: VOLUME.into(), directory: open(&implicit_volume()?)?, writable: true });
    }
    let base = first.unwrap_or_else(|| VOLUME.into());
    let cwd = match &arguments.directory {
        Some(directory) => Path::new(&base).join(directory).into_os_string(),
        None => base,
    };
    Ok((mounts, cwd))
}

/// `HOST::GUEST[:ro]`.
pub(crate) fn mount(text: &OsStr) -> Result<(PathBuf, OsString, bool), CliError> {
    let wrong = || {
        CliError::usage(format!("`--mount {}` does not say what is mounted where", text.display())).hint(
            "write `--mount HOST::GUEST` with an absolute GUEST, and `:ro` behind it where nothing may be written",
        )
    };
    let bytes = text.as_bytes();
    let at = bytes.windows(2).position(|pair| pair == b"::").ok_or_else(wrong)?;
    let (host, guest) = (&bytes[..at], &bytes[at + 2..]);
    let (guest, writable) = match guest.strip_suffix(b":ro") {
        Some(guest) => (guest, false),
        None => (guest.strip_suffix(b":rw").unwrap_or(guest), true),
    };
    if host.is_empty() || guest.first() != Some(&b'/') {
        return Err(wrong());
    }
    Ok((OsStr::from_bytes(host).into(), OsStr::from_bytes(guest).to_owned(), writable))
}

/// The current directory, unless a script in it could reach everything that its user has.
fn implicit_volume() -> Result<PathBuf, CliError> {
    let here = std::env::current_dir()
        .and_then(|here| here.canonicalize())
        .map_err(|error| CliError::host(format!("there is no current directory: {error}")))?;
    let home = environment::home().map(|home| home.canonicalize().unwrap_or(home));
    let what = if here == Path::new("/") {
        "the root of the file system"
    } else if home.as_ref().is_some_and(|home| *home == here) {
        "your home directory"
    } else if home.is_some_and(|home| home.starts_with(&here)) {
        "above your home directory"
    } else {
        return Ok(here);
    };
    Err(CliError::usage(format!("the current directory is {what}, which is no volume for a shell"))
        .hint("go into a project's directory")
        .hint(format!("or say what the shell may see: `--mount HOST::{VOLUME}`")))
}

pub(crate) fn open(path: &Path) -> Result<OwnedFd, CliError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, FileMode::empty()).map_err(|error| {
        let error = std::io::Error::from(error);
        CliError::usage(format!("cannot use the directory `{}`: {}", path.display(), stepbox_engine::io_text(&error)))
    })
}

/// `NAME=VALUE`, or `NAME` for the value that the variable has out here.
pub(crate) fn variables(given: &[OsString]) -> Result<Vec<Variable>, CliError> {
    let one = |text: &OsString| {
        let bytes = text.as_bytes();
        let (name, value) = match bytes.iter().position(|byte| *byte == b'=') {
            Some(at) => (&bytes[..at], Some(bytes[at + 1..].to_vec())),
            None => (bytes, None),
        };
        if name.is_empty() {
            return Err(CliError::usage(format!("`--env {}` names no variable", text.display()))
                .hint("write `--env NAME=VALUE`, or `--env NAME` for the value that it has here"));
        }
        let value = match value {
            Some(value) => value,
            None => match environment::passed(OsStr::from_bytes(name)) {
                Some(value) => value.into_vec(),
                None => return Ok(None),
            },
        };
        Ok(Some((name.to_vec(), value)))
    };
    given.iter().filter_map(|text| one(text).transpose()).collect()
}

/// The signals that a session hears. Asked for before it locks the process, which can open no sockets afterwards.
pub(crate) fn signals() -> Result<Signals, CliError> {
    let known = [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP];
    Signals::new(known).map_err(|error| CliError::host(format!("cannot watch for signals: {error}")))
}

/// Hands signals on to the shell, which may have traps for them; the second of one kind ends it. At a prompt an interrupt is for
/// the command that runs.
pub(crate) fn watch(mut signals: Signals, session: SessionSignals, prompt: Option<Prompt>) -> Result<(), CliError> {
    let watch = move || {
        let mut seen = vec![];
        for signal in signals.forever() {
            if let Some(prompt) = prompt.as_ref().filter(|_| signal == signal_hook::consts::SIGINT) {
                if !session.send_to_foreground(u8::try_from(signal).unwrap_or_default()) {
                    prompt.interrupt();
                }
                continue;
            }
            if let Some(prompt) = &prompt {
                // It ends as at the end of its lines, with the terminal as it was.
                prompt.withdraw();
            }
            if seen.contains(&signal) {
                session.end();
            }
            seen.push(signal);
            session.send(u8::try_from(signal).unwrap_or_default());
        }
    };
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(watch)
        .map_err(|error| CliError::host(format!("cannot start a thread: {error}")))?;
    Ok(())
}
