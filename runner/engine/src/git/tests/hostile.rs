//! What a step may have planted on the volume, and what an unpacked archive may hold.

use std::os::unix::fs::symlink;

use super::place::{Place, tree};

const FILES: &[(&str, &str)] = &[("a", "1"), ("src/b", "2")];

#[test]
fn nothing_that_a_step_plants_in_a_clones_git_directory_is_obeyed_or_stays() {
    let place = Place::with_repository(FILES);
    assert!(place.clone("app", None).result.is_ok());
    let clean = |name: &str| {
        let mut files = place.tree(name);
        files.retain(|path, _| !path.starts_with("objects/") && path != "index");
        files
    };
    let wanted = clean("volume/app/.git");
    let marker = place.path("outside/marker");
    let program = format!("touch {}", marker.display());
    let config = format!(
        "[core]\n\tsshCommand = {program}\n\tfsmonitor = {program}\n\thooksPath = /tmp\n\tworktree = /\n\
         [filter \"x\"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\
         [include]\n\tpath = {}\n[credential]\n\thelper = !{program}\n[remote \"origin\"]\n\turl = ext::{program}\n",
        place.path("outside/included").display()
    );
    place.write_all(
        "volume/app/.git",
        &[
            ("config", &config),
            ("hooks/post-checkout", &format!("#!/bin/sh\n{program}\n")),
            ("info/attributes", "* filter=x\n"),
            ("objects/info/alternates", "/\n"),
            ("commondir", "/\n"),
            ("gitdir", "/\n"),
            ("config.worktree", &config),
            ("shallow", "x"),
            ("refs/heads/evil", "ref: ../../../../etc/passwd\n"),
            ("HEAD", "ref: refs/heads/evil\n"),
        ],
    );
    place.write("volume/app/.gitattributes", "* filter=x\n");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(clean("volume/app/.git"), wanted);
    assert!(!place.path("volume/app/.git/objects/info").exists());
    assert_eq!(place.tree("volume/app"), tree(FILES));
    assert!(!marker.exists());
}

#[test]
fn links_on_the_volume_are_replaced_and_never_followed() {
    let place = Place::with_repository(FILES);
    place.write("outside/src/b", "precious");
    place.write("outside/.git/HEAD", "precious");
    let outside = place.tree("outside");
    assert!(place.clone("app", None).result.is_ok());
    for (link, target) in [("app/src", "../../outside/src"), ("app/.git", "../../outside/.git"), ("app", "../outside")]
    {
        let path = place.path("volume").join(link);
        std::fs::remove_dir_all(&path).expect("removes");
        symlink(target, &path).expect("links");
        assert!(place.clone("app", None).result.is_ok(), "{link}");
        assert_eq!(place.tree("volume/app"), tree(FILES), "{link}");
        assert_eq!(place.tree("outside"), outside, "{link}");
    }
    for (link, target) in [("app/a", "../../outside/src/b"), ("app/.git/config", "../../../outside/src/b")] {
        let path = place.path("volume").join(link);
        std::fs::remove_file(&path).expect("removes");
        symlink(target, &path).expect("links");
        assert!(place.clone("app", None).result.is_ok(), "{link}");
        assert!(!path.is_symlink(), "{link}");
        assert_eq!(place.tree("outside"), outside, "{link}");
    }
    symlink("../outside", place.path("volume/deep")).expect("links");
    let mut request = Place::request("app", None);
    request.parent = "deep".into();
    assert!(place.clone_with(&place.build(), &request).result.is_ok());
    assert_eq!(place.tree("outside"), outside);
    assert_eq!(place.tree("volume/deep/app"), tree(FILES));
}

#[test]
fn a_link_of_the_source_is_served_as_a_link() {
    let place = Place::with_repository(&[("escape", "-> ../../outside"), ("passwd", "-> /etc/passwd")]);
    place.write("outside/secret", "s");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(&[("escape", "-> ../../outside"), ("passwd", "-> /etc/passwd")]));
}

