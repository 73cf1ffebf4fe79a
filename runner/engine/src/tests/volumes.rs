//! From build to build.

use super::bench::Bench;
use crate::{BuildEvent, BuildRequest, ConcurrentVolume, EngineErrorKind, LocalVolume, SaveVolume, VolumeOutcome};

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
fn l7_when_the_volume_is_saved_is_the_callers_choice() {
    let never = "it is never saved, as the caller wants it";
    let failed = "the build failed, and the caller wants only successful ones saved";
    for (save, last, reason) in [
        (SaveVolume::Always, "say x", None),
        (SaveVolume::Always, "exit 1", None),
        (SaveVolume::Success, "say x", None),
        (SaveVolume::Success, "exit 1", Some(failed)),
        (SaveVolume::Never, "say x", Some(never)),
    ] {
        let bench = Bench::new();
        let steps = format!("  a:\n    image: alpine\n    commands: [write x y, {last}]\n");
        let done = bench.steps(&steps).request(|request| request.save_volume = save).run();
        match reason {
            None => assert!(done.is_saved(), "{save:?} {last}"),
            Some(reason) => {
                assert_eq!(done.outcome().volume, VolumeOutcome::Skipped { reason: reason.into() });
                assert!(done.events.contains(&BuildEvent::VolumeNotSaved { reason: reason.into() }));
                assert_eq!(bench.latest(), None);
            }
        }
    }
}

#[test]
fn l8_a_build_beside_another_one_can_start_with_an_empty_volume() {
    let bench = Bench::new();
    bench.snapshot("zero", "kept=0\n");
    let how = |how| move |request: &mut BuildRequest| request.concurrent_volume = how;
    let show = |how_to| bench.steps(SHOW).request(how(how_to)).run();
    let busy = "another build uses the volume: this one starts with an empty volume (`--concurrent-volume`)";
    let mut seen = vec![];
    let alone = show(ConcurrentVolume::Empty);
    // While the first build is at its step.
    for first in [ConcurrentVolume::Latest, ConcurrentVolume::Empty] {
        bench.steps(SHOW).request(how(first)).run_with(|event| {
            if matches!(event, BuildEvent::StepStarted { .. }) {
                let beside = show(ConcurrentVolume::Empty);
                assert_eq!(beside.warnings(), [busy]);
                seen.push((beside.output(), show(ConcurrentVolume::Latest).warnings()));
                bench.snapshot("again", "kept=0\n");
            }
        });
    }
    assert_eq!((alone.output().as_str(), alone.warnings()), ("0\n", vec![]));
    assert_eq!(seen, vec![("nothing\n".to_owned(), vec![]); 2]);
    assert_eq!(show(ConcurrentVolume::Empty).output(), "0\n", "nobody is left");
}

#[test]
fn l16_a_folder_of_the_host_is_the_volume_and_stays() {
    let bench = Bench::new();
    bench.snapshot("old", "kept=archived\n");
    let folder = bench.home.path().join("deep/folder");
    let local = |request: &mut BuildRequest| request.local_volume = Some(LocalVolume::At(folder.clone()));
    let done = bench
        .steps("  a:\n    image: alpine\n    commands: [cat kept, write kept here, 'export A=1', exit 1]\n")
        .request(local)
        .run();
    let path = std::fs::canonicalize(&folder).expect("made").display().to_string();
    assert_eq!(done.output(), "nothing\n");
    assert_eq!(done.outcome().volume, VolumeOutcome::Kept { path: path.clone() });
    assert!(
        matches!(&done.events[0], BuildEvent::BuildStarted { folder: Some(told), from: None, .. } if *told == path)
    );
    let names = || {
        let entries = std::fs::read_dir(&folder).expect("reads");
        entries.map(|entry| entry.expect("reads").file_name().into_string().expect("text")).collect::<Vec<_>>()
    };
    assert_eq!(names(), ["kept"]);
    assert_eq!(bench.steps(SHOW).request(local).run().output(), "here\n");
    assert_eq!(bench.latest().as_deref(), Some("kept=archived\n"), "nothing is archived");
    let reset = bench.steps(SHOW).request(local).request(|request| request.reset_volume = true).run();
    assert_eq!((reset.output().as_str(), names()), ("nothing\n", vec![]));
    // What Stepbox keeps for the pipeline itself.
    let own = |request: &mut BuildRequest| request.local_volume = Some(LocalVolume::OfPipeline);
    bench.steps("  a:\n    image: alpine\n    commands: [write kept own]\n").request(own).run();
    assert_eq!(bench.steps(SHOW).request(own).run().output(), "own\n");
    assert_eq!(std::fs::read_dir(bench.home.path().join("state/volumes")).expect("there").count(), 1);
}

#[test]
fn l16_folders_that_hold_other_things_are_no_local_volumes() {
    let bench = Bench::new();
    let home = std::fs::canonicalize(bench.home.path()).expect("there");
    let source = home.join("source");
    std::fs::create_dir_all(source.join("below")).expect("makes");
    std::fs::create_dir(home.join("user")).expect("makes");
    let try_it = |path: &std::path::Path| {
        let done = bench
            .steps(SHOW)
            .request(|request| {
                request.local_volume = Some(LocalVolume::At(path.to_owned()));
                request.source = Some(source.clone());
                request.home = Some(home.join("user"));
            })
            .run();
        let error = done.error();
        assert_eq!(error.kind, EngineErrorKind::Usage);
        error.message.replace(&home.display().to_string(), "~")
    };
    bench.steps(SHOW).run();
    for (path, why) in [
        ("/".into(), "`/` cannot be a local volume: it is the root of the file system"),
        (home.join("user"), "`~/user` cannot be a local volume: it is or holds your home directory"),
        (home.clone(), "`~` cannot be a local volume: it is or holds your home directory"),
        (home.join("state"), "`~/state` cannot be a local volume: it is a part of Stepbox's own state, or holds it"),
        (
            home.join("state/builds"),
            "`~/state/builds` cannot be a local volume: it is a part of Stepbox's own state, or holds it",
        ),
        (source.clone(), "`~/source` cannot be a local volume: it holds the pipeline or its source"),
    ] {
        assert_eq!(try_it(&path), why);
    }
    let both = bench.steps(SHOW).request(|request| {
        request.local_volume = Some(LocalVolume::OfPipeline);
        request.volume = Some("cache".into());
    });
    assert_eq!(both.run().error().message, "`--local-volume` and `--volume cache` exclude each other");
    let inside = LocalVolume::At(source.join("below"));
    let first = |request: &mut BuildRequest| request.local_volume = Some(inside.clone());
    bench.steps(SHOW).request(first).run_with(|event| {
        if matches!(event, BuildEvent::StepStarted { .. }) {
            assert_eq!(try_it(&source.join("below")), "another build uses the local volume `~/source/below`");
        }
    });
}
