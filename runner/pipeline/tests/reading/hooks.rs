//! Hooks and annotations (section 11 of the specification).

use stepbox_pipeline::{AnnotationValue, Flag, HOOK_IMAGE, Hook, HookMoment, Mode, Pipeline, Step, StepKind};

use crate::{clean, errors, only, refused, step, warnings};

/// The hook of a step, as it stands behind `on_finish:`.
fn hook(text: &str) -> Hook {
    let found = only(clean(step(&format!("image: x\nhooks:\n  on_finish: {text}"))));
    found.hooks.get(HookMoment::Finish).expect("a hook").clone()
}

/// What the steps of a hook run: `name image command…`.
fn runs(hook: &Hook) -> Vec<String> {
    let tell = |step: &Step| {
        let StepKind::Freestyle(freestyle) = &step.kind else { return step.name.to_string() };
        let commands = freestyle.commands.iter().flatten().map(|command| command.text());
        [step.name.as_str(), freestyle.image.text()].into_iter().chain(commands).collect::<Vec<_>>().join(" ")
    };
    hook.course.steps.iter().map(tell).collect()
}

#[test]
fn h1_h2_every_form_of_a_hook_is_read() {
    let alone = format!("on_finish {HOOK_IMAGE} one two");
    for (text, expected) in [
        ("[one, two]", vec![alone.as_str()]),
        ("{exec: [one, two]}", vec![&alone]),
        ("{exec: {image: y, commands: [one]}}", vec!["on_finish y one"]),
        ("{image: y, commands: [one]}", vec!["on_finish y one"]),
        ("{steps: {a: {image: y, commands: [one]}, b: {image: z}}}", vec!["a y one", "b z"]),
        ("{exec: {steps: {a: {image: y}}}}", vec!["a y"]),
        ("{exec: [one, two], annotations: {set: [{annotations: [n]}]}}", vec![&alone]),
        ("{annotations: {set: [{annotations: [n]}]}}", vec![]),
        ("{metadata: {set: []}}", vec![]),
    ] {
        assert_eq!(runs(&hook(text)), expected, "{text}");
    }
}

#[test]
fn h8_several_steps_have_mode_and_policies() {
    let found =
        hook("{mode: parallel, fail_fast: false, strict_fail_fast: true, steps: {a: {image: y, fail_fast: true}}}");
    let course = &found.course;
    assert_eq!(
        (course.mode, &course.fail_fast, &course.strict_fail_fast, &course.steps[0].fail_fast),
        (Mode::Parallel, &Some(Flag::Value(false)), &Some(Flag::Value(true)), &Some(Flag::Value(true)))
    );
    assert_eq!(hook("[x]").course.mode, Mode::Sequential);
    assert_eq!(hook("{image: y, fail_fast: false}").course.fail_fast, Some(Flag::Value(false)));
}

#[test]
fn h1_hooks_of_the_pipeline_and_the_old_ones_of_steps() {
    let pipeline = clean(Pipeline::read(
        "version: 1\nhooks: {on_elected: [a], on_fail: {image: x}}\nsteps: {jim: {image: x, on_fail: {annotations: {set: \
         [{annotations: [n]}]}}}}",
    ));
    let moments = |hooks: &stepbox_pipeline::Hooks| hooks.iter().map(|(moment, _)| moment.as_str()).collect::<Vec<_>>();
    assert_eq!(moments(&pipeline.hooks), ["on_elected", "on_fail"]);
    assert_eq!(moments(&pipeline.steps[0].hooks), ["on_fail"]);
    let old = pipeline.steps[0].hooks.get(HookMoment::Fail).expect("a hook");
    assert_eq!((old.course.steps.len(), old.annotations.set[0].name.as_str()), (0, "n"));
    assert!(only(clean(step("image: x"))).hooks.is_empty());
}

#[test]
fn h3_h4_h9_what_is_no_hook_is_an_error() {
    for (text, message) in [
        ("hooks: {on_start: [x]}", "\"on_start\" is not allowed"),
        ("hooks: {on_finish: {image: y, stage: z}}", "\"stage\" is not allowed"),
        (
            "hooks: {on_fail: [x]}\non_fail: {annotations: {}}",
            "Either old \"on_success/on_fail/on_finish\" or new \"hooks\" should be used",
        ),
    ] {
        assert!(errors(&step(&format!("image: x\n{text}"))).iter().any(|one| one.starts_with(message)), "{text}");
    }
    for text in ["hooks: {on_finish: echo}", "hooks: {on_finish: {exec: {commands: [x]}}}"] {
        assert!(!errors(&step(&format!("image: x\n{text}"))).is_empty(), "{text}");
    }
}

#[test]
fn h2_what_cannot_run_in_a_hook_is_refused_by_name() {
    for (text, feature) in [
        ("{type: build, image_name: y}", "type: build"),
        ("{steps: {a: {type: push, candidate: y}}}", "type: push"),
        ("{steps: {a: {image: y, services: [z]}}}", "services"),
        ("{steps: {a: {image: y, scale: {b: {}}}}}", "scale"),
    ] {
        let reading = step(&format!("image: x\nhooks: {{on_finish: {text}}}"));
        assert_eq!((errors(&reading).len(), refused(&reading)), (0, vec![feature]), "{text}");
    }
}

#[test]
fn a1_a2_annotations_of_the_build_are_read() {
    let found = hook(
        "{annotations: {set: [{annotations: [bare, {text: 'a ${{B}}'}, {file: 'file:x'}, {number: 1.50}, {yes: true}, {made: \
         {evaluate: '1 + 1'}}]}, {entity_type: build, entity_id: '${{CF_BUILD_ID}}', annotations: [more]}], unset: \
         [{annotations: [gone]}]}}",
    );
    let set: Vec<_> = found
        .annotations
        .set
        .iter()
        .map(|one| {
            let value = match &one.value {
                AnnotationValue::Empty => "-".to_owned(),
                AnnotationValue::Text(text) => format!("text {}", text.text()),
                AnnotationValue::Number(text) => format!("number {text}"),
                AnnotationValue::Flag(flag) => flag.to_string(),
                AnnotationValue::Evaluate(text) => format!("evaluate {}", text.text()),
            };
            format!("{} {value}", one.name)
        })
        .collect();
    assert_eq!(
        set,
        [
            "bare -",
            "text text a ${{B}}",
            "file text file:x",
            "number number 1.5",
            "yes true",
            "made evaluate 1 + 1",
            "more -"
        ]
    );
    assert_eq!(found.annotations.unset[0].text(), "gone");
}

#[test]
fn a4_a5_notes_on_other_things_are_warned_about() {
    let reading = step(
        "image: x\nhooks: {on_finish: {metadata: {set: [{id: [{a: b}]}]}, annotations: {set: [{entity_type: project, \
         entity_id: x, annotations: [a]}, {entity_id: other, annotations: [b]}]}}}",
    );
    assert_eq!(
        warnings(&reading),
        [
            "there are no images to note `metadata` on, it is ignored",
            "an annotation of type `project` is ignored: only the running build can be annotated",
            "an annotation on another build is ignored: only the running build can be annotated",
        ]
    );
    assert!(reading.is_runnable());
}
