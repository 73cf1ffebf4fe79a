//! `when` (section 4 of the specification): what is read, what is refused, what is warned about.

use stepbox_pipeline::{BranchFilter, Conditions, On, Step, StepCondition, StepConditions, Template, When};

use super::{clean, errors, only, step, warnings};

fn when(text: &str) -> When {
    only(clean(step(&format!("image: x\nwhen: {text}")))).when.expect("a when")
}

fn texts(templates: Option<Vec<Template>>) -> Vec<String> {
    templates.into_iter().flatten().map(|template| template.text().to_owned()).collect()
}

fn pairs(conditions: Option<Vec<(String, Template)>>) -> Vec<(String, String)> {
    conditions.into_iter().flatten().map(|(label, text)| (label, text.text().to_owned())).collect()
}

#[test]
fn c1_branch_and_condition_are_read_in_their_order() {
    let When { branch, condition, steps } = when(
        "{branch: {only: [main, /^release/i], ignore: ['${{B}}']}, condition: {all: {b_1: 'true', A: 'false'}, any: {}}}",
    );
    let BranchFilter { only: one_of, ignore } = branch.expect("a filter");
    assert_eq!((texts(one_of), texts(ignore)), (vec!["main".into(), "/^release/i".into()], vec!["${{B}}".into()]));
    let Conditions { all, any } = condition.expect("conditions");
    assert_eq!(any, Some(vec![]));
    assert_eq!(pairs(all), [("b_1".into(), "true".into()), ("A".into(), "false".into())]);
    assert_eq!(steps, None);
    assert_eq!(when("{}"), When::default());
    assert_eq!(only(clean(step("image: x"))).when, None);
    assert_eq!(Step::implicit_main_clone(None).when, None);
}

#[test]
fn c1_when_has_branch_condition_and_steps() {
    for (when, messages) in [
        ("{brunch: x}", vec!["\"brunch\" is not allowed. Did you mean \"branch\"?"]),
        ("{branch: {on: x}}", vec!["\"on\" is not allowed. Did you mean \"only\"?"]),
        ("{branch: {only: main}}", vec!["\"only\" must be an array"]),
        ("{branch: {ignore: main}}", vec!["\"ignore\" must be an array"]),
        ("{branch: {only: [1]}}", vec!["\"0\" must be a string"]),
        ("{branch: []}", vec!["\"branch\" must be an object"]),
        ("{condition: null}", vec!["\"condition\" must be an object"]),
        ("{condition: {or: {a: 'true'}}}", vec!["\"or\" is not allowed. Did you mean \"all\"?"]),
        ("{condition: {all: {a-b: 'true'}}}", vec!["\"a-b\" is not allowed"]),
        ("{condition: {all: {a: true}}}", vec!["\"a\" must be a string"]),
        ("{condition: {all: {a: ''}}}", vec!["\"a\" is not allowed to be empty"]),
        ("{condition: {any: [a]}}", vec!["\"any\" must be an object"]),
        ("[]", vec!["\"when\" must be an object"]),
        ("null", vec!["\"when\" must be an object"]),
    ] {
        assert_eq!(errors(&step(&format!("image: x\nwhen: {when}"))), messages, "{when}");
    }
}

#[test]
fn c2_c15_c16_steps_are_a_list_or_one_under_all_or_any() {
    let found = |text: &str| {
        let StepConditions { any, items } = when(&format!("{{steps: {text}}}")).steps.expect("steps");
        let items: Vec<(String, Vec<On>)> =
            items.into_iter().map(|StepCondition { name, on, .. }| (name, on)).collect();
        (any, items)
    };
    let jim = |on: &[On]| ("main_clone".to_owned(), on.to_vec());
    assert_eq!(found("[{name: main_clone}]"), (false, vec![jim(&[On::Success])]));
    assert_eq!(
        found("{all: [{name: main_clone, on: [failure, failure]}]}"),
        (false, vec![jim(&[On::Failure, On::Failure])])
    );
    let both = vec![jim(&[On::Skipped, On::Denied]), ("main_clone".into(), vec![On::Finished])];
    assert_eq!(
        found("{any: [{name: main_clone, on: [skipped, denied]}, {name: main_clone, on: [finished]}]}"),
        (true, both)
    );
    let StepConditions { items, .. } = when("{steps: [{name: main_clone}]}").steps.expect("steps");
    assert_eq!((items[0].place.line, items[0].place.column), (6, 27));
}

