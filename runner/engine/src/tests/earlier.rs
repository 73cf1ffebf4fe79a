//! Builds that start at one of their steps, from what an earlier one has left (`--from`).

use super::bench::{Bench, Build, Done};
use crate::{BuildId, BuildResult, EngineErrorKind, FromStep, LocalVolume, SaveVolume};

const THREE: &str = "  one:\n    image: alpine\n    commands: [say one, write f 1, export X=from-one]\n  \
                     two:\n    image: alpine\n    commands: [cat f, env X, env GIVEN, write f 2, export Y=from-two, exit 3]\n  \
                     three:\n    image: alpine\n    commands: [cat f, env Y, 'say ${{one.result}} ${{two.result}}']\n";

/// The same, mended.
fn mended() -> String {
    THREE.replace(", exit 3", "")
}

fn from<'a>(build: Build<'a>, step: &str, earlier: Option<&BuildId>) -> Build<'a> {
    let from = FromStep { step: step.to_owned(), build: earlier.cloned() };
    build.request(|request| request.from = Some(from))
}

fn refused(done: &Done, kind: EngineErrorKind) -> (String, String) {
    let error = done.error();
    assert_eq!((error.kind, done.events.len()), (kind, 0), "{error:?}");
    (error.message.clone(), error.hints.concat())
}

fn id(done: &Done) -> BuildId {
    done.outcome().build.clone()
}

#[test]
fn s11_a_mended_build_starts_at_the_step_that_failed() {
    let bench = Bench::new();
    let failed = bench.steps(THREE).variable("GIVEN", "given").run();
    assert_eq!(failed.states(), ["one success", "two error", "three pending"]);
    let done = from(bench.steps(&mended()), "two", None).run();
    assert_eq!(done.states(), ["one success", "two success", "three success"]);
    // What the failed attempt has written is on the volume, what it has exported is not known any more.
    assert_eq!(done.output(), "2\nfrom-one\ngiven\n2\nfrom-two\nsuccess success\n");
    assert_ne!(id(&done), id(&failed));
    assert_eq!((done.outcome().result, bench.latest().as_deref()), (BuildResult::Success, Some("f=2\n")));
    // The same again, from a chosen build, with another value.
    let again = from(bench.steps(&mended()), "two", Some(&id(&failed))).variable("GIVEN", "other").run();
    assert_eq!(again.output(), "2\nfrom-one\nother\n2\nfrom-two\nsuccess success\n");
    let export = from(bench.steps(&mended()), "two", None).variable("X", "mine").run();
    assert!(export.output().starts_with("2\nmine\nother\n"), "what is given wins: {}", export.output());
    let last = from(bench.steps(&mended()), "three", None).run();
    assert_eq!(last.output(), "2\nfrom-two\nsuccess success\n");
}

#[test]
fn s11_what_stands_before_must_have_run() {
    let bench = Bench::new();
    let nobody = from(bench.steps(THREE), "two", None).run_with(|_| {});
    let (message, hint) = refused(&nobody, EngineErrorKind::Usage);
    assert!(
        message.starts_with("no build of `") && message.ends_with("` has left a volume to start from"),
        "{message}"
    );
    assert_eq!(hint, "run the pipeline from its beginning");
    let build = id(&bench.steps(THREE).run());
    let with = |steps: &str, step: &str| {
        refused(&from(bench.steps(steps), step, Some(&build)).run_with(|_| {}), EngineErrorKind::Usage)
    };
    assert_eq!(
        with(THREE, "three"),
        (
            format!("step `two` stands before `three` and failed in build `{build}`, which ended there"),
            "start there: `--from two`".into()
        )
    );
    let more = format!("  new:\n    image: alpine\n    commands: [say new]\n{THREE}");
    let (message, _) = with(&more, "two");
    assert_eq!(message, format!("step `new` stands before `two` and was not in build `{build}`"));
    let four = format!("{THREE}  four:\n    image: alpine\n    commands: [say four]\n");
    let weak = four.replace("  two:\n", "  two:\n    fail_fast: false\n");
    let (message, hint) =
        with(&four.replace("two", "2nd").replace("2nd:", "three2:").replace("three2:", "one2:"), "four");
    assert!(message.contains("`one2` stands before `four` and was not in build"), "{message} {hint}");
    let (message, _) = with(THREE, "tree");
    assert_eq!(message, "there is no step `tree`, which `--from` names");
    // A failure that did not end the build is no obstacle.
    bench.steps(&weak).run();
    let done = from(bench.steps(&weak), "four", None).run();
    assert_eq!((done.states()[1].as_str(), done.output().as_str()), ("two error", "four\n"));
    assert_eq!(done.outcome().result, BuildResult::Success);
    let unfinished = id(&bench.steps(THREE).run());
    let (message, _) =
        refused(&from(bench.steps(&four), "four", Some(&unfinished)).run_with(|_| {}), EngineErrorKind::Usage);
    assert!(message.contains("step `two` stands before `four` and failed"), "{message}");
}

