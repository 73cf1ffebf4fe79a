//! What people do with the records of builds: list, show, read their events, remove.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stepbox_volume::HostFs;

use crate::build_about::BuildAbout;
use crate::build_id::BuildId;
use crate::directories::{Directories, State};
use crate::error::{EngineError, EngineErrorKind};
use crate::outcome::{BuildResult, Outcome, milliseconds};
use crate::record_directory::RecordDirectory;
use crate::recorded_events::RecordedEvents;
use crate::standing::Standing;
use crate::stored_snapshots::{open, store_error};
use crate::work_directory::{WorkDirectory, is_running, remove_at_once};

/// The fewest digits that stand for a build.
const MIN_PREFIX: usize = 4;

/// How many builds an error names.
const MAX_NAMED: usize = 5;

/// The records of builds in a state directory.
pub struct Builds {
    state: State,
    path: PathBuf,
}

/// Which builds are listed; all, where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildQuery {
    /// Those of the pipeline of this name.
    pub pipeline: Option<String>,
    /// This many, the newest.
    pub limit: Option<usize>,
}

/// Builds in a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildList {
    /// The newest first.
    pub builds: Vec<BuildSummary>,
    /// What is wrong with those that cannot be listed.
    pub damaged: Vec<EngineError>,
}

/// A build, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BuildSummary {
    /// The build.
    pub build: BuildId,
    /// The pipeline's name.
    pub pipeline: String,
    /// When it began, in milliseconds since 1970.
    pub started: u64,
    /// The branch, where one is known.
    pub branch: Option<String>,
    /// The commit, where one is known.
    pub revision: Option<String>,
    /// Who started it, where that is known.
    pub initiator: Option<String>,
    /// Whether it is over.
    pub state: BuildState,
    /// How it ended, where it is over.
    pub end: Option<BuildEnd>,
}

/// How a build ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildEnd {
    /// What it came to.
    pub result: BuildResult,
    /// How long it took.
    #[serde(rename = "duration_ms", with = "milliseconds")]
    pub duration: Duration,
}

/// A build, as it is recorded.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BuildRecord {
    /// What was known when it began.
    pub about: BuildAbout,
    /// What it came to, where it is over.
    pub outcome: Option<Outcome>,
    /// Whether it is over.
    pub state: BuildState,
}

/// Whether a build is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildState {
    /// Its process lives.
    Running,
    /// Its process died, or could not run it to its end: there is no outcome.
    Unfinished,
    /// It waits for an approval.
    Waiting,
    /// It has an outcome.
    Finished,
}

impl Builds {
    /// Opens the records of a state directory, and makes it where it is missing. One that is only readable will do for
    /// everything but removing.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`].
    pub fn open(directories: &Directories) -> Result<Self, EngineError> {
        let state = State::open_to_read(&directories.state)?;
        let path = state.path.join("builds");
        Ok(Self { state, path })
    }

    /// Builds, the newest first. Their events are not read. What is damaged is told beside the list.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`].
    pub fn list(&self, query: &BuildQuery) -> Result<BuildList, EngineError> {
        let limit = query.limit.unwrap_or(usize::MAX);
        let names = self.names()?;
        let mut list = BuildList::default();
        // The names of builds tell their order but for those of one second.
        for second in names.chunk_by(|one, other| one.second() == other.second()) {
            if list.builds.len() >= limit {
                break;
            }
            let mut found = vec![];
            for build in second {
                match self.summary(build, query.pipeline.as_deref()) {
                    Ok(summary) => found.extend(summary),
                    Err(error) => list.damaged.push(error),
                }
            }
            found.sort_by(|one, other| (other.started, &other.build).cmp(&(one.started, &one.build)));
            list.builds.append(&mut found);
        }
        list.builds.truncate(limit);
        Ok(list)
    }

