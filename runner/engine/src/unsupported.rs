//! Steps that cannot run here: refused, or left out where the caller wants that (`--skip-unsupported`).

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use stepbox_pipeline::{FlatStep, Pipeline, Variables};

use crate::error::{EngineError, Problem};
use crate::preflight::{self, Checked};
use crate::request::BuildRequest;

/// Steps that are left out from the start, by their numbers.
pub(crate) type LeftOut = BTreeMap<usize, Omission>;

/// Why a step is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Omission {
    pub(crate) reason: String,
    /// Whether it cannot run here, or the caller does not want it.
    pub(crate) unsupported: bool,
}

/// Refuses what cannot run, all of it at once; or adds it to what is left out.
///
/// # Errors
/// [`crate::EngineErrorKind::Pipeline`].
pub(crate) fn settle(
    request: &BuildRequest,
    pipeline: &Pipeline,
    unsupported: Vec<Problem>,
    chosen: LeftOut,
    variables: &Variables,
) -> Result<LeftOut, EngineError> {
    let mut left_out = chosen;
    let flat = pipeline.flat();
    let numbers = numbers(&flat);
    // What the caller leaves out need not run.
    let wanted = |problem: &Problem, left_out: &LeftOut| {
        let number = problem.step.as_deref().and_then(|name| numbers.get(name));
        number.is_none_or(|number| !left_out.contains_key(number))
    };
    let mut obstacles: Vec<Problem> = unsupported.into_iter().filter(|one| wanted(one, &left_out)).collect();
    let Checked { mut wrong, images } = preflight::check(request, pipeline, &left_out, variables);
    obstacles.extend(images);
    if request.skip_unsupported && !obstacles.is_empty() {
        let reasons = of_steps(&numbers, &mut obstacles);
        for (number, reason) in cannot_run(&flat, &numbers, reasons) {
            left_out.entry(number).or_insert(Omission { reason, unsupported: true });
        }
        wrong = preflight::check(request, pipeline, &left_out, variables).wrong;
    }
    if wrong.is_empty() && obstacles.is_empty() {
        return Ok(left_out);
    }
    let mut of_pipeline = obstacles.clone();
    let reasons = of_steps(&numbers, &mut of_pipeline);
    let gone = cannot_run(&flat, &numbers, reasons);
    let others = flat.iter().enumerate().any(|(number, one)| {
        !one.step.implicit && !one.plan_step().group && !gone.contains_key(&number) && !left_out.contains_key(&number)
    });
    let flag_helps = wrong.is_empty() && of_pipeline.is_empty() && others;
    let mut problems = wrong;
    problems.extend(obstacles);
    problems.sort_by_key(|one| one.place.as_ref().map(|place| (place.place.line, place.place.column)));
    let mut error = preflight::refusal(request, problems);
    if flag_helps {
        error = error.hint("to run the other steps all the same, give `--skip-unsupported`");
    }
    Err(error)
}

/// The numbers of steps by their names.
fn numbers<'p>(flat: &[FlatStep<'p>]) -> BTreeMap<&'p str, usize> {
    flat.iter().enumerate().map(|(number, one)| (one.step.name.as_str(), number)).collect()
}

/// Why each step that cannot run is left out, by its number: `reasons`, and with them the steps inside of them and those
/// that refer to them. One pass over what refers to what, however long the chain.
fn cannot_run(
    flat: &[FlatStep<'_>],
    numbers: &BTreeMap<&str, usize>,
    reasons: BTreeMap<usize, String>,
) -> BTreeMap<usize, String> {
    let mut inside: Vec<Vec<usize>> = vec![vec![]; flat.len()];
    let mut referring: Vec<Vec<usize>> = vec![vec![]; flat.len()];
    for (number, one) in flat.iter().enumerate() {
        if let Some(parent) = one.parent {
            inside[parent].push(number);
        }
        for other in one.step.references().filter_map(|name| numbers.get(name)) {
            referring[*other].push(number);
        }
    }
    let mut open: Vec<usize> = reasons.keys().copied().collect();
    let mut found = reasons;
    while let Some(gone) = open.pop() {
        let name = &flat[gone].step.name;
        let nested = inside[gone].iter().map(|one| (one, format!("inside step `{name}`, which cannot run here")));
        let others = referring[gone].iter().map(|one| (one, format!("refers to step `{name}`, which cannot run here")));
        for (number, reason) in nested.chain(others) {
            if let Entry::Vacant(place) = found.entry(*number) {
                place.insert(reason);
                open.push(*number);
            }
        }
    }
    found
}

/// Takes the problems of single steps out: their reasons by the numbers of the steps. What is about the whole pipeline
/// stays, with what names no step that there is.
fn of_steps(numbers: &BTreeMap<&str, usize>, problems: &mut Vec<Problem>) -> BTreeMap<usize, String> {
    let mut reasons: BTreeMap<usize, String> = BTreeMap::new();
    problems.retain(|problem| match problem.step.as_deref().and_then(|name| numbers.get(name)) {
        Some(number) => {
            reasons.entry(*number).or_insert_with(|| problem.message.clone());
            false
        }
        None => true,
    });
    reasons
}
