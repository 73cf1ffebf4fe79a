//! The first, the second, the third … operation fails, or the process dies there, until it is met no more: whatever is
//! done, the store holds the old state or the new one, verification finds nothing, and the next save works.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_volume::{
    Basis, Digest, Fault, FaultyFs, GcOptions, HostFs, KNOWN_FILE, KnownTree, PackOptions, PublishMeta, Scope,
    Snapshot, Store, StoreFs, UnpackLimits, VerifyOptions, VolumeError, VolumeErrorKind, pack, unpack, update,
};
use tempfile::TempDir;

struct World {
    place: TempDir,
    basis: Option<(Digest, KnownTree)>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    Delta,
    Whole,
    Keep,
    Restore,
    Update,
    Collect,
    Remove,
    Tag,
    Export,
    Verify,
}

const ACTIONS: [Action; 10] = [
    Action::Delta,
    Action::Whole,
    Action::Keep,
    Action::Restore,
    Action::Update,
    Action::Collect,
    Action::Remove,
    Action::Tag,
    Action::Export,
    Action::Verify,
];

/// A temporary place in memory where there is one: a thousand stores are made and synced.
fn fast_place() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

fn scope() -> Scope {
    Scope::volume("v")
}

impl World {
    fn new() -> Self {
        let place = fast_place();
        for name in ["store", "volume", "staging", "tree"] {
            fs::create_dir(place.path().join(name)).expect("makes");
        }
        Self { place, basis: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn dir(&self, name: &str) -> Dir {
        Dir::open_ambient_dir(self.path(name), ambient_authority()).expect("opens")
    }

    fn fresh(&self, name: &str) -> Dir {
        fs::remove_dir_all(self.path(name)).expect("removes");
        fs::create_dir(self.path(name)).expect("makes");
        self.dir(name)
    }

    fn state(&self, text: &str) {
        let volume = self.path("volume");
        let _ = fs::remove_dir_all(&volume);
        fs::create_dir_all(volume.join("d/e")).expect("makes");
        fs::write(volume.join("ballast"), "ballast ".repeat(500)).expect("writes");
        fs::write(volume.join("f"), text).expect("writes");
        fs::write(volume.join("d/e").join(text), text).expect("writes");
        std::os::unix::fs::symlink(text, volume.join("d/link")).expect("links");
        fs::hard_link(volume.join("f"), volume.join("d/hard")).expect("links");
    }

    fn save(&mut self, fs: &Arc<dyn StoreFs>, build: &str, keep: bool) -> Result<Snapshot, VolumeError> {
        let store = Store::open(self.dir("store"), Arc::clone(fs))?;
        let blobs = store.blobs()?;
        let basis = self.basis.as_ref().map(|(manifest, known)| Basis {
            blobs: &blobs,
            manifest: *manifest,
            known: Some(known),
        });
        let staging = self.dir("staging");
        let packed = pack(&**fs, &self.dir("volume"), &staging, &PackOptions::default(), basis.as_ref(), &|| false)?;
        let meta = PublishMeta { build: build.to_owned(), finished: 1, parent: None };
        let snapshot = match keep {
            true => store.keep(&scope(), &packed, &staging, &meta),
            false => store.publish(&scope(), &packed, &staging, &meta),
        }?;
        let noted = File::open(self.path("staging").join(KNOWN_FILE));
        self.basis = noted.ok().and_then(KnownTree::from_file).map(|known| (snapshot.manifest, known));
        Ok(snapshot)
    }

    /// Makes a tree hold a snapshot; what its file says.
    fn restore(&self, fs: &dyn StoreFs, snapshot: &Snapshot, older: bool) -> Result<String, VolumeError> {
        let (blobs, limits) = (self.dir("store/blobs/sha256"), UnpackLimits::default());
        match older {
            true => update(fs, &blobs, &snapshot.manifest, &self.dir("tree"), None, &limits, &|| false)?,
            false => unpack(fs, &blobs, &snapshot.manifest, &self.fresh("tree"), &limits, &|| false)?,
        };
        let text = fs::read_to_string(self.path("tree/f")).expect("reads");
        // One state, not a mixture of two.
        assert_eq!(fs::read_to_string(self.path("tree/d/e").join(&text)).expect("reads"), text);
        assert_eq!(fs::read_link(self.path("tree/d/link")).expect("reads").to_str(), Some(text.as_str()));
        assert_eq!(fs::read_to_string(self.path("tree/d/hard")).expect("reads"), text);
        assert_eq!(fs::read_dir(self.path("tree/d/e")).expect("lists").count(), 1);
        Ok(text)
    }

    fn act(&mut self, action: Action, fs: &Arc<dyn StoreFs>, old: &Snapshot) -> Result<(), VolumeError> {
        let store = || Store::open(self.dir("store"), Arc::clone(fs));
        match action {
            Action::Delta | Action::Whole => self.save(fs, "new", false).map(drop),
            Action::Keep => self.save(fs, "new", true).map(drop),
            Action::Restore => self.restore(&**fs, old, false).map(drop),
            Action::Update => self.restore(&**fs, old, true).map(drop),
            Action::Collect => store()?.gc(&GcOptions { keep_last: 1, ..GcOptions::default() }).map(drop),
            Action::Remove => store()?.remove(&scope()).map(drop),
            Action::Tag => {
                store()?.tag(&scope(), old, "named")?;
                store()?.untag(&scope(), "named")
            }
            Action::Export => store()?.export(old, &mut vec![]).map(drop),
            Action::Verify => {
                let store = store()?;
                let lease = store.lease(&[old.manifest])?;
                let verified = store.verify(&VerifyOptions { deep: true, repair: true }, &|| false)?;
                drop(lease);
                match verified.problems.first() {
                    // A file that cannot be read is an error and no damage, which would be "repaired".
                    Some(problem) => panic!("{}", problem.message),
                    None => Ok(()),
                }
            }
        }
    }
}

/// Lets the `turn`th operation of an action go wrong; whether that was met.
fn try_one(action: Action, point: &str, turn: u64, code: Option<i32>) -> bool {
    let shown = format!("{action:?}, {point} {turn}, {code:?}");
    let host: Arc<dyn StoreFs> = Arc::new(HostFs);
    let mut world = World::new();
    for text in ["older", "old"] {
        world.state(text);
        world.save(&host, text, false).expect("saves");
    }
    let old = Store::open(world.dir("store"), Arc::clone(&host)).expect("opens").latest(&scope());
    let old = old.expect("reads").expect("one");
    if action == Action::Whole {
        world.basis = None;
    }
    world.state("new");
    if action == Action::Update {
        world.fresh("tree");
        fs::write(world.path("tree/f"), "other").expect("writes");
        fs::create_dir_all(world.path("tree/d/link/below")).expect("makes");
        fs::write(world.path("tree/d/e"), "file").expect("writes");
    }
    let fault = match code {
        Some(code) => Fault::Error(code),
        None => Fault::Call(Box::new(|| std::panic::resume_unwind(Box::new("dead")))),
    };
    let faulty: Arc<dyn StoreFs> = Arc::new(FaultyFs::new(HostFs, point, turn, fault));
    let done = catch_unwind(AssertUnwindSafe(|| world.act(action, &faulty, &old)));
    let met = !matches!(done, Ok(Ok(())));
    if let (Ok(Err(error)), Some(_)) = (&done, code) {
        assert_ne!(error.kind(), VolumeErrorKind::Corrupt, "{shown}: {error}");
    }

    let store = Store::open(world.dir("store"), Arc::clone(&host)).expect("opens");
    store.sweep().expect("sweeps");
    let verified = store.verify(&VerifyOptions { deep: true, repair: false }, &|| false).expect("verifies");
    assert_eq!(verified.problems, [], "{shown}");
    let latest = store.latest(&scope()).expect("reads");
    let text = latest.as_ref().map(|latest| world.restore(&HostFs, latest, false).expect("restores"));
    let expected: &[Option<&str>] = match action {
        Action::Delta | Action::Whole if met => &[Some("old"), Some("new")],
        Action::Delta | Action::Whole => &[Some("new")],
        Action::Remove if met => &[Some("old"), None],
        Action::Remove => &[None],
        _ => &[Some("old")],
    };
    assert!(expected.contains(&text.as_deref()), "{shown}: {text:?}");
    world.state("next");
    world.basis = None;
    let next = world.save(&host, "next", false).expect("saves");
    assert_eq!(world.restore(&HostFs, &next, false).expect("restores"), "next", "{shown}");
    assert_eq!(world.restore(&HostFs, &next, true).expect("updates"), "next", "{shown}");
    met
}

#[test]
fn every_operation_may_fail_or_be_the_last() {
    let mut tried = 0;
    for action in ACTIONS {
        for (point, code) in [("*", Some(28)), ("*", Some(5)), ("*", None), ("*.after", None)] {
            // What only helps may fail without a word, so that the end is where several are not met.
            let (mut turn, mut passed) = (1, 0);
            while passed < 8 {
                passed = if try_one(action, point, turn, code) { 0 } else { passed + 1 };
                turn += 1;
            }
            tried += turn;
        }
    }
    assert!(tried > 1000, "{tried}");
    println!("{tried} faults");
}
