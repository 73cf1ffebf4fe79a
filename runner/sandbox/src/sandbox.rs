use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use cap_std::fs::Dir;
use stepbox_codegen::{EngineLimits, compile, engine, load};
use stepbox_limits::{Budget, Limit, Limits};
use stepbox_system::VirtualPath;
use wasmtime::{Engine, InstancePre, Linker};
use wasmtime_wasi::I32Exit;

use crate::guest::{Guest, poll_oneoff};
use crate::{Commands, FileMount, FileTree, Image, Mount, Profile, Quota, SandboxError, preview1};

/// How often the engine looks whether a command is cancelled.
const TICK: Duration = Duration::from_millis(10);

/// Whose preview 1 guests are given.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum WasiHost {
    /// Our own.
    #[default]
    Own,
    /// wasmtime's, to compare with: every mount by its name, no links that are absolute or leave a mount.
    Stock,
}

/// Commands of a build that live at once, at most: the slots of the pool (DESIGN 3.13).
const SLOTS: u64 = 256;

/// What all steps of a build share: the image and, from the first command on, the engine.
pub struct Sandbox {
    limits: Limits,
    /// How much one command may compute, in units of about an instruction.
    fuel: Option<u64>,
    wasi: WasiHost,
    image: Arc<Image>,
    /// Made at the first external command: a build of built-ins alone never pays for it.
    running: OnceLock<Result<Running, String>>,
    making: Mutex<()>,
    pub(crate) live: AtomicUsize,
    /// Memory of all commands together.
    pub(crate) memory: Arc<Budget>,
    pub(crate) instantiated: AtomicU64,
}

pub(crate) struct Running {
    pub(crate) engine: Engine,
    linker: Linker<Guest>,
    /// The image's modules, each loaded when the first command of it runs.
    modules: Vec<Module>,
}

/// A module of the image, by whoever needs it first.
#[derive(Default)]
struct Module {
    loaded: OnceLock<Result<Loaded, String>>,
    loading: Mutex<()>,
}

/// A module that is ready to run.
pub(crate) struct Loaded {
    pub(crate) module: InstancePre<Guest>,
    /// Whether the module goes to `PWD` by itself (the marker of the guest SDK).
    pub(crate) changes_directory: bool,
}

/// The export by which a module tells that it does so.
const MARKER: &str = "stepbox_guest_v1";

impl Sandbox {
    /// A sandbox for the commands of `image`.
    pub fn new(image: Image, limits: Limits) -> Arc<Self> {
        Self::with_wasi(image, limits, None, WasiHost::Own)
    }

    /// The same with a choice of preview 1 and a bound on what one command may compute, in units of about an instruction. Without a
    /// bound code is faster, and need not be compiled anew.
    pub fn with_wasi(image: Image, limits: Limits, fuel: Option<u64>, wasi: WasiHost) -> Arc<Self> {
        Arc::new(Self {
            limits,
            fuel,
            wasi,
            image: Arc::new(image),
            running: OnceLock::new(),
            making: Mutex::new(()),
            live: AtomicUsize::new(0),
            memory: Arc::new(Budget::new(limits.setting(Limit::BuildMemory))),
            instantiated: AtomicU64::new(0),
        })
    }

    /// The limits of the build.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How much one command may compute.
    pub(crate) fn fuel(&self) -> Option<u64> {
        self.fuel
    }

    /// How many commands may live at once.
    pub(crate) fn slots(&self) -> usize {
        self.limits.get(Limit::Threads).min(SLOTS) as usize
    }

    /// Whose preview 1 guests are given.
    pub(crate) fn wasi(&self) -> WasiHost {
        self.wasi
    }

    /// The tree of a step: a private root, the volume at `/codefresh/volume`, what else is mounted, and single files over
    /// entries of all these. With root and volume goes how much may be added there.
    pub fn tree(
        &self,
        (root, root_quota): (Dir, Quota),
        (volume, quota): (Dir, Quota),
        others: Vec<Mount>,
        files: Vec<FileMount>,
    ) -> Result<Arc<FileTree>, SandboxError> {
        let at = |path: &str| {
            VirtualPath::new(path).map_err(|_| SandboxError::Io {
                what: "a mount point is not a path",
                source: std::io::ErrorKind::InvalidInput.into(),
            })
        };
        let mut mounts = vec![
            Mount { at: at("/")?, directory: root, writable: true, quota: root_quota },
            Mount { at: at("/codefresh/volume")?, directory: volume, writable: true, quota },
        ];
        mounts.extend(others);
        Ok(FileTree::with_files(mounts, files, Arc::clone(&self.image)))
    }

    /// The tree of a single module: what is mounted, and nothing else.
    pub fn bare_tree(&self, mounts: Vec<Mount>) -> Arc<FileTree> {
        FileTree::new(mounts, Arc::new(Image::empty()))
    }

