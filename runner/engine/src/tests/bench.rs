//! Where test builds run.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use sha2::{Digest, Sha256};
use stepbox_limits::Wanted;
use stepbox_pipeline::{BuildFacts, Shell};
use stepbox_protocol::{BlobDigest, PackReport};

use crate::continuation::continue_in;
use crate::directories::State;
use crate::identity::Identity;
use crate::repository::{CloneRequest, Cloned, Repository, Told};
use crate::run::{Rooms, run_in};
use crate::snapshots::{History, Publication, Snapshot, Snapshots, digest_text};
use crate::{
    BuildEvent, BuildId, BuildRequest, Continuation, Directories, EngineError, Interrupt, Lockdown, MissingCommand,
    Outcome, VolumeOutcome, WorkerLaunch,
};

/// A state directory with a store in memory, and a source that is always there.
pub(super) struct Bench {
    pub(super) home: tempfile::TempDir,
    store: Arc<Store>,
    clones: Arc<Mutex<Vec<CloneRequest>>>,
}

/// What a build did.
pub(super) struct Done {
    pub(super) outcome: Result<Outcome, EngineError>,
    pub(super) events: Vec<BuildEvent>,
}

/// A build to run.
#[must_use]
pub(super) struct Build<'a> {
    bench: &'a Bench,
    pub(super) launch: WorkerLaunch,
    request: BuildRequest,
    interrupt_at: Option<&'static str>,
    interrupt: Interrupt,
    stored: bool,
}

impl Bench {
    pub(super) fn new() -> Self {
        let home = tempfile::tempdir().expect("a directory");
        std::fs::create_dir(home.path().join("blobs")).expect("makes");
        std::fs::write(home.path().join("codefresh.yml"), "").expect("writes");
        let store = Store {
            blobs: home.path().join("blobs"),
            snapshots: Mutex::default(),
            held: Mutex::default(),
            fails: Mutex::default(),
        };
        Self { home, store: Arc::new(store), clones: Arc::default() }
    }

    /// A pipeline of steps; what stands before `steps:` can be given with [`Build::text`].
    pub(super) fn steps(&self, steps: &str) -> Build<'_> {
        self.text(&format!("version: '1.0'\nsteps:\n{steps}"))
    }

    pub(super) fn text(&self, text: &str) -> Build<'_> {
        let toolbox = |script: &[u8], _: Shell| {
            let text = String::from_utf8_lossy(script).into_owned();
            let words = text.lines().enumerate().filter_map(|(at, line)| Some((at + 1, line.split(' ').next()?)));
            let missing = words.filter(|(_, word)| *word == "npm");
            Ok(missing.map(|(line, name)| MissingCommand { name: name.to_owned(), line }).collect())
        };
        let file = self.home.path().join("codefresh.yml");
        std::fs::write(&file, text).expect("writes");
        let mut request = BuildRequest::new(file, text.to_owned(), toolbox);
        request.variables.push(("CF_SKIP_MAIN_CLONE".into(), "true".into()));
        Build {
            bench: self,
            launch: WorkerLaunch::InProcess(super::worker::serve),
            request,
            interrupt_at: None,
            interrupt: Interrupt::new(),
            stored: false,
        }
    }

    pub(super) fn directories(&self) -> Directories {
        Directories { state: self.home.path().join("state"), cache: None }
    }

    /// Goes on with a build that waits.
    pub(super) fn answer(&self, build: &BuildId, approve: bool) -> Answered<'_> {
        let toolbox = |_: &[u8], _: Shell| Ok(vec![]);
        let request = BuildRequest::new(PathBuf::new(), String::new(), toolbox);
        let continuation = Continuation {
            build: build.clone(),
            approve,
            steps: vec![],
            secrets: vec![],
            home: None,
            git_credentials: request.git_credentials,
            initiator: "sam".into(),
            approver: None,
            kill_at: None,
            policy: Wanted::new(),
            clone_hosts: None,
            pace: 1.0,
            clock: request.clock,
            toolbox,
            reader: crate::Reader::here(),
        };
        let (interrupt, interrupt_at, stored) = (Interrupt::new(), None, false);
        Answered { bench: self, continuation, interrupt, interrupt_at, stored }
    }

    /// Puts a snapshot into the store: `name=content` a line, anything else is corrupt.
    pub(super) fn snapshot(&self, build: &str, text: &str) {
        self.store.add(build, text);
    }

    pub(super) fn publishing_fails(&self, why: &str) {
        *self.store.fails.lock().unwrap_or_else(PoisonError::into_inner) = Some(why.to_owned());
    }

    /// The newest snapshot's text.
    pub(super) fn latest(&self) -> Option<String> {
        let newest = self.store.history().into_iter().next()?;
        Some(std::fs::read_to_string(self.store.blobs.join(digest_text(&newest.manifest))).expect("reads"))
    }

    /// Parameters of all clones so far.
    pub(super) fn clones(&self) -> Vec<CloneRequest> {
        self.clones.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A build that waits, to go on.
#[must_use]
pub(super) struct Answered<'a> {
    bench: &'a Bench,
    continuation: Continuation,
    interrupt: Interrupt,
    interrupt_at: Option<&'static str>,
    stored: bool,
}