#[test]
fn s11_only_builds_that_have_left_a_volume_are_started_from() {
    let bench = Bench::new();
    let gone = |build: &BuildId| {
        let (message, _) =
            refused(&from(bench.steps(THREE), "two", Some(build)).run_with(|_| {}), EngineErrorKind::Usage);
        message.replace(build.as_str(), "ID")
    };
    let never = id(&bench.steps(THREE).request(|request| request.save_volume = SaveVolume::Never).run());
    assert_eq!(
        gone(&never),
        "no build can start from build `ID`: it has left no volume: it is never saved, as the caller wants it"
    );
    let stopped = id(&bench.steps("  one:\n    image: alpine\n    commands: [hang]\n").interrupt_at("hanging").run());
    assert_eq!(gone(&stopped), "no build can start from build `ID`: it has left no volume: the build was terminated");
    let waits = id(&bench.steps("  one:\n    type: pending-approval\n").run());
    assert_eq!(gone(&waits), "no build can start from build `ID`: it waits for an approval");
    let unknown = BuildId::parse("0123456789abcdef01234567").expect("a name");
    assert_eq!(gone(&unknown), "there is no build `ID`");
    let whole = id(&bench.steps(THREE).run());
    std::fs::remove_file(bench.home.path().join("state/builds").join(whole.as_str()).join("standing.json"))
        .expect("there");
    assert_eq!(gone(&whole), "no build can start from build `ID`: its record does not say where it stood");
    let reset =
        from(bench.steps(THREE), "two", Some(&whole)).request(|request| request.reset_volume = true).run_with(|_| {});
    assert!(refused(&reset, EngineErrorKind::Usage).0.starts_with("`--reset-volume` and `--from` exclude each other"));
}

#[test]
fn s11_v31_secrets_are_given_again_where_they_matter() {
    let steps = "  one:\n    image: alpine\n    commands: [export HIDDEN=exported, mask HIDDEN]\n  \
                 two:\n    image: alpine\n    commands: [env TOKEN, env HIDDEN, export LATE=hidden, mask LATE]\n";
    let bench = Bench::new();
    let first = bench.steps(steps).request(|request| request.secrets = vec![("TOKEN".into(), "hunter2".into())]).run();
    let build = id(&first);
    let give = |secrets: &[&str]| {
        let secrets = secrets.iter().map(|name| ((*name).to_owned(), format!("new-{name}"))).collect();
        from(bench.steps(steps), "two", Some(&build)).request(|request| request.secrets = secrets)
    };
    for (given, missing) in [(&[][..], "TOKEN"), (&["TOKEN"], "HIDDEN")] {
        let (message, hint) = refused(&give(given).run_with(|_| {}), EngineErrorKind::Usage);
        assert_eq!(message, format!("build `{build}` had values that are recorded nowhere: `{missing}`"));
        assert!(hint.ends_with(&format!("`--secret {missing}`")), "{hint}");
    }
    // What the step exports that runs again need not be known.
    let done = give(&["TOKEN", "HIDDEN"]).run();
    assert_eq!((done.output().as_str(), done.outcome().result), ("****\n****\n", BuildResult::Success));
}

#[test]
fn s11_a_group_is_started_at_as_a_whole() {
    let steps = "  one:\n    image: alpine\n    commands: [say one]\n  \
                 both:\n    type: parallel\n    steps:\n      a:\n        image: alpine\n        commands: [say a]\n      \
                 b:\n        image: alpine\n        commands: [say b]\n  \
                 last:\n    image: alpine\n    commands: ['say last ${{a.result}}']\n";
    let bench = Bench::new();
    bench.steps(steps).run();
    assert_eq!(from(bench.steps(steps), "last", None).run().output(), "last success\n");
    let done = from(bench.steps(steps), "both", None).run();
    let mut lines: Vec<_> = done.output().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["a", "b", "last success"]);
    let inner = from(bench.steps(steps), "b", None).run_with(|_| {});
    let expected = "a build cannot start at step `b`: it is inside parallel step `both`".to_owned();
    assert_eq!(refused(&inner, EngineErrorKind::Usage), (expected, "give `--from both`".to_owned()));
}

