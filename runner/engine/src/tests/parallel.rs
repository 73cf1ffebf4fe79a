//! Steps that run at once, and what they mean for each other. The worker of these tests runs them one by one; that they
//! do run at once is seen with the program.

use super::bench::{Bench, Done};
use crate::{BuildEvent, BuildResult};

fn sequential(steps: &str) -> Done {
    Bench::new().steps(steps).run()
}

fn parallel(steps: &str) -> Done {
    Bench::new().text(&format!("version: '1.0'\nmode: parallel\nsteps:\n{steps}")).run()
}

/// The events of steps in their order: `+name` begins, `name=state` has ended.
fn course(done: &Done) -> String {
    let told = done.events.iter().filter_map(|event| match event {
        BuildEvent::StepStarted { step, .. } => Some(format!("+{step}")),
        BuildEvent::StepFinished(step) => Some(format!("{}={}", step.name, step.state)),
        _ => None,
    });
    told.collect::<Vec<_>>().join(" ")
}

const GROUP: &str = "  p:\n    type: parallel\n    title: Both\n    steps:\n      a: {image: alpine, commands: [say a, export X=1]}\n      \
                     b: {image: alpine, commands: [say b, exit 3]}\n";

#[test]
fn p2_members_begin_together_and_the_next_step_waits_for_all() {
    let steps = format!("{}  c:\n    image: alpine\n    commands: [env X]\n", GROUP.replace(", exit 3", ""));
    let done = sequential(&steps);
    assert_eq!(course(&done), "+p +a +b a=success b=success p=success +c c=success");
    assert_eq!((done.output().as_str(), done.outcome().steps[0].title.as_str()), ("a\nb\n1\n", "Both"));
}

#[test]
fn p2_s5_a_failed_member_fails_the_group_when_all_are_over() {
    let done = sequential(&format!("{GROUP}  c:\n    image: alpine\n    commands: [say c]\n"));
    assert_eq!(course(&done), "+p +a +b a=success b=error p=error");
    assert_eq!((done.outcome().result, done.states()[3].as_str()), (BuildResult::Failure, "c pending"));
}

#[test]
fn p17_a_group_without_fail_fast_is_successful() {
    let steps = format!(
        "{GROUP}    fail_fast: false\n    strict_fail_fast: true\n  c:\n    image: alpine\n    commands: [say c]\n"
    );
    let done = sequential(&steps);
    assert_eq!(course(&done), "+p +a +b a=success b=error p=success +c c=success");
    assert_eq!(done.outcome().result, BuildResult::Success);
}

#[test]
fn p15_p16_success_criteria_decide() {
    for (criteria, state) in [
        ("{steps: [a]}", "p=success"),
        ("{steps: {ignore: [b]}}", "p=success"),
        ("{steps: [b]}", "p=error"),
        ("{condition: {all: {x: 'steps.b.result == \"failure\"'}}}", "p=success"),
        ("{condition: {any: {x: 'steps.a.result === \"failure\"'}}}", "p=error"),
    ] {
        let done = sequential(&format!("{GROUP}    success_criteria: {criteria}\n"));
        assert!(course(&done).ends_with(state), "{criteria}: {}", course(&done));
    }
    let text = "version: '1.0'\nsuccess_criteria: {steps: {ignore: [b]}}\nsteps:\n  a:\n    image: alpine\n    commands: [say a]\n  \
                b:\n    image: alpine\n    commands: [exit 1]\n";
    assert_eq!(Bench::new().text(text).run().outcome().result, BuildResult::Success);
}

#[test]
fn c4_a_group_is_skipped_with_all_inside_of_it() {
    let done = sequential(&format!("{GROUP}    when: {{branch: {{only: [dev]}}}}\n"));
    assert_eq!(course(&done), "p=skipped a=skipped b=skipped");
    assert_eq!(done.reason(1), Some("inside step `p`, which is skipped"));
    let member = GROUP.replace(
        "{image: alpine, commands: [say b, exit 3]}",
        "{image: alpine, commands: [say b], when: {branch: {only: [dev]}}}",
    );
    assert_eq!(course(&sequential(&member)), "+p +a b=skipped a=success p=success");
}

#[test]
fn p3_groups_stand_in_groups() {
    let steps = "  p:\n    type: parallel\n    steps:\n      q:\n        type: parallel\n        steps:\n          a: {image: alpine, commands: [say a]}\n      \
                 b: {image: alpine, commands: [say b]}\n";
    let done = sequential(steps);
    assert_eq!(course(&done), "+p +q +a +b a=success q=success b=success p=success");
}

#[test]
fn p8_in_parallel_mode_steps_run_when_their_conditions_allow() {
    let done = parallel(
        "  c:\n    image: alpine\n    commands: [env X]\n    when: {steps: [{name: a}, {name: b, on: [finished]}]}\n  \
         a:\n    image: alpine\n    commands: [export X=1]\n  b:\n    image: alpine\n    fail_fast: false\n    commands: [exit 1]\n",
    );
    assert_eq!(course(&done), "+a +b a=success b=error +c c=success");
    assert_eq!((done.output().as_str(), done.outcome().result), ("1\n", BuildResult::Success));
}

