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
    assert_eq!(
        refused("version: '1.0'\nsteps:\n  a: [1, 2\n"),
        "\
error: while parsing a flow sequence, expected ',' or ']'
 --> codefresh.yml:4:1
  |
4 |
  | ^
error: the pipeline `codefresh.yml` cannot be run
"
    );
    assert_eq!(
        refused(""),
        "\
error: a pipeline must be a mapping, this is nothing
 --> codefresh.yml:1:1
  |
1 |
  | ^
hint: begin with `version: \"1.0\"` and `steps:`
error: the pipeline `codefresh.yml` cannot be run
"
    );
}

#[test]
fn y3_a_key_that_stands_twice() {
    let text = refused("version: '1.0'\nsteps:\n  a:\n    image: alpine\n    image: debian\n    commands: [ls]\n");
    assert_eq!(
        text,
        "\
error: duplicated mapping key `image`
 --> codefresh.yml:5:5
  |
5 |     image: debian
  |     ^^^^^
  the other is at codefresh.yml:4:5
hint: it stands first at 4:5, keep one of the two
error: the pipeline `codefresh.yml` cannot be run
"
    );
}

#[test]
fn an_unknown_field_of_a_strict_type() {
    let text = refused("version: '1.0'\nsteps:\n  a:\n    type: git-clone\n    repo: o/n\n    exclude_blob: true\n");
    assert_eq!(
        text,
        "\
error: step `a`: \"exclude_blob\" is not allowed. Did you mean \"exclude_blobs\"?
 --> codefresh.yml:6:5
  |
6 |     exclude_blob: true
  |     ^^^^^^^^^^^^
error: the pipeline `codefresh.yml` cannot be run
"
    );
}

#[test]
fn r14_an_unknown_field_of_a_freestyle_step_is_a_warning() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    comands: [ls]\n    commands: [\"true\"]\n",
    );
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    let warnings: Vec<_> = run.stderr.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(
        warnings,
        ["warning: codefresh.yml:5:5: step `a`: a freestyle step has no field `comands`, it is ignored (did you mean \
          `commands`?)"]
    );
}

#[test]
fn a_wrong_type_and_an_unknown_step_type() {
    assert_eq!(
        refused("version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: ls\n"),
        "\
error: step `a`: \"commands\" must be an array
 --> codefresh.yml:5:15
  |
5 |     commands: ls
  |               ^^
hint: write the commands as a list, each after `- `
error: the pipeline `codefresh.yml` cannot be run
"
    );
    assert_eq!(
        refused("version: '1.0'\nsteps:\n  a:\n    type: build\n    image_name: x\n"),
        "\
error: step `a`: `type: build` is not supported: it needs docker
 --> codefresh.yml:4:11
  |
4 |     type: build
  |           ^^^^^
error: the pipeline `codefresh.yml` cannot be run
"
    );
    assert_eq!(
        refused("version: '1.0'\nsteps:\n  a:\n    type: nonsense\n"),
        "\
error: step `a`: `type: nonsense` is not supported: typed steps other than `freestyle` and `git-clone` are not executed yet
 --> codefresh.yml:4:11
  |
4 |     type: nonsense
  |           ^^^^^^^^
hint: write its commands as a freestyle step
error: the pipeline `codefresh.yml` cannot be run
"
    );
}

#[test]
fn everything_that_is_not_supported_is_told_at_once() {
    let text = refused(
        "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [ls]\n    services: [redis]\n  b:\n    type: push\n    candidate: x\n",
    );
    assert_eq!(
        text,
        "\
error: step `a`: `services` is not supported: services are containers, which need docker
 --> codefresh.yml:6:5
  |
6 |     services: [redis]
  |     ^^^^^^^^
error: step `b`: `type: push` is not supported: it needs docker
 --> codefresh.yml:8:11
  |
8 |     type: push
  |           ^^^^
error: the pipeline `codefresh.yml` cannot be run, for 2 reasons
"
    );
}

#[test]
fn an_image_that_nobody_provides() {
    let text = refused("version: '1.0'\nsteps:\n  a:\n    image: node:20\n    commands: [npm ci, ls]\n");
    assert_eq!(
        text,
        "\
error: step `a`: nobody provides the image `node:20`
 --> codefresh.yml:4:12
  |
4 |     image: node:20
  |            ^^^^^^^
hint: the toolbox lacks `npm` of this step
hint: to run it in the toolbox, add to stepbox.yaml:
  images:
    \"node:20\": toolbox
hint: or give `--image node:20=toolbox`
error: the pipeline `codefresh.yml` cannot be run
"
    );
    let text = refused(
        "version: '1.0'\nsteps:\n  a:\n    image: registry.example.com/team/tools:3\n    commands: [ls, sort x]\n",
    );
    assert_eq!(
        text,
        "\
error: step `a`: nobody provides the image `registry.example.com/team/tools:3`
 --> codefresh.yml:4:12
  |
4 |     image: registry.example.com/team/tools:3
  |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
hint: the toolbox has every command of this step
hint: to run it in the toolbox, add to stepbox.yaml:
  images:
    \"registry.example.com/team/tools:3\": toolbox
hint: or give `--image registry.example.com/team/tools:3=toolbox`
error: the pipeline `codefresh.yml` cannot be run
"
    );
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
    let told = "\
error: `--image nonsense` does not say what stands for the image
hint: write `--image NAME=toolbox`
";
    place.run(["run", "--image", "nonsense"]).expect(2, "", told);
}

