//! Reading pipelines: the root, the steps, their types and fields, each rule by its number.

use stepbox_pipeline::{Flag, Freestyle, GitClone, Pipeline, Reading, Shell, Step, StepKind, Template, Words};

/// A pipeline of one step.
fn step(fields: &str) -> Reading {
    let indented: String = fields.lines().map(|line| format!("    {line}\n")).collect();
    Pipeline::read(&format!("version: '1.0'\nstages: [one, two]\nsteps:\n  jim:\n{indented}"))
}

/// A root with a step that is well.
fn root(fields: &str) -> Reading {
    Pipeline::read(&format!("version: '1.0'\nsteps:\n  jim: {{image: bob}}\n{fields}\n"))
}

fn errors(reading: &Reading) -> Vec<String> {
    assert!(reading.pipeline.is_none() || reading.errors().next().is_none());
    reading.errors().map(|error| error.message.clone()).collect()
}

fn warnings(reading: &Reading) -> Vec<String> {
    reading.warnings().map(|warning| warning.message.clone()).collect()
}

fn refused(reading: &Reading) -> Vec<&str> {
    reading.unsupported.iter().map(|one| one.feature.as_str()).collect()
}

/// The pipeline of a reading without any problem.
fn clean(reading: Reading) -> Pipeline {
    assert_eq!(reading.diagnostics, []);
    assert_eq!(reading.unsupported, []);
    reading.pipeline.expect("a pipeline")
}

fn only(pipeline: Pipeline) -> Step {
    assert_eq!(pipeline.steps.len(), 1);
    pipeline.steps.into_iter().next().expect("one")
}

fn freestyle(fields: &str) -> Freestyle {
    match only(clean(step(fields))).kind {
        StepKind::Freestyle(freestyle) => freestyle,
        StepKind::GitClone(_) => panic!("a clone"),
    }
}

fn clone(fields: &str) -> GitClone {
    match only(clean(step(&format!("type: git-clone\n{fields}")))).kind {
        StepKind::GitClone(clone) => clone,
        StepKind::Freestyle(_) => panic!("freestyle"),
    }
}