#[test]
fn p8_hundreds_of_steps_wait_for_each_other() {
    let steps: String = (0..300)
        .map(|number| {
            let when =
                if number == 0 { String::new() } else { format!(", when: {{steps: [{{name: s{}}}]}}", number - 1) };
            format!("  s{number}: {{image: alpine, commands: [say {number}]{when}}}\n")
        })
        .rev()
        .collect();
    let said: String = (0..300).map(|number| format!("{number}\n")).collect();
    assert_eq!(parallel(&steps).output(), said);
}

#[test]
fn p9_steps_that_nothing_can_start_are_skipped_and_told() {
    let done = parallel(
        "  a:\n    image: alpine\n    commands: [say a]\n  b:\n    image: alpine\n    commands: [say b]\n    when: {steps: [{name: a, on: [failure]}]}\n  \
         c:\n    image: alpine\n    commands: [say c]\n    when: {steps: [{name: b, on: [running]}]}\n",
    );
    assert_eq!(done.states(), ["a success", "b skipped", "c skipped"]);
    assert_eq!((done.output().as_str(), done.outcome().result), ("a\n", BuildResult::Success));
    assert!(done.reason(1).is_some_and(|reason| reason.contains("`a`")), "{:?}", done.reason(1));
}

#[test]
fn p12_a_failure_in_parallel_mode_terminates_what_runs() {
    let done = parallel(
        "  a:\n    image: alpine\n    commands: [exit 1]\n  b:\n    image: alpine\n    commands: [hang]\n  \
         c:\n    image: alpine\n    commands: [say c]\n    when: {steps: [{name: b, on: [finished]}]}\n",
    );
    assert_eq!(done.states(), ["a error", "b terminated", "c pending"]);
    assert_eq!(done.reason(1), Some("stopped, because step `a` failed"));
    assert_eq!(done.outcome().result, BuildResult::Failure);
    // A clone too, which listens by itself.
    let done = parallel(
        "  a:\n    image: alpine\n    commands: [exit 1]\n  b:\n    type: git-clone\n    repo: octo/endless\n",
    );
    assert_eq!(done.states(), ["a error", "b terminated"]);
    assert!(done.is_saved(), "a failed build is saved");
}

#[test]
fn s2_an_interrupt_ends_all_that_runs() {
    let steps = "  p:\n    type: parallel\n    steps:\n      a: {type: git-clone, repo: octo/endless}\n      b: {image: alpine, commands: [hang]}\n";
    let done = Bench::new().steps(steps).interrupt_at("hanging").run();
    assert_eq!(done.states(), ["p terminated", "a terminated", "b terminated"]);
    assert_eq!(done.outcome().result, BuildResult::Terminated);
}

#[test]
fn s12_chosen_steps_bring_their_groups() {
    let choose = |only: &str, skip: &str| {
        let list = |name: &str| if name.is_empty() { vec![] } else { vec![name.to_owned()] };
        let done = Bench::new()
            .steps(&GROUP.replace(", exit 3", ""))
            .request(|request| (request.only, request.skip) = (list(only), list(skip)))
            .run();
        done.states().join(", ")
    };
    assert_eq!(choose("a", ""), "p success, a success, b skipped");
    assert_eq!(choose("p", ""), "p success, a success, b success");
    assert_eq!(choose("", "b"), "p success, a success, b skipped");
    assert_eq!(choose("", "p"), "p skipped, a skipped, b skipped");
}

#[test]
fn p9_a_group_ends_when_nothing_can_start_its_members_any_more() {
    let done = parallel(
        "  p:\n    type: parallel\n    steps:\n      a: {image: alpine, commands: [say a]}\n      \
         b: {image: alpine, commands: [say b], when: {condition: {all: {x: 'false'}}}}\n  \
         c:\n    image: alpine\n    commands: [say c]\n    when: {steps: [{name: p}]}\n",
    );
    assert_eq!(done.states(), ["p success", "a success", "b skipped", "c success"]);
    assert_eq!((done.output().as_str(), done.outcome().result), ("a\nc\n", BuildResult::Success));
}

#[test]
fn p9_a_step_that_never_runs_is_not_skipped_for_those_that_wait() {
    let done = parallel(
        "  a:\n    image: alpine\n    commands: [say a]\n    when: {branch: {only: [nowhere]}}\n  \
         b:\n    image: alpine\n    commands: [say b]\n    when: {steps: [{name: a, on: [skipped, finished]}]}\n",
    );
    assert_eq!(done.states(), ["a skipped", "b skipped"]);
    assert_eq!((done.output().as_str(), done.outcome().result), ("", BuildResult::Success));
}
