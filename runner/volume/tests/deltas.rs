//! Saving what changed, and making an older tree hold another state: whatever was done to the tree, what is restored is
//! what it was.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use proptest::prelude::*;
use stepbox_volume::{
    Basis, Digest, HostFs, KNOWN_FILE, KnownTree, PackOptions, Packed, PublishMeta, Scope, Snapshot, Store,
    UnpackLimits, Unpacked, pack, unpack, update,
};
use support::picture;
use tempfile::TempDir;

/// A volume that is saved again and again.
struct World {
    place: TempDir,
    builds: u64,
    /// What the volume was at its last save or restore.
    basis: Option<(Digest, KnownTree)>,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        for name in ["store", "volume"] {
            fs::create_dir(place.path().join(name)).expect("makes");
        }
        Self { place, builds: 0, basis: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn dir(&self, name: &str) -> Dir {
        Dir::open_ambient_dir(self.path(name), ambient_authority()).expect("opens")
    }

    fn fresh(&self, name: &str) -> Dir {
        if self.path(name).exists() {
            fs::remove_dir_all(self.path(name)).expect("removes");
        }
        fs::create_dir(self.path(name)).expect("makes");
        self.dir(name)
    }

    fn store(&self) -> Store {
        Store::open(self.dir("store"), Arc::new(HostFs)).expect("a store")
    }

    fn blobs(&self) -> usize {
        fs::read_dir(self.path("store/blobs/sha256")).expect("lists").count()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path("volume").join(name);
        fs::create_dir_all(path.parent().expect("has one")).expect("makes");
        fs::write(path, text).expect("writes");
    }

    /// Packs the volume on what it comes from.
    fn pack(&self) -> Packed {
        let blobs = self.store().blobs().expect("opens");
        let basis = self.basis.as_ref().map(|(manifest, known)| Basis {
            blobs: &blobs,
            manifest: *manifest,
            known: Some(known),
        });
        let options = PackOptions::default();
        pack(&HostFs, &self.dir("volume"), &self.fresh("staging"), &options, basis.as_ref(), &|| false).expect("packs")
    }

    fn save(&mut self) -> (Snapshot, Packed) {
        let packed = self.pack();
        self.builds += 1;
        let meta = PublishMeta { build: format!("b{}", self.builds), finished: self.builds, parent: None };
        let snapshot =
            self.store().publish(&Scope::volume("v"), &packed, &self.dir("staging"), &meta).expect("publishes");
        let known = KnownTree::from_file(fs::File::open(self.path("staging").join(KNOWN_FILE)).expect("a note"));
        self.basis = Some((snapshot.manifest, known.expect("a sound one")));
        (snapshot, packed)
    }

    /// Restores a snapshot from nothing, and says whether that is what the volume is.
    fn restores(&self, snapshot: &Snapshot) -> bool {
        let target = self.fresh("target");
        let blobs = self.store().blobs().expect("opens");
        unpack(&HostFs, &blobs, &snapshot.manifest, &target, &UnpackLimits::default(), &|| false).expect("restores");
        picture(&self.path("target")) == picture(&self.path("volume"))
    }

    /// Makes the tree of this name hold a snapshot.
    fn update(&self, name: &str, snapshot: &Snapshot, known: Option<&KnownTree>) -> Unpacked {
        let (blobs, limits) = (self.store().blobs().expect("opens"), UnpackLimits::default());
        update(&HostFs, &blobs, &snapshot.manifest, &self.dir(name), known, &limits, &|| false).expect("updates")
    }

    /// The tar stream of an export.
    fn export(&self, snapshot: &Snapshot) -> Vec<u8> {
        let mut out = vec![];
        let exported = self.store().export(snapshot, &mut out).expect("exports");
        assert_eq!((exported.digest, exported.size), (Digest::of(&out), out.len() as u64));
        zstd::stream::decode_all(out.as_slice()).expect("decodes")
    }
}

/// How many layers a snapshot has.
fn layers(world: &World, snapshot: &Snapshot) -> usize {
    let manifest = fs::read(world.path("store/blobs/sha256").join(snapshot.manifest.hex())).expect("reads");
    String::from_utf8(manifest).expect("JSON").matches("layer.v1.tar+zstd").count()
}

fn set_time(path: &Path, (seconds, nanoseconds): (i64, u32)) {
    let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::SYMLINK_NOFOLLOW).expect("sets");
}

