//! The store as others see it: an OCI image layout, and exports that are ordinary tarballs.

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
    let hash: String = Sha256::digest(&data).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hash, digest);
    data
}

#[test]
fn the_store_is_an_oci_image_layout() {
    let (_place, store) = store();
    assert_eq!(json(&store.join("oci-layout")), serde_json::json!({ "imageLayoutVersion": "1.0.0" }));
    let index = json(&store.join("index.json"));
    assert_eq!(index["schemaVersion"], 2);
    let manifests = index["manifests"].as_array().expect("a list");
    assert_eq!(manifests.len(), 2, "one for each volume: {index}");
    for descriptor in manifests {
        assert_eq!(descriptor["mediaType"], "application/vnd.oci.image.manifest.v1+json");
        let tag = descriptor["annotations"]["org.opencontainers.image.ref.name"].as_str().expect("a tag");
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!(tag.len() <= 128 && tag.bytes().all(good), "{tag}");
        let manifest: Value = serde_json::from_slice(&blob(&store, descriptor)).expect("is JSON");
        assert_eq!(manifest["schemaVersion"], 2);
        assert_eq!(manifest["mediaType"], descriptor["mediaType"]);
        blob(&store, &manifest["config"]);
        let layers = manifest["layers"].as_array().expect("a list");
        assert_eq!(layers[0]["mediaType"], "application/vnd.oci.image.layer.v1.tar+zstd");
        for layer in layers {
            blob(&store, layer);
        }
        assert_eq!(names(&blob(&store, &layers[0]))[..2], ["file", "link"]);
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
    let hash: String = Sha256::digest(&data).iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(run.stdout.starts_with(&format!("sha256:{hash} ")), "{run:?}");
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
