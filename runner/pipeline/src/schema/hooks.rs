//! The new hooks, in all their forms (rules H1 to H4).

use super::check::Manner;
use super::common::{ANNOTATIONS, HOOKS, IMAGE_METADATA};
use super::document::{Home, step, steps};
use super::problem::Problem;
use super::report::{Advice, Checker, Part, Trail};
use super::shape::{Field, Object, STRICT_SWITCH, SWITCH, Shape, TEXTS};
use super::types::BuildVersion;
use super::view::{Fields, key_text};
use crate::step_name::StepName;
use crate::yaml::Node;

/// A hook that says what runs under `exec`, beside notes (forms b, c, f and g).
static WRAPPED: Object = Object::closed(&[&[Field::new("exec", Shape::Any, "What runs"), IMAGE_METADATA, ANNOTATIONS]]);

/// A hook of several steps (forms e and f).
static SEVERAL: Object = Object::closed(&[&[
    Field::new("mode", Shape::Word(&["sequential", "parallel"]), "Whether the steps run in their order or at once"),
    Field::new("fail_fast", SWITCH, "Whether a failing step ends the hook").alias("fail-fast"),
    Field::new("strict_fail_fast", STRICT_SWITCH, "Whether failures that do not end the hook fail it at its end"),
    Field::new("steps", Shape::Steps, "The steps").required(),
]]);

const ADVICE: &str = "write a list of commands, or `exec:` with an image and commands";

/// The descriptions of hooks, for whoever lists them.
pub(super) fn forms() -> [&'static Object; 2] {
    [&WRAPPED, &SEVERAL]
}

/// Checks the hooks of a step or of the pipeline. That only known ones are there is checked with the other fields.
pub(super) fn all<'n>(checker: &mut Checker<'n>, node: &'n Node, trail: &Trail<'_, 'n>, build: BuildVersion) {
    for (key, hook) in node.entries() {
        let name = key_text(key);
        if HOOKS.fields().any(|field| field.name == name) {
            one(checker, hook, &trail.then(Part::Key(name)), build);
        }
    }
}

fn one<'n>(checker: &mut Checker<'n>, hook: &'n Node, trail: &Trail<'_, 'n>, build: BuildVersion) {
    if hook.as_sequence().is_some() {
        checker.value(TEXTS, hook, trail, Manner { guided: false, hint: "" });
        return;
    }
    let wrapped = ["exec", "metadata", "annotations"].iter().any(|name| hook.get(name).is_some());
    if !wrapped {
        run(checker, hook, trail, build);
        return;
    }
    checker.object(&WRAPPED, &Fields::of(hook, &WRAPPED), hook.span, trail, false);
    let Some(exec) = hook.get("exec") else { return };
    let below = trail.then(Part::Key("exec"));
    if exec.as_sequence().is_some() {
        checker.value(TEXTS, exec, &below, Manner { guided: false, hint: "" });
    } else {
        run(checker, exec, &below, build);
    }
}

/// One step, or several under `steps`.
fn run<'n>(checker: &mut Checker<'n>, node: &'n Node, trail: &Trail<'_, 'n>, build: BuildVersion) {
    if !node.is_mapping() {
        checker.fail(Problem::MustBe("an object"), trail, node.span, Advice::Say(ADVICE));
        return;
    }
    let Some(all) = node.get("steps") else {
        step(checker, node, trail, Home::Hook, build);
        return;
    };
    checker.object(&SEVERAL, &Fields::of(node, &SEVERAL), node.span, trail, false);
    let below = trail.then(Part::Key("steps"));
    for (key, _) in all.entries() {
        if let Err(error) = StepName::new(key_text(key)) {
            let trail = below.then(Part::Key(key_text(key)));
            checker.fail(Problem::Name(error), &trail, key.span, Advice::None);
        }
    }
    steps(checker, all, &below, Home::Hook, build);
}
