//! From build to build.

use super::bench::Bench;
use crate::{BuildEvent, EngineErrorKind, VolumeOutcome};

const SHOW: &str = "  a:\n    image: alpine\n    commands: [cat kept]\n";

#[test]
fn l5_a_build_starts_from_what_the_last_one_left() {
    let bench = Bench::new();
    let first = bench.steps("  a:\n    image: alpine\n    commands: [cat kept, write kept yes]\n").run();
    assert_eq!(first.output(), "nothing\n");
    let second = bench.steps(SHOW).run();
    assert_eq!(second.output(), "yes\n");
    let from = match &second.events[0] {
        BuildEvent::BuildStarted { from, .. } => from.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(from.as_deref(), Some(first.outcome().build.as_str()));
}

#[test]
fn l7_a_failed_build_is_saved_too() {
    let bench = Bench::new();
    bench.steps("  a:\n    image: alpine\n    commands: [write kept yes, exit 1]\n").run();
    assert_eq!(bench.latest().as_deref(), Some("kept=yes\n"));
}

#[test]
fn l7_what_is_saved_is_told_with_its_change() {
    let bench = Bench::new();
    bench.snapshot("old", "kept=12345\n");
    let done = bench.steps("  a:\n    image: alpine\n    commands: [write kept 1, write more 2]\n").run();
    let VolumeOutcome::Saved { digest, entries, bytes, change, stored } = &done.outcome().volume else {
        panic!("saved")
    };
    assert_eq!((entries, bytes, change, stored), (&2, &2, &-3, &14));
    assert_eq!(digest, &format!("sha256:{}", "02".repeat(32)));
}

#[test]
fn l9_the_last_to_finish_is_the_latest() {
    let bench = Bench::new();
    bench.snapshot("zero", "kept=0\n");
    let (sender, receiver) = std::sync::mpsc::channel::<()>();
    // The first build waits with its last step until the second one is saved.
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            bench.steps("  a:\n    image: alpine\n    commands: [cat kept, write kept slow, say x]\n").run_with(
                move |event| {
                    if matches!(event, BuildEvent::StepFinished(_)) {
                        receiver.recv().expect("the other build is saved");
                    }
                },
            )
        });
        let fast = bench.steps("  a:\n    image: alpine\n    commands: [cat kept, write kept fast]\n").run();
        assert_eq!((fast.output().as_str(), bench.latest().as_deref()), ("0\n", Some("kept=fast\n")));
        sender.send(()).expect("sent");
        let slow = slow.join().expect("no panic");
        assert!(slow.is_saved());
    });
    assert_eq!(bench.latest().as_deref(), Some("kept=slow\n"));
}

#[test]
fn l12_reset_starts_empty_and_saves_as_usual() {
    let bench = Bench::new();
    bench.snapshot("old", "kept=1\n");
    let done = bench.steps(SHOW).request(|request| request.reset_volume = true).run();
    assert_eq!((done.output().as_str(), bench.latest().as_deref()), ("nothing\n", Some("")));
    assert!(matches!(&done.events[0], BuildEvent::BuildStarted { from: None, .. }));
}

#[test]
fn l5_a_corrupt_snapshot_falls_back_loudly() {
    let bench = Bench::new();
    bench.snapshot("older", "kept=old\n");
    bench.snapshot("newer", "half=1\ngarbage");
    let done = bench.steps("  a:\n    image: alpine\n    commands: [cat kept, cat half]\n").run();
    assert_eq!(done.output(), "old\nnothing\n");
    let expected = [
        "cannot restore the volume that build newer left: blob sha256:77 is not what its name says",
        "falling back to the older volume that build older left",
    ];
    assert_eq!(done.warnings(), expected);
}

#[test]
fn l5_where_nothing_is_whole_the_build_refuses() {
    let bench = Bench::new();
    bench.snapshot("older", "garbage");
    bench.snapshot("newer", "garbage");
    let done = bench.steps(SHOW).run();
    assert_eq!(done.error().kind, EngineErrorKind::Restore);
    assert_eq!(
        done.error().message,
        "cannot restore the volume that build older left: blob sha256:77 is not what its name says"
    );
    assert_eq!(done.error().hints, ["no older snapshot is left; to start with an empty volume, give `--reset-volume`"]);
    assert_eq!(done.output(), "");
}

#[test]
fn l5_a_full_disk_is_no_reason_for_an_older_state() {
    let bench = Bench::new();
    bench.snapshot("older", "kept=old\n");
    bench.snapshot("newer", "full");
    let done = bench.steps(SHOW).run();
    assert_eq!(done.error().message, "cannot restore the volume that build newer left: no space left on device");
}

#[test]
fn a_store_that_is_only_read_is_not_written() {
    let bench = Bench::new();
    let done = bench
        .steps("  a:\n    image: alpine\n    commands: [write x y]\n")
        .request(|request| request.read_only_store = true)
        .run();
    assert_eq!((&done.outcome().volume, bench.latest()), (&VolumeOutcome::Skipped, None));
}
