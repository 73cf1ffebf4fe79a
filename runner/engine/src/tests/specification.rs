//! Specifications of pipelines (`kind: pipeline`, section 10.4): their variables and options.

use super::bench::Bench;

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
