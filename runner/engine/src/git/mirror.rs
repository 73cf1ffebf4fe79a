//! Copies of other repositories, which no step can write.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::num::NonZeroU32;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use gix::ObjectId;
use gix::protocol::handshake::Ref;
use gix::remote::fetch::{Shallow, Tags};
use gix_transport::Protocol;
use gix_transport::client::TransportWithoutIO;
use gix_transport::client::blocking_io::http::Transport;
use rustix::fs::{FlockOperation, flock};

use super::address::{Grants, WebAddress};
use super::error::GitError;
use super::http::{Client, Signals};
use super::work_tree::open_isolated;
use crate::directories::private_directory;

/// Rule G11.
const TRIES: usize = 3;
const PAUSE: Duration = Duration::from_secs(5);

/// How often the build is asked whether it goes on.
const POLL: Duration = Duration::from_millis(50);

/// What is fetched.
#[derive(Debug, Clone)]
pub(super) struct Fetch {
    pub(super) address: WebAddress,
    /// User and password.
    pub(super) credentials: Option<(String, String)>,
    /// How many commits of history; `None` for all.
    pub(super) depth: Option<NonZeroU32>,
    /// What will be checked out: a hash that no branch has is asked for by itself.
    pub(super) revision: Option<String>,
    pub(super) grants: Arc<Grants>,
}

/// A repository with what its host says of it.
pub(super) struct Fetched {
    pub(super) repository: gix::Repository,
    /// Branches and tags, by their full names.
    pub(super) references: BTreeMap<String, ObjectId>,
    /// The branch that is checked out where nobody says otherwise, by its full name.
    pub(super) default: Option<String>,
    /// Others wait until this is dropped.
    _lock: Option<File>,
}

impl Fetched {
    /// A repository that is on this machine already.
    pub(super) fn local(
        repository: gix::Repository,
        references: BTreeMap<String, ObjectId>,
        default: Option<String>,
    ) -> Self {
        Self { repository, references, default, _lock: None }
    }
}

/// What a host says of its references.
type Advertised = (BTreeMap<String, ObjectId>, Option<String>);

impl Fetch {
    /// Brings the mirror of a repository up to date, or makes it.
    ///
    /// # Errors
    /// Where the host cannot be reached or refuses, with all that was tried.
    pub(super) fn run(
        &self,
        mirrors: &Path,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(String),
    ) -> Result<Fetched, GitError> {
        if self.credentials.is_some() && !self.address.url.starts_with("https:") {
            let url = &self.address.url;
            let why = "credentials are never sent without encryption; use https";
            return Err(GitError::Refused(format!("cannot clone `{url}`: {why}")));
        }
        private_directory(mirrors).map_err(|error| GitError::Refused(error.message))?;
        let depth = self.depth.map_or_else(String::new, |depth| format!(" {depth}"));
        let key = format!("{}{depth}", self.address.url);
        let name = gix::objs::compute_hash(gix::hash::Kind::Sha256, gix::objs::Kind::Blob, key.as_bytes())
            .map_err(GitError::git("cannot name the mirror"))?;
        let path = mirrors.join(format!("{name}.git"));
        let lock = lock(&mirrors.join(format!("{name}.lock")), stop)?;
        let ((references, default), lock) = self.in_thread(&path, lock, stop, tell)?;
        Ok(Fetched { repository: open_isolated(&path)?, references, default, _lock: Some(lock) })
    }

