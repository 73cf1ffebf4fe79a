//! What the user shows to hosts: names and passwords, or tokens.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use gix::url::Scheme;
use rustix::fs::OFlags;
use stepbox_volume::io_text;

use crate::error::{EngineError, EngineErrorKind};

/// How long a file of credentials may be, in bytes.
const MAX_TEXT: u64 = 1 << 20;

/// From how many characters on a user name is taken for a token, which is as secret as a password.
const TOKEN: usize = 20;

/// User names and passwords by host, for git-clone steps that have none of their own.
///
/// Each is sent by https to the host that it names and to no other, and is masked wherever a build shows or records
/// anything.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct GitCredentials {
    entries: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    host: String,
    port: u16,
    /// The repository, or a directory of repositories, that it is for; empty for the whole host.
    path: String,
    username: String,
    password: String,
}

impl fmt::Debug for GitCredentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GitCredentials({})", self.entries.len())
    }
}

impl GitCredentials {
    /// Reads lines such as `https://user:token@host` or `https://user:token@host/owner`, as git's credential store has
    /// them: what is special in a URL is percent-encoded. Empty lines and those that begin with `#` say nothing. `what`
    /// names the text in errors.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] for any other line, which is named by its number and not shown.
    pub fn parse(text: &str, what: &str) -> Result<Self, EngineError> {
        let mut entries = vec![];
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            entries.push(Entry::parse(line).map_err(|why| {
                EngineError::new(EngineErrorKind::Usage, format!("line {} of {what} {why}", number + 1))
                    .hint("write `https://USER:TOKEN@HOST`, with what is special in a URL percent-encoded")
            })?);
        }
        Ok(Self { entries })
    }

    /// Reads a file of such lines. There are none where there is no file.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] for a file that cannot be read, that others than its owner may read or that is
    /// somebody else's, and as [`GitCredentials::parse`] has them.
    pub fn read(path: &Path) -> Result<Self, EngineError> {
        let shown = path.display();
        let refuse = |why: &str| {
            EngineError::new(EngineErrorKind::Usage, format!("the file of git credentials `{shown}` {why}"))
        };
        let failed = |error: io::Error| refuse(&format!("cannot be read: {}", io_text(&error)));
        // A pipe would be waited for.
        let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
        #[expect(clippy::cast_possible_wrap, reason = "these flags are small")]
        let opened = OpenOptions::new().read(true).custom_flags(flags as i32).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
                return Ok(Self::default());
            }
            Err(error) => return Err(failed(error)),
        };
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(refuse("is no file"));
        }
        let me = rustix::process::geteuid().as_raw();
        if metadata.uid() != me {
            return Err(refuse(&format!("belongs to user {}, and this is user {me}", metadata.uid())));
        }
        if metadata.mode() & 0o077 != 0 {
            let mode = metadata.mode() & 0o777;
            return Err(refuse(&format!("may be read or changed by others (mode {mode:03o})"))
                .hint(format!("type `chmod 600 {shown}`")));
        }
        let mut bytes = vec![];
        file.take(MAX_TEXT + 1).read_to_end(&mut bytes).map_err(failed)?;
        if bytes.len() as u64 > MAX_TEXT {
            return Err(refuse(&format!("is larger than {MAX_TEXT} bytes")));
        }
        let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8 text"))?;
        Self::parse(&text, &format!("the file of git credentials `{shown}`"))
    }

    /// Adds others, which count where these have none.
    pub fn extend(&mut self, others: Self) {
        self.entries.extend(others.entries);
    }

    /// What is masked: passwords, and user names that are tokens.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().flat_map(|entry| secrets_of(&entry.username, &entry.password))
    }

    /// User and password for an address: of its host, and of the longest path above it; the first of equals.
    pub(super) fn find(&self, url: &str) -> Option<(String, String)> {
        let url = gix::url::parse(url).ok().filter(|url| url.scheme == Scheme::Https)?;
        let (host, port) = (url.host.as_deref()?, url.port.unwrap_or(443));
        let path = url.path.to_string();
        let path = without_ending(&path);
        let fits = |entry: &&Entry| {
            let below = path
                .strip_prefix(entry.path.as_str())
                .is_some_and(|rest| rest.is_empty() || entry.path.is_empty() || rest.starts_with('/'));
            entry.host.eq_ignore_ascii_case(host) && entry.port == port && below
        };
        // Of equals, `max_by_key` takes the last.
        let found = self.entries.iter().rev().filter(fits).max_by_key(|entry| entry.path.len())?;
        Some((found.username.clone(), found.password.clone()))
    }
}

impl Entry {
    fn parse(line: &str) -> Result<Self, &'static str> {
        let url = gix::url::parse(line).map_err(|_| "is no address with credentials")?;
        if url.scheme != Scheme::Https {
            return Err("is not for https, and credentials are never sent without encryption");
        }
        let host = url.host.as_ref().filter(|host| !host.is_empty()).ok_or("names no host")?;
        let username = url.user.as_ref().filter(|user| !user.is_empty()).ok_or("has no user name")?;
        let password = url.password.clone().unwrap_or_default();
        let path = url.path.to_string();
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port: url.port.unwrap_or(443),
            path: without_ending(&path).to_owned(),
            username: username.clone(),
            password,
        })
    }
}

/// What of a user name and a password is to be masked.
pub(crate) fn secrets_of<'a>(username: &'a str, password: &'a str) -> impl Iterator<Item = &'a str> {
    // Some hosts take a token as the user's name, with this or nothing as the password.
    let token = matches!(password, "" | "x-oauth-basic") || username.chars().count() >= TOKEN;
    [token.then_some(username), (!password.is_empty()).then_some(password)].into_iter().flatten()
}

/// A path without slashes around it and without `.git` at its end.
fn without_ending(path: &str) -> &str {
    let path = path.trim_matches('/');
    path.strip_suffix(".git").unwrap_or(path)
}
