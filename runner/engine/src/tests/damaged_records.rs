//! Records that are damaged, hostile or newer.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::shelf::{Shelf, about, id, packed};
use crate::{BuildAbout, BuildId, BuildQuery, BuildResult, BuildState, EngineErrorKind};

/// Puts something in the place of a file.
type Spoil = fn(&Path);

/// What may be in the place of a file, and what is said of it.
const SPOILT: [(&str, Spoil, &str); 12] = [
    ("nothing at all", |_| {}, "it is missing"),
    ("an empty file", |path| std::fs::write(path, "").expect("writes"), "EOF while parsing a value at line 1 column 0"),
    (
        "garbage",
        |path| std::fs::write(path, b"\x28\xb5\x2f\xfd\xff\0").expect("writes"),
        "expected value at line 1 column 1",
    ),
    (
        "half of it",
        |path| std::fs::write(path, "{\"version\":1,").expect("writes"),
        "EOF while parsing a value at line 1 column 13",
    ),
    ("another shape", |path| std::fs::write(path, "[[]]").expect("writes"), "invalid type"),
    ("a depth", |path| std::fs::write(path, "[".repeat(1 << 20)).expect("writes"), ""),
    (
        "control characters",
        |path| std::fs::write(path, "{\"version\":\"\\u001b[31m\",\"duration_ms\":\"\\u001b\"}").expect("writes"),
        "invalid type",
    ),
    (
        "a size",
        |path| std::fs::File::create(path).and_then(|file| file.set_len(1 << 40)).expect("makes"),
        "it is larger than 33554432 bytes",
    ),
    ("a directory", |path| std::fs::create_dir_all(path.join("deep")).expect("makes"), "it is no file"),
    ("a link", |path| symlink("../../../outside", path).expect("links"), "it is no file"),
    ("a link to nothing", |path| symlink("nothing", path).expect("links"), "it is no file"),
    ("a pipe", |path| pipe(path), "it is no file"),
];

fn pipe(path: &Path) {
    let status = std::process::Command::new("mkfifo").arg(path).status().expect("starts");
    assert!(status.success());
}

#[test]
fn files_that_are_damaged_are_named_and_the_list_goes_on() {
    for (what, spoil, expected) in SPOILT {
        for name in ["build.json", "outcome.json"] {
            let shelf = Shelf::new();
            let (good, bad) = (id("00000001"), id("00000002"));
            shelf.put(&good, "p", 1, Some(BuildResult::Success));
            shelf.put(&bad, "p", 2, Some(BuildResult::Success));
            std::fs::write(shelf.home.path().join("outside"), "{}").expect("writes");
            let path = shelf.path(&bad).join(name);
            std::fs::remove_file(&path).expect("removes");
            spoil(&path);
            if (what, name) == ("nothing at all", "outcome.json") {
                assert_eq!(shelf.builds.show(&bad).expect("there").state, BuildState::Unfinished);
                continue;
            }
            let error = shelf.builds.show(&bad).expect_err("damaged");
            let told = shelf.told(&error);
            let place = format!("`HOME/state/builds/{bad}/{name}` is damaged: ");
            assert!(told.strip_prefix(&place).is_some_and(|why| why.starts_with(expected)), "{what}, {name}: {told}");
            assert!(told.len() < 600 && !told.contains(char::is_control), "{told:?}");
            let hint = format!("`stepbox builds rm {bad}` removes the record");
            assert_eq!((error.kind, &error.hints[..]), (EngineErrorKind::Record, &[hint][..]));
            let list = shelf.builds.list(&BuildQuery { limit: Some(1), pipeline: None }).expect("lists");
            let listed: Vec<BuildId> = list.builds.into_iter().map(|build| build.build).collect();
            assert_eq!((listed, list.damaged.len()), (vec![good], 1), "{what}, {name}");
            assert!(list.damaged[0].message.contains(name), "{}", list.damaged[0]);
            assert_eq!(shelf.builds.find("latest").expect("there"), bad);
            shelf.builds.remove(&bad).expect("removes");
            assert!(!shelf.path(&bad).exists() && shelf.home.path().join("outside").exists());
        }
    }
}

#[test]
fn records_of_other_builds_are_not_taken_for_this_one() {
    let shelf = Shelf::new();
    let (one, two) = (id("00000001"), id("00000002"));
    shelf.put(&one, "p", 1, Some(BuildResult::Success));
    shelf.put(&two, "p", 2, Some(BuildResult::Success));
    for name in ["outcome.json", "build.json"] {
        std::fs::copy(shelf.path(&one).join(name), shelf.path(&two).join(name)).expect("copies");
        let told = shelf.told(&shelf.builds.show(&two).expect_err("damaged"));
        assert_eq!(told, format!("`HOME/state/builds/{two}/{name}` is damaged: it is that of build {one}"));
    }
}

