//! Specifications of pipelines (`kind: pipeline`, section 10.4): their variables and options.

use super::bench::Bench;
use crate::EngineErrorKind;

const SPEC: &str = "version: '1.0'
kind: pipeline
metadata: {name: shop/test}
spec:
  variables:
    - {key: OPEN, value: 5}
    - {key: CLOSED, value: hunter2, encrypted: true}
  steps:
    a:
      image: alpine
      title: a ${{CLOSED}}
      commands: [env OPEN, env CLOSED, env CF_PIPELINE_NAME, cat kept]
";

#[test]
fn r2_v31_variables_are_those_of_the_pipeline_and_encrypted_ones_are_masked() {
    let bench = Bench::new();
    bench.snapshot("before", "kept=yes\n");
    let done = bench.text(SPEC).run();
    assert_eq!(done.output(), "5\n****\nshop/test\nyes\n");
    assert_eq!(done.outcome().steps[0].title, "a ****");
    let told = format!("{:?}", done.events);
    assert!(!told.contains("hunter2"), "{told}");
    // What is given for the build wins.
    assert_eq!(bench.text(SPEC).variable("OPEN", "6").run().output(), "6\n****\nshop/test\nyes\n");
}

#[test]
fn l12_the_specification_may_ask_for_an_empty_volume() {
    let bench = Bench::new();
    bench.snapshot("before", "kept=yes\n");
    let text = SPEC.replace("  variables:", "  options: {resetVolume: true}\n  variables:");
    assert_eq!(bench.text(&text).run().output(), "5\n****\nshop/test\nnothing\n");
}

const TRIGGERS: &str = "  triggers:
    - {name: push, id: 5f00, variables: [{key: OPEN, value: 7}, {key: CLOSED, value: swordfish, encrypted: true}]}
    - {name: other, options: {resetVolume: true}}
    - {name: other}
  cronTriggers:
    - {name: night, options: {resetVolume: true}}
  variables:";

#[test]
fn r2_a_trigger_gives_variables_over_the_pipelines_and_options() {
    let bench = Bench::new();
    bench.snapshot("before", "kept=yes\n");
    let text = SPEC.replace("  variables:", TRIGGERS);
    let run = |name: &str| bench.text(&text).request(|request| request.trigger = Some(name.to_owned()));
    for name in ["push", "5f00"] {
        let done = run(name).run();
        assert_eq!((done.output().as_str(), done.warnings()), ("7\n****\nshop/test\nyes\n", vec![]));
        assert!(!format!("{:?}", done.events).contains("swordfish"));
    }
    assert_eq!(run("push").variable("OPEN", "8").run().output(), "8\n****\nshop/test\nyes\n");
    assert_eq!(run("night").run().output(), "5\n****\nshop/test\nnothing\n");
    assert_eq!(
        bench.text(&text).run().warnings(),
        ["triggers", "cronTriggers"].map(|name| format!(
            "{}: `{name}` has no meaning without a server and is ignored",
            if name == "triggers" { "5:3" } else { "9:3" }
        ))
    );
}

#[test]
fn r2_a_trigger_that_is_not_there_is_told() {
    let bench = Bench::new();
    let text = SPEC.replace("  variables:", TRIGGERS);
    let run = |text: &str, name: &str| {
        let done = bench.text(text).request(|request| request.trigger = Some(name.to_owned())).run();
        let error = done.error();
        (error.kind, error.message.clone(), error.hints.clone())
    };
    let usage = |message: &str, hint: &str| (EngineErrorKind::Usage, message.to_owned(), vec![hint.to_owned()]);
    assert_eq!(run(&text, "psh"), usage("there is no trigger `psh`", "did you mean `push`?"));
    let all = "its triggers are `push`, `other`, `other`, `night`";
    assert_eq!(run(&text, "something"), usage("there is no trigger `something`", all));
    assert_eq!(run(&text, "other"), usage("the pipeline has several triggers `other`", "give them names of their own"));
    let none = "triggers stand in a specification (`kind: pipeline`, under `spec.triggers`)";
    assert_eq!(run(SPEC, "push"), usage("there is no trigger `push`", none));
}
