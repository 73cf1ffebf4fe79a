//! The rules of types that are not executed, of hooks and of notes: what is said, in which order, and where.

use stepbox_pipeline::{BuildVersion, Severity, validate};

/// The errors of a document.
fn errors(text: &str, build: BuildVersion) -> Vec<String> {
    let all = validate(text, build).into_iter().filter(|one| one.severity == Severity::Error);
    all.map(|one| one.message).collect()
}

/// The errors of a pipeline of one step.
fn step(fields: &str) -> Vec<String> {
    errors(&format!("version: 1\nstages: [one]\nsteps:\n  jim: {fields}\n"), BuildVersion::V1)
}

fn check(table: &[(&str, &[&str])]) {
    for (fields, messages) in table {
        assert_eq!(step(fields), *messages, "{fields}");
    }
}

#[test]
fn a1_a2_annotations_have_names_and_simple_values() {
    let all = |annotations: &str| {
        step(&format!("{{image: x, on_success: {{annotations: {{set: [{{annotations: {annotations}}}]}}}}}}"))
    };
    for well in ["[a, b_1]", "[{a: text, b: 1, c: true, d: {evaluate: '1 == 1'}}]", "[]"] {
        assert_eq!(all(well), [""; 0], "{well}");
    }
    assert_eq!(
        all("['a-b']"),
        ["\"0\" must be an object", "\"0\" with value \"a-b\" fails to match the required pattern: /^[A-Za-z0-9_]+$/"]
    );
    assert_eq!(all("[{a.b: 1}]"), ["\"a.b\" is not allowed", "\"0\" must be a string"]);
    assert_eq!(
        all("[{a: {eval: x}}]"),
        [
            "\"a\" must be a string",
            "\"a\" must be a boolean",
            "\"a\" must be a number",
            "\"evaluate\" is required",
            "\"eval\" is not allowed",
            "\"0\" must be a string"
        ]
    );
    check(&[
        ("{image: x, on_fail: {annotations: {unset: [{annotations: [a], entity_type: build}]}}}", &[]),
        ("{image: x, on_fail: {annotations: {unset: [{display: a}]}}}", &["\"display\" is not allowed"]),
        ("{image: x, on_fail: {annotations: {put: []}}}", &["\"put\" is not allowed. Did you mean \"set\"?"]),
        ("{image: x, on_fail: {metadata: {set: {}}}}", &["\"set\" must be an array"]),
        ("{image: x, on_fail: {metadata: {set: [{'${{a}}': [{q: 1}]}]}}}", &[]),
        ("{image: x, on_fail: {metadata: {set: [{q: 1}]}}}", &["\"q\" must be an array"]),
        ("{image: x, on_fail: {exec: []}}", &["\"exec\" is not allowed"]),
    ]);
}

#[test]
fn h2_hooks_have_many_forms() {
    for hook in [
        "[echo]",
        "{exec: [echo]}",
        "{exec: [echo], annotations: {set: []}}",
        "{exec: {image: x, commands: [echo]}, metadata: {set: []}}",
        "{image: x, commands: [echo], fail_fast: false}",
        "{type: git-clone, repo: a/b}",
        "{steps: {a: {image: x}, b: {type: helm:1.0.0, arguments: {c: d}}}, mode: parallel, fail_fast: false}",
        "{exec: {steps: {a: {image: x}}, strict_fail_fast: true}}",
        "{annotations: {set: []}}",
    ] {
        assert_eq!(step(&format!("{{image: x, hooks: {{on_fail: {hook}}}}}")), [""; 0], "{hook}");
        let root = format!("version: 1\nsteps: {{}}\nhooks: {{on_elected: {hook}}}\n");
        assert_eq!(errors(&root, BuildVersion::V1), [""; 0], "{hook}");
    }
}

