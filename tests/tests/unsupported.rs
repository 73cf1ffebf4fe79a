//! Pipelines of which a part cannot run here.

use stepbox_tests::Place;

const MIXED: &str = "version: '1.0'
steps:
  image:
    title: Build the image
    type: build
    image_name: a/b
  test:
    image: ${{image}}
    commands: [make test]
  fine:
    image: alpine
    commands: [echo fine]
";

#[test]
fn all_obstacles_are_told_at_once_and_the_flag_that_leaves_them_out() {
    let run = Place::new().file("codefresh.yml", MIXED.replace("${{image}}", "node:20")).run(["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    let told: Vec<&str> =
        run.stderr.lines().filter(|line| line.starts_with("error: ") || line.contains("skip-")).collect();
    assert_eq!(
        told,
        [
            "error: step `image`: `type: build` is not supported: it needs docker",
            "error: step `test`: nobody provides the image `node:20`",
            "error: the pipeline `codefresh.yml` cannot be run, for 2 reasons",
            "hint: to run the other steps all the same, give `--skip-unsupported`",
        ]
    );
}

#[test]
fn the_other_steps_run_and_the_build_says_how_many_were_left_out() {
    let place = Place::new().file("codefresh.yml", MIXED);
    place.settled(place.run(["run", "--skip-unsupported", "-v", "CF_SKIP_MAIN_CLONE=true"])).expect(
        0,
        "fine\n",
        "\
build: [ID]
volume: [PLACE]/project/codefresh.yml, empty
Build the image: skipped: `type: build` is not supported: it needs docker
test: skipped: refers to step `image`, which cannot run here

==> fine
fine: success (N s)

step   result          time  stage
image  skipped            -  default
test   skipped            -  default
fine   success        N s  default

volume saved: [ID]
build succeeded (2 steps skipped) (N s)
",
    );
    let run = place.run(["run", "--skip-unsupported", "--require-all", "-v", "CF_SKIP_MAIN_CLONE=true"]);
    assert_eq!(run.status, 1, "{run:?}");
}
