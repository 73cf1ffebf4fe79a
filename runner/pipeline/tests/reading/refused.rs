//! What is valid and not executed: refused by name, or ignored with a warning.

use stepbox_pipeline::{Pipeline, StepKind, Template};

use crate::{clean, errors, only, refused, step, warnings};

#[test]
fn r9_built_in_types_that_need_docker_or_a_cluster_are_refused_by_name() {
    let test = "test: {image: x, command: y}";
    for (name, fields, reason) in [
        ("build", "image_name: x", "it needs docker"),
        ("push", "candidate: x", "it needs docker"),
        ("push-tag", "{image_name: x, tags: [y]}", "it needs docker"),
        ("composition", "{composition: {}, composition_candidates: {a: {image: x}}}", "it needs docker"),
        ("launch-composition", "composition: x", "it needs docker"),
        ("integration-test", "test: {image: x, commands: [y]}", "it needs docker"),
        ("travis", &format!("{test}\nservices: {{}}"), "it needs docker"),
        ("simple_travis", &format!("{test}\nservices: [redis]"), "it needs docker"),
        ("github-action", "x: y", "it needs docker"),
        ("freestyle-ssh", "x: y", "it needs docker"),
        ("deploy", "{kind: kubernetes, cluster: x, namespace: y}", "it needs a cluster"),
        ("services", "x: y", "services are containers, which need docker"),
    ] {
        let fields = if fields.starts_with('{') { format!("arguments: {fields}") } else { fields.to_owned() };
        let reading = step(&format!("type: {name}\n{fields}"));
        assert_eq!(errors(&reading), [""; 0]);
        let one = reading.unsupported.first().expect(name);
        assert_eq!((one.feature.as_str(), one.reason.as_str()), (format!("type: {name}").as_str(), reason));
        assert_eq!((one.step.as_deref(), one.place.line, one.place.column), (Some("jim"), 5, 11));
        assert_eq!(warnings(&reading), [""; 0], "built-in types need no version");
    }
}

#[test]
fn r10_custom_types_are_checked_for_their_version_and_refused() {
    let version = "Step version not specified. The latest version will be used, which may result in breaking changes.";
    for (name, warning) in [
        ("helm", Some(version.to_owned())),
        ("codefresh/helm", Some(version.to_owned())),
        ("helm:1.2", Some("Invalid semantic version \"1.2\" for step.".to_owned())),
        ("helm:latest", Some("Invalid semantic version \"latest\" for step.".to_owned())),
        ("helm:v1.2.3", Some("Invalid semantic version \"v1.2.3\" for step.".to_owned())),
        ("helm:01.2.3", Some("Invalid semantic version \"01.2.3\" for step.".to_owned())),
        ("helm:1.2.3", None),
        ("a/helm:1.2.3-rc.1+b", None),
        ("'${{TYPE}}'", None),
        ("'helm:${{V}}'", None),
    ] {
        let reading = step(&format!("type: {name}\narguments: {{x: y}}"));
        assert_eq!(warnings(&reading), Vec::from_iter(warning), "{name}");
        assert_eq!(refused(&reading), [format!("type: {}", name.trim_matches('\''))]);
    }
}

#[test]
fn f17_f18_volumes_are_read_and_their_form_is_checked() {
    let found = only(clean(step("image: x\nvolumes: ['./a:/b', '${{DIR}}:/c:ro']")));
    let StepKind::Freestyle(freestyle) = found.kind else { panic!("freestyle") };
    assert_eq!(freestyle.volumes.iter().map(Template::text).collect::<Vec<_>>(), ["./a:/b", "${{DIR}}:/c:ro"]);
    let message = "\"0\" with value \"heyhey\" fails to match the required pattern: /:/";
    assert_eq!(errors(&step("image: x\nvolumes: [heyhey]")), [message]);
}

#[test]
fn f30_one_attempt_is_the_default_and_more_are_refused_by_name() {
    assert_eq!(only(clean(step("image: x"))).retry.max_attempts, 1);
    assert_eq!(only(clean(step("image: x\nretry: {delay: 10}"))).retry.max_attempts, 1);
    let reading = step("image: x\nretry: {maxAttempts: 100}");
    assert_eq!(warnings(&reading).len(), 1);
    assert_eq!(only(reading.pipeline.expect("a pipeline")).retry.max_attempts, 10);
}

