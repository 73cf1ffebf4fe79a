//! Hooks (section 11.1 of the specification).

use super::bench::{Bench, Done};
use crate::{BuildEvent, BuildResult};

/// What happened, a word or two each: hooks, steps and what was printed.
fn course(done: &Done) -> Vec<String> {
    let name = |step: &Option<String>, hook: &str| format!("{}.{hook}", step.as_deref().unwrap_or("-"));
    let tell = |event: &BuildEvent| {
        Some(match event {
            BuildEvent::HookStarted { step, hook } => format!("{} begins", name(step, hook)),
            BuildEvent::HookFinished { step, hook, state, .. } => format!("{} {state}", name(step, hook)),
            BuildEvent::StepStarted { step, .. } => format!("{step} begins"),
            BuildEvent::StepFinished(step) => format!("{} {}", step.name, step.state),
            BuildEvent::Output { step, text, .. } => format!("{step}: {}", text.trim_end()),
            _ => return None,
        })
    };
    done.events.iter().filter_map(tell).collect()
}

/// A hook that prints something.
fn say(words: &str) -> String {
    format!("{{image: alpine, commands: [say {words}]}}")
}

fn hooks(indent: &str, elected: &str) -> String {
    let mut text = format!("{indent}hooks:\n{indent}  on_elected: {elected}\n");
    for moment in ["on_success", "on_fail", "on_finish"] {
        text.push_str(&format!("{indent}  {moment}: {}\n", say(moment)));
    }
    text
}

fn step(name: &str, command: &str, more: &str) -> String {
    format!("  {name}:\n    image: alpine\n    commands: [{command}]\n{more}")
}

#[test]
fn h5_hooks_run_before_and_after_a_step_and_the_pipeline() {
    for (command, state, moment) in [("say x", "success", "on_success"), ("exit 3", "error", "on_fail")] {
        let bench = Bench::new();
        let text = format!(
            "version: '1.0'\n{}steps:\n{}",
            hooks("", &say("before")),
            step("a", command, &hooks("    ", &say("first")))
        );
        let done = bench.text(&text).run();
        let mut expected: Vec<String> =
            ["-.on_elected begins", "on_elected: before", "-.on_elected success", "a begins"].map(Into::into).to_vec();
        expected.extend(["a.on_elected begins", "a: first", "a.on_elected success"].map(Into::into));
        expected.extend((state == "success").then(|| "a: x".to_owned()));
        for moment in [moment, "on_finish"] {
            expected.extend([format!("a.{moment} begins"), format!("a: {moment}"), format!("a.{moment} success")]);
        }
        expected.push(format!("a {state}"));
        for moment in [moment, "on_finish"] {
            expected.extend([
                format!("-.{moment} begins"),
                format!("{moment}: {moment}"),
                format!("-.{moment} success"),
            ]);
        }
        assert_eq!(course(&done), expected);
        assert_eq!(done.states(), [format!("a {state}")]);
        assert_eq!(done.warnings(), [""; 0]);
    }
}

#[test]
fn h6_hooks_of_the_pipeline_run_after_a_failure_that_ends_it() {
    let bench = Bench::new();
    let text = format!(
        "version: '1.0'\nhooks: {{on_fail: {}, on_finish: {}}}\nsteps:\n{}{}",
        say("fail"),
        say("finish"),
        step("a", "exit 1", ""),
        step("b", "say b", "")
    );
    let done = bench.text(&text).run();
    assert_eq!((done.output().as_str(), done.states()), ("fail\nfinish\n", vec!["a error".into(), "b pending".into()]));
    assert_eq!(done.outcome().result, BuildResult::Failure);
}

