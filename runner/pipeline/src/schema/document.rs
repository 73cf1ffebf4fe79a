//! Checks a whole document, in the order in which the official validator speaks: names of steps, the root, the hooks
//! of the pipeline, then step by step its fields, its hooks and the steps inside.

use std::collections::HashMap;

use super::check::Manner;
use super::common::{NOT_IN_HOOKS, OLD_HOOKS};
use super::problem::{Problem, clip};
use super::report::{Advice, Checker, Part, Trail};
use super::root::{DOCUMENT, ROOT, SPEC_TEMPLATE};
use super::shape::Shape;
use super::types::BuildVersion;
use super::view::{Fields, Kind, StepView, key_text};
use super::{hooks, version};
use crate::place::Place;
use crate::step_name::StepName;
use crate::yaml::Node;

/// Where a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Home {
    /// Among the steps of the pipeline.
    Pipeline,
    /// In a parallel step.
    Parallel,
    /// In a hook.
    Hook,
}

/// The part of a document that holds the steps: the document itself, or `spec` of a pipeline's specification.
pub(crate) fn body(root: &Node) -> Option<&Node> {
    if is_specification(root) { root.get("spec").filter(|spec| spec.is_mapping()) } else { Some(root) }
}

/// The same part, to change it.
pub(crate) fn body_mut(root: &mut Node) -> Option<&mut Node> {
    if is_specification(root) { root.get_mut("spec").filter(|spec| spec.is_mapping()) } else { Some(root) }
}

/// Whether a document is a pipeline's specification (rule R2).
pub(crate) fn is_specification(root: &Node) -> bool {
    root.get("kind").and_then(Node::as_str) == Some("pipeline")
}

/// Which fields steps of type `build` have in a document.
pub(crate) fn build_version(body: &Node, default: BuildVersion) -> BuildVersion {
    match body.get("build_version").and_then(Node::as_str) {
        Some("v1") => BuildVersion::V1,
        Some("v2") => BuildVersion::V2,
        _ => default,
    }
}

/// Checks a document whose root is a mapping.
pub(super) fn check<'n>(checker: &mut Checker<'n>, root: &'n Node, default: BuildVersion) {
    let specification = is_specification(root);
    let body = body(root);
    let top = Trail::ROOT;
    let spec = top.then(Part::Key("spec"));
    let trail = if specification { &spec } else { &top };
    let build = body.map_or(default, |body| build_version(body, default));
    let stages = body.and_then(|body| body.get("stages")).and_then(Node::as_sequence).unwrap_or_default();
    checker.stages = stages.iter().filter_map(Node::as_str).collect();
    let steps = body.and_then(|body| body.get("steps")).filter(|steps| steps.is_mapping());
    let steps_trail = trail.then(Part::Key("steps"));
    if let Some(steps) = steps {
        names(checker, steps, &steps_trail, build, &mut HashMap::new());
    }
    let object = if specification { &DOCUMENT } else { &ROOT };
    checker.object(object, &Fields::of(root, object), root.span, &top, false);
    if let Some(spec) = body.filter(|spec| specification && spec.get("steps").or(spec.get(SPEC_TEMPLATE)).is_none()) {
        checker.fail(Problem::Required, &steps_trail, spec.span, Advice::None);
    }
    if let Some(all) = body.and_then(|body| body.get("hooks")) {
        hooks::all(checker, all, &trail.then(Part::Key("hooks")), build);
    }
    if let Some(all) = steps {
        self::steps(checker, all, &steps_trail, Home::Pipeline, build);
    }
}

/// Rules R3 to R6, over the whole tree.
fn names<'n>(
    checker: &mut Checker<'n>,
    all: &'n Node,
    trail: &Trail<'_, 'n>,
    build: BuildVersion,
    seen: &mut HashMap<&'n str, Place>,
) {
    for (key, node) in all.entries() {
        let name = key_text(key);
        let below = trail.then(Part::Key(name));
        checker.step = Some(name);
        if let Err(error) = StepName::new(name) {
            checker.fail(Problem::Name(error), &below, key.span, Advice::None);
        }
        if let Some(first) = seen.insert(name, key.span) {
            let problem = Problem::Said("step name exist more than once");
            checker.fail(problem, &below, key.span, Advice::OtherAt(first));
        }
        checker.step = None;
        if let Some(children) = StepView::new(node, build).children() {
            names(checker, children, &below.then(Part::Key("steps")), build, seen);
        }
    }
}

