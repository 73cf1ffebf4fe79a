//! What a store holds after interruptions, moves and damage.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_volume::{
    Fault, FaultyFs, HostFs, PackOptions, PublishMeta, RESTORE_POINTS, SAVE_POINTS, Scope, Snapshot, Store, StoreFs,
    UnpackLimits, VolumeError, VolumeErrorKind, pack, unpack,
};
use tempfile::TempDir;

/// A volume of one file `f`, and a store.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let world = Self(tempfile::tempdir().expect("a directory"));
        for name in ["store", "volume"] {
            fs::create_dir(world.0.path().join(name)).expect("makes");
        }
        world
    }

    fn dir(&self, name: &str) -> Dir {
        Dir::open_ambient_dir(self.0.path().join(name), ambient_authority()).expect("opens")
    }

    fn fresh(&self, name: &str) -> Dir {
        let path = self.0.path().join(name);
        if path.exists() {
            fs::remove_dir_all(&path).expect("removes");
        }
        fs::create_dir(path).expect("makes");
        self.dir(name)
    }

    fn store(&self) -> Store {
        Store::open(self.dir("store"), Arc::new(HostFs)).expect("a store")
    }

    /// Saves the volume with this text in its file.
    fn save(&self, text: &str) -> Snapshot {
        self.save_with(Arc::new(HostFs), text).expect("saves")
    }

    fn save_with(&self, faulty: Arc<dyn StoreFs>, text: &str) -> Result<Snapshot, VolumeError> {
        fs::write(self.0.path().join("volume/f"), text).expect("writes");
        self.publish(faulty)
    }

    /// Saves the volume as it is, for a build named as its file says.
    fn publish(&self, faulty: Arc<dyn StoreFs>) -> Result<Snapshot, VolumeError> {
        let text = fs::read_to_string(self.0.path().join("volume/f")).expect("reads");
        let staging = self.fresh("staging");
        let packed = pack(&*faulty, &self.dir("volume"), &staging, &PackOptions::default(), None, &|| false)?;
        let meta = PublishMeta { build: text, finished: 17, parent: None };
        Store::open(self.dir("store"), faulty)?.publish(&scope(), &packed, &staging, &meta)
    }

    fn restore(&self, snapshot: &Snapshot) -> Result<String, VolumeError> {
        let target = self.fresh("target");
        let blobs = self.dir("store/blobs/sha256");
        unpack(&HostFs, &blobs, &snapshot.manifest, &target, &UnpackLimits::default(), &|| false)?;
        Ok(fs::read_to_string(self.0.path().join("target/f")).expect("reads"))
    }

    fn references(&self) -> std::path::PathBuf {
        let refs = fs::read_dir(self.0.path().join("store/refs")).expect("lists").next();
        refs.expect("one").expect("an entry").path()
    }
}

fn scope() -> Scope {
    Scope::pipeline("/a pipeline/codefresh.yml")
}

#[test]
fn l9_a_build_that_dies_at_any_point_of_saving_leaves_the_old_state_or_the_new() {
    for point in SAVE_POINTS.iter().flat_map(|point| [(*point).to_owned(), format!("{point}.after")]) {
        let world = World::new();
        let once = point.starts_with("publish.name") || point.starts_with("publish.refs.sync");
        let old = if once { None } else { Some(world.save("old")) };
        // The stack unwinds, and nothing of what is left undone is done.
        let dying = FaultyFs::dying_at(HostFs, point.clone(), || std::panic::resume_unwind(Box::new("dead")));
        let died = catch_unwind(AssertUnwindSafe(|| world.save_with(Arc::new(dying), "new")));
        assert!(!matches!(died, Ok(Ok(_))), "{point} was not met");
        let store = world.store();
        let history = store.history(&scope()).expect("reads");
        assert_eq!(store.latest(&scope()).expect("reads"), history.first().cloned(), "{point}");
        let text = history.first().map(|latest| world.restore(latest).expect("restores"));
        let new = text.as_deref() == Some("new");
        assert!(new || history.first() == old.as_ref(), "{point}: {text:?}");
        store.sweep().expect("sweeps");
        let next = world.save("next");
        assert_eq!(world.restore(&next).expect("restores"), "next", "{point}");
        let builds: Vec<_> = world.store().history(&scope()).expect("reads").into_iter().map(|one| one.build).collect();
        let before = if new { vec!["next", "new", "old"] } else { vec!["next", "old"] };
        assert_eq!(builds, if once { before[..before.len() - 1].to_vec() } else { before }, "{point}");
    }
}

#[test]
fn l9_what_failed_to_be_published_is_never_taken_for_the_latest() {
    for point in ["publish.history.rename.after", "publish.ref.create", "publish.ref.rename"] {
        let world = World::new();
        let old = world.save("old");
        let faulty = FaultyFs::new(HostFs, point, 1, Fault::Error(28));
        let error = world.save_with(Arc::new(faulty), "new").expect_err("no space");
        assert_eq!(error.kind(), VolumeErrorKind::NoSpace, "{point}");
        assert_eq!(world.store().history(&scope()).expect("reads"), [old], "{point}");
        let next = world.save("next");
        let builds: Vec<_> = world.store().history(&scope()).expect("reads").into_iter().map(|one| one.build).collect();
        assert_eq!((next.sequence, builds), (2, vec!["next".to_owned(), "old".to_owned()]), "{point}");
    }
}

