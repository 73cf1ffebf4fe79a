//! What builds leave in their records.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::bench::{Bench, Done};
use crate::{
    BuildAbout, BuildEvent, BuildId, BuildQuery, BuildRequest, BuildState, Builds, Directories, EngineErrorKind,
    Interrupt, RECORD_VERSION, RecordedVariables, SaveVolume, WorkerLaunch,
};

const SAY: &str = "  a:\n    image: alpine\n    commands: [say hello]\n";

fn builds(bench: &Bench) -> Builds {
    Builds::open(&bench.directories()).expect("opens")
}

/// The directory of a record.
fn directory(bench: &Bench, build: &BuildId) -> PathBuf {
    bench.home.path().join("state/builds").join(build.as_str())
}

/// All events, and whether the record ended early.
fn events(builds: &Builds, build: &BuildId) -> (Vec<BuildEvent>, bool) {
    let mut recorded = builds.events(build).expect("opens");
    let all = recorded.by_ref().map(|event| event.expect("an event")).collect();
    assert_eq!(recorded.unknown(), 0);
    (all, recorded.is_cut_off())
}

/// Events as they are written, durations in whole milliseconds.
fn json(events: &[BuildEvent]) -> Vec<String> {
    events.iter().map(|event| serde_json::to_string(event).expect("json")).collect()
}

/// Everything that is in a record.
fn whole(directory: &Path) -> String {
    let mut names: Vec<_> = std::fs::read_dir(directory).expect("there").map(|entry| entry.expect("reads")).collect();
    names.sort_by_key(std::fs::DirEntry::file_name);
    let name = |entry: &std::fs::DirEntry| entry.file_name().into_string().expect("text");
    assert_eq!(
        names.iter().map(name).collect::<Vec<_>>(),
        ["build.json", "outcome.json", "record.jsonl.zst", "standing.json"]
    );
    let read = |entry: &std::fs::DirEntry| {
        assert_eq!(entry.metadata().expect("there").permissions().mode() & 0o777, 0o600);
        let bytes = std::fs::read(entry.path()).expect("reads");
        let bytes = if name(entry).ends_with(".zst") { zstd::decode_all(&*bytes).expect("whole") } else { bytes };
        String::from_utf8(bytes).expect("text")
    };
    names.iter().map(read).collect()
}

#[test]
fn the_record_holds_what_was_known_every_event_and_the_outcome() {
    let bench = Bench::new();
    bench.snapshot("old", "kept=1\n");
    let steps = "  a:\n    image: alpine\n    commands: [say hello, export X=1, export Y=two words]\n";
    let done = bench
        .steps(steps)
        .variable("COLOUR", "red")
        .variable("COLOUR", "blue")
        .request(|request| {
            request.pipeline = Some("team/app".into());
            request.volume = Some("cache".into());
            request.initiator = "sam".into();
        })
        .run();
    let build = &done.outcome().build;
    let builds = builds(&bench);
    let shown = builds.show(build).expect("there");
    let pairs = |pairs: &[(&str, &str)]| RecordedVariables {
        values: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        left_out: 0,
    };
    let started = shown.about.started;
    let file = std::fs::canonicalize(bench.home.path().join("codefresh.yml")).expect("there").display().to_string();
    let about = BuildAbout {
        version: RECORD_VERSION,
        build: build.clone(),
        pipeline: "team/app".into(),
        file,
        volume: "cache".into(),
        from: Some("old".into()),
        started,
        branch: Some("main".into()),
        revision: Some("0123456789abcdef0123456789abcdef01234567".into()),
        initiator: Some("sam".into()),
        variables: pairs(&[("CF_SKIP_MAIN_CLONE", "true"), ("COLOUR", "blue")]),
        secrets: vec![],
    };
    assert_eq!((shown.about, shown.state), (about, BuildState::Finished));
    let outcome = shown.outcome.expect("there");
    assert_eq!(outcome.exported, pairs(&[("X", "1"), ("Y", "two words")]));
    let json_of = |outcome| serde_json::to_value(outcome).expect("json");
    assert_eq!(json_of(&outcome), json_of(done.outcome()));
    let (recorded, cut) = events(&builds, build);
    assert_eq!((json(&recorded), cut), (json(&done.events), false));
    assert!(matches!(recorded[0], BuildEvent::BuildStarted { timestamp, .. } if timestamp == started));
    whole(&directory(&bench, build));
}