impl Answered<'_> {
    pub(super) fn with(mut self, change: impl FnOnce(&mut Continuation)) -> Self {
        change(&mut self.continuation);
        self
    }

    pub(super) fn interrupt_at(mut self, text: &'static str) -> Self {
        self.interrupt_at = Some(text);
        self
    }

    pub(super) fn stored(mut self) -> Self {
        self.stored = true;
        self
    }

    pub(super) fn run(self) -> Done {
        let work = self.bench.home.path().join("state/work").join(self.continuation.build.as_str());
        let done = self.run_beside();
        assert!(!work.exists(), "nothing of a build stays in its work directory");
        done
    }

    /// While others may answer, too.
    pub(super) fn run_beside(self) -> Done {
        let Self { bench, continuation, interrupt, interrupt_at, stored } = self;
        let mut events = vec![];
        let mut told = |event: &BuildEvent| {
            if let (BuildEvent::Output { text, .. }, Some(wanted)) = (event, interrupt_at)
                && text.contains(wanted)
            {
                interrupt.trigger();
            }
            events.push(event.clone());
        };
        let directories = bench.directories();
        let outcome = if stored {
            let launch = WorkerLaunch::InProcess(super::worker::serve_archives);
            crate::continue_build(&directories, &launch, &continuation, &interrupt, &mut told)
        } else {
            let launch = WorkerLaunch::InProcess(super::worker::serve);
            continue_in(bench, &directories, &launch, &continuation, &interrupt, &mut told)
        };
        Done { outcome, events }
    }
}

impl Build<'_> {
    pub(super) fn variable(mut self, name: &str, value: &str) -> Self {
        self.request.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn request(mut self, change: impl FnOnce(&mut BuildRequest)) -> Self {
        change(&mut self.request);
        self
    }

    /// With a worker that is a process of its own.
    pub(super) fn process(mut self) -> Self {
        let program = std::env::current_exe().expect("this program");
        let arguments = ["tests::worker::as_worker", "--exact", "--ignored", "--nocapture"].map(Into::into).to_vec();
        self.launch = WorkerLaunch::Process { program, arguments, lockdown: Lockdown::Off };
        self
    }

    /// With the store on disk.
    pub(super) fn stored(mut self) -> Self {
        self.stored = true;
        self.launch = WorkerLaunch::InProcess(super::worker::serve_archives);
        self
    }

    /// Interrupts the build when a step prints this.
    pub(super) fn interrupt_at(mut self, text: &'static str) -> Self {
        self.interrupt_at = Some(text);
        self
    }

    /// Lets somebody else interrupt the build.
    pub(super) fn interrupted_by(mut self, interrupt: Interrupt) -> Self {
        self.interrupt = interrupt;
        self
    }

    pub(super) fn run(self) -> Done {
        let bench = self.bench;
        let done = self.run_with(|_| {});
        if let Ok(outcome) = &done.outcome {
            let work = bench.home.path().join("state/work").join(outcome.build.as_str());
            assert!(!work.exists(), "nothing of a build stays in its work directory");
        }
        done
    }

    /// Runs, and shows every event when it happens.
    pub(super) fn run_with(self, mut watch: impl FnMut(&BuildEvent)) -> Done {
        let interrupt = self.interrupt.clone();
        let mut events = vec![];
        let directories = self.bench.directories();
        let mut told = |event: &BuildEvent| {
            if let BuildEvent::Output { text, .. } = event
                && self.interrupt_at.is_some_and(|wanted| text.contains(wanted))
            {
                interrupt.trigger();
            }
            watch(event);
            events.push(event.clone());
        };
        let outcome = if self.stored {
            crate::run(&directories, &self.launch, &self.request, &interrupt, &mut told)
        } else {
            run_in(self.bench, &directories, &self.launch, &self.request, &interrupt, &mut told)
        };
        Done { outcome, events }
    }
}

impl Done {
    pub(super) fn outcome(&self) -> &Outcome {
        self.outcome.as_ref().unwrap_or_else(|error| panic!("{error:?}"))
    }

    pub(super) fn error(&self) -> &EngineError {
        self.outcome.as_ref().expect_err("an error")
    }

    /// `name state` of every step.
    pub(super) fn states(&self) -> Vec<String> {
        self.outcome().steps.iter().map(|step| format!("{} {}", step.name, step.state)).collect()
    }

    pub(super) fn reason(&self, step: usize) -> Option<&str> {
        self.outcome().steps[step].reason.as_deref()
    }

