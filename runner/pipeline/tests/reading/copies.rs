//! `scale` and `matrix`.

use stepbox_pipeline::{Pipeline, Step, StepKind};

use crate::{clean, errors, only, refused, step, warnings};

fn members(fields: &str) -> Vec<Step> {
    match only(clean(step(fields))).kind {
        StepKind::Parallel(parallel) => parallel.steps,
        other => panic!("{other:?}"),
    }
}

/// `name: image [environment] commands` of every member.
fn shown(fields: &str) -> Vec<String> {
    let one = |step: Step| {
        let StepKind::Freestyle(freestyle) = &step.kind else { panic!("{step:?}") };
        let texts = |list: &[stepbox_pipeline::Template]| {
            list.iter().map(|text| text.text().to_owned()).collect::<Vec<_>>().join(" ")
        };
        let commands = texts(freestyle.commands.as_deref().unwrap_or_default());
        format!("{}: {} [{}] {commands}", step.name, freestyle.image.text(), texts(&freestyle.environment))
    };
    members(fields).into_iter().map(one).collect()
}

#[test]
fn p13_scale_makes_a_member_of_each_entry_which_wins() {
    assert_eq!(
        shown(
            "image: x\ncommands: [make]\nenvironment: [A=1, B=2]\nscale:\n  first: {environment: [B=3, C=4]}\n  second: {image: y, commands: [test]}\n  third: {}"
        ),
        ["first: x [A=1 B=3 C=4] make", "second: y [A=1 B=2] test", "third: x [A=1 B=2] make"]
    );
    assert_eq!(shown("commands: [a]\nscale:\n  one: {image: i, environment: [Z=1]}"), ["one: i [Z=1] a"]);
}

#[test]
fn p14_matrix_makes_every_combination() {
    assert_eq!(
        shown(
            "commands: [test]\nenvironment: [A=1]\nmatrix:\n  image: [x, y]\n  environment:\n    - [N=1]\n    - [N=2, A=5]"
        ),
        ["jim_1: x [A=1 N=1] test", "jim_2: x [N=2 A=5] test", "jim_3: y [A=1 N=1] test", "jim_4: y [N=2 A=5] test"]
    );
    let titles: Vec<String> = members("commands: [t]\nmatrix: {image: [x, 'y:1.0'], environment: [[A=1, B=2]]}")
        .iter()
        .map(|step| step.title.as_ref().expect("a title").text().to_owned())
        .collect();
    assert_eq!(titles, ["jim (x, A=1 B=2)", "jim (y:1.0, A=1 B=2)"]);
    assert_eq!(
        shown("image: x\nmatrix:\n  commands: [one, [two, three]]"),
        ["jim_1: x [] one", "jim_2: x [] two three"]
    );
    let many = "image: x\nmatrix: {working_directory: [a, b, c], shell: [sh, bash], commands: [[a], [b]]}";
    assert_eq!(members(many).len(), 12);
}

#[test]
fn p13_what_is_about_the_whole_stays_with_the_parallel_step() {
    let step = only(clean(step(
        "title: All\nfail_fast: false\nstage: ''\nwhen: {branch: {only: [main]}}\nretry: {maxAttempts: 2}\ntimeout: 5m\nimage: x\nscale: {a: {title: One, timeout: 1s}, b: {}}\nsuccess_criteria: {steps: [a]}"
            .replace("stage: ''\n", "")
            .as_str(),
    )));
    assert!(step.when.is_some() && step.fail_fast.is_some());
    assert_eq!(step.title.as_ref().map(|title| title.text()), Some("All"));
    let StepKind::Parallel(parallel) = &step.kind else { panic!("{step:?}") };
    assert!(parallel.success_criteria.is_some());
    let facts: Vec<_> = parallel
        .steps
        .iter()
        .map(|member| {
            let seconds = member.timeout.map(|timeout| timeout.duration().as_secs());
            (member.when.is_some(), member.fail_fast.is_some(), member.retry.max_attempts, seconds)
        })
        .collect();
    assert_eq!(facts, [(false, false, 2, Some(1)), (false, false, 2, Some(300))]);
    assert_eq!(parallel.steps[0].title.as_ref().map(|title| title.text()), Some("One"));
}

#[test]
fn r12_fields_under_arguments_are_multiplied_too() {
    assert_eq!(shown("arguments: {image: x, commands: [a]}\nscale: {one: {image: y}}"), ["one: y [] a"]);
}

#[test]
fn r5_names_of_members_are_unique() {
    let text = "version: 1\nsteps:\n  a: {image: x}\n  b: {image: x, scale: {a: {}}}\n";
    assert_eq!(errors(&Pipeline::read(text)), ["step name exist more than once"]);
    let text = "version: 1\nsteps:\n  b: {image: x, matrix: {shell: [sh]}}\n  b_1: {image: x}\n";
    assert_eq!(errors(&Pipeline::read(text)), ["step name exist more than once"]);
    let found = errors(&step("image: x\nscale: {'a.b': {}}")).join(" ");
    assert!(found.contains("step name cannot contain"), "{found}");
}

#[test]
fn p11_neither_can_be_used_in_parallel_mode() {
    let text = "version: 1\nmode: parallel\nsteps:\n  b: {image: x, scale: {a: {}}}\n";
    assert_eq!(errors(&Pipeline::read(text)), ["\"scale\" cannot be used in mode: parallel"]);
}

#[test]
fn p14c_the_number_of_members_is_bounded() {
    let values = vec!["[A=1]"; 17].join(", ");
    let reading = step(&format!("image: x\nmatrix: {{environment: [{values}], commands: [{values}]}}"));
    let told = "too many copies: at most 256 of one step and 1024 in a document are allowed";
    assert_eq!(errors(&reading), [told]);
    let values = vec!["[A=1]"; 16].join(", ");
    let fits = format!("image: x\nmatrix: {{environment: [{values}], commands: [{values}]}}");
    assert_eq!(members(&fits).len(), 256);
    let step = fits.replace('\n', "\n    ");
    let document = |count: usize| {
        let steps: String = (0..count).map(|number| format!("  s{number}:\n    {step}\n")).collect();
        errors(&Pipeline::read(&format!("version: 1\nsteps:\n{steps}")))
    };
    assert_eq!(document(4), [""; 0]);
    assert_eq!(document(5), [told]);
}

#[test]
fn what_is_odd_is_told_once_and_not_for_each_member() {
    let reading = step("image: x\nretry: {maxAttempts: 100}\nvolumes: ['a:/b']\nscale: {a: {}, b: {}, c: {}}");
    assert_eq!((refused(&reading), warnings(&reading).len()), (vec!["volumes"], 1));
    let reading = step("image: x\nscale: {a: {}}\nmatrix: {shell: [sh]}");
    assert_eq!(refused(&reading), ["scale and matrix"]);
    let reading = step("type: parallel\nsteps: {a: {image: x}}\nmatrix: {shell: [sh]}");
    assert_eq!(refused(&reading), ["matrix"]);
}
