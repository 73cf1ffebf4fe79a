use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use stepbox_system::{ExitStatus, OpenFile, Program, Resolution, SpawnRequest, Spawner, VirtualPath};
use wasmtime::{Store, Trap, UpdateDeadline};
use wasmtime_wasi::{FsPerms, I32Exit, ResourceTableError, WasiCtxBuilder, WasiView};

use crate::guest::{Guest, Input, Limiter, Monotonic, Output, Stopped, stopped};
use crate::{FileTree, Image, Sandbox, SandboxLimits};

/// The status of a command that did something forbidden to itself, as the kernel's `SIGABRT` would leave it.
const TRAPPED: u8 = 134;

/// Starts the image's commands for one step.
pub struct Commands {
    sandbox: Arc<Sandbox>,
    tree: Arc<FileTree>,
    image: Arc<Image>,
    modules: AtomicU64,
}

impl Commands {
    pub(crate) fn new(sandbox: Arc<Sandbox>, tree: Arc<FileTree>, image: Arc<Image>) -> Self {
        Self { sandbox, tree, image, modules: AtomicU64::new(0) }
    }

    /// How many modules were instantiated for this step.
    pub fn modules(&self) -> u64 {
        self.modules.load(Ordering::Relaxed)
    }

    fn start(&self, request: &SpawnRequest) -> Result<ExitStatus, String> {
        let running = self.sandbox.running().map_err(str::to_owned)?;
        let limits = self.sandbox.limits();
        let name = request.argv.first().map(|name| String::from_utf8_lossy(name).into_owned()).unwrap_or_default();

        // A command that waits for a slot could wait for its own ancestor; it fails instead.
        let live = self.sandbox.live.fetch_add(1, Ordering::AcqRel);
        let _slot = Slot(&self.sandbox);
        if live >= limits.commands as usize {
            return Err(format!("{name}: Resource temporarily unavailable: {} commands run already", limits.commands));
        }

        let clock = Monotonic::start();
        let mut builder = WasiCtxBuilder::new();
        // First, since every directory copies it.
        builder.allow_blocking_current_thread(true);
        builder.monotonic_clock(clock);
        for argument in &request.argv {
            builder.arg(String::from_utf8_lossy(argument));
        }
        for (name, value) in request.env.iter().filter(|(name, _)| name != b"PWD") {
            builder.env(String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        }
        builder.env("PWD", request.cwd.to_string());
        let output = |number: u32| Output { file: request.files.get(&number).cloned(), cancel: request.cancel.clone() };
        builder.stdin(Input { file: request.files.get(&0).cloned(), cancel: request.cancel.clone() });
        builder.stdout(output(1)).stderr(output(2));
        for (inside, handle, writable) in self.tree.preopens() {
            let permissions = if writable { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            builder
                .preopened_dir(handle, &inside, permissions)
                .map_err(|error| format!("{name}: {inside}: {error}"))?;
        }

        let mut wasi = builder.build_p1();
        // More would use up what the worker has for all commands of the build.
        wasi.ctx().table.set_max_capacity(limits.open_files);
        let guest = Guest {
            wasi,
            limiter: Limiter::new(limits.memory, limits.table_elements),
            cancel: request.cancel.clone(),
            clock,
        };
        let mut store = Store::new(&running.engine, guest);
        store.limiter(|guest| &mut guest.limiter);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|context| {
            let cancel = &context.data().cancel;
            if cancel.is_cancelled() { Err(stopped(cancel)) } else { Ok(UpdateDeadline::Continue(1)) }
        });

        self.modules.fetch_add(1, Ordering::Relaxed);
        self.sandbox.instantiated.fetch_add(1, Ordering::Relaxed);
        let ended = running
            .module
            .instantiate(&mut store)
            .and_then(|instance| instance.get_typed_func::<(), ()>(&mut store, "_start"))
            .and_then(|start| start.call(&mut store, ()));
        match ended {
            Ok(()) => Ok(ExitStatus::SUCCESS),
            Err(error) => Ok(status(&error, &name, store.data(), limits, request)),
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
    limits: &SandboxLimits,
    request: &SpawnRequest,
) -> ExitStatus {
    if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
        if *status != 0
            && let Some(limit) = guest.limiter.met()
        {
            say(request, &format!("{name}: stopped at {limit}"));
        }
        return ExitStatus::new((*status & 0xff) as u8);
    }
    if let Some(Stopped(signal)) = error.downcast_ref::<Stopped>() {
        return ExitStatus::of_signal(*signal);
    }
    // A wait that was broken off may surface as another error; the token knows.
    if let Some(signal) = request.cancel.cancelled() {
        return ExitStatus::of_signal(signal);
    }
    if let Some(ResourceTableError::Full) = error.downcast_ref() {
        say(request, &format!("{name}: stopped at the limit of {} open files for one command", limits.open_files));
        return ExitStatus::new(TRAPPED);
    }
    match (guest.limiter.met(), error.downcast_ref::<Trap>()) {
        (Some(limit), _) => say(request, &format!("{name}: stopped at {limit}")),
        (None, Some(Trap::StackOverflow)) => say(request, &format!("{name}: stopped: stack overflow")),
        // A panic of the guest, which has already said what it had to say.
        (None, Some(Trap::UnreachableCodeReached)) => say(request, &format!("{name}: stopped: aborted")),
        (None, Some(trap)) => say(request, &format!("{name}: stopped: {trap}")),
        (None, None) => say(request, &format!("{name}: stopped: {}", error.root_cause())),
    }
    ExitStatus::new(TRAPPED)
}

/// Tells on the command's own standard error.
fn say(request: &SpawnRequest, message: &str) {
    if let Some(err) = request.files.get(&2).filter(|_| !request.cancel.is_cancelled()) {
        // Nobody is left to tell where standard error fails.
        let _ = OpenFile::write_all(err, format!("stepbox: {message}\n").as_bytes(), &request.cancel);
    }
}

impl Spawner for Commands {
    fn resolve(&self, name: &[u8], search_path: &[u8], cwd: &VirtualPath) -> Resolution {
        let found = |path: &VirtualPath| {
            let path = path.normalized();
            self.image.command_at(&path).map(|_| Resolution::Found(Program { path, token: 0 }))
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
        match self.start(&request) {
            Ok(status) => status,
            Err(message) => {
                say(&request, &message);
                ExitStatus::NOT_EXECUTABLE
            }
        }
    }
}
