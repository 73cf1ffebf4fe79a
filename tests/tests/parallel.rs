//! Steps that run at once, by the program.

use std::fs;

use stepbox_tests::Place;

/// Two steps that cannot end one after the other: each waits for what the other one makes.
const MEET: &str = "version: '1.0'
steps:
  both:
    type: parallel
    steps:
      a:
        image: alpine
        commands:
          - touch /codefresh/volume/a
          - until [ -e /codefresh/volume/b ]; do sleep 0.01; done
          - cf_export FROM_A=1
      b:
        image: alpine
        commands:
          - touch /codefresh/volume/b
          - until [ -e /codefresh/volume/a ]; do sleep 0.01; done
          - cf_export FROM_B=2
  after:
    image: alpine
    commands:
      - echo \"$FROM_A $FROM_B\"
";

#[test]
fn p2_l4_steps_run_at_once_on_the_live_volume_and_both_export() {
    let place = Place::new().file("codefresh.yml", MEET);
    let run = place.run(["run"]);
    assert!(run.status == 0 && run.stdout.ends_with("\n1 2\n"), "{run:?}");
    place.write(
        "codefresh.yml",
        MEET.replace("version: '1.0'\n", "version: '1.0'\nmode: parallel\n").replace(
            "  after:\n    image: alpine\n",
            "  after:\n    image: alpine\n    when:\n      steps:\n        - name: both\n",
        ),
    );
    let run = place.run(["run"]);
    assert!(run.status == 0 && run.stdout.ends_with("\n1 2\n"), "{run:?}");
}

#[test]
fn the_lines_of_steps_that_run_at_once_do_not_mix() {
    let steps: String = (0..4)
        .map(|step| {
            format!(
                "      s{step}:\n        image: alpine\n        commands:\n          - i=0; while [ $i -lt 300 ]; do printf 'the line %d of' $i; printf ' step {step}\\n'; i=$((i + 1)); done; printf 'the end'\n"
            )
        })
        .collect();
    let place = Place::new()
        .file("codefresh.yml", format!("version: '1.0'\nsteps:\n  all:\n    type: parallel\n    steps:\n{steps}"));
    let run = place.run(["run", "--quiet"]);
    assert_eq!(run.status, 0, "{run:?}");
    let mut next = [0; 4];
    // The last one may be alone by then.
    for line in run.stdout.lines().filter(|line| line.contains("the line")) {
        let step: usize =
            line.rsplit(' ').next().and_then(|step| step.parse().ok()).unwrap_or_else(|| panic!("{line}"));
        let text = format!("the line {} of step {step}", next[step]);
        assert!(line == format!("s{step} | {text}") || line == text, "{line}");
        next[step] += 1;
    }
    assert_eq!(next, [300; 4]);
    assert_eq!(run.stdout.matches("the end").count(), 4);
}

#[test]
fn c4_a_skipped_step_says_why_and_leaves_the_build_well() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'\nsteps:\n  deploy:\n    image: alpine\n    commands:\n      - echo deployed\n    when:\n      condition:\n        all:\n          isMain: '\"${{CF_BRANCH}}\" == \"main\"'\n",
    );
    let run = place.run(["run", "--branch", "dev"]);
    assert_eq!(run.status, 0, "{run:?}");
    let told = "deploy: skipped: `when.condition.all.isMain`: `\"dev\" == \"main\"` is false\n";
    assert!(run.stderr.contains(told), "{run:?}");
    assert!(place.run(["run", "--branch", "main"]).stdout.ends_with("deployed\n"));
}

#[test]
fn p12_a_failure_in_parallel_mode_stops_the_others_wherever_they_are() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'\nmode: parallel\nsteps:\n  sleeps:\n    image: alpine\n    commands: [touch /codefresh/volume/1, sleep 1000]\n  \
         computes:\n    image: alpine\n    commands: [touch /codefresh/volume/2, 'while :; do :; done']\n  \
         reads:\n    image: alpine\n    commands: [touch /codefresh/volume/3, 'sleep 1000 | cat']\n  \
         fails:\n    image: alpine\n    commands: ['until [ -e /codefresh/volume/1 -a -e /codefresh/volume/2 -a -e /codefresh/volume/3 ]; do sleep 0.01; done; exit 9']\n",
    );
    let run = place.run(["run"]);
    assert_eq!(run.status, 1, "{run:?}");
    for step in ["sleeps", "computes", "reads"] {
        let told = format!("{step}: terminated: stopped, because step `fails` failed");
        assert!(run.stderr.contains(&told), "{run:?}");
    }
    assert!(fs::metadata(place.path("state/store/oci-layout")).is_ok());
}

#[test]
fn p14_a_matrix_runs_every_combination() {
    let place = Place::new().file(
        "codefresh.yml",
        "version: '1.0'\nsteps:\n  test:\n    title: Tests\n    commands:\n      - echo \"$CF_STEP_NAME $A $B\" >> /codefresh/volume/seen\n    matrix:\n      image: [alpine, 'debian:12']\n      \
         environment:\n        - [A=1, B=2]\n        - [A=3, B=4]\n  look:\n    image: alpine\n    commands: [sort /codefresh/volume/seen]\n",
    );
    let run = place.run(["run"]);
    assert!(run.status == 0 && run.stdout.ends_with("test_1 1 2\ntest_2 3 4\ntest_3 1 2\ntest_4 3 4\n"), "{run:?}");
    assert!(
        run.stderr.contains("\n==> Tests\n") && run.stderr.contains("test (debian:12, A=3 B=4): success"),
        "{run:?}"
    );
}