#[test]
fn an_unchanged_volume_has_the_same_manifest_and_no_new_blob() {
    let mut world = World::new();
    world.write("a/b", "text");
    world.write("big", vec![7; 5_000_000]);
    symlink("a/b", world.path("volume/l")).expect("links");
    fs::hard_link(world.path("volume/a/b"), world.path("volume/h")).expect("links");
    let (first, _) = world.save();
    let before = world.blobs();
    let (second, packed) = world.save();
    assert_eq!((packed.added, packed.base), (None, Some(first.manifest)));
    assert_eq!((second.manifest, second.sequence, world.blobs()), (first.manifest, 2, before));
    assert_eq!((second.entries, second.stored_bytes), (first.entries, first.stored_bytes));
    assert!(world.restores(&second));
}

#[test]
fn a_change_costs_what_changed() {
    let mut world = World::new();
    for number in 0..200 {
        world.write(&format!("d{}/f{number}", number % 7), pseudo_random(number, 10_000));
    }
    let (first, _) = world.save();
    world.write("d1/f1", "changed");
    world.write("d1/new", "new");
    fs::remove_file(world.path("volume/d2/f2")).expect("removes");
    fs::remove_dir_all(world.path("volume/d3")).expect("removes");
    let (second, packed) = world.save();
    assert_eq!((packed.base, layers(&world, &second)), (Some(first.manifest), 2));
    let layer = packed.added.expect("a layer").layer;
    assert!(layer.size < 1500, "{} bytes", layer.size);
    let stream = zstd::stream::decode_all(
        fs::File::open(world.path("store/blobs/sha256").join(layer.digest.hex())).expect("opens"),
    );
    let stream = stream.expect("decodes");
    let mut names: Vec<String> = vec![];
    for member in tar::Archive::new(stream.as_slice()).entries().expect("a tar") {
        let member = member.expect("a member");
        names.push(String::from_utf8(member.path_bytes().to_vec()).expect("text"));
    }
    assert_eq!(names, ["d2/.wh.f2", ".wh.d3", "d1/", "d1/f1", "d1/new", "d2/"]);
    assert!(world.restores(&second));
}

