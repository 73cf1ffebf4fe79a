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
        // Nothing would be unpacked where the tree of the last build is taken over.
        std::fs::remove_dir_all(place.path("state/warm")).expect("removes");
        let run = place.finish(place.command(["run", "count-builds.yml"]).env("STEPBOX_TEST_KILL_AT", point));
        assert_eq!(run.status, 4, "{point} was not met: {run:?}");
        let next = count(&place);
        assert_eq!(next, last + 1, "{point}");
        last = next;
    }
}

/// Counts builds and writes the count into many files, so that a mixture of two states shows.
const MANY_FILES: &str = r#"version: "1.0"
steps:
  count:
    image: alpine
    commands:
      - cd /codefresh/volume && mkdir -p parts && touch builds.txt
      - n=$(wc -l < builds.txt)
      - if [ $n -gt 0 ]; then for part in parts/*; do read m < $part; [ $m -eq $n ] || echo "mixed $part $m $n"; done; fi
      - echo build >> builds.txt
      - i=0; while [ $i -lt 60 ]; do echo $((n + 1)) > parts/$i; i=$((i + 1)); done
      - echo "first half"
      - seq 1 60000 > large; rm -f left-over-*; echo x > left-over-$n
      - echo "count $((n + 1))"
"#;

/// A moment of a build: this many lines of its record, then this many changes of its state directory as they are seen.
#[derive(Debug)]
struct Moment {
    lines: u64,
    changes: u64,
}

/// Always the same moments, spread over the whole build (xorshift64*).
fn moments(seed: u64, count: usize) -> Vec<Moment> {
    let mut state = seed;
    let mut below = |limit: u64| {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % limit
    };
    (0..count).map(|_| Moment { lines: below(LINES + 1), changes: below(16) }).collect()
}

/// How many lines a build of [`MANY_FILES`] has in its record at least.
const LINES: u64 = 9;

/// Kills a build at a moment; false where it was over before.
fn kill_at(place: &Place, moment: &Moment) -> bool {
    let mut child = place.start(&mut place.command(["run", "--output", "json", "many.yml"]));
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().expect("piped")));
    for _ in 0..moment.lines {
        let _ = lines.next();
    }
    let (mut seen, mut changes) = (place.tree("state"), 0);
    while changes < moment.changes && child.try_wait().expect("is ours").is_none() {
        let now = place.tree("state");
        changes += u64::from(now != seen);
        seen = now;
    }
    let alive = child.try_wait().expect("is ours").is_none();
    child.kill().expect("kills or is over");
    child.wait().expect("is ours");
    alive
}

#[test]
fn death_at_fifty_random_moments_leaves_a_complete_snapshot() {
    let place = Place::new().file("many.yml", MANY_FILES);
    let next = |last: u64, moment: &dyn std::fmt::Debug| {
        let run = place.run(["run", "many.yml"]);
        assert_eq!(run.status, 0, "{moment:?}: {run:?}");
        assert!(!run.stdout.contains("mixed"), "{moment:?}: {run:?}");
        assert!(!run.stderr.contains("falling back"), "{moment:?}: {run:?}");
        let line = run.stdout.lines().find_map(|line| line.strip_prefix("count ")).expect("it counts");
        let count = line.parse::<u64>().expect("a number");
        assert!(count == last + 1 || count == last + 2, "{moment:?}: {last}, then {count}");
        count
    };
    let mut last = next(0, &"the first build");
    let (mut killed, mut old) = (0, 0);
    for moment in moments(0x5eed_0f57_e9b0_0001, 50) {
        killed += u32::from(kill_at(&place, &moment));
        let count = next(last, &moment);
        old += u32::from(count == last + 1);
        last = count;
    }
    // What an orphaned worker still held when the next build looked is removed by a later one.
    place.expect_no_processes();
    next(last, &"the last build");
    let work: Vec<_> = std::fs::read_dir(place.path("state/work")).expect("lists").collect();
    assert!(work.is_empty(), "dead builds left {work:?}");
    // The moments must be worth something, on any machine: builds were alive, and had not published.
    assert!(killed >= 15, "{killed} of 50 builds were killed alive");
    assert!(old >= 10, "{old} of 50 builds left the old state");
    println!("{killed} of 50 builds were killed alive, {old} left the old state");
}
