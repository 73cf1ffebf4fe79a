//! Signals to the running program: the build ends cleanly, nothing is published, nobody is left behind.

use std::io::{BufRead, BufReader, Read};
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use stepbox_tests::Place;

/// A build whose first run leaves `before`, and whose second one waits in a loop for a signal.
fn interrupted(commands: &[&str]) -> (Place, Child, BufReader<std::process::ChildStdout>) {
    let place = Place::new().commands(&["echo before > /codefresh/volume/state"]);
    assert_eq!(place.run(["run"]).status, 0);
    let place = place.commands(commands);
    let mut child = place.start(&mut place.command(["run"]));
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    while line.trim() != "waiting" {
        line.clear();
        assert!(lines.read_line(&mut line).expect("reads") > 0, "the step begins to wait");
    }
    (place, child, lines)
}

fn send(child: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("small")).expect("a process");
    kill_process(pid, signal).expect("sends");
}

/// Standard error of a build that has ended by itself, with the status.
fn ended(place: &Place, mut child: Child, mut lines: BufReader<std::process::ChildStdout>) -> (i32, String) {
    let mut rest = String::new();
    lines.read_to_string(&mut rest).expect("the output ends when the last process has");
    let mut text = vec![];
    child.stderr.take().expect("piped").read_to_end(&mut text).expect("reads");
    let status = child.wait().expect("ends");
    let output = std::process::Output { status, stdout: rest.into_bytes(), stderr: text };
    let run = place.result(&output);
    (run.status, run.stderr)
}

/// The next build starts from what the first one left, and there is nothing of the interrupted one.
fn check_untouched(place: Place) {
    assert_eq!(std::fs::read_dir(place.path("state/work")).expect("reads").count(), 0);
    let place = place.commands(&["cat /codefresh/volume/state"]);
    let run = place.run(["run"]);
    assert!(run.status == 0 && run.stdout.ends_with("\nbefore\n"), "{run:?}");
}

const WAIT: [&str; 2] = ["echo after > /codefresh/volume/state", "echo waiting; while :; do :; done"];

#[test]
fn s2_l7_a_signal_ends_the_build_and_nothing_is_saved() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let (place, child, lines) = interrupted(&WAIT);
        send(&child, signal);
        let (status, stderr) = ended(&place, child, lines);
        let expected = "build: [ID]
volume: [PLACE]/project/codefresh.yml, from build [ID]

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
        assert_eq!((status, stderr.as_str()), (3, expected), "{signal:?}");
        check_untouched(place);
    }
}

#[test]
fn s2_a_step_that_ignores_the_first_signal_is_ended_by_the_second() {
    let (place, child, lines) = interrupted(&["trap '' TERM INT; echo waiting; while :; do :; done"]);
    send(&child, Signal::INT);
    // The two are told apart by what they are to the program, not by time.
    send(&child, Signal::TERM);
    let (status, stderr) = ended(&place, child, lines);
    assert_eq!(status, 3, "{stderr}");
    assert!(stderr.contains("\nbuild terminated ("), "{stderr}");
    check_untouched(place);
}

#[test]
fn s2_background_commands_end_with_their_build() {
    let (place, child, lines) = interrupted(&["(while :; do :; done) & sleep 1000 & echo waiting; wait"]);
    send(&child, Signal::INT);
    let (status, stderr) = ended(&place, child, lines);
    assert_eq!(status, 3, "{stderr}");
    check_untouched(place);
}
