//! Repositories on a host, which is this machine.

use super::host::Host;
use super::place::{Place, tree};
use crate::request::BuildRequest;

/// A place with a source, and a host with another repository.
fn place_and_host() -> (Place, Host, BuildRequest) {
    let place = Place::with_repository(&[("a", "source")]);
    place.init("remote");
    let first = place.commit("remote", &[("a", "1"), ("deep/b", "2")]);
    place.reference("remote", "refs/tags/v1", first);
    let host = Host::serve(place.path("remote/.git"));
    let mut build = place.build();
    build.allow_clone = vec![format!("127.0.0.1:{}", host.port)];
    (place, host, build)
}

const REFERENCES: &str = "GET /octo/tool.git/info/refs?service=git-upload-pack";
const QUESTION: &str = "POST /octo/tool.git/git-upload-pack";

#[test]
fn g6_g7_a_repository_is_fetched_into_a_mirror_and_cloned_from_there() {
    let (place, host, build) = place_and_host();
    let url = host.url("octo/tool.git");
    let first = place.repository("remote").head_id().expect("a commit").detach();
    let done = place.clone_with(&build, &Place::request(&url, Some("main")));
    assert_eq!(done.warnings, Vec::<String>::new());
    assert_eq!(
        done.lines,
        [format!("fetching {url}"), format!("source: {url} at {}, 2 files, 0.0 MB", first.to_hex_with_len(10))]
    );
    assert_eq!(done.result.expect("clones").revision, Some(first.to_string()));
    assert_eq!(place.tree("volume/tool"), tree(&[("a", "1"), ("deep/b", "2")]));
    assert_eq!(host.requests(), [REFERENCES, QUESTION, QUESTION]);
    let config = std::fs::read_to_string(place.path("volume/tool/.git/config")).expect("reads");
    assert!(config.contains(&format!("url = {url}\n")), "{config}");

    let second = place.commit("remote", &[("a", "2"), (".gitignore", "made\n")]);
    place.write_all("volume/tool", &[("made", "kept"), ("left", "x")]);
    let done = place.clone_with(&build, &Place::request(&url, None));
    assert_eq!(done.result.expect("clones").revision, Some(second.to_string()));
    assert_eq!(place.tree("volume/tool"), tree(&[("a", "2"), (".gitignore", "made\n"), ("made", "kept")]));
    let clone = place.repository("volume/tool");
    assert_eq!(clone.head_name().expect("reads").map(|name| name.to_string()).as_deref(), Some("refs/heads/main"));
    assert!(clone.find_reference("refs/tags/v1").is_ok());
    host.requests();
    let done = place.clone_with(&build, &Place::request(&url, Some("v1")));
    assert_eq!(done.result.expect("clones").revision, Some(first.to_string()));
    assert_eq!(host.requests(), [REFERENCES, QUESTION], "nothing is fetched twice");
}

#[test]
fn mirrors_are_for_their_owner_alone_and_no_part_of_the_volume() {
    use std::os::unix::fs::PermissionsExt;
    let (place, host, build) = place_and_host();
    assert!(place.clone_with(&build, &Place::request(&host.url("octo/tool.git"), None)).result.is_ok());
    let mirrors = place.path("state/mirrors");
    assert_eq!(mirrors.metadata().expect("is there").permissions().mode() & 0o777, 0o700);
    let names = std::fs::read_dir(mirrors).expect("reads").count();
    assert_eq!(names, 2, "a mirror and its lock");
}

#[test]
fn a_mirror_that_is_broken_is_made_again() {
    let (place, host, build) = place_and_host();
    let request = Place::request(&host.url("octo/tool.git"), None);
    assert!(place.clone_with(&build, &request).result.is_ok());
    for entry in std::fs::read_dir(place.path("state/mirrors")).expect("reads").flatten() {
        if entry.path().is_dir() {
            std::fs::write(entry.path().join("HEAD"), "nonsense").expect("writes");
        }
    }
    assert!(place.clone_with(&build, &request).result.is_ok());
    assert_eq!(place.tree("volume/tool"), tree(&[("a", "1"), ("deep/b", "2")]));
}

