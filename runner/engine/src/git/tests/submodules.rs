//! Submodules from where `.gitmodules` says that they are.

use std::collections::BTreeMap;

use gix::ObjectId;

use super::host::{Host, PASSWORD};
use super::place::{Place, tree};
use crate::request::BuildRequest;

/// A place with a source and the repositories `tool`, `lib` and `inner`, a host that serves them, and a build that may ask
/// it.
struct Stage {
    place: Place,
    host: Host,
    build: BuildRequest,
}

impl Stage {
    fn new() -> Self {
        let place = Place::with_repository(&[("a", "source")]);
        let names = ["tool", "lib", "inner"];
        names.iter().for_each(|name| place.init(name));
        let host = Host::serve_all(
            names.iter().map(|name| ((*name).to_owned(), place.path(&format!("{name}/.git")))).collect(),
        );
        let mut build = place.build();
        build.pace = 0.0;
        build.plain_https = true;
        build.allow_clone = vec![format!("127.0.0.1:{}", host.port)];
        Self { place, host, build }
    }

    /// Commits a submodule `name` with this url, and nothing else.
    fn link(&self, repository: &str, name: &str, url: &str, commit: ObjectId) -> ObjectId {
        let modules = module(name, url);
        self.place.commit(repository, &[(".gitmodules", &modules), (name, &format!("=> {commit}"))])
    }

    fn clone(&self) -> super::place::Done {
        self.place.clone_with(&self.build, &Place::request(&self.host.secure_url("octo/tool.git"), None))
    }

    /// What is on the volume, without any `.git`.
    fn files(&self, name: &str) -> BTreeMap<String, String> {
        let mut files = self.place.tree(name);
        files.retain(|path, _| !path.contains(".git/"));
        files
    }

    fn head(&self, name: &str) -> ObjectId {
        self.place.repository(name).head_id().expect("a commit").detach()
    }
}

fn module(name: &str, url: &str) -> String {
    format!("[submodule \"{name}\"]\n\tpath = {name}\n\turl = {url}\n")
}

#[test]
fn g6_submodules_are_cloned_at_their_recorded_commits_and_theirs_too() {
    let stage = Stage::new();
    let Stage { place, host, .. } = &stage;
    let inner = place.commit("inner", &[("i", "1")]);
    place.commit("inner", &[("i", "later")]);
    let modules = module("deep/inner", &host.secure_url("octo/inner.git"));
    let lib = place.commit("lib", &[(".gitmodules", &modules), ("deep/inner", &format!("=> {inner}")), ("l", "#!1")]);
    place.commit("lib", &[("l", "later")]);
    let modules = module("lib", "../lib.git");
    let files = [(".gitmodules", modules.as_str()), ("lib", &format!("=> {lib}")), (".gitignore", "*.o\n"), ("a", "1")];
    place.commit("tool", &files);
    let done = stage.clone();
    assert_eq!((done.result.map(|cloned| cloned.directory), done.warnings), (Ok("tool".into()), vec![]));
    let url = |name: &str| host.secure_url(&format!("octo/{name}.git"));
    let tool = stage.head("tool");
    let line = |what: &str, name: &str, commit: ObjectId, count: u32| {
        format!("{what}: {} at {}, {count} files, 0.0 MB", url(name), commit.to_hex_with_len(10))
    };
    assert_eq!(
        done.lines,
        [
            format!("fetching {}", url("tool")),
            line("source", "tool", tool, 3),
            format!("fetching {}", url("lib")),
            line("submodule `lib`", "lib", lib, 2),
            format!("fetching {}", url("inner")),
            line("submodule `lib/deep/inner`", "inner", inner, 1),
        ]
    );
    let inside = module("deep/inner", &url("inner"));
    let wanted = [
        (".gitmodules", modules.as_str()),
        (".gitignore", "*.o\n"),
        ("a", "1"),
        ("lib/.gitmodules", &inside),
        ("lib/l", "*#!1"),
        ("lib/deep/inner/i", "1"),
    ];
    assert_eq!(stage.files("volume/tool"), tree(&wanted));
    assert_eq!(stage.head("volume/tool/lib"), lib);
    assert_eq!(stage.head("volume/tool/lib/deep/inner"), inner);
    let config = std::fs::read_to_string(place.path("volume/tool/lib/.git/config")).expect("reads");
    assert!(config.contains(&format!("url = {}\n", url("lib"))), "{config}");
}

