//! Builds with the store on disk.

use super::bench::Bench;
use super::worker;
use crate::{BuildEvent, EngineErrorKind, SaveVolume, Volumes, WorkerLaunch};

const COUNT: &str = "  a:\n    image: alpine\n    commands: [cat builds, write builds once]\n";

#[test]
fn l5_the_next_build_starts_from_the_archive_alone() {
    let bench = Bench::new();
    assert_eq!(bench.steps(COUNT).stored().run().output(), "nothing\n");
    // The store is all that counts.
    for name in ["builds", "work"] {
        std::fs::remove_dir_all(bench.home.path().join("state").join(name)).expect("removes");
    }
    let second = bench.steps(COUNT).stored().run();
    assert_eq!(second.output(), "once\n");
    let named = bench.steps(COUNT).stored().request(|request| request.volume = Some("other".into())).run();
    assert_eq!(named.output(), "nothing\n");
    let other = bench.steps(COUNT).stored().request(|request| request.pipeline = Some("other".into())).run();
    assert_eq!(other.output(), "nothing\n");
}

#[test]
fn l5_one_flipped_byte_falls_back_or_refuses() {
    let bench = Bench::new();
    let write =
        |what: &str| bench.steps(&format!("  a:\n    image: alpine\n    commands: [write f {what}]\n")).stored().run();
    write("one");
    write("two");
    let blobs = bench.home.path().join("state/store/blobs/sha256");
    let layer = |digest: &str| {
        let digest = digest.strip_prefix("sha256:").expect("a digest");
        let manifest: serde_json::Value =
            serde_json::from_slice(&std::fs::read(blobs.join(digest)).expect("there")).expect("json");
        blobs.join(
            manifest["layers"][0]["digest"].as_str().and_then(|text| text.strip_prefix("sha256:")).expect("a layer"),
        )
    };
    let flip = |digest: &str| {
        let path = layer(digest);
        let mut bytes = std::fs::read(&path).expect("reads");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::remove_file(&path).expect("removes");
        std::fs::write(&path, bytes).expect("writes");
    };
    let volumes = Volumes::open(&bench.directories()).expect("opens");
    let snapshots = volumes.list().expect("lists").remove(0).snapshots;
    flip(&snapshots[0].digest);
    // The tree that the last build has left would be taken over, and is whole.
    std::fs::remove_dir_all(bench.home.path().join("state/warm")).expect("removes");
    let show = || {
        bench
            .steps("  a:\n    image: alpine\n    commands: [cat f]\n")
            .stored()
            .request(|request| request.save_volume = SaveVolume::Never)
            .run()
    };
    let done = show();
    assert_eq!((done.output().as_str(), done.warnings().len()), ("one\n", 2), "{:?}", done.warnings());
    flip(&snapshots[1].digest);
    assert_eq!(show().error().kind, EngineErrorKind::Restore);
}

#[test]
fn l5_a_damaged_reference_falls_back_or_refuses() {
    let bench = Bench::new();
    bench.steps(COUNT).stored().run();
    bench.steps(COUNT).stored().run();
    let refs = bench.home.path().join("state/store/refs");
    let volume = std::fs::read_dir(refs).expect("there").next().expect("one").expect("reads").path();
    std::fs::write(volume.join("latest"), "garbage").expect("writes");
    let show = || bench.steps(COUNT).stored().request(|request| request.save_volume = SaveVolume::Never).run();
    let done = show();
    assert_eq!((done.output().as_str(), done.warnings().len()), ("once\n", 1), "{:?}", done.warnings());
    std::fs::remove_dir_all(volume.join("history")).expect("removes");
    assert_eq!(show().error().kind, EngineErrorKind::Restore);
    let reset = bench.steps(COUNT).stored().request(|request| request.reset_volume = true).run();
    assert!(reset.is_saved(), "{:?}", reset.outcome().volume);
    assert_eq!(show().output(), "once\n");
}

