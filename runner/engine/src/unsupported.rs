//! Steps that cannot run here: refused, or left out where the caller wants that (`--skip-unsupported`).

use std::collections::BTreeMap;

use stepbox_pipeline::{Pipeline, Variables};

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
    // What the caller leaves out need not run.
    let wanted = |problem: &Problem, left_out: &LeftOut| {
        !flat.iter().enumerate().any(|(number, one)| {
            problem.step.as_deref() == Some(one.step.name.as_str()) && left_out.contains_key(&number)
        })
    };
    let mut obstacles: Vec<Problem> = unsupported.into_iter().filter(|one| wanted(one, &left_out)).collect();
    let Checked { mut wrong, images } = preflight::check(request, pipeline, &left_out, variables);
    obstacles.extend(images);
    if request.skip_unsupported && !obstacles.is_empty() {
        let reasons = of_steps(pipeline, &mut obstacles);
        for (number, reason) in cannot_run(pipeline, &reasons) {
            left_out.entry(number).or_insert(Omission { reason, unsupported: true });
        }
        wrong = preflight::check(request, pipeline, &left_out, variables).wrong;
    }
    if wrong.is_empty() && obstacles.is_empty() {
        return Ok(left_out);
    }
    let mut of_pipeline = obstacles.clone();
    let gone = cannot_run(pipeline, &of_steps(pipeline, &mut of_pipeline));
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

/// Why each step that cannot run is left out, by its number; with them the steps inside of them and those that refer to
/// them.
fn cannot_run(pipeline: &Pipeline, reasons: &BTreeMap<String, String>) -> BTreeMap<usize, String> {
    let flat = pipeline.flat();
    let mut found: BTreeMap<usize, String> = BTreeMap::new();
    // Each round may find steps that refer to those of the round before.
    loop {
        let before = found.len();
        for (number, one) in flat.iter().enumerate() {
            if found.contains_key(&number) {
                continue;
            }
            let own = reasons.get(one.step.name.as_str()).cloned();
            let inside = one
                .parent
                .filter(|parent| found.contains_key(parent))
                .map(|parent| format!("inside step `{}`, which cannot run here", flat[parent].step.name));
            let refers = || {
                let mut gone = found.keys().map(|gone| flat[*gone].step.name.as_str());
                let name = gone.find(|gone| one.step.refers_to(gone))?;
                Some(format!("refers to step `{name}`, which cannot run here"))
            };
            if let Some(reason) = own.or(inside).or_else(refers) {
                found.insert(number, reason);
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

/// Takes the problems of single steps out: their reasons by the names of the steps. What is about the whole pipeline
/// stays, with what names no step that there is.
fn of_steps(pipeline: &Pipeline, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let mut reasons: BTreeMap<String, String> = BTreeMap::new();
    problems.retain(|problem| match &problem.step {
        Some(name) if pipeline.step(name).is_some() => {
            reasons.entry(name.clone()).or_insert_with(|| problem.message.clone());
            false
        }
        _ => true,
    });
    reasons
}
