//! What steps hand on.

use super::bench::Bench;
use crate::BuildResult;

#[test]
fn v17_v22_later_steps_see_exports_which_win_over_the_build() {
    let steps = "  a:\n    image: alpine\n    commands: [env X, export X=exported, env X]\n  b:\n    image: alpine\n    \
                 commands: ['say ${{X}}', env X]\n";
    let done = Bench::new().steps(steps).variable("X", "build").run();
    assert_eq!(done.output(), "build\nbuild\nexported\nexported\n");
}

#[test]
fn v25_lines_that_are_no_exports_are_told() {
    let steps = "  a:\n    image: alpine\n    commands: [export X=1, export X=\"2\", export nonsense]\n  b:\n    image: alpine\n    commands: [env X]\n";
    let done = Bench::new().steps(steps).run();
    assert_eq!(done.output(), "2\n");
    assert_eq!(done.warnings(), ["line 3 of the exported variables is no `NAME=VALUE` and is left out"]);
}

#[test]
fn v17_a_failed_step_exports_too() {
    let steps = "  a:\n    image: alpine\n    fail_fast: false\n    commands: [export X=1, exit 1]\n  b:\n    image: alpine\n    commands: [env X]\n";
    assert_eq!(Bench::new().steps(steps).run().output(), "1\n");
}

#[test]
fn v28_a_step_whose_exports_cannot_be_read_fails() {
    let done = Bench::new().steps("  a:\n    image: alpine\n    commands: [spoil]\n").run();
    assert_eq!(done.outcome().result, BuildResult::Failure);
    let expected = "failed to read environment variable exporting file: /codefresh/volume/env_vars_to_export";
    assert_eq!(done.reason(0), Some(expected));
}

#[test]
fn v31_v32_masked_exports_do_not_appear_in_output_or_titles() {
    let steps = "  a:\n    image: alpine\n    commands: [export T=hunter2, mask T]\n  b:\n    image: alpine\n    \
                 title: Uses ${{T}}\n    commands: [env T, fail lost hunter2]\n";
    let done = Bench::new().steps(steps).run();
    assert_eq!(done.output(), "****\n");
    assert_eq!(done.outcome().steps[1].title, "Uses ****");
    assert_eq!(done.reason(1), Some("lost ****"));
    let all =
        serde_json::to_string(&done.events).expect("json") + &serde_json::to_string(done.outcome()).expect("json");
    assert!(!all.contains("hunter2"));
}

#[test]
fn v29_the_export_file_starts_empty_and_is_not_archived() {
    let bench = Bench::new();
    bench.snapshot("old", "env_vars_to_export=OLD\nkept=1\n");
    let done = bench.steps("  a:\n    image: alpine\n    commands: [cat env_vars_to_export, cat kept]\n").run();
    assert_eq!(done.output(), "\n1\n");
    assert_eq!(bench.latest().as_deref(), Some("kept=1\n"));
}
