//! What is wrong with a document, collected.
//!
//! Problems beyond [`MOST`] are counted and not kept, and texts are made last and of bounded length, so that a hostile
//! document cannot make many long ones.

use super::problem::{Problem, clip};
use crate::diagnostic::{Diagnostic, Severity};
use crate::place::Place;

/// The most errors that are kept, and the most warnings.
const MOST: usize = 500;

/// A part of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part<'n> {
    /// A field.
    Key(&'n str),
    /// An item, from 0.
    Item(usize),
}

/// Where a value is, from the root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trail<'t, 'n> {
    up: Option<&'t Trail<'t, 'n>>,
    part: Option<Part<'n>>,
}

impl<'n> Trail<'_, 'n> {
    /// The root.
    pub(super) const ROOT: Trail<'static, 'static> = Trail { up: None, part: None };

    /// A field or an item of this.
    pub(super) fn then<'t>(&'t self, part: Part<'n>) -> Trail<'t, 'n> {
        Trail { up: Some(self), part: Some(part) }
    }

    fn parts(&self) -> Vec<Part<'n>> {
        let mut parts = Vec::new();
        let mut at = Some(self);
        while let Some(trail) = at {
            parts.extend(trail.part);
            at = trail.up;
        }
        parts.reverse();
        parts
    }
}

/// What one can do about a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Advice<'n> {
    /// Nothing to say.
    None,
    /// This.
    Say(&'static str),
    /// Another name may be meant.
    Meant(&'static str),
    /// One of two is to be removed.
    RemoveOne(&'static str, &'static str),
    /// A stage is to be added.
    AddStage(&'n str),
    /// The other one stands there.
    OtherAt(Place),
}

#[derive(Debug)]
struct Fault<'n> {
    problem: Problem<'n>,
    path: Vec<Part<'n>>,
    place: Place,
    step: Option<&'n str>,
    advice: Advice<'n>,
}

/// Collects what is wrong with a document.
#[derive(Debug, Default)]
pub(super) struct Checker<'n> {
    /// The stages of the document.
    pub(super) stages: Vec<&'n str>,
    /// The step that is being checked.
    pub(super) step: Option<&'n str>,
    faults: Vec<Fault<'n>>,
    /// How many errors there are, those that are not kept too.
    failures: usize,
    warnings: Vec<Diagnostic>,
    warned: usize,
}

/// What was said at some moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    faults: usize,
    failures: usize,
    warnings: usize,
    warned: usize,
}

impl<'n> Checker<'n> {
    /// Says an error.
    pub(super) fn fail(&mut self, problem: Problem<'n>, trail: &Trail<'_, 'n>, place: Place, advice: Advice<'n>) {
        self.failures += 1;
        if self.faults.len() < MOST {
            self.faults.push(Fault { problem, path: trail.parts(), place, step: self.step, advice });
        }
    }

    /// Says a warning.
    pub(super) fn warn(&mut self, message: String, trail: &Trail<'_, 'n>, place: Place, hint: Option<String>) {
        self.warned += 1;
        if self.warnings.len() < MOST {
            let (path, hints) = (path_text(&trail.parts()), hint.into_iter().collect());
            let step = self.step.map(|step| clip(step).to_owned());
            let severity = Severity::Warning;
            self.warnings.push(Diagnostic { severity, message, place: Some(place), other: None, step, path, hints });
        }
    }

    /// Everything that was said, errors first, and how many were not kept.
    pub(super) fn finish(self) -> (Vec<Diagnostic>, usize) {
        let dropped = self.failures - self.faults.len() + self.warned - self.warnings.len();
        let stages = self.stages;
        let mut all: Vec<Diagnostic> = self.faults.iter().map(|fault| fault.diagnostic(&stages)).collect();
        all.extend(self.warnings);
        (all, dropped)
    }

    /// How many errors there are.
    pub(super) fn failures(&self) -> usize {
        self.failures
    }

    /// Whether the next error is kept.
    pub(super) fn keeps_errors(&self) -> bool {
        self.faults.len() < MOST
    }

    /// Whether the next warning is kept.
    pub(super) fn keeps_warnings(&self) -> bool {
        self.warnings.len() < MOST
    }

    /// Counts a warning that is not kept.
    pub(super) fn count_warning(&mut self) {
        self.warned += 1;
    }

    /// Remembers what was said so far.
    pub(super) fn mark(&self) -> Mark {
        Mark { faults: self.faults.len(), failures: self.failures, warnings: self.warnings.len(), warned: self.warned }
    }

    /// Takes back the errors since then.
    pub(super) fn forget_errors(&mut self, mark: Mark) {
        self.faults.truncate(mark.faults);
        self.failures = mark.failures;
    }

    /// Takes back the warnings since then.
    pub(super) fn forget_warnings(&mut self, mark: Mark) {
        self.warnings.truncate(mark.warnings);
        self.warned = mark.warned;
    }

    /// Takes back errors since then that say the same about the same value.
    pub(super) fn say_once(&mut self, mark: Mark) {
        let mut at = mark.faults + 1;
        while at < self.faults.len() {
            let (said, new) = (&self.faults[mark.faults..at], &self.faults[at]);
            if said.iter().any(|one| one.problem == new.problem && one.path == new.path) {
                self.faults.remove(at);
                self.failures -= 1;
            } else {
                at += 1;
            }
        }
    }
}

impl Fault<'_> {
    fn diagnostic(&self, stages: &[&str]) -> Diagnostic {
        let label = match self.path.last() {
            Some(Part::Key(name)) => (*name).to_owned(),
            Some(Part::Item(number)) => number.to_string(),
            None => "value".to_owned(),
        };
        let hint = match self.advice {
            Advice::None | Advice::Say("") => None,
            Advice::Say(hint) => Some(hint.to_owned()),
            Advice::Meant(near) => Some(format!("did you mean `{near}`?")),
            Advice::RemoveOne(one, other) => Some(format!("remove `{one}` or `{other}`")),
            Advice::AddStage(stage) => Some(format!("add `{}` to the list `stages` at the root", clip(stage))),
            Advice::OtherAt(place) => Some(format!("the other one stands at {place}")),
        };
        Diagnostic {
            severity: Severity::Error,
            message: self.problem.message(&label, stages),
            place: Some(self.place),
            other: None,
            step: self.step.map(|step| clip(step).to_owned()),
            path: path_text(&self.path),
            hints: hint.into_iter().collect(),
        }
    }
}

fn path_text(parts: &[Part<'_>]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Key(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(clip(name));
            }
            Part::Item(number) => text.push_str(&format!("[{number}]")),
        }
    }
    text
}
