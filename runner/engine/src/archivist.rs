//! A worker without a build: it reads and writes the archives that `stepbox volume` is asked for, behind the same wall.

use std::fs::File;
use std::os::fd::AsFd;
use std::time::Instant;

use cap_std::fs::Dir;
use stepbox_limits::Limits;
use stepbox_protocol::{BlobDigest, Event, Failure, FailureKind, PackReport, PackRequest, Request, Setup, VERSION};

use crate::error::{EngineError, EngineErrorKind};
use crate::interrupt::Interrupt;
use crate::restore::{GRACE, Stop, unexpected};
use crate::save;
use crate::worker::{Incoming, Lockdown, Worker, WorkerLaunch};

/// What the worker reaches.
pub(crate) struct Reach<'a> {
    /// The store's blobs, to read.
    pub(crate) blobs: &'a Dir,
    /// Where new blobs are made, and what is packed or restored; without these it only exports.
    pub(crate) written: Option<(&'a Dir, &'a Dir)>,
}

/// A worker for archives.
pub(crate) struct Archivist {
    worker: Worker,
}

impl Archivist {
    /// Starts it. It locks itself before it reads anything.
    ///
    /// # Errors
    /// [`EngineErrorKind::Worker`].
    pub(crate) fn start(launch: &WorkerLaunch, reach: &Reach<'_>) -> Result<Self, EngineError> {
        let limits = Limits::default();
        let mut worker = Worker::start(launch, &limits, &Interrupt::new())?;
        let lockdown = launch.lockdown();
        let setup = Setup { version: VERSION, lockdown: lockdown != Lockdown::Off, limits, kill_at: None };
        let handles: Vec<&dyn AsFd> = match reach.written {
            Some((staging, volume)) => vec![staging, reach.blobs, staging, volume],
            None => vec![reach.blobs],
        };
        worker.send(&Request::Setup(setup), &handles);
        let failed = |message: &str| Err(EngineError::new(EngineErrorKind::Worker, message));
        let wall = match worker.next(0, Some(Instant::now() + GRACE * 12)) {
            Incoming::Event(Event::Ready { version: VERSION, wall }) => wall,
            other => return Err(refused(unexpected(&mut worker, other, "set up the worker"))),
        };
        match (lockdown, wall.map(|wall| wall.missing)) {
            (Lockdown::Off, _) | (_, Some(None)) | (Lockdown::On, Some(Some(_))) => Ok(Self { worker }),
            (_, None) => failed("the worker has not locked itself"),
            (Lockdown::Required, Some(Some(missing))) => failed(&format!(
                "the worker cannot be locked as `--require-lockdown` wants: the kernel lacks {missing}"
            )),
        }
    }

    /// Restores a snapshot into an empty directory, which it must be able to reach.
    ///
    /// # Errors
    /// As [`Archivist::export`]; the directory is to be thrown away.
    pub(crate) fn unpack(&mut self, manifest: BlobDigest, target: &Dir) -> Result<(), EngineError> {
        self.worker.send(&Request::Unpack { manifest, older: false }, &[target]);
        match self.answer() {
            Incoming::Event(Event::Unpacked { .. }) => Ok(()),
            Incoming::Event(Event::UnpackFailed(failure)) => Err(told(failure)),
            other => Err(refused(unexpected(&mut self.worker, other, "restore the snapshot"))),
        }
    }

    /// Packs a directory into the staging directory, on top of a snapshot. The files that it names are there and nowhere else;
    /// what is said of their contents is checked where they are published.
    ///
    /// # Errors
    /// As [`Archivist::export`].
    pub(crate) fn pack(
        &mut self,
        directory: &Dir,
        base: Option<BlobDigest>,
        exclude: Vec<Vec<u8>>,
    ) -> Result<PackReport, EngineError> {
        self.worker.send(&Request::Mount, &[directory]);
        match self.answer() {
            Incoming::Event(Event::Mounted) => {}
            other => return Err(refused(unexpected(&mut self.worker, other, "use the directory"))),
        }
        self.worker.send(&Request::Pack(PackRequest { exclude, base }), &[]);
        let report = match self.answer() {
            Incoming::Event(Event::Packed(report)) => report,
            Incoming::Event(Event::PackFailed(failure)) => return Err(told(failure)),
            other => return Err(refused(unexpected(&mut self.worker, other, "pack the directory"))),
        };
        let broken = |reason: String| Err(EngineError::new(EngineErrorKind::Worker, reason));
        if report.base.is_some() && report.base != base {
            return broken("the worker names another snapshot than it was given".to_owned());
        }
        for file in report.added.iter().flat_map(|added| [&added.layer, &added.index]) {
            if let Err(reason) = save::verify(file) {
                return broken(reason);
            }
        }
        Ok(report)
    }

    /// Writes a snapshot as one `tar.zst` into an open file.
    ///
    /// # Errors
    /// [`EngineErrorKind::Store`] for what is damaged, [`EngineErrorKind::State`] where it cannot be written, else
    /// [`EngineErrorKind::Worker`].
    pub(crate) fn export(&mut self, manifest: BlobDigest, file: &File) -> Result<(), EngineError> {
        self.worker.send(&Request::Export { manifest }, &[file]);
        match self.answer() {
            Incoming::Event(Event::Exported) => Ok(()),
            Incoming::Event(Event::ExportFailed(failure)) => Err(told(failure)),
            other => Err(refused(unexpected(&mut self.worker, other, "write the export"))),
        }
    }

    /// Ends it. What it has written is used only when it is gone.
    pub(crate) fn end(self) {
        self.worker.end();
    }

    /// What it says next. It takes its time: whoever waits can end the program.
    fn answer(&mut self) -> Incoming {
        self.worker.next(0, None)
    }
}

fn told(failure: Failure) -> EngineError {
    let kind = match failure.kind {
        FailureKind::NoSpace | FailureKind::ReadOnly => EngineErrorKind::State,
        FailureKind::Corrupt | FailureKind::Cancelled | FailureKind::Other => EngineErrorKind::Store,
    };
    EngineError::new(kind, failure.message)
}

fn refused(stop: Stop) -> EngineError {
    match stop {
        Stop::Failed(error) => error,
        Stop::Terminated => EngineError::new(EngineErrorKind::Worker, "the worker was ended"),
    }
}
