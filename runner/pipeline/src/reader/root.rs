//! The root of a document (section 1.1 of the specification).

use super::context::{Context, Scope};
use super::fields::Fields;
use super::{step, suggest, when};
use crate::pipeline::Pipeline;
use crate::yaml::{Node, Value};

/// All keys that a root may have.
const KEYS: &[&str] = &[
    "version",
    "steps",
    "stages",
    "mode",
    "fail_fast",
    "strict_fail_fast",
    "success_criteria",
    "hooks",
    "indicators",
    "services",
    "build_version",
];

const ROOT: Scope<'static> = Scope { step: None, path: "" };

/// Reads the root; `None` where no pipeline can be made of it.
pub(super) fn read(context: &mut Context<'_>, root: &Node) -> Option<Pipeline> {
    if !root.is_mapping() {
        let message = format!("a pipeline must be a mapping, this is {}", root.kind());
        context.error_with_hint(ROOT, "", root.span, message, "begin with `version: \"1.0\"` and `steps:`");
        return None;
    }
    let fields = Fields::new(root);
    if let Some((key, _)) = fields.entry("kind") {
        refuse_kind(context, key, &fields);
        return None;
    }
    unknown_keys(context, &fields);
    let version = version(context, root, &fields);
    let stages = stages(context, &fields);
    context.stages.clone_from(&stages);
    one_of(context, &fields, "build_version", &["v1", "v2"]);
    if one_of(context, &fields, "mode", &["sequential", "parallel"]).as_deref() == Some("parallel")
        && let Some((key, _)) = fields.entry("mode")
    {
        let hint = "remove it: the steps then run in the order of the file";
        context.refuse(ROOT, "mode: parallel", key.span, "steps run one after the other only", Some(hint));
    }
    if let Some(node) = fields.get("indicators").filter(|node| node.as_sequence().is_none()) {
        context.error(ROOT, "indicators", node.span, "\"indicators\" must be an array");
    }
    for name in ["hooks", "services", "success_criteria"] {
        let Some((key, node)) = fields.entry(name) else { continue };
        if !node.is_mapping() {
            context.error(ROOT, name, node.span, format!("\"{name}\" must be an object"));
        } else if name == "services" {
            context.refuse(ROOT, name, key.span, "services are containers, which need docker", None);
        } else {
            context.refuse(ROOT, name, key.span, step::NOT_YET, None);
        }
    }
    let fail_fast = context.fail_fast(ROOT, fields.get("fail_fast"), true);
    let strict_fail_fast = context.strict_fail_fast(ROOT, fields.get("strict_fail_fast"));
    let steps = match fields.get("steps") {
        None => {
            context.error(ROOT, "steps", root.span, "\"steps\" is required");
            return None;
        }
        Some(node) if !node.is_mapping() => {
            let hint = "write the steps as `name:` with their fields indented below";
            context.error_with_hint(ROOT, "steps", node.span, "\"steps\" must be an object", hint);
            return None;
        }
        Some(node) => step::read_all(context, node, "steps", None),
    };
    when::check_names(context, &steps);
    Some(Pipeline { version: version?, stages, fail_fast, strict_fail_fast, steps })
}

/// The other kind of document (rule R2), or none that we know.
fn refuse_kind(context: &mut Context<'_>, key: &Node, fields: &Fields<'_>) {
    if fields.get("kind").and_then(Node::as_str) == Some("pipeline") {
        let hint = "put what stands under `spec` that a codefresh.yml may hold into a file of its own";
        context.refuse(
            ROOT,
            "kind: pipeline",
            key.span,
            "this is the specification of a pipeline on a server",
            Some(hint),
        );
    } else {
        context.error(ROOT, "kind", key.span, "\"kind\" is not allowed");
    }
}

fn unknown_keys(context: &mut Context<'_>, fields: &Fields<'_>) {
    for (key, _) in fields.entries() {
        let name = key.scalar_text().unwrap_or_default();
        if KEYS.contains(&name.as_ref()) {
            continue;
        }
        let message = format!("\"{name}\" is not allowed");
        match suggest::careful(&name, KEYS) {
            Some(near) => {
                context.error_with_hint(ROOT, &name, key.span, message, format!("did you mean `{near}`?"));
            }
            None => context.error(ROOT, &name, key.span, message),
        }
    }
}

/// Only 1.0 exists, as a number or as a string (rule Y2).
fn version(context: &mut Context<'_>, root: &Node, fields: &Fields<'_>) -> Option<String> {
    let Some(node) = fields.get("version").filter(|node| !node.is_null()) else {
        let place = fields.entry("version").map_or(root.span, |(key, _)| key.span);
        context.error_with_hint(ROOT, "version", place, "\"version\" is required", "write `version: \"1.0\"` first");
        return None;
    };
    let number = match &node.value {
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => node.as_number(),
    };
    if number.is_some_and(|number| (number - 1.0).abs() < f64::EPSILON) {
        return Some("1.0".to_owned());
    }
    let written = node.scalar_text().unwrap_or(std::borrow::Cow::Borrowed(node.kind())).into_owned();
    let message = format!("Current version: {written} is invalid. please change version to 1.0");
    context.error(ROOT, "version", node.span, message);
    None
}

fn stages(context: &mut Context<'_>, fields: &Fields<'_>) -> Vec<String> {
    let Some(node) = fields.get("stages") else { return Vec::new() };
    let hint = "write them as a list of strings";
    let stages = context.strings(ROOT, "stages", node, hint, true).unwrap_or_default();
    stages.iter().map(|stage| stage.text().to_owned()).collect()
}

/// A string out of a few.
fn one_of(context: &mut Context<'_>, fields: &Fields<'_>, name: &str, values: &[&str]) -> Option<String> {
    let node = fields.get(name)?;
    match node.as_str() {
        Some(text) if values.contains(&text) => Some(text.to_owned()),
        _ => {
            context.error(ROOT, name, node.span, format!("\"{name}\" must be one of [{}]", values.join(", ")));
            None
        }
    }
}
