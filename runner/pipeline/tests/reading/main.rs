//! Reading pipelines: each rule by its number.

mod approval;
mod copies;
mod freestyle;
mod git_clone;
mod hooks;
mod parallel;
mod refused;
mod root;
mod specification;
mod steps;
mod when;

use stepbox_pipeline::{Freestyle, GitClone, Pipeline, Reading, Step, StepKind, Template};

/// A pipeline of one step.
fn step(fields: &str) -> Reading {
    let indented: String = fields.lines().map(|line| format!("    {line}\n")).collect();
    Pipeline::read(&format!("version: '1.0'\nstages: [one, two]\nsteps:\n  jim:\n{indented}"))
}

/// A root with a step that is well.
fn root(fields: &str) -> Reading {
    Pipeline::read(&format!("version: '1.0'\nsteps:\n  jim: {{image: bob}}\n{fields}\n"))
}

fn errors(reading: &Reading) -> Vec<String> {
    assert!(reading.pipeline.is_none() || reading.errors().next().is_none());
    reading.errors().map(|error| error.message.clone()).collect()
}

fn warnings(reading: &Reading) -> Vec<String> {
    reading.warnings().map(|warning| warning.message.clone()).collect()
}

fn refused(reading: &Reading) -> Vec<&str> {
    reading.unsupported.iter().map(|one| one.feature.as_str()).collect()
}

/// The pipeline of a reading without any problem.
fn clean(reading: Reading) -> Pipeline {
    assert_eq!(reading.diagnostics, []);
    assert_eq!(reading.unsupported, []);
    reading.pipeline.expect("a pipeline")
}

fn only(pipeline: Pipeline) -> Step {
    assert_eq!(pipeline.steps.len(), 1);
    pipeline.steps.into_iter().next().expect("one")
}

fn freestyle(fields: &str) -> Freestyle {
    match only(clean(step(fields))).kind {
        StepKind::Freestyle(freestyle) => freestyle,
        other => panic!("{other:?}"),
    }
}

fn clone(fields: &str) -> GitClone {
    match only(clean(step(&format!("type: git-clone\n{fields}")))).kind {
        StepKind::GitClone(clone) => clone,
        other => panic!("{other:?}"),
    }
}

fn texts(templates: &[Template]) -> Vec<&str> {
    templates.iter().map(Template::text).collect()
}
