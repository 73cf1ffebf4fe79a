//! What is kept of a build, in `builds/<build>/`: `build.json` (what it is), `record.jsonl.zst` (its events, one zstd
//! stream) and `outcome.json` (what it came to). No secret's value is in any of them.

use std::io::Write;

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, OpenOptions};
use serde::{Deserialize, Serialize};
use zstd::stream::write::Encoder;

use crate::build_id::BuildId;
use crate::directories::open_directory;
use crate::event::BuildEvent;
use crate::outcome::Outcome;

/// A record longer than this is cut, in bytes before compression: a step must not fill the disk through it.
const MAX_RECORD: u64 = 256 << 20;

/// How strongly events are compressed: speed matters more.
const LEVEL: i32 = 1;

/// The version of `build.json`. Fields may be added without a new one.
pub const RECORD_VERSION: u32 = 1;

pub(crate) const ABOUT: &str = "build.json";
pub(crate) const EVENTS: &str = "record.jsonl.zst";
pub(crate) const OUTCOME: &str = "outcome.json";

/// What a build is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildAbout {
    /// [`RECORD_VERSION`].
    pub version: u32,
    /// The build.
    pub build: BuildId,
    /// The pipeline's name.
    pub pipeline: String,
    /// The volume's name.
    pub volume: String,
    /// The build whose snapshot the volume started from.
    pub from: Option<String>,
    /// When it began, in milliseconds since 1970.
    pub started: u64,
    /// The branch, where it is known.
    pub branch: Option<String>,
    /// The commit, where it is known.
    pub revision: Option<String>,
    /// Who started it.
    pub initiator: Option<String>,
    /// Names and values of the variables that were given for it; of secrets the names alone.
    pub variables: Vec<(String, Option<String>)>,
}

/// The record of a build. It never makes a build fail: the first failure ends it and is told.
pub(crate) struct Record {
    directory: Dir,
    events: Option<Encoder<'static, File>>,
    written: u64,
    cut: bool,
}

impl Record {
    /// Begins the record of a build. Where that fails nothing of it stays.
    pub(crate) fn create(builds: &Dir, about: &BuildAbout) -> std::io::Result<Self> {
        let name = about.build.as_str();
        builds.create_dir_with(name, DirBuilder::new().mode(0o700))?;
        Self::begin(builds, about).inspect_err(|_| {
            // The first error is the one to tell.
            let _ = builds.remove_dir_all(name);
        })
    }

    fn begin(builds: &Dir, about: &BuildAbout) -> std::io::Result<Self> {
        let name = about.build.as_str();
        let directory = open_directory(builds, name)?;
        replace(&directory, ABOUT, &serde_json::to_vec_pretty(about)?)?;
        let file = directory.open_with(EVENTS, OpenOptions::new().write(true).create_new(true))?;
        Ok(Self { directory, events: Some(Encoder::new(file, LEVEL)?), written: 0, cut: false })
    }

    /// Adds an event; `Some` says that the record ends here, and why.
    pub(crate) fn add(&mut self, event: &BuildEvent) -> Option<String> {
        let events = self.events.as_mut()?;
        let output = matches!(event, BuildEvent::Output { .. });
        let result = serde_json::to_vec(event).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            if output && self.written.saturating_add(line.len() as u64) > MAX_RECORD {
                self.cut = true;
                return Ok(());
            }
            self.written += line.len() as u64;
            events.write_all(&line)?;
            // Whoever looks at a build that hangs or has died wants to see where; output may wait for the rest.
            if output { Ok(()) } else { events.flush() }
        });
        let error = result.err()?;
        self.events = None;
        Some(format!("the build is not recorded any further: {}", stepbox_volume::io_text(&error)))
    }

    /// Whether output was left out because there was too much.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Ends the record.
    pub(crate) fn finish(&mut self, outcome: &Outcome) -> std::io::Result<()> {
        let ended = self.events.take().map(Encoder::finish).transpose();
        replace(&self.directory, OUTCOME, &serde_json::to_vec_pretty(outcome)?)?;
        ended.map(drop)
    }
}

/// Writes a file whole or not at all.
fn replace(directory: &Dir, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    let temporary = format!(".{name}");
    directory.write(&temporary, bytes)?;
    directory.rename(&temporary, directory, name)
}