#[test]
fn c2_what_is_wrong_with_steps() {
    for (steps, messages) in [
        ("[]", vec!["\"steps\" must be an object", "\"steps\" must contain at least 1 items"]),
        ("[{name: jim, on: success}]", vec!["\"steps\" must be an object", "\"on\" must be an array"]),
        ("[{on: [success]}]", vec!["\"steps\" must be an object", "\"name\" is required"]),
        ("[{name: ''}]", vec!["\"steps\" must be an object", "\"name\" is not allowed to be empty"]),
        ("[x]", vec!["\"steps\" must be an object", "\"0\" must be an object"]),
        ("[{name: jim, foo: 1}]", vec!["\"steps\" must be an object", "\"foo\" is not allowed"]),
        (
            "{all: [{name: a}], any: [{name: b}]}",
            vec!["\"value\" contains a conflict between exclusive peers [all, any]", "\"steps\" must be an array"],
        ),
        ("{all: []}", vec!["\"all\" must contain at least 1 items", "\"steps\" must be an array"]),
        ("{any: jim}", vec!["\"any\" must be an array", "\"steps\" must be an array"]),
        ("{all: [{name: jim}], foo: 1}", vec!["\"foo\" is not allowed", "\"steps\" must be an array"]),
        ("{}", vec!["\"value\" must contain at least one of [all, any]", "\"steps\" must be an array"]),
        ("text", vec!["\"steps\" must be an object", "\"steps\" must be an array"]),
    ] {
        assert_eq!(errors(&step(&format!("image: x\nwhen: {{steps: {steps}}}"))), messages, "{steps}");
    }
}

#[test]
fn c14_on_has_ten_words() {
    let words = On::ALL.map(On::as_str);
    let StepConditions { items, .. } =
        when(&format!("{{steps: [{{name: jim, on: [{}]}}]}}", words.join(", "))).steps.expect("steps");
    assert_eq!(items[0].on, On::ALL);
    for (on, number) in [("[error]", 0), ("[success, succes]", 1)] {
        let reading = step(&format!("image: x\nwhen: {{steps: [{{name: jim, on: {on}}}]}}"));
        let message = format!(
            "\"{number}\" must be one of [success, running, failure, skipped, pending, terminating, terminated, finished, approved, denied]"
        );
        assert_eq!(errors(&reading), ["\"steps\" must be an object".into(), message]);
    }
}

#[test]
fn c18_a_step_that_is_waited_for_must_be_there() {
    let reading = step("image: x\nwhen: {steps: [{name: jimm}, {name: main_clone}, {name: somewhere}]}");
    let found: Vec<(&str, &[String], usize)> = reading
        .errors()
        .map(|error| (error.message.as_str(), error.hints.as_slice(), error.place.expect("a place").column))
        .collect();
    let hint = ["did you mean `jim`?".to_owned()];
    assert_eq!(
        found,
        [("there is no step `jimm` to wait for", &hint[..], 27), ("there is no step `somewhere` to wait for", &[], 61),]
    );
    // Steps further down and within others are there too.
    let text = "version: 1\nsteps:\n  a: {image: x, when: {steps: [{name: b}, {name: c}]}}\n  \
                b: {type: parallel, steps: {c: {image: x}}}\n";
    assert_eq!(errors(&stepbox_pipeline::Pipeline::read(text)), [""; 0]);
}

#[test]
fn c11_a_variable_outside_of_quotes_is_warned_about_with_what_was_meant() {
    let reading = step("image: x\nwhen: {condition: {all: {a: '${{SKIP}} == \"true\"', b: '\"${{B}}\" == \"x\"'}}}");
    assert!(reading.is_runnable());
    let found: Vec<(&str, &[String], usize)> = reading
        .warnings()
        .map(|one| (one.message.as_str(), one.hints.as_slice(), one.place.expect("a place").column))
        .collect();
    let message = "`${{SKIP}}` is not in quotes: its value is read as part of the expression, and what is no number makes it false";
    let hint = ["write `\"${{SKIP}}\" == \"true\"`".to_owned()];
    assert_eq!(found, [(message, &hint[..], 34)]);
}

#[test]
fn c4_p16_conditions_that_are_always_false_and_foreign_operators_are_warned_about() {
    for (expression, messages) in [
        (
            "'${{A}}' === 'a' && '${{B}}' !== 'b'",
            vec![
                "`===` is no operator of conditions, it is taken as `==`",
                "`!==` is no operator of conditions, it is taken as `!=`",
            ],
        ),
        ("a = b", vec!["this condition is always false: Unexpected \"=\" at character 2"]),
        ("contains('a', 'b')", vec!["this condition is always false: Unknown function: 'contains'"]),
        (
            "'a'.includes('b')",
            vec!["this condition is always false: Variable names cannot start with a number (.i) at character 4"],
        ),
        ("steps.a.result == 'success'", vec![]),
        ("includes('${{A}}', '{{A}}') == false", vec![]),
    ] {
        let quoted = expression.replace('\'', "''");
        let reading = step(&format!("image: x\nwhen: {{condition: {{any: {{a: ' {quoted}'}}}}}}"));
        assert_eq!(warnings(&reading), messages, "{expression}");
    }
}

#[test]
fn c5_a_bad_regular_expression_is_warned_about() {
    let reading = step("image: x\nwhen: {branch: {only: ['/(/i', '/${{A}}(/', main, /a, '/feature/']}}");
    assert_eq!(warnings(&reading), ["the step never runs: Invalid regular expression: /(/i: Unterminated group"]);
}
