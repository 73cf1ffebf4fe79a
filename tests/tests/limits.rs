//! Limits of steps, builds and hosts: who sets them, and what happens where one is met.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use stepbox_tests::{Place, Run};

/// A build of one step with some limits.
fn limited(commands: &[&str], limits: &[&str]) -> Run {
    let place = Place::new().commands(commands);
    let mut words = vec!["run"];
    limits.iter().for_each(|limit| words.extend(["--limit", limit]));
    place.run(words)
}

#[track_caller]
fn says(run: &Run, status: i32, text: &str) {
    assert!(run.status == status && format!("{}{}", run.stdout, run.stderr).contains(text), "{text}\n{run:?}");
}

#[test]
fn a_step_prints_writes_and_makes_no_more_than_it_may() {
    let run = limited(&["echo 1234567890; echo 12345678901234567890"], &["output=20"]);
    says(&run, 1, "nothing is left of the limit `output` of 20 bytes for one step (`--limit output=…` changes it)");
    assert!(run.stdout.ends_with("\n1234567890\n"), "{run:?}");
    let run = limited(&["echo 1234567890; echo 12345678901234567890"], &["log=20"]);
    says(&run, 1, "nothing is left of the limit `log` of 20 bytes for one build (`--limit log=…` changes it)");
    let run =
        limited(&["head -c 3000 /dev/zero > /codefresh/volume/a", "head -c 3000 /dev/zero > b"], &["written=4KiB"]);
    says(&run, 1, "nothing is left of the limit `written` of 4 KiB for one step (`--limit written=…` changes it)");
    let run = limited(&["cd /codefresh/volume; mkdir a; for n in 1 2 3 4 5; do echo > f$n; done"], &["entries=4"]);
    says(&run, 1, "nothing is left of the limit `entries` of 4 for one step (`--limit entries=…` changes it)");
    let run = limited(&["head -c 3000 /dev/zero > /tmp/a", "head -c 3000 /dev/zero > /tmp/b"], &["scratch=4KiB"]);
    says(&run, 1, "nothing is left of the limit `scratch` of 4 KiB for one build (`--limit scratch=…` changes it)");
}

#[test]
fn commands_at_once_and_their_memory_are_bounded() {
    let many = "for n in 1 2 3 4 5 6 7 8; do sleep 1000 & done; true";
    says(&limited(&[many], &["commands=4"]), 1, "the limit `commands` of 4 for one step");
    says(&limited(&[many], &["threads=4"]), 1, "the limit `threads` of 4 for one build");
    let run = limited(&["head -c 200M /dev/zero | sort | tail -c 1"], &["memory=64MiB"]);
    // The status of a pipeline is that of its last command.
    says(&run, 0, "stopped at the limit `memory` of 64 MiB for one command (`--limit memory=…` changes it)");
}

#[test]
fn steps_and_builds_take_no_longer_than_they_may() {
    let run = limited(&["sleep 1000"], &["step-time=1s"]);
    says(
        &run,
        1,
        "the step took longer than the limit `step-time` of 1 s for one step (`--limit step-time=…` changes it)",
    );
    let run = limited(&["sleep 1000"], &["build-time=1s"]);
    says(
        &run,
        3,
        "the build ran longer than the limit `build-time` of 1 s for one build (`--limit build-time=…` changes it)",
    );
}

#[test]
fn a_store_that_would_be_too_large_takes_nothing_and_the_build_stays_what_it_is() {
    let run = limited(&["echo text > /codefresh/volume/file"], &["store=10"]);
    says(
        &run,
        0,
        "above the limit `store` of 10 bytes for this host (`--limit store=…` changes it); `stepbox volume gc` makes room",
    );
}

#[test]
fn so_many_builds_run_at_once_and_no_more() {
    let place = Place::new().commands(&["true"]);
    let slots = place.path("state").join("slots");
    assert_eq!(place.run(["run", "--limit", "builds=2"]).status, 0);
    let held: Vec<File> = (0..2)
        .map(|number| {
            let file = File::options().write(true).create(true).truncate(false).open(slots.join(number.to_string()));
            let file = file.expect("opens");
            file.try_lock().expect("free");
            file
        })
        .collect();
    let run = place.run(["run", "--limit", "builds=2"]);
    says(&run, 4, "2 builds run already: the limit `builds` of 2 for this host (`--limit builds=…` changes it)");
    drop(held);
    assert_eq!(place.run(["run", "--limit", "builds=2"]).status, 0);
}

#[test]
fn the_worker_stands_back_as_far_as_it_is_told_and_on_so_many_processors() {
    let place = Place::new().commands(&["echo ready; sleep 1000"]);
    let mut child = place.start(&mut place.command(["run", "--limit", "cores=1", "--limit", "niceness=7"]));
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    assert!(lines.by_ref().any(|line| line.expect("text") == "ready"));
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", child.id())).expect("reads");
    let worker = children.split_whitespace().next().expect("the worker").to_owned();
    let status = fs::read_to_string(format!("/proc/{worker}/status")).expect("reads");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("there").trim();
    assert!(allowed.parse::<u32>().is_ok(), "{allowed}");
    let stat = fs::read_to_string(format!("/proc/{worker}/stat")).expect("reads");
    let after_name = stat.rsplit_once(')').expect("a name").1;
    assert_eq!(after_name.split_whitespace().nth(16), Some("7"), "{stat}");
    stepbox_tests::send(&child, rustix::process::Signal::INT);
    assert_eq!(child.wait().expect("ends").code(), Some(3));
}

