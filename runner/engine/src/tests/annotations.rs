//! Annotations (section 11.2 of the specification).

use std::collections::BTreeMap;

use super::bench::{Bench, Done};
use crate::{Annotation, BuildEvent, BuildResult, EngineErrorKind};

/// What is noted on a build, a line each.
fn noted(done: &Done) -> Vec<String> {
    let outcome = done.outcome();
    outcome.annotations.iter().map(|(name, value)| format!("{name}={value}")).collect()
}

fn hooked(step: &str, hook: &str) -> String {
    format!("  one:\n    image: alpine\n    commands: [{step}]\n    hooks:\n      {hook}\n")
}

#[test]
fn a1_a2_a5_a_hook_notes_on_the_build_and_removes() {
    let hook = "on_success:\n        annotations:\n          set:\n            - annotations:\n                - empty\n                \
                - number: 10.45\n                - whole: 0x10\n                - flag: true\n                - text: 'v ${{CF_BUILD_TRIGGER}} ${{X}}'\n                \
                - good: {evaluate: \"'${{X}}' == 'made' && workflow.result == 'running'\"}\n                - sum: {evaluate: '1 + 1.5'}\n                \
                - name: {evaluate: \"upper('${{X}}')\"}\n            - entity_type: build\n              entity_id: '${{CF_BUILD_ID}}'\n              annotations: [{gone: x}]\n      \
                on_finish:\n        exec: [say at the end]\n        annotations: {unset: [{annotations: [gone, never]}], set: [{annotations: [{flag: false}]}]}";
    let bench = Bench::new();
    let done = bench.steps(&hooked("export X=made", hook)).run();
    let expected =
        ["empty=", "flag=false", "good=true", "name=MADE", "number=10.45", "sum=2.5", "text=v build made", "whole=16"];
    assert_eq!((noted(&done), done.outcome().result), (expected.map(str::to_owned).to_vec(), BuildResult::Success));
    let numbers: BTreeMap<_, _> = done.outcome().annotations.clone();
    assert_eq!((&numbers["whole"], &numbers["empty"]), (&Annotation::Number(16.into()), &Annotation::Empty));
    assert!(done.events.contains(&BuildEvent::AnnotationUnset { name: "gone".into() }));
    let set = BuildEvent::AnnotationSet { name: "flag".into(), value: Annotation::Flag(false) };
    let at = |wanted: &BuildEvent| done.events.iter().position(|event| event == wanted);
    assert!(at(&set).is_some() && at(&set) > at(&BuildEvent::AnnotationUnset { name: "gone".into() }));
    assert_eq!(done.outcome().warnings, Vec::<String>::new());
}

#[test]
fn a2_an_expression_without_value_is_told_and_notes_nothing() {
    let hook = "on_finish: {annotations: {set: [{annotations: [{bad: {evaluate: 'nobody == 1'}}, {good: 1}]}]}}";
    let done = Bench::new().steps(&hooked("say x", hook)).run();
    assert_eq!(noted(&done), ["good=1"]);
    let warnings = &done.outcome().warnings;
    assert!(warnings.len() == 1 && warnings[0].starts_with("annotation `bad` is not set: "), "{warnings:?}");
}

#[test]
fn a3_the_contents_of_a_file_are_noted_as_they_are_and_a_missing_file_is_its_text() {
    let hook = "on_finish: {annotations: {set: [{annotations: [{file: 'file:f'}, {whole: 'file:/codefresh/volume/./f'}, {gone: 'file:gone'}, \
                {outside: 'file:/etc/passwd'}, {above: 'file:../../etc/passwd'}, {none: 'file:'}]}]}}";
    let done = Bench::new().steps(&hooked("'write f ${X}'", hook)).run();
    let noted = noted(&done);
    assert_eq!(noted[1], "file=${X}", "{noted:?}");
    assert_eq!(noted[5], "whole=${X}", "{noted:?}");
    for (name, why) in [
        ("above=file:../../etc/passwd", "`/etc/passwd` is no file on the volume"),
        ("gone=file:gone", "there is no file `/codefresh/volume/gone`"),
        ("outside=file:/etc/passwd", "`/etc/passwd` is no file on the volume"),
        ("none=file:", "`/codefresh/volume` is no file on the volume"),
    ] {
        let (name, text) = name.split_once('=').expect("both");
        assert!(noted.contains(&format!("{name}={text}")), "{noted:?}");
        let warning = format!("annotation `{name}`: the text `{text}` itself is noted: {why}");
        assert!(done.outcome().warnings.contains(&warning), "{:?}", done.outcome().warnings);
    }
}

