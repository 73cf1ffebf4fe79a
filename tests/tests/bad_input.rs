//! Wrong input: one message each, with its place, cause and hint, and the right exit status.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use stepbox_tests::Place;

/// Runs a pipeline of this text, which must not run.
fn refused(text: &str) -> String {
    let place = Place::new().file("codefresh.yml", text);
    let run = place.run(["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(!place.path("state/store").exists(), "nothing is made for a pipeline that cannot run");
    run.stderr
}

#[test]
fn no_pipeline_here() {
    let run = Place::new().run(["run"]);
    assert_eq!(run.status, 2);
    assert_eq!(
        run.stderr,
        "error: there is no pipeline here: neither `codefresh.yml` nor `.codefresh/codefresh.yml` exists\nhint: name the file: `stepbox run path/to/codefresh.yml`\n"
    );
}

#[test]
fn a_file_that_is_not_there() {
    let run = Place::new().run(["run", "missing.yml"]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (2, "error: cannot read the pipeline `missing.yml`: no such file or directory\n")
    );
}

#[test]
fn broken_yaml() {
    let text = refused("version: '1.0'\nsteps:\n  a: [1, 2\n");
    assert!(text.starts_with("error: "), "{text}");
    assert!(text.contains("codefresh.yml:"), "{text}");
}

#[test]
fn y3_a_key_that_stands_twice() {
    let text = refused("version: '1.0'\nsteps:\n  a:\n    image: alpine\n    image: debian\n    commands: [ls]\n");
    assert!(text.contains("codefresh.yml:5:5"), "{text}");
    assert!(text.contains("codefresh.yml:4:5"), "{text}");
}

#[test]
fn an_unknown_field_of_a_strict_type() {
    let text = refused("version: '1.0'\nsteps:\n  a:\n    type: git-clone\n    repo: o/n\n    exclude_blob: true\n");
    assert!(text.contains("\"exclude_blob\" is not allowed. Did you mean \"exclude_blobs\"?"), "{text}");
    assert!(text.contains("codefresh.yml:6:5"), "{text}");
}

#[test]
fn r14_an_unknown_field_of_a_freestyle_step_is_a_warning() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    comands: [ls]\n    commands: [\"true\"]\n",
    );
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.contains("warning: ") && run.stderr.contains("comands"), "{run:?}");
}

#[test]
fn a_wrong_type_and_an_unknown_step_type() {
    let text = refused("version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: ls\n");
    assert!(text.contains("codefresh.yml:5:"), "{text}");
    let text = refused("version: '1.0'\nsteps:\n  a:\n    type: build\n    image_name: x\n");
    assert!(text.contains("build") && text.contains("codefresh.yml:4:"), "{text}");
}

#[test]
fn everything_that_is_not_supported_is_told_at_once() {
    let text = refused(
        "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [ls]\n    when:\n      branch:\n        only: [main]\n  b:\n    image: alpine\n    commands: [ls]\n    hooks:\n      on_success: [ls]\n",
    );
    assert!(text.contains("`when`") && text.contains("`hooks`"), "{text}");
}

#[test]
fn an_image_that_nobody_provides() {
    let text = refused("version: '1.0'\nsteps:\n  a:\n    image: node:20\n    commands: [npm ci, ls]\n");
    assert!(text.contains("node:20") && text.contains("npm"), "{text}");
    let text = refused(
        "version: '1.0'\nsteps:\n  a:\n    image: registry.example.com/team/tools:3\n    commands: [ls, sort x]\n",
    );
    assert!(text.contains("registry.example.com/team/tools"), "{text}");
    assert!(text.contains("images:"), "the line to paste: {text}");
}

