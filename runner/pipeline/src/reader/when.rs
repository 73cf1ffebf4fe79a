//! `when` (rules C1, C2, C14, C18), and warnings about conditions that cannot mean what was meant.

use std::collections::BTreeSet;

use super::context::{Context, Scope};
use crate::condition::{entry_error, quoted, unquoted_holes};
use crate::expression::Expression;
use crate::flat::FlatStep;
use crate::pipeline::Pipeline;
use crate::schema::nearest;
use crate::step_name::MAIN_CLONE;
use crate::template::Template;
use crate::when::{BranchFilter, Conditions, On, StepCondition, StepConditions, When};
use crate::yaml::Node;

/// Longer expressions are not shown in hints.
const MAX_SHOWN: usize = 200;

/// Reads a step's `when`; `None` where it is no mapping.
pub(super) fn read(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> Option<When> {
    node.is_mapping().then(|| When {
        branch: node.get("branch").map(|node| branch(context, scope, node)),
        condition: node.get("condition").map(|node| conditions(context, scope, "when.condition", node)),
        steps: node.get("steps").and_then(of_steps),
    })
}

fn branch(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> BranchFilter {
    let mut list = |name: &str| {
        let entries = context.texts(node.get(name))?;
        for entry in entries.iter().filter(|entry| entry.holes().is_empty()) {
            if let Some(error) = entry_error(entry.text()) {
                let message = format!("the step never runs: {error}");
                context.warn(scope, &format!("when.branch.{name}"), entry.place(), message, None);
            }
        }
        Some(entries)
    };
    BranchFilter { only: list("only"), ignore: list("ignore") }
}

/// Expressions under `all` and `any`. `field` is where they stand in the step.
pub(super) fn conditions(context: &mut Context<'_>, scope: Scope<'_>, field: &str, node: &Node) -> Conditions {
    let mut list = |name: &str| node.get(name).map(|node| labelled(context, scope, &format!("{field}.{name}"), node));
    Conditions { all: list("all"), any: list("any") }
}

/// Expressions under labels.
fn labelled(context: &mut Context<'_>, scope: Scope<'_>, field: &str, node: &Node) -> Vec<(String, Template)> {
    let mut all = Vec::new();
    for (key, expression) in node.entries() {
        let label = key.scalar_text().unwrap_or_default();
        if let Some(expression) = context.text(Some(expression)) {
            look_at(context, scope, &format!("{field}.{label}"), &expression);
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
fn of_steps(node: &Node) -> Option<StepConditions> {
    let any = node.get("any");
    let items = node.as_sequence().or_else(|| any.or_else(|| node.get("all"))?.as_sequence())?;
    Some(StepConditions { any: any.is_some(), items: items.iter().filter_map(of_step).collect() })
}

fn of_step(item: &Node) -> Option<StepCondition> {
    let name = item.get("name")?;
    let words = item.get("on").map(|on| on.as_sequence().unwrap_or_default());
    let on = match words {
        None => vec![On::Success],
        Some(words) => words.iter().filter_map(|word| On::from_word(word.as_str()?)).collect(),
    };
    Some(StepCondition { name: name.as_str()?.to_owned(), on, place: name.span })
}

/// Once all steps are read: those that are waited for must be there (rule C18), but for `main_clone`, which may be
/// implicit. `names` are those of all steps of the document, of those too that cannot be executed.
pub(super) fn check_names(context: &mut Context<'_>, pipeline: &Pipeline, names: &BTreeSet<String>) {
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    for FlatStep { step, .. } in pipeline.flat() {
        let Some(conditions) = step.when.as_ref().and_then(|when| when.steps.as_ref()) else { continue };
        let path = format!("steps.{}", step.name);
        let scope = Scope { step: Some(step.name.as_str()), path: &path };
        for item in conditions.items.iter().filter(|item| item.name != MAIN_CLONE && !names.contains(&item.name)) {
            let message = format!("there is no step `{}` to wait for", item.name);
            match nearest(&item.name, &known) {
                Some(near) => {
                    let hint = format!("did you mean `{near}`?");
                    context.error_with_hint(scope, "when.steps", item.place, message, hint);
                }
                None => context.error(scope, "when.steps", item.place, message),
            }
        }
    }
}
