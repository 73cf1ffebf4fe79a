//! The shape of `when` (rules C1, C2). Conditions are not evaluated here.

use super::context::{Context, Scope};
use crate::schema::suggest;
use crate::yaml::{Node, Value};

/// Checks the shape of a step's `when`.
pub(super) fn check(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) {
    let Some(()) = object(context, scope, "when", node, &["branch", "condition", "steps"]) else { return };
    if let Some(branch) = node.get("branch")
        && object(context, scope, "branch", branch, &["only", "ignore"]).is_some()
    {
        for (key, list) in branch.entries() {
            let name = key.scalar_text().unwrap_or_default();
            if name == "only" || name == "ignore" {
                context.strings(scope, &name, list, "write the branches as a list", false);
            }
        }
    }
    if let Some(condition) = node.get("condition")
        && object(context, scope, "condition", condition, &["all", "any"]).is_some()
    {
        for (key, expressions) in condition.entries() {
            let name = key.scalar_text().unwrap_or_default();
            if name == "all" || name == "any" {
                labelled(context, scope, &name, expressions);
            }
        }
    }
    if let Some(steps) = node.get("steps") {
        of_steps(context, scope, steps);
    }
}

/// A mapping of a closed set of keys; `None` where it is no mapping.
fn object(context: &mut Context<'_>, scope: Scope<'_>, name: &str, node: &Node, keys: &[&str]) -> Option<()> {
    if !node.is_mapping() {
        context.error(scope, name, node.span, format!("\"{name}\" must be an object"));
        return None;
    }
    for (key, _) in node.entries() {
        let found = key.scalar_text().unwrap_or_default();
        if !keys.contains(&found.as_ref()) {
            let near = suggest::official(&found, keys).map(|near| format!(". Did you mean \"{near}\"?"));
            let message = format!("\"{found}\" is not allowed{}", near.unwrap_or_default());
            context.error(scope, &format!("{name}.{found}"), key.span, message);
        }
    }
    Some(())
}

/// Expressions under labels: both are strings, labels of letters, digits and `_`.
fn labelled(context: &mut Context<'_>, scope: Scope<'_>, name: &str, node: &Node) {
    if !node.is_mapping() {
        context.error(scope, name, node.span, format!("\"{name}\" must be an object"));
    }
    for (key, expression) in node.entries() {
        let label = key.scalar_text().unwrap_or_default();
        let field = format!("{name}.{label}");
        if label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            context.error(scope, &field, key.span, format!("\"{label}\" is not allowed"));
        }
        context.string(scope, &label, Some(expression));
    }
}

/// A list of steps, or one list under `all` or `any`.
fn of_steps(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) {
    let list = match &node.value {
        Value::Sequence(items) => items,
        Value::Mapping(_) => {
            let _ = object(context, scope, "steps", node, &["all", "any"]);
            match (node.get("all"), node.get("any")) {
                (Some(_), Some(any)) => {
                    let message = "\"value\" contains a conflict between exclusive peers [all, any]";
                    context.error(scope, "steps", any.span, message);
                    context.error(scope, "steps", node.span, "\"steps\" must be an array");
                    return;
                }
                (None, None) => {
                    context.error(scope, "steps", node.span, "\"steps\" must contain at least one of [all, any]");
                    return;
                }
                (Some(list), None) | (None, Some(list)) => match list.as_sequence() {
                    Some(items) => items,
                    None => {
                        context.error(scope, "steps", list.span, "\"steps\" must be an array");
                        return;
                    }
                },
            }
        }
        _ => {
            context.error(scope, "steps", node.span, "\"steps\" must be an array");
            return;
        }
    };
    if list.is_empty() {
        context.error(scope, "steps", node.span, "\"steps\" must contain at least 1 items");
    }
    for item in list {
        if object(context, scope, "steps", item, &["name", "on"]).is_none() {
            continue;
        }
        context.required(scope, "name", item, item.get("name"));
        if let Some(on) = item.get("on") {
            context.strings(scope, "on", on, "write the states as a list", false);
        }
    }
}
