use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use stepbox_limits::{Budget, Limit, Limits};
use stepbox_lockdown::{Access, Lockdown};
use stepbox_protocol::{
    Added, BlobDigest, Connection, Event, Failure, FailureKind, PackReport, PackRequest, Request, Sender, Setup,
    StagedFile, StepEnd, StepId, StepReport, StepRequest, VERSION, Wall,
};
use stepbox_sandbox::Sandbox;
use stepbox_system::{CancelToken, Signal};
use stepbox_volume::{
    Basis, FaultyFs, HostFs, KnownTree, PackOptions, StoreFs, UnpackLimits, Unpacked, VolumeError, VolumeErrorKind,
};

use crate::programs::STACK;
use crate::session::{duplicate, lock};
use crate::step_shell::StepShell;
use crate::{WorkerError, step};

/// Serves one build on a connected socket until the supervisor says `Shutdown` or goes away.
pub fn serve(socket: UnixStream) -> Result<(), WorkerError> {
    let Connection { sender, mut receiver } = Connection::new(socket)?;
    let Some((first, handles)) = receiver.receive::<Request>()? else { return Ok(()) };
    let Request::Setup(setup) = first else { return Err(unexpected(&first, "Setup")) };
    if setup.version != VERSION {
        return Err(WorkerError::Version { theirs: setup.version, ours: VERSION });
    }
    // Before the lock, which may forbid it.
    host_share(&setup.limits);
    let (worker, wall) = Worker::new(&setup, handles, sender)?;
    let worker = Arc::new(worker);
    worker.sender.send(&Event::Ready { version: VERSION, wall })?;

    let result = loop {
        match receiver.receive::<Request>() {
            Ok(Some((Request::Shutdown, _))) | Ok(None) => break Ok(()),
            Ok(Some((request, handles))) => worker.take(request, handles)?,
            Err(error) => break Err(error.into()),
        }
    };
    worker.everything.cancel(Signal::Kill);
    result
}

/// Takes this process, and all threads that it starts from here on, to its share of the host: processors and rank. What the
/// kernel refuses is not had.
fn host_share(limits: &Limits) {
    let cores = limits.count(Limit::Cores);
    let this = Pid::from_raw(0);
    if let Ok(all) = sched_getaffinity(this) {
        let usable: Vec<usize> = (0..CpuSet::count()).filter(|cpu| all.is_set(*cpu).unwrap_or(false)).collect();
        if cores < usable.len() {
            // Builds beside each other begin at different ones.
            let first = std::process::id() as usize % usable.len();
            let mut ours = CpuSet::new();
            for cpu in usable.iter().cycle().skip(first).take(cores.max(1)) {
                let _ = ours.set(*cpu);
            }
            let _ = sched_setaffinity(this, &ours);
        }
    }
    let niceness = i32::try_from(limits.get(Limit::Niceness)).unwrap_or(0);
    if niceness > 0 {
        let _ = rustix::process::nice(niceness);
    }
}

fn unexpected(request: &Request, expected: &'static str) -> WorkerError {
    let text = format!("{request:?}");
    let got = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
    WorkerError::Unexpected { got, expected }
}

/// One build as the worker knows it.
pub(crate) struct Worker {
    pub(crate) sender: Sender,
    pub(crate) scratch: Dir,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) room: BuildRoom,
    blobs: Dir,
    staging: Dir,
    fs: Arc<dyn StoreFs>,
    everything: CancelToken,
    /// Attempts at steps so far, which name their private directories.
    attempts: AtomicU64,
    state: Mutex<State>,
}

/// What all steps of the build use up together.
pub(crate) struct BuildRoom {
    /// Processes that live at once.
    pub(crate) threads: Arc<Budget>,
    /// Bytes outside of the volume.
    pub(crate) scratch: Arc<Budget>,
    /// Bytes that are printed.
    pub(crate) log: Arc<Budget>,
}

impl BuildRoom {
    fn new(limits: &Limits, sender: &Sender) -> Self {
        let telling = |limit| {
            let sender = sender.clone();
            Arc::new(Budget::telling(limits.setting(limit), move |setting| {
                let _ = sender.send(&Event::Warning { step: None, message: step::used_up(setting) });
            }))
        };
        let threads = Arc::new(Budget::new(limits.setting(Limit::Threads)));
        Self { threads, scratch: telling(Limit::Scratch), log: telling(Limit::Log) }
    }
}

#[derive(Default)]
struct State {
    volume: Option<Arc<Dir>>,
    /// The snapshot that the volume comes from, and what is known of the tree since then.
    basis: Option<(stepbox_volume::Digest, KnownTree)>,
    steps: BTreeMap<StepId, CancelToken>,
    /// The shells that persons sit before.
    shells: BTreeMap<StepId, Arc<StepShell>>,
}

