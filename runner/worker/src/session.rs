//! A shell for a person and for test suites: a step's tree, environment and commands without a build around them.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use cap_std::fs::Dir;
use stepbox_limits::{Budget, Limit, Limits};
use stepbox_lockdown::{Access, Lockdown, Wall};
use stepbox_sandbox::{Mount, Profile, Quota};
use stepbox_shell::{Foreground, LineEditor, Mode, Shell, ShellConfig, ShellOptions, run_command_line};
use stepbox_system::{
    CancelToken, ExitStatus, OpenFile, Process, ProcessTable, Signal, Spawner, Vfs, VirtualPath, error_text,
};

use crate::WorkerError;
use crate::commands::VOLUME;
use crate::host_stream::HostStream;
use crate::programs::{Programs, STACK};
use crate::step::{PATIENCE, find_toolbox, private_root, sandbox, standard_environment};

/// A directory of the host that the shell sees.
#[derive(Debug)]
pub struct SessionMount {
    /// Where: an absolute path inside.
    pub at: Vec<u8>,
    /// What.
    pub directory: OwnedFd,
    /// Whether the shell may write there.
    pub writable: bool,
}

/// What a session begins with.
#[derive(Debug)]
pub struct SessionSetup {
    /// An empty directory for what is written outside the mounts. Whoever made it removes it.
    pub scratch: OwnedFd,
    /// The directory in which that is, from which the process can remove empty directories also when it is locked.
    pub scratch_parent: OwnedFd,
    /// Whether the process locks itself ([`stepbox_lockdown`]).
    pub lockdown: bool,
    /// What is mounted; one at `/codefresh/volume` is the volume.
    pub mounts: Vec<SessionMount>,
    /// The directory of compiled modules, which only its owner can write; without one they are unpacked into memory.
    pub modules: Option<OwnedFd>,
    /// Standard input, output and error.
    pub standard: [Option<OwnedFd>; 3],
    /// Variables beside those that every step has.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The working directory, as seen inside.
    pub cwd: Vec<u8>,
    /// Which shell.
    pub mode: Mode,
    /// Bounds.
    pub limits: Limits,
}

/// A shell that is about to run.
pub struct Session {
    wall: Option<Wall>,
    config: ShellConfig,
    processes: Arc<ProcessTable>,
    everything: CancelToken,
    foreground: Foreground,
}

/// Sends signals to a session from outside, as a terminal does.
#[derive(Clone)]
pub struct SessionSignals {
    shell: u32,
    processes: Arc<ProcessTable>,
    everything: CancelToken,
    foreground: Foreground,
}

impl SessionSignals {
    pub(crate) fn new(shell: u32, processes: Arc<ProcessTable>, everything: CancelToken) -> Self {
        Self { shell, processes, everything, foreground: Foreground::default() }
    }

    /// Sends a signal of the terminal to what an interactive shell is executing; false where that is nothing.
    pub fn send_to_foreground(&self, number: u8) -> bool {
        match (self.foreground.process(), Signal::from_number(number)) {
            (Some(process), Some(signal)) => self.processes.signal(process, signal),
            _ => false,
        }
    }

    /// Sends a signal to the shell; one that has no number of ours ends everything.
    pub fn send(&self, number: u8) {
        match Signal::from_number(number) {
            Some(signal) => drop(self.processes.signal(self.shell, signal)),
            None => self.end(),
        }
    }

    /// Ends the shell and whatever it has started.
    pub fn end(&self) {
        self.everything.cancel(Signal::Kill);
    }
}

