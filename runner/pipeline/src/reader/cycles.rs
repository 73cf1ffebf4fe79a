//! Steps that wait for each other (rule P9): they could never run, so the pipeline is wrong.
//!
//! Looked at are three moments of each step: when what its `when.steps` says can hold, when it can begin, when it can
//! end. A step of a parallel step begins after that, and a parallel step ends after all inside of it. A moment that needs
//! itself, by way of others, never comes.

use std::collections::{BTreeMap, BTreeSet};

use super::context::{Context, Scope};
use crate::flat::FlatStep;
use crate::pipeline::Pipeline;
use crate::plan::Mode;
use crate::when::{On, StepCondition};

/// A moment that something needs, and the condition that says so.
#[derive(Clone, Copy)]
struct Need<'p> {
    moment: usize,
    item: Option<&'p StepCondition>,
}

/// What a moment needs.
#[derive(Default)]
struct Moment<'p> {
    /// One of the needs is enough.
    any: bool,
    needs: Vec<Need<'p>>,
}

/// The moments of a step, by its number.
fn allowed(step: usize) -> usize {
    3 * step
}
fn begun(step: usize) -> usize {
    3 * step + 1
}
fn ended(step: usize) -> usize {
    3 * step + 2
}

/// Says an error for every cycle. In sequential mode steps wait for nobody, only what waits for itself is odd.
pub(super) fn check(context: &mut Context<'_>, pipeline: &Pipeline) {
    let steps = pipeline.flat();
    let numbers: BTreeMap<&str, usize> =
        steps.iter().enumerate().map(|(number, flat)| (flat.step.name.as_str(), number)).collect();
    let sequential = pipeline.mode == Mode::Sequential;
    let moments = moments(&steps, &numbers, sequential);
    let possible = possible(&moments);
    let mut seen = vec![false; moments.len()];
    for number in 0..steps.len() {
        // From a moment that never comes to one that it needs and that never comes, until one comes again.
        let (mut path, mut at) = (Vec::<Need<'_>>::new(), Need { moment: begun(number), item: None });
        let mut on_path = BTreeSet::new();
        while !possible[at.moment] && !seen[at.moment] {
            seen[at.moment] = true;
            on_path.insert(at.moment);
            path.push(at);
            let next = moments[at.moment].needs.iter().find(|need| !possible[need.moment]);
            let Some(next) = next else { break };
            at = *next;
            if on_path.contains(&at.moment) {
                let begin = path.iter().position(|need| need.moment == at.moment).unwrap_or(0);
                path.push(at);
                tell(context, &steps, &path[begin..]);
            }
        }
    }
}

/// What every moment needs, as far as it is about waiting for the end or the beginning of others.
fn moments<'p>(steps: &[FlatStep<'p>], numbers: &BTreeMap<&str, usize>, sequential: bool) -> Vec<Moment<'p>> {
    let mut moments: Vec<Moment<'p>> = (0..3 * steps.len()).map(|_| Moment::default()).collect();
    let plain = |moment| Need { moment, item: None };
    for (number, FlatStep { step, parent }) in steps.iter().enumerate() {
        moments[begun(number)].needs.push(plain(allowed(number)));
        moments[ended(number)].needs.push(plain(begun(number)));
        if let Some(parent) = *parent {
            moments[begun(number)].needs.push(plain(begun(parent)));
            moments[ended(parent)].needs.push(plain(ended(number)));
        }
        let Some(conditions) = step.when.as_ref().and_then(|when| when.steps.as_ref()) else { continue };
        let mut needs = Vec::with_capacity(conditions.items.len());
        for item in &conditions.items {
            let need = numbers.get(item.name.as_str()).and_then(|other| {
                let own = std::iter::successors(Some(number), |at| steps[*at].parent).any(|at| at == *other);
                let moment = moment_of(item, *other)?;
                (own || !sequential).then_some(Need { moment, item: Some(item) })
            });
            needs.push(need);
        }
        // With `any`, one that holds without waiting is enough.
        let free = conditions.any && needs.iter().any(Option::is_none);
        let needs = if free { vec![] } else { needs.into_iter().flatten().collect() };
        moments[allowed(number)] = Moment { any: conditions.any, needs };
    }
    moments
}

/// The moment at which a step is what a condition wants; `None` where that is so from the start.
fn moment_of(item: &StepCondition, step: usize) -> Option<usize> {
    if item.on.contains(&On::Pending) {
        None
    } else if item.on.iter().any(|on| matches!(on, On::Running | On::Terminating)) {
        Some(begun(step))
    } else {
        Some(ended(step))
    }
}

/// The moments that can come, in one pass over what needs what.
fn possible(moments: &[Moment<'_>]) -> Vec<bool> {
    let mut needed_by: Vec<Vec<usize>> = vec![Vec::new(); moments.len()];
    let mut missing: Vec<usize> = Vec::with_capacity(moments.len());
    for (number, moment) in moments.iter().enumerate() {
        for need in &moment.needs {
            needed_by[need.moment].push(number);
        }
        missing.push(if moment.any { moment.needs.len().min(1) } else { moment.needs.len() });
    }
    let mut possible = vec![false; moments.len()];
    let mut open: Vec<usize> = (0..moments.len()).filter(|number| missing[*number] == 0).collect();
    while let Some(number) = open.pop() {
        if std::mem::replace(&mut possible[number], true) {
            continue;
        }
        for waiting in &needed_by[number] {
            missing[*waiting] = missing[*waiting].saturating_sub(1);
            if missing[*waiting] == 0 {
                open.push(*waiting);
            }
        }
    }
    possible
}

/// `cycle` begins and ends with the same moment.
fn tell(context: &mut Context<'_>, steps: &[FlatStep<'_>], cycle: &[Need<'_>]) {
    let mut numbers: Vec<usize> = cycle.iter().map(|need| need.moment / 3).collect();
    numbers.dedup();
    if numbers.len() > 1 && numbers.first() == numbers.last() {
        numbers.pop();
    }
    let name = |number: &usize| steps[*number].step.name.as_str();
    let message = match numbers.as_slice() {
        [number] => format!("step `{}` waits for itself and can never run", name(number)),
        _ => {
            let round: Vec<String> =
                numbers.iter().chain(numbers.first()).take(12).map(|number| format!("`{}`", name(number))).collect();
            format!("these steps wait for each other and can never run: {}", round.join(" for "))
        }
    };
    // The last condition in the round is that of the step before it.
    let Some((at, item)) = cycle.iter().enumerate().rev().find_map(|(at, need)| Some((at, need.item?))) else { return };
    let step = cycle.get(at.wrapping_sub(1)).map_or(0, |need| need.moment / 3);
    let path = format!("steps.{}", name(&step));
    let scope = Scope { step: Some(name(&step)), path: &path };
    context.error_with_hint(scope, "when.steps", item.place, message, "remove one of these conditions");
}
