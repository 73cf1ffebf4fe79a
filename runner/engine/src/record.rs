//! What is kept of a build: `builds/<build>/record.jsonl`, its events, and `outcome.json`.

use std::io::{BufWriter, Write};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, File, OpenOptions};

use crate::build_id::BuildId;
use crate::directories::open_directory;
use crate::event::BuildEvent;
use crate::outcome::Outcome;

/// A record longer than this is cut, in bytes: a step must not fill the disk through it.
const MAX_RECORD: u64 = 256 << 20;

/// The record of a build. It never makes a build fail: the first failure ends it and is told.
pub(crate) struct Record {
    directory: Dir,
    file: Option<BufWriter<File>>,
    written: u64,
}

impl Record {
    /// Begins the record of a build.
    pub(crate) fn create(builds: &Dir, build: &BuildId) -> std::io::Result<Self> {
        builds.create_dir_with(build.as_str(), DirBuilder::new().mode(0o700))?;
        let directory = open_directory(builds, build.as_str())?;
        let file = directory.open_with("record.jsonl", OpenOptions::new().write(true).create_new(true))?;
        Ok(Self { directory, file: Some(BufWriter::new(file)), written: 0 })
    }

    /// Adds an event; `Some` says that the record ends here, and why.
    pub(crate) fn add(&mut self, event: &BuildEvent) -> Option<String> {
        let file = self.file.as_mut()?;
        let output = matches!(event, BuildEvent::Output { .. });
        let result = serde_json::to_vec(event).map_err(std::io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            if output && self.written.saturating_add(line.len() as u64) > MAX_RECORD {
                return Ok(());
            }
            self.written += line.len() as u64;
            file.write_all(&line)?;
            // Whoever looks at a build that hangs wants to see where; output may wait for the buffer.
            if output { Ok(()) } else { file.flush() }
        });
        let error = result.err()?;
        self.file = None;
        Some(format!("the build is not recorded any further: {}", stepbox_volume::io_text(&error)))
    }

    /// Ends the record.
    pub(crate) fn finish(&mut self, outcome: &Outcome) -> std::io::Result<()> {
        let text = serde_json::to_vec_pretty(outcome)?;
        self.directory.write("outcome.json", text)
    }
}