#[test]
fn g8_g8b_submodules_are_cleaned_like_clones_and_those_that_went_stay() {
    let stage = Stage::new();
    let Stage { place, .. } = &stage;
    let lib = place.commit("lib", &[(".gitignore", "*.o\n"), ("l", "1")]);
    stage.link("tool", "lib", "../lib.git", lib);
    assert!(stage.clone().result.is_ok());
    let before = stage.files("volume/tool");
    place.write_all("volume/tool", &[("lib/l", "changed"), ("lib/left", "x"), ("lib/made.o", "kept"), ("left", "x")]);
    assert!(stage.clone().result.is_ok());
    let mut wanted = before.clone();
    wanted.extend(tree(&[("lib/made.o", "kept")]));
    assert_eq!(stage.files("volume/tool"), wanted);
    // What is no repository is none of a submodule, and a link is not followed.
    place.write("outside/l", "precious");
    for planted in ["file", "directory", "-> ../../outside"] {
        std::fs::remove_dir_all(place.path("volume/tool/lib")).expect("removes");
        let name = if planted == "directory" { "volume/tool/lib/made.o" } else { "volume/tool/lib" };
        place.write(name, planted);
        assert!(stage.clone().result.is_ok(), "{planted}");
        assert_eq!(stage.files("volume/tool"), before, "{planted}");
        assert_eq!(place.tree("outside"), tree(&[("l", "precious")]));
    }
    place.commit("tool", &[("a", "1")]);
    assert!(stage.clone().result.is_ok());
    assert_eq!(
        stage.files("volume/tool"),
        tree(&[("a", "1"), ("lib/.gitignore", "*.o\n"), ("lib/l", "1")]),
        "it is an untracked repository now"
    );
    place.commit("tool", &[("lib/own", "1")]);
    assert!(stage.clone().result.is_ok());
    assert_eq!(stage.files("volume/tool"), tree(&[("lib/own", "1")]), "git tracks what is in it");
}

#[test]
fn submodules_never_reach_what_was_not_allowed() {
    let stage = Stage::new();
    let Stage { place, host, .. } = &stage;
    place.write_all("outside", &[("secret", "s")]);
    place.init("outside");
    let outside = place.commit("outside", &[("secret", "s")]);
    let path = place.path("outside");
    let lib = place.commit("lib", &[("l", "1")]);
    let port = host.port;
    let absolute = path.display().to_string();
    let github = "cannot clone `https://github.com/octo/lib.git`: `github.com` is not the host of this source's origin; allow \
                  it with `--allow-clone github.com`";
    for (url, why) in [
        ("https://github.com/octo/lib.git", github.to_owned()),
        ("git@github.com:octo/lib.git", github.replacen("https://github.com/", "git@github.com:", 1)),
        (
            &format!("https://localhost:{port}/octo/lib.git"),
            format!(
                "cannot clone `https://localhost:{port}/octo/lib.git`: `localhost` is not the host of this source's \
                 origin; allow it with `--allow-clone localhost`"
            ),
        ),
        (&absolute, "its url is a path of this machine".into()),
        (&format!("file://{absolute}"), "its url is a path of this machine".into()),
        ("outside", "its url is a path of this machine".into()),
        ("octo/lib", "its url is a path of this machine".into()),
        ("../../../outside", "its url leads out of the host".into()),
        ("ext::sh -c true", "cannot clone `ext::sh -c true`: only https is supported".into()),
        ("--upload-pack=true", "its url looks like an option".into()),
        (
            "../missing.git",
            format!(
                "cannot clone `{}`: the host knows no such repository, or hides it from us (status 404)",
                host.secure_url("octo/missing.git")
            ),
        ),
        (
            &host.secure_url("away/lib.git"),
            format!(
                "cannot clone `{}`: the host sends us to `localhost`; allow it with `--allow-clone localhost`",
                host.secure_url("away/lib.git")
            ),
        ),
    ] {
        let commit = if url.contains("lib") { lib } else { outside };
        stage.link("tool", "lib", url, commit);
        // What a step has left there is none of a submodule's either.
        place.write("volume/tool/lib/left", "x");
        host.requests();
        let done = stage.clone();
        assert!(done.result.is_ok(), "{url}: {done:?}");
        assert_eq!(done.warnings, [format!("submodule `lib` is not cloned: {why}")], "{url}");
        assert!(host.requests().iter().all(|request| !request.contains("/octo/lib.git")), "{url}");
        assert_eq!(stage.files("volume/tool").into_keys().collect::<Vec<_>>(), [".gitmodules"], "{url}");
        assert_eq!(std::fs::read_dir(place.path("volume/tool/lib")).expect("is there").count(), 0, "{url}");
    }
}