fn pseudo_random(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

#[test]
fn many_small_changes_are_made_one_layer_again() {
    let mut world = World::new();
    world.write("base", pseudo_random(1, 400_000));
    let mut most = 0;
    for number in 0..40 {
        world.write(&format!("f{number}"), pseudo_random(number, 300));
        let (snapshot, _) = world.save();
        most = most.max(layers(&world, &snapshot));
        assert!(world.restores(&snapshot), "{number}");
    }
    assert_eq!(most, 16);
    // Where most of what is stored is dead, and where most is new.
    world.write("base", pseudo_random(2, 150_000));
    let (snapshot, packed) = world.save();
    assert_eq!((layers(&world, &snapshot), packed.base), (1, None));
    assert!(world.restores(&snapshot));
}

#[test]
fn what_cannot_be_told_by_times_is_read() {
    let mut world = World::new();
    for name in ["same-size", "touched-back", "replaced", "kept"] {
        world.write(name, "old text");
    }
    world.write("ballast", pseudo_random(1, 50_000));
    world.save();
    let at = |name: &str| world.path("volume").join(name);
    let time = |name: &str| {
        let metadata = fs::metadata(at(name)).expect("stats");
        (metadata.mtime(), metadata.mtime_nsec() as u32)
    };
    // At once, within the same tick of the clock; with the old time put back; by another inode with the old time.
    world.write("same-size", "new text");
    let old = time("touched-back");
    world.write("touched-back", "new text");
    set_time(&at("touched-back"), old);
    let old = time("replaced");
    fs::write(at("other"), "new text").expect("writes");
    fs::rename(at("other"), at("replaced")).expect("renames");
    set_time(&at("replaced"), old);
    let (snapshot, packed) = world.save();
    assert!(packed.base.is_some());
    assert!(world.restores(&snapshot));
}

#[test]
fn a_damaged_or_lost_basis_costs_a_whole_save_and_nothing_else() {
    let mut world = World::new();
    world.write("a", "text");
    let (first, _) = world.save();
    world.basis = Some((Digest::of(b"nowhere"), world.basis.take().expect("one").1));
    world.write("b", "more");
    let (second, packed) = world.save();
    assert_eq!((packed.base, layers(&world, &second)), (None, 1));
    assert!(world.restores(&second) && first.manifest != second.manifest);
}

#[test]
fn a_layer_that_is_gone_keeps_a_delta_from_being_published() {
    let mut world = World::new();
    world.write("a", pseudo_random(1, 5000));
    let (_, packed) = world.save();
    world.write("b", "more");
    let delta = world.pack();
    assert!(delta.base.is_some());
    fs::remove_file(world.path("store/blobs/sha256").join(packed.added.expect("one").layer.digest.hex()))
        .expect("removes");
    let meta = PublishMeta { build: "b".to_owned(), finished: 1, parent: None };
    let error = world.store().publish(&Scope::volume("v"), &delta, &world.dir("staging"), &meta).expect_err("broken");
    assert!(error.to_string().ends_with("is missing"), "{error}");
    assert_eq!(world.store().latest(&Scope::volume("v")).expect("reads").expect("one").sequence, 1);
}

#[test]
fn holes_stay_holes() {
    let mut world = World::new();
    let path = world.path("volume/sparse");
    let file = fs::File::create(&path).expect("makes");
    std::os::unix::fs::FileExt::write_all_at(&file, b"middle", 9_000_000).expect("writes");
    file.set_len(20_000_001).expect("grows");
    drop(file);
    let (snapshot, _) = world.save();
    assert!(world.restores(&snapshot));
    let blocks = fs::metadata(world.path("target/sparse")).expect("stats").blocks();
    assert!(blocks * 512 < 100_000, "{blocks}");
}

#[test]
fn a_tree_that_is_as_it_was_left_is_taken_over_without_reading_it() {
    let mut world = World::new();
    world.write("a/b", "text");
    world.write("c", "more");
    std::thread::sleep(std::time::Duration::from_millis(40));
    let (snapshot, _) = world.save();
    let known = world.basis.clone().expect("saved").1;
    // Whoever read it would find other bytes than the store has: it would be written anew, or be damage.
    for entry in fs::read_dir(world.path("store/blobs/sha256")).expect("lists") {
        let path = entry.expect("an entry").path();
        if fs::read(&path).expect("reads").starts_with(&[0x5B, 0x2A, 0x4D, 0x18]) {
            fs::remove_file(path).expect("removes the layer");
        }
    }
    let before = picture(&world.path("volume"));
    let done = world.update("volume", &snapshot, Some(&known));
    assert_eq!((done.kept, done.entries), (3, 3));
    assert_eq!(picture(&world.path("volume")), before);
}

#[test]
fn what_a_stranger_changed_in_a_kept_tree_is_put_right() {
    let mut world = World::new();
    world.write("a", "text");
    world.write("d/x", "x");
    world.write("d/y", "y");
    std::thread::sleep(std::time::Duration::from_millis(40));
    let (snapshot, _) = world.save();
    let known = world.basis.clone().expect("saved").1;
    let before = picture(&world.path("volume"));
    let at = |name: &str| world.path("volume").join(name);
    world.write("a", "evil");
    world.write("env_vars_to_export", "");
    fs::set_permissions(at("d/x"), fs::Permissions::from_mode(0o777)).expect("sets");
    fs::remove_file(at("d/y")).expect("removes");
    symlink("/etc", at("d/y")).expect("links");
    world.update("volume", &snapshot, Some(&known));
    assert_eq!(picture(&world.path("volume")), before);
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("binds");
    let (blobs, limits) = (world.store().blobs().expect("opens"), UnpackLimits::default());
    let error = update(&HostFs, &blobs, &snapshot.manifest, &world.dir("volume"), None, &limits, &|| false);
    assert!(error.expect_err("no snapshot has it").to_string().ends_with("a socket"));
}

/// Something that is done to the tree. Names are small numbers, so that one path becomes many things.
#[derive(Clone, Debug)]
enum Change {
    Write { path: Vec<u8>, data: Vec<u8> },
    Directory { path: Vec<u8> },
    Link { path: Vec<u8>, target: u8 },
    HardLink { path: Vec<u8>, to: Vec<u8> },
    Remove { path: Vec<u8> },
    Rename { path: Vec<u8>, to: Vec<u8> },
    Mode { path: Vec<u8>, mode: u32 },
    Touch { path: Vec<u8>, time: (i64, u32) },
}

fn paths() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(0..4u8, 1..4)
}

fn changes() -> impl Strategy<Value = Change> {
    let data = prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..300),
        1 => (any::<u8>(), 0..3usize).prop_map(|(seed, more)| pseudo_random(seed.into(), (1 << 20) + more)),
    ];
    let time = prop_oneof![Just((-1, 5)), Just((1_700_000_000, 0)), Just((5_000_000_000, 999_999_999))];
    prop_oneof![
        6 => (paths(), data).prop_map(|(path, data)| Change::Write { path, data }),
        2 => paths().prop_map(|path| Change::Directory { path }),
        1 => (paths(), 0..4u8).prop_map(|(path, target)| Change::Link { path, target }),
        2 => (paths(), paths()).prop_map(|(path, to)| Change::HardLink { path, to }),
        2 => paths().prop_map(|path| Change::Remove { path }),
        2 => (paths(), paths()).prop_map(|(path, to)| Change::Rename { path, to }),
        1 => (paths(), 0..0o1000u32).prop_map(|(path, mode)| Change::Mode { path, mode }),
        1 => (paths(), time).prop_map(|(path, time)| Change::Touch { path, time }),
    ]
}

