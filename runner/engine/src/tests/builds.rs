//! Builds are listed and found by their records.

use std::time::{Duration, Instant};

use super::shelf::{Shelf, id};
use crate::{BuildEnd, BuildId, BuildQuery, BuildResult, BuildState, BuildSummary, EngineErrorKind};

fn summary(build: &BuildId, pipeline: &str, started: u64, end: Option<BuildResult>) -> BuildSummary {
    BuildSummary {
        build: build.clone(),
        pipeline: pipeline.to_owned(),
        started,
        branch: Some("main".to_owned()),
        revision: None,
        initiator: None,
        state: if end.is_some() { BuildState::Finished } else { BuildState::Unfinished },
        end: end.map(|result| BuildEnd { result, duration: Duration::from_millis(42) }),
    }
}

#[test]
fn builds_are_listed_newest_first_chosen_by_pipeline_and_number() {
    let shelf = Shelf::new();
    let list = |pipeline: Option<&str>, limit| {
        let list = shelf.builds.list(&BuildQuery { pipeline: pipeline.map(str::to_owned), limit }).expect("lists");
        assert_eq!(list.damaged, []);
        list.builds
    };
    assert_eq!(list(None, None), []);
    let (one, two, three, four) = (id("00000001f"), id("00000002a"), id("00000002b"), id("00000002c"));
    shelf.put(&one, "p", 1500, Some(BuildResult::Success));
    // Of one second, their order is not that of their names.
    shelf.put(&two, "p", 2900, Some(BuildResult::Failure));
    shelf.put(&three, "q", 2100, None);
    shelf.put(&four, "p", 2500, Some(BuildResult::Terminated));
    std::fs::create_dir(shelf.home.path().join("state/builds/something else")).expect("makes");
    let [one, two, three, four] = [
        summary(&one, "p", 1500, Some(BuildResult::Success)),
        summary(&two, "p", 2900, Some(BuildResult::Failure)),
        summary(&three, "q", 2100, None),
        summary(&four, "p", 2500, Some(BuildResult::Terminated)),
    ];
    assert_eq!(list(None, None), [two.clone(), four.clone(), three.clone(), one.clone()]);
    assert_eq!(list(None, Some(2)), [two.clone(), four.clone()]);
    assert_eq!(list(Some("p"), Some(3)), [two.clone(), four, one]);
    assert_eq!(list(Some("q"), None), [three]);
    assert_eq!((list(Some("r"), None), list(None, Some(0))), (vec![], vec![]));
    assert_eq!(shelf.builds.find("latest").expect("there"), two.build);
}

#[test]
fn a_build_is_found_by_its_name_its_first_digits_or_as_the_latest() {
    let shelf = Shelf::new();
    let error = |text: &str| {
        let error = shelf.builds.find(text).expect_err("not found");
        assert_eq!((error.kind, error.hints.len()), (EngineErrorKind::Usage, 1), "{text}");
        (shelf.told(&error), error.hints[0].clone())
    };
    let none = |text: &str| (format!("there is no build `{text}`"), "`stepbox builds ls` lists them".to_owned());
    assert_eq!(shelf.builds.find("latest").expect_err("none").message, "there is no build yet");
    for number in 0..7 {
        shelf.put(&id(&format!("68e0a1b{number}")), "p", number, None);
    }
    let last = id("68e0a1b6f");
    shelf.put(&last, "p", 9, None);
    assert_eq!(shelf.builds.find("latest").expect("there"), last);
    assert_eq!(shelf.builds.find(last.as_str()).expect("there"), last);
    assert_eq!(shelf.builds.find("68E0A1b6F").expect("there"), last);
    assert_eq!(shelf.builds.find("68e0a1b3").expect("there"), id("68e0a1b3"));
    let long = format!("{last}0");
    for text in ["68e0a1b9", "", "xyz", "../../etc", "68e0a1b6f\0", "1", "Latest", &long, "😀😀😀😀"] {
        assert_eq!(error(text), none(text));
    }
    assert_eq!(
        error("68e"),
        ("`68e` is too short to stand for a build".into(), "give at least 4 digits of its name, or `latest`".into())
    );
    assert_eq!(
        error("68e0a1b6"),
        (
            "2 builds have names that begin with `68e0a1b6`".into(),
            format!("give more digits: there are `{last}` and `{}`", id("68e0a1b6"))
        )
    );
    let names: Vec<String> =
        ["68e0a1b6f", "68e0a1b6", "68e0a1b5", "68e0a1b4", "68e0a1b3"].map(|name| format!("`{}`", id(name))).into();
    assert_eq!(
        error("68e0"),
        (
            "8 builds have names that begin with `68e0`".into(),
            format!("give more digits: there are {} and 3 more", names.join(", "))
        )
    );
    for (build, what) in [(id("dead"), "none"), (id("68e0a1b3"), "one")] {
        let found =
            [shelf.builds.show(&build).err(), shelf.builds.events(&build).err(), shelf.builds.remove(&build).err()];
        let expected = (what == "none").then(|| none(build.as_str()).0);
        assert_eq!(found.map(|error| error.map(|error| error.message)), [expected.clone(), expected.clone(), expected]);
    }
}

#[test]
#[ignore = "measures; run it by hand with --nocapture"]
fn ten_thousand_records_are_listed_fast() {
    let shelf = Shelf::new();
    for number in 0..10_000_u64 {
        let build = id(&format!("{:08x}{number:04x}", 0x68e0_a1b2 + number * 60));
        let pipeline = if number % 10 == 0 { "rare" } else { "common" };
        shelf.put(&build, pipeline, number, (number % 7 != 0).then_some(BuildResult::Success));
    }
    let measure = |what: &str, run: &dyn Fn() -> usize| {
        let times = (0..5).map(|_| {
            let begun = Instant::now();
            let count = run();
            (begun.elapsed(), count)
        });
        let (time, count) = times.min().expect("five");
        println!("{what}: {count} in {:.1} ms", time.as_secs_f64() * 1000.0);
        time
    };
    let list = |pipeline: Option<&str>, limit| {
        let list = shelf.builds.list(&BuildQuery { pipeline: pipeline.map(str::to_owned), limit }).expect("lists");
        assert_eq!(list.damaged.len(), 0);
        list.builds.len()
    };
    let all = measure("all", &|| list(None, None));
    measure("the newest 20", &|| list(None, Some(20)));
    measure("of a rare pipeline", &|| list(Some("rare"), None));
    measure("of no pipeline", &|| list(Some("none"), None));
    measure("latest", &|| usize::from(shelf.builds.find("latest").is_ok()));
    assert!(all < Duration::from_secs(5), "{all:?}");
}