impl Session {
    /// Makes everything ready, and locks the process where that is wanted.
    ///
    /// # Errors
    /// [`WorkerError::Lockdown`] where it cannot be locked, as when it has threads already; [`WorkerError::Io`] where the private root cannot be made; [`WorkerError::Session`] where a path is none.
    pub fn new(setup: SessionSetup) -> Result<Self, WorkerError> {
        let io = |what| move |source| WorkerError::Io { what, source };
        let wrong = |path: &[u8], why: String| WorkerError::Session {
            message: format!("`{}`: {why}", String::from_utf8_lossy(path)),
        };
        let scratch = directory(setup.scratch);
        private_root(&scratch).map_err(io("cannot make the shell's private files"))?;
        let mut volume = None;
        let mut mounts = vec![];
        let mut reachable = vec![];
        for mount in setup.mounts {
            reachable.push((duplicate(&mount.directory)?, access(mount.writable)));
            let path = VirtualPath::new(mount.at.clone()).map_err(|error| wrong(&mount.at, error.to_string()))?;
            let at = path.normalized();
            // A place in the private root, so that it is listed.
            let place = at.as_bytes().strip_prefix(b"/").unwrap_or_default();
            if place.is_empty() {
                return Err(wrong(&mount.at, "nothing can be mounted there".to_owned()));
            }
            scratch
                .create_dir_all(<std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(place))
                .map_err(|error| wrong(&mount.at, error_text(&error)))?;
            if at.as_bytes() == VOLUME.as_bytes() && mount.writable {
                volume = Some(directory(mount.directory));
            } else {
                let quota = Quota::default();
                mounts.push(Mount { at, directory: directory(mount.directory), writable: mount.writable, quota });
            }
        }
        let volume = match volume {
            Some(volume) => volume,
            None => scratch.open_dir(VOLUME.trim_start_matches('/')).map_err(io("cannot open the volume"))?,
        };
        let modules = setup.modules.map(directory);
        let toolbox = find_toolbox(modules.as_ref());
        let wall = match setup.lockdown {
            true => {
                reachable.push((duplicate(&scratch)?, Access::Write));
                reachable.push((setup.scratch_parent, Access::RemoveDirectories));
                // A damaged module goes.
                reachable.extend(modules.map(|modules| (modules.into_std_file().into(), Access::RemoveFiles)));
                Some(lock(Lockdown::new(), &reachable)?)
            }
            false => None,
        };
        let sandbox = sandbox(toolbox, &setup.limits);
        let tree = sandbox
            .tree((scratch, Quota::default()), (volume, Quota::default()), mounts, vec![])
            .map_err(|error| WorkerError::Session { message: error.to_string() })?;
        let vfs: Arc<dyn Vfs> = tree.clone();
        let processes = ProcessTable::within(
            setup.limits.setting(Limit::Commands),
            Arc::new(Budget::new(setup.limits.setting(Limit::Threads))),
        );
        let commands = sandbox.commands(tree, Profile::Step);
        let programs =
            Programs::new(Arc::clone(&commands) as Arc<dyn Spawner>, Arc::clone(&vfs), Arc::clone(&processes));
        commands.let_start_others(programs.as_spawner(), Arc::clone(&processes));
        let cwd =
            VirtualPath::new(setup.cwd.clone()).map_err(|error| wrong(&setup.cwd, error.to_string()))?.normalized();
        match vfs.metadata(&cwd, true) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(wrong(&setup.cwd, "Not a directory".to_owned())),
            Err(error) => return Err(wrong(&setup.cwd, error_text(&error))),
        }
        let everything = CancelToken::new();
        let process: Process =
            processes.start(0, &everything).map_err(|error| WorkerError::Session { message: error.to_string() })?;
        let files = standard_files(setup.standard)?;
        let config = ShellConfig {
            mode: setup.mode,
            name: match setup.mode {
                Mode::Sh => b"sh".to_vec(),
                Mode::Bash => b"bash".to_vec(),
            },
            arguments: vec![],
            environment: standard_environment(setup.environment),
            cwd,
            umask: 0o022,
            files,
            vfs,
            spawner: programs,
            process,
            limits: stepbox_shell::Limits::default(),
            options: ShellOptions::default(),
            depth: 0,
        };
        Ok(Self { wall, config, processes, everything, foreground: Foreground::default() })
    }

    /// What the kernel keeps the process from; `None` where it is not locked.
    pub fn wall(&self) -> Option<Wall> {
        self.wall
    }

    /// For whoever hears signals meanwhile.
    pub fn signals(&self) -> SessionSignals {
        SessionSignals {
            shell: self.config.process.id(),
            processes: Arc::clone(&self.processes),
            everything: self.everything.clone(),
            foreground: self.foreground.clone(),
        }
    }

    /// Runs `sh` with these words (its name not among them) to its end; its status. What it has left in the background ends with
    /// it, as the commands of a step do.
    ///
    /// # Errors
    /// [`WorkerError::Io`] where no thread can be started.
    pub fn run(self, arguments: Vec<Vec<u8>>) -> Result<u8, WorkerError> {
        self.run_by(move |config, _| run_command_line(&arguments, config))
    }

    /// Runs the lines that a person types; the status of the shell.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub fn run_prompt(self, mut editor: impl LineEditor + Send + 'static) -> Result<u8, WorkerError> {
        self.run_by(move |config, foreground| Shell::new(config).run_prompt(&mut editor, foreground))
    }

    fn run_by(
        self,
        work: impl FnOnce(ShellConfig, &Foreground) -> ExitStatus + Send + 'static,
    ) -> Result<u8, WorkerError> {
        let Self { wall: _, config, processes, everything, foreground } = self;
        let thread = std::thread::Builder::new()
            .name("shell".to_owned())
            .stack_size(STACK)
            .spawn(move || work(config, &foreground))
            .map_err(|source| WorkerError::Io { what: "cannot start a thread", source })?;
        let status = thread.join();
        everything.cancel(Signal::Kill);
        if !processes.wait_until_empty(PATIENCE) {
            return Err(WorkerError::Session { message: "commands of the shell did not end when told to".to_owned() });
        }
        status.map(ExitStatus::code).map_err(|_| WorkerError::Session { message: "the shell failed inside".to_owned() })
    }
}

/// Locks the process: what it reaches of the host from now on are these directories.
pub(crate) fn lock<'a>(mut lockdown: Lockdown<'a>, reachable: &'a [(OwnedFd, Access)]) -> Result<Wall, WorkerError> {
    stepbox_sandbox::prepare();
    for (directory, access) in reachable {
        lockdown = lockdown.allow(directory, *access);
    }
    Ok(lockdown.process()?)
}

/// What is allowed in a mount.
pub(crate) fn access(writable: bool) -> Access {
    if writable { Access::Write } else { Access::Read }
}

pub(crate) fn duplicate(handle: &impl AsFd) -> Result<OwnedFd, WorkerError> {
    let what = "cannot duplicate a handle";
    handle.as_fd().try_clone_to_owned().map_err(|source| WorkerError::Io { what, source })
}

/// The caller's standard descriptors, by number.
pub(crate) fn standard_files(standard: [Option<OwnedFd>; 3]) -> Result<BTreeMap<u32, OpenFile>, WorkerError> {
    let mut files = BTreeMap::new();
    for (number, descriptor) in (0..).zip(standard) {
        if let Some(descriptor) = descriptor {
            let stream = HostStream::new(descriptor)
                .map_err(|source| WorkerError::Io { what: "cannot use a standard descriptor", source })?;
            files.insert(number, OpenFile::new(stream));
        }
    }
    Ok(files)
}

pub(crate) fn directory(handle: OwnedFd) -> Dir {
    Dir::from_std_file(File::from(handle))
}