#[test]
fn submodules_of_a_repository_on_this_machine_need_the_same_grant() {
    let mut stage = Stage::new();
    let lib = stage.place.commit("lib", &[("l", "1")]);
    let tool = stage.place.path("tool").display().to_string();
    let shown = stage.place.path("lib").display().to_string();
    let why = format!("it is outside of this build's source; allow it with `--allow-clone {shown}`");
    for url in ["../lib", &shown] {
        stage.link("tool", "lib", url, lib);
        let run = |build: &BuildRequest| stage.place.clone_with(build, &Place::request(&tool, None));
        stage.build.allow_clone = vec![tool.clone()];
        assert_eq!(
            run(&stage.build).warnings,
            [format!("submodule `lib` is not cloned: cannot clone `{shown}`: {why}")]
        );
        stage.build.allow_clone.push(shown.clone());
        assert_eq!(run(&stage.build).warnings, Vec::<String>::new());
        assert_eq!(stage.files("volume/tool").get("lib/l").map(String::as_str), Some("1"));
        std::fs::remove_dir_all(stage.place.path("volume/tool")).expect("removes");
    }
}

#[test]
fn submodules_that_git_does_not_take_are_told_and_left_out() {
    let stage = Stage::new();
    let Stage { place, .. } = &stage;
    let lib = place.commit("lib", &[("l", "1")]);
    let link = format!("=> {lib}");
    let good = module("lib", "../lib.git");
    let large = format!("{good}# {}\n", "x".repeat(1 << 20));
    let missing = "0123456789012345678901234567890123456789";
    let url = stage.host.secure_url("octo/lib.git");
    for (files, why) in [
        (vec![("lib", link.as_str())], "the repository has no file `.gitmodules`".to_owned()),
        (vec![("lib", &link), (".gitmodules", "# none\n")], "`.gitmodules` does not name it".into()),
        (vec![("lib", &link), (".gitmodules", "[submodule")], "`.gitmodules` cannot be read".into()),
        (vec![("lib", &link), (".gitmodules", &large)], "`.gitmodules` is larger than 1048576 bytes".into()),
        (vec![("lib", &format!("=> {missing}")), (".gitmodules", &good)], format!("`{url}` has no commit {missing}")),
    ] {
        place.commit("tool", &files);
        let done = stage.clone();
        assert!(done.result.is_ok(), "{done:?}");
        assert_eq!(done.warnings, [format!("submodule `lib` is not cloned: {why}")]);
    }
    // Nor does a branch of that name stand for a commit.
    place.reference("lib", &format!("refs/heads/{missing}"), lib);
    assert_eq!(stage.clone().warnings, [format!("submodule `lib` is not cloned: `{url}` has no commit {missing}")]);
}

/// A commit whose tree the library would not write: mode, name and object of each entry, in order.
fn raw_commit(place: &Place, entries: &[(&str, &str, ObjectId)]) {
    use gix::prelude::Write;
    let repository = place.repository("tool");
    let mut tree = vec![];
    for (mode, name, id) in entries {
        tree.extend_from_slice(format!("{mode} {name}\0").as_bytes());
        tree.extend_from_slice(id.as_slice());
    }
    let tree = repository.write_buf(gix::objs::Kind::Tree, &tree).expect("writes");
    let who = "Ada <ada@example.com> 1700000000 +0000";
    let commit = format!("tree {tree}\nauthor {who}\ncommitter {who}\n\nraw\n");
    let commit = repository.write_buf(gix::objs::Kind::Commit, commit.as_bytes()).expect("writes");
    place.reference("tool", "refs/heads/main", commit);
}

#[test]
fn trees_that_git_would_not_write_reach_nothing() {
    let stage = Stage::new();
    let Stage { place, host, .. } = &stage;
    let lib = place.commit("lib", &[("l", "1")]);
    let blob = |text: &str| place.repository("tool").write_blob(text).expect("writes").detach();
    let modules = blob(&module("lib", "../lib.git"));
    place.write("outside/l", "precious");
    for name in ["..", ".", ".git", ".GIT", "", "/outside", "a/../../../outside"] {
        let text = format!("[submodule \"x\"]\n\tpath = {name}\n\turl = ../lib.git\n");
        raw_commit(place, &[("160000", name, lib), ("100644", ".gitmodules", blob(&text))]);
        host.requests();
        let done = stage.clone();
        assert!(done.result.is_err(), "{name}: {done:?}");
        assert!(host.requests().iter().all(|request| !request.contains("/octo/lib.git")), "{name}");
        assert_eq!(place.tree("outside"), tree(&[("l", "precious")]));
    }
    raw_commit(place, &[("120000", ".gitmodules", modules), ("160000", "lib", lib), ("100644", "modules", modules)]);
    let done = stage.clone();
    assert!(done.result.is_err() || done.warnings.len() == 1, "{done:?}");
    assert!(!place.path("volume/tool/lib/l").exists());
    let text = blob("[submodule \"x\"]\n\tpath = -x\n\turl = ../lib.git\n");
    raw_commit(place, &[("160000", "-x", lib), ("100644", ".gitmodules", text)]);
    assert_eq!(stage.clone().warnings, ["submodule `-x` is not cloned: its path looks like an option"]);
}

