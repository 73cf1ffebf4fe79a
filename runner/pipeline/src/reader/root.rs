//! The body of a document: its root, or `spec` of a pipeline's specification (sections 1.1 and 10.4).

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Context, Scope};
use super::step::Home;
use super::{criteria, cycles, step, when};
use crate::flat::FlatStep;
use crate::pipeline::Pipeline;
use crate::place::Place;
use crate::plan::Mode;
use crate::schema::{Fields, body, body_fields};
use crate::yaml::Node;

/// Reads the body; `None` where no pipeline can be made of it.
pub(super) fn read(context: &mut Context<'_>, root: &Node) -> Option<Pipeline> {
    let body = body(root)?;
    let specification = !std::ptr::eq(body, root);
    let scope = Scope { step: None, path: if specification { "spec" } else { "" } };
    let object = body_fields(specification);
    let fields = Fields::of(body, object);
    step::unsupported(
        context,
        scope,
        object.fields().filter_map(|field| Some((field.support, fields.entry(field.name)?))),
    );
    let fail_fast = context.flag(fields.get("fail_fast"));
    if let (None, Some(node)) = (&fail_fast, fields.get("fail_fast")) {
        // The validator takes any text and any mapping at the root.
        let message = "\"fail_fast\" is neither true nor false, true is taken";
        context.warn(scope, "fail_fast", node.span, message, None);
    }
    let stages = context.texts(fields.get("stages")).unwrap_or_default();
    let path = if specification { "spec.steps" } else { "steps" };
    let mode = match fields.get("mode").and_then(Node::as_str) {
        Some("parallel") => Mode::Parallel,
        _ => Mode::Sequential,
    };
    let home = Home { timeout: None, parallel_mode: mode == Mode::Parallel };
    let steps = fields.get("steps").map(|steps| step::read_all(context, steps, path, home)).unwrap_or_default();
    let pipeline = Pipeline {
        version: "1.0".to_owned(),
        mode,
        success_criteria: criteria::read(context, scope, fields.get("success_criteria")),
        stages: stages.iter().map(|stage| stage.text().to_owned()).collect(),
        fail_fast,
        strict_fail_fast: context.flag(fields.get("strict_fail_fast")),
        steps,
    };
    let mut names = fields.get("steps").map(step::names).unwrap_or_default();
    names.extend(unique_names(context, &pipeline));
    when::check_names(context, &pipeline, &names);
    cycles::check(context, &pipeline);
    Some(pipeline)
}

/// The names of all steps, copies too, which may have one that another step has (rule R5).
fn unique_names(context: &mut Context<'_>, pipeline: &Pipeline) -> BTreeSet<String> {
    let mut places: BTreeMap<&str, Place> = BTreeMap::new();
    for FlatStep { step, .. } in pipeline.flat() {
        let name = step.name.as_str();
        if let Some(first) = places.insert(name, step.place) {
            let path = format!("steps.{name}");
            let scope = Scope { step: Some(name), path: &path };
            let hint = format!("another one stands at {first}; copies by `matrix` have the step's name with a number");
            context.error_with_hint(scope, "", step.place, "step name exist more than once", hint);
        }
    }
    places.into_keys().map(str::to_owned).collect()
}
