//! Checks values against their descriptions, in the order in which the official validator speaks.
//!
//! In a mapping come the fields in the order of their description, then those that do not belong there, then what holds
//! between fields. Where a value may be one of several things and is none of them, each says why. Nothing here recurses
//! deeper than the document, whose depth the YAML reader bounds; problems beyond [`MOST`] are counted and not kept, and
//! their texts are made last, so that a hostile document cannot make many long ones.

use super::problem::{Problem, clip};
use super::shape::{Field, Least, List, Map, Object, Others, Presence, Rule, Shape};
use super::suggest;
use super::view::{Entry, Fields, StepView, key_text};
use crate::diagnostic::{Diagnostic, Severity};
use crate::pipeline::Flag;
use crate::place::Place;
use crate::template::holes;
use crate::timeout::parse_timeout;
use crate::yaml::{Node, Value};

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

/// How a value is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Whether errors about fields suggest others: not at the root, and not behind lists and choices.
    pub(super) guided: bool,
    /// What one can do where the value is of another kind.
    pub(super) hint: &'static str,
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

    /// Checks a value.
    pub(super) fn value(&mut self, shape: Shape, node: &'n Node, trail: &Trail<'_, 'n>, manner: Manner) {
        match shape {
            // What holds steps and hooks checks only that it does; they are looked at on their own.
            Shape::Any | Shape::Hook => {}
            Shape::Steps if node.is_mapping() => {}
            Shape::Steps => self.must_be("an object", node, trail, manner),
            Shape::Text | Shape::Label | Shape::Word(_) | Shape::Matching(_) | Shape::Variable | Shape::Stage => {
                self.string(shape, node, trail, manner)
            }
            Shape::Number | Shape::Positive => self.number(shape, node, trail, manner),
            Shape::Flag | Shape::StrictFlag => {
                let known = match &node.value {
                    Value::Bool(_) => true,
                    Value::String(text) | Value::Integer { source: text, .. } => {
                        matches!(shape, Shape::Flag) && Flag::from_text(text).is_some()
                    }
                    _ => false,
                };
                if !known {
                    self.must_be("a boolean", node, trail, manner);
                }
            }
            Shape::List(list) => self.list(list, node, trail, manner),
            Shape::Map(map) => self.map(map, node, trail, manner),
            Shape::Object(object) if node.is_mapping() => {
                self.object(object, &Fields::of(node, object), node.span, trail, manner.guided);
            }
            Shape::Object(_) => self.must_be("an object", node, trail, manner),
            Shape::OneOf(shapes) => self.one_of(shapes, node, trail, manner),
            Shape::Version => self.version(node, trail, manner),
            Shape::Timeout => self.timeout(node, trail),
        }
    }

    fn must_be(&mut self, kind: &'static str, node: &Node, trail: &Trail<'_, 'n>, manner: Manner) {
        // `- echo a: b` is a mapping (rule Y6), `- KEY: value` too.
        let advice = match (trail.part, &node.value) {
            (Some(Part::Item(_)), Value::Mapping(_)) if kind == "a string" => {
                Advice::Say("the `: ` makes a mapping of it: quote the text or use a block scalar `|-`")
            }
            (Some(Part::Item(_)), Value::Bool(_) | Value::Integer { .. } | Value::Float { .. })
                if kind == "a string" =>
            {
                Advice::Say("quote it to make it a string")
            }
            _ if manner.hint.is_empty() => Advice::None,
            _ => Advice::Say(manner.hint),
        };
        self.fail(Problem::MustBe(kind), trail, node.span, advice);
    }

    fn string(&mut self, shape: Shape, node: &'n Node, trail: &Trail<'_, 'n>, manner: Manner) {
        let Some(text) = node.as_str() else {
            self.must_be("a string", node, trail, manner);
            return;
        };
        if text.is_empty() && !matches!(shape, Shape::Label) {
            self.fail(Problem::Empty, trail, node.span, Advice::None);
        }
        let (problem, advice) = match shape {
            Shape::Word(words) if !words.contains(&text) => (Problem::NoneOf(words), Advice::None),
            Shape::Matching(pattern) if !pattern.matches(text) => {
                (Problem::Unlike(text, pattern.source()), Advice::None)
            }
            Shape::Variable if !is_variable(text) => (Problem::NoVariable(text), Advice::None),
            Shape::Stage if !self.stages.contains(&text) => (Problem::NoStage, Advice::AddStage(text)),
            _ => return,
        };
        self.fail(problem, trail, node.span, advice);
    }

    fn number(&mut self, shape: Shape, node: &'n Node, trail: &Trail<'_, 'n>, manner: Manner) {
        let Some(number) = number(node) else {
            self.must_be("a number", node, trail, manner);
            return;
        };
        if matches!(shape, Shape::Positive) && number <= 0.0 {
            if number == 0.0 {
                self.fail(Problem::Invalid, trail, node.span, Advice::None);
            }
            self.fail(Problem::NotPositive, trail, node.span, Advice::None);
        }
    }

    fn list(&mut self, list: &'static List, node: &'n Node, trail: &Trail<'_, 'n>, manner: Manner) {
        let Some(items) = node.as_sequence() else {
            self.must_be("an array", node, trail, manner);
            return;
        };
        let mut good = 0;
        for (number, item) in items.iter().enumerate() {
            let before = self.failures;
            let trail = trail.then(Part::Item(number));
            if list.least == Least::OneGood && item.as_str().is_some_and(|text| text.trim().is_empty()) {
                self.fail(Problem::Empty, &trail, item.span, Advice::None);
                self.fail(Problem::TooShort, &trail, item.span, Advice::None);
            } else {
                self.value(list.item, item, &trail, Manner { guided: false, hint: "" });
            }
            good += usize::from(self.failures == before);
        }
        match list.least {
            Least::One if items.is_empty() => self.fail(Problem::NoItems, trail, node.span, Advice::None),
            Least::OneGood if good == 0 => self.fail(Problem::NoGoodItem, trail, node.span, Advice::None),
            _ => {}
        }
    }

    fn map(&mut self, map: &'static Map, node: &'n Node, trail: &Trail<'_, 'n>, manner: Manner) {
        if !node.is_mapping() {
            self.must_be("an object", node, trail, manner);
            return;
        }
        let fits = |key: &str| map.key.is_none_or(|pattern| pattern.matches(key));
        for (key, value) in node.entries() {
            let key = key_text(key);
            if fits(key) {
                self.value(map.value, value, &trail.then(Part::Key(key)), Manner { guided: false, hint: "" });
            }
        }
        for (key, _) in node.entries() {
            let name = key_text(key);
            if !fits(name) {
                self.fail(Problem::NotAllowed, &trail.then(Part::Key(name)), key.span, Advice::None);
            }
        }
    }

    /// Checks the fields of a mapping.
    pub(super) fn object(
        &mut self,
        object: &'static Object,
        fields: &Fields<'n>,
        place: Place,
        trail: &Trail<'_, 'n>,
        guided: bool,
    ) {
        self.fields(object, fields, place, trail, guided, &[], None);
    }

    /// Checks the fields of a step. `barred` fields cannot stand, whatever the description says.
    pub(super) fn step_fields(
        &mut self,
        view: &StepView<'n>,
        place: Place,
        trail: &Trail<'_, 'n>,
        barred: &'static [&'static str],
    ) {
        self.fields(view.object, &view.fields, place, trail, true, barred, Some(view));
    }

    #[expect(clippy::too_many_arguments, reason = "one place checks fields, for mappings and for steps")]
    fn fields(
        &mut self,
        object: &'static Object,
        fields: &Fields<'n>,
        place: Place,
        trail: &Trail<'_, 'n>,
        guided: bool,
        barred: &'static [&'static str],
        step: Option<&StepView<'n>>,
    ) {
        for field in object.fields().filter(|field| !barred.contains(&field.name)) {
            let found = fields.entry(field.name);
            let below = trail.then(Part::Key(field.name));
            match (field.presence, found) {
                (Presence::Forbidden(message), Some(entry)) => {
                    self.fail(Problem::Said(message), &below, entry.key.span, Advice::None);
                }
                (_, Some(entry)) => {
                    self.value(field.shape, entry.value, &below, Manner { guided, hint: field.hint });
                }
                (Presence::Required, None) if !step.is_some_and(|view| view.given_elsewhere(field.name)) => {
                    let advice =
                        if matches!(field.shape, Shape::Version) { Advice::Say(field.hint) } else { Advice::None };
                    self.fail(Problem::Required, &below, place, advice);
                }
                _ => {}
            }
        }
        for entry in fields.entries() {
            self.other(object, fields, *entry, trail, guided, barred);
        }
        for rule in object.rules {
            self.rule(*rule, fields, place, trail);
        }
    }

    /// A field that may not belong here.
    fn other(
        &mut self,
        object: &'static Object,
        fields: &Fields<'n>,
        entry: Entry<'n>,
        trail: &Trail<'_, 'n>,
        guided: bool,
        barred: &'static [&'static str],
    ) {
        let is_barred = barred.contains(&entry.name);
        if !is_barred && object.fields().any(|field| field.name == entry.name) {
            return;
        }
        let below = trail.then(Part::Key(entry.name));
        if let Some(field) = object.fields().find(|field| field.alias == Some(entry.name)) {
            // Under its present name it would have been found: both stand.
            let first = fields.entry(field.name).map_or(entry.key.span, |first| first.key.span);
            let problem = Problem::Renamed(entry.name_of_alias(field), field.name);
            self.fail(problem, trail, entry.key.span, Advice::OtherAt(first));
            return;
        }
        let candidates = || -> Vec<&'static str> {
            let open =
                |field: &&Field| !barred.contains(&field.name) && !matches!(field.presence, Presence::Forbidden(_));
            object.fields().filter(|field| field.suggested).filter(open).map(|field| field.name).collect()
        };
        // Beyond what is kept nobody reads what may have been meant.
        let kept = self.faults.len() < MOST;
        match object.others {
            Others::Taken if !is_barred => {}
            Others::Warned(what) if !is_barred => {
                if self.warnings.len() >= MOST {
                    self.warned += 1;
                    return;
                }
                let hint = suggest::careful(entry.name, &candidates()).map(|near| format!("did you mean `{near}`?"));
                let message = format!("{what} has no field `{}`, it is ignored", clip(entry.name));
                self.warn(message, &below, entry.key.span, hint);
            }
            Others::RefusedWithHint => {
                let near = if kept { suggest::careful(entry.name, &candidates()) } else { None };
                let advice = near.map_or(Advice::None, Advice::Meant);
                self.fail(Problem::NotAllowed, &below, entry.key.span, advice);
            }
            _ => {
                let near = if guided && kept { suggest::official(entry.name, &candidates()) } else { None };
                let problem = near.map_or(Problem::NotAllowed, Problem::NotAllowedNear);
                self.fail(problem, &below, entry.key.span, Advice::None);
            }
        }
    }

    fn rule(&mut self, rule: Rule, fields: &Fields<'n>, place: Place, trail: &Trail<'_, 'n>) {
        let at = |name: &str| fields.entry(name).map(|entry| entry.key.span);
        match rule {
            Rule::Without(one, other) => {
                if let (Some(span), Some(_)) = (at(one), at(other)) {
                    let advice = Advice::RemoveOne(one, other);
                    self.fail(Problem::Conflict(other), &trail.then(Part::Key(one)), span, advice);
                }
            }
            Rule::With(one, other) => {
                if let (Some(span), None) = (at(one), at(other)) {
                    self.fail(Problem::MissingPeer(other), &trail.then(Part::Key(one)), span, Advice::None);
                }
            }
            Rule::Either(one, other) => match (at(one), at(other)) {
                (Some(_), Some(span)) => self.fail(Problem::Exclusive(one, other), trail, span, Advice::None),
                (None, None) => self.fail(Problem::NeitherOf(one, other), trail, place, Advice::None),
                _ => {}
            },
            Rule::WhileOn(one, other) => {
                let off = fields.get(other).is_none_or(|node| match &node.value {
                    Value::Bool(value) => !value,
                    Value::Null => true,
                    _ => node.scalar_text().is_some_and(|text| Flag::from_text(&text) == Some(false)),
                });
                if let (Some(span), true) = (at(one), off) {
                    self.fail(Problem::NotAllowed, &trail.then(Part::Key(one)), span, Advice::None);
                }
            }
        }
    }

    fn one_of(&mut self, shapes: &'static [Shape], node: &'n Node, trail: &Trail<'_, 'n>, manner: Manner) {
        let (faults, failures) = (self.faults.len(), self.failures);
        let (warnings, warned) = (self.warnings.len(), self.warned);
        for shape in shapes {
            let before = self.failures;
            self.value(*shape, node, trail, Manner { guided: false, ..manner });
            if self.failures == before {
                self.faults.truncate(faults);
                self.failures = failures;
                return;
            }
            self.warnings.truncate(warnings);
            self.warned = warned;
        }
        // Two choices may say the same about the same value.
        let mut at = faults + 1;
        while at < self.faults.len() {
            let (said, new) = (&self.faults[faults..at], &self.faults[at]);
            if said.iter().any(|one| one.problem == new.problem && one.path == new.path) {
                self.faults.remove(at);
                self.failures -= 1;
            } else {
                at += 1;
            }
        }
    }

    /// Only 1.0 exists, as a number or as a string (rule Y2).
    fn version(&mut self, node: &'n Node, trail: &Trail<'_, 'n>, manner: Manner) {
        if node.is_null() {
            self.fail(Problem::Required, trail, node.span, Advice::Say(manner.hint));
        } else if !number(node).is_some_and(|number| (number - 1.0).abs() < f64::EPSILON) {
            let written = if node.scalar_text().is_some() { key_text(node) } else { node.kind() };
            self.fail(Problem::Version(written), trail, node.span, Advice::None);
        }
    }

    /// A bad timeout is a warning and ignored (rule F22).
    fn timeout(&mut self, node: &'n Node, trail: &Trail<'_, 'n>) {
        let message = match &node.value {
            Value::Null => return,
            Value::String(text) => match parse_timeout(text) {
                Ok(_) => return,
                Err(mut error) => {
                    error.text = clip(&error.text).to_owned();
                    error.to_string()
                }
            },
            _ => Problem::MustBe("a string").message("timeout", &[]),
        };
        let hint = "the timeout is ignored; write a number and `s`, `m` or `h`, as in `45m`";
        self.warn(message, trail, node.span, Some(hint.to_owned()));
    }
}

impl<'n> Entry<'n> {
    fn name_of_alias(&self, field: &'static Field) -> &'static str {
        field.alias.unwrap_or(field.name)
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

/// The number that a node is, as such or in quotes.
pub(crate) fn number(node: &Node) -> Option<f64> {
    match &node.value {
        Value::String(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
        _ => node.as_number().filter(|number| !number.is_nan()),
    }
}

/// Whether a text is exactly `${{NAME}}`.
pub(crate) fn is_variable(text: &str) -> bool {
    matches!(holes(text).as_slice(), [hole] if hole.start == 0 && hole.end == text.len())
}
