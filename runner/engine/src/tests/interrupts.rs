//! Builds that are ended from outside.

use super::bench::Bench;
use crate::{BuildResult, VolumeOutcome};

const STEPS: &str = "  a:\n    image: alpine\n    fail_fast: false\n    commands: [write kept 2, hang]\n  b:\n    image: alpine\n    commands: [say b]\n";

#[test]
fn s2_l7_an_interrupted_build_is_terminated_and_publishes_nothing() {
    for process in [false, true] {
        let bench = Bench::new();
        bench.snapshot("old", "kept=1\n");
        let build = bench.steps(STEPS).interrupt_at("hanging");
        let done = if process { build.process().run() } else { build.run() };
        assert_eq!(done.outcome().result, BuildResult::Terminated);
        assert_eq!(done.states(), ["a terminated", "b pending"]);
        assert_eq!(done.outcome().volume, VolumeOutcome::Skipped { reason: "the build was terminated".into() });
        assert_eq!((done.output().as_str(), bench.latest().as_deref()), ("hanging\n", Some("kept=1\n")));
    }
}

#[test]
fn s2_an_interrupt_during_a_clone_ends_it() {
    let bench = Bench::new();
    let done = bench.steps("  get:\n    type: git-clone\n    repo: octo/endless\n").interrupt_at("cloning").run();
    assert_eq!((done.outcome().result, done.states()), (BuildResult::Terminated, vec!["get terminated".into()]));
    assert_eq!(bench.latest(), None);
}

#[test]
fn s2_an_interrupt_that_comes_with_the_last_output_still_counts() {
    let bench = Bench::new();
    let done = bench.steps("  a:\n    image: alpine\n    commands: [say done]\n").interrupt_at("done").run();
    assert_eq!((done.outcome().result, bench.latest()), (BuildResult::Terminated, None));
}
