//! The record of a build, to be read. Nothing in it is trusted to be what was written.

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::build_about::{BuildAbout, RECORD_VERSION};
use crate::build_id::BuildId;
use crate::directories::{open_directory, open_file};
use crate::error::{EngineError, EngineErrorKind};
use crate::outcome::Outcome;
use crate::record::{ABOUT, EVENTS, MAX_FILE, OUTCOME, STANDING};
use crate::recorded_events::RecordedEvents;
use crate::standing::Standing;

/// The directory of a record.
pub(crate) struct RecordDirectory {
    build: BuildId,
    directory: Dir,
    path: PathBuf,
}

impl RecordDirectory {
    /// Opens a record. `path` is that of the directory of all records; `None` where there is none of this build.
    ///
    /// # Errors
    /// [`EngineErrorKind::Record`], and [`EngineErrorKind::State`] where the host fails.
    pub(crate) fn open(builds: &Dir, path: &Path, build: &BuildId) -> Result<Option<Self>, EngineError> {
        let path = path.join(build.as_str());
        match open_directory(builds, build.as_str()) {
            Ok(directory) => Ok(Some(Self { build: build.clone(), directory, path })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
                Err(damaged(build, &path, "it is no directory"))
            }
            Err(error) => Err(EngineError::state(format!("cannot open `{}`", path.display()), &error)),
        }
    }

    /// What was known when the build began.
    ///
    /// # Errors
    /// As [`RecordDirectory::open`].
    pub(crate) fn about(&self) -> Result<BuildAbout, EngineError> {
        let about: BuildAbout = self.read(ABOUT)?.ok_or_else(|| self.damaged(ABOUT, "it is missing"))?;
        self.check_build(ABOUT, &about.build)?;
        Ok(about)
    }

    /// What the build came to, where that is recorded.
    ///
    /// # Errors
    /// As [`RecordDirectory::open`].
    pub(crate) fn outcome(&self) -> Result<Option<Outcome>, EngineError> {
        let outcome: Option<Outcome> = self.read(OUTCOME)?;
        if let Some(outcome) = &outcome {
            self.check_build(OUTCOME, &outcome.build)?;
        }
        Ok(outcome)
    }

    /// Part of what the build came to, where that is recorded.
    ///
    /// # Errors
    /// As [`RecordDirectory::open`].
    pub(crate) fn part_of_outcome<T: DeserializeOwned>(&self) -> Result<Option<T>, EngineError> {
        self.read(OUTCOME)
    }

    /// Where the build stood when it ended or stopped, where that is recorded.
    ///
    /// # Errors
    /// As [`RecordDirectory::open`].
    pub(crate) fn standing(&self) -> Result<Option<Standing>, EngineError> {
        let standing: Option<Standing> = self.read(STANDING)?;
        if let Some(standing) = &standing {
            self.check_build(STANDING, &standing.build)?;
        }
        Ok(standing)
    }

    /// The events.
    ///
    /// # Errors
    /// As [`RecordDirectory::open`].
    pub(crate) fn events(&self) -> Result<RecordedEvents, EngineError> {
        let file = open_file(&self.directory, EVENTS).map_err(|error| self.unreadable(EVENTS, &error))?;
        RecordedEvents::new(file, self.build.clone(), self.path.join(EVENTS), self.newer_version().is_some())
    }

    fn read<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, EngineError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        serde_json::from_slice(&text).map(Some).map_err(|error| match self.newer_version() {
            Some(version) => newer(&self.path.join(name), version),
            None => self.damaged(name, &json_text(&error)),
        })
    }

    /// The version of the record, where it is one that this Stepbox does not know.
    fn newer_version(&self) -> Option<u32> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let text = self.text(ABOUT).ok()??;
        let version = serde_json::from_slice::<Versioned>(&text).ok()?.version;
        (version > RECORD_VERSION).then_some(version)
    }

    /// What is in a file; `None` where there is none.
    fn text(&self, name: &str) -> Result<Option<Vec<u8>>, EngineError> {
        let mut text = vec![];
        match open_file(&self.directory, name).and_then(|file| file.take(MAX_FILE + 1).read_to_end(&mut text)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.unreadable(name, &error)),
        }
        if text.len() as u64 > MAX_FILE {
            return Err(self.damaged(name, &format!("it is larger than {MAX_FILE} bytes")));
        }
        Ok(Some(text))
    }

    fn check_build(&self, name: &str, build: &BuildId) -> Result<(), EngineError> {
        if *build == self.build { Ok(()) } else { Err(self.damaged(name, &format!("it is that of build {build}"))) }
    }

    fn unreadable(&self, name: &str, error: &io::Error) -> EngineError {
        match error.kind() {
            io::ErrorKind::NotFound => self.damaged(name, "it is missing"),
            io::ErrorKind::InvalidData => self.damaged(name, &error.to_string()),
            _ => EngineError::state(format!("cannot read `{}`", self.path.join(name).display()), error),
        }
    }

    fn damaged(&self, name: &str, why: &str) -> EngineError {
        damaged(&self.build, &self.path.join(name), why)
    }
}

/// A part of a record makes no sense.
pub(crate) fn damaged(build: &BuildId, path: &Path, why: &str) -> EngineError {
    EngineError::new(EngineErrorKind::Record, format!("`{}` is damaged: {why}", path.display()))
        .hint(format!("`stepbox builds rm {build}` removes the record"))
}

fn newer(path: &Path, version: u32) -> EngineError {
    let message = format!(
        "cannot understand `{}`: its version is {version}, and this Stepbox reads {RECORD_VERSION}",
        path.display()
    );
    EngineError::new(EngineErrorKind::Record, message).hint("use the Stepbox that ran the build")
}

/// What is wrong with a JSON text, in words that cannot steer a terminal: they may repeat what is in it.
pub(crate) fn json_text(error: &serde_json::Error) -> String {
    error.to_string().chars().filter(|c| !c.is_control()).take(300).collect()
}
