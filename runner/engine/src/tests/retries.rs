//! Steps that are tried again.

use super::bench::{Bench, Build, Done};
use crate::{BuildEvent, BuildResult};

/// A build whose pauses last no time.
fn quick(build: Build<'_>) -> Done {
    build.request(|request| request.pace = 0.0).run()
}

/// Attempt, attempts, reason and pause of every attempt that failed before the last.
fn retried(done: &Done) -> Vec<(u32, u32, &str, u64)> {
    done.events
        .iter()
        .filter_map(|event| match event {
            BuildEvent::StepRetried { attempt, attempts, reason, wait_ms, .. } => {
                Some((*attempt, *attempts, reason.as_str(), *wait_ms))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn f28_f31_a_step_is_tried_until_it_succeeds() {
    let steps = "  a:\n    image: alpine\n    retry: {maxAttempts: 5}\n    commands: [env CF_CURRENT_ATTEMPT, env CF_MAX_ATTEMPTS, until 3]\n  \
                 b:\n    image: alpine\n    commands: [env CF_CURRENT_ATTEMPT, env CF_MAX_ATTEMPTS]\n";
    let done = quick(Bench::new().steps(steps));
    assert_eq!(done.output(), "1\n5\n2\n5\n3\n5\n1\n1\n");
    assert_eq!(done.states(), ["a success", "b success"]);
    assert_eq!(retried(&done), [(1, 5, "exit status 1", 0), (2, 5, "exit status 1", 0)]);
    let steps = &done.outcome().steps;
    assert_eq!((steps[0].attempts, steps[0].modules, steps[1].attempts), (3, 6, 1));
    let started = done.events.iter().filter(|event| matches!(event, BuildEvent::StepStarted { .. })).count();
    assert_eq!(started, 2, "a step starts once");
}

#[test]
fn f30_attempts_are_all_executions_and_the_last_one_counts() {
    let steps = "  a:\n    image: alpine\n    retry: {maxAttempts: 2}\n    commands: [say try, until 3]\n";
    let done = quick(Bench::new().steps(steps));
    assert_eq!((done.output().as_str(), done.outcome().result), ("try\ntry\n", BuildResult::Failure));
    assert_eq!((done.outcome().steps[0].status, done.outcome().steps[0].attempts), (Some(1), 2));
}

#[test]
fn f27_each_attempt_has_its_own_time() {
    let steps = "  a:\n    image: alpine\n    timeout: .05s\n    retry: {maxAttempts: 2}\n    commands: [until 2, say enough]\n  \
                 b:\n    image: alpine\n    timeout: .05s\n    retry: {maxAttempts: 2}\n    commands: [hang]\n";
    let done = quick(Bench::new().steps(steps));
    assert_eq!(done.states(), ["a success", "b terminated"]);
    let late = "the step took longer than its timeout of 0.05 s";
    assert_eq!(retried(&done), [(1, 2, "exit status 1", 0), (1, 2, late, 0)]);
    assert_eq!(done.reason(1), Some(late));
}

#[test]
fn f29_the_pause_is_told() {
    let steps = "  a:\n    image: alpine\n    retry: {maxAttempts: 3, delay: 5, exponentialFactor: 2}\n    commands: [until 3]\n";
    let done = Bench::new().steps(steps).request(|request| request.pace = 0.001).run();
    assert_eq!(retried(&done), [(1, 3, "exit status 1", 25), (2, 3, "exit status 1", 625)]);
}

#[test]
fn f28_a_clone_is_tried_again_too() {
    let steps = "  a:\n    type: git-clone\n    repo: octo/missing\n    retry: {maxAttempts: 3}\n";
    let bench = Bench::new();
    let done = quick(bench.steps(steps));
    assert_eq!((bench.clones().len(), done.states()), (3, vec!["a error".into()]));
}

#[test]
fn f31_what_can_never_begin_is_not_tried_again() {
    let steps = "  a:\n    image: ${{IMAGE}}\n    retry: {maxAttempts: 3}\n    commands: [say never]\n";
    let done = quick(Bench::new().steps(steps).variable("IMAGE", "nobody/has:this"));
    assert_eq!((retried(&done), done.output().as_str()), (vec![], ""));
}

#[test]
fn s2_an_interrupt_ends_the_pause() {
    let steps =
        "  a:\n    image: alpine\n    retry: {maxAttempts: 2, delay: 60}\n    commands: [say failing, until 2]\n";
    let interrupt = crate::Interrupt::new();
    let theirs = interrupt.clone();
    let done = Bench::new().steps(steps).interrupted_by(interrupt).run_with(|event| {
        if matches!(event, BuildEvent::StepRetried { .. }) {
            theirs.trigger();
        }
    });
    assert_eq!((done.outcome().result, done.states()), (BuildResult::Terminated, vec!["a terminated".into()]));
}