#[test]
fn h1_h3_h4_what_hooks_do_not_take() {
    for (hook, messages) in [
        ("text", vec!["\"on_fail\" must be an object"]),
        ("[{}]", vec!["\"0\" must be a string"]),
        ("{exec: {commands: [a]}}", vec!["\"image\" is required"]),
        ("{exec: {image: x}, image: y}", vec!["\"image\" is not allowed"]),
        ("{exec: {type: build, steps: {a: {image: x}}}}", vec!["\"type\" is not allowed"]),
        ("{steps: {a: {image: x}}, mode: both}", vec!["\"mode\" must be one of [sequential, parallel]"]),
        ("{steps: {a: text}}", vec!["\"a\" must be an object"]),
        ("{steps: []}", vec!["\"steps\" must be an object"]),
        ("{image: x, debug: {}}", vec!["\"debug\" is not allowed. Did you mean \"retry\"?"]),
        ("{steps: {a: {image: x, stage: one}}}", vec!["\"stage\" is not allowed. Did you mean \"image\"?"]),
        ("{steps: {a: {image: x, hooks: {}}}}", vec!["\"hooks\" is not allowed"]),
        ("{steps: {a: {image: x, on_success: {}}}}", vec![]),
    ] {
        assert_eq!(step(&format!("{{image: x, hooks: {{on_fail: {hook}}}}}")), messages, "{hook}");
    }
    check(&[
        ("{image: x, hooks: {on_start: [a]}}", &["\"on_start\" is not allowed. Did you mean \"on_fail\"?"]),
        ("{image: x, hooks: [a]}", &["\"hooks\" must be an object"]),
        ("{image: x, hooks: {on_elected: [a]}, on_fail: {}}", &[]),
    ]);
}

#[test]
fn h4_errors_in_hooks_have_their_place_and_the_step_they_are_about() {
    let text = "version: 1\nsteps:\n  a:\n    image: x\n    hooks:\n      on_fail:\n        steps:\n          b: {type: git-clone}\n      on_finish: {image: 5}\n";
    let all = validate(text, BuildVersion::V1);
    let found: Vec<_> = all
        .iter()
        .map(|one| (one.path.as_str(), one.step.as_deref(), one.place.map(|place| (place.line, place.column))))
        .collect();
    assert_eq!(
        found,
        [
            ("steps.a.hooks.on_fail.steps.b.repo", Some("b"), Some((8, 14))),
            ("steps.a.hooks.on_finish.image", Some("a"), Some((9, 26))),
        ]
    );
}

#[test]
fn r14_builds_are_a_closed_set_of_two_versions() {
    let second = "{type: build, image_name: a, registry: b, tags: [c], disable_push: true}";
    check(&[
        (
            second,
            &[
                "\"registry\" is not allowed. Did you mean \"registry_contexts\"?",
                "\"tags\" is not allowed. Did you mean \"tag\"?",
                "\"disable_push\" is not allowed",
            ],
        ),
        ("{type: build}", &["\"image_name\" is required"]),
        ("{type: build, image-name: a, build-arguments: [b=c], no_cache: yes, squash: '${{S}}'}", &[]),
        (
            "{type: build, image_name: a, no_cache: maybe}",
            &[
                "\"no_cache\" must be a boolean",
                "\"no_cache\" with value \"maybe\" fails to match the [object Object] pattern",
            ],
        ),
        (
            "{type: build, image_name: a, image-name: b}",
            &[
                "\"value\" cannot rename child \"image-name\" because override is disabled and target \"image_name\" exists",
            ],
        ),
        ("{type: build, image_name: a, dockerfile: {content: FROM x}}", &[]),
        (
            "{type: build, image_name: a, dockerfile: []}",
            &["\"dockerfile\" must be a string", "\"dockerfile\" must be an object"],
        ),
        ("{type: build, image_name: a, platform: b}", &["\"platform\" is not allowed"]),
        ("{type: build, image_name: a, platform: b, buildx: false}", &["\"platform\" is not allowed"]),
        ("{type: build, image_name: a, platform: b, buildx: {builder: {driver: c}}}", &[]),
        ("{type: build, image_name: a, cosign: {}}", &["\"sign\" is required"]),
        ("{type: build, image_name: a, metadata: {set: [{b: 1}, c]}}", &[]),
        ("{type: build, image_name: a, titl: b}", &["\"titl\" is not allowed. Did you mean \"title\"?"]),
    ]);
    let document = |root: &str| format!("version: 1\n{root}\nsteps: {{jim: {second}}}\n");
    assert_eq!(errors(&document(""), BuildVersion::V2), [""; 0]);
    assert_eq!(errors(&document("build_version: v2"), BuildVersion::V1), [""; 0]);
    assert_eq!(errors(&document("build_version: v1"), BuildVersion::V2).len(), 3);
}

