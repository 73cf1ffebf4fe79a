//! Steps that run at once: parallel steps, the parallel mode, success criteria.

use std::collections::BTreeSet;
use std::time::Duration;

use stepbox_pipeline::{Mode, ParallelSteps, Pipeline, StepKind, SuccessCriteria};

use crate::{clean, errors, only, refused, step};

fn parallel(fields: &str) -> ParallelSteps {
    match only(clean(step(&format!("type: parallel\n{fields}")))).kind {
        StepKind::Parallel(parallel) => parallel,
        other => panic!("{other:?}"),
    }
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn p1_p2_p3_members_are_steps_in_their_order_and_may_hold_others() {
    let found =
        parallel("steps:\n  b: {image: x}\n  a:\n    type: parallel\n    steps: {c: {type: git-clone, repo: o/r}}");
    let names: Vec<&str> = found.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    let text = "version: 1\nsteps:\n  one:\n    type: parallel\n    steps:\n      b: {image: x}\n      a: {type: parallel, steps: {c: {image: x}}}\n  two: {image: x}\n";
    let pipeline = clean(Pipeline::read(text));
    let flat: Vec<(&str, Option<usize>)> =
        pipeline.flat().iter().map(|flat| (flat.step.name.as_str(), flat.parent)).collect();
    assert_eq!(flat, [("one", None), ("b", Some(0)), ("a", Some(0)), ("c", Some(2)), ("two", None)]);
    assert!(pipeline.step("c").is_some() && !pipeline.refers_to("c"));
}

#[test]
fn f26_members_have_the_timeout_of_the_parallel_step_or_their_own() {
    let found = parallel(
        "timeout: 5m\nsteps:\n  a: {image: x}\n  b: {image: x, timeout: 1s}\n  c: {image: x, timeout: null}\n  d: {type: parallel, steps: {e: {image: x}}}",
    );
    let time = |seconds| Some(Duration::from_secs(seconds));
    let times: Vec<_> = found.steps.iter().map(|step| step.timeout.map(|timeout| timeout.duration())).collect();
    assert_eq!(times, [time(300), time(1), None, time(300)]);
    let StepKind::Parallel(inner) = &found.steps[3].kind else { panic!("parallel") };
    assert_eq!(inner.steps[0].timeout.map(|timeout| timeout.duration()), time(300));
}

#[test]
fn p15_criteria_are_a_list_or_only_and_ignore() {
    let criteria = |text: &str| {
        parallel(&format!("success_criteria: {text}\nsteps: {{a: {{image: x}}, b: {{image: x}}}}")).success_criteria
    };
    let only_a = SuccessCriteria { only: Some(set(&["a"])), ..SuccessCriteria::default() };
    assert_eq!(criteria("{steps: [a]}"), Some(only_a.clone()));
    assert_eq!(criteria("{steps: {only: [a]}}"), Some(only_a));
    let found =
        criteria("{steps: {only: [a, b], ignore: [b]}, condition: {any: {c: \"steps.a.result == 'success'\"}}}");
    let found = found.expect("criteria");
    assert_eq!((found.only, found.ignore), (Some(set(&["a", "b"])), set(&["b"])));
    assert_eq!(found.condition.expect("a condition").any.expect("any")[0].0, "c");
    let pipeline =
        clean(Pipeline::read("version: 1\nsuccess_criteria: {steps: {ignore: [a]}}\nsteps: {a: {image: x}}\n"));
    assert_eq!(pipeline.success_criteria.expect("criteria").ignore, set(&["a"]));
}

#[test]
fn p15_steps_that_decide_must_be_there() {
    let reading = step(
        "type: parallel\nsuccess_criteria: {steps: {only: [test, tests, far], ignore: [jim]}}\nsteps: {tests: {image: x}, p: {type: parallel, steps: {far: {image: x}}}}",
    );
    let found: Vec<(&str, &[String], usize)> = reading
        .errors()
        .map(|error| (error.message.as_str(), error.hints.as_slice(), error.place.expect("a place").column))
        .collect();
    let hint = ["did you mean `tests`?".to_owned()];
    assert_eq!(
        found,
        [
            ("there is no step `test` that could decide", &hint[..], 39),
            ("there is no step `far` that could decide", &[], 52),
            ("there is no step `jim` that could decide", &[], 67),
        ]
    );
    let root = |list: &str| {
        errors(&Pipeline::read(&format!(
            "version: 1\nsuccess_criteria: {{steps: {list}}}\nsteps:\n  a: {{image: x, scale: {{b: {{}}}}}}\n  c: {{type: push, candidate: x}}\n"
        )))
    };
    assert_eq!(root("[a, c, main_clone]"), [""; 0]);
    assert_eq!(root("[b]"), ["there is no step `b` that could decide"]);
    assert_eq!(errors(&step("image: x\nsuccess_criteria: {steps: [jim_2]}\nmatrix: {shell: [sh, bash]}")), [""; 0]);
}

#[test]
fn p8_the_mode_is_sequential_unless_it_says_parallel() {
    for (text, mode) in
        [("", Mode::Sequential), ("mode: sequential\n", Mode::Sequential), ("mode: parallel\n", Mode::Parallel)]
    {
        let reading = clean(Pipeline::read(&format!("version: 1\n{text}steps: {{a: {{image: x}}}}\n")));
        assert_eq!(reading.mode, mode, "{text}");
    }
}

#[test]
fn f28_a_parallel_step_is_not_tried_again_as_a_whole() {
    let reading = step("type: parallel\nretry: {maxAttempts: 2}\nsteps: {a: {image: x}}");
    assert_eq!((errors(&reading).len(), refused(&reading)), (0, vec!["retry"]));
}

#[test]
fn p4_a_parallel_step_has_no_hooks() {
    let reading = step("type: parallel\nhooks: {on_finish: [echo]}\nsteps: {a: {image: x}}");
    let one = &reading.unsupported[0];
    assert_eq!((refused(&reading), one.reason.as_str()), (vec!["hooks"], "a parallel step has no hooks"));
    // Those of a step with copies are the copies'.
    let reading = step("image: x\nhooks: {on_finish: [echo]}\nscale: {a: {}, b: {}}");
    let pipeline = clean(reading);
    assert_eq!(pipeline.flat().iter().filter(|one| one.step.hooks.steps().count() == 1).count(), 2);
}

/// Steps of which each waits for others: the errors.
fn cycles(steps: &[(&str, &str)]) -> Vec<String> {
    let steps: String =
        steps.iter().map(|(name, when)| format!("  {name}: {{image: x, when: {{steps: {when}}}}}\n")).collect();
    errors(&Pipeline::read(&format!("version: 1\nmode: parallel\nsteps:\n  first: {{image: x}}\n{steps}")))
}

#[test]
fn p9_steps_that_wait_for_each_other_are_an_error() {
    assert_eq!(cycles(&[("a", "[{name: a}]")]), ["step `a` waits for itself and can never run"]);
    assert_eq!(
        cycles(&[("a", "[{name: b}]"), ("b", "[{name: first}, {name: c}]"), ("c", "{any: [{name: a}]}")]),
        ["these steps wait for each other and can never run: `a` for `b` for `c` for `a`"]
    );
    for fine in [
        &[("a", "[{name: first}]"), ("b", "[{name: a}, {name: first}]"), ("c", "[{name: a}, {name: b}]")][..],
        &[("a", "{any: [{name: b}, {name: first}]}"), ("b", "[{name: a}]")],
        &[("a", "[{name: b, on: [running]}]"), ("b", "[{name: a, on: [pending, success]}]")],
    ] {
        assert_eq!(cycles(fine), [""; 0], "{fine:?}");
    }
}

#[test]
fn p9_steps_of_which_every_way_leads_back_are_an_error() {
    let round = |names: &str| format!("these steps wait for each other and can never run: {names}");
    assert_eq!(
        cycles(&[("a", "{any: [{name: b}, {name: c}]}"), ("b", "[{name: a}]"), ("c", "[{name: a}, {name: first}]")]),
        [round("`a` for `b` for `a`")]
    );
    assert_eq!(
        cycles(&[("a", "[{name: b, on: [running]}]"), ("b", "[{name: a, on: [running]}]")]),
        [round("`a` for `b` for `a`")]
    );
    // Two rounds, and one who waits for both.
    assert_eq!(
        cycles(&[("x", "[{name: a}, {name: c}]"), ("a", "[{name: b}]"), ("b", "[{name: a}]"), ("c", "[{name: c}]")]),
        [round("`a` for `b` for `a`"), "step `c` waits for itself and can never run".to_owned()]
    );
    assert_eq!(cycles(&[("a", "{any: [{name: b}, {name: a, on: [pending]}]}"), ("b", "[{name: a}]")]), [""; 0]);
}

#[test]
fn p9_a_parallel_step_waits_for_those_inside_of_it_and_they_for_it() {
    let said = |mode: &str, group: &str, inside: &str, after: &str| {
        errors(&Pipeline::read(&format!(
            "version: 1\nmode: {mode}\nsteps:\n  g:\n    type: parallel\n    when: {{steps: [{group}]}}\n    steps:\n      m: {{image: x, when: {{steps: [{inside}]}}}}\n      \
             o: {{image: x}}\n  x: {{image: x, when: {{steps: [{after}]}}}}\n  first: {{image: x}}\n"
        )))
    };
    let first = "{name: first}";
    for (mode, group, inside, after, names) in [
        ("parallel", first, "{name: x}", "{name: g}", "`m` for `x` for `g` for `m`"),
        ("parallel", "{name: x}", first, "{name: o}", "`g` for `x` for `o` for `g`"),
        ("parallel", first, "{name: g}", first, "`m` for `g` for `m`"),
        ("sequential", first, "{name: g, on: [finished]}", first, "`m` for `g` for `m`"),
    ] {
        let found = said(mode, group, inside, after);
        assert_eq!(found.len(), 1, "{found:?}");
        let round: Vec<&str> = found[0].rsplit(": ").next().expect("names").split(" for ").collect();
        let turned = |round: &[&str]| {
            let mut names: Vec<String> = round[1..].iter().map(|name| (*name).to_owned()).collect();
            let least = (0..names.len()).min_by_key(|at| names[*at].clone()).unwrap_or(0);
            names.rotate_left(least);
            names
        };
        assert_eq!(turned(&round), turned(&names.split(" for ").collect::<Vec<_>>()), "{found:?}");
    }
    for (mode, inside, after) in [
        ("parallel", "{name: o}", "{name: g}"),
        ("parallel", "{name: g, on: [running]}", "{name: m}"),
        ("sequential", "{name: x}", "{name: g}"),
    ] {
        assert_eq!(said(mode, first, inside, after), [""; 0], "{mode} {inside} {after}");
    }
}

#[test]
fn c4_p9_in_sequential_mode_only_what_waits_for_itself_is_an_error() {
    let steps = |a: &str| {
        format!(
            "version: 1\nsteps:\n  a: {{image: x, when: {{steps: [{{name: {a}}}]}}}}\n  b: {{image: x, when: {{steps: [{{name: a, on: [skipped]}}]}}}}\n"
        )
    };
    clean(Pipeline::read(&steps("b")));
    let reading = Pipeline::read(&steps("a"));
    assert_eq!(errors(&reading), ["step `a` waits for itself and can never run"]);
    let error = reading.errors().next().expect("an error");
    let place = error.place.expect("a place");
    assert_eq!(
        (error.step.as_deref(), error.path.as_str(), place.line, place.column),
        (Some("a"), "steps.a.when.steps", 3, 39)
    );
}

#[test]
fn p9_long_chains_are_looked_at_in_bounded_time() {
    let mut text = "version: 1\nmode: parallel\nsteps:\n".to_owned();
    for number in 0..8000 {
        text.push_str(&format!("  s{number}: {{image: x, when: {{steps: [{{name: s{}}}]}}}}\n", (number + 1) % 8000));
    }
    let reading = Pipeline::read(&text);
    assert_eq!(errors(&reading).len(), 1);
}