#[test]
fn h7_a_failing_on_elected_fails_the_build_and_the_others_change_nothing() {
    let bench = Bench::new();
    let fails = "{image: alpine, commands: [exit 2]}";
    // Of the pipeline.
    let text = format!(
        "version: '1.0'\nhooks: {{on_elected: {fails}, on_finish: {}}}\nsteps:\n{}",
        say("end"),
        step("a", "say a", "")
    );
    let done = bench.text(&text).run();
    assert_eq!((done.output().as_str(), done.states()), ("end\n", vec!["a pending".into()]));
    assert_eq!(done.outcome().result, BuildResult::Failure);
    assert_eq!(done.warnings(), ["hook `on_elected` failed, and with it the build: step `on_elected`: exit status 2"]);
    // Of a step, whatever the step's own policy says.
    let hook = format!("    fail_fast: false\n    hooks: {{on_elected: {fails}, on_fail: {}}}\n", say("failed"));
    let done = bench.steps(&format!("{}{}", step("a", "say a", &hook), step("b", "say b", ""))).run();
    assert_eq!((done.output().as_str(), done.states()), ("failed\n", vec!["a error".into(), "b pending".into()]));
    assert_eq!(done.reason(0), Some("hook `on_elected` failed: step `on_elected`: exit status 2"));
    assert_eq!(done.outcome().result, BuildResult::Failure);
    // Unless it says that it does not matter.
    let hook = "    hooks: {on_elected: {image: alpine, fail_fast: false, commands: [exit 2]}}\n";
    let done = bench.steps(&step("a", "say a", hook)).run();
    assert_eq!((done.output().as_str(), done.outcome().result), ("a\n", BuildResult::Success));
    // The others.
    let hook = format!("    hooks: {{on_success: {fails}, on_finish: {fails}}}\n");
    let done = bench.steps(&step("a", "say a", &hook)).run();
    assert_eq!((done.output().as_str(), done.outcome().result), ("a\n", BuildResult::Success));
    let why = "step `on_success`: exit status 2".to_owned();
    assert_eq!(
        done.warnings(),
        [why.clone(), why.replace("success", "finish")].map(|why| {
            let name = if why.contains("success") { "on_success" } else { "on_finish" };
            format!("hook `{name}` failed, which changes nothing: {why}")
        })
    );
}

#[test]
fn h8_steps_of_a_hook_run_in_their_order_until_one_fails_or_at_once() {
    let bench = Bench::new();
    let steps = "{a: {image: alpine, commands: [say 1]}, b: {image: alpine, commands: [exit 1]}, c: {image: alpine, commands: [say 3]}}";
    let run = |more: &str| {
        let hook = format!("    hooks: {{on_finish: {{{more}steps: {steps}}}}}\n");
        let done = bench.steps(&step("x", "say x", &hook)).run();
        assert_eq!(done.states(), ["x success"]);
        let mut lines: Vec<String> = done.output().lines().map(str::to_owned).collect();
        lines.sort();
        lines.join(" ")
    };
    assert_eq!(run(""), "1 x");
    assert_eq!(run("fail_fast: false, "), "1 3 x");
    assert_eq!(run("mode: parallel, fail_fast: false, "), "1 3 x");
    // Conditions of steps of hooks look at their own.
    let hook = "    hooks: {on_finish: {mode: parallel, steps: {late: {image: alpine, commands: [say late], when: {steps: [{name: \
                early, on: [success]}]}}, early: {image: alpine, commands: [say early]}, never: {image: alpine, commands: [say \
                never], when: {steps: [{name: early, on: [failure]}]}}}}}\n";
    let done = bench.steps(&step("x", "say x", hook)).run();
    assert_eq!((done.output().as_str(), done.states()), ("x\nearly\nlate\n", vec!["x success".to_owned()]));
}

#[test]
fn h11_on_fail_runs_where_the_failure_does_not_count() {
    let bench = Bench::new();
    let hook = format!("    fail_fast: false\n    hooks: {{on_fail: {}, on_success: {}}}\n", say("failed"), say("no"));
    let done = bench.steps(&format!("{}{}", step("a", "exit 1", &hook), step("b", "say b", ""))).run();
    assert_eq!((done.output().as_str(), done.outcome().result), ("failed\nb\n", BuildResult::Success));
}

