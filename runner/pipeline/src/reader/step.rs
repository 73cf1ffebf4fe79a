//! Steps: their names, their types, the fields that all have (sections 1.2 to 1.4 of the specification).

use std::collections::HashSet;

use super::context::{Context, Scope};
use super::fields::Fields;
use super::{freestyle, git_clone, when};
use crate::pipeline::{Step, StepKind};
use crate::retry::Retry;
use crate::step_name::StepName;
use crate::template::holes;
use crate::timeout::{StepTimeout, parse_timeout};
use crate::yaml::{Node, Value};

/// The reason for what Stepbox will execute one day.
pub(super) const NOT_YET: &str = "Stepbox does not execute it yet";

/// The fields that every type has.
pub(super) const COMMON: &[&str] = &[
    "title",
    "description",
    "type",
    "stage",
    "fail_fast",
    "fail-fast",
    "strict_fail_fast",
    "when",
    "retry",
    "timeout",
    "hooks",
    "on_success",
    "on_fail",
    "on_finish",
    "arguments",
    "debug",
    "env",
    "docker_machine",
];

/// Valid fields that change what a step does and are not executed.
const REFUSED: &[&str] = &["hooks", "on_success", "on_fail", "on_finish"];

/// Fields that section 12 lets us accept and ignore.
const IGNORED: &[&str] = &["debug", "env", "docker_machine"];

/// Reads a mapping of steps. `parent` is the type of the step that holds them.
pub(super) fn read_all(context: &mut Context<'_>, steps: &Node, path: &str, parent: Option<&str>) -> Vec<Step> {
    let mut all = Vec::new();
    for (key, node) in steps.entries() {
        let name = key.scalar_text().unwrap_or_default().into_owned();
        let path = format!("{path}.{name}");
        let scope = Scope { step: Some(&name), path: &path };
        let checked = StepName::new(&name);
        if let Err(error) = checked {
            context.error(scope, "", key.span, error.to_string());
        }
        if let Some(first) = context.names.insert(name.clone(), key.span) {
            let hint = format!("the other one stands at {first}");
            context.error_with_hint(scope, "", key.span, "step name exist more than once", hint);
        }
        if !node.is_mapping() {
            let hint = "write its fields indented below its name";
            context.error_with_hint(scope, "", node.span, format!("\"{name}\" must be an object"), hint);
            continue;
        }
        if let Some(step) = read_one(context, scope, key, node, checked.ok(), parent) {
            all.push(step);
        }
    }
    all
}

fn read_one(
    context: &mut Context<'_>,
    scope: Scope<'_>,
    key: &Node,
    node: &Node,
    name: Option<StepName>,
    parent: Option<&str>,
) -> Option<Step> {
    let type_node = node.get("type");
    let type_text = match type_node.map(|node| &node.value) {
        None => "freestyle",
        Some(Value::String(text)) if !text.is_empty() => text,
        Some(_) => {
            context.error(scope, "type", type_node.unwrap_or(node).span, "\"type\" must be a string");
            return None;
        }
    };
    let base = type_text.split(':').next().unwrap_or_default();
    let typed = is_custom(type_text, base);
    let fields = if typed { Fields::new(node) } else { with_arguments(context, scope, node) };

    let title = context.label(scope, "title", fields.get("title"));
    let description = context.label(scope, "description", fields.get("description"));
    let stage = stage(context, scope, &fields);
    let fail_fast = context.fail_fast(scope, fields.get_alias("fail_fast", "fail-fast"), false);
    let strict_fail_fast = context.strict_fail_fast(scope, fields.get("strict_fail_fast"));
    let timeout =
        if base == "pending-approval" || base == "deploy" || typed { None } else { timeout(context, scope, &fields) };
    let retry = retry(context, scope, &fields);
    let when = fields.get("when").and_then(|node| when::read(context, scope, node));
    refuse_common(context, scope, &fields);

    let kind = match base {
        _ if typed => {
            custom_type(context, scope, type_node.unwrap_or(node), type_text);
            None
        }
        "freestyle" => freestyle::read(context, scope, node, &fields).map(StepKind::Freestyle),
        "git-clone" => git_clone::read(context, scope, node, &fields).map(StepKind::GitClone),
        "parallel" => {
            parallel(context, scope, node, &fields);
            None
        }
        _ => {
            let type_node = type_node.unwrap_or(node);
            if base == "pending-approval" && parent == Some("parallel") {
                context.error(scope, "type", type_node.span, "\"type\" can't be pending-approval");
            }
            let feature = format!("type: {base}");
            context.refuse(scope, feature, type_node.span, reason(base), None);
            None
        }
    };
    let (name, kind) = (name?, kind?);
    let place = key.span;
    let implicit = false;
    Some(Step {
        name,
        title,
        description,
        stage,
        fail_fast,
        strict_fail_fast,
        when,
        timeout,
        retry,
        kind,
        place,
        implicit,
    })
}