    /// The build of a name, of the first digits of one, at least four, or the newest (`latest`). Whether its record makes
    /// sense is not looked at.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none, or more than one.
    pub fn find(&self, text: &str) -> Result<BuildId, EngineError> {
        let names = self.names()?;
        if text == "latest" {
            let none = || EngineError::new(EngineErrorKind::Usage, "there is no build yet");
            return self.latest(&names).ok_or_else(none);
        }
        let digits = text.to_ascii_lowercase();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(no_build(text));
        }
        let mut found = names.iter().filter(|name| name.as_str().starts_with(&digits));
        let (first, rest) = (found.next(), found.count());
        match first {
            None => Err(no_build(text)),
            Some(_) if digits.len() < MIN_PREFIX => {
                let message = format!("`{text}` is too short to stand for a build");
                let hint = format!("give at least {MIN_PREFIX} digits of its name, or `latest`");
                Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint))
            }
            Some(build) if rest == 0 => Ok(build.clone()),
            Some(_) => {
                let message = format!("{} builds have names that begin with `{text}`", rest + 1);
                let named = names.iter().filter(|name| name.as_str().starts_with(&digits)).take(MAX_NAMED);
                let mut named: Vec<String> = named.map(|name| format!("`{name}`")).collect();
                if rest + 1 > named.len() {
                    named.push(format!("{} more", rest + 1 - named.len()));
                }
                let last = named.pop().unwrap_or_default();
                let hint = format!("give more digits: there are {} and {last}", named.join(", "));
                Err(EngineError::new(EngineErrorKind::Usage, message).hint(hint))
            }
        }
    }

    /// One build.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none, [`EngineErrorKind::Record`] where its record is damaged.
    pub fn show(&self, build: &BuildId) -> Result<BuildRecord, EngineError> {
        let record = self.record(build)?.ok_or_else(|| no_build(build.as_str()))?;
        let about = record.about()?;
        let (state, outcome) = self.end(build, || record.outcome(), |outcome| outcome.result)?;
        Ok(BuildRecord { about, outcome, state })
    }

    /// Where a build stood when it ended or stopped, where that is recorded.
    ///
    /// # Errors
    /// As [`Builds::show`].
    pub(crate) fn standing(&self, build: &BuildId) -> Result<Option<Standing>, EngineError> {
        self.record(build)?.ok_or_else(|| no_build(build.as_str()))?.standing()
    }

    /// What happened in a build, as far as it is recorded by now.
    ///
    /// # Errors
    /// As [`Builds::show`], and so are those of the events.
    pub fn events(&self, build: &BuildId) -> Result<RecordedEvents, EngineError> {
        self.record(build)?.ok_or_else(|| no_build(build.as_str()))?.events()
    }

    /// Removes the record of a build, whatever is in it, and what the build has left in the store where nobody else needs it.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none or the build runs, [`EngineErrorKind::Store`], else
    /// [`EngineErrorKind::State`].
    pub fn remove(&self, build: &BuildId) -> Result<(), EngineError> {
        let runs = || {
            let message = format!("build `{build}` still runs");
            EngineError::new(EngineErrorKind::Usage, message).hint("its record can be removed when it is over")
        };
        if self.is_running(build)? {
            return Err(runs());
        }
        // Nobody can answer it meanwhile, where it waits.
        let _work = WorkDirectory::claim(&self.state, build)?.ok_or_else(runs)?;
        self.release(build)?;
        remove_at_once(&self.state.work, &self.state.builds, build).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => no_build(build.as_str()),
            _ => EngineError::state(format!("cannot remove `{}`", self.path.join(build.as_str()).display()), &error),
        })
    }

    /// Lets go what a build has left in the store, and what builds have left there whose records are gone.
    fn release(&self, build: &BuildId) -> Result<(), EngineError> {
        let failed = |error| store_error(&error);
        let store = open(&self.state, Arc::new(HostFs))?;
        let mut names = store.kept_builds().map_err(failed)?;
        names.retain(|name| {
            let recorded = |one: &BuildId| self.state.builds.exists(name) || self.is_running(one).unwrap_or(true);
            BuildId::parse(name).is_some_and(|one| one == *build || !recorded(&one))
        });
        if names.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        store.release(&names).map(drop).map_err(failed)
    }

    /// The names of all builds, the newest first; those of one second in any order.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`] where they cannot be read.
    pub fn names(&self) -> Result<Vec<BuildId>, EngineError> {
        let failed = |error| EngineError::state(format!("cannot read `{}`", self.path.display()), &error);
        let mut names = vec![];
        for entry in self.state.builds.entries().map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.to_str().and_then(BuildId::parse));
        }
        names.sort_unstable_by(|one, other| other.cmp(one));
        Ok(names)
    }

    fn latest(&self, names: &[BuildId]) -> Option<BuildId> {
        let second = names.chunk_by(|one, other| one.second() == other.second()).next()?;
        let started = |build| self.record(build).ok().flatten().and_then(|record| record.about().ok());
        second.iter().max_by_key(|build| (started(build).map(|about| about.started), *build)).cloned()
    }

    fn record(&self, build: &BuildId) -> Result<Option<RecordDirectory>, EngineError> {
        RecordDirectory::open(&self.state.builds, &self.path, build)
    }

    /// A build for the list; `None` where it is that of another pipeline, or was removed just now.
    fn summary(&self, build: &BuildId, pipeline: Option<&str>) -> Result<Option<BuildSummary>, EngineError> {
        let Some(record) = self.record(build)? else { return Ok(None) };
        let about = record.about()?;
        if pipeline.is_some_and(|pipeline| pipeline != about.pipeline) {
            return Ok(None);
        }
        let (state, end) = self.end(build, || record.part_of_outcome::<BuildEnd>(), |end| end.result)?;
        let BuildAbout { build, pipeline, started, branch, revision, initiator, .. } = about;
        Ok(Some(BuildSummary { build, pipeline, started, branch, revision, initiator, state, end }))
    }

    /// Whether a build is over, and what `read` finds where it is.
    fn end<T>(
        &self,
        build: &BuildId,
        read: impl Fn() -> Result<Option<T>, EngineError>,
        result: impl Fn(&T) -> BuildResult,
    ) -> Result<(BuildState, Option<T>), EngineError> {
        let mut end = read()?;
        let waits = |end: &Option<T>| end.as_ref().map(&result) == Some(BuildResult::PendingApproval);
        // One that waits may be going on.
        if end.is_none() || waits(&end) {
            if self.is_running(build)? {
                return Ok((BuildState::Running, None));
            }
            // It writes its outcome while it lives, so it may have done so meanwhile.
            end = read()?;
        }
        let state = match &end {
            None => BuildState::Unfinished,
            Some(_) if waits(&end) => BuildState::Waiting,
            Some(_) => BuildState::Finished,
        };
        Ok((state, end))
    }

    fn is_running(&self, build: &BuildId) -> Result<bool, EngineError> {
        is_running(&self.state.work, build).map_err(|error| {
            let path = self.state.path.join("work").join(build.as_str());
            EngineError::state(format!("cannot tell whether build {build} runs: `{}`", path.display()), &error)
        })
    }
}

pub(crate) fn no_build(text: &str) -> EngineError {
    EngineError::new(EngineErrorKind::Usage, format!("there is no build `{text}`"))
        .hint("`stepbox builds ls` lists them")
}
