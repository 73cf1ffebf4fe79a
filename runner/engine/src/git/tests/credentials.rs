//! What the user shows to hosts.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::host::{Host, PASSWORD};
use super::place::{Place, tree};
use crate::git::{GitCredentials, secrets_in};
use crate::request::BuildRequest;
use crate::{EngineError, EngineErrorKind};

/// A place, a host that serves `/secret/tool.git` to `me`, and a build that may ask it.
fn place_and_host() -> (Place, Host, BuildRequest) {
    let place = Place::with_repository(&[("a", "source")]);
    place.init("remote");
    place.commit("remote", &[("a", "1")]);
    let host = Host::serve(place.path("remote/.git"));
    let mut build = place.build();
    build.plain_https = true;
    build.allow_clone = vec![format!("127.0.0.1:{}", host.port)];
    (place, host, build)
}

fn parse(text: &str) -> Result<GitCredentials, String> {
    GitCredentials::parse(text, "the text").map_err(|error| error.message)
}

/// Whether one of the texts is in a file below a directory.
fn holds(directory: &Path, texts: &[&str]) -> bool {
    std::fs::read_dir(directory).expect("reads").any(|entry| {
        let path = entry.expect("reads").path();
        if path.is_dir() {
            return holds(&path, texts);
        }
        let bytes = std::fs::read(&path).expect("reads");
        texts.iter().any(|text| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    })
}

#[test]
fn credentials_come_from_step_address_and_user_and_are_written_nowhere() {
    let (place, host, build) = place_and_host();
    let url = host.secure_url("secret/tool.git");
    let with = |user: &str| url.replacen("https://", &format!("https://{user}@"), 1);
    let mut of_user = build.clone();
    of_user.git_credentials =
        parse(&format!("https://you:nothing@example.com\n{}", with(&format!("me:{PASSWORD}")))).expect("credentials");
    let mut of_step = Place::request(&url, Some("main"));
    of_step.credentials = Some(("me".into(), PASSWORD.into()));
    let of_address = Place::request(&with(&format!("me:{PASSWORD}")), Some("main"));
    let nothing = Place::request(&url, Some("main"));
    let mut wrong = of_user.clone();
    wrong.git_credentials = parse(&with("me:wrong")).expect("credentials");
    for (build, request) in
        [(&build, &of_step), (&build, &of_address), (&of_user, &nothing), (&wrong, &of_step), (&wrong, &of_address)]
    {
        let done = place.clone_with(build, request);
        assert_eq!(done.lines[0], format!("fetching {url}"));
        assert_eq!(done.result.map(|cloned| cloned.repo), Ok(url.clone()));
        assert_eq!(place.tree("volume/tool"), tree(&[("a", "1")]));
        for line in done.lines.iter().chain(&done.warnings) {
            assert!(!line.contains(PASSWORD), "{line}");
        }
        let base64 = "bWU6dDBrZW4tczNjcmV0";
        for directory in ["volume", "state"] {
            assert!(!holds(&place.path(directory), &[PASSWORD, base64]), "{directory}");
        }
        assert!(host.requests().iter().all(|request| request.ends_with(" with credentials")));
    }
    place.write("state/seen", PASSWORD);
    assert!(holds(&place.path("state"), &[PASSWORD]), "the search finds it where it is");
    let refused = place.clone_with(&wrong, &nothing).result.expect_err("refused");
    assert_eq!(refused, format!("cannot clone `{url}`: the host refuses these credentials (status 401)"));
    let why = "the host asks for credentials; give the step `credentials:` with `username` and `password`, or name them \
               in a file of git credentials";
    assert_eq!(place.clone_with(&build, &nothing).result, Err(format!("cannot clone `{url}`: {why}")));
}

#[test]
fn credentials_of_the_user_go_to_their_host_and_path_by_https_alone() {
    let text = "# mine\n\nhttps://whole:1@git.example.com\r\nhttps://team:2@git.example.com/team/\n  \
                https://app:3@GIT.example.com/team/app.git\nhttps://late:4@git.example.com\nhttps://p%40rt:5%2f6@git.example.com:8443\n\
                https://token@other.example:443\n";
    let credentials = parse(text).expect("credentials");
    for (url, found) in [
        ("https://git.example.com/a/b.git", Some(("whole", "1"))),
        ("https://git.example.com/teams/b", Some(("whole", "1"))),
        ("https://git.example.com/team/b.git", Some(("team", "2"))),
        ("https://Git.Example.Com/team", Some(("team", "2"))),
        ("https://git.example.com/team/app", Some(("app", "3"))),
        ("https://git.example.com:443/team/app.git/", Some(("app", "3"))),
        ("https://git.example.com/team/app.git.d", Some(("team", "2"))),
        ("https://git.example.com:8443/team/app", Some(("p@rt", "5/6"))),
        ("https://other.example/a/b", Some(("token", ""))),
        ("http://git.example.com/a/b", None),
        ("https://git.example.com:444/a/b", None),
        ("https://git.example.com.evil.example/a/b", None),
        ("https://evil.example/git.example.com/a", None),
        ("https://sub.git.example.com/a/b", None),
        ("ssh://git.example.com/a/b", None),
        ("/git.example.com/a/b", None),
        ("", None),
    ] {
        let found = found.map(|(user, password)| (user.to_owned(), password.to_owned()));
        assert_eq!(credentials.find(url), found, "{url}");
    }
    let mut first = parse("https://first:1@git.example.com").expect("credentials");
    first.extend(credentials);
    assert_eq!(first.find("https://git.example.com/a/b").map(|(user, _)| user), Some("first".into()));
    assert_eq!(format!("{first:?}"), "GitCredentials(7)");
}

#[test]
fn lines_that_are_no_credentials_are_named_and_not_shown() {
    for (line, why) in [
        ("http://me:s3cret@git.example.com", "is not for https, and credentials are never sent without encryption"),
        ("ssh://me:s3cret@git.example.com/", "is not for https, and credentials are never sent without encryption"),
        ("https://git.example.com/s3cret", "has no user name"),
        ("https://:s3cret@git.example.com", "has no user name"),
        ("s3cret", "is not for https, and credentials are never sent without encryption"),
        ("https://me:s3cret/x@git.example.com", "is no address with credentials"),
        ("https://", "is no address with credentials"),
    ] {
        let error = GitCredentials::parse(&format!("\n# s3cret\n{line}\n"), "the text").expect_err(line);
        assert_eq!(error.message, format!("line 3 of the text {why}"), "{line}");
        assert_eq!(error.hints, ["write `https://USER:TOKEN@HOST`, with what is special in a URL percent-encoded"]);
    }
    assert_eq!(parse(""), Ok(GitCredentials::default()));
}

#[test]
fn a_file_of_credentials_is_for_its_owner_alone() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("git-credentials");
    let read = |path: &Path| {
        let of = |error: EngineError| {
            assert_eq!(error.kind, EngineErrorKind::Usage);
            error.message.replace(&home.path().display().to_string(), "")
        };
        GitCredentials::read(path).map_err(of)
    };
    assert_eq!(read(&path), Ok(GitCredentials::default()), "there need not be one");
    std::fs::write(&path, "https://me:s3cret@git.example.com\n").expect("writes");
    assert_eq!(read(&path.join("deeper")), Ok(GitCredentials::default()));
    for mode in [0o644, 0o640, 0o604, 0o620, 0o601] {
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("sets");
        let why = format!("may be read or changed by others (mode {mode:03o})");
        assert_eq!(read(&path), Err(format!("the file of git credentials `/git-credentials` {why}")));
    }
    let error = GitCredentials::read(&path).expect_err("refused");
    assert_eq!(error.hints, [format!("type `chmod 600 {}`", path.display())]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("sets");
    assert_eq!(read(&path), parse("https://me:s3cret@git.example.com"));
    assert_eq!(read(home.path()), Err("the file of git credentials `` is no file".into()));
    std::fs::write(&path, "\ns3cret\n").expect("writes");
    let why = "line 2 of the file of git credentials `/git-credentials` is not for https, and credentials are never sent \
               without encryption";
    assert_eq!(read(&path), Err(why.into()));
    std::fs::write(&path, b"\xff\n").expect("writes");
    assert_eq!(read(&path), Err("the file of git credentials `/git-credentials` is not UTF-8 text".into()));
    std::fs::write(&path, vec![b'\n'; (1 << 20) + 1]).expect("writes");
    assert_eq!(read(&path), Err("the file of git credentials `/git-credentials` is larger than 1048576 bytes".into()));
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(12345), None).expect("gives away");
        let why = "belongs to user 12345, and this is user 0";
        assert_eq!(read(&path), Err(format!("the file of git credentials `/git-credentials` {why}")));
    }
    let fifo = home.path().join("fifo");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).expect("makes");
    assert_eq!(read(&fifo), Err("the file of git credentials `/fifo` is no file".into()), "it is not waited for");
}

#[test]
fn v31_passwords_and_tokens_are_masked_and_names_are_not() {
    let secrets = |text: &str| parse(text).expect("credentials").secrets().map(str::to_owned).collect::<Vec<_>>();
    for (user, masked) in [
        ("me:s3cret", &["s3cret"][..]),
        ("s3cret", &["s3cret"]),
        ("s3cret:x-oauth-basic", &["s3cret", "x-oauth-basic"]),
        ("ghp_0123456789abcdefghij:x", &["ghp_0123456789abcdefghij", "x"]),
        ("me:%73ecret", &["secret"]),
    ] {
        assert_eq!(secrets(&format!("https://{user}@git.example.com")), masked);
        assert_eq!(secrets_in(&format!("https://{user}@git.example.com/a/b")), masked);
    }
    for nothing in ["https://git.example.com/a/b", "git@github.com:a/b", "ssh://sam@host/a/b", "octo/app", ""] {
        assert_eq!(secrets_in(nothing), Vec::<String>::new(), "{nothing}");
    }
}
