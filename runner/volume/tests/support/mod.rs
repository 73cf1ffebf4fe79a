//! What tests of snapshots look at.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Everything that a snapshot keeps of a tree; of the inode, which paths share it.
pub(crate) fn picture(root: &Path) -> BTreeMap<Vec<u8>, String> {
    let (mut out, mut first) = (BTreeMap::new(), BTreeMap::new());
    let mut left = vec![root.to_owned()];
    let mut all = vec![];
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(at).expect("lists") {
            let path = entry.expect("an entry").path();
            if fs::symlink_metadata(&path).expect("stats").is_dir() {
                left.push(path.clone());
            }
            all.push(path);
        }
    }
    all.sort();
    for path in all {
        let metadata = fs::symlink_metadata(&path).expect("stats");
        let name = path.strip_prefix(root).expect("below").as_os_str().as_bytes().to_vec();
        let what = if metadata.is_symlink() {
            format!("{:?}", fs::read_link(&path).expect("reads"))
        } else if metadata.is_dir() {
            "directory".to_owned()
        } else {
            let same = first.entry(metadata.ino()).or_insert_with(|| name.clone());
            format!("file {same:?} {:?}", fs::read(&path).expect("reads"))
        };
        out.insert(name, format!("{:o} {} {} {what}", metadata.mode(), metadata.mtime(), metadata.mtime_nsec()));
    }
    out
}
