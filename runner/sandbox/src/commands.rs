use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use stepbox_limits::{Limit, Limits};
use stepbox_system::{
    CancelToken, ExitStatus, OpenFile, ProcessTable, Program, Resolution, SpawnRequest, Spawner, VirtualPath,
};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{FsPerms, I32Exit, ResourceTableError, WasiCtxBuilder, WasiView};

use crate::guest::{Guest, Input, Limiter, Monotonic, Output, Stopped, stopped};
use crate::preview1::{Family, Host};
use crate::trapped::Ended;
use crate::{FileTree, Image, Profile, Sandbox, WasiHost};

/// Starts the image's commands for one step.
pub struct Commands {
    sandbox: Arc<Sandbox>,
    tree: Arc<FileTree>,
    image: Arc<Image>,
    profile: Profile,
    limits: Limits,
    /// With what commands start others, once it is known.
    family: OnceLock<Family>,
    modules: AtomicU64,
}

impl Commands {
    pub(crate) fn new(
        sandbox: Arc<Sandbox>,
        tree: Arc<FileTree>,
        image: Arc<Image>,
        profile: Profile,
        limits: Limits,
    ) -> Self {
        Self { sandbox, tree, image, profile, limits, family: OnceLock::new(), modules: AtomicU64::new(0) }
    }

    /// How many modules were instantiated for this step.
    pub fn modules(&self) -> u64 {
        self.modules.load(Ordering::Relaxed)
    }

    /// Lets commands start others (`stepbox_process_v1`): by `spawner`, as processes of `processes`. Once only; without it such calls
    /// are not supported.
    pub fn let_start_others(&self, spawner: Weak<dyn Spawner>, processes: Arc<ProcessTable>) {
        let _ = self.family.set(Family { spawner, processes });
    }

    /// Runs the image's first module as it was called, whatever its name: for images of one module that is no set of commands.
    pub fn run_module(&self, request: SpawnRequest) -> ExitStatus {
        self.run_of(0, request)
    }

    /// Runs a module of the image.
    fn run_of(&self, module: usize, request: SpawnRequest) -> ExitStatus {
        self.start(module, request).unwrap_or_else(|refused| {
            refused.stderr.say(&refused.message);
            ExitStatus::NOT_EXECUTABLE
        })
    }

