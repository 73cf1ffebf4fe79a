//! Documents of `kind: pipeline` (rule R2, section 10.4).

use stepbox_pipeline::{Pipeline, PipelineSpec, Reading, SpecOptions};

use crate::{errors, refused, warnings};

fn read(spec: &str) -> Reading {
    let indented: String = spec.lines().map(|line| format!("  {line}\n")).collect();
    Pipeline::read(&format!("version: '1.0'\nkind: pipeline\nmetadata: {{name: team/app, id: 5}}\nspec:\n{indented}"))
}

const STEPS: &str = "steps: {a: {image: x}}";

#[test]
fn r2_the_steps_of_a_specification_are_read() {
    let reading = read(&format!("{STEPS}\nstages: [one]\nfail_fast: false"));
    assert_eq!((errors(&reading), warnings(&reading), refused(&reading)), (vec![], vec![], vec![]));
    let pipeline = reading.pipeline.expect("a pipeline");
    assert_eq!((pipeline.steps.len(), pipeline.stages, pipeline.version.as_str()), (1, vec!["one".to_owned()], "1.0"));
    let name = "team/app".to_owned();
    assert_eq!(reading.spec, Some(PipelineSpec { name, ..PipelineSpec::default() }));
    assert_eq!(Pipeline::read("version: 1\nsteps: {}").spec, None);
}

#[test]
fn r2_variables_are_kept_as_they_are_written() {
    let reading = read(&format!(
        "{STEPS}\nvariables:\n- {{key: A, value: b}}\n- {{key: N, value: 0x10}}\n- {{key: B, value: True}}\n- {{key: \
         E}}\n- {{key: S, value: secret, encrypted: true}}\n- {{key: Q, value: '', encrypted: 'true'}}"
    ));
    assert_eq!(errors(&reading), [""; 0]);
    let variables = reading.spec.expect("a specification").variables;
    let found: Vec<_> =
        variables.iter().map(|one| (one.key.as_str(), one.value.as_str(), one.encrypted, one.place.line)).collect();
    assert_eq!(
        found,
        [
            ("A", "b", false, 7),
            ("N", "0x10", false, 8),
            ("B", "true", false, 9),
            ("E", "", false, 10),
            ("S", "secret", true, 11),
            ("Q", "", true, 12),
        ]
    );
}

#[test]
fn r2_options_are_switches() {
    let reading =
        read(&format!("{STEPS}\noptions: {{noCache: true, resetVolume: true, keepPVCsForPendingApproval: true}}"));
    let expected =
        SpecOptions { no_cache: true, reset_volume: true, keep_volume_while_waiting: true, ..SpecOptions::default() };
    assert_eq!(reading.spec.map(|spec| spec.options), Some(expected));
    assert_eq!(errors(&read(&format!("{STEPS}\noptions: {{noCache: maybe}}"))), ["\"noCache\" must be a boolean"]);
    let reading = read(&format!("{STEPS}\noptions: {{other: true}}"));
    assert_eq!(warnings(&reading), ["`options` has no field `other`, it is ignored"]);
}

#[test]
fn r2_triggers_have_names_variables_and_options() {
    let reading = read(&format!(
        "{STEPS}\ntriggers:\n- {{name: push, id: 5f, type: git, variables: [{{key: A, value: 1, encrypted: true}}]}}\n- \
         {{type: git}}\n- {{id: 6a}}\ncronTriggers:\n- {{name: night, options: {{resetVolume: true}}}}"
    ));
    let triggers = reading.spec.expect("a specification").triggers;
    let found: Vec<_> = triggers
        .iter()
        .map(|one| {
            let variables: Vec<_> = one.variables.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
            (one.name.as_str(), one.id.as_deref(), variables, one.options.reset_volume)
        })
        .collect();
    assert_eq!(
        found,
        [
            ("push", Some("5f"), vec![("A", "1")], false),
            ("6a", Some("6a"), vec![], false),
            ("night", None, vec![], true)
        ]
    );
    assert!(triggers[0].variables[0].encrypted);
}

#[test]
fn r2_what_only_a_server_knows_is_ignored_with_a_warning_each() {
    let reading = read(&format!(
        "{STEPS}\ntriggers: [{{type: git}}]\ncronTriggers: [{{}}]\nconcurrency: 1\nbranchConcurrency: 1\n\
         triggerConcurrency: 1\nterminationPolicy: [{{type: branch}}]\npriority: 5\ncontexts: []\nwhatever: 1"
    ));
    let mut expected: Vec<String> = [
        "triggers",
        "cronTriggers",
        "concurrency",
        "branchConcurrency",
        "triggerConcurrency",
        "priority",
        "terminationPolicy",
    ]
    .map(|name| format!("`{name}` has no meaning without a server and is ignored"))
    .to_vec();
    expected.insert(0, "`spec` has no field `whatever`, it is ignored".to_owned());
    assert_eq!((warnings(&reading), errors(&reading)), (expected, vec![]));
    assert!(reading.is_runnable());
}

#[test]
fn r2_steps_that_are_kept_elsewhere_and_other_repositories_are_refused_by_name() {
    let reading = read("specTemplate: {location: git, repo: a/b, path: codefresh.yml}");
    assert_eq!((refused(&reading), errors(&reading)), (vec!["specTemplate"], vec![]));
    let reading = read(&format!("{STEPS}\nexternalResources: [{{type: git}}]"));
    assert_eq!(refused(&reading), ["externalResources"]);
}

#[test]
fn r2_errors_of_a_specification_have_their_whole_path() {
    let reading = read("steps: {a: {title: x}}\nvariables: [{value: 1}, 5]");
    let found: Vec<_> = reading.errors().map(|one| (one.message.as_str(), one.path.as_str())).collect();
    assert_eq!(
        found,
        [
            ("\"key\" is required", "spec.variables[0].key"),
            ("\"1\" must be an object", "spec.variables[1]"),
            ("\"image\" is required", "spec.steps.a.image"),
        ]
    );
    assert_eq!((reading.pipeline, reading.spec), (None, None));
    for (text, messages) in [
        ("kind: pipeline\nspec: {steps: {}}", vec!["\"metadata\" is required"]),
        ("kind: pipeline\nmetadata: {name: a}", vec!["\"spec\" is required"]),
        ("kind: pipeline\nmetadata: {}\nspec: {}", vec!["\"name\" is required", "\"steps\" is required"]),
        ("kind: pipeline\nmetadata: {name: a}\nspec: []", vec!["\"spec\" must be an object"]),
        ("kind: other\nversion: 1\nsteps: {}", vec!["\"kind\" is not allowed"]),
    ] {
        assert_eq!(errors(&Pipeline::read(text)), messages, "{text}");
    }
}
