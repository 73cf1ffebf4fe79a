//! Checks values against their descriptions, in the order in which the official validator speaks.
//!
//! In a mapping come the fields in the order of their description, then those that do not belong there, then what holds
//! between fields. Where a value may be one of several things and is none of them, each says why. Nothing here recurses
//! deeper than the document, whose depth the YAML reader bounds.

use super::problem::{Problem, clip};
use super::report::{Advice, Checker, Part, Trail};
use super::shape::{Field, Least, List, Map, Object, Others, Presence, Rule, Shape};
use super::suggest;
use super::view::{Entry, Fields, StepView, key_text};
use crate::pipeline::Flag;
use crate::place::Place;
use crate::template::holes;
use crate::timeout::parse_timeout;
use crate::yaml::{Node, Value};

/// How a value is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// Whether errors about fields suggest others: not at the root, and not behind lists and choices.
    pub(super) guided: bool,
    /// What one can do where the value is of another kind.
    pub(super) hint: &'static str,
}

/// A mapping whose fields are checked.
struct Seen<'v, 'n> {
    object: &'static Object,
    fields: &'v Fields<'n>,
    place: Place,
    guided: bool,
    /// Fields that cannot stand, whatever the description says.
    barred: &'static [&'static str],
    /// The step that it is, if it is one.
    step: Option<&'v StepView<'n>>,
}

impl<'n> Checker<'n> {
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
        let advice = if manner.hint.is_empty() { Advice::None } else { Advice::Say(manner.hint) };
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
            let before = self.failures();
            let trail = trail.then(Part::Item(number));
            if list.least == Least::OneGood && item.as_str().is_some_and(|text| text.trim().is_empty()) {
                self.fail(Problem::Empty, &trail, item.span, Advice::None);
                self.fail(Problem::TooShort, &trail, item.span, Advice::None);
            } else {
                // `- echo a: b` is a mapping (rule Y6), `- KEY: value` too.
                let hint = match (list.item, &item.value) {
                    (Shape::Text, Value::Mapping(_)) => {
                        "the `: ` makes a mapping of it: quote the text or use a block scalar `|-`"
                    }
                    (Shape::Text, Value::Bool(_) | Value::Integer { .. } | Value::Float { .. }) => {
                        "quote it to make it a string"
                    }
                    _ => "",
                };
                self.value(list.item, item, &trail, Manner { guided: false, hint });
            }
            good += usize::from(self.failures() == before);
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
        self.fields(&Seen { object, fields, place, guided, barred: &[], step: None }, trail);
    }

    /// Checks the fields of a step. `barred` fields cannot stand, whatever the description says.
    pub(super) fn step_fields(
        &mut self,
        view: &StepView<'n>,
        place: Place,
        trail: &Trail<'_, 'n>,
        barred: &'static [&'static str],
    ) {
        let (object, fields) = (view.object, &view.fields);
        self.fields(&Seen { object, fields, place, guided: true, barred, step: Some(view) }, trail);
    }

    fn fields(&mut self, seen: &Seen<'_, 'n>, trail: &Trail<'_, 'n>) {
        let Seen { object, fields, place, guided, barred, step } = *seen;
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
            self.other(seen, *entry, trail);
        }
        for rule in object.rules {
            self.rule(*rule, seen, trail);
        }
    }

    /// A field that may not belong here.
    fn other(&mut self, seen: &Seen<'_, 'n>, entry: Entry<'n>, trail: &Trail<'_, 'n>) {
        let Seen { object, fields, guided, barred, .. } = *seen;
        let is_barred = barred.contains(&entry.name);
        if !is_barred && object.fields().any(|field| field.name == entry.name) {
            return;
        }
        let below = trail.then(Part::Key(entry.name));
        if let Some(field) = object.fields().find(|field| field.alias == Some(entry.name)) {
            // Under its present name it would have been found: both stand.
            let first = fields.entry(field.name).map_or(entry.key.span, |first| first.key.span);
            let problem = Problem::Renamed(field.alias.unwrap_or(field.name), field.name);
            self.fail(problem, trail, entry.key.span, Advice::OtherAt(first));
            return;
        }
        let candidates = || -> Vec<&'static str> {
            let open =
                |field: &&Field| !barred.contains(&field.name) && !matches!(field.presence, Presence::Forbidden(_));
            object.fields().filter(|field| field.suggested).filter(open).map(|field| field.name).collect()
        };
        // Beyond what is kept nobody reads what may have been meant.
        let kept = self.keeps_errors();
        match object.others {
            Others::Taken if !is_barred => {}
            Others::Warned(what) if !is_barred => {
                if !self.keeps_warnings() {
                    self.count_warning();
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

    fn rule(&mut self, rule: Rule, seen: &Seen<'_, 'n>, trail: &Trail<'_, 'n>) {
        let Seen { fields, place, .. } = *seen;
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
        let mark = self.mark();
        for shape in shapes {
            let before = self.failures();
            self.value(*shape, node, trail, Manner { guided: false, ..manner });
            if self.failures() == before {
                self.forget_errors(mark);
                return;
            }
            self.forget_warnings(mark);
        }
        self.say_once(mark);
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
