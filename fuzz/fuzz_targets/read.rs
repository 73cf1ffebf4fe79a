//! Any bytes as a pipeline: read, validated, and what was read planned to the end.
//!
//! The document ends at a NUL byte; what stands behind it chooses the course of the build.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stepbox_pipeline::{
    BuildVersion, Diagnostic, FailurePolicy, FlatStep, Pipeline, Plan, PlanStep, Severity, StepState, lint, validate,
};

fuzz_target!(|data: &[u8]| {
    let end = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (text, choices) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    let reading = Pipeline::read(text);
    assert_eq!(reading, Pipeline::read(text), "reading is not repeatable");
    reading.diagnostics.iter().for_each(|one| in_place(text, one));
    assert!(reading.diagnostics.len() <= 1002, "{} diagnostics", reading.diagnostics.len());
    lint(text).iter().for_each(|one| in_place(text, one));
    for version in [BuildVersion::V1, BuildVersion::V2] {
        let found = validate(text, version);
        found.iter().for_each(|one| in_place(text, one));
        if version == BuildVersion::V2 && found.iter().any(|one| one.severity == Severity::Error) {
            assert!(reading.errors().next().is_some(), "invalid, and read all the same");
        }
    }
    assert_eq!(reading.pipeline.is_none(), reading.errors().next().is_some(), "a pipeline beside an error");
    let Some(pipeline) = reading.pipeline else { return };
    let flat = pipeline.flat();
    for (number, one) in flat.iter().enumerate() {
        assert!(one.parent.is_none_or(|parent| parent < number), "a step before what it is inside of");
        assert!(pipeline.step(one.step.name.as_str()).is_some());
        for template in one.step.templates() {
            for hole in 0..template.holes().len() {
                let place = template.place_of_hole(hole);
                assert!(place.line == 0 || text.get(place.offset..place.offset + place.length).is_some());
            }
        }
    }
    let steps: Vec<PlanStep> = flat.iter().map(FlatStep::plan_step).collect();
    if steps.len() <= 64 {
        course(Plan::new(pipeline.mode, &steps), &steps, choices);
    }
});

/// Whether what is said stands in the text.
fn in_place(text: &str, one: &Diagnostic) {
    for place in one.place.iter().chain(&one.other) {
        let end = place.offset + place.length;
        assert!(text.get(place.offset..end).is_some(), "{one:?} is not in the text of {} bytes", text.len());
        assert!(place.line >= 1 && place.column >= 1, "{one:?}");
        assert!(place.line <= text.split('\n').count() + text.matches('\r').count(), "{one:?}");
    }
    assert!(one.message.len() <= text.len() * 4 + 4096, "{} bytes of message", one.message.len());
}

/// Drives a plan to its end: every course ends, each step in one state.
fn course(mut plan: Plan, steps: &[PlanStep], choices: &[u8]) {
    let mut choices = choices.iter().copied().chain(std::iter::repeat_n(7, 40));
    let mut choose = move || choices.next().unwrap_or(3);
    let policies = [(true, false), (false, false), (false, true)]
        .map(|(fail_fast, strict_fail_fast)| FailurePolicy { fail_fast, strict_fail_fast });
    let mut waits = 0;
    for _ in 0..20 * steps.len() + 20 {
        let mut todo = vec![];
        let mut moved = false;
        for number in plan.startable() {
            if plan.state(number) != StepState::Pending {
                continue;
            }
            let choice = choose();
            match choice % 8 {
                0 => todo.push(plan.decline(number)),
                1 => todo.push(plan.skip(number)),
                2 if waits < 50 => {
                    waits += 1;
                    continue;
                }
                _ => todo.push(plan.start(number, policies[usize::from(choice >> 3) % 3])),
            }
            moved = true;
        }
        let running = plan.running();
        if running.is_empty() && !moved {
            todo.push(plan.give_up().1);
        }
        if let Some(number) = running.get(usize::from(choose()) % running.len().max(1)).copied() {
            let state = [StepState::Error, StepState::Success, StepState::Success][usize::from(choose()) % 3];
            todo.push(plan.finish(number, state));
        }
        while let Some(consequences) = todo.pop() {
            for number in consequences.stop {
                todo.push(plan.finish(number, StepState::Terminated));
            }
            for group in consequences.complete {
                if plan.state(group) == StepState::Running {
                    let criteria = [None, None, Some(true), Some(false)][usize::from(choose()) % 4];
                    todo.push(plan.finish_group(group, criteria).1);
                }
            }
        }
    }
    assert!(plan.is_over(), "{plan:?}");
    assert!(plan.result(None).is_some(), "{plan:?}");
    for number in 0..steps.len() {
        assert_ne!(plan.state(number), StepState::Running, "{plan:?}");
    }
}
