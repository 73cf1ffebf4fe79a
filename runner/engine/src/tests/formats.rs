//! The files of a record: what is written can be read, and what is newer does no harm.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::NAMES;
use crate::{
    Annotation, Awaited, AwaitedStep, BuildAbout, BuildEvent, BuildId, BuildResult, FailedCommand, Outcome,
    RECORD_VERSION, RecordedVariables, StepOutcome, Stream, VolumeOutcome,
};

fn build() -> BuildId {
    BuildId::parse("68e0a1b20123456789abcdef").expect("a name")
}

fn variables() -> RecordedVariables {
    RecordedVariables { values: BTreeMap::from([("A\n".into(), "\u{0}é\"\\ ****".into())]), left_out: 2 }
}

fn awaited() -> AwaitedStep {
    AwaitedStep { step: "a".into(), until: 1, then: "denied".into() }
}

fn step(status: Option<u8>) -> StepOutcome {
    StepOutcome {
        name: "a".into(),
        title: "The \u{1b}[31mtitle".into(),
        stage: status.map(|_| "one".into()),
        state: "error".into(),
        status,
        reason: status.map(|_| "why\nnot".into()),
        failed_command: status.map(|_| FailedCommand {
            command: "cp \u{1b} **** '".into(),
            file: Some("./lib.sh".into()),
            line: 3,
            function: None,
            script_line: u32::MAX,
            place: Some("codefresh.yml:1:2".into()),
        }),
        duration: Duration::from_millis(1234),
        modules: u64::MAX,
        attempts: 3,
        unsupported: true,
    }
}

fn volumes() -> [VolumeOutcome; 5] {
    let digest = || "sha256:00".to_owned();
    [
        VolumeOutcome::Saved { digest: digest(), entries: 1, bytes: u64::MAX, change: i64::MIN, stored: 4 },
        VolumeOutcome::NotSaved { reason: "no space left on device".into() },
        VolumeOutcome::Skipped { reason: "the build was terminated".into() },
        VolumeOutcome::Held { digest: digest(), entries: 1, bytes: 2, change: 3, stored: 4 },
        VolumeOutcome::Kept { path: "/srv/volume".into() },
    ]
}

const RESULTS: [BuildResult; 4] =
    [BuildResult::Success, BuildResult::Failure, BuildResult::Terminated, BuildResult::PendingApproval];

/// Every event, and every shape of it.
fn events() -> Vec<BuildEvent> {
    let started = |from: Option<&str>| BuildEvent::BuildStarted {
        version: 1,
        build: build(),
        pipeline: "team/app".into(),
        volume: "cache".into(),
        folder: from.map(|_| "/srv/volume".to_owned()),
        from: from.map(str::to_owned),
        timestamp: u64::MAX,
        steps: 7,
    };
    let begun = |some: Option<&str>| BuildEvent::StepStarted {
        step: "a".into(),
        title: "A".into(),
        stage: some.map(str::to_owned),
        type_name: "freestyle".into(),
        image: some.map(str::to_owned),
    };
    let output = |stream| BuildEvent::Output { step: "a".into(), stream, text: "\u{fffd}\u{0}\r\n😀\u{2028}".into() };
    let warning = |some: Option<&str>| BuildEvent::Warning {
        step: some.map(str::to_owned),
        message: "careful".into(),
        place: some.map(str::to_owned),
    };
    let digest = || "sha256:00".to_owned();
    let mut events = vec![
        started(None),
        started(Some("68e0a1b20123456789abcdee")),
        BuildEvent::WorkerStarted { locked: false, landlock: None, seccomp: false },
        BuildEvent::WorkerStarted { locked: true, landlock: Some(7), seccomp: true },
        BuildEvent::VolumeRestored { digest: digest(), from: "x".into(), entries: 1, bytes: 2, duration_ms: 3 },
        begun(None),
        begun(Some("x")),
        output(Stream::Stdout),
        output(Stream::Stderr),
        BuildEvent::StepRetried { step: "a".into(), attempt: 1, attempts: 2, reason: "r".into(), wait_ms: 5 },
        BuildEvent::HookStarted { step: None, hook: "on_fail".into() },
        BuildEvent::HookFinished {
            step: Some("a".into()),
            hook: "on_elected".into(),
            state: "error".into(),
            reason: Some("r".into()),
            duration_ms: 5,
        },
        BuildEvent::StepFinished(step(None)),
        BuildEvent::StepFinished(step(Some(255))),
        warning(None),
        warning(Some("codefresh.yml:1:2")),
        BuildEvent::VolumeSaved { digest: digest(), entries: 1, bytes: 2, change: -3, stored: 4, duration_ms: 5 },
        BuildEvent::VolumeNotSaved { reason: "r".into() },
        BuildEvent::BuildAborted { message: "m".into() },
        BuildEvent::ApprovalAwaited { step: "a".into(), until: u64::MAX },
        BuildEvent::VolumeHeld { digest: digest(), entries: 1, bytes: 2, change: -3, stored: 4, duration_ms: 5 },
        BuildEvent::BuildContinued { version: 1, build: build(), timestamp: 6 },
        BuildEvent::ShellOpened { step: "a".into(), after: None },
        BuildEvent::ShellOpened { step: "a".into(), after: Some(7) },
        BuildEvent::ShellClosed { step: "a".into() },
    ];
    events.push(BuildEvent::AnnotationUnset { name: "n".into() });
    for value in annotations() {
        events.push(BuildEvent::AnnotationSet { name: "n".into(), value });
    }
    for volume in volumes() {
        events.push(BuildEvent::BuildWaiting { build: build(), steps: vec![awaited()], volume, duration_ms: 7 });
    }
    for (result, volume) in RESULTS.into_iter().zip(volumes()) {
        events.push(BuildEvent::BuildFinished { build: build(), result, volume, duration_ms: 6 });
    }
    events
}

