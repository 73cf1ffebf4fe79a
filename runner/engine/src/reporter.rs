//! The way of an event: to the caller, and into the record.

use cap_std::fs::Dir;
use stepbox_pipeline::{Masker, Variables};

use crate::build_about::BuildAbout;
use crate::event::BuildEvent;
use crate::record::Record;
use crate::recorded_variables::RecordedVariables;
use crate::standing::Standing;
use crate::work_directory::WorkDirectory;

/// How many warnings the outcome repeats.
const MAX_WARNINGS: usize = 1000;

/// Tells what happens.
pub(crate) struct Reporter<'a> {
    events: &'a mut dyn FnMut(&BuildEvent),
    record: Option<Record>,
    warnings: Vec<String>,
    secrets: Vec<String>,
    /// The names of the secrets of the build.
    secret_names: Vec<String>,
    /// Whether there is a secret that the record does not know yet.
    fresh_secrets: bool,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(events: &'a mut dyn FnMut(&BuildEvent)) -> Self {
        let (record, warnings, secrets, secret_names) = (None, vec![], vec![], vec![]);
        Self { events, record, warnings, secrets, secret_names, fresh_secrets: false }
    }

    /// Begins a build: records from now on, and tells where that cannot be.
    pub(crate) fn begin(&mut self, work: &WorkDirectory, builds: &Dir, about: BuildAbout, started: BuildEvent) {
        self.secret_names.clone_from(&about.secrets);
        self.fresh_secrets = false;
        let failure = match Record::create(work, builds, about, &self.masker()) {
            Ok(record) => {
                self.record = Some(record);
                None
            }
            Err(reason) => Some(format!("the build is not recorded: {reason}")),
        };
        self.emit(started);
        if let Some(message) = failure {
            self.warn(None, message);
        }
    }

    /// Goes on with a build that has waited: records from now on, and tells where that cannot be.
    pub(crate) fn go_on(&mut self, builds: &Dir, about: BuildAbout, warnings: Vec<String>, continued: BuildEvent) {
        self.secret_names.clone_from(&about.secrets);
        self.warnings = warnings;
        let failure = match Record::resume(builds, about) {
            Ok(record) => {
                self.record = Some(record);
                None
            }
            Err(reason) => Some(format!("the build is not recorded any further: {reason}")),
        };
        self.emit(continued);
        if let Some(message) = failure {
            self.warn(None, message);
        }
    }

    /// A build that has waited is answered: nobody else may answer it again.
    ///
    /// # Errors
    /// In words, where it still seems to wait.
    pub(crate) fn answered(&mut self) -> Result<(), String> {
        self.record.as_mut().ok_or_else(|| "it is not recorded".to_owned())?.go_on()
    }

    /// Writes where the build stands beside the record.
    ///
    /// # Errors
    /// In words.
    pub(crate) fn stand(&mut self, standing: &Standing) -> Result<(), String> {
        self.record.as_mut().ok_or_else(|| "it is not recorded".to_owned())?.stand(standing)
    }

    /// Whether the build is recorded with all that has happened.
    pub(crate) fn records(&self) -> bool {
        self.record.as_ref().is_some_and(Record::is_sound)
    }

    pub(crate) fn emit(&mut self, event: BuildEvent) {
        (self.events)(&event);
        let Some(record) = &mut self.record else { return };
        let mut added = record.add(&event);
        // Not for every secret: a step may export thousands.
        if added.is_ok() && self.fresh_secrets && !matches!(event, BuildEvent::Output { .. }) {
            self.fresh_secrets = false;
            added = record.hide(&Masker::new(self.secrets.iter().map(String::as_str)));
        }
        if let Err(reason) = added {
            self.warn(None, format!("the build is not recorded any further: {reason}"));
        }
    }

    /// Emits a warning without a place.
    pub(crate) fn warn(&mut self, step: Option<&str>, message: impl Into<String>) {
        self.warn_at(step, message.into(), None);
    }

    /// Emits a warning.
    pub(crate) fn warn_at(&mut self, step: Option<&str>, message: String, place: Option<String>) {
        let message = self.mask(&message);
        // Whoever floods is heard in the stream, and not kept.
        if self.warnings.len() < MAX_WARNINGS {
            self.warnings.push(message.clone());
        }
        self.emit(BuildEvent::Warning { step: step.map(str::to_owned), message, place });
    }

    /// Masks a value from now on (rule V31).
    pub(crate) fn add_secret(&mut self, value: &str) {
        if !value.is_empty() && !self.secrets.iter().any(|known| known == value) {
            self.secrets.push(value.to_owned());
            self.fresh_secrets = true;
        }
    }

    /// The values that are masked.
    pub(crate) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// A text with its secrets masked (rule V32).
    pub(crate) fn mask(&self, text: &str) -> String {
        self.masker().mask(text)
    }

    /// What masks the secrets that are known by now.
    pub(crate) fn masker(&self) -> Masker {
        Masker::new(self.secrets.iter().map(String::as_str))
    }

    /// What steps have exported, as it may be shown; `names` are those that they have masked.
    pub(crate) fn exported(&self, variables: &Variables, names: &[String]) -> RecordedVariables {
        let names = names.iter().chain(&self.secret_names).map(String::as_str);
        RecordedVariables::exported(variables, names, &self.masker())
    }

    /// The names of the secrets of the build.
    pub(crate) fn secret_names(&self) -> &[String] {
        &self.secret_names
    }

    /// The texts of all warnings so far.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Writes the outcome beside the record.
    pub(crate) fn finish(&mut self, outcome: &crate::Outcome) {
        if let Some(record) = &mut self.record
            && let Err(reason) = record.finish(outcome)
        {
            self.warn(None, format!("the outcome is not recorded: {reason}"));
        }
    }
}