#[test]
fn a_project_asks_for_less_and_the_owner_has_the_last_word() {
    let place = Place::new().commands(&["echo 12345678901234567890"]);
    place.write("stepbox.yaml", "limits:\n  output: 10\n");
    says(&place.run(["run"]), 1, "the limit `output` of 10 bytes for one step (set in `stepbox.yaml`)");
    place.write("policy.yaml", "limits: {output: 5, memory: 64MiB}\n");
    let run = place.run(["run", "--policy", "policy.yaml", "--limit", "output=1GiB"]);
    says(&run, 1, "the limit `output` of 5 bytes for one step (set by the policy of this host)");
    says(&run, 1, "note: `output` of 10 bytes is not given: the policy of this host allows 5 bytes");
    place.write("stepbox.yaml", "limits:\n  output: 2GiB\n");
    says(
        &place.run(["run"]),
        0,
        "note: `stepbox.yaml` asks for `output` of 2 GiB, and it stays at 1 GiB: `--limit output=2GiB` or `stepbox trust` allows it",
    );
}

#[test]
fn wrong_limits_are_told_with_their_place() {
    let place = Place::new().commands(&["true"]);
    place.write("stepbox.yaml", "limits:\n  memory: lots\n");
    let expected = "error: limits.memory: the limit `memory`: `lots` is no size, such as `512MiB`\n --> stepbox.yaml:2:11\n  |\n\
                    2 |   memory: lots\n  |           ^\n";
    place.run(["run"]).expect(2, "", expected);
    place.write("stepbox.yaml", "limits: {builds: 3}\n");
    let run = place.run(["run"]);
    says(&run, 2, "the limit `builds` is the host's, not the project's: the user or the owner of the host sets it");
    place.write("stepbox.yaml", "");
    place.write("policy.yaml", "limit: {}\n");
    says(&place.run(["run", "--policy", "policy.yaml"]), 2, "policy.yaml:1:1");
    says(&place.run(["run", "--policy", "none.yaml"]), 2, "error: there is no policy `none.yaml`");
    let run = place.run(["run", "--limit", "memry=1"]);
    says(&run, 2, "error: there is no limit `memry`\nhint: the limits are memory, table, stack, open-files, ");
}

#[test]
fn the_reference_of_limits_is_in_help_and_in_readme() {
    let help = Place::new().run(["run", "--help"]).stdout;
    let readme = include_str!("../../README.md");
    for name in ["memory", "open-files", "step-time", "written", "build-memory", "niceness", "builds"] {
        assert!(help.contains(&format!("  {name} ")), "{name}: {help}");
        assert!(readme.contains(&format!("| `{name}` |")), "{name}");
    }
}

#[test]
fn steps_beside_one_that_means_harm_end_as_they_would() {
    let hostile = [
        "head -c 500M /dev/zero | sort | tail -c 1",
        "b() { b | b & }; b; sleep 1; true",
        "yes",
        "while :; do echo > /codefresh/volume/x$((n=n+1)); done",
        "f() { f; }; f",
    ];
    let mut text = "version: '1.0'\nmode: parallel\nsteps:\n".to_owned();
    for (number, command) in hostile.iter().enumerate() {
        text.push_str(&format!(
            "  bad{number}:\n    image: alpine\n    fail_fast: false\n    commands:\n      - {command:?}\n"
        ));
    }
    for number in 0..3 {
        text.push_str(&format!(
            "  good{number}:\n    image: alpine\n    commands:\n      - mkdir /codefresh/volume/good{number}\n      - cd              /codefresh/volume/good{number}\n      - for n in 1 2 3 4 5 6 7 8 9; do echo $n | cat > f$n; done\n      - cat f* | wc -l > /tmp/n;              echo good{number} $(cat /tmp/n)\n"
        ));
    }
    let place = Place::new().file("codefresh.yml", text);
    let limits = ["output=1MiB", "entries=500", "memory=64MiB", "build-memory=256MiB", "commands=32"];
    let mut words = vec!["run", "--output", "json"];
    limits.iter().for_each(|limit| words.extend(["--limit", limit]));
    let run = place.run(words);
    let states: Vec<String> = run
        .stdout
        .lines()
        .filter(|line| line.contains("\"step_finished\"") || line.contains("StepFinished"))
        .map(str::to_owned)
        .collect();
    for number in 0..3 {
        let name = format!("\"good{number}\"");
        assert!(states.iter().any(|line| line.contains(&name) && line.contains("\"success\"")), "{name}: {states:?}");
    }
    assert!(run.stdout.contains("good0 9") && run.stdout.contains("good2 9"), "{}", run.stderr);
}