#[test]
fn what_is_not_known_is_not_recorded() {
    let bench = Bench::new();
    let done = bench.steps(SAY).variable("CF_BRANCH", "").variable("CF_REVISION", "abc").run();
    let about = builds(&bench).show(&done.outcome().build).expect("there").about;
    assert_eq!((about.branch, about.revision.as_deref(), about.initiator, about.from), (None, Some("abc"), None, None));
}

#[test]
fn v31_no_value_of_a_secret_is_in_a_record() {
    let bench = Bench::new();
    let steps = "  get:\n    type: git-clone\n    repo: octo/app\n    credentials:\n      username: me\n      \
                 password: '${{GIVEN}}'\n  a:\n    image: alpine\n    commands: [export T=hunter2, mask T, export PLAIN=x]\n  \
                 b:\n    image: alpine\n    commands: [env T, export LATER=a hunter2 b]\n";
    let done = bench
        .steps(steps)
        .variable("GIVEN", "gitpass")
        .variable("URL", "https://me:s3cret@host/hunter2")
        .variable("TOKEN", "shadowed")
        .variable("CF_BRANCH", "on-s3cret")
        .request(|request| {
            request.secrets = vec![("TOKEN".into(), "s3cret".into()), ("KEY".into(), "line1\nline2".into())];
            request.initiator = "line2".into();
        })
        .run();
    let build = &done.outcome().build;
    let all = whole(&directory(&bench, build));
    for secret in ["hunter2", "s3cret", "gitpass", "line1", "line2", "shadowed"] {
        assert!(!all.contains(secret), "{secret}: {all}");
    }
    let shown = builds(&bench).show(build).expect("there");
    assert_eq!(shown.about.secrets, ["KEY", "TOKEN"]);
    let values = |variables: RecordedVariables| -> Vec<String> {
        variables.values.into_iter().map(|(name, value)| format!("{name}={value}")).collect()
    };
    let expected = ["CF_BRANCH=on-****", "CF_SKIP_MAIN_CLONE=true", "GIVEN=****", "URL=https://me:****@host/****"];
    assert_eq!(values(shown.about.variables), expected);
    assert_eq!((shown.about.branch.as_deref(), shown.about.initiator.as_deref()), (Some("on-****"), Some("****")));
    assert_eq!(values(shown.outcome.expect("there").exported), ["LATER=a **** b", "PLAIN=x", "T=****"]);
}

#[test]
fn a_build_that_runs_is_shown_so_and_cannot_be_removed() {
    let bench = Bench::new();
    let mut seen = vec![];
    let build = bench.steps(
        "  a:\n    image: alpine\n    commands: [say hello]\n  b:\n    image: alpine\n    commands: [say again]\n",
    );
    let done = build.run_with(|event| {
        let builds = builds(&bench);
        let BuildEvent::StepStarted { step, .. } = event else { return };
        let build = builds.find("latest").expect("there");
        let shown = builds.show(&build).expect("there");
        let (events, cut) = events(&builds, &build);
        let outputs = events.iter().filter(|event| matches!(event, BuildEvent::Output { .. })).count();
        seen.push((step.clone(), shown.state, shown.outcome.is_some(), outputs, cut));
        assert_eq!(builds.list(&BuildQuery::default()).expect("lists").builds[0].state, BuildState::Running);
        let error = builds.remove(&build).expect_err("refused");
        assert_eq!((error.kind, error.message), (EngineErrorKind::Usage, format!("build `{build}` still runs")));
    });
    let expected =
        [("a", 0), ("b", 1)].map(|(step, outputs)| (step.to_owned(), BuildState::Running, false, outputs, true));
    assert_eq!(seen, expected, "what was told before a step began is in the record when it begins");
    let builds = builds(&bench);
    assert_eq!(builds.show(&done.outcome().build).expect("there").state, BuildState::Finished);
    builds.remove(&done.outcome().build).expect("removes");
}

#[test]
fn a_build_that_cannot_be_run_to_its_end_is_unfinished_and_its_record_is_whole() {
    let bench = Bench::new();
    let mut build = bench.steps(SAY);
    build.launch = WorkerLaunch::InProcess(drop);
    let Done { outcome, events: told } = build.run();
    outcome.expect_err("an error of ours");
    let builds = builds(&bench);
    let id = builds.find("latest").expect("there");
    let (recorded, cut) = events(&builds, &id);
    assert_eq!((json(&recorded), cut), (json(&told), false));
    assert!(matches!(recorded.last(), Some(BuildEvent::BuildAborted { .. })));
    assert_eq!(builds.show(&id).expect("there").state, BuildState::Unfinished);
    assert_eq!(std::fs::read_dir(directory(&bench, &id)).expect("there").count(), 2);
}

