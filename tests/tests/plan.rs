//! `stepbox plan` and `stepbox run --dry-run`.

use stepbox_tests::Place;

const PIPELINE: &str = "version: '1.0'
stages: [one, two]
steps:
  test:
    title: Tests of ${{X}}
    stage: one
    commands: ['make ${{X}}', echo hi]
    matrix:
      image: [alpine, 'debian:12']
  deploy:
    stage: two
    image: alpine
    commands: [echo]
    when:
      branch: {only: [main]}
      steps: [{name: test, on: [success, failure]}]
      condition: {all: {a: '\"${{X}}\" == \"1\"'}}
";

#[test]
fn the_plan_shows_stages_groups_and_conditions() {
    let place = Place::new().file("codefresh.yml", PIPELINE);
    place.run(["plan", "-v", "X=1"]).expect(
        0,
        "\
mode: sequential
stages: one, two
- main_clone: Cloning main repository (git-clone)
- test: Tests of 1 (parallel) [one]
  - test_1: test (alpine) (freestyle in alpine) [one]
  - test_2: test (debian:12) (freestyle in debian:12) [one]
- deploy (freestyle in alpine) [two]
    when branch is one of: main
    when a: \"1\" == \"1\"
    when test is success or failure
",
        "",
    );
    assert!(!place.path("state/store").exists(), "nothing is made");
}

#[test]
fn the_plan_is_a_flow_chart_too() {
    let text =
        PIPELINE.replace("mode: parallel\n", "").replace("      condition: {all: {a: '\"${{X}}\" == \"1\"'}}\n", "");
    Place::new().file("codefresh.yml", text).run(["plan", "-v", "X=a\"b", "--output", "mermaid"]).expect(
        0,
        "\
flowchart TD
  s0[\"Cloning main repository\"]
  subgraph s1[\"Tests of a#34;b\"]
    s2[\"test (alpine)\"]
    s3[\"test (debian:12)\"]
  end
  s4[\"deploy\"]
  s0 --> s1
  s1 -- \"branch is one of: main; test is success or failure\" --> s4
",
        "",
    );
}

#[test]
fn json_has_every_field() {
    let text = "version: '1.0'\nmode: parallel\nsteps:\n  a: {image: alpine, commands: [ls]}\n  \
                b: {image: alpine, commands: [ls], when: {steps: [{name: a}]}}\n";
    let run =
        Place::new().file("codefresh.yml", text).run(["plan", "--output", "json", "-v", "CF_SKIP_MAIN_CLONE=true"]);
    let found: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let step = |name: &str, after: &[&str], when: &[&str]| {
        serde_json::json!({"step": name, "title": name, "type": "freestyle", "stage": null, "image": "alpine", "inside": null,
            "after": after, "when": when, "hooks": [], "left_out": false, "commands": ["ls"]})
    };
    let steps = [step("a", &[], &[]), step("b", &["a"], &["a is success"])];
    assert_eq!(found, serde_json::json!({"mode": "parallel", "hooks": [], "stages": [], "steps": steps}));
}

#[test]
fn a_dry_run_shows_commands_and_runs_nothing() {
    let place = Place::new().file("codefresh.yml", PIPELINE);
    place.run(["run", "--dry-run", "--skip", "test_2", "--secret", "X=hunter2"]).expect(
        0,
        "\
mode: sequential
stages: one, two
- main_clone: Cloning main repository (git-clone)
- test: Tests of **** (parallel) [one]
  - test_1: test (alpine) (freestyle in alpine) [one]
      $ make ****
      $ echo hi
  - test_2: test (debian:12) (freestyle in debian:12) [one] left out
- deploy (freestyle in alpine) [two]
    when branch is one of: main
    when a: \"****\" == \"1\"
    when test is success or failure
    $ echo
",
        "",
    );
    assert!(!place.path("state/builds").exists(), "nothing is made");
}
