//! Where the source is, and what is known of it.

use super::place::{Place, tree};
use crate::error::EngineErrorKind;
use crate::repository::Repository;

#[test]
fn v16_facts_come_from_origin_and_commit_without_credentials() {
    let place = Place::with_repository(&[("a", "1")]);
    let commit = place.repository("app").head_id().expect("a commit").to_string();
    let mut config = std::fs::read_to_string(place.path("app/.git/config")).expect("reads");
    config.push_str("[remote \"origin\"]\n\turl = https://me:secret@github.com/octo/shop.git\n");
    std::fs::write(place.path("app/.git/config"), config).expect("writes");
    let facts = place.clones(&place.build()).map_err(|error| error.message).expect("a source").facts();
    let wanted = stepbox_pipeline::BuildFacts {
        repo_owner: Some("octo".into()),
        repo_name: Some("shop".into()),
        branch: Some("main".into()),
        revision: Some(commit.clone()),
        commit_author: Some("Ada".into()),
        commit_message: Some("Commit \"1\" files\n\nwith a body".into()),
        commit_url: Some(format!("https://github.com/octo/shop/commit/{commit}")),
        ..Default::default()
    };
    assert_eq!(facts, wanted);
    for repo in ["octo/shop", "https://github.com/octo/shop", "other/app"] {
        assert!(place.clone(repo, None).result.is_ok(), "{repo}");
    }
    let done = place.clone("https://me:secret@github.com/octo/shop", None);
    assert_eq!(done.result.expect("clones").repo, "https://github.com/octo/shop");
    let done = place.clone("https://me:secret@github.com/..", None);
    assert_eq!(done.result, Err("`https://github.com/..` names no repository".to_owned()));
    let config = std::fs::read_to_string(place.path("volume/shop/.git/config")).expect("reads");
    assert_eq!(
        config,
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n[remote \"origin\"]\n\
         \turl = https://github.com/octo/shop.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    );
}

#[test]
fn v16_without_origin_the_owner_is_local_and_the_name_that_of_the_directory() {
    for place in [Place::new(), Place::with_repository(&[("a", "1")])] {
        let facts = place.clones(&place.build()).map_err(|error| error.message).expect("a source").facts();
        assert_eq!((facts.repo_owner.as_deref(), facts.repo_name.as_deref()), (Some("local"), Some("app")));
    }
}

#[test]
fn a_repository_that_cannot_be_read_is_named() {
    let place = Place::new();
    std::fs::create_dir(place.path("app/.git")).expect("makes");
    let error = place.clones(&place.build()).err().expect("refused");
    let path = place.path("app");
    let path = path.display();
    assert_eq!(
        (error.kind, error.message),
        (
            EngineErrorKind::Usage,
            format!(
                "`{path}` cannot be the source of a build: cannot read the git repository `{path}/.git`: \
                 \"{path}/.git\" does not appear to be a git repository: Missing HEAD at \".git/HEAD\""
            )
        )
    );
}

#[test]
fn a_directory_without_git_is_served_without_history() {
    let place = Place::new();
    place.write_all("app", &[("a", "1"), ("target/CACHEDIR.TAG", ""), ("target/x", "x"), ("deep/b", "2")]);
    place.write("volume/app/left", "x");
    let done = place.clone("example/app", Some("main"));
    assert_eq!(
        done.lines,
        [
            "the source has no git history: its files may not be those of `main`".to_owned(),
            format!("source: {}, 2 files, 0.0 MB, without history", place.path("app").display()),
        ]
    );
    assert_eq!(done.result.expect("clones").revision.as_deref(), Some("main"));
    assert_eq!(place.tree("volume/app"), tree(&[("a", "1"), ("deep/b", "2")]));
}

#[test]
fn g1_the_directory_of_the_pipeline_is_a_repository_of_its_name() {
    let files = [(".gitignore", "*.log\n"), ("examples/one/a", "1"), ("examples/one/codefresh.yml", ""), ("b", "2")];
    let place = Place::with_repository(&files);
    place.write("app/examples/one/x.log", "ignored");
    let mut build = place.build();
    build.pipeline_file = place.path("app/examples/one/codefresh.yml");
    let done = place.clone_with(&build, &Place::request("example/one", Some("main")));
    assert_eq!(
        done.lines,
        [format!(
            "source: {}, 2 files, 0.0 MB, 0 modified, 0 untracked, without history",
            place.path("app/examples/one").display()
        )]
    );
    assert_eq!(place.tree("volume/one"), tree(&[("a", "1"), ("codefresh.yml", "")]));
    assert!(place.clone_with(&build, &Place::request("example/app", Some("main"))).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(&files));
    let other = place.clone_with(&build, &Place::request("example/other", Some("main")));
    assert_eq!(
        other.result,
        Err("cannot clone `https://github.com/example/other.git`: `github.com` is not the host of this source's origin; \
             allow it with `--allow-clone github.com`"
            .into())
    );
}

#[test]
fn a_home_directory_is_never_the_source() {
    let place = Place::new();
    let home = place.path("app/user");
    std::fs::create_dir_all(home.join("project")).expect("makes");
    let find = |source: std::path::PathBuf| {
        let mut build = place.build();
        build.source = Some(source);
        build.home = Some(home.clone());
        place.clones(&build).map(drop).map_err(|error| error.kind)
    };
    for refused in
        ["/".into(), place.path("app"), home.clone(), place.path("app/missing"), place.path("app/codefresh.yml")]
    {
        assert_eq!(find(refused.clone()), Err(EngineErrorKind::Usage), "{refused:?}");
    }
    assert_eq!(find(home.join("project")), Ok(()));
    // A home directory that is itself in git says nothing of what is below it.
    place.init("app/user");
    assert_eq!(find(home.join("project")), Ok(()));
    assert_eq!(find(home.clone()), Err(EngineErrorKind::Usage));
}
