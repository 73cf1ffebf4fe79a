//! The commands of the family, with archives of GNU tar, Info-ZIP and the compressors beside ours.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use stepbox_tool::testing::{run, run_bytes};
use tempfile::TempDir;

fn call(words: &[&str]) -> (String, String, i32) {
    run(stepbox_archive::find_tool, words, "")
}

/// A directory `d` with files, a link and modes, all of one time.
fn tree() -> TempDir {
    let directory = TempDir::new().expect("a directory");
    let d = directory.path().join("d");
    fs::create_dir_all(d.join("sub")).expect("makes");
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for (name, text, mode) in [("a.txt", "hello\n", 0o644), ("sub/b", "bye\n", 0o755)] {
        let path = d.join(name);
        fs::write(&path, text).expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("sets");
        fs::File::options().append(true).open(&path).expect("opens").set_modified(time).expect("sets");
    }
    symlink("a.txt", d.join("l")).expect("links");
    directory
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}

#[test]
fn what_tar_packs_it_lists_and_unpacks() {
    let place = tree();
    let root = text(place.path());
    for (letter, suffix) in [("", ""), ("z", ".gz"), ("j", ".bz2"), ("J", ".xz"), ("a", ".zst")] {
        let archive = format!("{root}/x.tar{suffix}");
        let packed = call(&["tar", &format!("-{letter}cvf"), &archive, "-C", root, "d"]);
        assert_eq!(packed, ("d/\nd/a.txt\nd/l\nd/sub/\nd/sub/b\n".to_owned(), String::new(), 0), "{suffix}");
        assert_eq!(call(&["tar", "tf", &archive]).0, packed.0, "{suffix}");
        let target = place.path().join(format!("out{suffix}"));
        fs::create_dir(&target).expect("makes");
        let unpacked = call(&["tar", "-xf", &archive, "-C", text(&target), "--strip-components=1"]);
        assert_eq!(unpacked, (String::new(), String::new(), 0), "{suffix}");
        assert_eq!(fs::read_to_string(target.join("l")).expect("reads"), "hello\n");
        let b = fs::metadata(target.join("sub/b")).expect("is there");
        assert_eq!(b.permissions().mode() & 0o777, 0o755);
        assert_eq!(b.modified().expect("told"), SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000));
    }
    let archive = format!("{root}/x.tar");
    let listed = call(&["tar", "-tvf", &archive, "d/a.txt", "d/sub/b"]).0;
    let expected = "-rw-r--r-- root/root         6 2023-11-14 22:13 d/a.txt\n-rwxr-xr-x root/root         4 2023-11-14 22:13 d/sub/b\n";
    assert_eq!(listed, expected);
    assert_eq!(call(&["tar", "-xOf", &archive, "d/sub/b"]).0, "bye\n");
    assert_eq!(call(&["tar", "-tf", &archive, "--exclude=sub"]).0, "d/\nd/a.txt\nd/l\n");
    let missing = "tar: x: Not found in archive\ntar: Exiting with failure status due to previous errors\n";
    assert_eq!(call(&["tar", "-tf", &archive, "x"]), (String::new(), missing.to_owned(), 2));
    assert_eq!(call(&["tar", "-rf", &archive, "-C", root, "d/a.txt"]).2, 0);
    assert!(call(&["tar", "-tf", &archive]).0.ends_with("d/sub/b\nd/a.txt\n"));
}

#[test]
fn tar_words_its_faults_like_gnu() {
    let place = tree();
    let root = text(place.path());
    let archive = format!("{root}/x.tar");
    let expected =
        "tar: no: Cannot stat: No such file or directory\ntar: Exiting with failure status due to previous errors\n";
    assert_eq!(call(&["tar", "-cf", &archive, "no"]), (String::new(), expected.to_owned(), 2));
    let (_, errors, status) = call(&["tar", "-xf", &format!("{root}/none.tar")]);
    let expected = format!(
        "tar: {root}/none.tar: Cannot open: No such file or directory\ntar: Error is not recoverable: exiting now\n"
    );
    assert_eq!((errors, status), (expected, 2));
    for (option, words) in [("--transform", "--transform=s/a/b/"), ("-W", "-W")] {
        let (_, errors, status) = call(&["tar", "-c", words, "-f", &archive, "d"]);
        assert_eq!(
            (errors.lines().next(), status),
            (Some(format!("tar: option `{option}` is not supported").as_str()), 2)
        );
    }
    let outside = call(&["tar", "-cf", &archive, &format!("{root}/d/a.txt")]);
    assert_eq!((outside.1.as_str(), outside.2), ("tar: Removing leading `/' from member names\n", 0));
    assert!(!call(&["tar", "-tf", &archive]).0.starts_with('/'));
}

#[test]
fn hostile_archives_stay_inside() {
    let place = TempDir::new().expect("a directory");
    let target = place.path().join("target");
    fs::create_dir(&target).expect("makes");
    let mut builder = tar::Builder::new(vec![]);
    let mut add = |name: &str, kind: tar::EntryType, link: &str, data: &[u8]| {
        let mut header = tar::Header::new_gnu();
        // Written by hand: the library refuses such names.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(0o644);
        header.set_size(data.len() as u64);
        if !link.is_empty() {
            header.set_link_name(link).expect("fits");
        }
        header.set_cksum();
        builder.append(&header, data).expect("writes");
    };
    add("../escaped", tar::EntryType::Regular, "", b"1");
    add("a/../../escaped", tar::EntryType::Regular, "", b"2");
    add("link", tar::EntryType::Symlink, "..", b"");
    add("link/escaped", tar::EntryType::Regular, "", b"3");
    add("good", tar::EntryType::Regular, "", b"4");
    let archive = place.path().join("x.tar");
    fs::write(&archive, builder.into_inner().expect("ends")).expect("writes");
    let (_, errors, status) = call(&["tar", "-xf", text(&archive), "-C", text(&target)]);
    assert_eq!(status, 2, "{errors}");
    assert!(!place.path().join("escaped").exists(), "{errors}");
    assert_eq!(fs::read_to_string(target.join("good")).expect("reads"), "4");
}

