//! What `.gitmodules` says, which strangers have written.

use std::collections::{BTreeMap, HashMap};
use std::path::{Component, Path, PathBuf};

use gix::bstr::{BStr, BString, ByteSlice};
use gix::index::entry::Mode;
use gix::url::Scheme;

use super::address::Address;
use super::commit_tree::Link;
use super::error::GitError;

/// How long a `.gitmodules` may be, in bytes.
const MAX_FILE: u64 = 1 << 20;

/// Where the repository of a submodule is, as far as the file says; or why it is not taken.
type Url = Result<String, String>;

/// The urls of the submodules of a commit, in the order of their paths.
///
/// # Errors
/// Where the repository cannot be read.
pub(super) fn urls(
    repository: &gix::Repository,
    index: &gix::index::State,
    links: Vec<Link>,
) -> Result<Vec<(Link, Url)>, GitError> {
    if links.is_empty() {
        return Ok(vec![]);
    }
    let file = file(repository, index)?;
    let known = file.map(|text| text.and_then(|text| parse(&text)));
    let url = |link: &Link| match &known {
        None => Err("the repository has no file `.gitmodules`".to_owned()),
        Some(Err(why)) => Err(why.clone()),
        Some(Ok(known)) => match known.get(&link.full) {
            Some(url) => url.clone(),
            None => Err("`.gitmodules` does not name it".to_owned()),
        },
    };
    Ok(links.into_iter().map(|link| (url(&link), link)).map(|(url, link)| (link, url)).collect())
}

/// The file's text, or why it is not read; a link in its place is none.
fn file(repository: &gix::Repository, index: &gix::index::State) -> Result<Option<Result<Vec<u8>, String>>, GitError> {
    let failed = || GitError::git("cannot read `.gitmodules`");
    let Some(entry) = index.entry_by_path(BStr::new(".gitmodules")) else { return Ok(None) };
    if !matches!(entry.mode, Mode::FILE | Mode::FILE_EXECUTABLE) {
        return Ok(None);
    }
    if repository.find_header(entry.id).map_err(failed())?.size() > MAX_FILE {
        return Ok(Some(Err(format!("`.gitmodules` is larger than {MAX_FILE} bytes"))));
    }
    Ok(Some(Ok(repository.find_object(entry.id).map_err(failed())?.detach().data)))
}

/// One submodule of the file; of equal names and keys the last counts, as in git.
#[derive(Default)]
struct Entry {
    path: Option<BString>,
    url: Option<BString>,
    update: Option<BString>,
}

/// Urls by path.
fn parse(text: &[u8]) -> Result<HashMap<BString, Url>, String> {
    let metadata = gix::config::file::Metadata::default();
    let config = gix::config::File::from_bytes_no_includes(text, metadata, Default::default())
        .map_err(|_| "`.gitmodules` cannot be read".to_owned())?;
    let mut entries: BTreeMap<BString, Entry> = BTreeMap::new();
    for section in config.sections_by_name("submodule").into_iter().flatten() {
        let Some(name) = section.header().subsection_name() else { continue };
        let entry = entries.entry(name.to_owned()).or_default();
        for (key, value) in [("path", &mut entry.path), ("url", &mut entry.url), ("update", &mut entry.update)] {
            if let Some(found) = section.value(key) {
                *value = Some(found);
            }
        }
    }
    let mut urls = HashMap::new();
    for (name, entry) in entries {
        let Some(path) = &entry.path else { continue };
        // Git does without a slash at the end too.
        let path = path.strip_suffix(b"/").unwrap_or(path).as_bstr().to_owned();
        let url = entry.url(name.as_bstr());
        if urls.insert(path.clone(), url).is_some() {
            urls.insert(path, Err("`.gitmodules` names it twice".to_owned()));
        }
    }
    Ok(urls)
}

impl Entry {
    fn url(&self, name: &BStr) -> Url {
        let bad_name = name.is_empty()
            || name.starts_with(b"-")
            || name.split(|byte| matches!(byte, b'/' | b'\\')).any(|part| part == b"..");
        if bad_name {
            return Err("its name in `.gitmodules` is none that git takes".to_owned());
        }
        if self.path.as_ref().is_some_and(|path| path.starts_with(b"-")) {
            return Err("its path looks like an option".to_owned());
        }
        if self.update.as_ref().is_some_and(|update| update == "none") {
            return Err("its `update` is `none`".to_owned());
        }
        let url = self.url.as_ref().map(|url| url.to_str());
        match url {
            Some(Ok(url)) if url.starts_with('-') => Err("its url looks like an option".to_owned()),
            Some(Ok(url)) if !url.is_empty() && !url.contains(char::is_control) => Ok(url.to_owned()),
            _ => Err("it has no url that could be one".to_owned()),
        }
    }
}

