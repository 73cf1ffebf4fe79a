//! Whatever tree a build leaves, restoring what was packed gives it back.

mod support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use proptest::prelude::*;
use stepbox_volume::{Digest, HostFs, PackOptions, Packed, PublishMeta, Scope, Store, UnpackLimits, pack, unpack};
use support::picture;

#[derive(Clone, Debug)]
enum Node {
    File {
        data: Vec<u8>,
        mode: u32,
        mtime: (i64, u32),
    },
    Directory {
        children: Vec<(Vec<u8>, Node)>,
        mode: u32,
        mtime: (i64, u32),
    },
    Symlink {
        target: Vec<u8>,
    },
    /// To the file that was made last.
    HardLink,
}

fn names() -> impl Strategy<Value = Vec<u8>> {
    let odd =
        prop::sample::select(vec![&b".wh.x"[..], b"a\nb", b"\xff\xfe", b"...", b" ", b"-rf", b"a.", b"caf\xc3\xa9"]);
    prop_oneof![
        4 => prop::collection::vec(prop::sample::select(b"abcAB.-_".to_vec()), 1..6),
        1 => odd.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(1u8..=255, 1..40),
        1 => Just(vec![b'n'; 255]),
    ]
    .prop_filter("a name", |name| !matches!(name.as_slice(), b"." | b"..") && !name.contains(&b'/'))
}

fn times() -> impl Strategy<Value = (i64, u32)> {
    (
        prop_oneof![Just(0), Just(-1), 1_600_000_000..1_800_000_000i64, Just(5_000_000_000)],
        prop_oneof![Just(0), 0..1_000_000_000u32],
    )
}

fn nodes() -> impl Strategy<Value = Node> {
    let data = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 0..600),
        1 => (0..3usize, any::<u8>()).prop_map(|(more, byte)| vec![byte; (1 << 20) - 1 + more]),
    ];
    let leaf = prop_oneof![
        6 => (data, 0..0o1000u32, times()).prop_map(|(data, mode, mtime)| Node::File { data, mode: mode | 0o600, mtime }),
        1 => prop::collection::vec(1u8..=255, 1..300).prop_map(|target| Node::Symlink { target }),
        1 => Just(Node::HardLink),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        (prop::collection::vec((names(), inner), 0..6), 0..0o1000u32, times())
            .prop_map(|(children, mode, mtime)| Node::Directory { children, mode: mode | 0o700, mtime })
    })
}

fn set(path: &Path, mode: u32, (seconds, nanoseconds): (i64, u32)) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("sets");
    let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: nanoseconds.into() };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    rustix::fs::utimensat(rustix::fs::CWD, path, &times, rustix::fs::AtFlags::empty()).expect("sets");
}

/// Makes a node; names that are taken are passed over. `reverse` makes the children in the other order.
fn make(path: &Path, node: &Node, reverse: bool, last: &mut Option<std::path::PathBuf>) {
    match node {
        Node::File { data, mode, mtime } => {
            fs::write(path, data).expect("writes");
            set(path, *mode, *mtime);
            *last = Some(path.to_owned());
        }
        Node::Directory { children, mode, mtime } => {
            fs::create_dir(path).expect("makes");
            let unique: BTreeMap<_, _> = children.iter().map(|(name, node)| (name, node)).collect();
            let mut order: Vec<_> = unique.into_iter().collect();
            if reverse {
                order.reverse();
            }
            for (name, child) in order {
                make(&path.join(OsStr::from_bytes(name)), child, reverse, last);
            }
            set(path, *mode, *mtime);
        }
        Node::Symlink { target } => symlink(OsStr::from_bytes(target), path).expect("links"),
        Node::HardLink => {
            if let Some(last) = last {
                fs::hard_link(last, path).expect("links");
            }
        }
    }
}

fn open(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).expect("opens")
}

fn packed(volume: &Path, staging: &Path, threads: usize) -> Packed {
    fs::create_dir(staging).expect("makes");
    let options = PackOptions { threads, ..PackOptions::default() };
    pack(&HostFs, &open(volume), &open(staging), &options, None, &|| false).expect("packs")
}

/// The new layer and index.
fn blobs_of(packed: &Packed) -> (Digest, Digest) {
    let added = packed.added.as_ref().expect("a layer");
    (added.layer.digest, added.index.digest)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn l5_any_tree_is_restored_as_it_was(children in prop::collection::vec((names(), nodes()), 0..8)) {
        let place = tempfile::tempdir().expect("a directory");
        let at = |name: &str| place.path().join(name);
        let tree = Node::Directory { children, mode: 0o755, mtime: (0, 0) };
        make(&at("volume"), &tree, false, &mut None);
        let one = packed(&at("volume"), &at("staging"), 3);
        fs::create_dir(at("store")).expect("makes");
        let store = Store::open(open(&at("store")), Arc::new(HostFs)).expect("opens");
        let meta = PublishMeta { build: "b".to_owned(), finished: 0, parent: None };
        let snapshot = store.publish(&Scope::volume("v"), &one, &open(&at("staging")), &meta).expect("publishes");
        fs::create_dir(at("target")).expect("makes");
        let blobs = store.blobs().expect("opens");
        unpack(&HostFs, &blobs, &snapshot.manifest, &open(&at("target")), &UnpackLimits::default(), &|| false)
            .expect("restores");
        prop_assert_eq!(picture(&at("target")), picture(&at("volume")));
        // What was restored packs to the same bytes, with any number of threads.
        let again = packed(&at("target"), &at("again"), 1);
        prop_assert_eq!(blobs_of(&again), blobs_of(&one));
    }

    #[test]
    fn l7_4_the_order_of_making_does_not_matter(children in prop::collection::vec((names(), nodes()), 0..8)) {
        let place = tempfile::tempdir().expect("a directory");
        let at = |name: &str| place.path().join(name);
        // Which file a hard link is to would depend on the order; the others do not.
        let tree = without_links(&Node::Directory { children, mode: 0o755, mtime: (0, 0) });
        make(&at("one"), &tree, false, &mut None);
        make(&at("two"), &tree, true, &mut None);
        let (one, two) = (packed(&at("one"), &at("staging-1"), 2), packed(&at("two"), &at("staging-2"), 2));
        prop_assert_eq!(one.tree_digest, two.tree_digest);
        prop_assert_eq!(blobs_of(&one), blobs_of(&two));
    }
}

/// Without links: a symbolic link has the time at which it was made.
fn without_links(node: &Node) -> Node {
    match node {
        Node::Directory { children, mode, mtime } => {
            let kept = children.iter().filter(|(_, child)| !matches!(child, Node::Symlink { .. } | Node::HardLink));
            let children = kept.map(|(name, child)| (name.clone(), without_links(child))).collect();
            Node::Directory { children, mode: *mode, mtime: *mtime }
        }
        other => other.clone(),
    }
}