#[test]
fn a_mistake_in_the_project_s_file() {
    let place = Place::new().commands(&["true"]).file("stepbox.yaml", "imags:\n  a: toolbox\n");
    let run = place.run(["run"]);
    let told = "\
error: unknown field `imags`, expected one of `images`, `limits`, `allow_clone`, `environment`, `secrets`, `network`
 --> stepbox.yaml:1:1
  |
1 | imags:
  | ^
";
    assert_eq!((run.status, run.stderr.as_str()), (2, told));
}

#[test]
fn an_unresolved_variable_where_a_directory_or_an_image_is_named() {
    let text = refused(
        "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    working_directory: ${{nowhere}}/x\n    commands: [ls]\n",
    );
    assert_eq!(
        text,
        "\
error: step `a`: `${{nowhere}}` is not defined, so the working directory is not known
 --> codefresh.yml:5:24
  |
5 |     working_directory: ${{nowhere}}/x
  |                        ^^^^^^^^^^^^
hint: give it with `--variable nowhere=VALUE`
error: the pipeline `codefresh.yml` cannot be run
"
    );
    assert_eq!(
        refused("version: '1.0'\nsteps:\n  a:\n    image: ${{nowhere}}\n    commands: [ls]\n"),
        "\
error: step `a`: `${{nowhere}}` is not defined, so the image is not known
 --> codefresh.yml:4:12
  |
4 |     image: ${{nowhere}}
  |            ^^^^^^^^^^^^
hint: give it with `--variable nowhere=VALUE`
error: the pipeline `codefresh.yml` cannot be run
"
    );
}

#[test]
fn a_command_that_nobody_provides() {
    let place = Place::new().commands(&["frobnicate --now"]);
    place.settled(place.run(["run"])).expect(
        1,
        "\
source: [PLACE]/project, 1 files, 0.0 MB, without history
sh: 1: frobnicate: not found
hint: `frobnicate` is not part of the toolbox and not on the volume
",
        "\
build: [ID]
volume: [PLACE]/project/codefresh.yml, empty

==> Cloning main repository
Cloning main repository: success (N s)

==> work
work: error: exit status 127 (N s)
  `frobnicate --now`, line 1 of the commands (codefresh.yml:7:9)

step        result          time  stage
main_clone  success        N s  default
work        error          N s  default

volume saved: [ID]
build failed (N s)
",
    );
}

#[test]
fn f6_a_step_that_fails_tells_its_innermost_command_as_typed_and_where_it_stands() {
    let pipeline = r#"version: '1.0'
steps:
  one:
    image: alpine
    fail_fast: false
    commands:
      - printf 'f() {\n  cat nosuch\n}\n' > lib.sh
      - . ./lib.sh
      - |
        true

        if true; then
          f
        fi
  two:
    image: bash
    shell: bash
    fail_fast: false
    commands:
      - |
        set +e
        echo here &&  cat "${{TOKEN}}/x" "
        more"
  three:
    image: alpine
    fail_fast: false
    entry_point: [cat, nosuch]
"#;
    let place = Place::new().file("codefresh.yml", pipeline);
    let run = place.settled(place.run(["run", "--secret", "TOKEN=sesame"]));
    let lines = run.stderr.lines().skip_while(|line| !line.starts_with("==> one"));
    let told: Vec<&str> = lines.take_while(|line| !line.starts_with("step ")).collect();
    assert_eq!(
        told.join("\n"),
        "\
==> one
one: error: exit status 1 (N s)
  `cat nosuch`, line 2 of ./lib.sh in `f`, from line 6 of the commands (codefresh.yml:13:11)

==> two
two: error: exit status 1 (N s)
  `cat \"****/x\" \"…`, line 2 of the commands (codefresh.yml:22:9)

==> three
three: error: exit status 1 (N s)
"
    );
    let shown = place.run(["builds", "show", "latest"]).stdout;
    let failed: Vec<&str> = shown.lines().filter(|line| line.starts_with("failed: ")).collect();
    assert_eq!(
        failed,
        [
            "failed: one: `cat nosuch`, line 2 of ./lib.sh in `f`, from line 6 of the commands (codefresh.yml:13:11)",
            "failed: two: `cat \"****/x\" \"…`, line 2 of the commands (codefresh.yml:22:9)",
        ]
    );
}

