//! One module alone: its mounts, its descriptors, and nothing around it.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use stepbox_limits::{Budget, Limit, Limits};
use stepbox_lockdown::{Lockdown, Wall};
use stepbox_sandbox::{Commands, Image, Mount, Profile, Quota, Sandbox, WasiHost};
use stepbox_system::{OpenFile, Process, ProcessTable, SpawnRequest, Vfs, VirtualPath, error_text};

use crate::WorkerError;
use crate::programs::STACK;
use crate::session::{SessionMount, SessionSignals, access, directory, duplicate, lock, standard_files};

/// How a component begins; a module has another version.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// What a module is run with.
#[derive(Debug)]
pub struct ExecSetup {
    /// The module: wasm, or its text.
    pub module: Vec<u8>,
    /// Its arguments, the name first.
    pub arguments: Vec<Vec<u8>>,
    /// The directories that it is given, by the names that it knows them by.
    pub mounts: Vec<SessionMount>,
    /// Its whole environment.
    pub environment: Vec<(Vec<u8>, Vec<u8>)>,
    /// The working directory: an absolute path inside.
    pub cwd: Option<Vec<u8>>,
    /// Standard input, output and error.
    pub standard: [Option<OwnedFd>; 3],
    /// Bounds.
    pub limits: Limits,
    /// How much it may compute.
    pub fuel: Option<u64>,
    /// Whose preview 1 it is given.
    pub wasi: WasiHost,
    /// Whether the process locks itself ([`stepbox_lockdown`]).
    pub lockdown: bool,
}

/// A module that is about to run.
pub struct Exec {
    wall: Option<Wall>,
    sandbox: Arc<Sandbox>,
    commands: Arc<Commands>,
    request: SpawnRequest,
    process: Process,
    signals: SessionSignals,
}

impl Exec {
    /// Makes everything ready, and locks the process where that is wanted.
    ///
    /// # Errors
    /// [`WorkerError::Lockdown`] where it cannot be locked, as when it has threads already;
    /// [`WorkerError::Session`] where a path is none or the module is a component; [`WorkerError::Io`] where a descriptor cannot be used.
    pub fn new(setup: ExecSetup) -> Result<Self, WorkerError> {
        let wrong = |path: &[u8], why: String| WorkerError::Session {
            message: format!("`{}`: {why}", String::from_utf8_lossy(path)),
        };
        if setup.module.starts_with(COMPONENT) {
            let name = setup.arguments.first().map(Vec::as_slice).unwrap_or_default();
            return Err(wrong(name, "a component (WASI 0.2); only modules (WASI preview 1) can run yet".to_owned()));
        }
        let path = |bytes: &[u8]| -> Result<VirtualPath, WorkerError> {
            let path = VirtualPath::new(bytes).map_err(|error| wrong(bytes, error.to_string()))?;
            Ok(path.normalized())
        };
        let mut mounts = vec![];
        let mut reachable = vec![];
        for mount in setup.mounts {
            reachable.push((duplicate(&mount.directory)?, access(mount.writable)));
            mounts.push(Mount {
                at: path(&mount.at)?,
                directory: directory(mount.directory),
                writable: mount.writable,
                quota: Quota::default(),
            });
        }
        let sandbox = Sandbox::with_wasi(Image::of_module(setup.module), setup.limits, setup.fuel, setup.wasi);
        let tree = sandbox.bare_tree(mounts);
        let cwd = setup.cwd.as_deref().map(path).transpose()?;
        if let (Some(cwd), Some(given)) = (&cwd, &setup.cwd) {
            match tree.metadata(cwd, true) {
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Err(wrong(given, "Not a directory".to_owned())),
                Err(error) => return Err(wrong(given, error_text(&error))),
            }
        }
        let processes = ProcessTable::within(
            setup.limits.setting(Limit::Commands),
            Arc::new(Budget::new(setup.limits.setting(Limit::Threads))),
        );
        let everything = stepbox_system::CancelToken::new();
        let process =
            processes.start(0, &everything).map_err(|error| WorkerError::Session { message: error.to_string() })?;
        let files: BTreeMap<u32, OpenFile> = standard_files(setup.standard)?;
        let request = SpawnRequest {
            argv: setup.arguments,
            env: setup.environment,
            cwd: cwd.clone().unwrap_or_else(VirtualPath::root),
            umask: 0o022,
            files,
            cancel: process.cancel().clone(),
            process: process.id(),
            depth: 0,
        };
        let commands = sandbox.commands(tree, Profile::Exec { cwd });
        let signals = SessionSignals::new(process.id(), processes, everything);
        let wall = match (setup.lockdown, setup.wasi) {
            (false, _) => None,
            (true, WasiHost::Own) => Some(lock(Lockdown::new(), &reachable)?),
            // It opens its mounts by `/proc/self/fd`.
            (true, WasiHost::Stock) => Some(lock(Lockdown::new().inspectable(), &reachable)?),
        };
        Ok(Self { wall, sandbox, commands, request, process, signals })
    }

    /// What the kernel keeps the process from; `None` where it is not locked.
    pub fn wall(&self) -> Option<Wall> {
        self.wall
    }

    /// For whoever hears signals meanwhile.
    pub fn signals(&self) -> SessionSignals {
        self.signals.clone()
    }

    /// Runs the module to its end: its status, and how many modules were instantiated.
    ///
    /// # Errors
    /// [`WorkerError::Io`] where no thread can be started.
    pub fn run(self) -> Result<(u8, u64), WorkerError> {
        let Self { wall: _, sandbox, commands, request, process, signals } = self;
        let thread = std::thread::Builder::new()
            .name("module".to_owned())
            .stack_size(STACK)
            .spawn(move || commands.run_module(request))
            .map_err(|source| WorkerError::Io { what: "cannot start a thread", source })?;
        let status = thread.join();
        drop(process);
        signals.end();
        match status {
            Ok(status) => Ok((status.code(), sandbox.instantiated())),
            Err(_) => Err(WorkerError::Session { message: "the sandbox failed inside".to_owned() }),
        }
    }
}