#[test]
fn a4_a5_what_is_not_the_build_is_left_out_with_a_warning() {
    let hook = "on_finish:\n        metadata: {set: [{'${{one.imageId}}': [{a: b}]}]}\n        annotations:\n          set:\n            \
                - {entity_type: project, annotations: [{a: b}]}\n            - {entity_id: other, annotations: [{c: d}]}";
    let done = Bench::new().steps(&hooked("say x", hook)).run();
    assert_eq!(noted(&done), Vec::<String>::new());
    assert_eq!(
        done.outcome().warnings,
        [
            "there are no images to note `metadata` on, it is ignored",
            "an annotation of type `project` is ignored: only the running build can be annotated",
            "an annotation on another build is ignored: only the running build can be annotated",
        ]
    );
}

#[test]
fn a5_v32_secrets_are_masked_in_annotations() {
    let hook =
        "on_finish: {annotations: {set: [{annotations: [{a: 'x ${{TOKEN}} y'}, {b: {evaluate: \"'${{TOKEN}}'\"}}]}]}}";
    let done = Bench::new()
        .steps(&hooked("say x", hook))
        .request(|request| request.secrets = vec![("TOKEN".into(), "hunter2".into())])
        .run();
    assert_eq!(noted(&done), ["a=x **** y", "b=****"]);
    assert!(!format!("{:?}", done.events).contains("hunter2"));
}

#[test]
fn a5_the_caller_annotates_and_bad_names_are_refused() {
    let ask = |name: &str| {
        let given = vec![(name.to_owned(), "v".to_owned())];
        Bench::new()
            .steps("  one:\n    image: alpine\n    commands: [say x]\n")
            .request(|request| {
                request.annotations = given;
            })
            .run_with(|_| {})
    };
    assert_eq!(noted(&ask("commit_1")), ["commit_1=v"]);
    let refused = ask("a b");
    assert_eq!(refused.error().kind, EngineErrorKind::Usage);
    assert_eq!(refused.error().message, "`a b` cannot be the name of an annotation");
}

#[test]
fn a5_annotations_are_bounded() {
    let long = "x".repeat(600_000);
    let done = Bench::new()
        .steps("  one:\n    image: alpine\n    commands: [say x]\n")
        .request(|request| {
            request.annotations = vec![("a".into(), long.clone()), ("b".into(), long), ("c".into(), String::new())]
        })
        .run();
    assert_eq!(done.outcome().annotations.keys().collect::<Vec<_>>(), ["a", "c"]);
    assert_eq!(done.outcome().warnings, ["annotation `b` is not set: those of a build have 1048576 bytes at most"]);
}

#[test]
fn a5_a_build_that_waits_keeps_its_annotations() {
    let bench = Bench::new();
    let steps = format!(
        "{}  gate:\n    type: pending-approval\n",
        hooked("say x", "on_finish: {annotations: {set: [{annotations: [{a: b}]}]}}")
    );
    let waits = bench.steps(&steps).run();
    assert_eq!((noted(&waits), waits.outcome().result), (vec!["a=b".to_owned()], BuildResult::PendingApproval));
    let done = bench.answer(&waits.outcome().build, true).run();
    assert_eq!((noted(&done), done.outcome().result), (vec!["a=b".to_owned()], BuildResult::Success));
}
