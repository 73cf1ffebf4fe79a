//! `stepbox validate` and `stepbox schema`.

use std::io::Write;
use std::process::Stdio;

use stepbox_tests::Place;

const WRONG: &str = "version: 1\nsteps:\n  a:\n    imag: x\n    commands: ls\n  b:\n    type: helm\n";

#[test]
fn all_errors_and_warnings_of_all_files_are_shown_with_their_lines() {
    let place = Place::new().file("wrong.yml", WRONG).file("right.yml", "version: '1.0'\nsteps: {}\n");
    place.run(["validate", "wrong.yml", "missing.yml", "right.yml"]).expect(
        2,
        "\
error: step `a`: \"image\" is required
 --> wrong.yml:4:5
  |
4 |     imag: x
  |     ^^^^^^^
error: step `a`: \"commands\" must be an array
 --> wrong.yml:5:15
  |
5 |     commands: ls
  |               ^^
hint: write the commands as a list, each after `- `
warning: step `a`: a freestyle step has no field `imag`, it is ignored
 --> wrong.yml:4:5
  |
4 |     imag: x
  |     ^^^^
hint: did you mean `image`?
warning: step `b`: Step version not specified. The latest version will be used, which may result in breaking changes.
 --> wrong.yml:7:11
  |
7 |     type: helm
  |           ^^^^
wrong.yml: 2 errors, 2 warnings

error: cannot read the pipeline `missing.yml`: no such file or directory
missing.yml: 1 error

right.yml: valid
",
        "",
    );
    place.run(["validate", "right.yml"]).expect(0, "right.yml: valid\n", "");
}

#[test]
fn r2_fields_of_newer_build_steps_are_told_how_to_be_allowed() {
    let build = "steps:\n  a:\n    type: build\n    image_name: x\n    tags: [y]\n";
    let place = Place::new()
        .file("old.yml", format!("version: 1\n{build}"))
        .file("new.yml", format!("version: 1\nbuild_version: v2\n{build}"));
    place.run(["validate", "old.yml", "new.yml"]).expect(
        2,
        "\
error: step `a`: \"tags\" is not allowed. Did you mean \"tag\"?
 --> old.yml:6:5
  |
6 |     tags: [y]
  |     ^^^^
hint: newer build steps allow it: write `build_version: v2` at the top of the file
old.yml: 1 error

new.yml: valid
",
        "",
    );
}

#[test]
fn json_is_one_line_a_file() {
    let place = Place::new().file("wrong.yml", WRONG).file("right.yml", "version: '1.0'\nsteps: {}\n");
    place.run(["validate", "--output", "json", "wrong.yml", "right.yml"]).expect(
        2,
        concat!(
            r#"{"file":"wrong.yml","ok":false,"errors":["#,
            r#"{"message":"\"image\" is required","step":"a","path":"steps.a.image","line":4,"column":5},"#,
            r#"{"message":"\"commands\" must be an array","step":"a","path":"steps.a.commands","line":5,"column":15}],"#,
            r#""warnings":[{"message":"a freestyle step has no field `imag`, it is ignored","step":"a","path":"steps.a.imag","line":4,"column":5},"#,
            r#"{"message":"Step version not specified. The latest version will be used, which may result in breaking changes.","step":"b","path":"steps.b.type","line":7,"column":11}]}"#,
            "\n",
            r#"{"file":"right.yml","ok":true,"errors":[],"warnings":[]}"#,
            "\n"
        ),
        "",
    );
}

#[test]
fn the_standard_input_is_a_file_too_and_bad_bytes_are_told() {
    let place = Place::new().file("latin.yml", b"version: 1 # caf\xe9\n");
    let mut child = place.start(place.command(["validate", "-"]).stdin(Stdio::piped()));
    child.stdin.take().expect("is a pipe").write_all(b"version: 1\nsteps: {}\n").expect("writes");
    place.result(&child.wait_with_output().expect("ends")).expect(0, "<stdin>: valid\n", "");
    place.run(["validate", "latin.yml"]).expect(
        2,
        "error: cannot read the pipeline: `latin.yml` is not UTF-8 text (line 1)\nlatin.yml: 1 error\n",
        "",
    );
}

#[test]
fn the_schema_is_json_and_knows_the_fields() {
    let run = Place::new().run(["schema"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    let schema: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(schema["$schema"], "http://json-schema.org/draft-07/schema#");
    assert!(schema["else"]["properties"]["steps"].is_object(), "{}", run.stdout);
}

#[test]
fn y7_mixed_indentation_is_a_warning() {
    let place = Place::new().file("mixed.yml", "version: '1.0'\nsteps:\n  a:\n    image: x\n    commands:\n      - |-\n        if true; then\n        \techo\n        fi\n");
    let run = place.run(["validate", "mixed.yml"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout.starts_with("warning: Your YAML contains both spaces and tabs.\n --> mixed.yml:8:1\n"),
        "{run:?}"
    );
    assert!(run.stdout.ends_with("mixed.yml: valid, 1 warning\n"), "{run:?}");
}
