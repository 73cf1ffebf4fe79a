//! What is refused before anything runs.

use super::bench::Bench;
use crate::EngineErrorKind;

/// `line:column: message` of every problem.
fn problems(bench: &Bench, text: &str) -> Vec<String> {
    let done = bench.text(text).run();
    assert_eq!((done.error().kind, done.events.len()), (EngineErrorKind::Pipeline, 0));
    assert!(!bench.home.path().join("state").exists(), "nothing is made for a pipeline that cannot run");
    let place =
        |problem: &crate::Problem| problem.place.as_ref().map_or(String::new(), |place| place.place.to_string());
    done.error().problems.iter().map(|problem| format!("{}: {}", place(problem), problem.message)).collect()
}

#[test]
fn y3_all_errors_and_unsupported_features_come_at_once() {
    let text = "version: '1.0'\nsteps:\n  a:\n    type: build\n    image_name: x\n  b:\n    image: 1.5\n    commands: {}\n  c:\n    type: nonsense\n";
    let all = problems(&Bench::new(), text);
    assert!(all.len() >= 3, "{all:#?}");
    assert!(all.iter().any(|one| one.contains("is not supported")), "{all:#?}");
}

#[test]
fn broken_yaml_is_told_with_its_line() {
    let bench = Bench::new();
    let done = bench.text("version: '1.0'\nsteps: [\n").run();
    let place = done.error().problems[0].place.clone().expect("a place");
    assert!(place.to_string().contains("codefresh.yml:"), "{place}");
}

#[test]
fn f11_an_image_that_nobody_provides_is_refused_with_the_line_to_paste() {
    let bench = Bench::new();
    let text = "version: '1.0'\nsteps:\n  a:\n    image: node:18\n    commands: [npm test, 'say ${{X}}']\n  b:\n    image: python\n    commands: [say x]\n";
    assert_eq!(
        problems(&bench, text),
        ["4:12: step `a`: nobody provides the image `node:18`", "7:12: step `b`: nobody provides the image `python`"]
    );
    let hints: Vec<_> =
        bench.text(text).run().error().problems.iter().map(|problem| problem.hints[0].clone()).collect();
    assert_eq!(hints, ["the toolbox lacks `npm` of this step", "the toolbox has every command of this step"]);
    let done = bench.text(text).run();
    assert_eq!(
        done.error().problems[0].hints[1],
        "to run it in the toolbox, add to stepbox.yaml:\n  images:\n    \"node:18\": toolbox"
    );
    let mapped = |request: &mut crate::BuildRequest| {
        request.images = vec![("node:*".into(), "toolbox".into()), ("python".into(), "toolbox".into())]
    };
    assert_eq!(bench.text(text).request(mapped).run().states(), ["a error", "b pending"]);
}

#[test]
fn w3_what_is_not_defined_is_an_error_with_its_place_and_no_name() {
    let bench = Bench::new();
    let text = "version: '1.0'\nsteps:\n  a:\n    image: 'x:${{NOPE}}'\n    working_directory: '${{later}}'\n    commands: [say x]\n  later:\n    image: alpine\n    commands: [say x]\n";
    assert_eq!(
        problems(&bench, text),
        [
            "4:15: `${{NOPE}}` is not defined, so the image is not known",
            "5:25: `${{later}}` is not defined, so the working directory is not known",
        ]
    );
}

#[test]
fn v17_what_a_step_may_export_is_settled_when_it_is_needed() {
    let first = "  a:\n    image: alpine\n    commands: [export IMAGE=busybox, export DIR=sub]\n";
    let steps = format!(
        "{first}  b:\n    image: '${{{{IMAGE}}}}'\n    working_directory: '${{{{DIR}}}}'\n    commands: [pwd]\n"
    );
    assert_eq!(Bench::new().steps(&steps).run().output(), "/codefresh/volume/sub\n");
    let steps = format!("{first}  b:\n    image: '${{{{NOPE}}}}'\n    commands: [pwd]\n");
    let done = Bench::new().steps(&steps).run();
    assert_eq!(done.states(), ["a success", "b error"]);
    let reason = done.reason(1).expect("a reason");
    assert!(reason.ends_with("codefresh.yml:7:13: `${{NOPE}}` is not defined, so the image is not known"), "{reason}");
}

#[test]
fn v10_the_image_of_the_original_document_comes_from_a_variable() {
    let steps = "  copy:\n    image: ${{build_prj}}\n    working_directory: ${{main_clone}}\n    fail_fast: false\n    commands: [pwd, exit 1]\n";
    let run = |build: &str| {
        let bench = Bench::new();
        let clear = |request: &mut crate::BuildRequest| request.variables = vec![("build_prj".into(), build.into())];
        bench.steps(steps).request(clear).run()
    };
    let done = run("alpine");
    assert_eq!(done.output(), "cloning octo/app\n/codefresh/volume/app\n");
    assert_eq!(done.outcome().result, crate::BuildResult::Success);
    assert_eq!(run("gone").error().kind, EngineErrorKind::Pipeline);
}