#[test]
fn v13_v20_hooks_see_what_was_exported_and_keep_what_they_export() {
    let bench = Bench::new();
    let hook = "    hooks:\n      on_finish:\n        steps:\n          one: {image: alpine, commands: ['export MINE=hook', 'say ${{A}} ${{parentSteps.a.result}}']}\n          \
                two: {image: alpine, commands: ['say ${{MINE}}']}\n";
    let steps =
        format!("{}{}{}", step("a", "'export A=a'", ""), step("b", "say b", hook), step("c", "'say ${{MINE}}'", ""));
    let done = bench.steps(&steps).run();
    assert_eq!(done.output(), "b\na success\nhook\n${{MINE}}\n");
}

#[test]
fn h5_hooks_of_steps_that_run_at_once_run_at_once_with_others() {
    let bench = Bench::new();
    let hook = |words: &str| {
        format!(
            "        hooks: {{on_elected: {}, on_finish: {}}}\n",
            say(&format!("{words}0")),
            say(&format!("{words}2"))
        )
    };
    let inner =
        |name: &str| format!("      {name}:\n        image: alpine\n        commands: [say {name}1]\n{}", hook(name));
    let done = bench.steps(&format!("  p:\n    type: parallel\n    steps:\n{}{}", inner("a"), inner("b"))).run();
    assert_eq!(done.states(), ["p success", "a success", "b success"]);
    for name in ["a", "b"] {
        let lines: Vec<String> =
            done.output().lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect();
        assert_eq!(lines, [0, 1, 2].map(|number| format!("{name}{number}")));
    }
}

#[test]
fn h5_a_step_that_is_skipped_has_no_hooks_and_one_that_is_stopped_ends_with_them() {
    let bench = Bench::new();
    let hook =
        format!("    when: {{branch: {{only: [other]}}}}\n    hooks: {{on_elected: {0}, on_finish: {0}}}\n", say("no"));
    let done = bench.steps(&step("a", "say a", &hook)).run();
    assert_eq!((done.output().as_str(), done.states()), ("", vec!["a skipped".to_owned()]));
    // An interrupt ends a hook as it ends a step, and no further one begins.
    let hook = format!("    hooks: {{on_elected: {{image: alpine, commands: [hang]}}, on_finish: {}}}\n", say("no"));
    let done = bench.steps(&step("a", "say a", &hook)).interrupt_at("hanging").run();
    assert_eq!((done.output().as_str(), done.states()), ("hanging\n", vec!["a terminated".to_owned()]));
    assert_eq!(done.outcome().result, BuildResult::Terminated);
    let text = "version: '1.0'\nhooks: {on_elected: {image: alpine, commands: [hang]}}\nsteps:\n".to_owned()
        + &step("a", "say a", "");
    let done = bench.text(&text).interrupt_at("hanging").run();
    assert_eq!((done.states(), done.outcome().result), (vec!["a pending".to_owned()], BuildResult::Terminated));
}

#[test]
fn h2_what_is_missing_in_a_hook_is_told_before_anything_runs() {
    let bench = Bench::new();
    let done =
        bench.steps(&step("a", "say a", "    hooks: {on_finish: {image: 'node:20', commands: [npm ci]}}\n")).run();
    let told: Vec<_> = done.error().problems.iter().map(|one| (one.step.as_deref(), one.message.as_str())).collect();
    assert_eq!(told, [(Some("a"), "step `on_finish`: nobody provides the image `node:20`")]);
}

#[test]
fn f25_h7_a_hook_has_its_own_time_and_attempts() {
    let bench = Bench::new();
    let hook = "    hooks: {on_success: {image: alpine, timeout: 1s, commands: [hang]}, on_finish: {image: alpine, retry: {maxAttempts: 2}, commands: [exit 1]}}\n";
    let done = bench.steps(&step("a", "say a", hook)).request(|request| request.pace = 0.0).run();
    assert_eq!(done.states(), ["a success"]);
    assert!(
        done.warnings()[0].ends_with("step `on_success`: the step took longer than its timeout of 1 s"),
        "{:?}",
        done.warnings()
    );
    let retried =
        done.events.iter().filter(|event| matches!(event, BuildEvent::StepRetried { step, .. } if step == "a"));
    assert_eq!(retried.count(), 1);
}
