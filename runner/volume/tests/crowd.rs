//! Many builds of few volumes at once, with collection and verification beside them: nobody misses a blob, and the latest
//! is what the last one published.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_volume::{
    Basis, GcOptions, HostFs, KnownTree, PackOptions, PublishMeta, Scope, Snapshot, Store, UnpackLimits, VerifyOptions,
    pack, unpack, update,
};

const VOLUMES: u64 = 3;
const BUILDERS: u64 = 8;
const BUILDS: u64 = 10;

fn open(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).expect("opens")
}

fn scope(number: u64) -> Scope {
    Scope::pipeline(format!("pipeline {number}"))
}

/// One build: it starts from the latest, counts itself and saves, as the engine does it.
fn build(root: &Path, builder: u64, number: u64, kept: &mut Option<KnownTree>) -> Snapshot {
    let store = Store::open(open(&root.join("store")), Arc::new(HostFs)).expect("opens");
    let scope = scope(builder % VOLUMES);
    let place = root.join(format!("builder-{builder}"));
    let (tree, staging) = (place.join("tree"), place.join("staging"));
    let _ = fs::remove_dir_all(&staging);
    fs::create_dir_all(&staging).expect("makes");
    let blobs = store.blobs().expect("opens");
    let lock = store.read_lock().expect("locks");
    let latest = store.latest(&scope).expect("reads");
    let lease = latest.as_ref().map(|latest| store.lease(&[latest.manifest]).expect("a lease"));
    let known = latest.as_ref().map(|latest| {
        let limits = UnpackLimits { threads: 2, ..UnpackLimits::default() };
        // Every second build goes on in the tree that the one before has left, whatever others have published since.
        let done = if let (Some(known), 1) = (kept.take(), number % 2) {
            update(&HostFs, &blobs, &latest.manifest, &open(&tree), Some(&known), &limits, &|| false)
        } else {
            let _ = fs::remove_dir_all(&tree);
            fs::create_dir(&tree).expect("makes");
            unpack(&HostFs, &blobs, &latest.manifest, &open(&tree), &limits, &|| false)
        };
        done.expect("restores").known
    });
    drop(lock);
    if latest.is_none() {
        let _ = fs::remove_dir_all(&tree);
        fs::create_dir(&tree).expect("makes");
        fs::write(tree.join("ballast"), "ballast ".repeat(4000)).expect("writes");
    }
    // A mixture of two states would show.
    let text = format!("{builder} {number}");
    for name in ["a", "b", "c"] {
        fs::write(tree.join(name), &text).expect("writes");
    }
    fs::write(tree.join(format!("by-{builder}")), &text).expect("writes");
    let basis = latest.as_ref().zip(known.as_ref());
    let basis = basis.map(|(latest, known)| Basis { blobs: &blobs, manifest: latest.manifest, known: Some(known) });
    let options = PackOptions { threads: 2, ..PackOptions::default() };
    let staged = open(&staging);
    let packed = pack(&HostFs, &open(&tree), &staged, &options, basis.as_ref(), &|| false).expect("packs");
    let meta = PublishMeta { build: format!("{builder}x{number}"), finished: number, parent: None };
    let snapshot = store.publish(&scope, &packed, &staged, &meta).expect("publishes");
    drop(lease);
    *kept = KnownTree::from_file(File::open(staging.join("known")).expect("there"));
    snapshot
}

#[test]
fn l9_many_builds_beside_collection_and_verification() {
    let place = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory");
    let root = place.path();
    fs::create_dir(root.join("store")).expect("makes");
    let store = || Store::open(open(&root.join("store")), Arc::new(HostFs)).expect("opens");
    store();
    let done = AtomicBool::new(false);
    let (collections, verifications) = (AtomicU64::new(0), AtomicU64::new(0));
    let published: Vec<Snapshot> = std::thread::scope(|threads| {
        let builders: Vec<_> = (0..BUILDERS)
            .map(|builder| {
                threads.spawn(move || {
                    let mut kept = None;
                    (0..BUILDS).map(|number| build(root, builder, number, &mut kept)).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.spawn(|| {
            while !done.load(Ordering::Acquire) {
                store().gc(&GcOptions { keep_last: 2, ..GcOptions::default() }).expect("collects");
                collections.fetch_add(1, Ordering::AcqRel);
            }
        });
        threads.spawn(|| {
            while !done.load(Ordering::Acquire) {
                let options = VerifyOptions { deep: true, repair: false };
                assert_eq!(store().verify(&options, &|| false).expect("verifies").problems, []);
                verifications.fetch_add(1, Ordering::AcqRel);
            }
        });
        let all = builders.into_iter().map(|builder| builder.join());
        let all: Vec<_> = all.collect();
        done.store(true, Ordering::Release);
        all.into_iter().flat_map(|builds| builds.expect("no build failed")).collect()
    });
    assert_eq!(published.len() as u64, BUILDERS * BUILDS);
    assert!(collections.into_inner() > 0 && verifications.into_inner() > 0);
    for number in 0..VOLUMES {
        let latest = store().latest(&scope(number)).expect("reads").expect("one");
        let own = |snapshot: &&Snapshot| {
            let builder: u64 = snapshot.build.split('x').next().and_then(|text| text.parse().ok()).expect("a number");
            builder % VOLUMES == number
        };
        let last = published.iter().filter(own).max_by_key(|snapshot| snapshot.sequence).expect("one");
        assert_eq!(&latest, last);
        let target = root.join(format!("target-{number}"));
        fs::create_dir(&target).expect("makes");
        let blobs = store().blobs().expect("opens");
        unpack(&HostFs, &blobs, &latest.manifest, &open(&target), &UnpackLimits::default(), &|| false)
            .expect("restores");
        let text = latest.build.replace('x', " ");
        for name in ["a", "b", "c"] {
            assert_eq!(fs::read_to_string(target.join(name)).expect("reads"), text);
        }
    }
}
