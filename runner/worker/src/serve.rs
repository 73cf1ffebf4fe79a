use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;
use stepbox_protocol::{
    BlobDigest, Connection, Event, Failure, FailureKind, PackReport, PackRequest, Request, Sender, Setup, StagedFile,
    StepEnd, StepId, StepReport, StepRequest, VERSION,
};
use stepbox_sandbox::Sandbox;
use stepbox_system::{CancelToken, Signal};
use stepbox_volume::{FaultyFs, HostFs, PackOptions, StoreFs, UnpackLimits, VolumeError, VolumeErrorKind};

use crate::programs::STACK;
use crate::{WorkerError, step};

/// Serves one build on a connected socket until the supervisor says `Shutdown` or goes away.
pub fn serve(socket: UnixStream) -> Result<(), WorkerError> {
    let Connection { sender, mut receiver } = Connection::new(socket)?;
    let Some((first, handles)) = receiver.receive::<Request>()? else { return Ok(()) };
    let Request::Setup(setup) = first else { return Err(unexpected(&first, "Setup")) };
    if setup.version != VERSION {
        return Err(WorkerError::Version { theirs: setup.version, ours: VERSION });
    }
    let worker = Arc::new(Worker::new(&setup, handles, sender)?);
    worker.sender.send(&Event::Ready { version: VERSION })?;

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
    pub(crate) limits: stepbox_protocol::Limits,
    blobs: Dir,
    staging: Dir,
    fs: Arc<dyn StoreFs>,
    everything: CancelToken,
    /// Attempts at steps so far, which name their private directories.
    attempts: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    volume: Option<Arc<Dir>>,
    steps: BTreeMap<StepId, CancelToken>,
}

impl Worker {
    fn new(setup: &Setup, handles: Vec<OwnedFd>, sender: Sender) -> Result<Self, WorkerError> {
        let mut directories = handles.into_iter().map(directory);
        let (Some(scratch), Some(blobs), Some(staging)) = (directories.next(), directories.next(), directories.next())
        else {
            return Err(WorkerError::Unexpected { got: "too few handles".to_owned(), expected: "three or four" });
        };
        let modules = directories.next();
        let toolbox = stepbox_builtin::compiled(modules.as_ref())
            .map_err(|source| WorkerError::Io { what: "cannot open the compiled toolbox", source })?;
        let sandbox = step::sandbox(toolbox, &setup.limits);
        let fs: Arc<dyn StoreFs> = match &setup.kill_at {
            None => Arc::new(HostFs),
            Some(point) => Arc::new(FaultyFs::dying_at(HostFs, point.clone(), kill_self)),
        };
        Ok(Self {
            sender,
            scratch,
            sandbox,
            limits: setup.limits,
            blobs,
            staging,
            fs,
            everything: CancelToken::new(),
            attempts: AtomicU64::new(0),
            state: Mutex::default(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins what a request asks for. Work that takes time has a thread of its own, so that `Cancel` is always heard.
    fn take(self: &Arc<Self>, request: Request, handles: Vec<OwnedFd>) -> Result<(), WorkerError> {
        let mut directories = handles.into_iter().map(directory);
        let worker = Arc::clone(self);
        match request {
            Request::Unpack { manifest } => {
                let Some(target) = directories.next() else { return Err(no_handle()) };
                start("unpack", move || worker.report(worker.unpack(&manifest, &target)))
            }
            Request::Mount => {
                let Some(volume) = directories.next() else { return Err(no_handle()) };
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
            Request::Pack(request) => start("pack", move || worker.report(worker.pack(&request))),
            request @ (Request::Setup(_) | Request::Shutdown) => Err(unexpected(&request, "a task")),
        }
    }

    /// Sends an event. Where that fails the supervisor is gone, and the receiving side ends the worker.
    fn report(&self, event: Event) {
        if self.sender.send(&event).is_err() {
            self.everything.cancel(Signal::Kill);
        }
    }

    fn unpack(&self, manifest: &BlobDigest, target: &Dir) -> Event {
        let digest = stepbox_volume::Digest::from_bytes(manifest.0);
        let stop = || self.everything.is_cancelled();
        match stepbox_volume::unpack(&*self.fs, &self.blobs, &digest, target, &UnpackLimits::default(), &stop) {
            Ok(unpacked) => Event::Unpacked { entries: unpacked.entries, bytes: unpacked.raw_bytes },
            Err(error) => Event::UnpackFailed(failure(&error)),
        }
    }

    fn run(self: &Arc<Self>, request: &StepRequest, cancel: &CancelToken) -> StepReport {
        let failed = |reason: String| StepReport {
            step: request.id,
            end: StepEnd::Failed(reason),
            exports: None,
            masked: vec![],
            modules: 0,
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
        let (volume, busy) = {
            let state = self.state();
            (state.volume.clone(), state.steps.len())
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
        match stepbox_volume::pack(&*self.fs, &volume, &self.staging, &options, &stop) {
            Ok(packed) => Event::Packed(PackReport {
                layer: staged(&packed.layer),
                index: staged(&packed.index),
                diff_ids: packed.diff_ids.map(|id| BlobDigest(*id.as_bytes())),
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
