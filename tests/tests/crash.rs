//! A process that dies at a named point: the next build starts from a complete snapshot, the old one or the new one.

use stepbox_tests::Place;

const COUNT: &str = include_str!("../../examples/shared-volumes/count-builds.yml");

/// Points inside saving and publishing; `.after` is behind the operation.
const SAVING: [&str; 30] = [
    "pack.clear",
    "pack.layer.create",
    "pack.layer.write",
    "pack.layer.write.after",
    "pack.layer.sync",
    "pack.index.create",
    "pack.index.write",
    "pack.index.sync.after",
    "publish.blob.open",
    "publish.blob.sync",
    "publish.blob.protect",
    "publish.blob.rename",
    "publish.blob.rename.after",
    "publish.config.create",
    "publish.config.rename",
    "publish.manifest.create",
    "publish.manifest.write.after",
    "publish.manifest.rename",
    "publish.manifest.rename.after",
    "publish.blobs.sync_directory",
    "publish.lock",
    "publish.history.create",
    "publish.history.rename",
    "publish.history.rename.after",
    "publish.ref.create",
    "publish.ref.sync",
    "publish.ref.rename",
    "publish.ref.rename.after",
    "publish.ref.sync_directory",
    "publish.oci-index.rename",
];

/// Points inside restoring that this volume meets.
const RESTORING: [&str; 10] = [
    "unpack.manifest.read",
    "unpack.manifest.read.after",
    "unpack.index.read",
    "unpack.layer.open",
    "unpack.layer.open.after",
    "unpack.file.create",
    "unpack.frame.read",
    "unpack.file.write",
    "unpack.file.finish",
    "unpack.file.finish.after",
];

/// How many builds the volume has seen, as a build says that runs now.
fn count(place: &Place) -> u64 {
    let run = place.run(["run", "count-builds.yml"]);
    assert_eq!(run.status, 0, "{run:?}");
    let line = run.stdout.lines().find(|line| line.ends_with("/codefresh/volume/builds.txt")).expect("it counts");
    line.split_whitespace().next().and_then(|number| number.parse().ok()).expect("a number")
}

#[test]
fn death_while_saving_leaves_the_old_state_or_the_new_one() {
    let place = Place::new().file("count-builds.yml", COUNT);
    let mut last = count(&place);
    for point in SAVING {
        let run = place.finish(place.command(["run", "count-builds.yml"]).env("STEPBOX_TEST_KILL_AT", point));
        assert!(run.status == -1 || run.stderr.contains("volume not saved"), "{point} was not met: {run:?}");
        let next = count(&place);
        assert!(next == last + 1 || next == last + 2, "{point}: {last}, then {next}");
        last = next;
    }
}

#[test]
fn death_while_restoring_loses_nothing() {
    let place = Place::new().file("count-builds.yml", COUNT);
    let mut last = count(&place);
    for point in RESTORING {
        let run = place.finish(place.command(["run", "count-builds.yml"]).env("STEPBOX_TEST_KILL_AT", point));
        assert_eq!(run.status, 4, "{point} was not met: {run:?}");
        let next = count(&place);
        assert_eq!(next, last + 1, "{point}");
        last = next;
    }
}

#[test]
fn death_at_any_moment_leaves_a_complete_snapshot() {
    let place = Place::new().file("count-builds.yml", COUNT);
    let mut last = count(&place);
    for number in 0..10u64 {
        let mut child = place.start(&mut place.command(["run", "--output", "json", "count-builds.yml"]));
        // As many lines of output as the turn says: a moment that does not depend on the machine's speed.
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("piped")));
        for _ in 0..number {
            let _ = lines.next();
        }
        let _ = child.kill();
        let _ = child.wait();
        let next = count(&place);
        assert!(next == last + 1 || next == last + 2, "{number}: {last}, then {next}");
        last = next;
    }
}
