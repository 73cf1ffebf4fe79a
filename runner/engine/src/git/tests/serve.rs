//! What of the source is served, and what is said about it.

use super::place::{Done, Place, tree};
use crate::repository::Cloned;

const FILES: &[(&str, &str)] = &[
    (".gitignore", "*.log\n/build/\n"),
    ("README", "hello\n"),
    ("bin/run", "#!/bin/sh\n"),
    ("link", "-> README"),
    ("src/deep/a", "a"),
];

#[test]
fn g1_g4_g6_a_fresh_clone_has_the_files_and_a_repository_of_its_own() {
    let place = Place::with_repository(FILES);
    let commit = place.repository("app").head_id().expect("a commit").detach();
    let done = place.clone("example/app", Some("main"));
    let path = place.path("app");
    let cloned = Cloned { directory: "app".into(), revision: Some(commit.to_string()), repo: "example/app".into() };
    let line = format!("source: {}, 5 files, 0.0 MB, 0 modified, 0 untracked", path.display());
    assert_eq!(done, Done { result: Ok(cloned), lines: vec![line], warnings: vec![] });
    let wanted = [
        (".gitignore", "*.log\n/build/\n"),
        ("README", "hello\n"),
        ("bin/run", "*#!/bin/sh\n"),
        ("link", "-> README"),
        ("src/deep/a", "a"),
    ];
    assert_eq!(place.tree("volume/app"), tree(&wanted));
    let clone = place.repository("volume/app");
    assert_eq!(clone.head_name().expect("reads").map(|name| name.to_string()).as_deref(), Some("refs/heads/main"));
    assert_eq!(clone.head_id().expect("a commit").detach(), commit);
    let origin = clone.find_reference("refs/remotes/origin/main").expect("is there").id().detach();
    assert_eq!(origin, commit);
    let index = clone.open_index().expect("an index");
    let names: Vec<_> = index.entries().iter().map(|entry| entry.path(&index).to_string()).collect();
    assert_eq!(names, [".gitignore", "README", "bin/run", "link", "src/deep/a"]);
    assert_eq!(clone.head_tree_id().expect("a tree"), place.repository("app").head_tree_id().expect("a tree"));
    let config = std::fs::read_to_string(place.path("volume/app/.git/config")).expect("reads");
    assert_eq!(config, "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n");
}

#[test]
fn the_working_tree_is_served_as_it_is_now() {
    let place = Place::with_repository(FILES);
    place
        .write_all("app", &[("README", "changed\n"), ("new", "n"), ("src/new", "n"), ("x.log", "l"), ("build/o", "o")]);
    place.write("app/src/deep/x.log", "l");
    std::fs::remove_file(place.path("app/link")).expect("removes");
    let done = place.clone("example/app", Some("main"));
    assert_eq!(
        done.lines,
        [format!("source: {}, 6 files, 0.0 MB, 2 modified, 2 untracked", place.path("app").display())]
    );
    let mut wanted = tree(FILES);
    wanted.insert("README".into(), "changed\n".into());
    wanted.insert("bin/run".into(), "*#!/bin/sh\n".into());
    wanted.extend(tree(&[("new", "n"), ("src/new", "n")]));
    wanted.remove("link");
    assert_eq!(place.tree("volume/app"), wanted);

    let mut build = place.build();
    build.source_tracked_only = true;
    let done = place.clone_with(&build, &Place::request("app", None));
    assert_eq!(
        done.lines,
        [format!("source: {}, 4 files, 0.0 MB, 2 modified, 0 untracked", place.path("app").display())]
    );
    wanted.remove("new");
    wanted.remove("src/new");
    assert_eq!(place.tree("volume/app"), wanted);
}

#[test]
fn tracked_files_in_ignored_directories_are_served() {
    let place = Place::with_repository(&[(".gitignore", "build/\n"), ("build/kept", "k")]);
    place.write("app/build/made", "m");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(&[(".gitignore", "build/\n"), ("build/kept", "k")]));
}

#[test]
fn another_revision_is_warned_about_and_cloned_only_where_that_is_wanted() {
    let place = Place::with_repository(&[("a", "1")]);
    let first = place.repository("app").head_id().expect("a commit").detach();
    place.reference("app", "refs/tags/v1", first);
    place.write_all("app", &[("a", "2")]);
    let second = place.commit("app", &[("a", "2")]);
    let short = |id: gix::ObjectId| id.to_hex_with_len(10).to_string();

    for same in ["main", &second.to_string(), &second.to_string()[..9]] {
        assert_eq!(place.clone("app", Some(same)).warnings, Vec::<String>::new(), "{same}");
    }
    let done = place.clone("app", Some("v1"));
    let warning = format!(
        "the step asks for revision `v1` ({}), and gets the working tree of `main` ({}) as it is now; \
         `--strict-revision` clones what it asks for",
        short(first),
        short(second)
    );
    assert_eq!(done.warnings, [warning]);
    assert_eq!(place.tree("volume/app"), tree(&[("a", "2")]));
    let done = place.clone("app", Some("gone"));
    let warning = format!(
        "the step asks for revision `gone`, which the source does not have, and gets the working tree of `main` ({}) as \
         it is now; `--strict-revision` clones what it asks for",
        short(second)
    );
    assert_eq!(done.warnings, [warning]);

    let mut build = place.build();
    build.strict_revision = true;
    let done = place.clone_with(&build, &Place::request("app", Some("v1")));
    assert_eq!(done.warnings, Vec::<String>::new());
    assert_eq!(done.lines, [format!("source: {} at {}, 1 files, 0.0 MB", place.path("app").display(), short(first))]);
    assert_eq!(done.result.expect("clones").revision, Some(first.to_string()));
    assert_eq!(place.tree("volume/app"), tree(&[("a", "1")]));
    let clone = place.repository("volume/app");
    assert_eq!(clone.head_id().expect("a commit").detach(), first);
    assert!(clone.head_name().expect("reads").is_none(), "a tag is checked out without a branch");
    let done = place.clone_with(&build, &Place::request("app", Some("gone")));
    let why = format!("the source has no revision `gone`; it is at `main` ({})", short(second));
    assert_eq!(done.result, Err(why));
}

