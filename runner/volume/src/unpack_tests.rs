//! Restoring from stores that lie: an index that was made by hand, with a manifest that names it.

use std::os::unix::fs::PermissionsExt;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use tempfile::TempDir;

use crate::index::{Entry, Frame, Index, Kind, Place};
use crate::manifest::{Below, build};
use crate::{
    Added, Digest, HostFs, PackOptions, Packed, StagedBlob, UnpackLimits, Unpacked, VolumeError, VolumeErrorKind,
};

/// A volume of a directory `d` and the files `d/a` and `e`, packed; its index can be changed before it is restored.
struct Forgery {
    place: TempDir,
    packed: Packed,
    index: Index,
}

impl Forgery {
    fn new() -> Self {
        let place = tempfile::tempdir().expect("a directory");
        for name in ["volume", "blobs", "target", "volume/d"] {
            std::fs::create_dir(place.path().join(name)).expect("makes");
        }
        std::fs::write(place.path().join("volume/d/a"), "first").expect("writes");
        std::fs::write(place.path().join("volume/e"), "second").expect("writes");
        let open = |name: &str| Dir::open_ambient_dir(place.path().join(name), ambient_authority()).expect("opens");
        let packed = crate::pack(&HostFs, &open("volume"), &open("blobs"), &PackOptions::default(), None, &|| false);
        let packed = packed.expect("packs");
        let blobs = place.path().join("blobs");
        std::fs::rename(blobs.join("layer"), blobs.join(layer_of(&packed).hex())).expect("renames");
        let blob = std::fs::read(blobs.join("index")).expect("reads");
        let index = Index::decode(&blob, 100).expect("decodes");
        Self { place, packed, index }
    }

    fn change(mut self, change: impl FnOnce(&mut Index)) -> Self {
        change(&mut self.index);
        self
    }

    fn entry(self, at: usize, change: impl FnOnce(&mut Entry)) -> Self {
        self.change(|index| change(&mut index.entries[at]))
    }

    fn restore(&self) -> Result<Unpacked, VolumeError> {
        self.restore_within(&UnpackLimits::default())
    }

    fn restore_within(&self, limits: &UnpackLimits) -> Result<Unpacked, VolumeError> {
        let put = |data: &[u8]| {
            let digest = Digest::of(data);
            std::fs::write(self.place.path().join("blobs").join(digest.hex()), data).expect("writes");
            digest
        };
        let blob = self.index.encode().expect("encodes").0;
        let staged = StagedBlob { name: String::new(), digest: put(&blob), size: blob.len() as u64 };
        let added = self.packed.added.clone().expect("a layer");
        let below = Below { layers: vec![], diff_ids: vec![] };
        let (_, manifest) = build(&self.packed, &Added { index: staged, ..added }, below).expect("builds");
        let open =
            |name: &str| Dir::open_ambient_dir(self.place.path().join(name), ambient_authority()).expect("opens");
        crate::unpack(&HostFs, &open("blobs"), &put(&manifest), &open("target"), limits, &|| false)
    }

    /// What the error says; nothing may have been made.
    fn refused(&self) -> String {
        let error = self.restore().expect_err("it is a forgery");
        assert_eq!(error.kind(), VolumeErrorKind::Corrupt, "{error}");
        let made = std::fs::read_dir(self.place.path().join("target")).expect("lists").count();
        assert_eq!(made, 0, "{error}");
        error.to_string()
    }
}

fn layer_of(packed: &Packed) -> Digest {
    packed.added.as_ref().expect("a layer").layer.digest
}

fn link(path: &str, target: &str) -> Entry {
    let kind = Kind::Symlink { target: target.into() };
    Entry { path: path.into(), mode: 0o777, mtime: (0, 0), kind }
}

#[test]
fn the_honest_index_is_restored() {
    assert_eq!(Forgery::new().restore().expect("restores").entries, 3);
}

#[test]
fn paths_that_leave_the_volume_are_refused() {
    let long = "x".repeat(256);
    let deep = "y/".repeat(600) + "y";
    let huge = vec!["z".repeat(255); 17].join("/");
    for path in ["", "/e", "../e", "e/..", "./e", "e/", "d//a", "e\0", &long, &deep, &huge] {
        let message = Forgery::new().entry(2, |entry| entry.path = path.into()).refused();
        assert!(message.contains("bad entry"), "{path:?}: {message}");
    }
}

#[test]
fn nothing_lies_below_a_link_or_a_file_or_nowhere() {
    for (first, why) in [
        (link("d", "/etc"), "its directory is missing"),
        (Entry { kind: Kind::Directory, ..link("c", "") }, "its directory is missing"),
    ] {
        let message = Forgery::new().entry(0, |entry| *entry = first).refused();
        assert!(message.ends_with(why), "{message}");
    }
    let message = Forgery::new().entry(2, |entry| entry.path = b"d/a/b".to_vec()).refused();
    assert!(message.ends_with("its directory is missing"), "{message}");
}

#[test]
fn nothing_is_there_twice_or_out_of_order() {
    let message = Forgery::new().change(|index| index.entries.push(link("e", "d"))).refused();
    assert!(message.ends_with("out of order"), "{message}");
    let message = Forgery::new().change(|index| index.entries.swap(0, 2)).refused();
    assert!(message.contains("bad entry"), "{message}");
}