#[test]
fn r9_r14_types_that_need_docker_have_their_fields() {
    check(&[
        ("{type: push, candidate: a, tags: [b], credentials: {username: c, password: d}}", &[]),
        ("{type: push, working_directory: a}", &["\"candidate\" is required", "\"working_directory\" is not allowed"]),
        ("{type: push-tag, tags: [1]}", &["\"image_name\" is required", "\"0\" must be a string"]),
        ("{type: composition}", &["\"composition\" is required", "\"composition_candidates\" is required"]),
        (
            "{type: composition, composition: a, composition-candidates: {b: {working_directory: c}}, whatever: 1}",
            &["\"working_directory\" is not allowed"],
        ),
        ("{type: launch-composition, composition: {}, environment_name: a}", &[]),
        (
            "{type: deploy, kind: kubernetes, namespace: a, arguments: {image: b, commands: [c]}}",
            &["\"cluster\" is required"],
        ),
        (
            "{type: deploy, kind: kubernetes, cluster: a, namespace: b, candidates: {}}",
            &["\"candidates\" is not allowed. Did you mean \"candidate\"?"],
        ),
        ("{type: travis, test: {image: a, command: b}, services: {c: {image: d, ports: [1]}}}", &[]),
        ("{type: travis, test: {image: a}}", &["\"command\" is required", "\"services\" is required"]),
        (
            "{type: simple_travis, test: {image: a, command: b}, services: [redis, oracle]}",
            &[
                "\"1\" must be one of [mysql, postgresql, mariadb, mongodb, couchdb, rabbitmq, memcached, redis, cassandra, neo4j, elasticsearch, rethinkdb]",
            ],
        ),
        (
            "{type: integration-test, test: {image: a, commands: [' ']}}",
            &[
                "\"0\" is not allowed to be empty",
                "\"0\" length must be at least 1 characters long",
                "\"commands\" does not contain 1 required value(s)",
            ],
        ),
        (
            "{type: integration-test, test: {image: a, commands: [b]}, services: {c: {image: d, environment: [e=f]}}}",
            &[
                "\"0\" with value \"e=f\" fails to match the required pattern: /^[_a-zA-Z][_a-zA-Z0-9]{1,256}=.*/",
                "\"environment\" must be an object",
            ],
        ),
    ]);
}

#[test]
fn a6_an_approval_has_a_timeout_of_its_own() {
    check(&[
        ("{type: pending-approval, timeout: {timeUnit: minutes, duration: 10, finalState: denied}}", &[]),
        ("{type: pending-approval, timeout: {duration: -1}}", &["\"duration\" must be a positive number"]),
        ("{type: pending-approval, timeout: {timeUnit: days}}", &["\"timeUnit\" must be one of [hours, minutes]"]),
        ("{type: pending-approval, image: x}", &["\"image\" is not allowed. Did you mean \"stage\"?"]),
        ("{type: pending-approval, git: x}", &["\"git\" is not allowed. Did you mean \"title\"?"]),
        ("{type: pending-approval, repo: x}", &["\"repo\" is not allowed. Did you mean \"retry\"?"]),
    ]);
}

