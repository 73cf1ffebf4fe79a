//! `when` (rules C1, C2, C14, C18), and warnings about conditions that cannot mean what was meant.

use super::context::{Context, Scope};
use super::suggest;
use crate::condition::{entry_error, quoted, unquoted_holes};
use crate::expression::Expression;
use crate::pipeline::Step;
use crate::step_name::MAIN_CLONE;
use crate::template::Template;
use crate::when::{BranchFilter, Conditions, On, StepCondition, StepConditions, When};
use crate::yaml::{Node, Value};

/// Longer expressions are not shown in hints.
const MAX_SHOWN: usize = 200;

/// Reads a step's `when`; `None` where it is no mapping.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> Option<When> {
    object(context, scope, "when", node, &["branch", "condition", "steps"])?;
    Some(When {
        branch: node.get("branch").and_then(|node| branch(context, scope, node)),
        condition: node.get("condition").and_then(|node| conditions(context, scope, node)),
        steps: node.get("steps").and_then(|node| of_steps(context, scope, node)),
    })
}

/// A mapping of a closed set of keys: whether it holds no other; `None` where it is no mapping.
fn object(context: &mut Context<'_>, scope: Scope<'_>, name: &str, node: &Node, keys: &[&str]) -> Option<bool> {
    if !node.is_mapping() {
        context.error(scope, name, node.span, format!("\"{name}\" must be an object"));
        return None;
    }
    let mut clean = true;
    for (key, _) in node.entries() {
        let found = key.scalar_text().unwrap_or_default();
        if !keys.contains(&found.as_ref()) {
            let field = format!("{name}.{found}");
            let message = format!("\"{found}\" is not allowed");
            // Within `steps` the official validator suggests nothing.
            if name != "steps"
                && let Some(near) = suggest::official(&found, keys)
            {
                context.error(scope, &field, key.span, format!("{message}. Did you mean \"{near}\"?"));
            } else if let Some(near) = suggest::careful(&found, keys) {
                context.error_with_hint(scope, &field, key.span, message, format!("did you mean `{near}`?"));
            } else {
                context.error(scope, &field, key.span, message);
            }
            clean = false;
        }
    }
    Some(clean)
}