#[test]
fn what_others_compressed_is_expanded() {
    // Made by gzip, bzip2, xz and zstd of `hello`.
    for (name, bytes) in [
        ("zcat", &b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xe7\x02\x00\x20\x30\x3a\x36\x06\x00\x00\x00"[..]),
        ("bzcat", &b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xc1\xc0\x80\xe2\x00\x00\x01\x41\x00\x00\x10\x02\x44\xa0\x00\x30\xcd\x00\xc3\x46\x29\x97\x17\x72\x45\x38\x50\x90\xc1\xc0\x80\xe2"[..]),
        ("xzcat", &b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\x01\x00\x05\x68\x65\x6c\x6c\x6f\x0a\x00\x00\x00\xa5\x60\x97\xf1\x94\xf6\xfd\xe0\x00\x01\x1e\x06\xc1\x2f\xa4\x1d\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a"[..]),
        ("zstdcat", &b"\x28\xb5\x2f\xfd\x04\x58\x31\x00\x00\x68\x65\x6c\x6c\x6f\x0a\x53\x88\xbd\x91"[..]),
    ] {
        assert_eq!(run_bytes(stepbox_archive::find_tool, &[name], bytes), (b"hello\n".to_vec(), vec![], 0), "{name}");
    }
    for (small, large) in [("gzip", "zcat"), ("bzip2", "bzcat"), ("xz", "xzcat"), ("zstd", "zstdcat")] {
        let input: Vec<u8> = (0..100_000_u32).flat_map(|number| (number / 7).to_le_bytes()).collect();
        let (packed, errors, status) = run_bytes(stepbox_archive::find_tool, &[small, "-c"], &input);
        assert_eq!((errors.as_slice(), status), (&b""[..], 0), "{small}");
        assert!(packed.len() < input.len() / 2, "{small}: {}", packed.len());
        let (expanded, errors, status) = run_bytes(stepbox_archive::find_tool, &[large], &packed);
        assert_eq!((expanded == input, errors.as_slice(), status), (true, &b""[..], 0), "{large}");
        let half = run_bytes(stepbox_archive::find_tool, &[large], &packed[..packed.len() / 2]);
        assert_eq!(half.2, 1, "{large}");
    }
}

#[test]
fn gzip_replaces_files() {
    let place = tree();
    let file = place.path().join("d/a.txt");
    let packed = place.path().join("d/a.txt.gz");
    assert_eq!(call(&["gzip", text(&file)]), (String::new(), String::new(), 0));
    assert!(!file.exists() && packed.exists());
    let again = call(&["gzip", text(&packed)]);
    let expected = format!("gzip: {} already has .gz suffix -- unchanged\n", packed.display());
    assert_eq!(again, (String::new(), expected, 2));
    assert_eq!(call(&["gunzip", "-k", text(&packed)]), (String::new(), String::new(), 0));
    assert!(file.exists() && packed.exists());
    assert_eq!(call(&["zcat", text(&packed)]).0, "hello\n");
    let (_, errors, status) = call(&["gunzip", "-c", text(&file)]);
    assert_eq!(
        (errors, status),
        (format!("gzip: {}: not in gzip format\n", file.display()).replace("gzip:", "gunzip:"), 1)
    );
}

#[test]
fn zip_and_unzip_understand_each_other() {
    let place = tree();
    let root = text(place.path());
    let archive = format!("{root}/x.zip");
    assert_eq!(call(&["zip", "-jq", &archive, &format!("{root}/d/a.txt")]), (String::new(), String::new(), 0));
    let again = call(&["zip", "-j", &archive, &format!("{root}/d/a.txt"), &format!("{root}/d/sub/b")]);
    assert_eq!(again.0, "updating: a.txt (stored 0%)\n  adding: b (stored 0%)\n");
    assert_eq!(call(&["unzip", "-Z1", &archive]).0, "a.txt\nb\n");
    assert_eq!(call(&["unzip", "-p", &archive, "a.txt"]).0, "hello\n");
    let target = format!("{root}/out");
    let unpacked = call(&["unzip", "-q", &archive, "-d", &target]);
    assert_eq!(unpacked, (String::new(), String::new(), 0));
    assert_eq!(fs::read_to_string(format!("{target}/b")).expect("reads"), "bye\n");
    let (_, errors, status) = call(&["unzip", "-q", &archive, "-d", &target]);
    assert!(errors.contains("-o replaces, -n keeps") && status == 2, "{errors}");
    assert_eq!(call(&["unzip", "-t", &archive, "zz"]).2, 11);
    assert_eq!(call(&["unzip", "none"]).2, 9);
    let (_, errors, status) = call(&["zip", &format!("{root}/y.zip"), "none"]);
    assert_eq!(
        (errors, status),
        (format!("\tzip warning: name not matched: none\n\nzip error: Nothing to do! ({root}/y.zip)\n"), 12)
    );
}