#[test]
fn a_mirror_in_too_many_pieces_is_made_again() {
    let (place, host, build) = place_and_host();
    let request = Place::request(&host.url("octo/tool.git"), None);
    assert!(place.clone_with(&build, &request).result.is_ok());
    let entries = std::fs::read_dir(place.path("state/mirrors")).expect("reads").flatten();
    let mirror = entries.map(|entry| entry.path()).find(|path| path.is_dir()).expect("a mirror");
    let packs = || std::fs::read_dir(mirror.join("objects/pack")).expect("reads").count();
    let fresh = packs();
    let add =
        |number: usize| std::fs::write(mirror.join(format!("objects/pack/pack-{number}.pack")), "").expect("writes");
    (1..64).for_each(add);
    assert!(place.clone_with(&build, &request).result.is_ok());
    assert_eq!(packs(), fresh + 63);
    add(64);
    assert!(place.clone_with(&build, &request).result.is_ok());
    assert_eq!(packs(), fresh);
    assert_eq!(place.tree("volume/tool"), tree(&[("a", "1"), ("deep/b", "2")]));
}

#[test]
fn a_redirection_needs_a_grant_too() {
    let (place, host, mut build) = place_and_host();
    let done = place.clone_with(&build, &Place::request(&host.url("moved/tool.git"), None));
    assert_eq!(done.result.map(|cloned| cloned.directory), Ok("tool".into()));
    let away = host.url("away/tool.git");
    let done = place.clone_with(&build, &Place::request(&away, None));
    let why =
        format!("cannot clone `{away}`: the host sends us to `localhost`; allow it with `--allow-clone localhost`");
    assert_eq!(done.result, Err(why));
    build.allow_clone.push("localhost".into());
    assert!(place.clone_with(&build, &Place::request(&away, None)).result.is_ok());
    let round = host.url("round/tool.git");
    let done = place.clone_with(&build, &Place::request(&round, None));
    let why = format!("cannot clone `{round}`: the host sends us from one address to the next without end");
    assert_eq!(done.result, Err(why));
}

#[test]
fn g11_what_trying_again_does_not_change_is_not_tried_again() {
    let (place, host, build) = place_and_host();
    let url = host.url("octo/missing.git");
    let done = place.clone_with(&build, &Place::request(&url, None));
    let why = format!("cannot clone `{url}`: the host knows no such repository, or hides it from us (status 404)");
    assert_eq!(done.result, Err(why));
    assert_eq!(host.requests().len(), 1);
    let url = host.url("private/tool.git");
    let done = place.clone_with(&build, &Place::request(&url, None));
    let why = format!(
        "cannot clone `{url}`: the host asks for credentials; give the step `credentials:` with `username` and `password`, or \
         name them in a file of git credentials"
    );
    assert_eq!(done.result, Err(why));
    let done = place.clone_with(&build, &Place::request(&host.url("octo/tool.git"), Some("gone")));
    assert_eq!(done.result, Err(format!("`{}` has no revision `gone`", host.url("octo/tool.git"))));
}

#[test]
fn g11_what_may_be_better_the_next_time_is_tried_three_times() {
    let (place, host, mut build) = place_and_host();
    build.pace = 0.0;
    let question = |owner: &str| format!("GET /{owner}/tool.git/info/refs?service=git-upload-pack");
    let why = |owner: &str, why: &str| {
        let url = host.url(&format!("{owner}/tool.git"));
        format!("cannot fetch `{url}`: Transport handshake failed: {why}")
    };
    let run = |owner: &str, build: &BuildRequest| {
        place.clone_with(build, &Place::request(&host.url(&format!("{owner}/tool.git")), None))
    };
    let done = run("busy", &build);
    assert!(done.result.is_ok(), "{done:?}");
    let status = "the host answers with status 503 Service Unavailable";
    assert_eq!(done.lines[1..3], [2, 3].map(|number| format!("{}; try {number} of 3 in 0 s", why("busy", status))));
    assert_eq!(host.requests()[..3], [question("busy"), question("busy"), question("busy")]);
    let done = run("down", &build);
    assert_eq!(done.result, Err(why("down", "the host answers with status 502 Bad Gateway")));
    assert_eq!(host.requests(), [question("down"), question("down"), question("down")]);
    assert!(run("cut", &build).result.is_err());
    assert_eq!(host.requests(), [question("cut"), question("cut"), question("cut")]);
    let done = run("odd", &build);
    let url = host.url("odd/tool.git");
    assert_eq!(done.result, Err(format!("cannot clone `{url}`: the host answers with status 418 I'm a teapot")));
    assert_eq!(host.requests(), [question("odd")]);
}