/// The address of a submodule, for the same look at it as any other gets, but that no host's repository names a path of
/// this machine. `base` is where the repository comes from whose submodule it is.
///
/// # Errors
/// Why it cannot be one.
pub(super) fn address(url: &str, base: Option<&Address>) -> Result<String, String> {
    let relative = ["./", "../"].iter().any(|start| url.starts_with(start)) || matches!(url, "." | "..");
    if relative {
        return match base {
            Some(Address::Web(base)) => beside_url(url, &base.url),
            Some(Address::Directory(base)) => beside_path(url, base),
            None => {
                Err("its url is relative, and where the repository is from is not known or needs a grant".to_owned())
            }
        };
    }
    let parsed = gix::url::parse(url).map_err(|_| "its url is no address".to_owned())?;
    match (parsed.scheme, base) {
        (Scheme::File, Some(Address::Directory(_))) if Path::new(&parsed.path.to_string()).is_absolute() => {
            Ok(url.to_owned())
        }
        (Scheme::File, _) => Err("its url is a path of this machine".to_owned()),
        _ => Ok(url.to_owned()),
    }
}

/// How many parts of the base go, and what comes instead.
fn steps(url: &str) -> Result<(usize, &str), String> {
    let (mut up, mut rest) = (0, url);
    loop {
        let (part, tail) = rest.split_once('/').unwrap_or((rest, ""));
        match part {
            ".." => up += 1,
            "." => {}
            _ => break,
        }
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    if rest.split('/').any(|part| part == "..") {
        return Err("its url goes up in its middle".to_owned());
    }
    Ok((up, rest))
}

fn beside_url(url: &str, base: &str) -> Result<String, String> {
    let (up, rest) = steps(url)?;
    let root = base.find("://").map_or(0, |at| at + 3);
    let (mut known, host) = (base.trim_end_matches('/'), &base[root..]);
    let host_end = root + host.find('/').unwrap_or(host.len());
    for _ in 0..up {
        match known.rfind('/').filter(|at| *at >= host_end) {
            Some(at) => known = &known[..at],
            None => return Err("its url leads out of the host".to_owned()),
        }
    }
    Ok(format!("{known}/{rest}"))
}

fn beside_path(url: &str, base: &Path) -> Result<String, String> {
    let (up, rest) = steps(url)?;
    let mut path = PathBuf::from(base);
    for _ in 0..up {
        if !path.pop() {
            return Err("its url leads out of the file system".to_owned());
        }
    }
    path.extend(Path::new(rest).components().filter(|part| matches!(part, Component::Normal(_))));
    path.to_str().map(str::to_owned).ok_or_else(|| "its url is no text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::address::WebAddress;
    use super::*;

    fn web(url: &str) -> Address {
        Address::Web(WebAddress { url: url.into(), credentials: None })
    }

    #[test]
    fn relative_urls_are_seen_from_where_the_repository_is_and_never_leave_its_host() {
        let base = web("https://git.example.com:8443/team/app.git");
        let host = "https://git.example.com:8443";
        for (url, wanted) in [
            ("../lib.git", Ok("/team/lib.git")),
            ("../../other/lib", Ok("/other/lib")),
            ("./lib", Ok("/team/app.git/lib")),
            (".././../x", Ok("/x")),
            ("..", Ok("/team/")),
            ("../../@evil.example/x", Ok("/@evil.example/x")),
            ("../..//evil.example/x", Ok("//evil.example/x")),
            ("../../../lib", Err("its url leads out of the host")),
            ("../../../../evil.example/x", Err("its url leads out of the host")),
            ("../lib/../../../x", Err("its url goes up in its middle")),
        ] {
            let wanted = wanted.map(|rest| format!("{host}{rest}")).map_err(str::to_owned);
            assert_eq!(address(url, Some(&base)), wanted, "{url}");
            assert!(address(url, None).is_err());
        }
        assert_eq!(address("../x", Some(&web("https://host"))), Err("its url leads out of the host".into()));
        let directory = Address::Directory("/srv/git/app".into());
        assert_eq!(address("../lib", Some(&directory)), Ok("/srv/git/lib".into()));
        assert_eq!(address("../../../../x", Some(&directory)), Err("its url leads out of the file system".into()));
    }

    #[test]
    fn paths_of_this_machine_are_for_repositories_of_this_machine() {
        let directory = Address::Directory("/srv/git/app".into());
        for (url, on_machine) in [("/srv/lib", true), ("file:///srv/lib", true), ("lib", false), ("a/b", false)] {
            let why = "its url is a path of this machine".to_owned();
            assert_eq!(address(url, Some(&web("https://host/a/b"))), Err(why.clone()), "{url}");
            assert_eq!(address(url, None), Err(why), "{url}");
            assert_eq!(address(url, Some(&directory)).is_ok(), on_machine, "{url}");
        }
        for url in ["https://x.example/a/b", "git@x.example:a/b", "ext::sh -c true"] {
            assert_eq!(address(url, None), Ok(url.to_owned()), "what any clone may ask for is looked at later");
        }
    }

    #[test]
    fn names_paths_and_urls_that_git_does_not_take_are_refused() {
        let url = |text: &str| parse(text.as_bytes()).map(|urls| urls.get(BStr::new("lib")).cloned());
        let entry = |name: &str, rest: &str| format!("[submodule \"{name}\"]\n\tpath = lib\n{rest}");
        for (text, wanted) in [
            (entry("lib", "url = ../lib\n"), Ok("../lib")),
            (entry("a/b", "url = ../lib\nurl = ../last\n"), Ok("../last")),
            (entry("lib", "url = ../lib\nupdate = !touch x\n"), Ok("../lib")),
            (entry("lib", "url = ../lib\nupdate = none\n"), Err("its `update` is `none`")),
            (entry("../../hooks", "url = x\n"), Err("its name in `.gitmodules` is none that git takes")),
            (entry("a\\\\..\\\\b", "url = x\n"), Err("its name in `.gitmodules` is none that git takes")),
            (entry("", "url = x\n"), Err("its name in `.gitmodules` is none that git takes")),
            (entry("-x", "url = x\n"), Err("its name in `.gitmodules` is none that git takes")),
            (entry("lib", "url = --upload-pack=x\n"), Err("its url looks like an option")),
            (entry("lib", "url = \"https://x\\ny\"\n"), Err("it has no url that could be one")),
            (entry("lib", "url =\n"), Err("it has no url that could be one")),
            (entry("lib", "url\n"), Err("it has no url that could be one")),
            (entry("lib", ""), Err("it has no url that could be one")),
            (entry("a", "url = x\n") + &entry("b", "url = y\n"), Err("`.gitmodules` names it twice")),
        ] {
            let wanted = wanted.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(url(&text), Ok(Some(wanted)), "{text}");
        }
        for (text, wanted) in [
            ("[submodule \"x\"]\n\tpath = ../lib\n\turl = x\n", Ok(None)),
            ("[submodule]\n\tpath = lib\n\turl = x\n", Ok(None)),
            ("[include]\n\tpath = /etc/passwd\n", Ok(None)),
            ("[submodule \"lib", Err("`.gitmodules` cannot be read".to_owned())),
            ("\0\u{1}", Err("`.gitmodules` cannot be read".to_owned())),
        ] {
            assert_eq!(url(text), wanted, "{text}");
        }
        let dash = parse(b"[submodule \"x\"]\n\tpath = -lib\n\turl = x\n").expect("reads");
        assert_eq!(dash.get(BStr::new("-lib")), Some(&Err("its path looks like an option".to_owned())));
    }

    #[test]
    fn a_large_file_is_read_in_bounded_time() {
        let mut text = String::new();
        for number in 0..20_000 {
            text.push_str(&format!("[submodule \"{number}\"]\n\tpath = {number}\n\turl = ../x\n"));
        }
        assert_eq!(parse(text.as_bytes()).expect("reads").len(), 20_000);
        let deep = format!("[submodule \"{}\"]", "[".repeat(900_000));
        assert!(parse(deep.as_bytes()).expect("reads").is_empty());
    }
}
