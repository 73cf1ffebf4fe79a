//! git-clone steps.

use super::bench::Bench;
use crate::git::tests::host::{Host, PASSWORD};
use crate::git::tests::place::Place;
use crate::{BuildResult, GitCredentials};

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
    let steps = "  get:\n    type: git-clone\n    repo: octo/lib\n    exclude_blobs: true\n    use_proxy: true\n    \
                 skip_tags_on_update: true\n";
    let done = Bench::new().steps(steps).run();
    assert_eq!(
        done.outcome().warnings,
        [
            "`exclude_blobs` is not supported: all objects are cloned",
            "`skip_tags_on_update` is not supported: a clone has the tags that its host has",
            "`use_proxy` is not supported: hosts are asked directly",
        ]
    );
}

#[test]
fn v31_credentials_of_the_user_are_in_no_output_record_volume_or_store() {
    let place = Place::new();
    place.init("remote");
    place.commit("remote", &[("a", "1")]);
    let host = Host::serve(place.path("remote/.git"));
    let url = host.secure_url("secret/tool.git");
    let credentials = url.replacen("https://", &format!("https://me:{PASSWORD}@"), 1);
    let steps = format!(
        "  get:\n    type: git-clone\n    repo: {url}\n  put:\n    type: git-clone\n    repo: octo/{PASSWORD}\n"
    );
    let bench = Bench::new();
    let run = |credentials: GitCredentials| {
        let done = bench.steps(&steps).stored().request(|request| {
            request.plain_https = true;
            request.allow_clone = vec![format!("127.0.0.1:{}", host.port)];
            request.git_credentials = credentials;
        });
        done.run()
    };
    let done = run(GitCredentials::parse(&credentials, "the test").expect("credentials"));
    assert_eq!(done.states(), ["get success", "put error"]);
    let reason = "cannot clone `https://github.com/octo/****.git`: `github.com` is not the host of this source's origin; \
                  allow it with `--allow-clone github.com`";
    assert_eq!(done.reason(1), Some(reason));
    assert!(!format!("{:?} {:?}", done.outcome, done.events).contains(PASSWORD));
    let (mut files, mut left) = (0, vec![bench.home.path().join("state")]);
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(std::fs::read_dir(path).expect("reads").map(|entry| entry.expect("reads").path()));
            continue;
        }
        let bytes = std::fs::read(&path).expect("reads");
        let unpacked = zstd::decode_all(&*bytes).unwrap_or_default();
        for bytes in [bytes, unpacked] {
            assert!(!bytes.windows(PASSWORD.len()).any(|window| window == PASSWORD.as_bytes()), "{path:?}");
        }
        files += 1;
    }
    assert!(files > 5, "{files}");
    assert_eq!(run(GitCredentials::default()).states()[0], "get error");
}
