//! Approvals (section 11.3 of the specification).

use std::time::Duration;

use stepbox_pipeline::{Approval, FinalState, MAX_APPROVAL_WAIT, Pipeline, StepKind};

use crate::{clean, errors, only, step, warnings};

fn approval(fields: &str) -> Approval {
    let one = only(clean(step(&format!("type: pending-approval\n{fields}"))));
    assert_eq!((one.timeout, one.kind.type_name()), (None, "pending-approval"));
    match one.kind {
        StepKind::Approval(approval) => approval,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a6_an_approval_waits_168_hours_for_an_answer_and_is_terminated_then() {
    let wait = |seconds: u64, final_state| Approval { wait: Duration::from_secs(seconds), final_state };
    let week = 168 * 3600;
    for (fields, expected) in [
        ("title: x", wait(week, FinalState::Terminated)),
        ("timeout: {}", wait(week, FinalState::Terminated)),
        ("timeout: {duration: 2}", wait(7200, FinalState::Terminated)),
        ("timeout: {duration: 2, timeUnit: hours, finalState: approved}", wait(7200, FinalState::Approved)),
        ("timeout: {duration: 2, timeUnit: minutes, finalState: denied}", wait(120, FinalState::Denied)),
        ("timeout: {duration: 0.5, timeUnit: minutes}", wait(30, FinalState::Terminated)),
        ("timeout: {duration: '3'}", wait(3 * 3600, FinalState::Terminated)),
        ("timeout: {timeUnit: minutes}", wait(168 * 60, FinalState::Terminated)),
        ("arguments: {timeout: {duration: 1}}", wait(3600, FinalState::Terminated)),
    ] {
        assert_eq!(approval(fields), expected, "{fields}");
    }
}

#[test]
fn a6_a_wait_without_end_is_a_long_one() {
    for number in ["1e300", ".inf", "9999999999999999999999"] {
        assert_eq!(approval(&format!("timeout: {{duration: {number}}}")).wait, MAX_APPROVAL_WAIT, "{number}");
    }
    assert_eq!(approval("timeout: {duration: 1e-300}").wait, Duration::ZERO);
}

#[test]
fn a6_an_approval_is_asked_for_once() {
    let reading = step("type: pending-approval\nretry: {maxAttempts: 3}");
    assert_eq!(warnings(&reading), ["`retry` has no effect: an approval is asked for once"]);
    assert!(reading.is_runnable());
}

#[test]
fn a8_an_approval_does_not_stand_inside_of_a_parallel_step() {
    let message = "\"type\" can't be pending-approval";
    assert_eq!(errors(&step("type: parallel\nsteps: {a: {type: pending-approval}}")), [message]);
    let nested = "type: parallel\nsteps: {a: {type: parallel, steps: {b: {type: pending-approval}}}}";
    assert_eq!(errors(&step(nested)), [message]);
    let free = "version: 1\nmode: parallel\nsteps:\n  a: {type: pending-approval}\n  b: {type: pending-approval}\n";
    assert!(Pipeline::read(free).is_runnable());
}