#[test]
fn s11_in_parallel_mode_what_does_not_depend_on_the_step_stays_as_it_is() {
    let text = "version: '1.0'\nmode: parallel\nsteps:\n  \
                one:\n    image: alpine\n    commands: [say one]\n  \
                two:\n    image: alpine\n    commands: [say two]\n    when: {steps: [{name: one}]}\n  \
                three:\n    image: alpine\n    commands: [say three]\n    when: {condition: {all: {a: \"steps.two.result == 'success'\"}}}\n  \
                free:\n    image: alpine\n    commands: [say free]\n  \
                fails:\n    image: alpine\n    commands: [exit 1]\n    fail_fast: false\n";
    let bench = Bench::new();
    bench.text(text).run();
    let done = from(bench.text(text), "two", None).run();
    assert_eq!(done.output(), "two\nthree\n");
    assert_eq!(done.states(), ["one success", "two success", "three success", "free success", "fails error"]);
    let all = from(bench.text(text), "one", None).run();
    assert_eq!(all.output(), "one\ntwo\nthree\n");
    // What ended the build runs again.
    let fatal = text.replace("    fail_fast: false\n", "    when: {steps: [{name: three}]}\n");
    bench.text(&fatal).run();
    let mended = fatal.replace("exit 1", "say mended");
    assert_eq!(from(bench.text(&mended), "free", None).run().output(), "free\nmended\n");
}

#[test]
fn s11_a_long_chain_in_parallel_mode_is_followed_in_bounded_time() {
    let step = |number: usize| {
        let when =
            if number == 0 { String::new() } else { format!("    when: {{steps: [{{name: s{}x}}]}}\n", number - 1) };
        format!("  s{number}x:\n    image: alpine\n    commands: [say {number}]\n{when}")
    };
    let steps: String = (0..300).map(step).collect();
    let text = format!("version: '1.0'\nmode: parallel\nsteps:\n{steps}");
    let bench = Bench::new();
    bench.text(&text).run();
    let done = from(bench.text(&text), "s290x", None).run();
    assert_eq!(done.output(), (290..300).map(|number| format!("{number}\n")).collect::<String>());
}

#[test]
fn s11_a_folder_that_is_the_volume_is_started_from_as_it_is() {
    let bench = Bench::new();
    let folder = bench.home.path().join("folder");
    let local = |build: Build<'_>| -> Done {
        let folder = folder.clone();
        build.request(|request| request.local_volume = Some(LocalVolume::At(folder))).run_with(|_| {})
    };
    local(bench.steps(THREE));
    let done = local(from(bench.steps(&mended()), "two", None));
    assert!(done.output().starts_with("2\nfrom-one\n"), "{}", done.output());
    let (message, hint) = refused(&from(bench.steps(&mended()), "two", None).run_with(|_| {}), EngineErrorKind::Usage);
    let shown = std::fs::canonicalize(&folder).expect("there").display().to_string();
    assert_eq!(
        (message.ends_with(&format!("is the folder `{shown}`")), hint),
        (true, format!("to start from it, give `--local-volume={shown}`"))
    );
    bench.steps(THREE).run();
    let (message, _) = refused(&local(from(bench.steps(&mended()), "two", None)), EngineErrorKind::Usage);
    assert!(message.starts_with("`--local-volume` and `--from` exclude each other"), "{message}");
}

#[test]
fn s11_what_a_failed_build_has_left_stays_as_long_as_its_record() {
    let bench = Bench::new();
    let failed = id(&bench.steps(THREE).stored().run());
    // Later builds make other states the latest one.
    bench.steps("  one:\n    image: alpine\n    commands: [write f later]\n").stored().run();
    let done = from(bench.steps(&mended()), "two", Some(&failed)).stored().run();
    assert!(done.output().starts_with("2\nfrom-one\n"), "{}", done.output());
    let volumes = crate::Volumes::open(&bench.directories()).expect("opens");
    volumes.remove(&volumes.list().expect("lists")[0].name).expect("removes");
    let (message, _) = refused(
        &from(bench.steps(&mended()), "two", Some(&failed)).stored().run_with(|_| {}),
        EngineErrorKind::Restore,
    );
    assert_eq!(message, format!("the volume that build {failed} has left is not in the store any more"));
}

#[test]
fn s11_what_has_run_need_not_run_here() {
    let steps = "  docker:\n    type: build\n    image_name: x\n    when: {branch: {only: [never]}}\n  \
                 one:\n    image: alpine\n    commands: [say one]\n  two:\n    image: alpine\n    commands: [say two]\n";
    let bench = Bench::new();
    bench.steps(steps).request(|request| request.skip_unsupported = true).run();
    let done = from(bench.steps(steps), "two", None).run();
    assert_eq!((done.output().as_str(), done.states()[0].as_str()), ("two\n", "docker skipped"));
}
