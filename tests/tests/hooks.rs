//! Hooks, by the program.

use stepbox_tests::Place;

const PIPELINE: &str = "version: '1.0'
hooks:
  on_elected: [echo before all]
  on_finish:
    exec: {image: alpine, commands: [echo \"at the end of $CF_BUILD_TRIGGER\"]}
steps:
  work:
    image: alpine
    commands: [echo working, cf_export MADE=here]
    hooks:
      on_elected: [echo first]
      on_success:
        steps:
          one: {image: alpine, commands: [echo one]}
          two: {image: alpine, commands: [exit 3]}
          three: {image: alpine, commands: [echo three]}
      on_fail: [echo never]
  later:
    image: alpine
    commands: [echo \"$MADE\"]
    hooks: {on_finish: ['echo \"hook $MADE\"']}
";

#[test]
fn h5_h7_h10_hooks_are_shown_with_their_steps_and_recorded() {
    let place = Place::new().file("codefresh.yml", PIPELINE);
    let run = place.settled(place.run(["run", "-v", "CF_SKIP_MAIN_CLONE=true"]));
    let told = "\
build: [ID]
volume: [PLACE]/project/codefresh.yml, empty
--> on_elected

==> work
--> on_elected of work
--> on_success of work
on_success of work: error: step `two`: exit status 3
warning: step `work`: hook `on_success` failed, which changes nothing: step `two`: exit status 3
work: success (N s)

==> later
--> on_finish of later
later: success (N s)
--> on_finish

step   result          time  stage
work   success        N s  default
later  success        N s  default

volume saved: [ID]
build succeeded (N s)
";
    let printed = "before all\nfirst\nworking\none\nhere\nhook here\nat the end of build\n";
    run.expect(0, printed, told);
    place.run(["builds", "logs", "--step", "work"]).expect(0, "first\nworking\none\n", "");
    assert!(place.run(["builds", "logs"]).stdout.starts_with("before all\nfirst\n"));
    let plan = place.run(["plan", "-v", "CF_SKIP_MAIN_CLONE=true"]);
    let lines: Vec<&str> = plan.stdout.lines().filter(|line| line.contains("hooks")).collect();
    assert_eq!(
        lines,
        ["hooks: on_elected, on_finish", "    hooks on_elected, on_success, on_fail", "    hooks on_finish"]
    );
}

#[test]
fn a5_annotations_are_in_the_record() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'
steps:
  test:
    image: alpine
    commands: ['echo 93.5 > /codefresh/volume/coverage', 'echo \"two\" > /codefresh/volume/report', 'echo lines >> /codefresh/volume/report']
    on_success:
      annotations:
        set: [{annotations: [passed, coverage: 'file:coverage', report: 'file:report', tests: 12]}]
",
    );
    let run = place.run(["run", "-v", "CF_SKIP_MAIN_CLONE=true", "-a", "commit=abc", "--quiet"]);
    assert_eq!((run.status, run.stderr.as_str()), (0, ""), "{run:?}");
    let shown = place.run(["builds", "show", "latest"]).stdout;
    let lines: Vec<&str> = shown.lines().skip_while(|line| !line.starts_with("annotation")).take(6).collect();
    let expected = [
        "annotation: commit: abc",
        "annotation: coverage: 93.5",
        "annotation: passed",
        "annotation: report: two",
        "  lines",
        "annotation: tests: 12",
    ];
    assert_eq!(lines, expected);
    let json = place.run(["builds", "show", "latest", "--output", "json"]).stdout;
    let json: serde_json::Value = serde_json::from_str(&json).expect("json");
    let annotations = &json["outcome"]["annotations"];
    let expected = serde_json::json!({"commit": "abc", "coverage": "93.5\n", "passed": null, "report": "two\nlines\n", "tests": 12});
    assert_eq!(annotations, &expected, "{json}");
    let run = place.run(["run", "-a", "no value"]);
    assert_eq!(run.status, 2);
    assert!(run.stderr.contains("write `-a NAME=VALUE`"), "{run:?}");
}

#[test]
fn h7_a_hook_before_all_that_fails_fails_the_build() {
    let place = Place::new().file("codefresh.yml", PIPELINE.replace("[echo before all]", "[echo before all, exit 7]"));
    let run = place.run(["run", "-v", "CF_SKIP_MAIN_CLONE=true"]);
    assert_eq!((run.status, run.stdout.as_str()), (1, "before all\nat the end of build\n"), "{run:?}");
    assert!(run.stderr.contains("hook `on_elected` failed, and with it the build: step `on_elected`: exit status 7\n"));
}

#[test]
fn h2_what_a_hook_needs_is_checked_beforehand() {
    let hook = "    hooks: {on_finish: {image: 'node:20', commands: [npm ci]}}\n";
    let place = Place::new().file(
        "codefresh.yml",
        format!("version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [ls]\n{hook}  b:\n    image: alpine\n    commands: [echo b]\n"),
    );
    let run = place.run(["run"]);
    assert_eq!((run.status, run.stdout.as_str()), (2, ""));
    assert!(
        run.stderr.starts_with("error: step `a`: step `on_finish`: nobody provides the image `node:20`\n"),
        "{run:?}"
    );
    let check = place.run(["check"]);
    assert!(check.status != 0 && check.stdout.contains("needs image `node:20`"), "{check:?}");
    let run = place.run(["run", "--quiet", "--skip-unsupported"]);
    assert!(run.status == 0 && run.stdout.ends_with("\nb\n"), "{run:?}");
}
