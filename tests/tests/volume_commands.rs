//! `stepbox volume …`: looking into snapshots, comparing, saving and restoring, collecting, verifying.

use std::fs;

use serde_json::Value;
use stepbox_tests::{Place, Run, damage};

/// Three builds of the volume `app`, each with another text in `file`.
fn place() -> Place {
    let place = Place::new().commands(&[
        "mkdir -p /codefresh/volume/d; echo $TEXT > /codefresh/volume/file; echo x > /codefresh/volume/d/$TEXT",
    ]);
    for text in ["one", "two", "three"] {
        let run = place.run(["run", "--volume", "app", "-v", "CF_SKIP_MAIN_CLONE=true", "-v", &format!("TEXT={text}")]);
        assert_eq!(run.status, 0, "{run:?}");
    }
    place
}

fn volume(place: &Place, arguments: &[&str]) -> Run {
    place.run(["volume"].iter().chain(arguments))
}

fn ok(place: &Place, arguments: &[&str]) -> String {
    let run = volume(place, arguments);
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout
}

fn json(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let text = ok(place, &[arguments, &["--output", "json"]].concat());
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn snapshots_are_listed_compared_and_looked_into() {
    let place = place();
    let log = json(&place, &["log", "app"]);
    assert_eq!(log.iter().map(|one| one["sequence"].as_u64().expect("a number")).collect::<Vec<_>>(), [3, 2, 1]);
    let differences = json(&place, &["diff", "app@~1", "app"]);
    let told: Vec<_> = differences
        .iter()
        .map(|one| (one["path"].as_str().expect("a path"), one["change"].as_str().expect("a word")))
        .collect();
    assert_eq!(told, [("d", "touched"), ("d/three", "added"), ("file", "changed")]);
    assert_eq!(ok(&place, &["diff", "app@~1"]), "T d\nA d/three  2 B\nM file  4 B -> 6 B\n3 paths differ, +4 B -0 B\n");
    let digest = log[2]["snapshot"]["digest"].as_str().expect("a digest");
    let build = log[2]["snapshot"]["build"].as_str().expect("a build");
    for which in [digest, &digest["sha256:".len()..][..12], build, "~2"] {
        assert_eq!(ok(&place, &["cat", &format!("app@{which}"), "/codefresh/volume/file"]), "one\n", "{which}");
    }
    let wrong = volume(&place, &["cat", "app", "nothing"]);
    assert_eq!((wrong.status, wrong.stderr.as_str()), (2, "error: `nothing` is not in the snapshot\n"));
    let wrong = volume(&place, &["cat", "app@~9", "file"]);
    assert!(wrong.status == 2 && wrong.stderr.contains("has no snapshot `~9`"), "{wrong:?}");
    let stats = json(&place, &["stats", "app"]);
    assert_eq!((stats[0]["bytes"].as_u64(), stats[0]["inside"][0]["name"].as_str()), (Some(12), Some("d")));
    assert!(ok(&place, &["stats"]).contains("app\n"));
}

#[test]
fn directories_are_saved_and_restored() {
    let place = place();
    let directory = place.path("out");
    let text = directory.display().to_string();
    ok(&place, &["restore", "--volume", "app@~2", &text]);
    assert_eq!(fs::read_to_string(directory.join("file")).expect("reads"), "one\n");
    let again = volume(&place, &["restore", "--volume", "app", &text]);
    assert!(again.status == 2 && again.stderr.contains("is not empty"), "{again:?}");
    fs::write(directory.join("file"), "by hand\n").expect("writes");
    let saved = json(&place, &["save", "--volume", "app", &text]);
    assert_eq!(ok(&place, &["cat", "app", "file"]), "by hand\n");
    // The same state again is the same snapshot.
    assert_eq!(json(&place, &["save", "--volume", "app", &text])[0]["digest"], saved[0]["digest"]);
    ok(&place, &["save", "--volume", "fresh", &text]);
    assert_eq!(ok(&place, &["cat", "fresh", "d/one"]), "x\n");
    let left: Vec<_> =
        fs::read_dir(place.path(".")).expect("lists").map(|entry| entry.expect("one").file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().starts_with(".stepbox")), "{left:?}");
}

#[test]
fn old_snapshots_are_collected_and_named_ones_stay() {
    let place = place();
    ok(&place, &["tag", "app@~2", "first"]);
    let blobs = || place.tree("state/store/blobs/sha256").len();
    let before = blobs();
    let would = &json(&place, &["gc", "--keep-last", "1", "--dry-run"])[0];
    assert_eq!((would["dry_run"].as_bool(), blobs()), (Some(true), before));
    let did = &json(&place, &["gc", "--keep-last", "1"])[0];
    assert_eq!((did["blobs"].as_u64(), did["snapshots"].as_u64()), (would["blobs"].as_u64(), Some(2)));
    assert_eq!(blobs() as u64, before as u64 - did["blobs"].as_u64().expect("a number"));
    assert_eq!(ok(&place, &["cat", "app@first", "file"]), "one\n");
    assert_eq!(ok(&place, &["cat", "app", "file"]), "three\n");
    assert!(ok(&place, &["verify", "--deep"]).starts_with("whole: 2 snapshots of 1 volume, "));
    ok(&place, &["tag", "app", "first", "--delete"]);
    ok(&place, &["gc", "--keep-last", "1"]);
    assert_eq!(volume(&place, &["cat", "app@first", "file"]).status, 2);
    let bad = volume(&place, &["tag", "app", "../x"]);
    assert!(bad.status != 0 && bad.stderr.contains("is no name of a tag"), "{bad:?}");
}

#[test]
fn damage_is_found_and_repair_goes_back_to_what_is_whole() {
    let place = place();
    assert_eq!(volume(&place, &["verify"]).status, 0);
    let shown = &json(&place, &["show", "app"])[0];
    let digest = shown["snapshots"][0]["digest"].as_str().and_then(|text| text.strip_prefix("sha256:")).expect("one");
    damage(&place.path("state/store/blobs/sha256").join(digest));
    let found = volume(&place, &["verify"]);
    assert!(found.status == 1 && found.stdout.contains("problem: volume `app`: the latest snapshot: "), "{found:?}");
    let repaired = volume(&place, &["verify", "--repair"]);
    assert!(repaired.status == 1 && repaired.stdout.contains("repaired: `app` is back at what build "), "{repaired:?}");
    assert!(ok(&place, &["verify", "--deep"]).starts_with("whole: 2 snapshots"));
    assert_eq!(ok(&place, &["cat", "app", "file"]), "two\n");
}