    /// Fetches beside this thread, which goes on asking whether the build does. When it does not, the other one is left to
    /// its time limits, and keeps the lock until then.
    fn in_thread(
        &self,
        path: &Path,
        lock: File,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(String),
    ) -> Result<(Advertised, File), GitError> {
        let signals = Arc::new(Signals::default());
        let (told, tales) = channel::<String>();
        let fetching = std::thread::spawn({
            let (fetch, path, signals) = (self.clone(), path.to_owned(), Arc::clone(&signals));
            move || fetch.with_retries(&path, &signals, |line| drop(told.send(line))).map(|found| (found, lock))
        });
        loop {
            match tales.recv_timeout(POLL) {
                Ok(line) => tell(line),
                Err(RecvTimeoutError::Timeout) if stop() => {
                    signals.stop.store(true, Ordering::Relaxed);
                    return Err(GitError::Stopped);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        let failed = || GitError::Refused("fetching failed by an error of its own".to_owned());
        fetching.join().unwrap_or_else(|_| Err(failed()))
    }

    /// Rule G11.
    fn with_retries(&self, path: &Path, signals: &Arc<Signals>, tell: impl Fn(String)) -> Result<Advertised, GitError> {
        let mut number = 1;
        loop {
            let error = match self.once(path, signals) {
                Ok(advertised) => return Ok(advertised),
                Err(error) => error,
            };
            if let Some(why) = signals.refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(GitError::Refused(format!("cannot clone `{}`: {why}", self.address.url)));
            }
            if number == TRIES || signals.stop.load(Ordering::Relaxed) {
                return Err(error);
            }
            number += 1;
            tell(format!("{error}; try {number} of {TRIES} in {} s", PAUSE.as_secs()));
            let mut waited = Duration::ZERO;
            while waited < PAUSE && !signals.stop.load(Ordering::Relaxed) {
                std::thread::sleep(POLL);
                waited += POLL;
            }
        }
    }

    fn once(&self, path: &Path, signals: &Arc<Signals>) -> Result<Advertised, GitError> {
        let repository = open_mirror(path)?;
        let mut specs = vec!["+refs/heads/*:refs/heads/*".to_owned(), "+HEAD:refs/stepbox/HEAD".to_owned()];
        let advertised = self.fetch(&repository, &specs, signals)?;
        let hash = self.revision.as_ref().and_then(|revision| ObjectId::from_hex(revision.as_bytes()).ok());
        if let Some(hash) = hash.filter(|hash| !repository.has_object(hash)) {
            specs = vec![format!("+{hash}:refs/stepbox/{hash}")];
            self.fetch(&repository, &specs, signals)?;
        }
        Ok(advertised)
    }

    fn fetch(
        &self,
        repository: &gix::Repository,
        specs: &[String],
        signals: &Arc<Signals>,
    ) -> Result<Advertised, GitError> {
        let url = &self.address.url;
        let failed = || GitError::git(format!("cannot fetch `{url}`"));
        let parsed = gix::url::parse(url.as_str()).map_err(failed())?;
        let remote = repository
            .remote_at_without_url_rewrite(parsed.clone())
            .and_then(|remote| remote.with_refspecs(specs.iter().map(String::as_str), gix::remote::Direction::Fetch))
            .map_err(failed())?
            .with_fetch_tags(Tags::All);
        let client = Client::new(Arc::clone(&self.grants), Arc::clone(signals));
        let mut transport = Transport::new_http(client, parsed, Protocol::V2, false);
        if let Some((username, password)) = self.credentials.clone() {
            let account = gix::sec::identity::Account { username, password, oauth_refresh_token: None };
            transport.set_identity(account).map_err(GitError::git("cannot use the credentials"))?;
        }
        // Else the library would start the helpers that a configuration names.
        let connection = remote.to_connection_with_transport(transport).with_credentials(|_| Ok(None));
        let mut prepared = connection
            .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())
            .map_err(failed())?
            .with_write_packed_refs_only(true);
        if let Some(depth) = self.depth {
            prepared = prepared.with_shallow(Shallow::DepthAtRemote(depth));
        }
        let outcome = prepared.receive(gix::progress::Discard, &signals.stop).map_err(failed())?;
        Ok(advertised(&outcome.ref_map.remote_refs))
    }
}

/// The references that a host has told of.
fn advertised(told: &[Ref]) -> Advertised {
    let mut references = BTreeMap::new();
    let mut default = None;
    for reference in told {
        let (name, id) = match reference {
            Ref::Peeled { full_ref_name, tag, .. } => (full_ref_name, *tag),
            Ref::Direct { full_ref_name, object } => (full_ref_name, *object),
            Ref::Symbolic { full_ref_name, target, tag, object } => {
                if full_ref_name == "HEAD" {
                    default = Some(target.to_string());
                }
                (full_ref_name, tag.unwrap_or(*object))
            }
            Ref::Unborn { .. } => continue,
        };
        let name = name.to_string();
        if name.starts_with("refs/heads/") || name.starts_with("refs/tags/") {
            references.insert(name, id);
        }
    }
    (references, default)
}

/// Opens a mirror; what is none any more is made again.
fn open_mirror(path: &Path) -> Result<gix::Repository, GitError> {
    if let Ok(repository) = open_isolated(path) {
        return Ok(repository);
    }
    let failed = || GitError::io(format!("cannot make the mirror `{}`", path.display()));
    if path.symlink_metadata().is_ok() {
        std::fs::remove_dir_all(path).map_err(failed())?;
    }
    gix::ThreadSafeRepository::init_opts(
        path,
        gix::create::Kind::Bare,
        gix::create::Options::default(),
        gix::open::Options::isolated(),
    )
    .map_err(GitError::git(format!("cannot make the mirror `{}`", path.display())))?;
    open_isolated(path)
}

/// One build at a time changes a mirror.
fn lock(path: &PathBuf, stop: &dyn Fn() -> bool) -> Result<File, GitError> {
    let failed = || GitError::io(format!("cannot lock `{}`", path.display()));
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path).map_err(failed())?;
    loop {
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK) if stop() => return Err(GitError::Stopped),
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(POLL),
            Err(error) => return Err(failed()(error.into())),
        }
    }
}
