//! What is kept of builds, and how it is found again.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use super::bench::{Bench, Done};
use crate::{BuildEvent, BuildId, BuildState, Builds, EngineErrorKind};

const STEP: &str = "  a:\n    image: alpine\n    commands: [say one, say two]\n";

fn builds(bench: &Bench) -> Builds {
    Builds::open(&bench.directories()).expect("opens")
}

fn id(done: &Done) -> BuildId {
    done.outcome().build.clone()
}

fn directory(bench: &Bench, build: &BuildId) -> PathBuf {
    bench.home.path().join("state/builds").join(build.as_str())
}

fn message<T>(result: Result<T, crate::EngineError>) -> (EngineErrorKind, String) {
    result.err().map(|error| (error.kind, error.message)).expect("an error")
}

#[test]
fn a_record_says_what_a_build_is_and_what_it_came_to() {
    let bench = Bench::new();
    bench.snapshot("before", "kept=1\n");
    let done = bench
        .steps(STEP)
        .variable("X", "hunter2!")
        .request(|request| request.secrets = vec![("TOKEN".into(), "hunter2".into())])
        .run();
    let record = builds(&bench).show(&id(&done)).expect("there");
    assert_eq!(record.state, BuildState::Finished);
    let about = record.about;
    assert_eq!((about.build, about.from.as_deref()), (id(&done), Some("before")));
    assert_eq!((about.branch.as_deref(), about.revision.map(|revision| revision.len())), (Some("main"), Some(40)));
    let open = |value: &str| Some(value.to_owned());
    assert_eq!(
        about.variables,
        [("CF_SKIP_MAIN_CLONE".to_owned(), open("true")), ("X".to_owned(), open("****!")), ("TOKEN".to_owned(), None)]
    );
    let outcome = record.outcome.expect("an outcome");
    assert_eq!((outcome.steps[0].name.as_str(), outcome.steps[0].attempts), ("a", 1));
}

#[test]
fn builds_are_found_by_their_first_digits_and_the_newest_is_the_latest() {
    let bench = Bench::new();
    assert_eq!(message(builds(&bench).find("latest")), (EngineErrorKind::Usage, "there is no build yet".into()));
    let ids: Vec<BuildId> = (0..3).map(|_| id(&bench.steps(STEP).run())).collect();
    let builds = builds(&bench);
    let mut sorted = ids.clone();
    sorted.sort();
    sorted.reverse();
    assert_eq!(builds.names().expect("lists"), sorted);
    assert_eq!(builds.find("latest").as_ref(), Ok(&sorted[0]));
    assert_eq!(builds.find(ids[1].as_str()).as_ref(), Ok(&ids[1]));
    assert_eq!(builds.find(&ids[1].as_str()[..20]).as_ref(), Ok(&ids[1]));
    for (text, told) in [
        ("abc", "`abc` is too short for a build: give at least 4 digits of its name".to_owned()),
        ("ffffffff", "there is no build `ffffffff`".to_owned()),
        ("../../../etc", "there is no build `../../../etc`".to_owned()),
        (&ids[0].as_str()[..5], format!("more than one build begins with `{}`", &ids[0].as_str()[..5])),
    ] {
        assert_eq!(message(builds.find(text)), (EngineErrorKind::Usage, told));
    }
}

#[test]
fn what_a_dead_build_had_told_can_be_read() {
    let bench = Bench::new();
    let done = bench.steps(STEP).run();
    let path = directory(&bench, &id(&done));
    std::fs::remove_file(path.join("outcome.json")).expect("removes");
    let whole = std::fs::read(path.join("record.jsonl.zst")).expect("reads");
    std::fs::write(path.join("record.jsonl.zst"), &whole[..whole.len() - 10]).expect("writes");
    let builds = builds(&bench);
    assert_eq!(builds.show(&id(&done)).expect("there").state, BuildState::Unfinished);
    let mut told = vec![];
    assert_eq!(builds.events(&id(&done), |event| told.push(event.clone())), Ok(0));
    assert!(matches!(told.first(), Some(BuildEvent::BuildStarted { .. })) && told.len() > 1, "{told:?}");
}

#[test]
fn a_build_that_runs_is_told_and_not_removed() {
    let bench = Bench::new();
    let mut seen = None;
    let done = bench.steps(STEP).run_with(|event| {
        if let BuildEvent::StepStarted { .. } = event {
            let builds = Builds::open(&bench.directories()).expect("opens");
            let build = builds.find("latest").expect("it");
            seen = Some((builds.show(&build).expect("there").state, message(builds.remove(&build))));
        }
    });
    let running = format!("build `{}` still runs", id(&done));
    assert_eq!(seen, Some((BuildState::Running, (EngineErrorKind::Usage, running))));
    let builds = builds(&bench);
    assert_eq!(builds.remove(&id(&done)), Ok(()));
    assert!(builds.names().expect("lists").is_empty());
}

#[test]
fn events_of_newer_versions_are_skipped_and_counted() {
    let bench = Bench::new();
    let done = bench.steps(STEP).run();
    let text =
        b"{\"event\":\"from_the_future\"}\nnonsense\n{\"event\":\"volume_not_saved\",\"reason\":\"x\",\"new\":1}\n";
    let packed = zstd::encode_all(&text[..], 1).expect("packs");
    std::fs::write(directory(&bench, &id(&done)).join("record.jsonl.zst"), packed).expect("writes");
    let mut told = vec![];
    assert_eq!(builds(&bench).events(&id(&done), |event| told.push(event.clone())), Ok(2));
    assert_eq!(told, [BuildEvent::VolumeNotSaved { reason: "x".into() }]);
}

#[test]
fn records_that_are_none_are_errors_with_the_file() {
    let bench = Bench::new();
    let done = bench.steps(STEP).run();
    let (builds, path) = (builds(&bench), directory(&bench, &id(&done)));
    let (about, events) = (path.join("build.json"), path.join("record.jsonl.zst"));
    std::fs::write(&about, "{").expect("writes");
    std::fs::write(&events, "no zstd").expect("writes");
    let (kind, told) = message(builds.show(&id(&done)));
    assert!(kind == EngineErrorKind::State && told.contains("/build.json`: "), "{told}");
    let (kind, told) = message(builds.events(&id(&done), |_| {}));
    assert!(kind == EngineErrorKind::State && told.contains("/record.jsonl.zst`: "), "{told}");
    for file in [&about, &events] {
        std::fs::remove_file(file).expect("removes");
        symlink("/etc/passwd", file).expect("links");
    }
    assert!(builds.show(&id(&done)).is_err() && builds.events(&id(&done), |_| {}).is_err());
    std::fs::remove_file(&about).expect("removes");
    std::fs::create_dir(&about).expect("makes");
    assert!(builds.show(&id(&done)).is_err());
}