#[test]
fn l12_reset_with_the_store_on_disk() {
    let bench = Bench::new();
    bench.steps(COUNT).stored().run();
    assert_eq!(bench.steps(COUNT).stored().request(|request| request.reset_volume = true).run().output(), "nothing\n");
}

#[test]
fn l9_ten_builds_at_once_end_well_and_the_last_is_the_latest() {
    let bench = Bench::new();
    let last = std::sync::Mutex::new(vec![]);
    std::thread::scope(|scope| {
        for number in 0..10 {
            let (bench, last) = (&bench, &last);
            scope.spawn(move || {
                let steps = format!("  a:\n    image: alpine\n    commands: [write n {number}]\n");
                let done = bench.steps(&steps).stored().run();
                assert!(done.is_saved(), "{:?}", done.outcome().volume);
                last.lock().expect("no panic").push(done.outcome().build.to_string());
            });
        }
    });
    let volume = Volumes::open(&bench.directories()).expect("opens").list().expect("lists").remove(0);
    assert_eq!(volume.snapshots.len(), 10);
    let mut builds: Vec<_> = volume.snapshots.iter().map(|snapshot| snapshot.build.clone()).collect();
    let mut ended = last.into_inner().expect("no panic");
    builds.sort();
    ended.sort();
    assert_eq!(builds, ended);
}

#[test]
fn volumes_are_listed_shown_exported_and_removed() {
    let bench = Bench::new();
    let done = bench.steps(COUNT).stored().request(|request| request.pipeline = Some("team/app".into())).run();
    assert!(matches!(&done.events[0], BuildEvent::BuildStarted { volume, .. } if volume == "team/app"));
    bench.steps(COUNT).stored().request(|request| request.volume = Some("team/app".into())).run();
    let volumes = Volumes::open(&bench.directories()).expect("opens");
    assert_eq!(volumes.list().expect("lists").len(), 2);
    let error = volumes.show("team/app").expect_err("two");
    assert_eq!(
        (error.kind, error.hints),
        (EngineErrorKind::Usage, vec!["say `pipeline:team/app` or `volume:team/app`".into()])
    );
    let shown = volumes.show("pipeline:team/app").expect("there");
    assert_eq!((shown.named, shown.snapshots[0].build.as_str()), (false, done.outcome().build.as_str()));

    let file = bench.home.path().join("out.tar.zst");
    let one =
        volumes.export(&WorkerLaunch::InProcess(worker::serve_archives), "pipeline:team/app", &file).expect("exports");
    let two = volumes
        .export(&WorkerLaunch::InProcess(worker::serve_archives), "pipeline:team/app", bench.home.path())
        .expect("exports");
    assert_eq!((&one.digest, one.size), (&two.digest, two.size));
    assert_eq!(two.file, bench.home.path().join(format!("{}.tar.zst", one.digest.trim_start_matches("sha256:"))));
    assert_eq!(std::fs::read(&one.file).expect("there"), std::fs::read(&two.file).expect("there"));
    assert_eq!(
        volumes.export(&WorkerLaunch::InProcess(worker::serve_archives), "nobody", &file).expect_err("none").message,
        "there is no volume `nobody`"
    );

    volumes.remove("pipeline:team/app").expect("removes");
    assert!(!volumes.show("team/app").expect("there is one now").snapshots.is_empty());
    assert_eq!(volumes.remove("pipeline:team/app").expect_err("gone").kind, EngineErrorKind::Usage);
}

#[test]
fn a_store_that_cannot_be_used_is_an_error_of_ours() {
    let bench = Bench::new();
    std::fs::create_dir_all(bench.home.path().join("state/store")).expect("makes");
    std::fs::write(bench.home.path().join("state/store/oci-layout"), "nonsense").expect("writes");
    let done = bench.steps(COUNT).stored().run();
    assert_eq!((done.error().kind, done.events.len()), (EngineErrorKind::Store, 0));
}
