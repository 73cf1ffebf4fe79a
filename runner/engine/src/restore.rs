//! The volume as the last build left it: restored, or refused, never wrong.

use std::fs::File;
use std::time::{Duration, Instant};

use cap_std::fs::Dir;
use stepbox_protocol::{BlobDigest, Event, Failure, FailureKind, Request};

use crate::build::Parts;
use crate::error::{EngineError, EngineErrorKind};
use crate::event::BuildEvent;
use crate::export_files;
use crate::outcome::as_milliseconds;
use crate::reporter::Reporter;
use crate::snapshots::digest_text;
use crate::warm_trees::WarmTree;
use crate::worker::{Incoming, Worker};

/// How long a worker may take to stop what it was told to stop.
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// Why a part of a build did not come to its end.
pub(crate) enum Stop {
    /// The build was interrupted.
    Terminated,
    /// It failed.
    Failed(EngineError),
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

/// The live volume.
pub(crate) struct Volume {
    /// Its directory.
    pub(crate) directory: Dir,
    /// The snapshot it comes from.
    pub(crate) parent: Option<BlobDigest>,
    /// Bytes of file contents that it starts with.
    pub(crate) bytes: u64,
}

/// What becomes the live volume: it must be there before the worker locks itself.
pub(crate) struct Arriving {
    pub(crate) directory: Dir,
    /// Of a tree that an earlier build has left: what was noted of it.
    warm: Option<Option<File>>,
}

/// An empty directory, a tree that an earlier build has left, or a folder of the host.
pub(crate) fn incoming(parts: &Parts<'_>) -> Result<Arriving, EngineError> {
    if let Some(folder) = &parts.folder {
        let directory = folder.directory.try_clone();
        let directory =
            directory.map_err(|error| EngineError::state(format!("cannot use `{}`", folder.shown()), &error))?;
        return Ok(Arriving { directory, warm: None });
    }
    let newest = parts.history.first().map(|snapshot| digest_text(&snapshot.manifest));
    match newest.and_then(|newest| parts.warm.take(&parts.work, &newest)) {
        Some(WarmTree { tree, noted }) => Ok(Arriving { directory: tree, warm: Some(noted) }),
        None => Ok(Arriving { directory: parts.work.fresh("incoming")?, warm: None }),
    }
}

/// Makes the live volume: from the newest snapshot that is whole, or empty where there is none at all. A folder of the host
/// is taken as it is.
pub(crate) fn restore(
    worker: &mut Worker,
    incoming: Arriving,
    parts: &Parts<'_>,
    reporter: &mut Reporter<'_>,
) -> Result<Volume, Stop> {
    let Arriving { directory, mut warm } = incoming;
    if parts.folder.is_some() {
        return mount(worker, directory, None, 0);
    }
    let Parts { work, history, .. } = parts;
    let mut found = None;
    for (number, snapshot) in history.iter().enumerate() {
        let started = Instant::now();
        // A tree that an earlier build has left is handed over; where that does not work the snapshot is unpacked.
        let emptied = number == 0 && warm.is_none();
        let over = match warm.take() {
            Some(noted) => {
                let mut handles: Vec<&dyn std::os::fd::AsFd> = vec![&directory];
                handles.extend(noted.iter().map(|noted| noted as &dyn std::os::fd::AsFd));
                worker.send(&Request::Unpack { manifest: snapshot.manifest, older: true }, &handles);
                answer(worker)?.ok()
            }
            None => None,
        };
        let answer = match over {
            Some(done) => Ok(done),
            None => {
                if !emptied {
                    work.emptied("incoming")?;
                }
                worker.send(&Request::Unpack { manifest: snapshot.manifest, older: false }, &[&directory]);
                answer(worker)?
            }
        };
        let failure = match answer {
            Ok((entries, bytes)) => {
                reporter.emit(BuildEvent::VolumeRestored {
                    digest: digest_text(&snapshot.manifest),
                    from: snapshot.build.clone(),
                    entries,
                    bytes,
                    duration_ms: as_milliseconds(started.elapsed()),
                });
                found = Some((snapshot.manifest, bytes));
                break;
            }
            Err(failure) => failure,
        };
        let message = format!("cannot restore the volume that build {} left: {}", snapshot.build, failure.message);
        // Only what is broken for good makes an older state right.
        if failure.kind != FailureKind::Corrupt {
            return Err(EngineError::new(EngineErrorKind::Restore, message).into());
        }
        let Some(older) = history.get(number + 1) else {
            let error = EngineError::new(EngineErrorKind::Restore, message)
                .hint("no older snapshot is left; to start with an empty volume, give `--reset-volume`");
            return Err(error.into());
        };
        reporter.warn(None, message);
        reporter.warn(None, format!("falling back to the older volume that build {} left", older.build));
    }
    work.rename("incoming", "volume")?;
    let (parent, bytes) = found.map_or((None, 0), |(parent, bytes)| (Some(parent), bytes));
    mount(worker, work.open("volume")?, parent, bytes)
}

/// Hands the live volume to the worker.
fn mount(worker: &mut Worker, directory: Dir, parent: Option<BlobDigest>, bytes: u64) -> Result<Volume, Stop> {
    export_files::create(&directory).map_err(|error| EngineError::state("cannot write to the volume", &error))?;
    worker.send(&Request::Mount, &[&directory]);
    match worker.next(0, Some(Instant::now() + GRACE * 6)) {
        Incoming::Event(Event::Mounted) => {}
        other => return Err(unexpected(worker, other, "mount the volume")),
    }
    Ok(Volume { directory, parent, bytes })
}

/// Waits for the end of an unpacking.
fn answer(worker: &mut Worker) -> Result<Result<(u64, u64), Failure>, Stop> {
    let (mut heard, mut deadline) = (0, None);
    loop {
        match worker.next(heard, deadline) {
            Incoming::Event(Event::Unpacked { entries, bytes, .. }) if heard == 0 => return Ok(Ok((entries, bytes))),
            Incoming::Event(Event::UnpackFailed(failure)) if heard == 0 => return Ok(Err(failure)),
            Incoming::Event(Event::Unpacked { .. } | Event::UnpackFailed(_)) => return Err(Stop::Terminated),
            Incoming::Interrupted(count) if count == 1 => {
                heard = count;
                deadline = Some(Instant::now() + GRACE);
                worker.send(&Request::Cancel { step: None, signal: 9 }, &[]);
            }
            other => return Err(unexpected(worker, other, "restore the volume")),
        }
    }
}

/// What to make of an answer that cannot be used.
pub(crate) fn unexpected(worker: &mut Worker, got: Incoming, what: &str) -> Stop {
    let reason = match got {
        Incoming::Interrupted(_) => {
            worker.kill();
            return Stop::Terminated;
        }
        Incoming::Gone(reason) => reason,
        Incoming::TimedOut => "the worker does not answer".to_owned(),
        Incoming::Clone(..) => "a clone has not ended".to_owned(),
        Incoming::Answered(..) => "a question is still open".to_owned(),
        Incoming::Event(event) => {
            worker.kill();
            let text = format!("{event:?}");
            let name = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
            format!("the worker answered with {name}")
        }
    };
    EngineError::new(EngineErrorKind::Worker, format!("cannot {what}: {reason}")).into()
}