/// Checks a mapping of steps.
pub(super) fn steps<'n>(
    checker: &mut Checker<'n>,
    all: &'n Node,
    trail: &Trail<'_, 'n>,
    home: Home,
    build: BuildVersion,
) {
    for (key, node) in all.entries() {
        let name = key_text(key);
        let outer = checker.step.replace(name);
        step(checker, node, &trail.then(Part::Key(name)), home, build);
        checker.step = outer;
    }
}

/// Checks a step.
pub(super) fn step<'n>(
    checker: &mut Checker<'n>,
    node: &'n Node,
    trail: &Trail<'_, 'n>,
    home: Home,
    build: BuildVersion,
) {
    if !node.is_mapping() {
        let advice = Advice::Say("write its fields indented below its name");
        checker.fail(Problem::MustBe("an object"), trail, node.span, advice);
        return;
    }
    let view = StepView::new(node, build);
    let type_trail = trail.then(Part::Key("type"));
    let type_place = view.type_node.map_or(node.span, |node| node.span);
    match view.kind {
        Kind::None => {
            checker.fail(Problem::MustBe("a string"), &type_trail, type_place, Advice::None);
            return;
        }
        Kind::Custom(text) => version::check(checker, text, &type_trail, type_place),
        Kind::BuiltIn(_) => {}
    }
    for entry in &view.shadowed {
        let message = format!("\"{}\" stands at the step and under `arguments`, the step's is taken", clip(entry.name));
        let below = trail.then(Part::Key("arguments"));
        checker.warn(message, &below.then(Part::Key(entry.name)), entry.key.span, None);
    }
    if view.kind.is("pending-approval") && home == Home::Parallel {
        let problem = Problem::Said("\"type\" can't be pending-approval");
        checker.fail(problem, &type_trail, type_place, Advice::None);
    }
    let parallel = view.kind.is("parallel");
    let children = view.children().filter(|children| children.entries().next().is_some());
    if parallel && children.is_none() {
        let place = view.fields.get("steps").map_or(type_place, |steps| steps.span);
        let problem = Problem::Said("\"steps\" is required and must be an array of type steps");
        checker.fail(problem, &trail.then(Part::Key("steps")), place, Advice::None);
    }
    let barred = if home == Home::Hook { NOT_IN_HOOKS } else { &[] };
    checker.step_fields(&view, node.span, trail, barred);
    copies(checker, &view, trail);
    let both = view.fields.get("hooks").is_some_and(|new| OLD_HOOKS.iter().any(|name| new.get(name).is_some()));
    if both && let Some(old) = OLD_HOOKS.iter().find_map(|name| view.fields.entry(name)) {
        let problem = Problem::Said("Either old \"on_success/on_fail/on_finish\" or new \"hooks\" should be used");
        checker.fail(problem, &trail.then(Part::Key("hooks")), old.key.span, Advice::None);
    }
    if home != Home::Hook
        && let Some(all) = view.fields.get("hooks")
    {
        hooks::all(checker, all, &trail.then(Part::Key("hooks")), build);
    }
    if let Some(children) = children {
        let inner = if home == Home::Hook { Home::Hook } else { Home::Parallel };
        steps(checker, children, &trail.then(Part::Key("steps")), inner, build);
    }
}

/// Checks what a step is multiplied with: each value is one of the field that it replaces (rules P13, P14).
fn copies<'n>(checker: &mut Checker<'n>, view: &StepView<'n>, trail: &Trail<'_, 'n>) {
    let manner = Manner { guided: false, hint: "" };
    let shape =
        |name: &str| view.object.fields().find(|field| field.name == name).map_or(Shape::Any, |field| field.shape);
    let matrix = trail.then(Part::Key("matrix"));
    for (key, values) in view.fields.get("matrix").into_iter().flat_map(Node::entries) {
        let name = key_text(key);
        let below = matrix.then(Part::Key(name));
        for (number, value) in values.as_sequence().unwrap_or_default().iter().enumerate() {
            // Of a field that is a list, one item is taken for a list of one.
            let one = match shape(name) {
                Shape::List(list) if value.as_sequence().is_none() => list.item,
                whole => whole,
            };
            checker.value(one, value, &below.then(Part::Item(number)), manner);
        }
    }
    let scale = trail.then(Part::Key("scale"));
    for (key, copy) in view.fields.get("scale").into_iter().flat_map(Node::entries) {
        let below = scale.then(Part::Key(key_text(key)));
        for (key, value) in copy.entries() {
            checker.value(shape(key_text(key)), value, &below.then(Part::Key(key_text(key))), manner);
        }
    }
}
