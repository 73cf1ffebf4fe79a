//! Saving, publishing and restoring through the crate's public face.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_volume::{
    Fault, FaultyFs, HostFs, PackOptions, Packed, PublishMeta, RESTORE_POINTS, SAVE_POINTS, Scope, Snapshot, Store,
    StoreFs, UnpackLimits, VolumeError, VolumeErrorKind, pack, unpack,
};
use tempfile::TempDir;

/// A store, a volume and a staging directory in a temporary place.
struct World {
    place: TempDir,
}

impl World {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        for name in ["store", "volume", "staging"] {
            fs::create_dir(place.path().join(name)).expect("makes");
        }
        Self { place }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.place.path().join(name)
    }

    fn dir(&self, name: &str) -> Dir {
        Dir::open_ambient_dir(self.path(name), ambient_authority()).expect("opens")
    }

    fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.path("volume").join(name);
        fs::create_dir_all(path.parent().expect("has one")).expect("makes");
        fs::write(path, contents).expect("writes");
        self
    }

    fn store(&self) -> Store {
        Store::open(self.dir("store"), Arc::new(HostFs)).expect("a store")
    }

    fn pack_with(&self, fs: &dyn StoreFs) -> Result<Packed, VolumeError> {
        let exclude = vec![b"env_vars_to_export".to_vec(), b"cf_export".to_vec()];
        pack(
            fs,
            &self.dir("volume"),
            &self.dir("staging"),
            &PackOptions { exclude, ..PackOptions::default() },
            None,
            &|| false,
        )
    }

    fn save(&self, scope: &Scope, build: &str) -> Snapshot {
        let packed = self.pack_with(&HostFs).expect("packs");
        self.store().publish(scope, &packed, &self.dir("staging"), &meta(build)).expect("publishes")
    }

    /// Restores into a fresh directory of this name.
    fn restore(&self, snapshot: &Snapshot, name: &str) -> Result<(), VolumeError> {
        self.restore_with(&HostFs, snapshot, name)
    }

    fn restore_with(&self, fs: &dyn StoreFs, snapshot: &Snapshot, name: &str) -> Result<(), VolumeError> {
        fs::create_dir(self.path(name)).expect("makes");
        let blobs = self.dir("store/blobs/sha256");
        unpack(fs, &blobs, &snapshot.manifest, &self.dir(name), &UnpackLimits::default(), &|| false).map(|_| ())
    }
}

fn meta(build: &str) -> PublishMeta {
    PublishMeta { build: build.to_owned(), finished: 1_700_000_000_000, parent: None }
}

fn scope() -> Scope {
    Scope::pipeline("/work/codefresh.yml")
}

/// Everything about a tree that a snapshot keeps.
fn picture(root: &Path) -> BTreeMap<Vec<u8>, String> {
    fn visit(root: &Path, at: &Path, out: &mut BTreeMap<Vec<u8>, String>) {
        let mut groups: BTreeMap<u64, usize> = BTreeMap::new();
        for entry in fs::read_dir(at).expect("lists") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("stats");
            let name = path.strip_prefix(root).expect("below").as_os_str().as_bytes().to_vec();
            let time = (metadata.mtime(), metadata.mtime_nsec());
            let what = if metadata.is_symlink() {
                format!("link to {:?} {time:?}", fs::read_link(&path).expect("reads"))
            } else if metadata.is_dir() {
                visit(root, &path, out);
                format!("directory {:o} {time:?}", metadata.mode() & 0o7777)
            } else {
                *groups.entry(metadata.ino()).or_default() += 1;
                let data = fs::read(&path).expect("reads");
                let sum = data.iter().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
                format!(
                    "file {:o} {time:?} {} {sum:x} links {}",
                    metadata.mode() & 0o7777,
                    data.len(),
                    metadata.nlink()
                )
            };
            out.insert(name, what);
        }
    }
    let mut out = BTreeMap::new();
    visit(root, root, &mut out);
    out
}