#[test]
fn c14_states_of_steps_are_those_that_there_are() {
    let states = "success running failure skipped pending terminating terminated finished approved denied";
    for state in states.split(' ') {
        assert_eq!(step(&format!("{{image: x, when: {{steps: [{{name: a, on: [{state}]}}]}}}}")), [""; 0], "{state}");
    }
    let errors = step("{image: x, when: {steps: [{name: a, on: [error]}]}}");
    let list = states.replace(' ', ", ");
    assert_eq!(errors, ["\"steps\" must be an object".to_owned(), format!("\"0\" must be one of [{list}]")]);
}

#[test]
fn p13_p14_copies_give_what_must_stand_and_are_checked_like_fields() {
    check(&[
        ("{commands: [a], matrix: {image: [b, c]}}", &[]),
        ("{commands: [a], scale: {b: {image: c}, d: {image: e}}}", &[]),
        ("{commands: [a], scale: {b: {image: c}, d: {}}}", &["\"image\" is required"]),
        ("{type: push, scale: {b: {candidate: c}}}", &[]),
        ("{image: a, scale: {b: {commands: c}}}", &["\"commands\" must be an array"]),
        ("{image: a, matrix: {environment: [[A=b], A=c]}}", &[]),
        ("{image: a, matrix: {image: b}}", &["\"image\" must be an array"]),
        ("{image: a, scale: [b]}", &["\"scale\" must be an object"]),
    ]);
}

#[test]
fn p15_success_criteria_are_lists_of_names_or_expressions() {
    let root =
        |criteria: &str| errors(&format!("version: 1\nsteps: {{}}\nsuccess_criteria: {criteria}\n"), BuildVersion::V1);
    for well in ["{steps: {only: [a], ignore: [b]}}", "{steps: [a]}", "{condition: {all: {a: b}}}", "{}"] {
        assert_eq!(root(well), [""; 0], "{well}");
    }
    assert_eq!(root("{steps: []}"), ["\"steps\" must be an object", "\"steps\" must contain at least 1 items"]);
    assert_eq!(root("{step: []}"), ["\"step\" is not allowed"]);
}

#[test]
fn f28_role_arn_needs_a_registry() {
    check(&[
        ("{image: x, role_arn: a}", &["\"role_arn\" missing required peer \"registry_context\""]),
        ("{image: x, role_arn: a, registry_context: b}", &[]),
    ]);
}

#[test]
fn r10_r12_arguments_of_custom_types_are_copied_up_but_for_their_timeout() {
    check(&[
        ("{type: helm:1.0.0, arguments: {timeout: {a: b}, chart: c}}", &[]),
        ("{type: helm:1.0.0, arguments: {stage: two}}", &["\"stage\" must be one of [one]"]),
        ("{type: 'git-clone:1.0.0', arguments: {repo: a/b}}", &[]),
    ]);
}

#[test]
fn r1_errors_come_in_the_official_order() {
    let text = "steps:\n  b: {type: push}\n  a:\n    type: parallel\n    steps:\n      b: {title: 5}\n  c: {image: x, whatever: 1}\nhooks: {on_fail: text}\nnope: 1\n";
    let all = validate(text, BuildVersion::V1);
    let found: Vec<_> = all.iter().map(|one| (one.severity, one.message.as_str(), one.step.as_deref())).collect();
    assert_eq!(
        found,
        [
            (Severity::Error, "step name exist more than once", Some("b")),
            (Severity::Error, "\"version\" is required", None),
            (Severity::Error, "\"nope\" is not allowed", None),
            (Severity::Error, "\"on_fail\" must be an object", None),
            (Severity::Error, "\"candidate\" is required", Some("b")),
            (Severity::Error, "\"title\" must be a string", Some("b")),
            (Severity::Error, "\"image\" is required", Some("b")),
            (Severity::Warning, "a freestyle step has no field `whatever`, it is ignored", Some("c")),
        ]
    );
}
