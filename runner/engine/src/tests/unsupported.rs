//! Steps that cannot run here: all of them told, or left out with what refers to them.

use super::bench::{Bench, Done};
use crate::{BuildResult, EngineErrorKind};

const MIXED: &str = "version: '1.0'
steps:
  build:
    type: build
    image_name: a/b
  test:
    image: ${{build}}
    commands: [say test]
  report:
    image: alpine
    commands: ['say ${{steps.test.result}}']
  node:
    image: node:20
    commands: [npm ci]
  group:
    type: parallel
    steps:
      fine: {image: alpine, commands: [say fine]}
      push: {type: push, candidate: x}
  last:
    image: alpine
    commands: [say last]
    when: {steps: [{name: build, on: [skipped]}]}
";

fn skipping(text: &str) -> Done {
    Bench::new().text(text).request(|request| request.skip_unsupported = true).run_with(|_| {})
}

#[test]
fn all_obstacles_are_told_at_once_in_their_order_with_the_flag() {
    let done = Bench::new().text(MIXED).run_with(|_| {});
    let error = done.error();
    let told: Vec<(&str, Option<usize>)> = error
        .problems
        .iter()
        .map(|problem| (problem.message.as_str(), problem.place.as_ref().map(|place| place.place.line)))
        .collect();
    assert_eq!(
        told,
        [
            ("`type: build` is not supported: it needs docker", Some(4)),
            ("step `node`: nobody provides the image `node:20`", Some(13)),
            ("`type: push` is not supported: it needs docker", Some(19)),
        ]
    );
    assert_eq!((error.kind, error.hints.len()), (EngineErrorKind::Pipeline, 1));
    assert!(error.hints[0].contains("--skip-unsupported"));
}

#[test]
fn what_cannot_run_is_left_out_with_all_that_refers_to_it() {
    let done = skipping(MIXED);
    assert_eq!(
        done.states(),
        [
            "build skipped",
            "test skipped",
            "report skipped",
            "node skipped",
            "group success",
            "fine success",
            "push skipped",
            "last success"
        ]
    );
    assert_eq!((done.output().as_str(), done.outcome().result), ("fine\nlast\n", BuildResult::Success));
    for (step, reason) in [
        (0, "`type: build` is not supported: it needs docker"),
        (1, "refers to step `build`, which cannot run here"),
        (2, "refers to step `test`, which cannot run here"),
        (3, "step `node`: nobody provides the image `node:20`"),
    ] {
        assert_eq!((done.reason(step), done.outcome().steps[step].unsupported), (Some(reason), true));
    }
    assert!(!done.outcome().steps[4].unsupported);
}

#[test]
fn what_is_wrong_or_about_the_whole_pipeline_is_refused_all_the_same() {
    let services = MIXED.replace("version: '1.0'\n", "version: '1.0'\nservices: {composition: {a: {image: b}}}\n");
    let error = skipping(&services);
    assert_eq!(error.error().problems.len(), 1);
    assert!(error.error().problems[0].message.contains("services"));
    let undefined = MIXED.replace(
        "image: alpine\n    commands: [say last]",
        "image: alpine\n    working_directory: ${{nowhere}}\n    commands: [say last]",
    );
    let done = skipping(&undefined);
    // What an earlier step may export is not known to be missing.
    assert!(
        done.outcome.is_err() || done.states().last().is_some_and(|last| last == "last error"),
        "{:?}",
        done.outcome
    );
}

#[test]
fn a_step_that_the_caller_leaves_out_need_not_run() {
    let done = Bench::new()
        .text(MIXED)
        .request(|request| request.skip = ["build", "test", "report", "node", "push"].map(str::to_owned).to_vec())
        .run();
    assert_eq!(done.output(), "fine\nlast\n");
    assert!(done.outcome().steps.iter().all(|step| !step.unsupported));
}

#[test]
fn a_long_chain_of_steps_that_refer_to_each_other_is_left_out_in_one_pass() {
    // Against the order of the file: each refers to the one below it.
    let steps: String = (0..3000)
        .map(|number| {
            format!("  s{number}: {{image: alpine, title: '${{{{s{}.result}}}}', commands: [say x]}}\n", number + 1)
        })
        .collect();
    let done = skipping(&format!("version: '1.0'\nsteps:\n{steps}  s3000: {{type: build, image_name: x}}\n"));
    assert!(done.outcome().steps.iter().all(|step| step.unsupported), "all are left out");
    assert_eq!(done.reason(0), Some("refers to step `s1`, which cannot run here"));
}