#[test]
fn an_image_that_the_project_or_the_user_maps() {
    let pipeline =
        "version: '1.0'\nsteps:\n  a:\n    image: registry.example.com/team/tools:3\n    commands: [echo mapped]\n";
    let place = Place::new()
        .file("codefresh.yml", pipeline)
        .file("stepbox.yaml", "images:\n  registry.example.com/team/*: toolbox\n");
    let run = place.run(["run"]);
    assert!(run.status == 0 && run.stdout.ends_with("mapped\n"), "{run:?}");
    let place = Place::new().file("codefresh.yml", pipeline);
    let run = place.run(["run", "--image", "registry.example.com/team/tools=toolbox"]);
    assert!(run.status == 0 && run.stdout.ends_with("mapped\n"), "{run:?}");
    let run = place.run(["run", "--image", "nonsense"]);
    assert_eq!(run.status, 2, "{run:?}");
}

#[test]
fn a_mistake_in_the_project_s_file() {
    let place = Place::new().commands(&["true"]).file("stepbox.yaml", "imags:\n  a: toolbox\n");
    let run = place.run(["run"]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stderr.contains("unknown field `imags`") && run.stderr.contains("stepbox.yaml:1:1"), "{run:?}");
}

#[test]
fn an_unresolved_variable_where_a_directory_is_named() {
    let text = refused(
        "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    working_directory: ${{nowhere}}/x\n    commands: [ls]\n",
    );
    assert!(text.contains("nowhere") && text.contains("codefresh.yml:5:"), "{text}");
}

#[test]
fn a_command_that_nobody_provides() {
    let place = Place::new().commands(&["frobnicate --now"]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stderr.contains("work: error: exit status 127"), "{run:?}");
    assert!(
        run.stdout.contains(
            "sh: 1: frobnicate: not found\nhint: `frobnicate` is not part of the toolbox and not on the volume\n"
        ),
        "{run:?}"
    );
}

#[test]
fn a_variable_without_a_value() {
    let place = Place::new().commands(&["true"]);
    let run = place.run(["run", "-v", "NAME"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("Invalid environment variable format. please enter [key]=[value]"), "{run:?}");
}

#[test]
fn variable_files_make_one_build_or_several() {
    let place = Place::new()
        .commands(&["echo \"X is $X\""])
        .file("one.yml", "X: 1\n")
        .file("two.json", "[{\"X\": \"a\"}, {\"X\": \"b\"}]")
        .file("bad.yml", "- 1\n");
    let run = place.run(["run", "--var-file", "one.yml"]);
    assert!(run.status == 0 && run.stdout.ends_with("X is 1\n"), "{run:?}");
    let run = place.run(["run", "--var-file", "two.json"]);
    assert!(run.status == 0 && run.stdout.contains("X is a\n") && run.stdout.ends_with("X is b\n"), "{run:?}");
    let run = place.run(["run", "--var-file", "one.yml", "-v", "X=2"]);
    assert!(run.stdout.ends_with("X is 2\n"), "{run:?}");
    let run = place.run(["run", "--var-file", "bad.yml"]);
    assert_eq!(run.status, 2, "{run:?}");
    assert!(run.stderr.contains("bad.yml:1:"), "{run:?}");
}

#[test]
fn the_home_directory_is_never_a_source() {
    let place = Place::new().commands(&["true"]);
    let run = place.run(["run", "--source", &place.path("home").display().to_string()]);
    assert_eq!(run.status, 2, "{run:?}");
    let run = place.run(["run", "--source", "/"]);
    assert_eq!(run.status, 2, "{run:?}");
}

#[test]
fn a_state_directory_that_cannot_be_made() {
    let place = Place::new().commands(&["true"]).file("file", "");
    let run = place.finish(place.command(["run"]).env("STEPBOX_HOME", place.path("project/file/below")));
    assert_eq!(run.status, 4, "{run:?}");
    assert!(run.stderr.starts_with("error: "), "{run:?}");
}

#[test]
fn state_directories_are_for_their_owner_alone() {
    let place = Place::new().commands(&["true"]);
    assert_eq!(place.finish(place.command(["run"]).env("STEPBOX_HOME", place.path("fresh"))).status, 0);
    let mode = fs::metadata(place.path("fresh")).expect("made").permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_closed_pipe_is_no_reason_to_fail() {
    let place = Place::new().commands(&["seq 1 100000"]);
    let mut child = place.start(&mut place.command(["run"]));
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}