#[test]
fn the_lists_of_points_are_what_is_met() {
    let world = World::new();
    fs::create_dir(world.0.path().join("volume/d")).expect("makes");
    std::os::unix::fs::symlink("f", world.0.path().join("volume/l")).expect("links");
    world.save("x");
    let world_2 = World::new();
    fs::create_dir(world_2.0.path().join("volume/d")).expect("makes");
    fs::write(world_2.0.path().join("volume/f"), "").expect("writes");
    fs::hard_link(world_2.0.path().join("volume/f"), world_2.0.path().join("volume/h")).expect("links");
    std::os::unix::fs::symlink("f", world_2.0.path().join("volume/l")).expect("links");
    let faulty = Arc::new(FaultyFs::new(HostFs, "", 0, Fault::Error(0)));
    let snapshot = world_2.save_with(Arc::clone(&faulty) as Arc<dyn StoreFs>, "text").expect("saves");
    let ours = |prefixes: [&str; 2]| -> Vec<&str> {
        faulty.seen().into_iter().filter(|point| prefixes.iter().any(|prefix| point.starts_with(prefix))).collect()
    };
    let mut expected = SAVE_POINTS.to_vec();
    expected.sort_unstable();
    let helps = |point: &&str| !point.starts_with("pack.known");
    assert_eq!(ours(["pack.", "publish."]).into_iter().filter(helps).collect::<Vec<_>>(), expected);
    let blobs = world_2.dir("store/blobs/sha256");
    unpack(&*faulty, &blobs, &snapshot.manifest, &world_2.fresh("target"), &UnpackLimits::default(), &|| false)
        .expect("restores");
    let mut expected = RESTORE_POINTS.to_vec();
    expected.sort_unstable();
    assert_eq!(ours(["unpack.", "unpack."]), expected);
    assert!(SAVE_POINTS.len() >= 25 && RESTORE_POINTS.len() >= 10);
}

#[test]
fn l6_a_layout_that_is_carried_over_by_itself_is_enough() {
    let world = World::new();
    world.save("one");
    let latest = world.save("two");
    let store = world.0.path().join("store");
    for entry in fs::read_dir(&store).expect("lists") {
        let path = entry.expect("an entry").path();
        if ["oci-layout", "index.json", "blobs"].iter().all(|name| !path.ends_with(name)) {
            if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }.expect("removes");
        }
    }
    let moved = world.0.path().join("elsewhere");
    fs::rename(&store, &moved).expect("moves");
    let store = Store::open(world.dir("elsewhere"), Arc::new(HostFs)).expect("opens");
    assert_eq!(store.latest(&scope()).expect("reads"), Some(latest.clone()));
    assert_eq!(store.list().expect("lists").len(), 1);
    fs::rename(&moved, world.0.path().join("store")).expect("moves back");
    assert_eq!(world.restore(&latest).expect("restores"), "two");
    assert_eq!(world.save("three").sequence, 3);
}

#[test]
fn a_damaged_latest_reference_falls_back_to_the_history() {
    let world = World::new();
    world.save("one");
    let second = world.save("two");
    fs::write(world.references().join("latest"), "{").expect("writes");
    let store = world.store();
    assert_eq!(store.latest(&scope()).expect_err("damaged").kind(), VolumeErrorKind::Corrupt);
    assert_eq!(store.history(&scope()).expect("reads").first(), Some(&second));
    assert_eq!(world.save("three").sequence, 3);
    assert_eq!(store.history(&scope()).expect("reads").len(), 3);
}

#[test]
fn a_damaged_blob_is_mended_by_the_next_save_of_the_same_state() {
    let world = World::new();
    let first = world.save("same");
    for entry in fs::read_dir(world.0.path().join("store/blobs/sha256")).expect("lists") {
        let path = entry.expect("an entry").path();
        let mut data = fs::read(&path).expect("reads");
        data[20] ^= 1;
        fs::remove_file(&path).expect("removes");
        fs::write(&path, data).expect("writes");
    }
    assert_eq!(world.restore(&first).expect_err("damaged").kind(), VolumeErrorKind::Corrupt);
    let again = world.publish(Arc::new(HostFs)).expect("saves");
    assert_eq!((again.manifest, again.sequence), (first.manifest, 2));
    assert_eq!(world.restore(&first).expect("restores"), "same");
}

#[test]
fn a_removal_beside_a_damaged_manifest_removes_and_keeps_the_blobs() {
    let world = World::new();
    let snapshot = world.save("kept");
    let store = world.store();
    let packed = {
        let staging = world.fresh("staging");
        fs::write(world.0.path().join("volume/f"), "other").expect("writes");
        let packed =
            pack(&HostFs, &world.dir("volume"), &staging, &PackOptions::default(), None, &|| false).expect("packs");
        let meta = PublishMeta { build: "b".to_owned(), finished: 1, parent: None };
        store.publish(&Scope::volume("other"), &packed, &staging, &meta).expect("publishes")
    };
    let manifest = world.0.path().join("store/blobs/sha256").join(snapshot.manifest.hex());
    fs::remove_file(&manifest).expect("removes");
    fs::write(&manifest, "{}").expect("writes");
    assert_eq!(store.remove(&Scope::volume("other")).expect("removes"), 0);
    assert_eq!(store.latest(&Scope::volume("other")).expect("reads"), None);
    assert!(world.0.path().join("store/blobs/sha256").join(packed.manifest.hex()).exists());
}