#[test]
fn g11_an_interrupt_ends_the_pause_between_tries() {
    use crate::repository::{Repository, Told};
    let (place, host, build) = place_and_host();
    let clones = place.clones(&build).map_err(|error| error.message).expect("a source");
    let volume = cap_std::fs::Dir::open_ambient_dir(place.path("volume"), cap_std::ambient_authority()).expect("opens");
    let waits = std::cell::Cell::new(false);
    let mut tell = |told| {
        if let Told::Line(line) = told
            && line.ends_with("; try 2 of 3 in 5 s")
        {
            waits.set(true);
        }
    };
    let request = Place::request(&host.url("down/tool.git"), None);
    let result = clones.clone_onto(&request, &volume, &|| waits.get(), &mut tell);
    assert_eq!(result, Err("interrupted".to_owned()));
    assert_eq!(host.requests().len(), 1);
}

#[test]
fn credentials_are_never_sent_without_encryption() {
    let (place, host, build) = place_and_host();
    let url = host.url("private/tool.git");
    let mut request = Place::request(&url, None);
    request.credentials = Some(("me".into(), "secret".into()));
    let done = place.clone_with(&build, &request);
    let why = done.result.expect_err("refused");
    assert_eq!(why, format!("cannot clone `{url}`: credentials are never sent without encryption; use https"));
    assert_eq!(host.requests(), Vec::<String>::new());
}

#[test]
fn the_host_of_the_origin_may_be_asked_but_not_in_a_private_network() {
    let place = Place::with_repository(&[("a", "source")]);
    let mut config = std::fs::read_to_string(place.path("app/.git/config")).expect("reads");
    config.push_str("[remote \"origin\"]\n\turl = https://localhost:9/octo/app.git\n");
    std::fs::write(place.path("app/.git/config"), config).expect("writes");
    let why = place.clone("https://localhost:9/octo/other.git", None).result.expect_err("refused");
    let (before, after) = why.split_once("`localhost` is ").expect("a name");
    assert_eq!(before, "cannot clone `https://localhost:9/octo/other.git`: ");
    assert!(after.ends_with(", which is not a public address; allow it with `--allow-clone localhost`"), "{why}");
}

#[test]
fn a_build_that_ends_does_not_wait_for_its_host() {
    use crate::repository::Repository;
    let place = Place::with_repository(&[("a", "source")]);
    // Somebody who listens and never answers.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("binds");
    let port = listener.local_addr().expect("an address").port();
    let mut build = place.build();
    build.allow_clone = vec!["127.0.0.1".into()];
    let clones = place.clones(&build).map_err(|error| error.message).expect("a source");
    let volume = cap_std::fs::Dir::open_ambient_dir(place.path("volume"), cap_std::ambient_authority()).expect("opens");
    let request = Place::request(&format!("http://127.0.0.1:{port}/octo/other.git"), None);
    let accepted = std::thread::spawn(move || listener.accept().map(|(stream, _)| stream));
    let asked = std::cell::Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        accepted.is_finished()
    };
    let result = clones.clone_onto(&request, &volume, &stop, &mut |_| {});
    assert_eq!(result, Err("interrupted".to_owned()));
    assert!(asked.get() > 0);
}

#[test]
fn credentials_go_to_the_host_that_they_are_for_and_to_no_other() {
    use std::sync::Arc;

    use gix_transport::client::blocking_io::http::Http;

    use crate::git::address::Grants;
    use crate::git::http::{Client, Signals};

    let (_place, host, build) = place_and_host();
    let named = vec![build.allow_clone[0].clone(), "localhost".to_owned()];
    let grants = Arc::new(Grants { named, ..Grants::default() });
    let signals = Arc::new(Signals::default());
    let ask = |path: &str| {
        let mut client = Client::new(Arc::clone(&grants), Arc::clone(&signals));
        let base = host.url(path);
        let url = format!("{base}/info/refs?service=git-upload-pack");
        client.get(&url, &base, ["Authorization: Basic eDp5", "Accept: */*"]).map(drop).is_ok()
    };
    let tail = "tool.git/info/refs?service=git-upload-pack";
    assert!(ask("moved/tool.git"));
    let asked = ["moved", "octo"].map(|name| format!("GET /{name}/{tail} with credentials"));
    assert_eq!(host.requests(), asked);
    for (path, why) in [
        ("away/tool.git", "the host sends us to `localhost`, and credentials are for the host that they name"),
        ("private/tool.git", "the host refuses these credentials (status 401)"),
        ("forbidden/tool.git", "the host refuses (status 403)"),
    ] {
        assert!(!ask(path));
        assert_eq!(signals.refused.lock().expect("locks").take().as_deref(), Some(why));
        assert_eq!(host.requests(), [format!("GET /{path}/info/refs?service=git-upload-pack with credentials")]);
    }
}