#[test]
fn g7_the_clone_has_branches_and_tags_and_nothing_else() {
    let place = Place::with_repository(&[("a", "1")]);
    let commit = place.repository("app").head_id().expect("a commit").detach();
    let who =
        gix::actor::SignatureRef { name: "Ada".into(), email: "ada@example.com".into(), time: "1700000000 +0000" };
    let any = gix::refs::transaction::PreviousValue::Any;
    let repository = place.repository("app");
    let tag = repository.tag("v2", commit, gix::objs::Kind::Commit, Some(who), "a tag", any).expect("tags");
    let tag = tag.id().detach();
    for name in ["refs/stash", "refs/remotes/upstream/x", "refs/heads/topic", "refs/remotes/origin/old", "refs/tags/v1"]
    {
        place.reference("app", name, commit);
    }
    std::fs::write(place.path("app/.git/shallow"), format!("{commit}\n")).expect("writes");
    assert!(place.clone("app", None).result.is_ok());
    let read = |name: &str| std::fs::read_to_string(place.path("volume/app/.git").join(name)).expect("reads");
    let mut wanted = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    for name in ["heads/main", "remotes/origin/main", "remotes/origin/old", "remotes/origin/topic", "tags/v1"] {
        wanted.push_str(&format!("{commit} refs/{name}\n"));
    }
    wanted.push_str(&format!("{tag} refs/tags/v2\n^{commit}\n"));
    assert_eq!(read("packed-refs"), wanted);
    assert_eq!(read("shallow"), format!("{commit}\n"));
    assert_eq!(read("HEAD"), "ref: refs/heads/main\n");
}

#[test]
fn two_clones_of_one_state_are_equal() {
    let place = Place::with_repository(FILES);
    let read = |name: &str| std::fs::read(place.path("volume/app/.git").join(name)).expect("reads");
    let names = ["HEAD", "config", "index", "packed-refs"];
    assert!(place.clone("app", None).result.is_ok());
    let first = names.map(read);
    std::fs::remove_dir_all(place.path("volume/app")).expect("removes");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(names.map(read), first);
}

#[test]
fn repositories_that_git_does_not_track_are_named_and_not_served() {
    let place = Place::with_repository(&[("a", "1")]);
    place.init("app/nested");
    place.write("app/nested/file", "n");
    let done = place.clone("app", None);
    assert_eq!(done.warnings, ["not cloned, as repositories of their own: `nested`"]);
    assert_eq!(place.tree("volume/app"), tree(&[("a", "1")]));
}

#[test]
fn the_state_directory_is_never_served() {
    let place = Place::with_repository(&[("a", "1")]);
    place.write("app/state/store/blob", "b");
    std::os::unix::fs::symlink("app/state", place.path("state")).expect("links");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(&[("a", "1")]));
}

#[test]
fn a_state_directory_that_a_first_build_makes_in_its_source_is_not_served() {
    use crate::directories::Directories;
    use crate::git::Clones;
    use crate::repository::Repository;
    let place = Place::with_repository(&[("a", "1"), ("codefresh.yml", "")]);
    let directories = Directories { state: place.path("app/.stepbox"), cache: None };
    let clones = Clones::find(&place.build(), &directories).map_err(|error| error.message).expect("a source");
    place.write("app/.stepbox/work/build/volume/x", "x");
    let volume = cap_std::fs::Dir::open_ambient_dir(place.path("volume"), cap_std::ambient_authority()).expect("opens");
    assert!(clones.clone_onto(&Place::request("app", None), &volume, &|| false, &mut |_| {}).is_ok());
    assert_eq!(place.tree("volume/app"), tree(&[("a", "1"), ("codefresh.yml", "")]));
}

#[test]
fn depth_is_told_to_be_without_effect_on_the_source() {
    let place = Place::with_repository(&[("a", "1")]);
    let mut request = Place::request("app", None);
    request.depth = Some(1);
    let done = place.clone_with(&place.build(), &request);
    assert_eq!(done.lines[0], "`depth` is for other repositories: the source is cloned with its whole history");
}

#[test]
fn a_repository_without_commits_is_served() {
    let place = Place::new();
    place.init("app");
    place.write("app/a", "1");
    let done = place.clone("app", None);
    assert_eq!(
        done.lines,
        [format!("source: {}, 1 files, 0.0 MB, 0 modified, 1 untracked", place.path("app").display())]
    );
    assert_eq!(place.tree("volume/app"), tree(&[("a", "1")]));
    assert!(place.repository("volume/app").head().expect("reads").is_unborn());
}
