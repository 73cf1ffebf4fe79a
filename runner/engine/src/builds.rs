//! The records of builds: list, find, show, read, remove.

use std::io::{BufRead, BufReader, Read};

use cap_std::fs::{Dir, File};
use rustix::fs::{Mode, OFlags};
use serde::{Deserialize, Serialize};
use stepbox_volume::io_text;
use zstd::stream::read::Decoder;

use crate::build_id::BuildId;
use crate::directories::{Directories, State, open_directory};
use crate::error::{EngineError, EngineErrorKind};
use crate::event::BuildEvent;
use crate::outcome::Outcome;
use crate::record::{ABOUT, BuildAbout, EVENTS, OUTCOME};
use crate::work_directory::{lives, remove_tree};

/// A larger file of a record is none of ours, in bytes.
const MAX_FILE: u64 = 64 << 20;

/// A longer event is none of ours, in bytes.
const MAX_LINE: u64 = 16 << 20;

/// How many digits of a build's name find it, at least.
const LEAST_DIGITS: usize = 4;

/// The records of a state directory.
pub struct Builds {
    state: State,
}

/// How far a build has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildState {
    /// It runs.
    Running,
    /// It died before its end.
    Unfinished,
    /// It has an outcome.
    Finished,
}

/// What is known of a build.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuildRecord {
    /// What it is.
    pub about: BuildAbout,
    /// How far it has come.
    pub state: BuildState,
    /// What it came to, where it has come to its end.
    pub outcome: Option<Outcome>,
}

impl Builds {
    /// Opens the records of a state directory. One that is only readable will do for everything but removing.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`].
    pub fn open(directories: &Directories) -> Result<Self, EngineError> {
        Ok(Self { state: State::open_to_read(&directories.state)? })
    }

    /// The names of all builds, the newest first.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`] where they cannot be read.
    pub fn names(&self) -> Result<Vec<BuildId>, EngineError> {
        let entries = self.state.builds.entries().map_err(|error| EngineError::state("cannot list builds", &error))?;
        let mut names: Vec<BuildId> =
            entries.flatten().filter_map(|entry| BuildId::parse(entry.file_name().to_str()?)).collect();
        names.sort_unstable_by(|one, other| other.cmp(one));
        Ok(names)
    }

    /// The build that a text means: its name, the first digits of it, or `latest`.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none, or more than one.
    pub fn find(&self, text: &str) -> Result<BuildId, EngineError> {
        let names = self.names()?;
        let usage = |message: String| EngineError::new(EngineErrorKind::Usage, message);
        let hint = "`stepbox builds ls` lists them";
        if text == "latest" {
            return names.into_iter().next().ok_or_else(|| usage("there is no build yet".to_owned()));
        }
        if text.len() < LEAST_DIGITS {
            let message = format!("`{text}` is too short for a build: give at least {LEAST_DIGITS} digits of its name");
            return Err(usage(message).hint(hint));
        }
        let mut found = names.into_iter().filter(|name| name.as_str().starts_with(text));
        match (found.next(), found.next()) {
            (Some(name), None) => Ok(name),
            (None, _) => Err(usage(format!("there is no build `{text}`")).hint(hint)),
            (Some(_), Some(_)) => {
                Err(usage(format!("more than one build begins with `{text}`")).hint("give more digits"))
            }
        }
    }

    /// What is known of a build.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`] where its record cannot be read.
    pub fn show(&self, build: &BuildId) -> Result<BuildRecord, EngineError> {
        let directory = self.directory(build)?;
        let broken = |name: &str, why: String| {
            EngineError::new(EngineErrorKind::State, format!("cannot read `builds/{build}/{name}`: {why}"))
        };
        let about = read(&directory, ABOUT).map_err(|error| broken(ABOUT, io_text(&error)))?;
        let about: BuildAbout = serde_json::from_slice(&about).map_err(|error| broken(ABOUT, error.to_string()))?;
        let outcome = match read(&directory, OUTCOME) {
            Ok(bytes) => Some(serde_json::from_slice(&bytes).map_err(|error| broken(OUTCOME, error.to_string()))?),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(broken(OUTCOME, io_text(&error))),
        };
        let state = match &outcome {
            Some(_) => BuildState::Finished,
            None if lives(&self.state, build) => BuildState::Running,
            None => BuildState::Unfinished,
        };
        Ok(BuildRecord { about, state, outcome })
    }

    /// Tells every event of a build, as far as its record goes. How many were skipped because they are not known.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`] where its record cannot be read.
    pub fn events(&self, build: &BuildId, mut tell: impl FnMut(&BuildEvent)) -> Result<u64, EngineError> {
        let failed =
            |error: &std::io::Error| EngineError::state(format!("cannot read `builds/{build}/{EVENTS}`"), error);
        let file = open_file(&self.directory(build)?, EVENTS).map_err(|error| failed(&error))?;
        let mut lines = BufReader::new(Decoder::new(file.into_std()).map_err(|error| failed(&error))?);
        let mut unknown = 0;
        loop {
            let mut line = vec![];
            match lines.by_ref().take(MAX_LINE).read_until(b'\n', &mut line) {
                Ok(0) => return Ok(unknown),
                Ok(_) if line.ends_with(b"\n") => match serde_json::from_slice(&line) {
                    Ok(event) => tell(&event),
                    // Of a newer version, or damaged: the others are told all the same.
                    Err(_) => unknown += 1,
                },
                // The build died, or runs on; or nobody wrote this.
                Ok(_) => return Ok(unknown),
                Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(unknown),
                Err(error) => return Err(failed(&error)),
            }
        }
    }

    /// Removes the record of a build that does not run.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where it runs, [`EngineErrorKind::State`] where it cannot be removed.
    pub fn remove(&self, build: &BuildId) -> Result<(), EngineError> {
        if lives(&self.state, build) {
            return Err(EngineError::new(EngineErrorKind::Usage, format!("build `{build}` still runs")));
        }
        remove_tree(&self.state.builds, build.as_str())
            .map_err(|error| EngineError::state(format!("cannot remove the record of build `{build}`"), &error))
    }

    fn directory(&self, build: &BuildId) -> Result<Dir, EngineError> {
        open_directory(&self.state.builds, build.as_str())
            .map_err(|error| EngineError::state(format!("cannot open the record of build `{build}`"), &error))
    }
}

/// Opens a regular file; links and everything else are refused.
fn open_file(directory: &Dir, name: &str) -> std::io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from_std(rustix::fs::openat(directory, name, flags, Mode::empty())?.into());
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

fn read(directory: &Dir, name: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![];
    open_file(directory, name)?.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(std::io::Error::other(format!("it is larger than {MAX_FILE} bytes")));
    }
    Ok(bytes)
}