    /// The commands of the image on a tree.
    pub fn commands(self: &Arc<Self>, tree: Arc<FileTree>, profile: Profile) -> Arc<Commands> {
        self.commands_within(tree, profile, self.limits)
    }

    /// The same within limits of their own, none of which is above the build's.
    pub fn commands_within(self: &Arc<Self>, tree: Arc<FileTree>, profile: Profile, limits: Limits) -> Arc<Commands> {
        Arc::new(Commands::new(Arc::clone(self), tree, Arc::clone(&self.image), profile, limits))
    }

    /// How many modules were instantiated in this build.
    pub fn instantiated(&self) -> u64 {
        self.instantiated.load(Ordering::Relaxed)
    }

    /// The engine; made by whoever asks first.
    pub(crate) fn running(&self) -> Result<&Running, &str> {
        once(&self.running, &self.making, || self.start())
    }

    /// A module of the image, ready to run.
    pub(crate) fn loaded(&self, index: usize) -> Result<(&Running, &Loaded), &str> {
        let running = self.running()?;
        let Some(module) = running.modules.get(index) else { return Err("the image has no such module") };
        let loaded = once(&module.loaded, &module.loading, || self.load(running, index))?;
        Ok((running, loaded))
    }

    fn start(&self) -> Result<Running, SandboxError> {
        let limits = EngineLimits {
            instances: self.slots() as u32,
            memory: self.limits.get(Limit::Memory),
            table_elements: self.limits.count(Limit::Table),
            stack: self.limits.count(Limit::Stack),
            fuel: self.fuel.is_some(),
        };
        let (engine, _) = engine(&limits)?;
        let linker = linker(&engine, self.wasi).map_err(|error| SandboxError::Linker(format!("{error:#}")))?;
        start_ticker(&engine)?;
        Ok(Running { engine, linker, modules: self.image.modules.iter().map(|_| Module::default()).collect() })
    }

    fn load(&self, running: &Running, index: usize) -> Result<Loaded, SandboxError> {
        let source = &self.image.modules[index];
        let compiled = source.compiled.lock().unwrap_or_else(PoisonError::into_inner).take();
        let compiled = match compiled.map(|open| open()) {
            Some(Ok(file)) => Some(file),
            Some(Err(source)) => return Err(SandboxError::Io { what: "cannot open the compiled toolbox", source }),
            None => None,
        };
        let module = match compiled.map(|file| load(&running.engine, file)) {
            Some(Ok(module)) => module,
            // Another processor or page size than the build assumed: slower, and right.
            _ => {
                let wasm = (source.wasm)().map_err(|source| SandboxError::Io { what: "the image's module", source })?;
                compile(&running.engine, &wasm)?
            }
        };
        let changes_directory = module.get_export(MARKER).is_some();
        let module =
            running.linker.instantiate_pre(&module).map_err(|error| SandboxError::Linker(format!("{error:#}")))?;
        Ok(Loaded { module, changes_directory })
    }
}

/// What is made once, by whoever asks first; the others wait for it.
fn once<'a, T>(
    place: &'a OnceLock<Result<T, String>>,
    making: &Mutex<()>,
    make: impl FnOnce() -> Result<T, SandboxError>,
) -> Result<&'a T, &'a str> {
    if place.get().is_none() {
        let _one = making.lock().unwrap_or_else(PoisonError::into_inner);
        place.get_or_init(|| make().map_err(|error| error.to_string()));
    }
    match place.get() {
        Some(Ok(made)) => Ok(made),
        Some(Err(message)) => Err(message),
        None => Err("the engine is not there"),
    }
}

/// Preview 1 as guests get it.
fn linker(engine: &Engine, wasi: WasiHost) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    preview1::add_to_linker(&mut linker)?;
    if wasi == WasiHost::Stock {
        linker.allow_shadowing(true);
        wasmtime_wasi::p1::add_to_linker_sync(&mut linker, |guest: &mut Guest| {
            guest.stock.as_mut().expect("made for every guest of this linker")
        })?;
        // The stock one takes statuses from 126 on for errors.
        linker.func_wrap("wasi_snapshot_preview1", "proc_exit", |status: i32| -> wasmtime::Result<()> {
            Err(I32Exit(status & 0xff).into())
        })?;
        linker.func_wrap("wasi_snapshot_preview1", "poll_oneoff", poll_oneoff)?;
    }
    Ok(linker)
}

/// Moves the engine's clock until the engine is gone.
fn start_ticker(engine: &Engine) -> Result<(), SandboxError> {
    let engine = engine.weak();
    let ticker = move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    };
    match std::thread::Builder::new().name("epoch".to_owned()).spawn(ticker) {
        Ok(_) => Ok(()),
        Err(source) => Err(SandboxError::Io { what: "cannot start the engine's clock", source }),
    }
}