#[test]
fn repositories_that_name_each_other_end() {
    let stage = Stage::new();
    let mut commit = stage.place.commit("tool", &[("end", "1")]);
    for _ in 0..10 {
        commit = stage.link("tool", "x", "../tool.git", commit);
    }
    let done = stage.clone();
    assert!(done.result.is_ok(), "{done:?}");
    let bounds = "at most 256 are, and at most 8 in each other";
    assert_eq!(done.warnings, [format!("1 submodules are not cloned: {bounds}")]);
    assert!(stage.place.path("volume/tool/x/x/x/x/x/x/x/x/.git").exists());
    assert!(!stage.place.path("volume/tool/x/x/x/x/x/x/x/x/x/.git").exists());

    let link = format!("=> {commit}");
    let names: Vec<String> = (0..300).map(|number| format!("m{number:03}")).collect();
    stage.place.commit("tool", &names.iter().map(|name| (name.as_str(), link.as_str())).collect::<Vec<_>>());
    let done = stage.clone();
    assert!(done.result.is_ok(), "{done:?}");
    assert_eq!(
        (done.warnings.len(), done.warnings.last()),
        (257, Some(&format!("44 submodules are not cloned: {bounds}")))
    );
}

#[test]
fn credentials_of_a_step_are_for_the_submodules_of_its_host_alone() {
    let mut stage = Stage::new();
    stage.build.allow_clone.push(format!("localhost:{}", stage.host.port));
    let Stage { place, host, build } = &stage;
    let (lib, inner) = (place.commit("lib", &[("l", "1")]), place.commit("inner", &[("i", "1")]));
    let other = format!("https://localhost:{}/octo/inner.git", host.port);
    let modules = module("lib", "../lib.git") + &module("inner", &other);
    place
        .commit("tool", &[(".gitmodules", &modules), ("lib", &format!("=> {lib}")), ("inner", &format!("=> {inner}"))]);
    let url = host.secure_url("secret/tool.git");
    let mut of_step = Place::request(&url, None);
    of_step.credentials = Some(("me".into(), PASSWORD.into()));
    let of_address = Place::request(&url.replacen("https://", &format!("https://me:{PASSWORD}@"), 1), None);
    for request in [of_step, of_address] {
        let done = place.clone_with(build, &request);
        assert_eq!((done.result.is_ok(), done.warnings), (true, vec![]));
        let requests = host.requests();
        assert!(requests.iter().any(|request| request.contains("/octo/inner.git")));
        for request in requests {
            assert_eq!(request.ends_with(" with credentials"), request.contains("/secret/"), "{request}");
        }
    }
}

#[test]
fn g11_a_submodule_whose_host_is_down_ends_the_clone() {
    let stage = Stage::new();
    let lib = stage.place.commit("lib", &[("l", "1")]);
    let url = stage.host.secure_url("down/lib.git");
    stage.link("tool", "lib", &url, lib);
    let why = format!(
        "submodule `lib`: cannot fetch `{url}`: Transport handshake failed: the host answers with status 502 Bad Gateway"
    );
    assert_eq!(stage.clone().result, Err(why));
}

#[test]
fn submodules_of_another_revision_come_from_beside_the_origin() {
    let mut stage = Stage::new();
    stage.build.strict_revision = true;
    let Stage { place, host, build } = &stage;
    let lib = place.commit("lib", &[("l", "1")]);
    let linked = stage.link("app", "lib", "../lib.git", lib);
    place.commit("app", &[("a", "source")]);
    let request = Place::request("app", Some(&linked.to_string()));
    let done = place.clone_with(build, &request);
    let why = "its url is relative, and where the repository is from is not known or needs a grant";
    assert_eq!(done.warnings, [format!("submodule `lib` is not cloned: {why}")]);
    let mut config = std::fs::read_to_string(place.path("app/.git/config")).expect("reads");
    config.push_str(&format!("[remote \"origin\"]\n\turl = {}\n", host.secure_url("octo/app.git")));
    std::fs::write(place.path("app/.git/config"), config).expect("writes");
    let done = place.clone_with(build, &request);
    assert_eq!((done.result.is_ok(), done.warnings), (true, vec![]));
    assert_eq!(stage.files("volume/app").get("lib/l").map(String::as_str), Some("1"));
    assert_eq!(stage.head("volume/app/lib"), lib);
}
