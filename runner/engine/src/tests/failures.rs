//! When things break.

use super::bench::Bench;
use crate::{BuildResult, EngineErrorKind, Lockdown, VolumeOutcome, WorkerLaunch};

#[test]
fn a_worker_that_dies_is_a_failed_step_and_the_volume_is_not_saved() {
    let bench = Bench::new();
    bench.snapshot("old", "kept=1\n");
    let steps = "  a:\n    image: alpine\n    fail_fast: false\n    commands: [say x, write kept 2, die]\n  b:\n    image: alpine\n    commands: [say b]\n";
    let done = bench.steps(steps).process().run();
    assert_eq!(
        (done.outcome().result, done.states()),
        (BuildResult::Failure, vec!["a error".into(), "b pending".into()])
    );
    assert_eq!(done.reason(0), Some("the worker died: signal 9"));
    assert_eq!(done.outcome().volume, VolumeOutcome::NotSaved { reason: "the worker died: signal 9".into() });
    assert_eq!((done.output().as_str(), bench.latest().as_deref()), ("x\n", Some("kept=1\n")));
}

#[test]
fn a_step_that_cannot_be_run_says_why() {
    let done = Bench::new().steps("  a:\n    image: alpine\n    commands: [fail no such directory]\n").run();
    assert_eq!((done.states(), done.reason(0)), (vec!["a error".into()], Some("no such directory")));
    assert!(done.is_saved());
}

#[test]
fn a_worker_that_cannot_be_started_is_an_error_of_ours() {
    let bench = Bench::new();
    let mut build = bench.steps("  a:\n    image: alpine\n    commands: [say x]\n");
    build.launch =
        WorkerLaunch::Process { program: "/nowhere/stepbox".into(), arguments: vec![], lockdown: Lockdown::Off };
    let done = build.run();
    assert_eq!(done.error().kind, EngineErrorKind::Worker);
    assert_eq!(done.error().message, "cannot start the worker: /nowhere/stepbox: no such file or directory");
    let last = serde_json::to_value(done.events.last()).expect("json");
    assert_eq!(last["event"], "build_aborted");
}

#[test]
fn a_worker_that_says_nothing_useful_is_an_error_of_ours() {
    let bench = Bench::new();
    let mut build = bench.steps("  a:\n    image: alpine\n    commands: [say x]\n");
    build.launch = WorkerLaunch::InProcess(drop);
    assert_eq!(build.run().error().message, "cannot set up the worker: the worker ended");
    let mut build = bench.steps("  a:\n    image: alpine\n    commands: [say x]\n");
    build.launch = WorkerLaunch::Process { program: "/bin/false".into(), arguments: vec![], lockdown: Lockdown::Off };
    assert_eq!(build.run().error().message, "cannot set up the worker: the worker ended with status 1");
}

#[test]
fn l7_a_failed_publication_changes_nothing_but_is_told() {
    let bench = Bench::new();
    bench.snapshot("old", "kept=1\n");
    bench.publishing_fails("no space left on device");
    let done = bench.steps("  a:\n    image: alpine\n    commands: [write kept 2]\n").run();
    assert_eq!(done.outcome().result, BuildResult::Success);
    assert_eq!(done.outcome().volume, VolumeOutcome::NotSaved { reason: "no space left on device".into() });
    assert_eq!(bench.latest().as_deref(), Some("kept=1\n"));
    let told = done.events.iter().any(
        |event| matches!(event, crate::BuildEvent::VolumeNotSaved { reason } if reason == "no space left on device"),
    );
    assert!(told);
}

#[test]
fn l7_a_failed_packing_changes_nothing_but_is_told() {
    let bench = Bench::new();
    let done = bench.steps("  a:\n    image: alpine\n    commands: [write packing-fails disk quota exceeded]\n").run();
    assert_eq!(done.outcome().result, BuildResult::Success);
    assert_eq!(done.outcome().volume, VolumeOutcome::NotSaved { reason: "disk quota exceeded".into() });
    assert_eq!(bench.latest(), None);
}

#[test]
fn what_the_worker_says_of_its_files_is_checked() {
    let bench = Bench::new();
    let done = bench.steps("  a:\n    image: alpine\n    commands: [write worker-lies x]\n").run();
    let reason = "the archive is not what the worker says".to_owned();
    assert_eq!((done.outcome().volume.clone(), bench.latest()), (VolumeOutcome::NotSaved { reason }, None));
}

#[test]
fn a_worker_that_breaks_the_protocol_is_an_error_of_ours() {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use stepbox_protocol::{Connection, Event, Request, VERSION};

    fn answer(socket: UnixStream, event: &Event) {
        let mut connection = Connection::new(socket).expect("a connection");
        let _ = connection.receiver.receive::<Request>();
        let _ = connection.sender.send(event);
    }
    fn garbage(mut socket: UnixStream) {
        let _ = socket.write_all(b"GET / HTTP/1.1\r\n\r\n");
    }
    fn newer(socket: UnixStream) {
        answer(socket, &Event::Ready { version: 999, wall: None });
    }
    fn early(socket: UnixStream) {
        answer(socket, &Event::Mounted);
    }
    type Case<'a> = (fn(UnixStream), &'a str);
    let newer_text = format!("the worker speaks version 999 of the protocol, this program {VERSION}");
    let cases: [Case<'_>; 3] = [
        (
            garbage,
            "cannot set up the worker: the worker broke the protocol: the peer sent a malformed frame: no frame begins here",
        ),
        (newer, &newer_text),
        (early, "cannot set up the worker: the worker broke the protocol: it spoke before it was ready"),
    ];
    for (serve, expected) in cases {
        let bench = Bench::new();
        let mut build = bench.steps("  a:\n    image: alpine\n    commands: [say x]\n");
        build.launch = WorkerLaunch::InProcess(serve);
        assert_eq!(build.run().error().message, expected);
    }
}
