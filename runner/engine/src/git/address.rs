//! Which repository a git-clone step means, and whether it may be asked.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use gix::url::Scheme;
use stepbox_limits::Budget;

use super::error::GitError;
use super::origin::{Origin, shorthand, without_password};

/// What `owner/name` means where nobody says otherwise.
const GITHUB: &str = "https://github.com/";

/// Where a repository is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Address {
    /// On a host that is asked by https, or by http where that was granted.
    Web(WebAddress),
    /// On this machine.
    Directory(PathBuf),
}

/// A repository on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WebAddress {
    /// The address without user and password.
    pub(super) url: String,
    /// User and password that stand in the address.
    pub(super) credentials: Option<(String, String)>,
}

/// What the user has granted.
#[derive(Debug, Clone, Default)]
pub(super) struct Grants {
    /// Hosts and directories of `--allow-clone`.
    pub(super) named: Vec<String>,
    /// Outside of these nothing is granted, whoever says so.
    pub(super) within: Option<Vec<String>>,
    /// The host of the source's origin.
    pub(super) origin: Option<String>,
    /// Names of git integrations, and the prefix that each stands for.
    pub(super) prefixes: Vec<(String, String)>,
    /// How much other hosts may send to this build.
    pub(super) traffic: Option<Arc<Budget>>,
    /// Https is spoken without its encryption, to the hosts of tests.
    #[cfg(test)]
    pub(super) plain: bool,
}

impl Grants {
    /// The address of a repository that is not the source. A line to be shown comes with it where the address is not the
    /// one that the step has.
    ///
    /// # Errors
    /// [`GitError::Refused`] for what is no address, is of a kind that is not supported, or needs a grant.
    pub(super) fn address(&self, repo: &str, git: Option<&str>) -> Result<(Address, Option<String>), GitError> {
        let repo = repo.trim();
        if let Some((owner, name)) = shorthand(repo) {
            let prefix = git.and_then(|git| self.prefixes.iter().find(|(known, _)| known == git));
            let prefix = prefix.map_or(GITHUB, |(_, prefix)| prefix.as_str());
            let slash = if prefix.ends_with(['/', ':']) { "" } else { "/" };
            return self.parse(&format!("{prefix}{slash}{owner}/{name}.git"));
        }
        self.parse(repo)
    }

    fn parse(&self, repo: &str) -> Result<(Address, Option<String>), GitError> {
        let refuse = |why: &str| Err(GitError::Refused(format!("cannot clone `{}`: {why}", without_password(repo))));
        if !repo.contains(['/', ':']) {
            return refuse("it is not the source of this build, and no `owner/name` or address either");
        }
        let Ok(mut url) = gix::url::parse(repo) else { return refuse("it is no address of a repository") };
        let mut note = None;
        match url.scheme {
            Scheme::Https | Scheme::Http => {}
            Scheme::Ssh => {
                let Some(host) = &url.host else { return refuse("it names no host") };
                let path = url.path.to_string();
                let https = format!("https://{host}/{}", path.trim_start_matches('/'));
                note = Some(format!("`{}` is asked by https: no ssh is ever started", without_password(repo)));
                let Ok(parsed) = gix::url::parse(https.as_str()) else { return refuse("it is no address") };
                url = parsed;
            }
            Scheme::File => {
                let path = PathBuf::from(url.path.to_string());
                if !path.is_absolute() {
                    return refuse("a path on this machine must be absolute");
                }
                return self.directory(repo, &path).map(|path| (Address::Directory(path), None));
            }
            _ => return refuse("only https is supported"),
        }
        let credentials = url.user.take().map(|user| (user, url.password.take().unwrap_or_default()));
        let Some(host) = url.host.clone() else { return refuse("it names no host") };
        if Origin::parse(&url.to_bstring().to_string()).is_none() {
            return refuse("its last part is no name for a directory");
        }
        let secure = url.scheme == Scheme::Https;
        if !self.may_reach(secure, &host, url.port) {
            if !self.owner_lets(&host) {
                return refuse(&format!("the policy of this host does not allow clones from `{host}`"));
            }
            let flag = format!("allow it with `--allow-clone {host}`");
            return refuse(&match secure {
                true => format!("`{host}` is not the host of this source's origin; {flag}"),
                false => format!("http is not encrypted; use https, or {flag}"),
            });
        }
        let url = url.to_bstring().to_string();
        Ok((Address::Web(WebAddress { url, credentials }), note))
    }

    /// Whether a host may be asked at all.
    pub(super) fn may_reach(&self, secure: bool, host: &str, port: Option<u16>) -> bool {
        self.owner_lets(host)
            && (self.names(host, port)
                || (secure && self.origin.as_deref().is_some_and(|known| known.eq_ignore_ascii_case(host))))
    }

    /// Whether the owner of this machine lets anybody reach a host.
    fn owner_lets(&self, host: &str) -> bool {
        self.within.as_ref().is_none_or(|hosts| hosts.iter().any(|known| known.eq_ignore_ascii_case(host)))
    }

    /// Whether the user has named a host: only then it may be in a private network, or be asked by http.
    pub(super) fn names(&self, host: &str, port: Option<u16>) -> bool {
        let same = |known: &str| {
            let known = known.trim_matches(['[', ']']);
            known.eq_ignore_ascii_case(host.trim_matches(['[', ']']))
        };
        let named = self.named.iter().any(|grant| {
            same(grant)
                || port.is_some_and(|port| {
                    grant.rsplit_once(':').is_some_and(|(known, number)| same(known) && number == port.to_string())
                })
        });
        named
            || self.prefixes.iter().any(|(_, prefix)| {
                gix::url::parse(prefix.as_str())
                    .is_ok_and(|url| url.port == port && url.host.as_deref().is_some_and(same))
            })
    }

