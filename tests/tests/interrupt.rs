//! Ctrl-C and its like: the build ends in order, nothing of it is published, nothing of it lives on.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdout, Command};

use rustix::process::{Pid, Signal, kill_process_group};
use stepbox_tests::{Place, Run, send};

/// A build that was started, and its standard output.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(place: &Place, command: &mut Command) -> Self {
        let mut child = place.start(command);
        let lines = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, lines }
    }

    /// Waits until a line of the output holds this.
    fn until(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).expect("reads"), 0, "the build ended without saying `{text}`");
        }
    }

    /// Waits for the end; the rest of the output.
    fn end(mut self, place: &Place) -> Run {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.lines, &mut rest).expect("reads");
        let output = self.child.wait_with_output().expect("ends");
        Run { stdout: rest, ..place.result(&output) }
    }
}

/// Writes to the volume, says so and waits.
fn waiting() -> Place {
    Place::new().commands(&["echo lost > /codefresh/volume/note", "echo ready; sleep 1000", "echo never"])
}

/// Nothing is published, nothing lives, nothing is left to sweep.
fn expect_nothing_left(place: &Place) {
    place.expect_no_processes();
    let list = place.run(["volume", "ls"]);
    list.expect(0, "", "no build has left a volume yet\n");
    let work: Vec<_> = std::fs::read_dir(place.path("state/work")).expect("lists").collect();
    assert!(work.is_empty(), "{work:?}");
}

const TERMINATED: &str = "build: [ID]
volume: [PLACE]/project/codefresh.yml, empty

==> Cloning main repository
Cloning main repository: success (N s)

==> work
work: terminated: ended by signal 15 (N s)

step        result          time  stage
main_clone  success        N s  default
work        terminated     N s  default

volume not saved: the build was terminated
build terminated (N s)
";

#[test]
fn interrupt_termination_and_hang_up_end_a_build_in_order() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let place = waiting();
        let mut build = Running::start(&place, &mut place.command(["run"]));
        build.until("ready");
        send(&build.child, signal);
        let run = build.end(&place);
        run.expect(3, "", TERMINATED);
        expect_nothing_left(&place);
    }
}

#[test]
fn ctrl_c_reaches_the_whole_group_of_a_terminal_and_the_build_ends_in_order_all_the_same() {
    let place = waiting();
    let mut build = Running::start(&place, place.command(["run"]).process_group(0));
    build.until("ready");
    let group = i32::try_from(build.child.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process_group(group, Signal::INT).expect("it is ours");
    build.end(&place).expect(3, "", TERMINATED);
    expect_nothing_left(&place);
}

#[test]
fn an_interrupted_build_leaves_the_volume_as_it_was() {
    let place = Place::new().commands(&[
        "cat /codefresh/volume/note 2>/dev/null || true",
        "echo \"build $CF_TEST\" > /codefresh/volume/note",
        "echo ready; if [ $CF_TEST = 2 ]; then sleep 1000; fi",
    ]);
    assert_eq!(place.run(["run", "-v", "CF_TEST=1"]).status, 0);
    let mut build = Running::start(&place, &mut place.command(["run", "-v", "CF_TEST=2"]));
    build.until("ready");
    send(&build.child, Signal::INT);
    assert_eq!(build.end(&place).status, 3);
    let run = place.run(["run", "-v", "CF_TEST=3"]);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.ends_with("build 1\nready\n"), "{run:?}");
}

#[test]
fn the_record_of_an_interrupted_build_is_whole() {
    let place = waiting();
    let mut build = Running::start(&place, &mut place.command(["run", "--output", "json"]));
    build.until("ready");
    send(&build.child, Signal::INT);
    let run = build.end(&place);
    assert_eq!((run.status, run.stderr.as_str()), (3, ""), "{run:?}");
    let events: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let names: Vec<_> = events.iter().map(|event| event["event"].as_str().expect("a name")).collect();
    assert_eq!(names, ["step_finished", "volume_not_saved", "build_finished"], "{run:?}");
    assert_eq!(events[0]["state"], "terminated", "{run:?}");
    assert_eq!(events[2]["result"], "terminated", "{run:?}");
}

#[test]
fn commands_that_compute_or_print_for_ever_are_interrupted_too() {
    for command in
        ["while :; do :; done", "yes", "yes | cat > /dev/null", "(sleep 1000; echo never) | cat", "sleep 1000 & wait"]
    {
        let place = Place::new().commands(&[&format!("echo ready; {command}")]);
        let mut build = Running::start(&place, &mut place.command(["run"]));
        build.until("ready");
        send(&build.child, Signal::INT);
        let run = build.end(&place);
        assert_eq!(run.status, 3, "{command}: {}", run.stderr);
        assert!(run.stderr.contains("work: terminated"), "{command}: {}", run.stderr);
        expect_nothing_left(&place);
    }
}

#[test]
fn a_second_interrupt_ends_the_build_too() {
    for command in ["trap '' TERM INT; echo ready; while :; do sleep 0.01; done", "echo ready; sleep 1000"] {
        let place = Place::new().commands(&[command]);
        let mut build = Running::start(&place, &mut place.command(["run"]));
        build.until("ready");
        send(&build.child, Signal::INT);
        send(&build.child, Signal::INT);
        let run = build.end(&place);
        assert_eq!(run.status, 3, "{command}: {run:?}");
        expect_nothing_left(&place);
    }
}

#[test]
fn an_interrupt_ends_all_builds_of_a_variable_file() {
    let place = waiting().file("many.json", "[{\"X\": \"1\"}, {\"X\": \"2\"}]");
    let mut build = Running::start(&place, &mut place.command(["run", "--var-file", "many.json"]));
    build.until("ready");
    send(&build.child, Signal::INT);
    let run = build.end(&place);
    assert_eq!((run.status, run.stdout.as_str()), (3, ""), "{run:?}");
    assert!(!run.stderr.contains("build 2 of 2"), "{run:?}");
}

#[test]
fn an_interrupt_while_the_volume_is_saved_leaves_all_or_nothing() {
    let place = Place::new().commands(&["seq 1 200000 > /codefresh/volume/large"]);
    let mut build = Running::start(&place, &mut place.command(["run", "--output", "json"]));
    build.until("\"step\":\"work\"");
    build.until("step_finished");
    send(&build.child, Signal::INT);
    let run = build.end(&place);
    let list = place.run(["volume", "ls"]);
    match run.status {
        0 => assert!(list.stdout.contains("codefresh.yml"), "{run:?} {list:?}"),
        _ => {
            assert_eq!(run.status, 3, "{run:?}");
            expect_nothing_left(&place);
        }
    }
}
