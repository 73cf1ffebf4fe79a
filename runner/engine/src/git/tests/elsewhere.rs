//! Repositories that are not the source.

use super::place::{Place, tree};

#[test]
fn g6_a_repository_on_this_machine_is_cloned_where_that_is_granted() {
    let place = Place::new();
    place.init("outside");
    place.write_all("outside", &[("a", "1")]);
    let first = place.commit("outside", &[("a", "1"), ("link", "-> ../a"), ("run", "#!/bin/sh\n")]);
    place.reference("outside", "refs/tags/v1", first);
    let second = place.commit("outside", &[("a", "2")]);
    let repo = format!("file://{}", place.path("outside").display());
    let refused = place.clone(&repo, Some("main"));
    assert_eq!(
        refused.result,
        Err(format!(
            "cannot clone `{repo}`: it is outside of this build's source; allow it with `--allow-clone {}`",
            place.path("outside").display()
        ))
    );
    let mut build = place.build();
    build.allow_clone = vec![place.path("outside").display().to_string()];
    for (revision, commit, files) in [
        (Some("main"), second, &[("a", "2")][..]),
        (None, second, &[("a", "2")]),
        (Some("v1"), first, &[("a", "1"), ("link", "-> ../a"), ("run", "*#!/bin/sh\n")]),
        (Some(&first.to_string()[..8]), first, &[("a", "1"), ("link", "-> ../a"), ("run", "*#!/bin/sh\n")]),
    ] {
        let done = place.clone_with(&build, &Place::request(&repo, revision));
        assert_eq!(done.result.expect("clones").revision, Some(commit.to_string()), "{revision:?}");
        let short = commit.to_hex_with_len(10);
        let path = place.path("outside");
        assert_eq!(
            done.lines,
            [format!("source: {} at {short}, {} files, 0.0 MB", path.display(), files.len())],
            "{revision:?}"
        );
        assert_eq!(place.tree("volume/outside"), tree(files), "{revision:?}");
        assert_eq!(place.repository("volume/outside").head_id().expect("a commit").detach(), commit);
    }
    let done = place.clone_with(&build, &Place::request(&repo, Some("gone")));
    assert_eq!(done.result, Err(format!("`{}` has no revision `gone`", place.path("outside").display())));
}

#[test]
fn g8_ignored_files_stay_in_clones_of_other_repositories_too() {
    let place = Place::new();
    place.init("outside");
    place.commit("outside", &[(".gitignore", "cache/\n"), ("a", "1")]);
    let mut build = place.build();
    build.allow_clone = vec![place.path("outside").display().to_string()];
    let request = Place::request(&place.path("outside").display().to_string(), None);
    assert!(place.clone_with(&build, &request).result.is_ok());
    place.write_all("volume/outside", &[("cache/x", "kept"), ("left", "x"), ("a", "changed")]);
    assert!(place.clone_with(&build, &request).result.is_ok());
    let wanted = [(".gitignore", "cache/\n"), ("a", "1"), ("cache/x", "kept")];
    assert_eq!(place.tree("volume/outside"), tree(&wanted));
}

#[test]
fn addresses_that_are_not_supported_are_refused_by_name() {
    let place = Place::new();
    for (repo, why) in [
        ("git://example.com/a/b", "cannot clone `git://example.com/a/b`: only https is supported"),
        (
            "http://example.com/a/b",
            "cannot clone `http://example.com/a/b`: http is not encrypted; use https, or allow it with \
             `--allow-clone example.com`",
        ),
        ("ext::sh -c true", "cannot clone `ext::sh -c true`: only https is supported"),
    ] {
        assert_eq!(place.clone(repo, None).result, Err(why.to_owned()));
    }
}

#[test]
fn what_no_clone_may_hold_is_refused() {
    let place = Place::new();
    place.init("outside");
    let long = format!("-> {}", "x".repeat(4096));
    place.commit("outside", &[("long", &long)]);
    let mut build = place.build();
    build.allow_clone = vec![place.path("outside").display().to_string()];
    let request = Place::request(&place.path("outside").display().to_string(), None);
    assert_eq!(place.clone_with(&build, &request).result, Err("the symbolic link `long` is too long".to_owned()));
    place.commit("outside", &[("long", &long[..4098])]);
    assert!(place.clone_with(&build, &request).result.is_ok());
}
