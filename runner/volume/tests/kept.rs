//! What each build has left, kept by its name.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_volume::{
    Fault, FaultyFs, HostFs, PackOptions, Packed, PublishMeta, Scope, Store, StoreFs, UnpackLimits, VolumeError,
    VolumeErrorKind, pack, unpack,
};
use tempfile::TempDir;

/// A volume of one file, and a store.
struct World(TempDir);

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        for name in ["store", "volume", "staging"] {
            fs::create_dir(place.path().join(name)).expect("makes");
        }
        Self(place)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn dir(&self, name: &str) -> Dir {
        Dir::open_ambient_dir(self.path(name), ambient_authority()).expect("opens")
    }

    fn store(&self) -> Store {
        Store::open(self.dir("store"), Arc::new(HostFs)).expect("a store")
    }

    fn packed(&self, text: &str) -> Packed {
        fs::write(self.path("volume/f"), text).expect("writes");
        pack(&HostFs, &self.dir("volume"), &self.dir("staging"), &PackOptions::default(), None, &|| false)
            .expect("packs")
    }

    fn publish(&self, build: &str, text: &str) {
        let packed = self.packed(text);
        self.store().publish(&scope(), &packed, &self.dir("staging"), &meta(build)).expect("publishes");
    }

    fn keep(&self, build: &str, text: &str) -> Result<(), VolumeError> {
        let packed = self.packed(text);
        self.store().keep(&scope(), &packed, &self.dir("staging"), &meta(build)).map(|_| ())
    }

    /// What a build has left in the file.
    fn text(&self, build: &str) -> Option<String> {
        let kept = self.store().kept(build).expect("reads")?;
        let target = self.path("target");
        if target.exists() {
            fs::remove_dir_all(&target).expect("removes");
        }
        fs::create_dir(&target).expect("makes");
        let blobs = self.dir("store/blobs/sha256");
        let limits = UnpackLimits::default();
        unpack(&HostFs, &blobs, &kept.snapshot.manifest, &self.dir("target"), &limits, &|| false).expect("restores");
        Some(fs::read_to_string(target.join("f")).expect("reads"))
    }

    fn blobs(&self) -> usize {
        fs::read_dir(self.path("store/blobs/sha256")).expect("lists").count()
    }
}

fn scope() -> Scope {
    Scope::pipeline("p")
}

fn meta(build: &str) -> PublishMeta {
    PublishMeta { build: build.to_owned(), finished: 1, parent: None }
}

#[test]
fn what_a_waiting_build_keeps_is_nobody_elses_and_goes_when_it_is_released() {
    let world = World::new();
    world.publish("b1", "published");
    world.keep("b2", "waiting").expect("keeps");
    let store = world.store();
    assert_eq!(store.latest(&scope()).expect("reads").map(|latest| latest.build), Some("b1".to_owned()));
    assert_eq!((world.text("b1").as_deref(), world.text("b2").as_deref()), (Some("published"), Some("waiting")));
    assert!(!store.kept("b2").expect("reads").expect("there").published);
    assert_eq!(store.release(&["b3"]).expect("nothing"), 0);
    assert_eq!(world.blobs(), 8);
    assert!(store.release(&["b2"]).expect("releases") > 0);
    assert_eq!((world.text("b2"), world.blobs()), (None, 4));
    // The volume has it too.
    assert_eq!(store.release(&["b1"]).expect("releases"), 0);
    assert_eq!((world.text("b1"), world.blobs()), (None, 4));
}

#[test]
fn a_volume_goes_with_what_its_builds_left_in_it_and_a_waiting_build_stays() {
    let world = World::new();
    world.publish("b1", "one");
    world.keep("b2", "waiting").expect("keeps");
    let mut builds = world.store().kept_builds().expect("lists");
    builds.sort();
    assert_eq!(builds, ["b1", "b2"]);
    assert!(world.store().remove(&scope()).expect("removes") > 0);
    assert_eq!((world.text("b1"), world.text("b2").as_deref(), world.blobs()), (None, Some("waiting"), 4));
    // What it goes on to leave replaces it.
    world.publish("b2", "approved");
    let kept = world.store().kept("b2").expect("reads").expect("there");
    assert_eq!((world.text("b2").as_deref(), kept.published), (Some("approved"), true));
}

#[test]
fn an_error_at_any_point_of_keeping_leaves_what_was_kept_before() {
    let points = ["publish.blob.rename", "publish.manifest.sync", "publish.kept.make", "publish.kept.write"];
    for point in points.into_iter().chain(["publish.kept.sync", "publish.kept.rename"]) {
        let world = World::new();
        world.keep("b", "old").expect("keeps");
        let packed = world.packed("new");
        let faulty: Arc<dyn StoreFs> = Arc::new(FaultyFs::new(HostFs, point, 1, Fault::Error(28)));
        let store = Store::open(world.dir("store"), faulty).expect("opens");
        let error = store.keep(&scope(), &packed, &world.dir("staging"), &meta("b")).expect_err("no space");
        assert_eq!((error.kind(), world.text("b").as_deref()), (VolumeErrorKind::NoSpace, Some("old")), "{point}");
    }
}

#[test]
fn what_is_damaged_is_told_and_keeps_every_blob() {
    let world = World::new();
    world.keep("b1", "one").expect("keeps");
    world.keep("b2", "two").expect("keeps");
    fs::write(world.path("store/builds/b1"), "{").expect("writes");
    let store = world.store();
    assert_eq!(store.kept("b1").expect_err("damaged").kind(), VolumeErrorKind::Corrupt);
    assert_eq!((store.release(&["b2"]).expect("releases"), world.blobs()), (0, 8));
    assert!(store.release(&["b1"]).expect("releases") > 0);
    assert_eq!(world.blobs(), 0);
}

#[test]
fn the_name_of_a_build_is_never_a_path() {
    let world = World::new();
    for name in ["../escape", "a/b", "", ".", "_x", &"x".repeat(300)] {
        world.keep(name, name).expect("keeps");
        assert_eq!(world.text(name).as_deref(), Some(name));
    }
    assert!(!world.path("store/escape").exists());
}