/// A tree with one of everything that a build leaves.
fn various() -> World {
    let world = World::new()
        .file("plain.txt", "hello\n")
        .file("empty", "")
        .file("repo/src/main.rs", "fn main() {}\n")
        .file("repo/.git/HEAD", "ref: refs/heads/main\n")
        .file("big.bin", (0..11_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>())
        .file(&format!("long/{}/{}", "d".repeat(200), "f".repeat(250)), "deep\n")
        .file("with space and ü", "x")
        .file("run.sh", "#!/bin/sh\n");
    let volume = world.path("volume");
    fs::set_permissions(volume.join("run.sh"), fs::Permissions::from_mode(0o755)).expect("sets");
    fs::write(volume.join(std::ffi::OsStr::from_bytes(b"not\xffutf8\n")), "bytes").expect("writes");
    fs::create_dir(volume.join("empty-dir")).expect("makes");
    symlink("plain.txt", volume.join("relative")).expect("links");
    symlink("/codefresh/volume/plain.txt", volume.join("absolute")).expect("links");
    symlink("nowhere", volume.join("dangling")).expect("links");
    fs::hard_link(volume.join("plain.txt"), volume.join("repo/hard")).expect("links");
    fs::set_permissions(volume.join("empty-dir"), fs::Permissions::from_mode(0o750)).expect("sets");
    world
}

#[test]
fn l5_everything_that_a_build_leaves_is_restored() {
    let world = various();
    let snapshot = world.save(&scope(), "b1");
    world.restore(&snapshot, "restored").expect("restores");
    assert_eq!(picture(&world.path("restored")), picture(&world.path("volume")));
    assert!(fs::metadata(world.path("restored/repo/hard")).expect("stats").nlink() == 2);
}

#[test]
fn l6_each_build_adds_to_what_the_last_one_left() {
    let world = World::new();
    let mut lines = String::new();
    for build in 1..=3 {
        lines.push_str("line\n");
        fs::write(world.path("volume/sample.txt"), &lines).expect("writes");
        let snapshot = world.save(&scope(), &format!("b{build}"));
        let name = format!("restored-{build}");
        world.restore(&snapshot, &name).expect("restores");
        assert_eq!(fs::read_to_string(world.path(&name).join("sample.txt")).expect("reads"), lines);
        assert_eq!(snapshot.sequence, build);
    }
}

#[test]
fn l9_who_publishes_last_is_the_latest() {
    let world = World::new().file("who", "first to start");
    let first = world.pack_with(&HostFs).expect("packs");
    fs::create_dir(world.path("staging-2")).expect("makes");
    fs::write(world.path("volume/who"), "second to start").expect("writes");
    let second = pack(&HostFs, &world.dir("volume"), &world.dir("staging-2"), &PackOptions::default(), None, &|| false)
        .expect("packs");
    let store = world.store();
    store.publish(&scope(), &second, &world.dir("staging-2"), &meta("second")).expect("publishes");
    store.publish(&scope(), &first, &world.dir("staging"), &meta("first")).expect("publishes");
    let latest = store.latest(&scope()).expect("reads").expect("there is one");
    assert_eq!((latest.build.as_str(), latest.sequence), ("first", 2));
    world.restore(&latest, "restored").expect("restores");
    assert_eq!(fs::read_to_string(world.path("restored/who")).expect("reads"), "first to start");
}

#[test]
fn l9_ten_that_publish_at_once_are_counted_and_none_is_lost() {
    let world = World::new().file("a", "x");
    world.store();
    std::thread::scope(|scope_| {
        for number in 0..10 {
            let world = &world;
            scope_.spawn(move || {
                let staging = format!("staging-{number}");
                fs::create_dir(world.path(&staging)).expect("makes");
                let packed =
                    pack(&HostFs, &world.dir("volume"), &world.dir(&staging), &PackOptions::default(), None, &|| false);
                let build = format!("b{number}");
                world
                    .store()
                    .publish(&scope(), &packed.expect("packs"), &world.dir(&staging), &meta(&build))
                    .expect("publishes");
            });
        }
    });
    let store = world.store();
    let history = store.history(&scope()).expect("reads");
    let sequences: Vec<_> = history.iter().map(|snapshot| snapshot.sequence).collect();
    assert_eq!(sequences, (1..=10).rev().collect::<Vec<_>>());
    assert_eq!(store.latest(&scope()).expect("reads"), history.first().cloned());
}

#[test]
fn l11_volumes_of_different_pipelines_are_apart() {
    let world = World::new().file("a", "x");
    world.save(&Scope::pipeline("one"), "b1");
    let store = world.store();
    assert_eq!(store.latest(&Scope::pipeline("two")).expect("reads"), None);
    assert_eq!(store.latest(&Scope::volume("one")).expect("reads"), None);
    assert_eq!(store.list().expect("lists").len(), 1);
}

#[test]
fn v29_the_export_files_are_not_archived() {
    let world =
        World::new().file("env_vars_to_export", "A=1\n").file("cf_export", "#!/bin/sh\n").file("sub/cf_export", "kept");
    let snapshot = world.save(&scope(), "b1");
    world.restore(&snapshot, "restored").expect("restores");
    assert_eq!(
        picture(&world.path("restored")).keys().cloned().collect::<Vec<_>>(),
        [b"sub".to_vec(), b"sub/cf_export".to_vec()]
    );
}

#[test]
fn l7_4_equal_states_have_equal_archives() {
    let (one, two) = (various(), World::new());
    let copied = std::process::Command::new("cp")
        .args(["-a", "--"])
        .arg(one.path("volume").join("."))
        .arg(two.path("volume"))
        .status();
    assert!(copied.expect("cp").success());
    let (first, second) = (one.pack_with(&HostFs).expect("packs"), two.pack_with(&HostFs).expect("packs"));
    assert_eq!(first, second);
    let options = PackOptions { threads: 1, ..PackOptions::default() };
    let third = pack(&HostFs, &two.dir("volume"), &two.dir("staging"), &options, None, &|| false).expect("packs");
    assert_eq!(first.added, third.added);
}

#[test]
fn l7_4_the_export_is_a_tar_that_others_read() {
    let world = various();
    let snapshot = world.save(&scope(), "b1");
    let path = world.path("export.tar.zst");
    let exported = world.store().export(&snapshot, &mut fs::File::create(&path).expect("makes")).expect("exports");
    assert_eq!(exported.size, fs::metadata(&path).expect("stats").len());
    let decoded = zstd::stream::decode_all(fs::File::open(&path).expect("opens")).expect("decodes");
    fs::write(world.path("export.tar"), decoded).expect("writes");
    fs::create_dir(world.path("by-tar")).expect("makes");
    let tar = std::process::Command::new("tar")
        .arg("-xpf")
        .arg(world.path("export.tar"))
        .arg("-C")
        .arg(world.path("by-tar"))
        .status();
    assert!(tar.expect("tar").success());
    assert_eq!(picture(&world.path("by-tar")), picture(&world.path("volume")));
}

#[test]
fn l7_4_setuid_is_dropped_and_sockets_are_said() {
    let world = World::new().file("tool", "x");
    fs::set_permissions(world.path("volume/tool"), fs::Permissions::from_mode(0o6755)).expect("sets");
    let _socket = std::os::unix::net::UnixListener::bind(world.path("volume/socket")).expect("binds");
    let packed = world.pack_with(&HostFs).expect("packs");
    let skipped: Vec<_> =
        packed.skipped.iter().map(|skipped| (skipped.path.as_slice(), skipped.why.as_str())).collect();
    assert_eq!(skipped, [(&b"socket"[..], "a socket")]);
    let snapshot = world.store().publish(&scope(), &packed, &world.dir("staging"), &meta("b1")).expect("publishes");
    world.restore(&snapshot, "restored").expect("restores");
    assert_eq!(fs::metadata(world.path("restored/tool")).expect("stats").mode() & 0o7777, 0o755);
}

#[test]
fn l12_a_removed_volume_starts_empty_and_frees_what_nobody_else_needs() {
    let world = World::new().file("a", "shared");
    world.save(&Scope::volume("one"), "b1");
    world.save(&Scope::volume("two"), "b2");
    let store = world.store();
    let blobs = || fs::read_dir(world.path("store/blobs/sha256")).expect("lists").count();
    assert_eq!((blobs(), store.remove(&Scope::volume("one")).expect("removes")), (4, 0));
    assert_eq!(store.latest(&Scope::volume("one")).expect("reads"), None);
    assert!(store.remove(&Scope::volume("two")).expect("removes") > 0);
    assert_eq!(blobs(), 0);
    assert_eq!(store.remove(&Scope::volume("two")).expect_err("gone").kind(), VolumeErrorKind::NotFound);
}

#[test]
fn a_flipped_byte_anywhere_is_noticed_and_no_wrong_byte_comes_out() {
    let world = World::new().file("a.txt", "some text that can be damaged\n".repeat(200)).file("dir/b", "more");
    let snapshot = world.save(&scope(), "b1");
    let blobs = world.path("store/blobs/sha256");
    let config_is_not_read = |data: &[u8]| data.starts_with(b"{\"architecture\"");
    let (mut number, mut told) = (0, 0);
    for entry in fs::read_dir(&blobs).expect("lists") {
        let path = entry.expect("an entry").path();
        let good = fs::read(&path).expect("reads");
        if config_is_not_read(&good) {
            continue;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("sets");
        for at in (0..good.len()).step_by((good.len() / 60).max(1)) {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).expect("writes");
            number += 1;
            let name = format!("restored-{number}");
            match world.restore(&snapshot, &name) {
                Err(error) => {
                    told += 1;
                    assert_eq!(error.kind(), VolumeErrorKind::Corrupt, "{}: byte {at}: {error}", path.display());
                }
                // It was in none of the bytes that the volume needs, as the table behind the frames.
                Ok(()) => assert_eq!(picture(&world.path(&name)), picture(&world.path("volume")), "byte {at}"),
            }
        }
        fs::write(&path, &good[..good.len() - 1]).expect("writes");
        number += 1;
        assert!(world.restore(&snapshot, &format!("restored-{number}")).is_err());
        fs::write(&path, &good).expect("writes");
    }
    assert!(number > 150 && told > 120, "{told} of {number}");
    world.restore(&snapshot, "whole-again").expect("restores");
}

#[test]
fn at_every_point_of_saving_an_error_leaves_the_old_state_and_the_next_save_works() {
    for point in SAVE_POINTS {
        for suffix in ["", ".after"] {
            let world = World::new().file("a", "old");
            let old = world.save(&scope(), "old");
            fs::remove_dir_all(world.path("staging")).expect("removes");
            fs::create_dir(world.path("staging")).expect("makes");
            fs::write(world.path("volume/a"), "new").expect("writes");
            let once = point.starts_with("publish.name") || *point == "publish.refs.sync_directory";
            let scope = if once { Scope::volume("never published") } else { scope() };
            let faulty: Arc<dyn StoreFs> =
                Arc::new(FaultyFs::new(HostFs, format!("{point}{suffix}"), 1, Fault::Error(28)));
            let result = world.pack_with(&*faulty).and_then(|packed| {
                let store = Store::open(world.dir("store"), Arc::clone(&faulty))?;
                store.publish(&scope, &packed, &world.dir("staging"), &meta("new"))
            });
            let derived = point.starts_with("publish.oci-index");
            let latest = world.store().latest(&scope).expect("reads");
            match result {
                Err(error) => {
                    assert_eq!(error.kind(), VolumeErrorKind::NoSpace, "{point}{suffix}: {error}");
                    let renamed =
                        *point == "publish.ref.rename" && suffix == ".after" || *point == "publish.ref.sync_directory";
                    let expected = if once && !renamed {
                        None
                    } else if renamed {
                        latest.clone()
                    } else {
                        Some(old)
                    };
                    assert_eq!(latest, expected, "{point}{suffix}");
                }
                Ok(new) => {
                    assert!(derived, "{point}{suffix} was not met");
                    assert_eq!(latest, Some(new), "{point}{suffix}");
                }
            }
            if let Some(latest) = &latest {
                world.restore(latest, "restored").expect("restores");
            }
            fs::remove_dir_all(world.path("staging")).expect("removes");
            fs::create_dir(world.path("staging")).expect("makes");
            let next = world.save(&scope, "next");
            world.restore(&next, "restored-next").expect("restores");
            assert_eq!(fs::read_to_string(world.path("restored-next/a")).expect("reads"), "new");
        }
    }
}

#[test]
fn at_every_point_of_restoring_an_error_is_told() {
    let world = various();
    let snapshot = world.save(&scope(), "b1");
    for (number, point) in RESTORE_POINTS.iter().enumerate() {
        let faulty = FaultyFs::new(HostFs, *point, 1, Fault::Error(5));
        let result = world.restore_with(&faulty, &snapshot, &format!("restored-{number}"));
        assert!(result.is_err(), "{point} was not met");
    }
}

#[test]
fn a_store_that_cannot_be_written_says_so() {
    let world = World::new().file("a", "x");
    let snapshot = world.save(&scope(), "b1");
    let faulty: Arc<dyn StoreFs> = Arc::new(FaultyFs::new(HostFs, "publish.ref.create", 1, Fault::Error(30)));
    let packed = world.pack_with(&HostFs).expect("packs");
    let store = Store::open(world.dir("store"), faulty).expect("opens");
    let error = store.publish(&scope(), &packed, &world.dir("staging"), &meta("b2")).expect_err("read-only");
    assert_eq!(
        (error.kind(), error.to_string()),
        (VolumeErrorKind::ReadOnly, "cannot write `latest` of the store: read-only file system".to_owned())
    );
    assert_eq!(world.store().latest(&scope()).expect("reads"), Some(snapshot));
}

#[test]
fn packing_that_is_told_to_stop_stops() {
    let world = various();
    let error = pack(&HostFs, &world.dir("volume"), &world.dir("staging"), &PackOptions::default(), None, &|| true)
        .expect_err("stopped");
    assert_eq!(error.kind(), VolumeErrorKind::Cancelled);
}
