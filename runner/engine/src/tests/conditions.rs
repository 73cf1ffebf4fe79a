//! Steps that run only under conditions.

use super::bench::{Bench, Done};
use crate::BuildResult;

/// A build of a step `one` that ends with this status, and a step `two` with this `when`.
fn two(status: u8, when: &str) -> Done {
    let text = format!(
        "version: '1.0'\nfail_fast: false\nsteps:\n  one:\n    image: alpine\n    commands: [export SEEN=yes, exit {status}]\n  \
         two:\n    image: alpine\n    title: Two\n    commands: [say two]\n    when: {when}\n"
    );
    Bench::new().text(&text).variable("MODE", "fast").run()
}

#[test]
fn c3_c13_a_step_runs_where_all_conditions_hold() {
    for (when, runs) in [
        ("{branch: {only: [main]}}", true),
        ("{branch: {only: [/^MA/i]}}", true),
        ("{branch: {ignore: [main]}}", false),
        ("{condition: {all: {a: '\"${{MODE}}\" == \"fast\"', b: 'MODE == \"fast\"'}}}", true),
        ("{condition: {any: {a: 'MODE == \"slow\"', b: 'MODE == \"fast\"'}}}", true),
        ("{condition: {all: {a: 'MODE == \"slow\"'}}}", false),
        ("{branch: {only: [main]}, condition: {all: {a: 'MODE == \"slow\"'}}}", false),
        // What an earlier step has exported, and what it came to.
        (
            "{condition: {all: {a: 'SEEN == \"yes\"', b: 'steps.one.result == \"success\"', c: 'one.result == \"success\"'}}}",
            true,
        ),
        ("{steps: [{name: one}]}", true),
        ("{steps: [{name: one, on: [failure]}]}", false),
    ] {
        let done = two(0, when);
        let state = if runs { "two success" } else { "two skipped" };
        assert_eq!(done.states(), ["one success", state], "{when}");
        assert_eq!(done.outcome().result, BuildResult::Success);
    }
    assert_eq!(two(1, "{steps: [{name: one, on: [failure]}]}").states(), ["one error", "two success"]);
    assert_eq!(two(1, "{steps: [{name: one}]}").states(), ["one error", "two skipped"]);
}

#[test]
fn c4_a_step_that_is_skipped_says_which_condition_skipped_it_and_what_it_saw() {
    for (when, reason) in [
        ("{branch: {only: [dev, /x/]}}", "branch `main` is none of `only`: `dev`, `/x/`"),
        (
            "{condition: {all: {isSlow: '\"${{MODE}}\" == \"slow\"'}}}",
            "`when.condition.all.isSlow`: `\"fast\" == \"slow\"` is false",
        ),
        (
            "{condition: {all: {a: 'MODE == 5'}}}",
            "`when.condition.all.a`: `MODE == 5` is false: The operator == cannot be used with string,number. It can only be used with the types: number,string,nullableString,object,boolean (`MODE` is \"fast\")",
        ),
    ] {
        let done = two(0, when);
        assert_eq!(done.reason(1), Some(reason), "{when}");
    }
}

#[test]
fn v32_secrets_do_not_appear_in_the_reasons_of_skipped_steps() {
    let text = "  a:\n    image: alpine\n    commands: [say a]\n    when: {condition: {all: {x: 'TOKEN == \"${{TOKEN}}!\"'}}}\n";
    let done =
        Bench::new().steps(text).request(|request| request.secrets = vec![("TOKEN".into(), "hunter2".into())]).run();
    let told = done.reason(0).expect("a reason");
    assert!(told.contains("****") && !told.contains("hunter2"), "{told}");
}

#[test]
fn c9_a_condition_sees_that_the_build_has_failed() {
    let text = "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    fail_fast: false\n    strict_fail_fast: true\n    commands: [exit 1]\n  \
                b:\n    image: alpine\n    commands: [say b]\n    when: {condition: {all: {x: 'workflow.result == \"failure\"'}}}\n";
    let done = Bench::new().text(text).run();
    assert_eq!(
        (done.states(), done.outcome().result),
        (vec!["a error".into(), "b success".into()], BuildResult::Failure)
    );
}

#[test]
fn c18_the_implicit_clone_can_be_waited_for() {
    let steps = "  a:\n    image: alpine\n    commands: [say a]\n    when: {steps: [{name: main_clone}]}\n";
    assert_eq!(Bench::new().steps(steps).run().states(), ["a success"]);
}