#[test]
fn p1_p3_parallel_steps_are_checked() {
    let missing = "\"steps\" is required and must be an array of type steps";
    assert_eq!(errors(&step("type: parallel")), [missing]);
    assert_eq!(errors(&step("type: parallel\nsteps: {}")), [missing]);
    let reading = step("type: parallel\nsteps: {a: {type: pending-approval}, b: {title: x}}");
    assert_eq!(errors(&reading), ["\"type\" can't be pending-approval", "\"image\" is required"]);
    assert_eq!(reading.errors().last().expect("an error").path, "steps.jim.steps.b.image");
}

#[test]
fn p5_children_that_use_arguments_are_understood() {
    assert_eq!(errors(&step("type: parallel\nsteps: {a: {arguments: {image: x}}}")), [""; 0]);
}

#[test]
fn p13_p14_what_is_not_executed_yet_is_refused_all_at_once_and_once_for_all_copies() {
    let text = "version: 1\nservices: {composition: {}}\nsteps:\n  \
                a:\n    image: x\n    when: {branch: {only: [main]}}\n    scale: {c: {}}\n    matrix: {image: [y, z]}\n    \
                services: [z]\n    retry: {maxAttempts: 2}\n  b: {type: build, image_name: x}\n";
    let reading = Pipeline::read(text);
    assert_eq!(errors(&reading), [""; 0]);
    let mut found = refused(&reading);
    found.sort_unstable();
    assert_eq!(found, ["services", "services", "type: build"]);
    assert!(reading.pipeline.is_some() && !reading.is_runnable());
}

#[test]
fn r14_what_only_a_server_knows_is_accepted_with_a_warning() {
    let names = ["registry_context", "role_arn", "metadata", "docker_machine", "env", "debug"];
    let fields = "registry_context: x\nrole_arn: x\nmetadata: x\ndocker_machine: {use: {node: x}}\nenv: {name: x}\n\
                  debug: {phases: {before: true}}\n";
    let reading = step(&format!("image: x\n{fields}"));
    assert!(reading.is_runnable());
    let mut found = warnings(&reading);
    found.sort();
    let mut expected = names.map(|name| format!("`{name}` has no meaning without a server and is ignored"));
    expected.sort();
    assert_eq!(found, expected);
    let message = "`annotations` has no meaning here, only below `on_success`, `on_fail`, `on_finish` and in hooks, and is ignored";
    assert_eq!(warnings(&step("image: x\nannotations: {}")), [message]);
    assert_eq!(errors(&step("image: x\nregistry_contexts: []")), ["'registry_contexts' not allowed"]);
}

#[test]
fn r14_hooks_of_both_kinds_exclude_each_other() {
    let message = "Either old \"on_success/on_fail/on_finish\" or new \"hooks\" should be used";
    assert_eq!(errors(&step("image: x\nhooks: {on_finish: [a]}\non_finish: {}")), [message]);
}

#[test]
fn r10_versions_are_semantic_ones() {
    for version in ["0.0.0", "10.20.30", "1.2.3-0", "1.2.3-a-b.1", "1.2.3+001", "1.2.3-x+y.z"] {
        assert_eq!(warnings(&step(&format!("type: helm:{version}"))), [""; 0], "{version}");
    }
    for version in [
        "1..3",
        "1.2.3.4",
        "1.a.3",
        "1.2.x",
        "1.2.03",
        "1.2.3-",
        "1.2.3-a..b",
        "1.2.3-01",
        "1.2.3-a_b",
        "1.2.3+",
        "1.2.3+a+b",
        "1.2.3+_",
    ] {
        let message = format!("Invalid semantic version \"{version}\" for step.");
        assert_eq!(warnings(&step(&format!("type: helm:{version}"))), [message], "{version}");
    }
}

#[test]
fn timeouts_of_types_that_have_their_own_are_not_read_as_ours() {
    for fields in [
        "type: pending-approval\ntimeout: {duration: 1, timeUnit: hours}",
        "type: deploy\nkind: kubernetes\ncluster: x\nnamespace: y\ntimeout: '150'",
        "type: helm:1.2.3\narguments: {timeout: {duration: 1}}",
    ] {
        let reading = step(fields);
        assert_eq!((warnings(&reading), errors(&reading)), (vec![], vec![]), "{fields}");
    }
    assert_eq!(warnings(&step("type: helm:1.2.3\ntimeout: {duration: 1}")), ["\"timeout\" must be a string"]);
    assert_eq!(errors(&step("type: pending-approval\ntimeout: 1h")), ["\"timeout\" must be an object"]);
}

#[test]
fn what_is_refused_is_told_five_hundred_times_at_most() {
    let steps: String = (0..501).map(|number| format!("  s{number}: {{type: build}}\n")).collect();
    assert_eq!(Pipeline::read(&format!("version: 1\nsteps:\n{steps}")).unsupported.len(), 500);
}
