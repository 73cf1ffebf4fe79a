//! Copies of other repositories, which no step can write.

use std::collections::BTreeMap;
use std::fs::File;
use std::num::NonZeroU32;
use std::path::Path;
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

use super::address::{Grants, WebAddress};
use super::error::GitError;
use super::http::{Client, Signals};
use super::mirrors::Mirrors;
use super::work_tree::open_isolated;

/// Rule G11.
const TRIES: usize = 3;
pub(super) const PAUSE: Duration = Duration::from_secs(5);

/// How often the build is asked whether it goes on.
pub(super) const POLL: Duration = Duration::from_millis(50);

/// How many packs a mirror may have. Each fetch that brings something adds one, every clone copies them all, and nobody
/// packs them anew.
const MAX_PACKS: usize = 64;

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
    /// How long is waited between two tries.
    pub(super) pause: Duration,
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
        mirrors: &Mirrors,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(String),
    ) -> Result<Fetched, GitError> {
        if self.credentials.is_some() && !self.address.url.starts_with("https:") {
            let url = &self.address.url;
            let why = "credentials are never sent without encryption; use https";
            return Err(GitError::Refused(format!("cannot clone `{url}`: {why}")));
        }
        let depth = self.depth.map_or_else(String::new, |depth| format!(" {depth}"));
        let (path, lock) = mirrors.lock(&format!("{}{depth}", self.address.url), stop)?;
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
        let signals = Arc::new(Signals { traffic: self.grants.traffic.clone(), ..Signals::default() });
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

    /// Rule G11, for what may be better the next time: not for what the host or we refuse, nor for a full disk.
    fn with_retries(&self, path: &Path, signals: &Arc<Signals>, tell: impl Fn(String)) -> Result<Advertised, GitError> {
        let repository = open_mirror(path)?;
        for number in 2.. {
            signals.transient.store(false, Ordering::Relaxed);
            let error = match self.once(&repository, signals) {
                Ok(advertised) => return Ok(advertised),
                Err(error) => error,
            };
            if let Some(why) = signals.refused.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Err(GitError::Refused(format!("cannot clone `{}`: {why}", self.address.url)));
            }
            let stopped = || signals.stop.load(Ordering::Relaxed);
            if !signals.transient.load(Ordering::Relaxed) {
                return Err(GitError::Refused(error.to_string()));
            }
            if number > TRIES || stopped() {
                return Err(error);
            }
            tell(format!("{error}; try {number} of {TRIES} in {} s", self.pause.as_secs()));
            let mut waited = Duration::ZERO;
            while waited < self.pause && !stopped() {
                std::thread::sleep(POLL);
                waited += POLL;
            }
        }
        Err(GitError::Stopped)
    }

    fn once(&self, repository: &gix::Repository, signals: &Arc<Signals>) -> Result<Advertised, GitError> {
        let mut specs = vec!["+refs/heads/*:refs/heads/*".to_owned(), "+HEAD:refs/stepbox/HEAD".to_owned()];
        let advertised = self.fetch(repository, &specs, signals)?;
        let hash = self.revision.as_ref().and_then(|revision| ObjectId::from_hex(revision.as_bytes()).ok());
        if let Some(hash) = hash.filter(|hash| !repository.has_object(hash)) {
            specs = vec![format!("+{hash}:refs/stepbox/{hash}")];
            self.fetch(repository, &specs, signals)?;
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

/// How many packs there are.
fn packs(mirror: &Path) -> usize {
    let entries = std::fs::read_dir(mirror.join("objects/pack")).into_iter().flatten().flatten();
    entries.filter(|entry| entry.path().extension().is_some_and(|extension| extension == "pack")).count()
}

/// Opens a mirror; what is none any more, or is in too many pieces, is made again.
fn open_mirror(path: &Path) -> Result<gix::Repository, GitError> {
    if let Ok(repository) = open_isolated(path)
        && packs(path) <= MAX_PACKS
    {
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