fn annotations() -> [Annotation; 5] {
    [
        Annotation::Empty,
        Annotation::Flag(true),
        Annotation::Number(5.into()),
        Annotation::Number(serde_json::Number::from_f64(-0.5).expect("finite")),
        Annotation::Text("null".into()),
    ]
}

/// Writes, reads, and gives what was written.
fn round<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) -> serde_json::Value {
    let text = serde_json::to_string(value).expect("json");
    assert!(!text.contains('\n'), "{text}");
    assert_eq!(&serde_json::from_str::<T>(&text).expect("reads"), value);
    serde_json::from_str(&text).expect("reads")
}

#[test]
fn every_event_is_read_as_it_was_written() {
    let mut names = std::collections::BTreeSet::new();
    for event in events() {
        let name = match &event {
            BuildEvent::BuildStarted { .. } => "build_started",
            BuildEvent::WorkerStarted { .. } => "worker_started",
            BuildEvent::VolumeRestored { .. } => "volume_restored",
            BuildEvent::StepStarted { .. } => "step_started",
            BuildEvent::Output { .. } => "output",
            BuildEvent::ShellOpened { .. } => "shell_opened",
            BuildEvent::ShellClosed { .. } => "shell_closed",
            BuildEvent::StepRetried { .. } => "step_retried",
            BuildEvent::HookStarted { .. } => "hook_started",
            BuildEvent::HookFinished { .. } => "hook_finished",
            BuildEvent::AnnotationSet { .. } => "annotation_set",
            BuildEvent::AnnotationUnset { .. } => "annotation_unset",
            BuildEvent::ApprovalAwaited { .. } => "approval_awaited",
            BuildEvent::VolumeHeld { .. } => "volume_held",
            BuildEvent::BuildWaiting { .. } => "build_waiting",
            BuildEvent::BuildContinued { .. } => "build_continued",
            BuildEvent::StepFinished(_) => "step_finished",
            BuildEvent::Warning { .. } => "warning",
            BuildEvent::VolumeSaved { .. } => "volume_saved",
            BuildEvent::VolumeNotSaved { .. } => "volume_not_saved",
            BuildEvent::BuildFinished { .. } => "build_finished",
            BuildEvent::BuildAborted { .. } => "build_aborted",
        };
        assert_eq!(round(&event)["event"], name);
        names.insert(name);
    }
    assert_eq!(names, NAMES.into_iter().collect(), "all of them, and no others");
}

#[test]
fn outcomes_and_what_is_known_of_a_build_are_read_as_they_were_written() {
    for (result, volume) in RESULTS.into_iter().zip(volumes()) {
        let outcome = Outcome {
            build: build(),
            result,
            steps: vec![step(None), step(Some(0))],
            volume,
            duration: Duration::from_millis(99),
            warnings: vec!["one".into()],
            exported: variables(),
            annotations: annotations().into_iter().zip('a'..).map(|(value, name)| (name.into(), value)).collect(),
            waiting: (result == BuildResult::PendingApproval)
                .then(|| Awaited { steps: vec![awaited()], secrets: vec!["TOKEN".into()] }),
        };
        let json = round(&outcome);
        assert_eq!((&json["duration_ms"], &json["exported"]["left_out"]), (&99.into(), &2.into()));
    }
    let about = |some: Option<&str>| BuildAbout {
        version: RECORD_VERSION,
        build: build(),
        pipeline: "team/app".into(),
        file: "/src/codefresh.yml".into(),
        volume: "cache".into(),
        from: some.map(str::to_owned),
        started: 1,
        branch: some.map(str::to_owned),
        revision: some.map(str::to_owned),
        initiator: some.map(str::to_owned),
        variables: variables(),
        secrets: vec!["TOKEN".into()],
    };
    round(&about(None));
    round(&about(Some("x")));
}

#[test]
fn durations_are_whole_milliseconds() {
    let outcome = StepOutcome { duration: Duration::from_micros(1999), ..step(None) };
    assert_eq!(serde_json::to_value(&outcome).expect("json")["duration_ms"], 1);
    let longest = StepOutcome { duration: Duration::MAX, ..step(None) };
    let text = serde_json::to_string(&longest).expect("json");
    let read: StepOutcome = serde_json::from_str(&text).expect("reads");
    assert_eq!(read.duration, Duration::from_millis(u64::MAX));
}

#[test]
fn unknown_fields_are_ignored_and_unknown_words_are_not() {
    let text = r#"{"event":"warning","message":"m","place":null,"colour":{"deep":[1]},"step":"a"}"#;
    let warning = BuildEvent::Warning { step: Some("a".into()), message: "m".into(), place: None };
    assert_eq!(serde_json::from_str::<BuildEvent>(text).expect("reads"), warning);
    for text in [
        r#"{"event":"step_paused","step":"a"}"#,
        r#"{"event":"output","step":"a","stream":"stdin","text":""}"#,
        r#"{"event":"output","step":"a","text":""}"#,
        r#"{"event":"volume_not_saved","reason":1}"#,
        r#"{"step":"a"}"#,
        "[]",
    ] {
        assert!(serde_json::from_str::<BuildEvent>(text).is_err(), "{text}");
    }
}