#[test]
fn what_is_no_directory_is_no_record_and_can_be_removed() {
    let shelf = Shelf::new();
    let outside = shelf.home.path().join("outside");
    std::fs::create_dir(&outside).expect("makes");
    std::fs::write(outside.join("build.json"), "mine").expect("writes");
    let build = id("cafe");
    let spoils: [Spoil; 3] = [
        |path| std::fs::write(path, "x").expect("writes"),
        |path| symlink("../../outside", path).expect("links"),
        |path| symlink("/nowhere", path).expect("links"),
    ];
    for spoil in spoils {
        spoil(&shelf.path(&build));
        let expected = format!("`HOME/state/builds/{build}` is damaged: it is no directory");
        assert_eq!(shelf.told(&shelf.builds.show(&build).expect_err("damaged")), expected);
        assert_eq!(shelf.told(&shelf.builds.events(&build).err().expect("damaged")), expected);
        assert_eq!(shelf.told(&shelf.builds.list(&BuildQuery::default()).expect("lists").damaged[0]), expected);
        shelf.builds.remove(&build).expect("removes");
        assert!(shelf.path(&build).symlink_metadata().is_err());
        assert_eq!(std::fs::read_to_string(outside.join("build.json")).expect("there"), "mine");
    }
}

#[test]
fn a_removal_that_was_interrupted_is_completed() {
    let shelf = Shelf::new();
    let build = id("cafe");
    let rest = shelf.home.path().join("state/work").join(format!("removed-{build}"));
    std::fs::create_dir_all(rest.join("deep")).expect("makes");
    shelf.put(&build, "p", 1, None);
    shelf.builds.remove(&build).expect("removes");
    assert!(!rest.exists() && !shelf.path(&build).exists());
}

#[test]
fn a_lock_that_is_none_is_an_error() {
    let shelf = Shelf::new();
    let build = id("cafe");
    shelf.put(&build, "p", 1, None);
    let work = shelf.home.path().join("state/work").join(build.as_str());
    // A directory whose build died before it had a lock, or is being removed.
    std::fs::create_dir(&work).expect("makes");
    assert_eq!(shelf.builds.show(&build).expect("there").state, BuildState::Unfinished);
    pipe(&work.join("lock"));
    for error in [shelf.builds.show(&build).expect_err("unclear"), shelf.builds.remove(&build).expect_err("unclear")] {
        let expected = format!("cannot tell whether build {build} runs: `HOME/state/work/{build}`: it is no file");
        assert_eq!((error.kind, shelf.told(&error)), (EngineErrorKind::State, expected));
    }
}

#[test]
fn records_of_newer_versions_are_read_where_that_can_be() {
    let shelf = Shelf::new();
    let build = id("cafe");
    shelf.put(&build, "p", 1, Some(BuildResult::Success));
    let path = shelf.path(&build);
    let change = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(path.join(name)).expect("reads");
        assert!(text.contains(from), "{text}");
        std::fs::write(path.join(name), text.replace(from, to)).expect("writes");
    };
    change("build.json", "\"version\":1", "\"version\":7,\"machine\":{\"cores\":2}");
    assert_eq!(shelf.builds.show(&build).expect("there").about, BuildAbout { version: 7, ..about(&build, "p", 1) });
    change("outcome.json", "\"result\":\"success\"", "\"result\":\"paused\"");
    let error = shelf.builds.show(&build).expect_err("cannot be understood");
    let expected = |name| {
        format!("cannot understand `HOME/state/builds/{build}/{name}`: its version is 7, and this Stepbox reads 1")
    };
    assert_eq!((error.kind, shelf.told(&error)), (EngineErrorKind::Record, expected("outcome.json")));
    assert_eq!(error.hints, ["use the Stepbox that ran the build"]);
    change("build.json", "\"pipeline\"", "\"line\"");
    let list = shelf.builds.list(&BuildQuery::default()).expect("lists");
    assert_eq!(list.damaged.iter().map(|error| shelf.told(error)).collect::<Vec<_>>(), [expected("build.json")]);
    // Its version tells that its events are newer, too.
    let line = b"{\"event\":\"output\",\"stream\":\"stdin\"}\n";
    assert_eq!(shelf.read(&packed(line)), (vec![], Ok(false), 1));
}

#[test]
fn what_is_in_the_place_of_the_events_is_an_error() {
    for (what, spoil, expected) in SPOILT {
        if expected != "it is no file" && expected != "it is missing" {
            continue;
        }
        let shelf = Shelf::new();
        let build = id("cafe");
        shelf.put(&build, "p", 1, None);
        let path = shelf.path(&build).join("record.jsonl.zst");
        std::fs::remove_file(&path).expect("removes");
        spoil(&path);
        let error = shelf.builds.events(&build).err().expect(what);
        let place = format!("`HOME/state/builds/{build}/record.jsonl.zst` is damaged: {expected}");
        assert_eq!((error.kind, shelf.told(&error)), (EngineErrorKind::Record, place), "{what}");
        assert_eq!(shelf.builds.show(&build).expect("its events are not read").state, BuildState::Unfinished);
    }
}
