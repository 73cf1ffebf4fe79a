//! Approvals: answered beforehand, by somebody who is asked, or later.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use super::bench::{Bench, Done};
use crate::{
    Answer, Approver, Awaited, BuildEvent, BuildId, BuildResult, BuildState, Builds, EngineErrorKind, Question, Reply,
    SaveVolume, VolumeOutcome, Volumes,
};

/// A step before, the approval, and a step behind.
const GATED: &str = "  before:\n    image: alpine\n    commands: [say before, write f kept, export X=1]\n  \
                     gate:\n    type: pending-approval\n    title: Shall it be?\n  \
                     after:\n    image: alpine\n    commands: [cat f, env X, 'say ${{gate.result}} ${{gate.authEntity.name}}']\n";

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn events(done: &Done) -> Vec<String> {
    let name =
        |event: &BuildEvent| serde_json::to_value(event).expect("json")["event"].as_str().expect("text").to_owned();
    done.events.iter().map(name).collect()
}

fn state(bench: &Bench, build: &BuildId) -> BuildState {
    Builds::open(&bench.directories()).expect("opens").show(build).expect("there").state
}

/// Answers from another thread what it was told to; without an answer it keeps the reply.
#[derive(Debug, Default)]
struct Somebody {
    answers: Mutex<Vec<(&'static str, Answer)>>,
    asked: Mutex<Vec<String>>,
    withdrawn: Mutex<Vec<String>>,
    unanswered: Mutex<Vec<Reply>>,
}

impl Somebody {
    fn saying(answers: &[(&'static str, Answer)]) -> Arc<Self> {
        Arc::new(Self { answers: Mutex::new(answers.to_vec()), ..Self::default() })
    }

    fn list(list: &Mutex<Vec<String>>) -> Vec<String> {
        list.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Approver for Somebody {
    fn ask(&self, question: Question, reply: Reply) {
        self.asked
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(format!("{}: {}", question.step, question.title));
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        match answers.iter().find(|(step, _)| *step == question.step) {
            Some((_, answer)) => {
                let answer = *answer;
                std::thread::spawn(move || reply.give(answer));
            }
            None => self.unanswered.lock().unwrap_or_else(PoisonError::into_inner).push(reply),
        }
    }

    fn withdraw(&self, step: &str) {
        self.withdrawn.lock().unwrap_or_else(PoisonError::into_inner).push(step.to_owned());
    }
}

#[test]
fn a7_a9_the_caller_answers_beforehand() {
    let done = Bench::new().steps(GATED).request(|request| request.approve = names(&["gate"])).run();
    assert_eq!(done.states(), ["before success", "gate approved", "after success"]);
    assert_eq!((done.reason(1), done.outcome().result), (Some("by `--approve`"), BuildResult::Success));
    assert_eq!(done.output(), "before\nkept\n1\napproved ${{gate.authEntity.name}}\n");
    let denied = Bench::new().steps(GATED).request(|request| request.deny = names(&["gate"])).run();
    assert_eq!(denied.states(), ["before success", "gate denied", "after pending"]);
    assert_eq!((denied.reason(1), denied.outcome().result), (Some("by `--deny`"), BuildResult::Failure));
    assert!(denied.is_saved());
}

#[test]
fn a7_later_steps_branch_on_the_answer_where_a_denial_does_not_end_the_build() {
    let steps = "  gate:\n    type: pending-approval\n    fail_fast: false\n  \
                 yes:\n    image: alpine\n    commands: [say yes]\n    when: {steps: [{name: gate, on: [approved]}]}\n  \
                 no:\n    image: alpine\n    commands: [say no]\n    when: {steps: [{name: gate, on: [denied]}]}\n";
    for (flag, output, states) in [
        ("approve", "yes\n", ["gate approved", "yes success", "no skipped"]),
        ("deny", "no\n", ["gate denied", "yes skipped", "no success"]),
    ] {
        let done = Bench::new()
            .steps(steps)
            .request(|request| match flag {
                "approve" => request.approve = names(&["gate"]),
                _ => request.deny = names(&["gate"]),
            })
            .run();
        assert_eq!((done.output().as_str(), done.states()), (output, names(&states)));
        assert_eq!(done.outcome().result, BuildResult::Success);
    }
}

#[test]
fn a9_answers_for_what_is_no_approval_are_refused() {
    for (approve, deny, message, hint) in [
        (&["gat"][..], &[][..], "there is no step `gat`, which `--approve` names", "did you mean `gate`?"),
        (&[], &["before"], "step `before`, which `--deny` names, is no approval", "its approvals are `gate`"),
        (&["gate"], &["gate"], "`--approve gate` and `--deny gate` contradict each other", "give one of them"),
    ] {
        let done = Bench::new()
            .steps(GATED)
            .request(|request| (request.approve, request.deny) = (names(approve), names(deny)))
            .run_with(|_| {});
        let error = done.error();
        assert_eq!(
            (error.kind, error.message.as_str(), error.hints[0].as_str()),
            (EngineErrorKind::Usage, message, hint)
        );
        assert_eq!(done.events.len(), 0);
    }
}

#[test]
fn a9_somebody_is_asked_and_the_build_goes_on() {
    for (answer, states, output) in [
        (Answer::Approved, ["before success", "gate approved", "after success"], "before\nkept\n1\napproved sam\n"),
        (Answer::Denied, ["before success", "gate denied", "after pending"], "before\n"),
        (Answer::Later, ["before success", "gate pending", "after pending"], "before\n"),
    ] {
        let somebody = Somebody::saying(&[("gate", answer)]);
        let approver = Arc::clone(&somebody);
        let done = Bench::new()
            .steps(GATED)
            .request(|request| {
                request.approver = Some(approver);
                request.initiator = "sam".into();
            })
            .run();
        assert_eq!((done.states(), done.output().as_str()), (names(&states), output));
        assert_eq!(Somebody::list(&somebody.asked), ["gate: Shall it be?"]);
        assert_eq!(done.outcome().result == BuildResult::PendingApproval, answer == Answer::Later);
    }
}

#[test]
fn a9_other_steps_run_while_somebody_is_asked_and_an_interrupt_ends_all() {
    let text = "version: '1.0'\nmode: parallel\nsteps:\n  gate:\n    type: pending-approval\n  \
                other:\n    image: alpine\n    commands: [say other]\n  \
                last:\n    image: alpine\n    commands: [hang]\n    when: {steps: [{name: other}]}\n";
    let somebody = Somebody::saying(&[]);
    let approver = Arc::clone(&somebody);
    let done =
        Bench::new().text(text).request(|request| request.approver = Some(approver)).interrupt_at("hanging").run();
    assert_eq!(done.states(), ["gate terminated", "other success", "last terminated"]);
    assert_eq!(done.outcome().result, BuildResult::Terminated);
    assert_eq!(Somebody::list(&somebody.withdrawn), ["gate"]);
    // Nobody hears a late answer.
    for reply in somebody.unanswered.lock().expect("no panic").drain(..) {
        reply.give(Answer::Approved);
    }
}

#[test]
fn p12_a_failure_withdraws_the_question() {
    let text = "version: '1.0'\nmode: parallel\nsteps:\n  gate:\n    type: pending-approval\n  \
                bad:\n    image: alpine\n    commands: [exit 3]\n";
    for asks in [true, false] {
        let somebody = Somebody::saying(&[]);
        let approver: Arc<dyn Approver> = Arc::clone(&somebody) as Arc<dyn Approver>;
        let done = Bench::new().text(text).request(|request| request.approver = asks.then_some(approver)).run();
        assert_eq!(done.states(), ["gate terminated", "bad error"], "{asks}");
        assert_eq!(
            (done.outcome().result, done.reason(0)),
            (BuildResult::Failure, Some("stopped, because step `bad` failed"))
        );
        assert_eq!(Somebody::list(&somebody.withdrawn).len(), usize::from(asks));
    }
}

#[test]
fn a6_nobody_answers_in_time() {
    for (word, states, reason) in [
        ("approved", ["gate approved", "after success"], "nobody answered within 0 s"),
        ("denied", ["gate denied", "after pending"], "nobody answered within 0 s"),
        ("terminated", ["gate terminated", "after pending"], "nobody answered within 0 s"),
    ] {
        let steps = format!(
            "  gate:\n    type: pending-approval\n    timeout: {{duration: 1e-9, finalState: {word}}}\n  after:\n    image: alpine\n    commands: [say after]\n"
        );
        let done = Bench::new().steps(&steps).request(|request| request.approver = Some(Somebody::saying(&[]))).run();
        assert_eq!((done.states(), done.reason(0).map(|text| &text[..24])), (names(&states), Some(&reason[..24])));
        let result = if word == "approved" { BuildResult::Success } else { BuildResult::Failure };
        assert_eq!(done.outcome().result, result);
    }
}

#[test]
fn a9_without_anybody_the_build_stops_there_and_goes_on_later() {
    let bench = Bench::new();
    bench.snapshot("old", "f=old\n");
    let stopped = bench.steps(GATED).run();
    let outcome = stopped.outcome();
    assert_eq!(stopped.states(), ["before success", "gate pending", "after pending"]);
    assert_eq!((outcome.result, stopped.output().as_str()), (BuildResult::PendingApproval, "before\n"));
    assert!(matches!(outcome.volume, VolumeOutcome::Held { .. }), "{:?}", outcome.volume);
    assert_eq!(bench.latest().as_deref(), Some("f=old\n"), "nothing is published");
    let Some(Awaited { steps, secrets }) = &outcome.waiting else { panic!("waits") };
    assert_eq!((steps[0].step.as_str(), steps[0].then.as_str(), secrets.len()), ("gate", "terminated", 0));
    assert_eq!(events(&stopped)[events(&stopped).len() - 3..], ["approval_awaited", "volume_held", "build_waiting"]);
    assert_eq!(state(&bench, &outcome.build), BuildState::Waiting);

    let done = bench.answer(&outcome.build, true).run();
    assert_eq!(done.outcome().build, outcome.build);
    assert_eq!(done.states(), ["before success", "gate approved", "after success"]);
    assert_eq!((done.output().as_str(), done.reason(1)), ("kept\n1\napproved sam\n", Some("by `stepbox approve`")));
    assert_eq!(done.outcome().result, BuildResult::Success);
    assert_eq!(bench.latest().as_deref(), Some("f=kept\n"));
    assert_eq!(
        events(&done),
        [
            "build_continued",
            "worker_started",
            "volume_restored",
            "step_finished",
            "step_started",
            "output",
            "output",
            "output",
            "step_finished",
            "volume_saved",
            "build_finished"
        ]
    );
    let builds = Builds::open(&bench.directories()).expect("opens");
    let recorded: Vec<BuildEvent> =
        builds.events(&outcome.build).expect("opens").map(|event| event.expect("whole")).collect();
    let json = |events: &[BuildEvent]| {
        events.iter().map(|event| serde_json::to_string(event).expect("json")).collect::<Vec<_>>()
    };
    assert_eq!(json(&recorded), [json(&stopped.events), json(&done.events)].concat(), "one record of both parts");
    assert_eq!(state(&bench, &outcome.build), BuildState::Finished);
}

#[test]
fn a7_a_denial_later_ends_the_build_as_failed_and_its_volume_is_saved() {
    let bench = Bench::new();
    let build = bench.steps(GATED).run().outcome().build.clone();
    let done = bench.answer(&build, false).run();
    assert_eq!(done.states(), ["before success", "gate denied", "after pending"]);
    assert_eq!((done.outcome().result, done.reason(1)), (BuildResult::Failure, Some("by `stepbox deny`")));
    assert_eq!(bench.latest().as_deref(), Some("f=kept\n"));
}

#[test]
fn a9_a_build_that_does_not_wait_cannot_be_answered() {
    let bench = Bench::new();
    let error = |build: &BuildId, approve: bool| {
        let done = bench.answer(build, approve).run();
        assert_eq!(done.events.len(), 0);
        let error = done.error();
        assert_eq!(error.kind, EngineErrorKind::Usage);
        error.message.replace(build.as_str(), "ID")
    };
    let unknown = BuildId::parse("0123456789abcdef01234567").expect("a name");
    assert_eq!(error(&unknown, true), "there is no build `ID`");
    let build = bench.steps(GATED).run().outcome().build.clone();
    bench.answer(&build, true).run();
    let approved = "build `ID` does not wait for an approval: step `gate` was approved, and it succeeded";
    assert_eq!((error(&build, true).as_str(), error(&build, false).as_str()), (approved, approved));
    let build = bench.steps(GATED).run().outcome().build.clone();
    bench.answer(&build, false).run();
    assert_eq!(error(&build, true), "build `ID` does not wait for an approval: step `gate` was denied, and it failed");
    let build = bench.steps("  a:\n    image: alpine\n    commands: [hang]\n").interrupt_at("hanging").run();
    assert_eq!(error(&build.outcome().build, true), "build `ID` does not wait for an approval: it was terminated");
    let build = bench.steps(GATED).run().outcome().build.clone();
    std::fs::remove_file(bench.home.path().join("state/builds").join(build.as_str()).join("outcome.json"))
        .expect("there");
    assert_eq!(error(&build, true), "build `ID` does not wait for an approval: it died before its end");
}

#[test]
fn a9_of_two_answers_at_once_one_counts() {
    let bench = Bench::new();
    for _ in 0..5 {
        let build = bench.steps(GATED).run().outcome().build.clone();
        let results = Mutex::new(vec![]);
        std::thread::scope(|scope| {
            for approve in [true, false, true] {
                let (bench, build, results) = (&bench, &build, &results);
                scope.spawn(move || {
                    let done = bench.answer(build, approve).run_beside();
                    results.lock().expect("no panic").push(done);
                });
            }
        });
        let results = results.into_inner().expect("no panic");
        assert_eq!(results.iter().filter(|done| done.outcome.is_ok()).count(), 1);
        for error in results.iter().filter_map(|done| done.outcome.as_ref().err()) {
            let message = &error.message;
            assert!(
                message.contains("somebody has answered just now") || message.contains("does not wait"),
                "{message}"
            );
            assert_eq!(error.kind, EngineErrorKind::Usage);
        }
    }
}

#[test]
fn a9_several_approvals_are_answered_one_by_one() {
    let text = "version: '1.0'\nmode: parallel\nsteps:\n  one:\n    type: pending-approval\n  two:\n    type: pending-approval\n  \
                free:\n    image: alpine\n    commands: [say free]\n  \
                behind one:\n    image: alpine\n    commands: [say behind one]\n    when: {steps: [{name: one, on: [approved]}]}\n  \
                behind two:\n    image: alpine\n    commands: [say behind two]\n    when: {steps: [{name: two, on: [approved]}]}\n";
    let bench = Bench::new();
    let stopped = bench.text(text).run();
    assert_eq!(stopped.output(), "free\n", "what can run does");
    let build = stopped.outcome().build.clone();
    let ask = |steps: &[&str]| bench.answer(&build, true).with(|continuation| continuation.steps = names(steps)).run();
    let error = ask(&[]);
    assert_eq!(error.error().message, format!("build `{build}` waits for several approvals: `one`, `two`"));
    assert_eq!(error.error().hints, [format!("name the step: `stepbox approve {build} one`")]);
    let error = ask(&["twoo"]);
    assert_eq!(error.error().message, format!("build `{build}` does not wait for an approval of step `twoo`"));
    assert_eq!(error.error().hints, ["did you mean `two`?"]);
    let half = ask(&["one"]);
    assert_eq!((half.outcome().result, half.output().as_str()), (BuildResult::PendingApproval, "behind one\n"));
    let whole = ask(&[]);
    assert_eq!((whole.outcome().result, whole.output().as_str()), (BuildResult::Success, "behind two\n"));
    assert_eq!(
        whole.states(),
        ["one approved", "two approved", "free success", "behind one success", "behind two success"]
    );
    let both = bench.text(text).run().outcome().build.clone();
    let done = bench.answer(&both, true).with(|continuation| continuation.steps = names(&["one", "two"])).run();
    assert_eq!(done.outcome().result, BuildResult::Success);
}

#[test]
fn a9_v31_secrets_must_be_given_again_and_are_recorded_nowhere() {
    let steps = "  before:\n    image: alpine\n    commands: [export SHOWN=plain, export HIDDEN=exported-secret, mask HIDDEN]\n  \
                 gate:\n    type: pending-approval\n  \
                 after:\n    image: alpine\n    commands: [env TOKEN, env URL, env HIDDEN, env SHOWN, 'say raw ${{TOKEN}}']\n";
    let bench = Bench::new();
    let stopped = bench
        .steps(steps)
        .variable("URL", "https://hunter2@host")
        .variable("PLAIN", "p")
        .request(|request| request.secrets = vec![("TOKEN".into(), "hunter2".into())])
        .run();
    let build = stopped.outcome().build.clone();
    let awaited = stopped.outcome().waiting.clone().expect("waits");
    assert_eq!(awaited.secrets, ["HIDDEN", "TOKEN", "URL"]);
    let record = bench.home.path().join("state/builds").join(build.as_str());
    for name in ["build.json", "standing.json", "outcome.json"] {
        let text = std::fs::read_to_string(record.join(name)).expect("there");
        assert!(!text.contains("hunter2") && !text.contains("exported-secret"), "{name}: {text}");
    }
    let give = |secrets: &[(&str, &str)]| {
        let secrets = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        bench.answer(&build, true).with(|continuation| continuation.secrets = secrets).run()
    };
    let missing = give(&[("TOKEN", "other")]);
    assert_eq!(
        missing.error().message,
        format!("build `{build}` needs values again that are recorded nowhere: `HIDDEN`, `URL`")
    );
    assert_eq!(
        missing.error().hints,
        ["give each with `--secret NAME=VALUE`, or from the environment: `--secret HIDDEN --secret URL`"]
    );
    assert_eq!((missing.events.len(), state(&bench, &build)), (0, BuildState::Waiting));
    let done = give(&[("TOKEN", "other"), ("URL", "https://x"), ("HIDDEN", "again")]);
    assert_eq!(done.output(), "****\n****\n****\nplain\nraw ****\n");
    let text = std::fs::read_to_string(record.join("standing.json")).expect("there");
    assert!(!text.contains("other") && !text.contains("again") && !text.contains("https://x"), "{text}");
}

#[test]
fn a9_a_build_goes_on_with_the_text_it_began_with() {
    let bench = Bench::new();
    let file = bench.home.path().join("codefresh.yml");
    let begin = |text: &str| {
        std::fs::write(&file, text).expect("writes");
        bench.text(text).run().outcome().build.clone()
    };
    let text = format!("version: '1.0'\nsteps:\n{GATED}");
    let build = begin(&text);
    assert_eq!(bench.answer(&build, true).run().warnings(), [""; 0]);
    let build = begin(&text);
    std::fs::write(&file, "version: '1.0'\nsteps: {}\n").expect("writes");
    let done = bench.answer(&build, true).run();
    let shown = std::fs::canonicalize(&file).expect("there").display().to_string();
    let note = format!("`{shown}` has changed since the build began: it goes on with what it began with");
    assert_eq!((done.outcome().result, done.warnings()), (BuildResult::Success, vec![note]));

    // A text with a secret in it is not recorded.
    let secret = text.replace("say before", "say the-password");
    let begin = || {
        std::fs::write(&file, &secret).expect("writes");
        let done =
            bench.text(&secret).request(|request| request.secrets = vec![("P".into(), "the-password".into())]).run();
        done.outcome().build.clone()
    };
    let answer = |build: &BuildId| {
        let secrets = vec![("P".to_owned(), "the-password".to_owned())];
        bench.answer(build, true).with(|continuation| continuation.secrets = secrets).run()
    };
    let build = begin();
    std::fs::write(&file, &text).expect("writes");
    let refused = answer(&build);
    let message = format!(
        "build `{build}` cannot go on: its pipeline `{shown}` has changed, and its text was not recorded because a secret \
         stands in it"
    );
    assert_eq!((refused.error().message.as_str(), state(&bench, &build)), (message.as_str(), BuildState::Waiting));
    std::fs::write(&file, &secret).expect("writes");
    assert_eq!(answer(&build).outcome().result, BuildResult::Success);
}

fn in_a_year() -> SystemTime {
    SystemTime::now() + Duration::from_secs(365 * 24 * 3600)
}

#[test]
fn a6_an_answer_that_comes_too_late_does_not_count() {
    for (word, result) in
        [("approved", BuildResult::Success), ("denied", BuildResult::Failure), ("terminated", BuildResult::Failure)]
    {
        let bench = Bench::new();
        let steps = GATED.replace("title: Shall it be?", &format!("timeout: {{duration: 2, finalState: {word}}}"));
        let build = bench.steps(&steps).run().outcome().build.clone();
        let done = bench.answer(&build, word != "approved").with(|continuation| continuation.clock = in_a_year).run();
        assert_eq!(done.states()[1], format!("gate {word}"));
        assert_eq!((done.outcome().result, done.reason(1)), (result, Some("nobody answered within 2 h")));
        let note = format!("the answer for step `gate` comes too late: its time is over, and the step is {word}");
        assert_eq!(done.warnings()[0], note);
    }
}

#[test]
fn a9_what_cannot_be_kept_cannot_wait() {
    let why = |done: &Done| {
        assert_eq!(done.outcome().result, BuildResult::Failure);
        assert_eq!(done.states(), ["before success", "gate error", "after pending"]);
        done.reason(1).map(str::to_owned).expect("a reason")
    };
    let bench = Bench::new();
    let done = bench.steps(GATED).request(|request| request.save_volume = SaveVolume::Never).run();
    assert_eq!(why(&done), "nobody answers, and the build cannot wait: `--save-volume never` keeps no volume");
    bench.publishing_fails("no space left on device");
    let done = bench.steps(GATED).run();
    assert_eq!(
        why(&done),
        "nobody answers, and the build cannot wait: its volume is not kept: no space left on device"
    );
    let bench = Bench::new();
    let done = bench
        .steps(GATED)
        .request(|request| {
            request.secrets = vec![("S".into(), "octopus".into())];
            request.git_prefixes = vec![("corp".into(), "https://octopus@host/".into())];
        })
        .run();
    assert_eq!(why(&done), "nobody answers, and the build cannot wait: a secret stands in its options");
}

#[test]
fn s5_what_was_before_still_counts_afterwards() {
    let bench = Bench::new();
    let steps = format!(
        "  weak:\n    image: alpine\n    commands: [exit 1]\n    fail_fast: false\n    strict_fail_fast: true\n{GATED}"
    );
    let build = bench.steps(&steps).run().outcome().build.clone();
    let done = bench.answer(&build, true).run();
    assert_eq!(done.states(), ["weak error", "before success", "gate approved", "after success"]);
    assert_eq!(done.outcome().result, BuildResult::Failure);
}

#[test]
fn a9_an_interrupt_after_the_answer_ends_the_build_for_good() {
    let bench = Bench::new();
    let build = bench.steps(&GATED.replace("[cat f,", "[hang,")).run().outcome().build.clone();
    let done = bench.answer(&build, true).interrupt_at("hanging").run();
    assert_eq!((done.outcome().result, state(&bench, &build)), (BuildResult::Terminated, BuildState::Finished));
    assert_eq!(bench.latest(), None);
    assert!(
        bench.answer(&build, true).run().error().message.ends_with("step `gate` was approved, and it was terminated")
    );
}

#[test]
fn a9_a_step_sees_that_the_build_waits() {
    let text = "version: '1.0'\nmode: parallel\nsteps:\n  gate:\n    type: pending-approval\n  \
                first:\n    image: alpine\n    commands: [say first]\n  \
                then:\n    image: alpine\n    commands: [say then]\n    when:\n      steps: [{name: first}]\n      condition: {all: {a: \"workflow.result == 'pending-approval'\"}}\n";
    assert_eq!(Bench::new().text(text).run().output(), "first\nthen\n");
}

#[test]
fn l15_the_volume_of_a_waiting_build_stays_in_the_store_as_long_as_its_record() {
    let bench = Bench::new();
    let blobs = || std::fs::read_dir(bench.home.path().join("state/store/blobs/sha256")).expect("lists").count();
    let steps = GATED.replace("write f kept", "cat f, write f kept");
    let first = bench.steps(&steps).stored().run().outcome().build.clone();
    let volumes = Volumes::open(&bench.directories()).expect("opens");
    assert_eq!((volumes.list().expect("lists").len(), blobs()), (0, 4));
    // Another build starts from nothing, and what it leaves goes with the volume.
    let other = bench.steps("  a:\n    image: alpine\n    commands: [cat f, write g x]\n").stored().run();
    assert_eq!((other.output().as_str(), blobs()), ("nothing\n", 8));
    volumes.remove(&volumes.list().expect("lists")[0].name).expect("removes");
    assert_eq!(blobs(), 4);
    let done = bench.answer(&first, true).stored().run();
    assert_eq!(done.output(), "kept\n1\napproved sam\n");
    assert_eq!(volumes.list().expect("lists")[0].snapshots[0].build, first.to_string());

    let second = bench.steps(&steps.replace("kept", "second")).stored().run().outcome().build.clone();
    let before = blobs();
    let builds = Builds::open(&bench.directories()).expect("opens");
    builds.remove(&second).expect("removes");
    assert!(blobs() < before, "{before}, then {}", blobs());
    assert_eq!(bench.answer(&second, true).stored().run().error().message, format!("there is no build `{second}`"));
    // The store has lost what a build waits for.
    let third = bench.steps(&steps).stored().run().outcome().build.clone();
    std::fs::remove_dir_all(bench.home.path().join("state/store/builds")).expect("there");
    let gone = bench.answer(&third, true).stored().run();
    assert_eq!(gone.error().message, format!("the volume of build {third}, which waits, is not in the store any more"));
    assert_eq!(state(&bench, &third), BuildState::Waiting);
}

#[test]
fn a_damaged_record_of_a_waiting_build_is_told() {
    for (text, message) in [
        ("{", "` is damaged: EOF while parsing an object at line 1 column 1"),
        ("", "` is damaged: EOF while parsing a value at line 1 column 0"),
    ] {
        let bench = Bench::new();
        let build = bench.steps(GATED).run().outcome().build.clone();
        let file = bench.home.path().join("state/builds").join(build.as_str()).join("standing.json");
        std::fs::write(&file, text).expect("writes");
        let done = bench.answer(&build, true).run();
        assert_eq!(done.error().kind, EngineErrorKind::Record);
        assert!(done.error().message.ends_with(message), "{}", done.error().message);
        std::fs::remove_file(&file).expect("there");
        assert!(bench.answer(&build, true).run().error().message.ends_with("does not say where it stands"));
    }
}

#[test]
fn a_build_that_waits_since_a_version_with_other_limits_does_not_go_on() {
    let bench = Bench::new();
    let build = bench.steps(GATED).run().outcome().build.clone();
    let file = bench.home.path().join("state/builds").join(build.as_str()).join("standing.json");
    let mut record: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&file).expect("there")).expect("what was written");
    record["waiting"]["request"]["limits"] = serde_json::json!({"memory": 1 << 30, "processes": 64, "output": 1 << 20});
    std::fs::write(&file, record.to_string()).expect("writes");
    let done = bench.answer(&build, true).run();
    let message = format!("build `{build}` cannot go on: another version of Stepbox, with other limits, began it");
    assert_eq!((done.error().kind, done.error().message.as_str()), (EngineErrorKind::Record, message.as_str()));
    assert_eq!(done.error().hints, [format!("run the pipeline again; `stepbox builds rm {build}` removes the record")]);
    assert_eq!(state(&bench, &build), BuildState::Waiting);
}
