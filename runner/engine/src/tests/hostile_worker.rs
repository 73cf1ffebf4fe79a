//! Workers that were taken over: whatever they say, the build ends with an error in words.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use stepbox_limits::Limit;
use stepbox_protocol::{
    Connection, Event, OutputStream, Receiver, Request, Sender, StepEnd, StepId, StepReport, VERSION,
};

use super::bench::Bench;
use crate::WorkerLaunch;

const STEP: &str = "  a:\n    image: alpine\n    commands: [hang]\n";

/// What became of a build whose worker is this.
fn ended(serve: fn(UnixStream)) -> String {
    let bench = Bench::new();
    let mut build = bench.steps(STEP);
    build.launch = WorkerLaunch::InProcess(serve);
    let done = build.run();
    match &done.outcome {
        Err(error) => error.message.clone(),
        Ok(outcome) => outcome.steps[0].reason.clone().unwrap_or_else(|| format!("{:?}", outcome.result)),
    }
}

/// Follows the rules until the step is to run; the socket, both ways.
fn until_the_step(socket: UnixStream) -> (Sender, Receiver, StepId) {
    let Connection { sender, mut receiver } = Connection::new(socket).expect("a connection");
    loop {
        let answer = match receive(&mut receiver).expect("a request").0 {
            Request::Setup(_) => Event::Ready { version: VERSION, wall: None },
            Request::Mount => Event::Mounted,
            Request::RunStep(step) => return (sender, receiver, step.id),
            other => panic!("{other:?}"),
        };
        sender.send(&answer).expect("sent");
    }
}

fn receive(receiver: &mut Receiver) -> Option<(Request, Vec<OwnedFd>)> {
    receiver.receive().ok().flatten()
}

/// Listens until the supervisor is done with it, as a process would until it is killed.
fn until_the_end(receiver: &mut Receiver) {
    while receive(receiver).is_some_and(|(request, _)| request != Request::Shutdown) {}
}

/// Says something over and over again, until nobody listens any more.
fn forever(sender: &Sender, event: &Event) {
    while sender.send(event).is_ok() {}
}

fn report(step: StepId) -> StepReport {
    StepReport { step, end: StepEnd::Exited(0), exports: Some(vec![]), masked: vec![], modules: 0, failed: None }
}

const BROKE: &str = "cannot set up the worker: the worker broke the protocol: the peer sent a malformed frame: ";

#[test]
fn garbage_and_huge_lengths_are_no_frames() {
    let garbage = |mut socket: UnixStream| drop(socket.write_all(&[0xff; 4096]));
    assert_eq!(ended(garbage), format!("{BROKE}no frame begins here"));
    let huge = |mut socket: UnixStream| drop(socket.write_all(b"sbx\0\xff\xff\xff\xff and so on"));
    assert_eq!(ended(huge), format!("{BROKE}a body of 4294967295 bytes"));
    // A list inside of a frame that says it has 2^63 elements.
    let list = |mut socket: UnixStream| {
        let body = b"\x04\x00\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
        drop(socket.write_all(&[&b"sbx\0\x0c\0\0\0"[..], body].concat()));
    };
    assert!(ended(list).starts_with(BROKE), "{}", ended(list));
    let cut = |mut socket: UnixStream| drop(socket.write_all(b"sbx\0\x10\0\0\0cut"));
    assert_eq!(ended(cut), format!("{BROKE}cut off"));
}

#[test]
fn handles_do_not_come_from_there() {
    let with_handles = |socket: UnixStream| {
        let Connection { sender, mut receiver } = Connection::new(socket).expect("a connection");
        receive(&mut receiver);
        let file = tempfile::tempfile().expect("a file");
        let _ = sender.send_with(&Event::Ready { version: VERSION, wall: None }, &[file.as_fd()]);
    };
    assert_eq!(
        ended(with_handles),
        "cannot set up the worker: the worker broke the protocol: an event came with handles"
    );
}

#[test]
fn what_comes_in_the_wrong_order_ends_the_build() {
    let early = |socket: UnixStream| {
        let Connection { sender, .. } = Connection::new(socket).expect("a connection");
        let _ = sender.send(&Event::Mounted);
    };
    assert_eq!(ended(early), "cannot set up the worker: the worker broke the protocol: it spoke before it was ready");
    let twice = |socket: UnixStream| {
        let (sender, mut receiver, _) = until_the_step(socket);
        let _ = sender.send(&Event::Ready { version: VERSION, wall: None });
        until_the_end(&mut receiver);
    };
    assert_eq!(ended(twice), "the worker broke the protocol: it is ready twice");
    let unasked = |socket: UnixStream| {
        let (sender, mut receiver, _) = until_the_step(socket);
        let _ = sender.send(&Event::Mounted);
        until_the_end(&mut receiver);
    };
    assert_eq!(ended(unasked), "the worker answered with Mounted");
    let of_another = |socket: UnixStream| {
        let (sender, mut receiver, _) = until_the_step(socket);
        let _ = sender.send(&Event::StepFinished(report(StepId(77))));
        until_the_end(&mut receiver);
    };
    assert_eq!(ended(of_another), "the worker answered with StepFinished");
    // Nobody asked for one: it would end the step's time limit.
    let shell = |socket: UnixStream| {
        let (sender, mut receiver, step) = until_the_step(socket);
        let _ = sender.send(&Event::ShellOpened { step, after: None });
        until_the_end(&mut receiver);
    };
    assert_eq!(ended(shell), "the worker answered with ShellOpened");
    let asks = |socket: UnixStream| {
        let (sender, mut receiver, step) = until_the_step(socket);
        let _ = sender.send(&Event::ShellAsks { step, question: 1, prompt: None });
        until_the_end(&mut receiver);
    };
    assert_eq!(ended(asks), "the worker broke the protocol: a shell asks that is not open");
}

#[test]
fn endless_messages_come_to_an_end() {
    let warnings = |socket: UnixStream| {
        let (sender, _receiver, _) = until_the_step(socket);
        forever(&sender, &Event::Warning { step: None, message: "again".to_owned() });
    };
    assert_eq!(ended(warnings), "the worker broke the protocol: too many warnings");
    let empty = |socket: UnixStream| {
        let (sender, _receiver, step) = until_the_step(socket);
        forever(&sender, &Event::Output { step, stream: OutputStream::Stdout, data: vec![] });
    };
    assert_eq!(ended(empty), "the worker broke the protocol: a step prints more than it may");
    let exports = |socket: UnixStream| {
        let (sender, mut receiver, step) = until_the_step(socket);
        let exports = Some(vec![b'a'; 5 << 20]);
        let _ = sender.send(&Event::StepFinished(StepReport { exports, ..report(step) }));
        until_the_end(&mut receiver);
    };
    assert_eq!(ended(exports), "the worker broke the protocol: a step exports more than it may");
}

#[test]
fn output_beyond_the_limit_of_a_step_is_not_heard() {
    let bench = Bench::new();
    let mut build = bench.steps(STEP).request(|request| request.limits = request.limits.with(Limit::Output, 1 << 20));
    build.launch = WorkerLaunch::InProcess(|socket| {
        let (sender, _receiver, step) = until_the_step(socket);
        forever(&sender, &Event::Output { step, stream: OutputStream::Stderr, data: vec![b'a'; 1 << 16] });
    });
    let done = build.run();
    let outcome = done.outcome.as_ref().expect("it ended");
    assert_eq!(
        outcome.steps[0].reason.as_deref(),
        Some("the worker broke the protocol: a step prints more than it may")
    );
    assert!(done.output().len() <= 3 << 20, "{}", done.output().len());
}
