//! git-clone steps.

use super::bench::Bench;
use crate::BuildResult;

#[test]
fn g1_g4_a_clone_lands_on_the_volume_and_hands_on_what_it_is() {
    let steps = "  get:\n    type: git-clone\n    repo: octo/lib\n    revision: '${{CF_BRANCH}}'\n    working_directory: deep\n    depth: 3\n  \
                 use:\n    image: alpine\n    working_directory: '${{get}}'\n    commands: [pwd, 'say ${{get.revision}} ${{steps.get.repo}}']\n";
    let bench = Bench::new();
    let done = bench.steps(steps).run();
    assert_eq!(done.output(), "cloning octo/lib\n/codefresh/volume/deep/lib\nmain octo/lib\n");
    let clone = &bench.clones()[0];
    assert_eq!((clone.parent.as_str(), clone.revision.as_deref(), clone.depth), ("deep", Some("main"), Some(3)));
}

#[test]
fn g2_only_main_clone_is_the_default_directory() {
    let steps = "  other:\n    type: git-clone\n    repo: octo/app\n  a:\n    image: alpine\n    commands: [pwd]\n";
    assert!(Bench::new().steps(steps).run().output().ends_with("\n/codefresh/volume\n"));
}

#[test]
fn g3_the_source_is_cloned_first_where_nobody_clones() {
    let bench = Bench::new();
    let one = "  a:\n    image: alpine\n    commands: [pwd]\n";
    let done = bench.steps(one).request(|request| request.variables.clear()).run();
    assert_eq!(done.output(), "cloning octo/app\n/codefresh/volume/app\n");
    assert_eq!(done.states(), ["main_clone success", "a success"]);
    assert_eq!(done.outcome().steps[0].title, "Cloning main repository");
    assert_eq!(bench.steps(one).run().states(), ["a success"]);
}

#[test]
fn g1_a_clone_outside_of_the_volume_is_refused() {
    let steps = "  get:\n    type: git-clone\n    repo: octo/lib\n    working_directory: /tmp/x\n";
    let done = Bench::new().steps(steps).run();
    assert_eq!(done.outcome().result, BuildResult::Failure);
    assert_eq!(done.reason(0), Some("working directory `/tmp/x` of a clone is not on the volume /codefresh/volume"));
}

#[test]
fn v31_the_password_of_a_clone_is_masked() {
    let steps = "  get:\n    type: git-clone\n    repo: octo/missing\n    credentials: {username: me, password: '${{TOKEN}}'}\n";
    let done = Bench::new().steps(steps).variable("TOKEN", "s3cret").run();
    assert_eq!(done.reason(0), Some("no such repository, ****"));
}

#[test]
fn fields_of_a_clone_that_have_no_effect_are_told() {
    let steps = "  get:\n    type: git-clone\n    repo: octo/lib\n    exclude_blobs: true\n    use_proxy: true\n";
    let done = Bench::new().steps(steps).run();
    assert_eq!(
        done.outcome().warnings,
        [
            "`exclude_blobs` is not supported: all objects are cloned",
            "`use_proxy` is not supported: hosts are asked directly",
        ]
    );
}