/// Names that sort oddly, look like removals, or are no text.
const NAMES: [&[u8]; 4] = [b"a", b"a-b", b".wh.a", b"\xff\n"];

fn at(root: &Path, path: &[u8]) -> PathBuf {
    path.iter().fold(root.to_owned(), |at, part| at.join(std::ffi::OsStr::from_bytes(NAMES[usize::from(*part)])))
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path).expect("removes"),
        Ok(_) => fs::remove_file(path).expect("removes"),
        Err(_) => {}
    }
}

/// Makes what lies above a path directories.
fn prepare(root: &Path, path: &[u8]) {
    for depth in 1..path.len() {
        let above = at(root, &path[..depth]);
        if !fs::symlink_metadata(&above).is_ok_and(|metadata| metadata.is_dir()) {
            remove(&above);
            fs::create_dir(above).expect("makes");
        }
    }
}

/// Does it where it can be done.
fn apply(root: &Path, change: &Change) {
    match change {
        Change::Write { path, data } => {
            prepare(root, path);
            let path = at(root, path);
            if !fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
                remove(&path);
            }
            fs::write(path, data).expect("writes");
        }
        Change::Directory { path } => {
            prepare(root, path);
            remove(&at(root, path));
            fs::create_dir(at(root, path)).expect("makes");
        }
        Change::Link { path, target } => {
            prepare(root, path);
            remove(&at(root, path));
            symlink(target.to_string(), at(root, path)).expect("links");
        }
        Change::HardLink { path, to } => {
            let to = at(root, to);
            if fs::symlink_metadata(&to).is_ok_and(|metadata| metadata.is_file()) && to != at(root, path) {
                prepare(root, path);
                remove(&at(root, path));
                let _ = fs::hard_link(to, at(root, path));
            }
        }
        Change::Remove { path } => remove(&at(root, path)),
        Change::Rename { path, to } => {
            if !to.starts_with(path) && !path.starts_with(to) && fs::symlink_metadata(at(root, path)).is_ok() {
                prepare(root, to);
                remove(&at(root, to));
                let _ = fs::rename(at(root, path), at(root, to));
            }
        }
        Change::Mode { path, mode } => {
            let path = at(root, path);
            if let Ok(metadata) = fs::symlink_metadata(&path)
                && !metadata.is_symlink()
            {
                fs::set_permissions(&path, fs::Permissions::from_mode(mode | 0o700)).expect("sets");
            }
        }
        Change::Touch { path, time } => {
            if fs::symlink_metadata(at(root, path)).is_ok() {
                set_time(&at(root, path), *time);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_to_the_tree_is_what_is_restored(
        generations in prop::collection::vec(prop::collection::vec(changes(), 0..12), 1..7),
        ballast in prop::sample::select(vec![0usize, 300_000]),
    ) {
        let mut world = World::new();
        world.write("ballast", pseudo_random(3, ballast));
        let mut snapshots: Vec<(Snapshot, BTreeMap<Vec<u8>, String>)> = vec![];
        for generation in generations {
            for change in &generation {
                apply(&world.path("volume"), change);
            }
            let (snapshot, _) = world.save();
            prop_assert!(world.restores(&snapshot));
            // One layer of all is what a whole save makes.
            let basis = world.basis.take();
            let whole = world.pack();
            world.basis = basis;
            prop_assert_eq!(whole.tree_digest, snapshot.tree);
            let layer = fs::File::open(world.path("staging/layer")).expect("opens");
            prop_assert!(world.export(&snapshot) == zstd::stream::decode_all(layer).expect("decodes"));
            snapshots.push((snapshot, picture(&world.path("volume"))));
        }
        // Any state from any other, with what is known of the tree and without.
        let known = world.basis.clone().map(|(_, known)| known);
        let mut last = known;
        for (number, (snapshot, expected)) in snapshots.iter().enumerate() {
            let known = last.filter(|_| number % 3 != 2);
            let done = world.update("volume", snapshot, known.as_ref());
            prop_assert_eq!(&picture(&world.path("volume")), expected);
            last = Some(done.known);
        }
        if let (Some((first, expected)), Some(known)) = (snapshots.first(), last) {
            world.update("volume", first, Some(&known));
            prop_assert_eq!(&picture(&world.path("volume")), expected);
        }
    }
}