fn texts(templates: &[Template]) -> Vec<&str> {
    templates.iter().map(Template::text).collect()
}

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
fn y6_a_command_that_became_a_mapping_is_an_error_with_advice() {
    let reading = step("image: x\ncommands:\n- echo hello: world");
    let error = reading.errors().next().expect("an error");
    assert_eq!((error.message.as_str(), error.path.as_str()), ("\"0\" must be a string", "steps.jim.commands[0]"));
    assert!(error.hints[0].contains("block scalar"), "{:?}", error.hints);
    assert_eq!(error.place.map(|place| place.line), Some(7));
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
        ("fail_fast: []", "\"fail_fast\" must be a boolean"),
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
fn r2_the_specification_of_a_pipeline_is_refused_by_name() {
    let reading = Pipeline::read("version: '1.0'\nkind: pipeline\nspec: {steps: {}}\n");
    assert_eq!((refused(&reading), errors(&reading).len()), (vec!["kind: pipeline"], 0));
    assert!(!reading.is_runnable());
}

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
fn r9_built_in_types_that_need_docker_or_a_cluster_are_refused_by_name() {
    for (name, reason) in [
        ("build", "it needs docker"),
        ("push", "it needs docker"),
        ("push-tag", "it needs docker"),
        ("composition", "it needs docker"),
        ("launch-composition", "it needs docker"),
        ("integration-test", "it needs docker"),
        ("travis", "it needs docker"),
        ("simple_travis", "it needs docker"),
        ("github-action", "it needs docker"),
        ("freestyle-ssh", "it needs docker"),
        ("deploy", "it needs a cluster"),
        ("services", "services are containers, which need docker"),
        ("pending-approval", "Stepbox does not execute it yet"),
    ] {
        let reading = step(&format!("type: {name}"));
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
fn r14_unknown_fields_of_a_freestyle_step_are_warned_about() {
    let reading = step("image: x\ncomands: [a]\nwhatever: 1");
    assert!(reading.is_runnable());
    assert_eq!(
        warnings(&reading),
        [
            "a freestyle step has no field `comands`, it is ignored",
            "a freestyle step has no field `whatever`, it is ignored"
        ]
    );
    assert_eq!(reading.diagnostics[0].hints, ["did you mean `commands`?"]);
    assert_eq!(reading.diagnostics[1].hints, [""; 0]);
}

#[test]
fn r14_unknown_fields_of_a_clone_are_errors_with_the_official_suggestion() {
    for (field, message) in [
        ("exclude_blob", "\"exclude_blob\" is not allowed. Did you mean \"exclude_blobs\"?"),
        ("image_name", "\"image_name\" is not allowed"),
        ("dockerfile", "\"dockerfile\" is not allowed"),
        ("revison", "\"revison\" is not allowed. Did you mean \"revision\"?"),
    ] {
        assert_eq!(errors(&step(&format!("type: git-clone\nrepo: a/b\n{field}: x"))), [message]);
    }
}

#[test]
fn f1_commands_and_cmd_exclude_each_other() {
    assert_eq!(errors(&step("image: x\ncmd: a\ncommands: [b]")), ["\"commands\" conflict with forbidden peer \"cmd\""]);
}

#[test]
fn f2_shell_and_cmd_exclude_each_other() {
    assert_eq!(errors(&step("image: x\ncmd: a\nshell: sh")), ["\"shell\" conflict with forbidden peer \"cmd\""]);
}

#[test]
fn f3_commands_and_entry_point_are_accepted() {
    let found = freestyle("image: x\nentry_point: [a, b]\ncommands: [c]");
    assert!(matches!(&found.entry_point, Some(Words::List(words)) if texts(words) == ["a", "b"]));
    assert_eq!(texts(&found.commands.expect("commands")), ["c"]);
}

#[test]
fn f4_fields_that_no_source_knows_are_unknown() {
    for field in ["docker_registry", "no_cf_export"] {
        assert_eq!(warnings(&step(&format!("image: x\n{field}: y"))).len(), 1, "{field}");
    }
}

#[test]
fn f9_without_commands_there_is_cmd_or_nothing() {
    assert_eq!(freestyle("image: x").commands, None);
    assert_eq!(freestyle("image: x\ncommands: []").commands, None);
    assert!(matches!(freestyle("image: x\ncmd: a b").cmd, Some(Words::Text(text)) if text.text() == "a b"));
    assert!(matches!(freestyle("image: x\ncmd: [a, b]").cmd, Some(Words::List(words)) if words.len() == 2));
}

#[test]
fn f10_the_shell_is_sh_or_bash() {
    assert_eq!(freestyle("image: x").shell, Shell::Sh);
    assert_eq!(freestyle("image: x\nshell: bash\ncommands: [a]").shell, Shell::Bash);
    assert_eq!(errors(&step("image: x\nshell: bashh")), ["\"shell\" must be one of [sh, bash]"]);
}

#[test]
fn f11_an_image_is_required_and_a_string() {
    assert_eq!(errors(&step("title: x")), ["\"image\" is required"]);
    assert_eq!(errors(&step("image: {}")), ["\"image\" must be a string"]);
    assert_eq!(errors(&step("image: ''")), ["\"image\" is not allowed to be empty"]);
    assert_eq!(refused(&step("matrix: {image: [a, b]}")), ["matrix"]);
    assert_eq!(errors(&step("matrix: {image: [a, b]}")), [""; 0]);
}

#[test]
fn f5_commands_are_a_list_of_strings() {
    assert_eq!(errors(&step("image: x\ncommands: echo")), ["\"commands\" must be an array"]);
    assert_eq!(errors(&step("image: x\ncommands: ['', {}, 5, ok]")).len(), 3);
}

#[test]
fn f14_f15_the_environment_is_a_list_of_strings() {
    let found = freestyle("image: x\nenvironment: [A=b, ALONE, 'C=${{D}}']");
    assert_eq!(texts(&found.environment), ["A=b", "ALONE", "C=${{D}}"]);
    let reading = step("image: x\nenvironment: {A: b}");
    assert_eq!(errors(&reading), ["\"environment\" must be an array"]);
    assert_eq!(reading.errors().next().expect("an error").hints, ["write the variables as a list of `- KEY=value`"]);
    assert_eq!(errors(&step("image: x\nenvironment: [A: b]")), ["\"0\" must be a string"]);
}

#[test]
fn w5_the_working_directory_has_an_alias_and_is_a_string() {
    let text = |fields: &str| freestyle(fields).working_directory.map(|directory| directory.text().to_owned());
    assert_eq!(text("image: x\nworking_directory: /a"), Some("/a".to_owned()));
    assert_eq!(text("image: x\nworking-directory: /a"), Some("/a".to_owned()));
    assert_eq!(errors(&step("image: x\nworking_directory: {}")), ["\"working_directory\" must be a string"]);
}

#[test]
fn f17_f18_volumes_are_refused_by_name_and_their_form_is_checked() {
    let reading = step("image: x\nvolumes: ['./a:/b']");
    assert_eq!((refused(&reading), errors(&reading).len()), (vec!["volumes"], 0));
    let message = "\"0\" with value \"heyhey\" fails to match the required pattern: /:/";
    assert_eq!(errors(&step("image: x\nvolumes: [heyhey]")), [message]);
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
        ("{maxAttempts: 0}", "\"maxAttempts\" must be a positive number"),
        ("{delay: ''}", "\"delay\" must be a number"),
        ("{exponentialFactor: x}", "\"exponentialFactor\" must be a number"),
        ("{other: 1}", "\"other\" is not allowed"),
        ("5", "\"retry\" must be an object"),
        ("{delay: .nan}", "\"delay\" must be a positive number"),
    ] {
        assert_eq!(errors(&step(&format!("image: x\nretry: {fields}"))), [message], "{fields}");
    }
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
fn f30_one_attempt_is_the_default_and_more_are_refused_by_name() {
    assert_eq!(only(clean(step("image: x"))).retry.max_attempts, 1);
    assert_eq!(only(clean(step("image: x\nretry: {delay: 10}"))).retry.max_attempts, 1);
    let reading = step("image: x\nretry: {maxAttempts: 100}");
    assert_eq!((refused(&reading), warnings(&reading).len()), (vec!["retry"], 1));
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
    for bad in ["maybe", "2", "[]", "'x${{A}}'", "null"] {
        assert_eq!(errors(&step(&format!("image: x\nfail_fast: {bad}"))), ["\"fail_fast\" must be a boolean"], "{bad}");
    }
    for bad in ["'true'", "0", "null", "{}"] {
        let reading = step(&format!("image: x\nstrict_fail_fast: {bad}"));
        assert_eq!(errors(&reading), ["\"strict_fail_fast\" must be a boolean"], "{bad}");
        assert_eq!(errors(&root(&format!("strict_fail_fast: {bad}"))), ["\"strict_fail_fast\" must be a boolean"]);
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
fn p1_p3_parallel_steps_are_checked_and_refused_by_name() {
    let missing = "\"steps\" is required and must be an array of type steps";
    assert_eq!(errors(&step("type: parallel")), [missing]);
    assert_eq!(errors(&step("type: parallel\nsteps: {}")), [missing]);
    let reading = step("type: parallel\nsteps: {a: {type: pending-approval}, b: {title: x}}");
    assert_eq!(errors(&reading), ["\"type\" can't be pending-approval", "\"image\" is required"]);
    assert_eq!(reading.errors().last().expect("an error").path, "steps.jim.steps.b.image");
    let reading = step("type: parallel\nsteps: {a: {image: x}}");
    assert_eq!(refused(&reading), ["type: parallel"]);
}

#[test]
fn p5_children_that_use_arguments_are_understood() {
    assert_eq!(errors(&step("type: parallel\nsteps: {a: {arguments: {image: x}}}")), [""; 0]);
}

#[test]
fn p8_p13_p14_p15_what_is_not_executed_yet_is_refused_all_at_once() {
    let text = "version: 1\nmode: parallel\nsuccess_criteria: {steps: {only: [a]}}\nservices: {composition: {}}\nhooks: {on_finish: [x]}\nsteps:\n  \
                a:\n    image: x\n    when: {branch: {only: [main]}}\n    scale: {b: {}}\n    matrix: {image: [y]}\n    \
                services: [z]\n    volumes: ['a:/b']\n    annotations: {}\n    retry: {maxAttempts: 2}\n    on_success: {}\n  b: {type: build}\n";
    let reading = Pipeline::read(text);
    assert_eq!(errors(&reading), [""; 0]);
    let mut found = refused(&reading);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "annotations",
            "hooks",
            "matrix",
            "mode: parallel",
            "on_success",
            "retry",
            "scale",
            "services",
            "services",
            "success_criteria",
            "type: build",
            "volumes",
            "when"
        ]
    );
    assert!(reading.pipeline.is_some() && !reading.is_runnable());
}

#[test]
fn r14_what_only_a_server_knows_is_accepted_with_a_warning() {
    let names = ["registry_context", "role_arn", "metadata", "docker_machine", "env", "debug"];
    let fields: String = names.iter().map(|name| format!("{name}: x\n")).collect();
    let reading = step(&format!("image: x\n{fields}"));
    assert!(reading.is_runnable());
    let mut found = warnings(&reading);
    found.sort();
    let mut expected = names.map(|name| format!("`{name}` has no meaning without a server and is ignored"));
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(errors(&step("image: x\nregistry_contexts: []")), ["'registry_contexts' not allowed"]);
}

#[test]
fn g1_g4_a_clone_has_its_fields() {
    let found = clone(
        "repo: a/b\nrevision: '${{R}}'\ngit: github\nworking_directory: deep\ndepth: 1\nexclude_blobs: true\nskip_tags_on_update: true\nuse_proxy: false\ncredentials: {username: u, password: p}",
    );
    assert_eq!((found.repo.text(), found.revision.as_ref().map(Template::text)), ("a/b", Some("${{R}}")));
    assert_eq!(
        (found.depth, found.exclude_blobs, found.skip_tags_on_update, found.use_proxy),
        (Some(1), true, true, false)
    );
    assert_eq!(found.credentials.map(|both| both.username.text().to_owned()), Some("u".to_owned()));
    assert_eq!(clone("repo: a/b").revision, None);
    for (fields, messages) in [
        ("title: x", vec!["\"repo\" is required"]),
        ("repo: []", vec!["\"repo\" must be a string"]),
        ("repo: a/b\nrevision: []", vec!["\"revision\" must be a string"]),
        ("repo: a/b\ndepth: x", vec!["\"depth\" must be a number"]),
        ("repo: a/b\nuse_proxy: x", vec!["\"use_proxy\" must be a boolean"]),
        ("repo: a/b\ncredentials: {}", vec!["\"username\" is required", "\"password\" is required"]),
    ] {
        assert_eq!(errors(&step(&format!("type: git-clone\n{fields}"))), messages, "{fields}");
    }
}

#[test]
fn g3_the_source_is_cloned_first_where_it_is_needed() {
    let needs = |steps: &str, skip: bool| {
        clean(Pipeline::read(&format!("version: 1\nsteps:\n{steps}\n"))).needs_implicit_main_clone(skip)
    };
    let other = "  other: {type: git-clone, repo: a/b}";
    assert!(needs("  a: {image: x}", false));
    assert!(!needs("  a: {image: x}", true));
    assert!(!needs(other, false));
    assert!(needs(&format!("{other}\n  a: {{image: x, working_directory: '${{{{main_clone}}}}'}}"), false));
    assert!(needs(
        &format!("{other}\n  a: {{image: x, commands: ['echo ${{{{steps.main_clone.revision}}}}']}}"),
        false
    ));
    assert!(!needs(&format!("{other}\n  a: {{image: x, commands: ['echo ${{{{main_clone_2}}}}']}}"), false));
    assert!(!needs("  main_clone: {type: git-clone, repo: a/b}", false));
    let step = Step::implicit_main_clone();
    assert!(step.implicit && step.name.is_main_clone());
    assert_eq!(step.title.as_ref().map(Template::text), Some("Cloning main repository"));
}

#[test]
fn r14_hooks_of_both_kinds_exclude_each_other() {
    let message = "Either old \"on_success/on_fail/on_finish\" or new \"hooks\" should be used";
    assert_eq!(errors(&step("image: x\nhooks: {on_finish: [a]}\non_finish: {}")), [message]);
}

#[test]
fn r1_every_problem_of_a_document_is_told_at_once() {
    let text = "nope: 1\nsteps:\n  a.b: {}\n  c: {type: git-clone}\n  d: {image: x, commands: y, shell: z}\n";
    assert_eq!(
        errors(&Pipeline::read(text)),
        [
            "\"nope\" is not allowed",
            "\"version\" is required",
            "step name cannot contain \".\", \"#\", \"$\", \"[\", or \"]\"",
            "\"image\" is required",
            "\"repo\" is required",
            "\"commands\" must be an array",
            "\"shell\" must be one of [sh, bash]",
        ]
    );
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
fn c1_when_has_branch_condition_and_steps() {
    for (when, messages) in [
        ("{brunch: x}", vec!["\"brunch\" is not allowed. Did you mean \"branch\"?"]),
        ("{branch: {on: x}}", vec!["\"on\" is not allowed. Did you mean \"only\"?"]),
        ("{branch: {only: main}}", vec!["\"only\" must be an array"]),
        ("{condition: {or: {a: 'true'}}}", vec!["\"or\" is not allowed. Did you mean \"all\"?"]),
        ("{condition: {all: {a-b: 'true'}}}", vec!["\"a-b\" is not allowed"]),
        ("{condition: {all: {a: true}}}", vec!["\"a\" must be a string"]),
        ("[]", vec!["\"when\" must be an object"]),
    ] {
        assert_eq!(errors(&step(&format!("image: x\nwhen: {when}"))), messages, "{when}");
    }
    let reading = step("image: x\nwhen: {branch: {only: [a]}, condition: {all: {a: 'true'}, any: {b_1: 'x'}}}");
    assert_eq!((errors(&reading).len(), refused(&reading)), (0, vec!["when"]));
}

#[test]
fn c2_steps_of_when_are_a_list_or_one_under_all_or_any() {
    for (steps, messages) in [
        ("[]", vec!["\"steps\" must contain at least 1 items"]),
        ("[{name: a, on: success}]", vec!["\"on\" must be an array"]),
        ("[{on: [success]}]", vec!["\"name\" is required"]),
        (
            "{all: [{name: a}], any: [{name: b}]}",
            vec!["\"value\" contains a conflict between exclusive peers [all, any]", "\"steps\" must be an array"],
        ),
        ("text", vec!["\"steps\" must be an array"]),
    ] {
        assert_eq!(errors(&step(&format!("image: x\nwhen: {{steps: {steps}}}"))), messages, "{steps}");
    }
    for steps in ["[{name: a}]", "{all: [{name: a, on: [success]}]}", "{any: [{name: a}]}"] {
        assert_eq!(errors(&step(&format!("image: x\nwhen: {{steps: {steps}}}"))), [""; 0], "{steps}");
    }
}