impl Worker {
    /// Makes everything ready, and locks the process.
    fn new(setup: &Setup, handles: Vec<OwnedFd>, sender: Sender) -> Result<(Self, Option<Wall>), WorkerError> {
        let mut handles = handles.into_iter();
        let few = || WorkerError::Unexpected { got: "too few handles".to_owned(), expected: "one, four or five" };
        let mut next = || handles.next().map(directory).ok_or_else(few);
        let first = next()?;
        let (scratch, blobs, staging, volume, access) = match next() {
            Ok(blobs) => (first, blobs, next()?, next()?, Access::Write),
            // It reads blobs and writes to what it is given open.
            Err(_) => (clone(&first)?, clone(&first)?, clone(&first)?, first, Access::Read),
        };
        let modules = next().ok();
        let toolbox = step::find_toolbox(modules.as_ref());
        let wall = match setup.lockdown {
            true => {
                let mut reachable = vec![
                    (duplicate(&scratch)?, access),
                    (duplicate(&blobs)?, Access::Read),
                    (duplicate(&staging)?, access),
                    (duplicate(&volume)?, access),
                ];
                if let Some(modules) = &modules {
                    // A damaged one goes.
                    reachable.push((duplicate(modules)?, Access::RemoveFiles));
                }
                let wall = lock(Lockdown::new(), &reachable)?;
                Some(Wall { landlock: wall.landlock, seccomp: wall.seccomp, missing: wall.missing() })
            }
            false => None,
        };
        let sandbox = step::sandbox(toolbox, &setup.limits);
        let room = BuildRoom::new(&setup.limits, &sender);
        let fs: Arc<dyn StoreFs> = match &setup.kill_at {
            None => Arc::new(HostFs),
            Some(point) => Arc::new(FaultyFs::dying_at(HostFs, point.clone(), kill_self)),
        };
        let worker = Self {
            sender,
            scratch,
            sandbox,
            room,
            blobs,
            staging,
            fs,
            everything: CancelToken::new(),
            attempts: AtomicU64::new(0),
            state: Mutex::default(),
        };
        Ok((worker, wall))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins what a request asks for. Work that takes time has a thread of its own, so that `Cancel` is always heard.
    fn take(self: &Arc<Self>, request: Request, handles: Vec<OwnedFd>) -> Result<(), WorkerError> {
        let worker = Arc::clone(self);
        match request {
            Request::Unpack { manifest, older } => {
                let mut handles = handles.into_iter();
                let Some(target) = handles.next().map(directory) else { return Err(no_handle()) };
                let noted = handles.next().map(std::fs::File::from);
                start("unpack", move || worker.report(worker.unpack(&manifest, older, noted, &target)))
            }
            Request::Mount => {
                let Some(volume) = handles.into_iter().next().map(directory) else { return Err(no_handle()) };
                self.state().volume = Some(Arc::new(volume));
                self.sender.send(&Event::Mounted)?;
                Ok(())
            }
            Request::RunStep(request) => {
                let cancel = self.everything.child();
                self.state().steps.insert(request.id, cancel.clone());
                start("step", move || {
                    let report = worker.run(&request, &cancel);
                    worker.state().steps.remove(&request.id);
                    worker.report(Event::StepFinished(report));
                })
            }
            Request::Cancel { step, signal } => {
                let signal = Signal::from_number(signal).unwrap_or(Signal::Kill);
                match step {
                    None => self.everything.cancel(signal),
                    Some(step) => {
                        let token = self.state().steps.get(&step).cloned();
                        if let Some(token) = token {
                            token.cancel(signal);
                        }
                    }
                }
                Ok(())
            }
            Request::ShellTyped { step, question, typed } => {
                if let Some(shell) = self.shell_of(step) {
                    shell.typed(question, typed);
                }
                Ok(())
            }
            Request::ShellInterrupt { step } => {
                if let Some(shell) = self.shell_of(step) {
                    shell.interrupt();
                }
                Ok(())
            }
            Request::Export { manifest } => {
                let Some(file) = handles.into_iter().next().map(File::from) else { return Err(no_handle()) };
                start("export", move || worker.report(worker.export(&manifest, file)))
            }
            Request::Pack(request) => start("pack", move || worker.report(worker.pack(&request))),
            request @ (Request::Setup(_) | Request::Shutdown) => Err(unexpected(&request, "a task")),
        }
    }

    fn shell_of(&self, step: StepId) -> Option<Arc<StepShell>> {
        self.state().shells.get(&step).cloned()
    }

    /// A person sits before a step's shell from now on.
    pub(crate) fn open_shell(&self, step: StepId, shell: &Arc<StepShell>, after: Option<u8>) {
        self.state().shells.insert(step, Arc::clone(shell));
        self.report(Event::ShellOpened { step, after });
    }

    /// Nobody does any more.
    pub(crate) fn close_shell(&self, step: StepId) {
        self.state().shells.remove(&step);
        self.report(Event::ShellClosed { step });
    }

    /// Sends an event. Where that fails the supervisor is gone, and the receiving side ends the worker.
    fn report(&self, event: Event) {
        if self.sender.send(&event).is_err() {
            self.everything.cancel(Signal::Kill);
        }
    }

    fn unpack(&self, manifest: &BlobDigest, older: bool, noted: Option<File>, target: &Dir) -> Event {
        let digest = stepbox_volume::Digest::from_bytes(manifest.0);
        let stop = || self.everything.is_cancelled();
        let (fs, blobs, limits) = (&*self.fs, &self.blobs, UnpackLimits::default());
        let unpacked = if older {
            let known = noted.and_then(KnownTree::from_file);
            stepbox_volume::update(fs, blobs, &digest, target, known.as_ref(), &limits, &stop)
        } else {
            stepbox_volume::unpack(fs, blobs, &digest, target, &limits, &stop)
        };
        match unpacked {
            Ok(Unpacked { entries, raw_bytes, kept, known }) => {
                self.state().basis = Some((digest, known));
                Event::Unpacked { entries, bytes: raw_bytes, kept }
            }
            Err(error) => Event::UnpackFailed(failure(&error)),
        }
    }

    fn export(&self, manifest: &BlobDigest, mut file: File) -> Event {
        let digest = stepbox_volume::Digest::from_bytes(manifest.0);
        match stepbox_volume::export(&*self.fs, &self.blobs, &digest, &mut file) {
            Ok(_) => Event::Exported,
            Err(error) => Event::ExportFailed(failure(&error)),
        }
    }

    fn run(self: &Arc<Self>, request: &StepRequest, cancel: &CancelToken) -> StepReport {
        let failed = |reason: String| StepReport {
            step: request.id,
            end: StepEnd::Failed(reason),
            exports: None,
            masked: vec![],
            modules: 0,
            failed: None,
        };
        let volume = self.state().volume.clone();
        match volume {
            Some(volume) => {
                let directory = format!("step-{}", self.attempts.fetch_add(1, Ordering::Relaxed));
                step::run(self, &volume, request, &directory, cancel)
            }
            None => failed("no volume is mounted".to_owned()),
        }
    }

    fn pack(&self, request: &PackRequest) -> Event {
        let (volume, basis, busy) = {
            let mut state = self.state();
            (state.volume.clone(), state.basis.take(), state.steps.len())
        };
        let other =
            |message: &str| Event::PackFailed(Failure { kind: FailureKind::Other, message: message.to_owned() });
        // A command that still writes would make the archive a state that never was.
        if busy > 0 {
            return other("a step is still running");
        }
        let Some(volume) = volume else { return other("no volume is mounted") };
        let options = PackOptions { exclude: request.exclude.clone(), ..PackOptions::default() };
        let stop = || self.everything.is_cancelled();
        let basis = match &basis {
            Some((manifest, known)) => Some(Basis { blobs: &self.blobs, manifest: *manifest, known: Some(known) }),
            None => request.base.map(|manifest| {
                let manifest = stepbox_volume::Digest::from_bytes(manifest.0);
                Basis { blobs: &self.blobs, manifest, known: None }
            }),
        };
        match stepbox_volume::pack(&*self.fs, &volume, &self.staging, &options, basis.as_ref(), &stop) {
            Ok(packed) => Event::Packed(PackReport {
                added: packed.added.as_ref().map(|added| {
                    Box::new(Added {
                        layer: staged(&added.layer),
                        index: staged(&added.index),
                        diff_ids: added.diff_ids.map(|id| BlobDigest(*id.as_bytes())),
                    })
                }),
                base: packed.base.map(|base| BlobDigest(*base.as_bytes())),
                tree_digest: BlobDigest(*packed.tree_digest.as_bytes()),
                entries: packed.entries,
                bytes: packed.raw_bytes,
                skipped: packed.skipped.into_iter().map(|skipped| (skipped.path, skipped.why)).collect(),
            }),
            Err(error) => Event::PackFailed(failure(&error)),
        }
    }
}

fn directory(handle: OwnedFd) -> Dir {
    Dir::from_std_file(std::fs::File::from(handle))
}

fn clone(directory: &Dir) -> Result<Dir, WorkerError> {
    directory.try_clone().map_err(|source| WorkerError::Io { what: "cannot duplicate a handle", source })
}

fn no_handle() -> WorkerError {
    WorkerError::Unexpected { got: "no handle".to_owned(), expected: "a directory" }
}

/// Starts a thread with the stack that evaluation needs.
fn start(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), WorkerError> {
    match std::thread::Builder::new().name(name.to_owned()).stack_size(STACK).spawn(work) {
        Ok(_) => Ok(()),
        Err(source) => Err(WorkerError::Io { what: "cannot start a thread", source }),
    }
}

fn staged(blob: &stepbox_volume::StagedBlob) -> StagedFile {
    StagedFile { name: blob.name.clone(), digest: BlobDigest(*blob.digest.as_bytes()), size: blob.size }
}

fn failure(error: &VolumeError) -> Failure {
    let kind = match error.kind() {
        VolumeErrorKind::Corrupt => FailureKind::Corrupt,
        VolumeErrorKind::NoSpace => FailureKind::NoSpace,
        VolumeErrorKind::ReadOnly => FailureKind::ReadOnly,
        VolumeErrorKind::Cancelled => FailureKind::Cancelled,
        _ => FailureKind::Other,
    };
    Failure { kind, message: error.to_string() }
}

/// For crash tests: ends this process as a power failure would.
fn kill_self() {
    let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
}