#[test]
fn names_of_pipelines_and_volumes_that_cannot_be_used() {
    let place = Place::new().commands(&["true"]);
    for flag in ["--volume", "--pipeline"] {
        for (name, why) in [
            ("", "is empty"),
            (" ", "is empty"),
            ("two\nlines", "has a control character in it"),
            (&"x".repeat(4097), "is longer than 4096 bytes"),
        ] {
            let told = format!(
                "error: the name that `{flag}` gives {why}\nhint: give a name on one line, such as `{flag} my-project`\n"
            );
            place.run(["run", flag, name]).expect(2, "", &told);
        }
    }
}

#[test]
fn a_variable_without_a_value() {
    let place = Place::new().commands(&["true"]);
    let run = place.run(["run", "-v", "NAME"]);
    let told = "\
error: Invalid environment variable format. please enter [key]=[value]
hint: `NAME` was given; write `-v NAME=VALUE`
";
    assert_eq!((run.status, run.stderr.as_str()), (2, told));
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
    let told = "\
error: each build must be a mapping of variables, this is a number
 --> bad.yml:1:3
  |
1 | - 1
  |   ^
";
    place.run(["run", "--var-file", "bad.yml"]).expect(2, "", told);
    let told = "error: cannot read the variables `missing.yml`: no such file or directory\n";
    place.run(["run", "--var-file", "missing.yml"]).expect(2, "", told);
}

#[test]
fn the_home_directory_is_never_a_source() {
    let place = Place::new().commands(&["true"]);
    let run = place.run(["run", "--source", &place.path("home").display().to_string()]);
    let told = "\
error: `[PLACE]/home` cannot be the source of a build: it is, or holds, a home directory or the whole system
hint: name a directory with `--source DIR`
";
    assert_eq!((run.status, run.stderr.as_str()), (2, told));
    let run = place.run(["run", "--source", "/"]);
    assert_eq!((run.status, run.stderr), (2, told.replace("[PLACE]/home", "/")));
    let run = place.run(["run", "--source", "missing"]);
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (2, "error: cannot use the source `missing`: no such file or directory\n")
    );
}

#[test]
fn a_state_directory_that_cannot_be_made() {
    let place = Place::new().commands(&["true"]).file("file", "");
    let run = place.finish(place.command(["run"]).env("STEPBOX_HOME", place.path("project/file/below")));
    let told = "error: cannot use `[PLACE]/project/file/below`: not a directory\n\
                hint: name another state directory with the environment variable `STEPBOX_HOME`\n";
    assert_eq!((run.status, run.stderr.as_str()), (4, told));
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

#[test]
fn output_that_cannot_be_written_is_told() {
    let place = Place::new().commands(&["echo lost", "echo kept > /codefresh/volume/note"]);
    for flags in [&["run", "--quiet"][..], &["run", "--output", "json"]] {
        let full = || fs::File::options().write(true).open("/dev/full").expect("there is one");
        let output = place.command(flags).stdout(full()).output().expect("runs");
        place.result(&output).expect(4, "", "error: not all of the output could be written: no space left on device\n");
    }
    let kept = place.run(["volume", "show", "codefresh.yml"]);
    assert_eq!((kept.status, kept.stdout.matches("digest:").count()), (0, 2), "the volume is saved: {kept:?}");
}

#[test]
fn flags_of_the_official_command_line_that_mean_nothing_are_noted() {
    let place = Place::new().commands(&["echo hello"]);
    let run = place.run(["run", "-ncfc", "-en", "--local", "--cpu", "500", "--pack-name", "small"]);
    let notes: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("note: ")).collect();
    assert_eq!(
        (run.status, notes),
        (
            0,
            vec![
                "note: `--no-cf-cache` has no meaning here: there is no such cache here",
                "note: `--enable-notifications` has no meaning here: there is nobody to notify",
                "note: `--local` has no meaning here: every build is local",
                "note: `--cpu` has no meaning here: all processors may be used",
                "note: `--pack-name` has no meaning here: this machine is as large as it is",
            ]
        )
    );
}

#[test]
fn the_memory_of_commands_can_be_bounded() {
    let place = Place::new().commands(&["sort /dev/zero | head -c 1 || echo over"]);
    let run = place.run(["run", "--quiet", "--memory", "0"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    let place = place.commands(&["head -c 60000000 < /dev/zero | sort | wc -c"]);
    let run = place.run(["run", "--memory", "32"]);
    assert!(run.stdout.contains("memory"), "{run:?}");
    assert!(place.run(["run", "--memory", "1024"]).stdout.ends_with("60000001\n"));
}
