//! The root of a document, and the YAML below it (rules Y1-Y8, R1, R2).

use stepbox_pipeline::{Pipeline, StepKind, Template};

use crate::{clean, errors, root, texts, warnings};

const MAIN: &str = r#"version: "1.0"
stages: [clone, shared-volume]
steps:
  clone:
    title: Cloning repository
    type: git-clone
    repo: example/shared-volumes
    revision: main
    stage: clone
  copy_to_shared_volume:
    title: Copy file to shared volume
    type: freestyle
    image: alpine:3.9
    working_directory: "${{clone}}"
    commands:
      - ls -l /codefresh/volume/
      - cp ./artifact/artifact.example /codefresh/volume/artifact.example
    stage: shared-volume
"#;

#[test]
fn y8_the_pipeline_of_the_readme_is_read() {
    let pipeline = clean(Pipeline::read(MAIN));
    assert_eq!(
        (pipeline.version.as_str(), &pipeline.stages[..]),
        ("1.0", &["clone".to_owned(), "shared-volume".to_owned()][..])
    );
    let names: Vec<&str> = pipeline.steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(names, ["clone", "copy_to_shared_volume"]);
    let copy = &pipeline.steps[1];
    assert_eq!(copy.title.as_ref().map(Template::text), Some("Copy file to shared volume"));
    assert_eq!((copy.stage.as_deref(), copy.place.line), (Some("shared-volume"), 10));
    let StepKind::Freestyle(freestyle) = &copy.kind else { panic!("freestyle") };
    assert_eq!(freestyle.commands.as_ref().map(Vec::len), Some(2));
    let directory = freestyle.working_directory.as_ref().expect("a directory");
    assert_eq!((directory.place_of_hole(0).line, directory.place_of_hole(0).column), (14, 25));
    assert!(pipeline.refers_to("clone") && !pipeline.refers_to("clon"));
}

#[test]
fn y2_versions_that_mean_one() {
    for version in ["1.0", "1", "'1'", "'1.0'", "1.00"] {
        assert_eq!(clean(Pipeline::read(&format!("version: {version}\nsteps: {{}}"))).version, "1.0", "{version}");
    }
    for (version, said) in [("0.1", "0.1"), ("'2'", "2"), ("v1", "v1"), ("[1]", "a list")] {
        let reading = Pipeline::read(&format!("version: {version}\nsteps: {{}}"));
        assert_eq!(errors(&reading), [format!("Current version: {said} is invalid. please change version to 1.0")]);
    }
    assert_eq!(errors(&Pipeline::read("steps: {}")), ["\"version\" is required"]);
    assert_eq!(errors(&Pipeline::read("version:\nsteps: {}")), ["\"version\" is required"]);
}

#[test]
fn y3_a_duplicate_step_is_a_parse_error_with_both_places() {
    let reading = Pipeline::read("version: 1\nsteps:\n  a: {image: x}\n  a: {image: y}\n");
    let error = reading.errors().next().expect("an error");
    assert_eq!(error.to_string(), "4:3: duplicated mapping key `a`");
    assert_eq!(error.hints, ["it stands first at 3:3, keep one of the two"]);
}

#[test]
fn y4_merged_steps_and_shared_environments_are_read() {
    let text = "version: '1.0'\nindicators:\n- environment: &env\n  - A=1\nsteps:\n  a: &base\n    image: x\n    environment: *env\n    \
                commands: [one]\n  b:\n    <<: *base\n    commands: [two]\n";
    let pipeline = clean(Pipeline::read(text));
    let StepKind::Freestyle(second) = &pipeline.steps[1].kind else { panic!("freestyle") };
    assert_eq!((second.image.text(), texts(&second.environment)), ("x", vec!["A=1"]));
    assert_eq!(texts(second.commands.as_ref().expect("commands")), ["two"]);
}

#[test]
fn y5_indicators_are_a_list_and_have_no_effect() {
    clean(root("indicators: [anything, {a: b}]"));
    assert_eq!(errors(&root("indicators: {a: b}")), ["\"indicators\" must be an array"]);
}

#[test]
fn y7_a_tab_is_said_to_be_one() {
    let reading = Pipeline::read("version: 1\nsteps:\n\ta:\n");
    let error = reading.errors().next().expect("an error");
    assert!(error.message.starts_with("tab in the indentation"), "{error}");
    assert_eq!(error.hints, ["indent with spaces"]);
}

#[test]
fn r1_other_keys_of_the_root_are_not_allowed() {
    for key in ["environment", "working_directory", "variables", "triggers", "timeout", "name", "retry", "x"] {
        assert_eq!(errors(&root(&format!("{key}: []"))), [format!("\"{key}\" is not allowed")]);
    }
    let reading = root("stage: [a]");
    assert_eq!(reading.errors().next().expect("an error").hints, ["did you mean `stages`?"]);
}

#[test]
fn r1_the_fields_of_the_root_have_their_types() {
    for (fields, message) in [
        ("stages: x", "\"stages\" must be an array"),
        ("stages: [1]", "\"0\" must be a string"),
        ("mode: other", "\"mode\" must be one of [sequential, parallel]"),
        ("build_version: v3", "\"build_version\" must be one of [v1, v2]"),
        ("hooks: x", "\"hooks\" must be an object"),
        ("services: []", "\"services\" must be an object"),
    ] {
        assert_eq!(errors(&root(fields)), [message]);
    }
    clean(root("mode: sequential\nbuild_version: v2\nfail_fast: '${{F}}'"));
    assert_eq!(errors(&Pipeline::read("version: 1")), ["\"steps\" is required"]);
    assert_eq!(errors(&Pipeline::read("version: 1\nsteps: []")), ["\"steps\" must be an object"]);
    assert_eq!(errors(&Pipeline::read("version: 1\nsteps: {a: }")), ["\"a\" must be an object"]);
    assert_eq!(errors(&Pipeline::read("[]")), ["a pipeline must be a mapping, this is a list"]);
    assert_eq!(errors(&Pipeline::read("")), ["a pipeline must be a mapping, this is nothing"]);
}

#[test]
fn r1_a_word_at_the_root_that_is_no_boolean_is_taken_with_a_warning() {
    assert_eq!(warnings(&root("fail_fast: maybe")), ["\"fail_fast\" is neither true nor false, true is taken"]);
}

#[test]
fn r1_every_problem_of_a_document_is_told_at_once() {
    let text = "nope: 1\nsteps:\n  a.b: {}\n  c: {type: git-clone}\n  d: {image: x, commands: y, shell: z}\n";
    assert_eq!(
        errors(&Pipeline::read(text)),
        [
            "step name cannot contain \".\", \"#\", \"$\", \"[\", or \"]\"",
            "\"version\" is required",
            "\"nope\" is not allowed",
            "\"image\" is required",
            "\"repo\" is required",
            "\"commands\" must be an array",
            "\"shell\" must be one of [sh, bash]",
        ]
    );
}
