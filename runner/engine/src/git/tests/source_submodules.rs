//! Submodules of the source, as they are checked out there.

use gix::ObjectId;

use super::place::{Place, tree};

/// Checks a submodule out in a work tree; `file` says that its `.git` is a file, as `git submodule` makes it.
fn check_out(place: &Place, super_project: &str, name: &str, files: &[(&str, &str)], file: bool) -> ObjectId {
    let path = format!("{super_project}/{name}");
    place.init(&path);
    place.write_all(&path, files);
    let commit = place.commit(&path, files);
    if file {
        let directory = place.path(&format!("{super_project}/.git/modules/{name}"));
        std::fs::create_dir_all(directory.parent().expect("a parent")).expect("makes");
        std::fs::rename(place.path(&format!("{path}/.git")), &directory).expect("moves");
        place.write(&format!("{path}/.git"), &format!("gitdir: {}\n", directory.display()));
        let config = directory.join("config");
        let mut text = std::fs::read_to_string(&config).expect("reads");
        text.push_str(&format!("[core]\n\tworktree = {}\n", place.path(&path).display()));
        std::fs::write(config, text).expect("writes");
    }
    commit
}

#[test]
fn submodules_of_the_source_are_served_as_they_are_checked_out() {
    let place = Place::with_repository(&[("a", "1")]);
    let inner = check_out(&place, "app/lib", "inner", &[("i", "1")], false);
    let lib = check_out(
        &place,
        "app",
        "lib",
        &[("l", "1"), ("inner", &format!("=> {inner}")), (".gitignore", "*.o\n")],
        true,
    );
    let gone = "0123456789012345678901234567890123456789";
    let files = [("a", "1"), ("lib", &format!("=> {lib}")), ("gone", &format!("=> {gone}"))];
    place.write("app/gone", files[2].1);
    place.commit("app", &files);
    place.write_all("app/lib", &[("l", "modified"), ("new", "untracked"), ("made.o", "ignored")]);
    let done = place.clone("app", None);
    let path = |name: &str| place.path(name).display().to_string();
    assert_eq!(
        done.lines,
        [
            format!("source: {}, 1 files, 0.0 MB, 0 modified, 0 untracked", path("app")),
            format!("submodule `lib`: {}, 3 files, 0.0 MB, 1 modified, 1 untracked", path("app/lib")),
            format!("submodule `lib/inner`: {}, 1 files, 0.0 MB, 0 modified, 0 untracked", path("app/lib/inner")),
        ]
    );
    assert_eq!(done.warnings, ["not cloned, as submodules that are not checked out in the source: `gone`"]);
    let files = |name: &str| {
        let mut files = place.tree(name);
        files.retain(|path, _| !path.contains(".git/"));
        files
    };
    let wanted = tree(&[
        ("a", "1"),
        ("lib/l", "modified"),
        ("lib/new", "untracked"),
        ("lib/.gitignore", "*.o\n"),
        ("lib/inner/i", "1"),
    ]);
    assert_eq!(files("volume/app"), wanted);
    assert!(place.path("volume/app/gone").is_dir());
    for (name, commit) in [("lib", lib), ("lib/inner", inner)] {
        let clone = place.repository(&format!("volume/app/{name}"));
        assert_eq!(clone.head_id().expect("a commit").detach(), commit);
    }
    // The next build finds what git ignores there, and no more.
    place.write_all("volume/app/lib", &[("kept.o", "k"), ("left", "x"), ("inner/left", "x")]);
    assert!(place.clone("app", None).result.is_ok());
    let mut again = wanted;
    again.extend(tree(&[("lib/kept.o", "k")]));
    assert_eq!(files("volume/app"), again);

    let mut tracked = place.build();
    tracked.source_tracked_only = true;
    assert!(place.clone_with(&tracked, &Place::request("app", None)).result.is_ok());
    again.remove("lib/new");
    assert_eq!(files("volume/app"), again);
}

#[test]
fn submodules_of_a_part_of_the_source_are_served_without_history() {
    let place = Place::with_repository(&[("a", "1")]);
    let lib = check_out(&place, "app", "part/lib", &[("l", "1")], true);
    place.write("app/part/b", "2");
    place.commit("app", &[("a", "1"), ("part/b", "2"), ("part/lib", &format!("=> {lib}"))]);
    let mut build = place.build();
    build.source = Some(place.path("app/part"));
    assert!(place.clone_with(&build, &Place::request("octo/part", None)).result.is_ok());
    assert_eq!(place.tree("volume/part"), tree(&[("b", "2"), ("lib/l", "1")]));
}