const HOME: &str = "STEPBOX_ENGINE_TEST_RECORD_HOME";

/// The process that the other test kills: this very program, told to run this one test.
#[test]
#[ignore = "the supervisor of another test"]
fn as_supervisor() {
    let home = PathBuf::from(std::env::var_os(HOME).expect("a directory"));
    let text = "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [say before]\n  b:\n    image: alpine\n    \
                commands: [say lost, hang]\n";
    let mut request = BuildRequest::new(home.join("codefresh.yml"), text.to_owned(), |_, _| Ok(vec![]));
    request.variables.push(("CF_SKIP_MAIN_CLONE".into(), "true".into()));
    let directories = Directories { state: home.join("state"), cache: None };
    let launch = WorkerLaunch::InProcess(super::worker::serve_archives);
    let _ = crate::run(&directories, &launch, &request, &Interrupt::new(), &mut |_| {});
}

#[test]
fn a_build_that_is_killed_is_unfinished_and_its_record_is_read_as_far_as_it_goes() {
    let bench = Bench::new();
    let mut child = Command::new(std::env::current_exe().expect("this program"))
        .args(["tests::records::as_supervisor", "--exact", "--ignored"])
        .env(HOME, bench.home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("starts");
    let builds = builds(&bench);
    let begun = Instant::now();
    let running = loop {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never hangs");
        std::thread::sleep(Duration::from_millis(20));
        let Ok(build) = builds.find("latest") else { continue };
        let (events, _) = events(&builds, &build);
        if events.iter().any(|event| matches!(event, BuildEvent::StepStarted { step, .. } if step == "b")) {
            break build;
        }
    };
    assert_eq!(builds.show(&running).expect("there").state, BuildState::Running);
    assert_eq!(builds.remove(&running).expect_err("refused").kind, EngineErrorKind::Usage);
    child.kill().expect("kills");
    child.wait().expect("ends");
    let shown = builds.show(&running).expect("there");
    assert_eq!((shown.state, shown.outcome), (BuildState::Unfinished, None));
    let (recorded, cut) = events(&builds, &running);
    let names: Vec<String> = json(&recorded)
        .iter()
        .map(|event| serde_json::from_str::<serde_json::Value>(event).expect("json")["event"].to_string())
        .collect();
    let expected =
        "\"build_started\" \"worker_started\" \"step_started\" \"output\" \"step_finished\" \"step_started\"";
    assert_eq!((names.join(" ").as_str(), cut), (expected, true));
    // Whether somebody has swept its work directory changes nothing.
    bench.steps(SAY).run();
    assert_eq!(builds.show(&running).expect("there").state, BuildState::Unfinished);
    builds.remove(&running).expect("removes");
    assert_eq!(builds.find(running.as_str()).expect_err("gone").kind, EngineErrorKind::Usage);
    assert_eq!(std::fs::read_dir(bench.home.path().join("state/work")).expect("there").count(), 0);
}

/// The process that looks at records that it cannot write.
#[test]
#[ignore = "the reader of another test"]
fn as_reader() {
    let home = PathBuf::from(std::env::var_os(HOME).expect("a directory"));
    let failed = std::fs::write(home.join("state/try"), "").expect_err("cannot be written");
    assert_eq!(failed.kind(), std::io::ErrorKind::ReadOnlyFilesystem);
    let builds = Builds::open(&Directories { state: home.join("state"), cache: None }).expect("opens");
    let list = builds.list(&BuildQuery::default()).expect("lists");
    // Both may have begun in the same millisecond.
    let mut states: Vec<String> = list.builds.iter().map(|build| format!("{:?}", build.state)).collect();
    states.sort();
    assert_eq!((states.join(" ").as_str(), list.damaged.len()), ("Finished Unfinished", 0));
    for build in list.builds {
        assert_eq!(builds.find(build.build.as_str()).expect("there"), build.build);
        assert_eq!(builds.show(&build.build).expect("there").about.build, build.build);
        assert!(events(&builds, &build.build).0.len() >= 2);
        let error = builds.remove(&build.build).expect_err("cannot be removed");
        assert_eq!(error.kind, EngineErrorKind::State);
        assert!(error.message.ends_with("read-only file system"), "{error}");
        builds.show(&build.build).expect("is still there");
    }
    println!("read all of it");
}

#[test]
fn records_on_a_file_system_that_is_only_readable_can_be_read() {
    let bench = Bench::new();
    let mut aborted = bench.steps(SAY);
    aborted.launch = WorkerLaunch::InProcess(drop);
    aborted.run().outcome.expect_err("an error of ours");
    bench.steps(SAY).run();
    let mount = r#"mount --bind "$STATE" "$STATE" && mount -o remount,bind,ro "$STATE""#;
    if let Some(printed) = with_mount(&bench, mount, "as_reader") {
        assert!(printed.contains("read all of it"), "{printed}");
    }
}

/// Runs an ignored test of this file where something is mounted; what it printed. Where the system grants no mounts, as
/// some containers do not, this says so and nothing is checked.
fn with_mount(bench: &Bench, mount: &str, test: &str) -> Option<String> {
    let script = format!("{mount} || exit 99\n\"$PROGRAM\" tests::records::{test} --exact --ignored --nocapture");
    let output = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", &script])
        .env(HOME, bench.home.path())
        .env("STATE", bench.home.path().join("state"))
        .env("PROGRAM", std::env::current_exe().expect("this program"))
        .output();
    match output {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).expect("text")),
        Ok(output) if output.status.code() == Some(101) => panic!("{output:?}"),
        other => {
            eprintln!("not checked, as no file system can be mounted here: {other:?}");
            None
        }
    }
}