#[test]
fn a_repository_elsewhere_that_does_not_know_the_work_tree_is_refused() {
    let place = Place::new();
    place.init("outside");
    place.write("app/.git", &format!("gitdir: {}\n", place.path("outside/.git").display()));
    let error = place.clones(&place.build()).err().expect("refused");
    assert_eq!(
        error.message,
        format!(
            "`{0}` cannot be the source of a build: `{0}/.git` names a repository elsewhere that does not know this work \
             tree",
            place.path("app").display()
        )
    );
    std::fs::remove_file(place.path("app/.git")).expect("removes");
    symlink("../outside/.git", place.path("app/.git")).expect("links");
    assert!(place.clones(&place.build()).is_err(), "a link");
    std::fs::remove_file(place.path("app/.git")).expect("removes");
    place.init("app");
    let mut config = std::fs::read_to_string(place.path("app/.git/config")).expect("reads");
    config.push_str("[core]\n\tworktree = ../../outside\n");
    std::fs::write(place.path("app/.git/config"), config).expect("writes");
    assert!(place.clones(&place.build()).is_err(), "another work tree");
}

#[test]
fn a_linked_work_tree_is_served() {
    let place = Place::with_repository(FILES);
    let main = place.path("app/.git");
    place.write_all(
        "app/.git/worktrees/two",
        &[
            ("HEAD", "ref: refs/heads/main\n"),
            ("commondir", "../..\n"),
            ("gitdir", &format!("{}\n", place.path("two/.git").display())),
        ],
    );
    std::fs::copy(main.join("index"), main.join("worktrees/two/index")).expect("copies");
    place.write("two/.git", &format!("gitdir: {}\n", main.join("worktrees/two").display()));
    place.write_all("two", FILES);
    let mut build = place.build();
    build.source = Some(place.path("two"));
    let done = place.clone_with(&build, &Place::request("two", Some("main")));
    assert_eq!(
        done.lines,
        [format!("source: {}, 2 files, 0.0 MB, 0 modified, 0 untracked", place.path("two").display())]
    );
    assert_eq!(place.tree("volume/two"), tree(FILES));
    assert!(place.path("volume/two/.git").is_dir());
    assert!(place.repository("volume/two").head_id().is_ok());
}

#[test]
fn objects_that_are_borrowed_from_elsewhere_are_refused() {
    let place = Place::with_repository(FILES);
    place.init("outside");
    let alternates = place.path("app/.git/objects/info/alternates");
    place.write("app/.git/objects/info/alternates", &format!("{}\n", place.path("outside/.git/objects").display()));
    let done = place.clone("app", None);
    assert_eq!(
        done.result,
        Err(format!(
            "`{}` borrows objects from another repository, which is not supported: `git repack -a -d` copies them, then \
             remove that file",
            alternates.display()
        ))
    );
}

#[test]
fn a_clone_ends_when_its_build_does() {
    use crate::repository::Repository;
    let place = Place::with_repository(FILES);
    let clones = place.clones(&place.build()).map_err(|error| error.message).expect("a source");
    let volume = cap_std::fs::Dir::open_ambient_dir(place.path("volume"), cap_std::ambient_authority()).expect("opens");
    let mut asked = 0;
    // At each point at which the clone asks, one after the other.
    for point in 0.. {
        let count = std::cell::Cell::new(0);
        let stop = || {
            count.set(count.get() + 1);
            count.get() > point
        };
        let result = clones.clone_onto(&Place::request("app", None), &volume, &stop, &mut |_| {});
        if result.is_ok() {
            asked = point;
            break;
        }
        assert_eq!(result, Err("interrupted".to_owned()), "{point}");
    }
    assert!(asked > 10, "{asked}");
    assert_eq!(place.tree("volume/app"), tree(FILES));
}

#[test]
fn special_files_and_files_that_vanish_are_left_out() {
    let place = Place::with_repository(FILES);
    rustix::fs::mknodat(
        rustix::fs::CWD,
        place.path("app/fifo"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .expect("makes");
    assert!(place.clone("app", None).result.is_ok());
    assert_eq!(place.tree("volume/app"), tree(FILES));
}