#[test]
fn hard_links_lead_to_earlier_files_of_the_snapshot_only() {
    for target in ["/etc/passwd", "../e", "d", "z", "f"] {
        let kind = Kind::HardLink { target: target.into() };
        let entry = Entry { kind, ..link("f", "") };
        let message = Forgery::new().change(|index| index.entries.push(entry)).refused();
        assert!(message.ends_with("it is a hard link to no earlier file"), "{target}: {message}");
    }
}

#[test]
fn modes_that_give_rights_and_times_that_are_none_are_refused() {
    for mode in [0o4755, 0o2755, 0o100_644] {
        let message = Forgery::new().entry(2, |entry| entry.mode = mode).refused();
        assert!(message.ends_with("its mode or time is none that a snapshot keeps"), "{message}");
    }
    Forgery::new().entry(2, |entry| entry.mtime.1 = 1_000_000_000).refused();
}

#[test]
fn contents_lie_in_the_layer_and_are_not_shared() {
    let place = |at: usize, new_offset: u64, new_size: u64| {
        Forgery::new().entry(at, |entry| {
            if let Kind::File { place, size, .. } = &mut entry.kind {
                (place.offset, *size) = (new_offset, new_size);
            }
        })
    };
    let message = Forgery::new().entry(1, |entry| {
        if let Kind::File { place, .. } = &mut entry.kind {
            *place = Place { layer: 1, ..*place };
        }
    });
    assert!(message.refused().ends_with("it is in a layer that there is not"));
    for forgery in [place(2, 0, 5), place(2, u64::MAX, 5), place(1, 0, u64::MAX), place(2, 1 << 40, 0)] {
        assert!(forgery.refused().ends_with("its contents lie outside the layer or in another's"));
    }
}

#[test]
fn wrong_frames_and_wrong_digests_are_noticed() {
    for frame in [
        Frame { raw: u32::MAX, stored: 10 },
        Frame { raw: 10, stored: u32::MAX },
        Frame { raw: 3000, stored: 0 },
        Frame { raw: 1 << 20, stored: 10 },
    ] {
        Forgery::new().change(|index| index.layers[0].frames[0] = frame).refused();
    }
    // The layer is read from here on, so that directories are there already; the target is thrown away by the caller.
    let forgery = Forgery::new().change(|index| index.layers[0].frames[0].raw -= 1);
    assert_eq!(forgery.restore().expect_err("a wrong length").kind(), VolumeErrorKind::Corrupt);
    let forgery = Forgery::new().entry(1, |entry| {
        if let Kind::File { digest, .. } = &mut entry.kind {
            *digest = Digest::of(b"other");
        }
    });
    let message = forgery.restore().expect_err("a wrong digest").to_string();
    assert_eq!(message, format!("blob {} is damaged", layer_of(&forgery.packed)));
}

#[test]
fn an_index_of_another_layer_is_refused() {
    let message = Forgery::new().change(|index| index.layers[0].digest = Digest::of(b"other")).refused();
    assert_eq!(message, "the index is of other layers than the manifest names");
}

#[test]
fn limits_are_kept() {
    let few = UnpackLimits { entries: 2, ..UnpackLimits::default() };
    Forgery::new().restore_within(&few).expect_err("three entries");
    let small = UnpackLimits { raw_bytes: 10, ..UnpackLimits::default() };
    let error = Forgery::new().restore_within(&small).expect_err("eleven bytes");
    assert_eq!(error.kind(), VolumeErrorKind::Limit);
}

#[test]
fn a_target_that_is_not_empty_is_never_written_through() {
    let forgery = Forgery::new();
    let outside = forgery.place.path().join("outside");
    std::fs::write(&outside, "untouched").expect("writes");
    std::os::unix::fs::symlink(&outside, forgery.place.path().join("target/e")).expect("links");
    forgery.restore().expect_err("something is there");
    assert_eq!(std::fs::read_to_string(outside).expect("reads"), "untouched");
}

#[test]
fn an_index_that_unpacks_without_end_is_refused() {
    let bomb = zstd::bulk::compress(&vec![0; 16 << 20], 3).expect("compresses");
    assert_eq!(Index::decode(&bomb, 100).expect_err("no index").kind(), VolumeErrorKind::Corrupt);
    for length in 0..64 {
        Index::decode(&vec![0xFF; length], 100).expect_err("no index");
    }
}

#[test]
fn every_shortened_index_is_refused() {
    let blob = Forgery::new().index.encode().expect("encodes").0;
    for length in 0..blob.len() {
        let error = Index::decode(&blob[..length], 100).expect_err("it is cut off");
        assert_eq!(error.kind(), VolumeErrorKind::Corrupt, "{length}");
    }
}

#[test]
fn modes_without_the_owner_are_remembered_and_archived_again() {
    let forgery = Forgery::new().entry(0, |entry| entry.mode = 0o555).entry(1, |entry| entry.mode = 0o044);
    forgery.restore().expect("restores");
    let target = forgery.place.path().join("target");
    let mode = |path: &str| std::fs::metadata(target.join(path)).expect("stats").permissions().mode() & 0o7777;
    if mode("d") == 0o555 {
        return; // This file system remembers nothing, so that the modes are the asked ones.
    }
    assert_eq!((mode("d"), mode("d/a")), (0o1755, 0o1644));
    std::fs::create_dir(forgery.place.path().join("staging")).expect("makes");
    let open = |name: &str| Dir::open_ambient_dir(forgery.place.path().join(name), ambient_authority()).expect("opens");
    let again = crate::pack(&HostFs, &open("target"), &open("staging"), &PackOptions::default(), None, &|| false);
    assert_eq!(again.expect("packs").tree_digest, forgery.index.tree_digest());
}