fn branch(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> Option<BranchFilter> {
    object(context, scope, "branch", node, &["only", "ignore"])?;
    let mut list = |name: &str| {
        let entries = context.strings(scope, name, node.get(name)?, "write the branches as a list", false)?;
        for entry in entries.iter().filter(|entry| entry.holes().is_empty()) {
            if let Some(error) = entry_error(entry.text()) {
                let message = format!("the step never runs: {error}");
                context.warn(scope, &format!("when.branch.{name}"), entry.place(), message, None);
            }
        }
        Some(entries)
    };
    Some(BranchFilter { only: list("only"), ignore: list("ignore") })
}

fn conditions(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> Option<Conditions> {
    object(context, scope, "condition", node, &["all", "any"])?;
    let mut list = |name: &str| node.get(name).map(|node| labelled(context, scope, name, node));
    Some(Conditions { all: list("all"), any: list("any") })
}

/// Expressions under labels: both are strings, labels of letters, digits and `_`.
fn labelled(context: &mut Context<'_>, scope: Scope<'_>, name: &str, node: &Node) -> Vec<(String, Template)> {
    if !node.is_mapping() {
        context.error(scope, name, node.span, format!("\"{name}\" must be an object"));
    }
    let mut all = Vec::new();
    for (key, expression) in node.entries() {
        let label = key.scalar_text().unwrap_or_default();
        let field = format!("{name}.{label}");
        if label.is_empty() || !label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            context.error(scope, &field, key.span, format!("\"{label}\" is not allowed"));
        }
        if let Some(expression) = context.string(scope, &label, Some(expression)) {
            look_at(context, scope, &format!("when.condition.{field}"), &expression);
            all.push((label.into_owned(), expression));
        }
    }
    all
}

/// Warns about an expression that is false whatever happens, or is not quite in the language (rules C11, P16).
fn look_at(context: &mut Context<'_>, scope: Scope<'_>, field: &str, expression: &Template) {
    let unquoted = unquoted_holes(expression);
    for number in &unquoted {
        let hole = &expression.holes()[*number];
        let message = format!(
            "`${{{{{}}}}}` is not in quotes: its value is read as part of the expression, and what is no number makes it false",
            hole.name
        );
        let meant = quoted(expression);
        let hint = if meant.len() <= MAX_SHOWN { meant } else { format!("\"${{{{{}}}}}\"", hole.name) };
        context.warn(scope, field, expression.place_of_hole(*number), message, Some(format!("write `{hint}`")));
    }
    // Quoted variables do not matter to what is read; what unquoted ones become is not known.
    match Expression::parse(&quoted(expression)) {
        Ok(parsed) => {
            for (found, meant) in parsed.foreign_operators() {
                let message = format!("`{found}` is no operator of conditions, it is taken as `{meant}`");
                context.warn(scope, field, expression.place(), message, Some(format!("write `{meant}`")));
            }
            if let Some(error) = parsed.certain_error().filter(|_| unquoted.is_empty()) {
                context.warn(
                    scope,
                    field,
                    expression.place(),
                    format!("this condition is always false: {error}"),
                    None,
                );
            }
        }
        Err(error) if unquoted.is_empty() => {
            context.warn(scope, field, expression.place(), format!("this condition is always false: {error}"), None);
        }
        Err(_) => {}
    }
}

/// A list of steps, or one list under `all` or `any`.
fn of_steps(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> Option<StepConditions> {
    let (items, name, clean, other) = match &node.value {
        Value::Sequence(items) => (items.as_slice(), "steps", true, "object"),
        Value::Mapping(_) => {
            let clean = object(context, scope, "steps", node, &["all", "any"]) == Some(true);
            let (name, list) = match (node.get("all"), node.get("any")) {
                (Some(_), Some(any)) => {
                    let message = "\"value\" contains a conflict between exclusive peers [all, any]";
                    context.error(scope, "steps", any.span, message);
                    context.error(scope, "steps", node.span, "\"steps\" must be an array");
                    return None;
                }
                (None, None) => {
                    context.error(scope, "steps", node.span, "\"value\" must contain at least one of [all, any]");
                    context.error(scope, "steps", node.span, "\"steps\" must be an array");
                    return None;
                }
                (Some(list), None) => ("all", list),
                (None, Some(list)) => ("any", list),
            };
            let Some(items) = list.as_sequence() else {
                context.error(scope, &format!("steps.{name}"), list.span, format!("\"{name}\" must be an array"));
                context.error(scope, "steps", node.span, "\"steps\" must be an array");
                return None;
            };
            (items, name, clean && !items.is_empty(), "array")
        }
        _ => {
            context.error(scope, "steps", node.span, "\"steps\" must be an array");
            return None;
        }
    };
    if items.is_empty() {
        context.error(scope, "steps", node.span, format!("\"{name}\" must contain at least 1 items"));
    }
    let read: Vec<Option<StepCondition>> =
        items.iter().enumerate().map(|(number, item)| of_step(context, scope, number, item)).collect();
    if !clean || read.iter().any(Option::is_none) {
        let hint = "said beside every problem within `steps`, which may have either form: only the other one counts";
        let message = format!("\"steps\" must be an {other}");
        context.error_with_hint(scope, "steps", node.span, message, hint);
    }
    Some(StepConditions { any: name == "any", items: read.into_iter().flatten().collect() })
}

/// One item; `None` where something is wrong with it.
fn of_step(context: &mut Context<'_>, scope: Scope<'_>, number: usize, item: &Node) -> Option<StepCondition> {
    if !item.is_mapping() {
        context.error(scope, &format!("steps[{number}]"), item.span, format!("\"{number}\" must be an object"));
        return None;
    }
    let clean = object(context, scope, "steps", item, &["name", "on"]);
    let name = context.required(scope, "name", item, item.get("name"));
    let on = match item.get("on") {
        None => Some(vec![On::Success]),
        Some(node) => states(context, scope, node),
    };
    clean.filter(|clean| *clean)?;
    let name = name?;
    Some(StepCondition { name: name.text().to_owned(), on: on?, place: name.place() })
}

/// The words of `on` (rule C14); `None` where one is none.
fn states(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> Option<Vec<On>> {
    let texts = context.strings(scope, "on", node, "write the states as a list", true)?;
    let items = node.as_sequence().unwrap_or_default();
    if items.is_empty() {
        context.error(scope, "on", node.span, "\"on\" must contain at least 1 items");
        return None;
    }
    let mut all = Vec::with_capacity(items.len());
    for (number, item) in items.iter().enumerate() {
        let Some(word) = item.as_str() else { continue };
        let field = format!("on[{number}]");
        if word.is_empty() {
            context.error(scope, &field, item.span, format!("\"{number}\" is not allowed to be empty"));
        }
        let words = On::ALL.map(On::as_str);
        match On::from_word(word) {
            Some(on) => all.push(on),
            None => {
                let message = format!("\"{number}\" must be one of [{}]", words.join(", "));
                match suggest::careful(word, &words) {
                    Some(near) => {
                        context.error_with_hint(scope, &field, item.span, message, format!("did you mean `{near}`?"));
                    }
                    None => context.error(scope, &field, item.span, message),
                }
            }
        }
    }
    (texts.len() == items.len() && all.len() == items.len()).then_some(all)
}

/// Once all steps are read: those that are waited for must be there (rule C18), but for `main_clone`, which may be
/// implicit.
pub(super) fn check_names(context: &mut Context<'_>, steps: &[Step]) {
    let known: Vec<String> = context.names.keys().cloned().collect();
    let mut known: Vec<&str> = known.iter().map(String::as_str).collect();
    known.sort_unstable();
    for step in steps {
        let Some(conditions) = step.when.as_ref().and_then(|when| when.steps.as_ref()) else { continue };
        let path = format!("steps.{}", step.name);
        let scope = Scope { step: Some(step.name.as_str()), path: &path };
        for item in &conditions.items {
            if item.name == MAIN_CLONE || context.names.contains_key(&item.name) {
                continue;
            }
            let message = format!("there is no step `{}` to wait for", item.name);
            match suggest::careful(&item.name, &known) {
                Some(near) => {
                    let hint = format!("did you mean `{near}`?");
                    context.error_with_hint(scope, "when.steps", item.place, message, hint);
                }
                None => context.error(scope, "when.steps", item.place, message),
            }
        }
    }
}
