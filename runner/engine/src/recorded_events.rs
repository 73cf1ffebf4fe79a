//! The events of a build from its record.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Take};
use std::path::PathBuf;

use serde::Deserialize;
use zstd::stream::read::Decoder;

use crate::build_id::BuildId;
use crate::error::EngineError;
use crate::event::{BuildEvent, EVENT_VERSION, NAMES};
use crate::record::{MAX_LINE, MAX_RECORD};
use crate::record_directory::{damaged, json_text};

/// The most bytes that are read of a record, compressed or not. Somewhat more than is ever written, as the record of
/// another Stepbox may be longer.
const MAX_READ: u64 = 4 * MAX_RECORD;

/// The longest line that is read, in bytes, for the same reason.
const MAX_LINE_READ: u64 = 2 * MAX_LINE as u64;

/// What a decoder keeps of the past: 8 MiB.
const MAX_WINDOW_LOG: u32 = 23;

/// The events of a record in their order, read one after the other. After an error there are no more.
///
/// A record that ends early, because the build runs or its process died, just ends. What a newer Stepbox has written and
/// this one does not know is skipped and counted.
pub struct RecordedEvents {
    build: BuildId,
    path: PathBuf,
    lines: BufReader<Decoder<'static, BufReader<Take<File>>>>,
    /// How many lines were read.
    number: u64,
    /// How many bytes were read.
    read: u64,
    /// Whether a newer Stepbox wrote it.
    newer: bool,
    unknown: u64,
    end: Option<End>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Whole,
    CutOff,
    Damaged,
}

impl RecordedEvents {
    /// Reads from a file.
    ///
    /// # Errors
    /// [`crate::EngineErrorKind::Record`], and [`crate::EngineErrorKind::State`] where the host fails.
    pub(crate) fn new(file: File, build: BuildId, path: PathBuf, newer: bool) -> Result<Self, EngineError> {
        let begun = (|| {
            let mut decoder = Decoder::with_buffer(BufReader::new(file.take(MAX_READ)))?;
            decoder.window_log_max(MAX_WINDOW_LOG)?;
            Ok(BufReader::new(decoder))
        })();
        let lines = begun
            .map_err(|error: io::Error| EngineError::state(format!("cannot read `{}`", path.display()), &error))?;
        Ok(Self { build, path, lines, number: 0, read: 0, newer, unknown: 0, end: None })
    }

    /// How many events were skipped so far because this Stepbox does not know them.
    #[must_use]
    pub fn unknown(&self) -> u64 {
        self.unknown
    }

    /// Whether the record ended before it was complete. Known when all of it was read.
    #[must_use]
    pub fn is_cut_off(&self) -> bool {
        self.end == Some(End::CutOff)
    }

    /// Reads a line, without its end; `None` where there is no more.
    fn line(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        let mut line = vec![];
        match (&mut self.lines).take(MAX_LINE_READ + 1).read_until(b'\n', &mut line) {
            Ok(0) => {
                self.end = Some(End::Whole);
                return Ok(None);
            }
            Ok(read) => self.read += read as u64,
            // A line that is not complete tells nothing.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.end = Some(End::CutOff);
                return Ok(None);
            }
            Err(error) if error.raw_os_error().is_some() => {
                return Err(EngineError::state(format!("cannot read `{}`", self.path.display()), &error));
            }
            Err(_) => return Err(self.damaged(&format!("after line {} it cannot be decompressed", self.number))),
        }
        self.number += 1;
        if line.pop_if(|byte| *byte == b'\n').is_none() && line.len() as u64 > MAX_LINE_READ {
            return Err(self.damaged(&format!("line {} is longer than {MAX_LINE_READ} bytes", self.number)));
        }
        if self.read > MAX_READ {
            return Err(self.damaged(&format!("it is longer than {MAX_READ} bytes")));
        }
        Ok(Some(line))
    }

    /// Reads an event; `None` where it is one that this Stepbox does not know.
    fn event(&mut self, line: &[u8]) -> Result<Option<BuildEvent>, EngineError> {
        #[derive(Deserialize)]
        struct Named {
            event: String,
        }
        match serde_json::from_slice(line) {
            Ok(event) => {
                self.newer |= matches!(event, BuildEvent::BuildStarted { version, .. } if version > EVENT_VERSION);
                Ok(Some(event))
            }
            Err(error) => match serde_json::from_slice::<Named>(line) {
                Ok(named) if self.newer || !NAMES.contains(&named.event.as_str()) => {
                    self.unknown += 1;
                    Ok(None)
                }
                _ => Err(self.damaged(&format!("line {}: {}", self.number, json_text(&error)))),
            },
        }
    }

    fn damaged(&self, why: &str) -> EngineError {
        damaged(&self.build, &self.path, why)
    }
}

impl Iterator for RecordedEvents {
    type Item = Result<BuildEvent, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.end.is_none() {
            let event = self.line().and_then(|line| match line {
                Some(line) => self.event(&line),
                None => Ok(None),
            });
            match event {
                Ok(Some(event)) => return Some(Ok(event)),
                Ok(None) => {}
                Err(error) => {
                    self.end = Some(End::Damaged);
                    return Some(Err(error));
                }
            }
        }
        None
    }
}