/// Whether a type is none of the built-in ones (rules R9, R10).
fn is_custom(text: &str, base: &str) -> bool {
    const BUILT_IN: &[&str] = &[
        "freestyle",
        "git-clone",
        "build",
        "push",
        "push-tag",
        "composition",
        "launch-composition",
        "deploy",
        "pending-approval",
        "parallel",
        "services",
        "integration-test",
        "travis",
        "simple_travis",
        "freestyle-ssh",
        "github-action",
    ];
    text.contains("${{") || !BUILT_IN.contains(&base)
}

/// Why a built-in type is refused (section 12 of the specification).
fn reason(base: &str) -> &'static str {
    match base {
        "build" | "push" | "push-tag" | "composition" | "launch-composition" | "integration-test" | "travis"
        | "simple_travis" | "github-action" | "freestyle-ssh" => "it needs docker",
        "services" => "services are containers, which need docker",
        "deploy" => "it needs a cluster",
        _ => NOT_YET,
    }
}

/// A typed step: its version is looked at as the validator does, then it is refused.
fn custom_type(context: &mut Context<'_>, scope: Scope<'_>, node: &Node, text: &str) {
    if holes(text).is_empty() {
        match text.split_once(':') {
            None => {
                let message = "Step version not specified. The latest version will be used, which may result in breaking changes.";
                context.warn(scope, "type", node.span, message, None);
            }
            Some((_, version)) if !is_semantic_version(version) => {
                let message = format!("Invalid semantic version \"{version}\" for step.");
                context.warn(scope, "type", node.span, message, None);
            }
            Some(_) => {}
        }
    }
    let reason = "typed steps other than `freestyle` and `git-clone` are not executed yet";
    let hint = Some("write its commands as a freestyle step");
    context.refuse(scope, format!("type: {text}"), node.span, reason, hint);
}

/// `1.2.3`, with a pre-release and build metadata if need be.
fn is_semantic_version(text: &str) -> bool {
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, pre) = rest.split_once('-').map_or((rest, None), |(core, pre)| (core, Some(pre)));
    let number = |part: &str| {
        !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) && (part == "0" || !part.starts_with('0'))
    };
    let words = |text: &str, strict: bool| {
        text.split('.').all(|word| {
            let digits = word.bytes().all(|b| b.is_ascii_digit());
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && (!strict || !digits || number(word))
        })
    };
    core.split('.').count() == 3
        && core.split('.').all(number)
        && pre.is_none_or(|pre| words(pre, true))
        && build.is_none_or(|build| words(build, false))
}

/// Copies what stands under `arguments` up (rule R12). What stands at the step itself wins.
fn with_arguments<'n>(context: &mut Context<'_>, scope: Scope<'_>, node: &'n Node) -> Fields<'n> {
    let mut entries: Vec<(&Node, &Node)> = node.entries().collect();
    match node.get("arguments") {
        None => {}
        Some(arguments) if arguments.is_mapping() => {
            let own: HashSet<String> =
                entries.iter().filter_map(|(key, _)| key.scalar_text()).map(|name| name.into_owned()).collect();
            for (key, value) in arguments.entries() {
                let name = key.scalar_text().unwrap_or_default();
                if own.contains(name.as_ref()) {
                    let message = format!("\"{name}\" stands at the step and under `arguments`, the step's is taken");
                    context.warn(scope, &format!("arguments.{name}"), key.span, message, None);
                } else {
                    entries.push((key, value));
                }
            }
        }
        Some(arguments) => context.error(scope, "arguments", arguments.span, "\"arguments\" must be an object"),
    }
    Fields::from_entries(entries)
}

