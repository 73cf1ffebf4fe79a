//! The body of a document: its root, or `spec` of a pipeline's specification (sections 1.1 and 10.4).

use super::context::{Context, Scope};
use super::{criteria, cycles, hooks, step, when};
use crate::pipeline::Pipeline;
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
    let steps = fields.get("steps").map(|steps| step::read_all(context, steps, path, None)).unwrap_or_default();
    let pipeline = Pipeline {
        version: "1.0".to_owned(),
        mode: match fields.get("mode").and_then(Node::as_str) {
            Some("parallel") => Mode::Parallel,
            _ => Mode::Sequential,
        },
        success_criteria: criteria::read(context, scope, fields.get("success_criteria"), fields.get("steps")),
        stages: stages.iter().map(|stage| stage.text().to_owned()).collect(),
        fail_fast,
        strict_fail_fast: context.flag(fields.get("strict_fail_fast")),
        hooks: hooks::read(context, scope, fields.get("hooks"), |_| None),
        steps,
    };
    let names = fields.get("steps").map(step::names).unwrap_or_default();
    when::check_names(context, &pipeline, &names);
    cycles::check(context, &pipeline);
    Some(pipeline)
}