/// The process whose disk is full: at the start, and then from the first step on.
#[test]
#[ignore = "the supervisor of another test"]
fn as_supervisor_without_space() {
    let home = PathBuf::from(std::env::var_os(HOME).expect("a directory"));
    let text = "version: '1.0'\nsteps:\n  a:\n    image: alpine\n    commands: [say hello]\n";
    let mut request = BuildRequest::new(home.join("codefresh.yml"), text.to_owned(), |_, _| Ok(vec![]));
    request.variables.push(("CF_SKIP_MAIN_CLONE".into(), "true".into()));
    request.save_volume = SaveVolume::Never;
    let directories = Directories { state: home.join("state"), cache: None };
    let launch = WorkerLaunch::InProcess(super::worker::serve_archives);
    let file = home.join("state/fill");
    let fill = || {
        let error = std::fs::write(&file, vec![0; 4 << 20]).expect_err("no space");
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    };
    let run = |request: &BuildRequest, full_at: &str| {
        let mut events = vec![];
        let outcome = crate::run(&directories, &launch, request, &Interrupt::new(), &mut |event| {
            if serde_json::to_value(event).expect("json")["event"] == full_at {
                fill();
            }
            events.push(event.clone());
        });
        Done { outcome, events }.warnings().join("; ")
    };
    println!("[{}]", run(&request, ""));
    fill();
    println!("[{}]", run(&request, ""));
    std::fs::remove_file(&file).expect("removes");
    // With a new secret, what is known of the build is written anew.
    request.pipeline_text = text.replace("say hello", "say hello, export T=x, mask T");
    println!("[{}]", run(&request, "step_started"));
}

#[test]
fn a_full_disk_is_told_once_and_the_build_goes_on() {
    let bench = Bench::new();
    std::fs::create_dir(bench.home.path().join("state")).expect("makes");
    let mount = r#"mount -t tmpfs -o size=2m,mode=700 none "$STATE""#;
    let Some(printed) = with_mount(&bench, mount, "as_supervisor_without_space") else { return };
    let told: Vec<&str> = printed.lines().filter(|line| line.starts_with('[')).collect();
    let expected = [
        "[]",
        "[the build is not recorded: no space left on device]",
        "[the build is not recorded any further: no space left on device]",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_record_that_is_taken_away_is_told_and_the_build_goes_on() {
    let bench = Bench::new();
    let records = bench.home.path().join("state/builds");
    let gone = bench.steps(SAY).run_with(|event| {
        if let BuildEvent::StepStarted { .. } = event {
            std::fs::remove_dir_all(&records).expect("removes");
        }
    });
    assert_eq!(gone.output(), "hello\n");
    let lost = ["no build can go on from this one", "the outcome is not recorded"];
    assert_eq!(gone.warnings(), lost.map(|what| format!("{what}: no such file or directory")));
    let list = builds(&bench).list(&BuildQuery::default()).expect("lists");
    assert_eq!((list.builds, list.damaged), (vec![], vec![]));
}