fn stage(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Option<String> {
    let node = fields.get("stage")?;
    let stage = context.string(scope, "stage", Some(node))?.text().to_owned();
    if !context.stages.contains(&stage) {
        let message = format!("\"stage\" must be one of [{}]", context.stages.join(", "));
        let hint = format!("add `{stage}` to the list `stages` at the root");
        context.error_with_hint(scope, "stage", node.span, message, hint);
    }
    Some(stage)
}

/// A bad timeout is a warning and ignored (rule F22).
fn timeout(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Option<StepTimeout> {
    let node = fields.get("timeout").filter(|node| !node.is_null())?;
    let hint = || Some("the timeout is ignored; write a number and `s`, `m` or `h`, as in `45m`".to_owned());
    let Some(text) = node.as_str() else {
        context.warn(scope, "timeout", node.span, "\"timeout\" must be a string", hint());
        return None;
    };
    match parse_timeout(text) {
        Ok(timeout) => timeout,
        Err(error) => {
            context.warn(scope, "timeout", node.span, error.to_string(), hint());
            None
        }
    }
}

/// Rules F28-F30: numbers outside the documented ranges are moved into them, with a warning.
fn retry(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) -> Retry {
    let mut retry = Retry::default();
    let Some((key, node)) = fields.entry("retry") else { return retry };
    if !node.is_mapping() {
        context.error(scope, "retry", node.span, "\"retry\" must be an object");
        return retry;
    }
    for (key, value) in node.entries() {
        let name = key.scalar_text().unwrap_or_default();
        let field = format!("retry.{name}");
        let (least, most) = match name.as_ref() {
            "maxAttempts" => (1.0, 10.0),
            "delay" => (5.0, 60.0),
            "exponentialFactor" => (1.0, 5.0),
            _ => {
                context.error(scope, &field, key.span, format!("\"{name}\" is not allowed"));
                continue;
            }
        };
        let number = match &value.value {
            Value::String(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
            _ => value.as_number(),
        };
        let Some(number) = number else {
            context.error(scope, &field, value.span, format!("\"{name}\" must be a number"));
            continue;
        };
        if number.is_nan() || number <= 0.0 {
            context.error(scope, &field, value.span, format!("\"{name}\" must be a positive number"));
            continue;
        }
        let whole = if name == "maxAttempts" { number.floor() } else { number };
        let clamped = whole.clamp(least, most);
        if (clamped - number).abs() > f64::EPSILON {
            let message = format!("\"{name}\" is {number}, outside {least} to {most}: {clamped} is taken");
            context.warn(scope, &field, value.span, message, None);
        }
        match name.as_ref() {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 1..=10")]
            "maxAttempts" => retry.max_attempts = clamped as u32,
            "delay" => retry.delay = clamped,
            _ => retry.exponential_factor = clamped,
        }
    }
    if retry.max_attempts > 1 {
        let hint = Some("remove it, or set `maxAttempts: 1`");
        context.refuse(scope, "retry", key.span, NOT_YET, hint);
    }
    retry
}

/// The common fields that are refused or ignored by name.
fn refuse_common(context: &mut Context<'_>, scope: Scope<'_>, fields: &Fields<'_>) {
    let old = ["on_success", "on_fail", "on_finish"];
    let clash = fields.get("hooks").is_some_and(|hooks| old.iter().any(|name| hooks.get(name).is_some()));
    if clash && let Some((key, _)) = old.iter().find_map(|name| fields.entry(name)) {
        let message = "Either old \"on_success/on_fail/on_finish\" or new \"hooks\" should be used";
        context.error(scope, "hooks", key.span, message);
    }
    for name in REFUSED {
        let Some((key, value)) = fields.entry(name) else { continue };
        if value.is_mapping() {
            context.refuse(scope, *name, key.span, NOT_YET, None);
        } else {
            context.error(scope, name, value.span, format!("\"{name}\" must be an object"));
        }
    }
    for name in IGNORED {
        if let Some((key, _)) = fields.entry(name) {
            ignore(context, scope, name, key);
        }
    }
}

/// Says that a field is accepted and has no effect here.
pub(super) fn ignore(context: &mut Context<'_>, scope: Scope<'_>, name: &str, key: &Node) {
    context.warn(scope, name, key.span, format!("`{name}` has no meaning without a server and is ignored"), None);
}

/// A parallel step: its children are checked all the same (rules P1, P3, P5).
fn parallel(context: &mut Context<'_>, scope: Scope<'_>, node: &Node, fields: &Fields<'_>) {
    let place = fields.entry("type").map_or(node.span, |(key, _)| key.span);
    match fields.get("steps").filter(|steps| steps.entries().next().is_some()) {
        Some(steps) => {
            let path = format!("{}.steps", scope.path);
            read_all(context, steps, &path, Some("parallel"));
        }
        None => {
            let place = fields.get("steps").map_or(place, |steps| steps.span);
            context.error(scope, "steps", place, "\"steps\" is required and must be an array of type steps");
        }
    }
    let hint = Some("write its steps directly under `steps`: they run one after the other");
    context.refuse(scope, "type: parallel", place, "steps run one after the other only", hint);
}
