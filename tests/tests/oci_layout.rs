//! The store as others see it: an OCI image layout, and exports that are ordinary tarballs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};
use stepbox_tests::Place;

/// Two builds of one volume, one of another.
fn store() -> (Place, PathBuf) {
    let place = Place::new().commands(&["echo data >> /codefresh/volume/file; ln -sf file /codefresh/volume/link"]);
    for volume in ["one", "one", "two"] {
        let run = place.run(["run", "--volume", volume]);
        assert_eq!(run.status, 0, "{run:?}");
    }
    let store = place.path("state/store");
    (place, store)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("is there")).expect("is JSON")
}

/// The blob of a descriptor, which must be what the descriptor says.
fn blob(store: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().and_then(|digest| digest.strip_prefix("sha256:")).expect("a digest");
    let data = fs::read(store.join("blobs/sha256").join(digest)).expect("is there");
    assert_eq!(descriptor["size"].as_u64(), Some(data.len() as u64), "{descriptor}");
    assert_eq!(hash(&data), digest);
    data
}

fn hash(data: &[u8]) -> String {
    Sha256::digest(data).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_store_is_an_oci_image_layout() {
    let (_place, store) = store();
    assert_eq!(json(&store.join("oci-layout")), serde_json::json!({ "imageLayoutVersion": "1.0.0" }));
    let index = json(&store.join("index.json"));
    assert_eq!(index["schemaVersion"], 2);
    assert_eq!(index["mediaType"], "application/vnd.oci.image.index.v1+json");
    let manifests = index["manifests"].as_array().expect("a list");
    assert_eq!(manifests.len(), 2, "one for each volume: {index}");
    let mut tags = BTreeSet::new();
    for descriptor in manifests {
        assert_eq!(descriptor["mediaType"], "application/vnd.oci.image.manifest.v1+json");
        let tag = descriptor["annotations"]["org.opencontainers.image.ref.name"].as_str().expect("a tag");
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!(tag.len() <= 128 && tag.bytes().all(good), "{tag}");
        assert!(tags.insert(tag), "two volumes share the tag {tag}");
        let manifest: Value = serde_json::from_slice(&blob(&store, descriptor)).expect("is JSON");
        assert_eq!(manifest["schemaVersion"], 2);
        assert_eq!(manifest["mediaType"], descriptor["mediaType"]);
        assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.image.config.v1+json");
        let config: Value = serde_json::from_slice(&blob(&store, &manifest["config"])).expect("is JSON");
        assert!(config["architecture"].is_string() && config["os"] == "linux", "{config}");
        let layers = manifest["layers"].as_array().expect("a list");
        assert_eq!(layers[0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
        for layer in layers {
            blob(&store, layer);
        }
        let ids = config["rootfs"]["diff_ids"].as_array().expect("a list");
        assert_eq!(ids.len(), layers.len());
        for (layer, id) in layers.iter().zip(ids) {
            let data = zstd::stream::decode_all(&blob(&store, layer)[..]).expect("is zstd");
            assert_eq!(id, &format!("sha256:{}", hash(&data)), "the id of a layer is that of its uncompressed bytes");
        }
        assert_eq!(names(&blob(&store, &layers[0]))[..2], ["file", "link"]);
    }
    // Every blob is what its name says, those of older snapshots too.
    for entry in fs::read_dir(store.join("blobs/sha256")).expect("lists") {
        let path = entry.expect("an entry").path();
        assert_eq!(path.file_name().expect("has one").display().to_string(), hash(&fs::read(&path).expect("reads")));
    }
}

/// What a tarball holds, read by others' code.
fn names(data: &[u8]) -> Vec<String> {
    let mut text = vec![];
    zstd::stream::Decoder::new(data).expect("is zstd").read_to_end(&mut text).expect("is zstd");
    let mut archive = tar::Archive::new(&text[..]);
    let entries = archive.entries().expect("is tar");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").path().expect("a path").display().to_string())
        .map(|name| name.trim_start_matches("./").trim_end_matches('/').to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    names.sort();
    names
}

#[test]
fn an_export_is_an_ordinary_tarball() {
    let (place, _) = store();
    let export = place.path("export.tar.zst");
    let run = place.run(["volume".as_ref(), "export".as_ref(), "one".as_ref(), "-o".as_ref(), export.as_os_str()]);
    assert_eq!(run.status, 0, "{run:?}");
    let data = fs::read(&export).expect("is there");
    assert_eq!(names(&data), ["file", "link", "project", "project/codefresh.yml"]);
    assert!(run.stdout.starts_with(&format!("sha256:{} ", hash(&data))), "{run:?}");
}

#[test]
fn an_export_holds_what_the_steps_have_made() {
    let long = "n".repeat(150);
    let place = Place::new().commands(&[
        "cd /codefresh/volume && mkdir -p d/empty && printf data > d/file && ln -s file d/link",
        "printf '#!/bin/sh\\n' > script && : > nothing",
        &format!("mkdir {long} && echo deep > {long}/{long}; echo spaced > 'a b'; echo accent > größe"),
        "touch -d '2024-01-02 03:04:05' d/file; rm -rf project",
    ]);
    let run = place.run(["run"]);
    assert_eq!(run.status, 0, "{run:?}");
    let run = place.run(["volume", "export", "codefresh.yml", "-o", "."]);
    assert_eq!(run.status, 0, "{run:?}");
    let name = run.stdout.split_whitespace().last().expect("the file's name").to_owned();
    let data = fs::read(place.path("project").join(&name)).expect("reads");
    assert_eq!(name.trim_start_matches("./").trim_end_matches(".tar.zst"), hash(&data));
    let tar = zstd::stream::decode_all(&data[..]).expect("zstd reads it");
    let mut found = BTreeMap::new();
    for entry in tar::Archive::new(&tar[..]).entries().expect("tar reads it") {
        let mut entry = entry.expect("an entry");
        let mut text = String::new();
        entry.read_to_string(&mut text).expect("reads");
        let link = entry.link_name().expect("reads").map(|link| format!(" -> {}", link.display())).unwrap_or_default();
        let header = entry.header();
        let (kind, mode) = (header.entry_type(), header.mode().expect("a mode"));
        assert_eq!((header.uid().expect("a user"), header.gid().expect("a group")), (0, 0));
        if text == "data" {
            assert_eq!(header.mtime().expect("a time"), 1_704_164_645);
        }
        let path = entry.path().expect("a path").display().to_string();
        found.insert(path, format!("{kind:?} {mode:o}{link} {text:?}"));
    }
    let expected = [
        ("a b", "Regular 644 \"spaced\\n\""),
        ("d/", "Directory 755 \"\""),
        ("d/empty/", "Directory 755 \"\""),
        ("d/file", "Regular 644 \"data\""),
        ("d/link", "Symlink 777 -> file \"\""),
        ("größe", "Regular 644 \"accent\\n\""),
        (&format!("{long}/"), "Directory 755 \"\""),
        (&format!("{long}/{long}"), "Regular 644 \"deep\\n\""),
        ("nothing", "Regular 644 \"\""),
        ("script", "Regular 644 \"#!/bin/sh\\n\""),
    ];
    let expected: BTreeMap<_, _> =
        expected.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
    assert_eq!(found, expected);
}

#[test]
fn state_may_be_on_another_disk_than_everything_else() {
    use std::os::unix::fs::MetadataExt;
    let place = Place::new().commands(&["echo line >> /codefresh/volume/file; cat /codefresh/volume/file"]);
    let Ok(other) = tempfile::tempdir_in("/dev/shm") else { return };
    let device = |path: &Path| fs::metadata(path).expect("is there").dev();
    if device(other.path()) == device(&place.path("project")) {
        eprintln!("not checked: there is one disk only");
    }
    let run = || place.finish(place.command(["run"]).env("STEPBOX_HOME", other.path().join("state")));
    assert!(run().stdout.ends_with("0 MB, without history\nline\n"));
    assert!(run().stdout.ends_with("0 MB, without history\nline\nline\n"));
}
