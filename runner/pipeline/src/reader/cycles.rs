//! Steps that wait for each other (rule P9): they could never run, so the pipeline is wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Context, Scope};
use crate::flat::FlatStep;
use crate::pipeline::{Pipeline, Step};
use crate::when::{On, StepCondition};

/// Says an error for every cycle, at a step of it.
pub(super) fn check(context: &mut Context<'_>, pipeline: &Pipeline) {
    let steps = pipeline.flat();
    let waits: BTreeMap<&str, Vec<&StepCondition>> =
        steps.iter().map(|FlatStep { step, .. }| (step.name.as_str(), waits_for(step))).collect();
    let mut done: BTreeSet<&str> = BTreeSet::new();
    for FlatStep { step, .. } in &steps {
        if done.contains(step.name.as_str()) {
            continue;
        }
        // Depth first, without recursion: a chain may be as long as the document.
        let mut path: Vec<(&str, usize)> = vec![(step.name.as_str(), 0)];
        let mut places = BTreeMap::from([(step.name.as_str(), 0)]);
        while let Some((name, next)) = path.last_mut() {
            let Some(item) = waits.get(name).and_then(|items| items.get(*next)) else {
                done.insert(name);
                places.remove(name);
                path.pop();
                continue;
            };
            *next += 1;
            let target = item.name.as_str();
            if let Some(begin) = places.get(target) {
                tell(context, item, path[*begin..].iter().map(|(name, _)| *name));
            } else if !done.contains(target) {
                places.insert(target, path.len());
                path.push((target, 0));
            }
        }
    }
}

/// The steps that a step cannot do without: all that it names, or the only one, which must have ended.
fn waits_for(step: &Step) -> Vec<&StepCondition> {
    let Some(steps) = step.when.as_ref().and_then(|when| when.steps.as_ref()) else { return vec![] };
    let ended = |on: &On| !matches!(on, On::Pending | On::Running | On::Terminating);
    let needed = !steps.any || steps.items.len() == 1;
    steps.items.iter().filter(|item| needed && item.on.iter().all(ended)).collect()
}

fn tell<'s>(context: &mut Context<'_>, item: &StepCondition, cycle: impl Iterator<Item = &'s str>) {
    let names: Vec<&str> = cycle.collect();
    let last = names.last().copied().unwrap_or_default();
    let message = if names.len() == 1 {
        format!("step `{last}` waits for itself and can never run")
    } else {
        let round: Vec<String> = names.iter().chain(names.first()).take(12).map(|name| format!("`{name}`")).collect();
        format!("these steps wait for each other and can never run: {}", round.join(" for "))
    };
    let path = format!("steps.{last}");
    let scope = Scope { step: Some(last), path: &path };
    context.error_with_hint(scope, "when.steps", item.place, message, "remove one of these conditions");
}
