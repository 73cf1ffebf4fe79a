//! Names, types and common fields of steps.

use stepbox_pipeline::{Flag, Pipeline};

use crate::{clean, errors, freestyle, only, root, step, texts, warnings};

#[test]
fn r3_r4_r6_names_of_steps_are_checked() {
    let named = |name: &str| Pipeline::read(&format!("version: 1\nsteps:\n  {name}: {{image: x}}\n"));
    assert_eq!(errors(&named("a.b")), ["step name cannot contain \".\", \"#\", \"$\", \"[\", or \"]\""]);
    assert_eq!(errors(&named(&"a".repeat(151))), ["step name length is limited to 150"]);
    assert_eq!(errors(&named("''")), ["step name is not allowed to be empty"]);
    assert_eq!(only(clean(named("12"))).name.as_str(), "12");
    assert_eq!(only(clean(named("'a b/c:d'"))).name.as_str(), "a b/c:d");
}

#[test]
fn r5_names_are_unique_over_the_whole_tree() {
    let text = "version: 1\nsteps:\n  p:\n    type: parallel\n    steps:\n      a: {image: x}\n      p: {image: x}\n  a: {image: x}\n";
    let reading = Pipeline::read(text);
    assert_eq!(errors(&reading), ["step name exist more than once"; 2]);
    let steps: Vec<_> = reading.errors().map(|error| error.step.as_deref()).collect();
    assert_eq!(steps, [Some("p"), Some("a")]);
}

#[test]
fn r7_a_step_may_be_called_main_clone_whatever_its_type() {
    let pipeline = clean(Pipeline::read("version: 1\nsteps:\n  main_clone: {image: x}\n"));
    assert!(pipeline.steps[0].name.is_main_clone());
    assert!(!pipeline.needs_implicit_main_clone(false));
}

#[test]
fn r8_a_step_without_type_is_freestyle() {
    assert_eq!(only(clean(step("image: x"))).kind.type_name(), "freestyle");
    assert_eq!(only(clean(step("type: freestyle:1.0.0\nimage: x"))).kind.type_name(), "freestyle");
    assert_eq!(errors(&step("type: 5\nimage: x")), ["\"type\" must be a string"]);
}

#[test]
fn r12_arguments_are_copied_up() {
    let found = freestyle("arguments:\n  image: x\n  commands: [a]");
    assert_eq!((found.image.text(), texts(&found.commands.expect("commands"))), ("x", vec!["a"]));
    let reading = step("image: own\narguments: {image: other}");
    assert_eq!(warnings(&reading), ["\"image\" stands at the step and under `arguments`, the step's is taken"]);
    assert_eq!(errors(&step("image: x\narguments: [a]")), ["\"arguments\" must be an object"]);
    assert_eq!(
        errors(&step("type: git-clone\narguments: {repo: a/b, dockerfile: 1}")),
        ["\"dockerfile\" is not allowed"]
    );
}

#[test]
fn f22_f23_a_timeout_is_read_and_a_bad_one_is_a_warning() {
    let timeout = |text: &str| {
        let reading = step(&format!("image: x\ntimeout: {text}"));
        let warned = warnings(&reading).len();
        let step = only(reading.pipeline.expect("still a pipeline"));
        (step.timeout.map(|timeout| timeout.duration().as_secs()), warned)
    };
    assert_eq!(timeout("45m"), (Some(2700), 0));
    assert_eq!(timeout("0s"), (None, 0));
    assert_eq!(timeout("null"), (None, 0));
    for bad in ["10d", "45", "true", "[]", "'${{T}}'", "m", "{}"] {
        assert_eq!(timeout(bad), (None, 1), "{bad}");
    }
    assert_eq!(warnings(&step("image: x\ntimeout: 42")), ["\"timeout\" must be a string"]);
}

#[test]
fn f28_retry_is_a_closed_set_of_positive_numbers() {
    for (fields, message) in [
        ("{maxAttempts: -1}", "\"maxAttempts\" must be a positive number"),
        ("{delay: ''}", "\"delay\" must be a number"),
        ("{exponentialFactor: x}", "\"exponentialFactor\" must be a number"),
        ("{other: 1}", "\"other\" is not allowed"),
        ("5", "\"retry\" must be an object"),
        ("{delay: .nan}", "\"delay\" must be a number"),
    ] {
        assert_eq!(errors(&step(&format!("image: x\nretry: {fields}"))), [message], "{fields}");
    }
    let both = ["\"maxAttempts\" contains an invalid value", "\"maxAttempts\" must be a positive number"];
    assert_eq!(errors(&step("image: x\nretry: {maxAttempts: 0}")), both);
}