    fn start(&self, module: usize, mut request: SpawnRequest) -> Result<ExitStatus, Refused> {
        let stderr = Stderr { file: request.files.get(&2).cloned(), cancel: request.cancel.clone() };
        let refused = |message: String| Refused { message, stderr: stderr.clone() };
        let (running, loaded) = self.sandbox.loaded(module).map_err(|message| refused(message.to_owned()))?;
        let limits = &self.limits;
        let name = request.argv.first().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();

        // A command that waits for a slot could wait for its own ancestor; it fails instead.
        let live = self.sandbox.live.fetch_add(1, Ordering::AcqRel);
        let _slot = Slot(&self.sandbox);
        let commands = self.sandbox.slots();
        if live >= commands {
            return Err(refused(format!("{name}: Resource temporarily unavailable: {commands} commands run already")));
        }

        let clock = Monotonic::start();
        let cwd = request.cwd.clone();
        request.env.retain(|(name, _)| name != b"PWD");
        if let Some(told) = self.profile.told_directory(&cwd) {
            request.env.push((b"PWD".to_vec(), told));
        }
        let stock = match self.sandbox.wasi() {
            WasiHost::Own => None,
            WasiHost::Stock => Some(self.stock(&request, clock).map_err(|error| refused(format!("{name}: {error}")))?),
        };
        let cancel = request.cancel.clone();
        let mut host = Host::new(
            Arc::clone(&self.tree),
            &mut request,
            limits.count(Limit::OpenFiles),
            clock,
            self.family.get().cloned(),
        );
        if stock.is_none() {
            self.profile.open(&mut host, &self.tree, &cwd, loaded.changes_directory);
        }
        let guest = Guest {
            host,
            stock,
            memory: None,
            limiter: Limiter::new(*limits, Arc::clone(&self.sandbox.memory)),
            cancel,
            clock,
        };
        let mut store = Store::new(&running.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_epoch_deadline(1);
        let fuel = self.sandbox.fuel();
        if let Some(fuel) = fuel {
            store.set_fuel(fuel).map_err(|error| Refused { message: error.to_string(), stderr: stderr.clone() })?;
        }
        store.epoch_deadline_callback(|context| {
            let cancel = &context.data().cancel;
            if cancel.is_cancelled() { Err(stopped(cancel)) } else { Ok(UpdateDeadline::Continue(1)) }
        });

        self.modules.fetch_add(1, Ordering::Relaxed);
        self.sandbox.instantiated.fetch_add(1, Ordering::Relaxed);
        let ended = loaded.module.instantiate(&mut store).and_then(|instance| {
            store.data_mut().memory = instance.get_memory(&mut store, "memory");
            let start = instance.get_typed_func::<(), ()>(&mut store, "_start")?;
            start.call(&mut store, ())
        });
        match ended {
            Ok(()) => Ok(ExitStatus::SUCCESS),
            Err(error) => Ok(status(&error, &name, store.data(), limits, fuel, &stderr)),
        }
    }

    /// The context of wasmtime's own preview 1.
    fn stock(&self, request: &SpawnRequest, clock: Monotonic) -> Result<WasiP1Ctx, String> {
        let mut builder = WasiCtxBuilder::new();
        // First, since every directory copies it.
        builder.allow_blocking_current_thread(true);
        builder.monotonic_clock(clock);
        for argument in &request.argv {
            builder.arg(String::from_utf8_lossy(argument));
        }
        for (name, value) in &request.env {
            builder.env(String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        }
        let output = |number: u32| Output { file: request.files.get(&number).cloned(), cancel: request.cancel.clone() };
        builder.stdin(Input { file: request.files.get(&0).cloned(), cancel: request.cancel.clone() });
        builder.stdout(output(1)).stderr(output(2));
        for (inside, writable, directory) in self.tree.mounts() {
            let permissions = if writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            let handle = format!("/proc/self/fd/{}", directory.as_raw_fd());
            builder
                .preopened_dir(handle, inside.to_string(), permissions)
                .map_err(|error| format!("{inside}: {error}"))?;
        }
        let mut wasi = builder.build_p1();
        // More would use up what the worker has for all commands of the build.
        wasi.ctx().table.set_max_capacity(self.limits.count(Limit::OpenFiles));
        Ok(wasi)
    }
}

/// A command that does not start: why, and where to say so.
struct Refused {
    message: String,
    stderr: Stderr,
}

/// Where a command's own messages go.
#[derive(Clone)]
struct Stderr {
    file: Option<OpenFile>,
    cancel: CancelToken,
}

impl Stderr {
    fn say(&self, message: &str) {
        if let Some(file) = self.file.as_ref().filter(|_| !self.cancel.is_cancelled()) {
            // Nobody is left to tell where standard error fails.
            let _ = file.write_all(format!("stepbox: {message}\n").as_bytes(), &self.cancel);
        }
    }
}

/// Counts a command out when it ends.
struct Slot<'a>(&'a Sandbox);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The status of a guest that did not return from its `_start`; says why where it was not its own will.
fn status(
    error: &wasmtime::Error,
    name: &str,
    guest: &Guest,
    limits: &Limits,
    fuel: Option<u64>,
    stderr: &Stderr,
) -> ExitStatus {
    let open_files = guest.host.met_open_files() || matches!(error.downcast_ref(), Some(ResourceTableError::Full));
    let limit = match (guest.limiter.met(), error.downcast_ref()) {
        (Some(setting), _) => Some(setting.words()),
        (None, Some(Trap::StackOverflow)) => Some(limits.setting(Limit::Stack).words()),
        (None, Some(Trap::OutOfFuel)) => fuel.map(|fuel| format!("the limit of {fuel} units of fuel")),
        (None, _) if open_files => Some(limits.setting(Limit::OpenFiles).words()),
        (None, _) => None,
    };
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        if let Some(limit) = limit.filter(|_| *status != 0) {
            stderr.say(&format!("{name}: stopped at {limit}"));
        }
        return ExitStatus::new((*status & 0xff) as u8);
    }
    if let Some(Stopped(signal)) = error.downcast_ref::<Stopped>() {
        return ExitStatus::of_signal(*signal);
    }
    // A wait that was broken off may surface as another error; the token knows.
    if let Some(signal) = stderr.cancel.cancelled() {
        return ExitStatus::of_signal(signal);
    }
    let ended = Ended::of(error);
    match limit {
        Some(limit) if matches!(error.downcast_ref(), Some(Trap::StackOverflow)) => {
            stderr.say(&format!("{name}: stopped: {ended}: {limit}"));
        }
        Some(limit) => stderr.say(&format!("{name}: stopped at {limit}")),
        None => stderr.say(&format!("{name}: stopped: {ended}")),
    }
    ended.status()
}

impl Spawner for Commands {
    fn resolve(&self, name: &[u8], search_path: &[u8], cwd: &VirtualPath) -> Resolution {
        let found = |path: &VirtualPath| {
            let path = path.normalized();
            let (_, module) = self.image.command_at(&path)?;
            Some(Resolution::Found(Program { path, token: module as u64 }))
        };
        if name.contains(&b'/') {
            return cwd.join(name).ok().and_then(|path| found(&path)).unwrap_or(Resolution::NotFound(None));
        }
        search_path
            .split(|byte| *byte == b':')
            .filter_map(|directory| cwd.join(directory).and_then(|directory| directory.join(name)).ok())
            .find_map(|path| found(&path))
            .unwrap_or(Resolution::NotFound(None))
    }

    fn run(&self, program: &Program, mut request: SpawnRequest) -> ExitStatus {
        // The module chooses its command by this name; what the caller has called it does not count.
        if let (Some(first), Some(name)) = (request.argv.first_mut(), program.path.file_name()) {
            *first = name.to_vec();
        }
        self.run_of(usize::try_from(program.token).unwrap_or(usize::MAX), request)
    }
}
