//! A clone over what the last build has left.

use super::place::{Place, tree};

const FILES: &[(&str, &str)] = &[(".gitignore", "node_modules/\n*.o\n"), ("a", "1"), ("src/b", "2")];

#[test]
fn g7_g8_tracked_files_are_reset_untracked_ones_removed_and_ignored_ones_stay() {
    let place = Place::with_repository(FILES);
    assert!(place.clone("app", None).result.is_ok());
    place.write_all(
        "volume/app",
        &[
            ("a", "tampered"),
            ("left", "x"),
            ("left_directory/x", "x"),
            ("node_modules/pkg/index.js", "kept"),
            ("src/deep/made.o", "kept"),
            ("src/deep/made.c", "x"),
        ],
    );
    std::fs::remove_file(place.path("volume/app/src/b")).expect("removes");
    assert!(place.clone("app", None).result.is_ok());
    let mut wanted = tree(FILES);
    wanted.extend(tree(&[("node_modules/pkg/index.js", "kept"), ("src/deep/made.o", "kept")]));
    assert_eq!(place.tree("volume/app"), wanted);
    assert!(!place.path("volume/app/left_directory").exists());
}

#[test]
fn g8_what_is_ignored_is_said_by_the_source_and_not_by_what_a_step_has_left() {
    let place = Place::with_repository(&[(".gitignore", "kept\n"), ("a", "1")]);
    assert!(place.clone("app", None).result.is_ok());
    place.write_all(
        "volume/app",
        &[
            (".gitignore", "planted\n"),
            (".git/info/exclude", "planted\n"),
            ("planted", "x"),
            ("kept", "k"),
            ("sub/.gitignore", "planted\n"),
            ("sub/planted", "x"),
        ],
    );
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(&[(".gitignore", "kept\n"), ("a", "1"), ("kept", "k")]));
}

#[test]
fn g7_files_that_are_right_are_not_touched() {
    let place = Place::with_repository(FILES);
    assert!(place.clone("app", None).result.is_ok());
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    let pack = place.path("volume/app/.git/packed-refs");
    for path in [place.path("volume/app/a"), pack.clone()] {
        std::fs::File::options().write(true).open(path).expect("opens").set_modified(time).expect("sets");
    }
    assert!(place.clone("app", None).result.is_ok());
    for path in [place.path("volume/app/a"), pack] {
        assert_eq!(path.metadata().and_then(|metadata| metadata.modified()).expect("reads"), time, "{path:?}");
    }
}

#[test]
fn g7_a_file_with_a_second_name_is_not_written_through() {
    let place = Place::with_repository(FILES);
    assert!(place.clone("app", None).result.is_ok());
    place.write("volume/keep", "precious");
    std::fs::remove_file(place.path("volume/app/a")).expect("removes");
    std::fs::hard_link(place.path("volume/keep"), place.path("volume/app/a")).expect("links");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(std::fs::read_to_string(place.path("volume/keep")).expect("reads"), "precious");
    assert_eq!(std::fs::read_to_string(place.path("volume/app/a")).expect("reads"), "1");
}

#[test]
fn g7_files_and_directories_change_places() {
    let place = Place::with_repository(&[("x/y", "1"), ("z", "2")]);
    assert!(place.clone("app", None).result.is_ok());
    for name in ["x", "z"] {
        let _ = std::fs::remove_dir_all(place.path("app").join(name));
        let _ = std::fs::remove_file(place.path("app").join(name));
    }
    let files = [("x", "1"), ("z/y", "2")];
    place.write_all("app", &files);
    place.commit("app", &files);
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(&files));
}

#[test]
fn g8b_repositories_in_the_clone_stay() {
    let place = Place::with_repository(FILES);
    assert!(place.clone("app", None).result.is_ok());
    place.write_all("volume/app", &[("vendor/lib/.git/HEAD", "ref: x"), ("vendor/lib/file", "f"), ("vendor/x", "x")]);
    assert!(place.clone("app", None).result.is_ok());
    let mut wanted = tree(FILES);
    wanted.extend(tree(&[("vendor/lib/.git/HEAD", "ref: x"), ("vendor/lib/file", "f")]));
    assert_eq!(place.tree("volume/app"), wanted);
}

#[test]
fn g9_a_directory_that_is_no_repository_is_replaced() {
    let place = Place::with_repository(FILES);
    let parts = [
        &["node_modules/x"][..],
        &[".git"],
        &[".git/HEAD", ".git/refs/x"],
        &[".git/HEAD", ".git/objects/x"],
        &[".git/objects/x", ".git/refs/x"],
    ];
    for left in parts {
        for name in left {
            place.write(&format!("volume/app/{name}"), "x");
        }
        place.write("volume/app/x.o", "ignored");
        assert!(place.clone("app", None).result.is_ok());
        assert_eq!(place.tree("volume/app"), tree(FILES), "{left:?}");
        std::fs::remove_dir_all(place.path("volume/app")).expect("removes");
    }
    place.write("volume/app", "a file");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(FILES));
}

#[test]
fn g10_files_beside_the_clone_are_not_touched() {
    let place = Place::with_repository(FILES);
    place.write_all("volume", &[("beside", "b"), ("other/.git/config", "c"), ("apps/x", "x")]);
    let mut request = Place::request("app", None);
    request.parent = "deep/er".into();
    let done = place.clone_with(&place.build(), &request);
    assert_eq!(done.result.expect("clones").directory, "deep/er/app");
    let mut wanted = tree(&[("beside", "b"), ("other/.git/config", "c"), ("apps/x", "x")]);
    let clone = place.tree("volume/deep/er/app");
    assert_eq!(clone, tree(FILES));
    std::fs::remove_dir_all(place.path("volume/deep")).expect("removes");
    assert_eq!(place.tree("volume"), std::mem::take(&mut wanted));
}

#[test]
fn g12_locks_that_a_killed_build_left_do_no_harm() {
    let place = Place::with_repository(FILES);
    assert!(place.clone("app", None).result.is_ok());
    place.write_all("volume/app/.git", &[("index.lock", ""), ("HEAD.lock", ""), ("refs/heads/main.lock", "")]);
    assert!(place.clone("app", None).result.is_ok());
    for name in ["index.lock", "HEAD.lock", "refs/heads/main.lock"] {
        assert!(!place.path("volume/app/.git").join(name).exists(), "{name}");
    }
}
