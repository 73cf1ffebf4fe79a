//! The volume as the build leaves it: packed by the worker, checked and published by the supervisor.

use std::time::Instant;

use cap_std::fs::Dir;
use stepbox_pipeline::EXPORT_FILE;
use stepbox_protocol::{Event, PackReport, PackRequest, Request, StagedFile};

use crate::export_files::EXPORT_SCRIPT;
use crate::interrupt::Interrupt;
use crate::outcome::VolumeOutcome;
use crate::reporter::Reporter;
use crate::restore::{GRACE, Stop, Volume, unexpected};
use crate::snapshots::{Publication, Snapshots, digest_text};
use crate::worker::{Incoming, Worker};

/// Packs and publishes the volume. Takes the worker, which must be gone before its files are trusted.
pub(crate) fn save(
    mut worker: Worker,
    staging: &Dir,
    volume: &Volume,
    snapshots: &dyn Snapshots,
    about: &Publication<'_>,
    interrupt: &Interrupt,
    reporter: &mut Reporter<'_>,
) -> VolumeOutcome {
    let packed = pack(&mut worker, reporter);
    complaints(worker.end(), reporter);
    let packed = match packed {
        Ok(packed) => packed,
        Err(Packing::Terminated) => return terminated(),
        Err(Packing::Failed(reason)) => return VolumeOutcome::NotSaved { reason },
    };
    for (path, why) in packed.skipped.iter().take(SKIPPED) {
        let path = String::from_utf8_lossy(path);
        reporter.warn(None, format!("`{path}` is not kept in the volume: {why}"));
    }
    if let Some(more) = packed.skipped.len().checked_sub(SKIPPED).filter(|more| *more > 0) {
        reporter.warn(None, format!("{more} more are not kept in the volume"));
    }
    for file in packed.added.iter().flat_map(|added| [&added.layer, &added.index]) {
        if let Err(reason) = verify(file) {
            return VolumeOutcome::NotSaved { reason };
        }
    }
    if packed.base.is_some() && packed.base != volume.parent {
        let reason = "the worker names another snapshot than the volume comes from".to_owned();
        return VolumeOutcome::NotSaved { reason };
    }
    // From here on it is too late to interrupt.
    if interrupt.count() > 0 {
        return terminated();
    }
    match snapshots.publish(&packed, staging, about) {
        Ok(manifest) => {
            let (digest, entries, bytes) = (digest_text(&manifest), packed.entries, packed.bytes);
            let change = i64::try_from(i128::from(bytes) - i128::from(volume.bytes)).unwrap_or(i64::MAX);
            let stored = packed.added.as_ref();
            let stored = stored.map_or(0, |added| added.layer.size.saturating_add(added.index.size));
            match about.waits {
                true => VolumeOutcome::Held { digest, entries, bytes, change, stored },
                false => VolumeOutcome::Saved { digest, entries, bytes, change, stored },
            }
        }
        Err(reason) => VolumeOutcome::NotSaved { reason },
    }
}

/// How many entries that are not kept are told one by one.
const SKIPPED: usize = 100;

/// What becomes of the volume of a build that is stopped (rule L7).
pub(crate) fn terminated() -> VolumeOutcome {
    VolumeOutcome::Skipped { reason: "the build was terminated".to_owned() }
}

enum Packing {
    Terminated,
    Failed(String),
}

fn pack(worker: &mut Worker, reporter: &mut Reporter<'_>) -> Result<PackReport, Packing> {
    // Rule V29: what steps hand on ends with the build.
    let exclude = [EXPORT_FILE, EXPORT_SCRIPT].map(|name| name.as_bytes().to_vec()).to_vec();
    worker.send(&Request::Pack(PackRequest { exclude, base: None }), &[]);
    let (mut heard, mut deadline) = (0, None);
    loop {
        match worker.next(heard, deadline) {
            Incoming::Event(Event::Packed(report)) if heard == 0 => return Ok(report),
            Incoming::Event(Event::PackFailed(failure)) if heard == 0 => return Err(Packing::Failed(failure.message)),
            Incoming::Event(Event::Packed(_) | Event::PackFailed(_)) => return Err(Packing::Terminated),
            Incoming::Event(Event::Warning { message, .. }) => reporter.warn(None, message),
            Incoming::Interrupted(count) if count == 1 => {
                heard = count;
                deadline = Some(Instant::now() + GRACE);
                worker.send(&Request::Cancel { step: None, signal: 9 }, &[]);
            }
            other => {
                return Err(match unexpected(worker, other, "pack the volume") {
                    Stop::Terminated => Packing::Terminated,
                    Stop::Failed(error) => Packing::Failed(error.message),
                });
            }
        }
    }
}

/// Whether the worker names files in the staging directory and nothing else: it has handled foreign bytes. What it says
/// of their contents is checked where they are published.
pub(crate) fn verify(file: &StagedFile) -> Result<(), String> {
    let name = file.name.as_str();
    let plain = !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
    if plain { Ok(()) } else { Err(format!("the worker names a file `{}`", name.escape_debug())) }
}

/// What the worker said on its standard error.
pub(crate) fn complaints(lines: Vec<String>, reporter: &mut Reporter<'_>) {
    for line in lines {
        reporter.warn(None, format!("the worker says: {line}"));
    }
}