    /// Everything that was printed.
    pub(super) fn output(&self) -> String {
        self.events
            .iter()
            .filter_map(|event| match event {
                BuildEvent::Output { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    pub(super) fn warnings(&self) -> Vec<String> {
        self.events
            .iter()
            .filter_map(|event| match event {
                BuildEvent::Warning { message, place, .. } => {
                    let place = place.as_deref().and_then(|place| place.split_once(".yml:")).map(|(_, place)| place);
                    Some(place.map_or_else(|| message.clone(), |place| format!("{place}: {message}")))
                }
                _ => None,
            })
            .collect()
    }

    pub(super) fn is_saved(&self) -> bool {
        matches!(self.outcome().volume, VolumeOutcome::Saved { .. })
    }
}

impl Rooms for Bench {
    fn repository(&self, _: &BuildRequest, _: &Directories) -> Result<Box<dyn Repository>, EngineError> {
        Ok(Box::new(Source { clones: Arc::clone(&self.clones) }))
    }

    fn snapshots(&self, _: &State, _: &BuildRequest, _: &Identity, _: bool) -> Result<Box<dyn Snapshots>, EngineError> {
        Ok(Box::new(Shared(Arc::clone(&self.store))))
    }
}

struct Store {
    blobs: PathBuf,
    snapshots: Mutex<Vec<Snapshot>>,
    /// Those of builds that wait, the newest first.
    held: Mutex<Vec<Snapshot>>,
    fails: Mutex<Option<String>>,
}

struct Shared(Arc<Store>);

impl Store {
    fn add(&self, build: &str, text: &str) -> BlobDigest {
        let mut snapshots = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = BlobDigest([u8::try_from(snapshots.len() + 1).expect("few"); 32]);
        std::fs::write(self.blobs.join(digest_text(&manifest)), text).expect("writes");
        snapshots.insert(0, Snapshot { manifest, build: build.to_owned() });
        manifest
    }

    fn hold(&self, build: &str, text: &str) -> BlobDigest {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let manifest = BlobDigest([u8::MAX - u8::try_from(held.len()).expect("few"); 32]);
        std::fs::write(self.blobs.join(digest_text(&manifest)), text).expect("writes");
        held.insert(0, Snapshot { manifest, build: build.to_owned() });
        manifest
    }

    fn history(&self) -> Vec<Snapshot> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Snapshots for Shared {
    fn history(&self) -> Result<History, EngineError> {
        Ok(History { snapshots: self.0.history(), damage: None })
    }

    fn of_build(&self, build: &BuildId) -> Result<Option<Snapshot>, EngineError> {
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(self.0.history().into_iter().chain(held).find(|snapshot| snapshot.build == build.as_str()))
    }

    fn keep(&self) -> Result<Box<dyn std::any::Any>, EngineError> {
        Ok(Box::new(()))
    }

    fn lease(&self, _: &BlobDigest) -> Option<Box<dyn std::any::Any>> {
        None
    }

    fn blobs(&self) -> Result<Dir, EngineError> {
        Ok(Dir::open_ambient_dir(&self.0.blobs, ambient_authority()).expect("opens"))
    }

    fn publish(&self, packed: &PackReport, staging: &Dir, about: &Publication<'_>) -> Result<BlobDigest, String> {
        if let Some(why) = self.0.fails.lock().unwrap_or_else(PoisonError::into_inner).clone() {
            return Err(why);
        }
        let layer = &packed.added.as_ref().expect("a layer").layer;
        let text = staging.read_to_string(&layer.name).expect("reads");
        if BlobDigest(Sha256::digest(&text).into()) != layer.digest {
            return Err("the archive is not what the worker says".into());
        }
        if about.waits {
            return Ok(self.0.hold(about.build.as_str(), &text));
        }
        Ok(self.0.add(about.build.as_str(), &text))
    }
}

struct Source {
    clones: Arc<Mutex<Vec<CloneRequest>>>,
}

impl Repository for Source {
    fn facts(&self) -> BuildFacts {
        BuildFacts {
            repo_owner: Some("octo".into()),
            repo_name: Some("app".into()),
            branch: Some("main".into()),
            revision: Some("0123456789abcdef0123456789abcdef01234567".into()),
            ..BuildFacts::default()
        }
    }

    fn clone_onto(
        &self,
        request: &CloneRequest,
        volume: &Dir,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Cloned, String> {
        self.clones.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        tell(Told::Line(format!("cloning {}", request.repo)));
        let name = stepbox_pipeline::repository_name(&request.repo).ok_or("no name")?;
        while name == "endless" && !stop() {
            std::thread::yield_now();
        }
        if stop() {
            return Err("stopped".into());
        }
        if name == "missing" {
            let password = request.credentials.as_ref().map_or("", |(_, password)| password.as_str());
            return Err(format!("no such repository, {password}"));
        }
        let directory = if request.parent.is_empty() { name.to_owned() } else { format!("{}/{name}", request.parent) };
        volume.create_dir_all(&directory).map_err(|error| error.to_string())?;
        Ok(Cloned { directory, revision: request.revision.clone(), repo: request.repo.clone() })
    }
}
