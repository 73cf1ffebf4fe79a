//! Steps in their order, and what the build comes to.

use super::bench::Bench;
use crate::BuildResult;

#[test]
fn s4_steps_run_in_order_and_zero_is_success() {
    let bench = Bench::new();
    let done = bench
        .text(
            "version: '1.0'\nstages: [one, two]\nsteps:\n  b:\n    image: alpine:3.9\n    title: The ${{CF_REPO_NAME}}\n    stage: two\n    \
             commands: [say first]\n  a:\n    image: alpine\n    stage: one\n    commands: [say second]\n",
        )
        .run();
    assert_eq!(done.output(), "first\nsecond\n");
    assert_eq!(
        (done.outcome().result, done.states()),
        (BuildResult::Success, vec!["b success".into(), "a success".into()])
    );
    let step = &done.outcome().steps[0];
    assert_eq!(
        (step.title.as_str(), step.stage.as_deref(), step.status, step.modules),
        ("The app", Some("two"), Some(0), 2)
    );
    let names: Vec<String> = done
        .events
        .iter()
        .map(|event| serde_json::to_value(event).expect("json")["event"].as_str().expect("a name").to_owned())
        .collect();
    let expected = "build_started worker_started step_started output step_finished step_started output step_finished volume_saved build_finished";
    assert_eq!(names.join(" "), expected);
}

#[test]
fn s4_anything_but_zero_is_a_failure() {
    for status in ["1", "3", "255"] {
        let done = Bench::new().steps(&format!("  a:\n    image: alpine\n    commands: [exit {status}]\n")).run();
        assert_eq!(done.outcome().result, BuildResult::Failure);
        assert_eq!(done.outcome().steps[0].status, status.parse().ok());
    }
}

#[test]
fn s5_fail_fast_ends_the_build_and_its_absence_does_not() {
    for (flags, result, states) in [
        ("", BuildResult::Failure, ["a error", "b pending"]),
        ("    fail_fast: false\n", BuildResult::Success, ["a error", "b success"]),
        ("    fail_fast: false\n    strict_fail_fast: true\n", BuildResult::Failure, ["a error", "b success"]),
        ("    fail_fast: '${{GO_ON}}'\n", BuildResult::Success, ["a error", "b success"]),
    ] {
        let bench = Bench::new();
        let steps = format!(
            "  a:\n    image: alpine\n{flags}    commands: [exit 1]\n  b:\n    image: alpine\n    commands: [say b]\n"
        );
        let done = bench.steps(&steps).variable("GO_ON", "false").run();
        assert_eq!((done.outcome().result, done.states()), (result, states.map(str::to_owned).to_vec()), "{flags}");
        assert!(done.is_saved(), "{flags}");
    }
}

#[test]
fn s6_the_root_is_the_default_of_steps() {
    let done = Bench::new()
        .text("version: '1.0'\nfail_fast: false\nsteps:\n  a:\n    image: alpine\n    commands: [exit 1]\n  b:\n    image: alpine\n    commands: [say b]\n")
        .run();
    assert_eq!(done.outcome().result, BuildResult::Success);
}

#[test]
fn w1_w2_w6_steps_run_where_they_say() {
    let done = Bench::new()
        .steps(
            "  main_clone:\n    type: git-clone\n    repo: octo/app\n  a:\n    image: alpine\n    commands: [pwd]\n  \
             b:\n    image: alpine\n    working_directory: sub\n    commands: [pwd]\n  c:\n    image: alpine\n    \
             working_directory: '${{b}}/deep'\n    commands: [pwd]\n  d:\n    image: alpine\n    working_directory: /tmp\n    commands: [pwd]\n",
        )
        .run();
    let root = "/codefresh/volume/app";
    assert_eq!(done.output(), format!("cloning octo/app\n{root}\n{root}/sub\n{root}/sub/deep\n/tmp\n"));
}

#[test]
fn f9_the_entry_point_runs_where_there_are_no_commands() {
    let done = Bench::new().steps("  a:\n    image: alpine\n    entry_point: [echo]\n    cmd: [Hello]\n").run();
    assert_eq!(done.output(), "echo Hello\n");
}

#[test]
fn v4_what_is_not_defined_stays_and_is_told_with_its_place() {
    let done = Bench::new().steps("  a:\n    image: alpine\n    commands:\n      - say ${{NOPE}}\n").run();
    assert_eq!(done.output(), "say\n".replace("say", "${{NOPE}}"));
    assert_eq!(done.warnings(), ["6:13: `${{NOPE}}` is not defined and stays as it is"]);
}

#[test]
fn v16_steps_see_what_is_known_and_variables_of_the_build_win() {
    let steps = "  a:\n    image: alpine\n    commands: [env CF_BRANCH, env CF_SHORT_REVISION, env CF_STEP_NAME, \
                 env CF_PIPELINE_NAME, env CF_BUILD_ID, env HOME]\n";
    let done = Bench::new().steps(steps).variable("CF_BRANCH", "one").variable("CF_BRANCH", "two").run();
    let build = done.outcome().build.clone();
    assert_eq!(done.output(), format!("two\n0123456\na\napp/codefresh\n{build}\nundefined\n"));
}

#[test]
fn f13_the_environment_of_a_step_is_its_own() {
    let steps = "  a:\n    image: alpine\n    environment: [X=step, NONE]\n    commands: ['say ${{X}}', env X]\n  \
                 b:\n    image: alpine\n    commands: [env X]\n";
    let done = Bench::new().steps(steps).variable("X", "build").run();
    assert_eq!(done.output(), "step\nstep\nbuild\n");
    assert_eq!(done.warnings(), ["5:27: `NONE` has no value, and no variable has that name: it is left out"]);
}

#[test]
fn f25_a_step_over_its_time_is_terminated_and_failed() {
    let steps = "  a:\n    image: alpine\n    timeout: .05s\n    commands: [hang]\n  b:\n    image: alpine\n    commands: [say b]\n";
    let done = Bench::new().steps(steps).run();
    assert_eq!(
        (done.outcome().result, done.states()),
        (BuildResult::Failure, vec!["a terminated".into(), "b pending".into()])
    );
    assert_eq!(done.reason(0), Some("the step took longer than its timeout of 0.05 s"));
    assert!(done.is_saved());
}

#[test]
fn f25_a_clone_over_its_time_is_terminated_too() {
    let steps = "  a:\n    type: git-clone\n    repo: octo/endless\n    timeout: .05s\n    fail_fast: false\n";
    let done = Bench::new().steps(steps).run();
    assert_eq!((done.outcome().result, done.states()), (BuildResult::Success, vec!["a terminated".into()]));
    assert_eq!(done.reason(0), Some("the step took longer than its timeout of 0.05 s"));
}
