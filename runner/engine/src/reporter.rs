//! The way of an event: to the caller, and into the record.

use stepbox_pipeline::Masker;

use crate::event::BuildEvent;
use crate::record::Record;

/// How many warnings the outcome repeats.
const MAX_WARNINGS: usize = 1000;

/// Tells what happens.
pub(crate) struct Reporter<'a> {
    events: &'a mut dyn FnMut(&BuildEvent),
    record: Option<Record>,
    warnings: Vec<String>,
    secrets: Vec<String>,
}

impl<'a> Reporter<'a> {
    pub(crate) fn new(events: &'a mut dyn FnMut(&BuildEvent)) -> Self {
        Self { events, record: None, warnings: vec![], secrets: vec![] }
    }

    /// Begins a build: records from now on, and tells where that cannot be.
    pub(crate) fn begin(&mut self, record: std::io::Result<Record>, started: BuildEvent) {
        let failure = match record {
            Ok(record) => {
                self.record = Some(record);
                None
            }
            Err(error) => Some(format!("the build is not recorded: {}", stepbox_volume::io_text(&error))),
        };
        self.emit(started);
        if let Some(message) = failure {
            self.warn(None, message);
        }
    }

    pub(crate) fn emit(&mut self, event: BuildEvent) {
        (self.events)(&event);
        if let Some(message) = self.record.as_mut().and_then(|record| record.add(&event)) {
            self.record = None;
            self.warn(None, message);
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
        }
    }

    /// The values that are masked.
    pub(crate) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// A text with its secrets masked (rule V32).
    pub(crate) fn mask(&self, text: &str) -> String {
        Masker::new(self.secrets.iter().map(String::as_str)).mask(text)
    }

    /// The texts of all warnings so far.
    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Writes the outcome beside the record.
    pub(crate) fn finish(&mut self, outcome: &crate::Outcome) {
        let Some(record) = &mut self.record else { return };
        let cut = record.is_cut();
        if let Err(error) = record.finish(outcome) {
            self.warn(None, format!("the outcome is not recorded: {}", stepbox_volume::io_text(&error)));
        } else if cut {
            self.warn(
                None,
                "the steps printed so much that the record of the build holds only a part of it".to_owned(),
            );
        }
    }
}
