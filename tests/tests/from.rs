//! Builds that start at one of their steps, by the program.

use stepbox_tests::Place;

const PIPELINE: &str = "version: '1.0'
steps:
  compile:
    image: alpine
    commands:
      - echo compiling
      - echo binary > /codefresh/volume/out
      - cf_export VERSION=1.2
  test:
    image: alpine
    commands:
      - echo \"testing $(cat /codefresh/volume/out) $VERSION for $CUSTOMER\"
      - exit 3
  publish:
    image: alpine
    commands: [echo publishing]
";

const RUN: [&str; 3] = ["run", "-v", "CF_SKIP_MAIN_CLONE=true"];

#[test]
fn s11_a_mended_pipeline_goes_on_where_it_failed() {
    let place = Place::new().file("codefresh.yml", PIPELINE);
    assert_eq!(place.run([&RUN[..], &["-v", "CUSTOMER=ada"]].concat()).status, 1);
    let place = place.file("codefresh.yml", PIPELINE.replace("exit 3", "echo good"));
    let run = place.settled(place.run(["run", "--from", "test"]));
    let told = "\
build: [ID]
volume: [PLACE]/project/codefresh.yml, from build [ID]

==> test
test: success (N s)

==> publish
publish: success (N s)

step     result          time  stage
compile  success        N s  default
test     success        N s  default
publish  success        N s  default

volume saved: [ID]
build succeeded (N s)
";
    run.expect(0, "testing binary 1.2 for ada\ngood\npublishing\n", told);
}

#[test]
fn s11_where_a_build_cannot_start_is_told() {
    let place = Place::new().file("codefresh.yml", PIPELINE);
    let run = place.settled(place.run(["run", "--from", "test"]));
    run.expect(
        2,
        "",
        "error: no build of `[PLACE]/project/codefresh.yml` has left a volume to start from\n\
         hint: run the pipeline from its beginning\n",
    );
    let run = place.run(["run", "--from-build", "x"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.contains("--from <STEP>"), "{run:?}");
    assert_eq!(place.run(RUN).status, 1);
    let run = place.run(["run", "--from", "publish"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""), "{run:?}");
    assert!(run.stderr.starts_with("error: step `test` stands before `publish` and failed in build `"), "{run:?}");
    assert!(run.stderr.ends_with("`, which ended there\nhint: start there: `--from test`\n"), "{run:?}");
}
