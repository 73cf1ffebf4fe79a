//! What the caller of a build decides: which steps run, which commit it is, which values are secret.

use super::bench::Bench;
use crate::{BuildEvent, BuildResult, EngineErrorKind};

const THREE: &str = "  one:\n    image: alpine\n    commands: [say 1]\n  two:\n    image: nobody/has:this\n    commands: [say 2]\n  \
                     three:\n    image: alpine\n    commands: [say 3]\n";

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn s12_only_and_skip_choose_steps_and_images_of_others_are_not_needed() {
    for (only, skip, states, output) in [
        (&["one", "three"][..], &[][..], ["one success", "two skipped", "three success"], "1\n3\n"),
        (&[], &["two"], ["one success", "two skipped", "three success"], "1\n3\n"),
        (&["two", "three"], &["two"], ["one skipped", "two skipped", "three success"], "3\n"),
    ] {
        let done = Bench::new()
            .steps(THREE)
            .request(|request| (request.only, request.skip) = (names(only), names(skip)))
            .run();
        assert_eq!((done.states(), done.output().as_str()), (names(&states), output), "{only:?} {skip:?}");
        assert_eq!(done.outcome().result, BuildResult::Success);
        assert_eq!(done.reason(1), Some("left out by `--only` or `--skip`"));
    }
}

#[test]
fn s12_a_step_that_does_not_exist_cannot_be_chosen() {
    for (name, hint) in [("tree", "did you mean `three`?"), ("x", "its steps are `one`, `two`, `three`")] {
        let done = Bench::new().steps(THREE).request(|request| request.skip = names(&[name])).run_with(|_| {});
        let error = done.error();
        assert_eq!(error.kind, EngineErrorKind::Usage);
        assert_eq!(error.message, format!("there is no step `{name}`, which `--skip` names"));
        assert_eq!(error.hints, [hint]);
    }
}

#[test]
fn s12_the_source_is_cloned_for_chosen_steps() {
    let bench = Bench::new();
    let steps = "  one:\n    image: alpine\n    commands: [pwd]\n  two:\n    image: alpine\n    commands: [say 2]\n";
    let done = bench
        .steps(steps)
        .variable("CF_SKIP_MAIN_CLONE", "false")
        .request(|request| request.only = names(&["one"]))
        .run();
    assert_eq!(done.states(), ["main_clone success", "one success", "two skipped"]);
    let done = bench
        .steps(steps)
        .variable("CF_SKIP_MAIN_CLONE", "false")
        .request(|request| request.skip = names(&["main_clone", "two"]))
        .run();
    assert_eq!(done.states(), ["main_clone skipped", "one success", "two skipped"]);
}

#[test]
fn v16_branch_and_commit_can_be_named() {
    let steps = "  a:\n    image: alpine\n    commands: [env CF_BRANCH, env CF_REVISION, env CF_SHORT_REVISION, env CF_REPO_NAME]\n";
    let bench = Bench::new();
    let done = bench
        .steps(steps)
        .variable("CF_SKIP_MAIN_CLONE", "false")
        .request(|request| {
            request.branch = Some("dev".into());
            request.revision = Some("feedface00".into());
        })
        .run();
    assert_eq!(done.output(), "cloning octo/app\ndev\nfeedface00\nfeedfac\napp\n");
    assert_eq!(bench.clones()[0].revision.as_deref(), Some("feedface00"));
}

#[test]
fn v31_secrets_are_masked_in_output_titles_reasons_and_the_record() {
    let bench = Bench::new();
    let steps = "  a:\n    image: alpine\n    title: with ${{TOKEN}}\n    commands: [env TOKEN, 'say not hunter22, nor s3cr3t', fail on hunter2]\n";
    let done = bench
        .steps(steps)
        .variable("TOKEN", "overridden")
        .request(|request| {
            request.secrets = vec![("TOKEN".into(), "hunter2".into()), ("OTHER".into(), "s3cr3t".into())]
        })
        .run();
    assert_eq!(done.output(), "****\nnot ****2, nor ****\n");
    let step = &done.outcome().steps[0];
    assert_eq!((step.title.as_str(), step.reason.as_deref()), ("with ****", Some("on ****")));
    let told = format!("{:?}", done.events) + &format!("{:?}", done.outcome());
    assert!(!told.contains("hunter2") && !told.contains("s3cr3t"), "{told}");
    assert!(done.events.iter().any(|event| matches!(event, BuildEvent::StepFinished(_))));
}