#[test]
fn submodules_of_the_source_that_are_not_what_they_say_are_not_served() {
    let place = Place::with_repository(&[("a", "1")]);
    place.init("outside");
    place.write("outside/secret", "s");
    let outside = place.commit("outside", &[("secret", "s")]);
    let outside_git = place.path("outside/.git").display().to_string();
    for (name, planted) in [("file", "gitdir"), ("missing", "missing"), ("link", "link")] {
        let path = format!("app/{name}");
        std::fs::create_dir(place.path(&path)).expect("makes");
        place.write(&format!("{path}/mine"), "m");
        match planted {
            "gitdir" => place.write(&format!("{path}/.git"), &format!("gitdir: {outside_git}\n")),
            "missing" => place.write(&format!("{path}/.git"), "gitdir: ../nowhere\n"),
            _ => place.write(&format!("{path}/.git"), &format!("-> {outside_git}")),
        }
    }
    place.write("app/away", "-> ../outside");
    let link = format!("=> {outside}");
    let names = ["file", "missing", "link", "away"];
    place.commit("app", &names.map(|name| (name, link.as_str())));
    let done = place.clone("app", None);
    assert!(done.result.is_ok(), "{done:?}");
    assert_eq!(done.warnings.len(), 3, "{:?}", done.warnings);
    let app = place.path("app").display().to_string();
    let why = "names a repository elsewhere that does not know this work tree";
    assert_eq!(done.warnings[0], format!("submodule `file` is not cloned: `{app}/file/.git` {why}"));
    let why = "is a symbolic link, which is not followed";
    assert_eq!(done.warnings[1], format!("submodule `link` is not cloned: `{app}/link/.git` {why}"));
    assert!(done.warnings[2].starts_with("submodule `missing` is not cloned: cannot read the git repository "));
    assert_eq!(place.tree("volume/app"), tree(&[("a", "1"), ("away", "-> ../outside")]));
}

#[test]
fn a_submodule_of_the_source_that_cannot_be_served_whole_is_not_served() {
    let place = Place::with_repository(&[("a", "1")]);
    place.init("outside");
    let lib = check_out(&place, "app", "lib", &[("l", "1")], false);
    place.commit("app", &[("a", "1"), ("lib", &format!("=> {lib}"))]);
    let alternates = place.path("app/lib/.git/objects/info/alternates");
    place.write("app/lib/.git/objects/info/alternates", &format!("{}\n", place.path("outside/.git/objects").display()));
    let done = place.clone("app", None);
    assert!(done.result.is_ok(), "{done:?}");
    let why = "borrows objects from another repository, which is not supported: `git repack -a -d` copies them, then remove \
               that file";
    assert_eq!(done.warnings, [format!("submodule `lib` is not cloned: `{}` {why}", alternates.display())]);
    assert_eq!(std::fs::read_dir(place.path("volume/app/lib")).expect("is there").count(), 0);
}

#[test]
fn a_clone_with_submodules_ends_when_its_build_does() {
    use crate::repository::Repository;
    let place = Place::with_repository(&[("a", "1")]);
    let lib = check_out(&place, "app", "lib", &[("l", "1")], true);
    place.commit("app", &[("a", "1"), ("lib", &format!("=> {lib}"))]);
    let clones = place.clones(&place.build()).map_err(|error| error.message).expect("a source");
    let volume = cap_std::fs::Dir::open_ambient_dir(place.path("volume"), cap_std::ambient_authority()).expect("opens");
    // At each point at which the clone asks, one after the other.
    for point in 0.. {
        let count = std::cell::Cell::new(0);
        let stop = || {
            count.set(count.get() + 1);
            count.get() > point
        };
        let result = clones.clone_onto(&Place::request("app", None), &volume, &stop, &mut |_| {});
        if result.is_ok() {
            break;
        }
        assert_eq!(result, Err("interrupted".to_owned()), "{point}");
    }
    let mut files = place.tree("volume/app");
    files.retain(|path, _| !path.contains(".git/"));
    assert_eq!(files, tree(&[("a", "1"), ("lib/l", "1")]));
}