#[test]
fn f29_numbers_outside_their_range_are_moved_into_it_with_a_warning() {
    let reading = step("image: x\nretry: {maxAttempts: 1, delay: 3, exponentialFactor: 9}");
    assert_eq!(
        warnings(&reading),
        ["\"delay\" is 3, outside 5 to 60: 5 is taken", "\"exponentialFactor\" is 9, outside 1 to 5: 5 is taken"]
    );
    let retry = only(reading.pipeline.expect("a pipeline")).retry;
    assert!((retry.delay - 5.0).abs() < 1e-9 && (retry.exponential_factor - 5.0).abs() < 1e-9);
}

#[test]
fn s5_fail_fast_has_many_spellings_and_strict_fail_fast_two() {
    for (text, value) in [("true", true), ("'no'", false), ("on", true), ("0", false), ("1", true), ("'false'", false)]
    {
        let found = only(clean(step(&format!("image: x\nfail_fast: {text}"))));
        assert_eq!(found.fail_fast, Some(Flag::Value(value)), "{text}");
    }
    let found = only(clean(step("image: x\nfail-fast: false\nstrict_fail_fast: '${{S}}'")));
    assert_eq!(found.fail_fast, Some(Flag::Value(false)));
    assert!(matches!(found.strict_fail_fast, Some(Flag::Variable(_))));
    let boolean = |name: &str| format!("\"{name}\" must be a boolean");
    let string = |name: &str| format!("\"{name}\" must be a string");
    let pattern =
        |name: &str, text: &str| format!("\"{name}\" with value \"{text}\" fails to match the [object Object] pattern");
    for (bad, second) in [
        ("maybe", pattern("fail_fast", "maybe")),
        ("2", string("fail_fast")),
        ("[]", string("fail_fast")),
        ("'x${{A}}'", pattern("fail_fast", "x${{A}}")),
        ("null", string("fail_fast")),
    ] {
        assert_eq!(errors(&step(&format!("image: x\nfail_fast: {bad}"))), [boolean("fail_fast"), second], "{bad}");
    }
    for (bad, second) in [
        ("'true'", pattern("strict_fail_fast", "true")),
        ("0", string("strict_fail_fast")),
        ("null", string("strict_fail_fast")),
        ("{}", string("strict_fail_fast")),
    ] {
        let all = [boolean("strict_fail_fast"), second];
        assert_eq!(errors(&step(&format!("image: x\nstrict_fail_fast: {bad}"))), all, "{bad}");
        assert_eq!(errors(&root(&format!("strict_fail_fast: {bad}"))), all, "{bad}");
    }
}

#[test]
fn r1_a_stage_must_be_one_of_the_stages() {
    assert_eq!(only(clean(step("image: x\nstage: two"))).stage.as_deref(), Some("two"));
    let reading = step("image: x\nstage: three");
    assert_eq!(errors(&reading), ["\"stage\" must be one of [one, two]"]);
    assert_eq!(reading.errors().next().expect("an error").hints, ["add `three` to the list `stages` at the root"]);
    assert_eq!(errors(&Pipeline::read("version: 1\nsteps: {a: {image: x, stage: y}}")).len(), 1);
}

#[test]
fn r14_problems_without_number_are_cut_and_no_error_is_lost() {
    let mut text = String::from("version: 1\nsteps:\n  a:\n    image: x\n");
    for number in 0..5000 {
        text.push_str(&format!("    unknown{number}: 1\n"));
    }
    text.push_str("  b: {type: git-clone}\n");
    let reading = Pipeline::read(&text);
    assert!(reading.diagnostics.len() < 1000);
    assert_eq!(errors(&reading), ["\"repo\" is required"]);
    assert_eq!(reading.diagnostics.last().map(|last| last.message.as_str()), Some("4501 more problems are not shown"));
}

#[test]
fn f28_f29_retry_takes_numbers_in_quotes_and_fractions_where_they_mean_something() {
    let retry = only(clean(step("image: x\nretry: {maxAttempts: '1', delay: ' 7.5 ', exponentialFactor: 1.5}"))).retry;
    assert_eq!((retry.max_attempts, retry.delay, retry.exponential_factor), (1, 7.5, 1.5));
    let reading = step("image: x\nretry: {maxAttempts: 1.5}");
    assert_eq!(warnings(&reading), ["\"maxAttempts\" is 1.5, outside 1 to 10: 1 is taken"]);
    for bad in ["'inf'", "'NaN'", "'5x'", "[]"] {
        let reading = step(&format!("image: x\nretry: {{delay: {bad}}}"));
        assert_eq!(errors(&reading), ["\"delay\" must be a number"], "{bad}");
    }
}

#[test]
fn a_problem_of_a_whole_step_has_the_path_of_the_step() {
    let reading = Pipeline::read("version: 1\nsteps:\n  a b: 5\n");
    let paths: Vec<_> = reading.errors().map(|error| (error.path.as_str(), error.step.as_deref())).collect();
    assert!(!paths.is_empty() && paths.iter().all(|path| *path == ("steps.a b", Some("a b"))), "{paths:?}");
}