    /// A repository on this machine, which needs a grant of its directory or of one above.
    fn directory(&self, repo: &str, path: &Path) -> Result<PathBuf, GitError> {
        let refuse = |why: String| GitError::Refused(format!("cannot clone `{}`: {why}", without_password(repo)));
        let mut granted = self
            .named
            .iter()
            .chain(self.prefixes.iter().map(|(_, prefix)| prefix))
            .map(|grant| Path::new(grant.strip_prefix("file://").unwrap_or(grant)))
            .filter(|grant| grant.is_absolute())
            .filter_map(|grant| std::fs::canonicalize(grant).ok());
        let owner_lets = |real: &Path| {
            let below = |known: &String| {
                Path::new(known).is_absolute()
                    && std::fs::canonicalize(known).is_ok_and(|known| real.starts_with(known))
            };
            self.within.as_ref().is_none_or(|within| within.iter().any(below))
        };
        match std::fs::canonicalize(path) {
            Ok(real) if !owner_lets(&real) => {
                Err(refuse("the policy of this host does not allow clones from there".to_owned()))
            }
            Ok(real) if granted.any(|grant| real.starts_with(grant)) => Ok(real),
            // What is there and what is not looks the same to one who may not see it.
            _ => Err(refuse(format!(
                "it is outside of this build's source; allow it with `--allow-clone {}`",
                path.display()
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(named: &[&str]) -> Grants {
        Grants {
            named: named.iter().map(|&name| name.to_owned()).collect(),
            origin: Some("git.example.com".into()),
            prefixes: vec![("corporate".into(), "https://git.corp.example/scm".into())],
            ..Grants::default()
        }
    }

    fn url(grants: &Grants, repo: &str, git: Option<&str>) -> Result<String, String> {
        match grants.address(repo, git) {
            Ok((Address::Web(address), _)) => Ok(address.url),
            Ok((Address::Directory(path), _)) => Ok(path.display().to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_name_means_github_unless_the_integration_has_a_prefix() {
        let grants = grants(&["github.com"]);
        assert_eq!(url(&grants, "octo/app", None), Ok("https://github.com/octo/app.git".into()));
        assert_eq!(url(&grants, "octo/app", Some("unknown")), Ok("https://github.com/octo/app.git".into()));
        assert_eq!(url(&grants, "octo/app", Some("corporate")), Ok("https://git.corp.example/scm/octo/app.git".into()));
    }

    #[test]
    fn ssh_is_rewritten_to_https() {
        for repo in ["git@git.example.com:octo/app.git", "ssh://git@git.example.com:2222/octo/app.git"] {
            let (address, note) = grants(&[]).address(repo, None).expect(repo);
            let url = "https://git.example.com/octo/app.git".to_owned();
            assert_eq!(address, Address::Web(WebAddress { url, credentials: None }));
            assert!(note.is_some_and(|note| note.ends_with("is asked by https: no ssh is ever started")));
        }
    }

    #[test]
    fn credentials_are_taken_out_of_the_address_and_out_of_errors() {
        let (address, _) = grants(&[]).address("https://me:secret@git.example.com/a/b", None).expect("an address");
        let credentials = Some(("me".into(), "secret".into()));
        assert_eq!(address, Address::Web(WebAddress { url: "https://git.example.com/a/b".into(), credentials }));
        assert_eq!(
            url(&grants(&[]), "https://me:secret@other.example/a/b", None),
            Err("cannot clone `https://other.example/a/b`: `other.example` is not the host of this source's origin; \
                 allow it with `--allow-clone other.example`"
                .into())
        );
    }

    #[test]
    fn other_hosts_ways_and_directories_need_a_grant() {
        let none = grants(&[]);
        for refused in [
            "octo/app",
            "app",
            "https://github.com/octo/app",
            "http://git.example.com/octo/app",
            "git://git.example.com/octo/app",
            "ftp://git.example.com/octo/app",
            "ext::sh -c true",
            "file:///srv/git/app.git",
            "/etc",
            "../app",
            "https://git.example.com/..",
            "",
        ] {
            assert!(none.address(refused, None).is_err(), "{refused}");
        }
        assert!(none.address("https://GIT.example.com:8443/octo/app", None).is_ok());
        let some = grants(&["127.0.0.1:80", "other.example", "/srv", "[::1]"]);
        assert!(some.address("http://127.0.0.1:80/a/b", None).is_ok());
        assert!(some.address("http://127.0.0.1:81/a/b", None).is_err());
        assert!(some.address("https://other.example/a/b", None).is_ok());
        assert!(some.names("::1", Some(1)) && !some.names("git.example.com", None));
        let place = tempfile::tempdir().expect("a directory");
        let path = std::fs::canonicalize(place.path()).expect("a path");
        std::fs::create_dir_all(path.join("in/app.git")).expect("makes");
        std::os::unix::fs::symlink("/etc", path.join("in/link")).expect("links");
        let grant = grants(&[&format!("file://{}/in", path.display())]);
        let repo = |name: &str| format!("file://{}/{name}", path.display());
        assert_eq!(url(&grant, &repo("in/app.git"), None), Ok(format!("{}/in/app.git", path.display())));
        for outside in ["app.git", "in/../app.git", "in/link", "in/missing"] {
            assert!(grant.address(&repo(outside), None).is_err(), "{outside}");
        }
    }
}
