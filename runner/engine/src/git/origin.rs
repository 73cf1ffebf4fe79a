//! Addresses of repositories, as far as their names matter.

use gix::url::Scheme;
use stepbox_pipeline::repository_name;

use super::credentials::secrets_of;

/// Where a repository comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Origin {
    /// The address without user and password.
    pub(super) url: String,
    /// The host; a path on this machine has none.
    pub(super) host: Option<String>,
    /// Everything between host and name; `None` on this machine.
    pub(super) owner: Option<String>,
    /// The last part, without `.git`.
    pub(super) name: String,
    /// Whether the host is asked by https, or by something that stands for the same repository.
    web: bool,
}

impl Origin {
    /// Reads an address as git does; `None` where it names no repository.
    pub(super) fn parse(address: &str) -> Option<Self> {
        let mut url = gix::url::parse(address.trim()).ok()?;
        url.user = None;
        url.password = None;
        let path = url.path.to_string();
        let name = repository_name(&path)?.to_owned();
        let owner = url.host.as_ref().and_then(|_| {
            let path = path.trim_matches('/');
            path.rsplit_once('/').map(|(owner, _)| owner.to_owned())
        });
        let host = url.host.clone();
        let web = matches!(url.scheme, Scheme::Https | Scheme::Ssh);
        Some(Self { url: url.to_bstring().to_string(), host, owner, name, web })
    }

    /// Where people see a commit.
    pub(super) fn commit_url(&self, hash: &str) -> Option<String> {
        let (host, owner) = (self.host.as_ref().filter(|_| self.web)?, self.owner.as_ref()?);
        let kind = if host == "bitbucket.org" { "commits" } else { "commit" };
        Some(format!("https://{host}/{owner}/{}/{kind}/{hash}", self.name))
    }

    /// Whether `owner/name` or an address means this repository.
    pub(super) fn is(&self, repo: &str) -> bool {
        let same = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
        let Some(owner) = &self.owner else { return false };
        match shorthand(repo) {
            Some((wanted, name)) => same(owner, wanted) && same(&self.name, name),
            None => Self::parse(repo).is_some_and(|other| {
                other.host == self.host
                    && other.owner.is_some_and(|wanted| same(owner, &wanted))
                    && same(&self.name, &other.name)
            }),
        }
    }
}

/// `owner/name`, where the text is no address.
pub(super) fn shorthand(repo: &str) -> Option<(&str, &str)> {
    let repo = repo.trim().trim_end_matches('/');
    if repo.contains(':') || repo.starts_with(['/', '.', '~']) {
        return None;
    }
    let (owner, last) = repo.rsplit_once('/')?;
    let name = repository_name(last)?;
    let good = owner.split('/').all(|part| !matches!(part, "" | "." | ".."));
    good.then_some((owner, name))
}

/// An address as it may be shown: without user and password.
pub(super) fn without_password(repo: &str) -> String {
    match (repo.find("://"), repo.rfind('@')) {
        (Some(scheme), Some(at)) if at > scheme => format!("{}{}", &repo[..scheme + 3], &repo[at + 1..]),
        _ => repo.to_owned(),
    }
}

/// User and password that stand in an address, as far as they are to be masked.
pub(crate) fn secrets_in(repo: &str) -> Vec<String> {
    let Some(url) = gix::url::parse(repo.trim()).ok().filter(|url| matches!(url.scheme, Scheme::Https | Scheme::Http))
    else {
        return vec![];
    };
    let password = url.password.as_deref().unwrap_or_default();
    url.user.iter().flat_map(|user| secrets_of(user, password)).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_never_part_of_an_origin() {
        for (address, url, owner, name) in [
            ("https://me:secret@github.com/a/b.git", "https://github.com/a/b.git", "a", "b"),
            ("git@github.com:a/b.git", "github.com:a/b.git", "a", "b"),
            ("ssh://git@example.com:2222/group/sub/b", "ssh://example.com:2222/group/sub/b", "group/sub", "b"),
        ] {
            let origin = Origin::parse(address).expect(address);
            assert_eq!((origin.url.as_str(), origin.owner.as_deref(), &*origin.name), (url, Some(owner), name));
        }
        let local = Origin::parse("/srv/git/b.git").expect("a path");
        assert_eq!((local.host, local.owner, &*local.name), (None, None, "b"));
        assert_eq!(Origin::parse(""), None);
    }

    #[test]
    fn an_origin_is_known_by_owner_and_name_or_by_its_address() {
        let origin = Origin::parse("git@github.com:Octo/App.git").expect("an address");
        for same in ["octo/app", "Octo/App.git", "https://github.com/octo/app", "git@github.com:octo/app.git"] {
            assert!(origin.is(same), "{same}");
        }
        for other in ["octo/other", "app", "x/app", "https://example.com/octo/app", "octo/app/deep"] {
            assert!(!origin.is(other), "{other}");
        }
        assert_eq!(origin.commit_url("abc").as_deref(), Some("https://github.com/Octo/App/commit/abc"));
        let bitbucket = Origin::parse("https://bitbucket.org/a/b").expect("an address");
        assert_eq!(bitbucket.commit_url("abc").as_deref(), Some("https://bitbucket.org/a/b/commits/abc"));
        assert_eq!(Origin::parse("/srv/b.git").expect("a path").commit_url("abc"), None);
    }
}
