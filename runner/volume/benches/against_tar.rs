//! Ratios of processor time against `tar | zstd -3`, and restic and borg where they are installed, from one run on one
//! machine: `cargo bench -p stepbox-volume --profile dev --bench against_tar [DIRECTORY]`.
//!
//! Without a directory a tree of 20 000 small files is made. Nothing is asserted. Each row is the median of interleaved
//! rounds; what a tool does is repeated as it would be from build to build.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use stepbox_volume::{
    Basis, Digest, HostFs, KNOWN_FILE, KnownTree, PackOptions, PublishMeta, Scope, Store, UnpackLimits, pack, unpack,
    update,
};

const ROUNDS: usize = 3;

fn main() {
    let place = tempfile::tempdir().expect("a directory");
    let given = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let source = match given {
        Some(given) => PathBuf::from(given),
        None => make_tree(place.path()),
    };
    let mut rows: Vec<(&str, Vec<f64>, Vec<f64>)> = vec![];
    let mut note = |what: &'static str, ours: f64, theirs: f64| match rows.iter_mut().find(|row| row.0 == what) {
        Some(row) => {
            row.1.push(ours);
            row.2.push(theirs);
        }
        None => rows.push((what, vec![ours], vec![theirs])),
    };
    let mut sizes = (0, 0);
    for round in 0..ROUNDS {
        let at = |name: &str| place.path().join(format!("{name}-{round}"));
        let (archive, tree) = (at("tar.zst"), at("tree"));
        // A copy of our own, so that files can be changed.
        shell(&format!("cp -a {} {}", quoted(&source), quoted(&tree)));
        let tar_save = format!("tar -C {} -cf - . | zstd -q -3 -T0 -f -o {}", quoted(&tree), quoted(&archive));
        let saved = shell(&tar_save);
        let mut ours = Ours::new(&at("store"), &tree);
        note("first save", measured(|| ours.save()), saved);
        sizes = (ours.stored(), fs::metadata(&archive).expect("there").len());
        std::thread::sleep(std::time::Duration::from_millis(50));
        ours.save();
        note("save, nothing changed", measured(|| ours.save()), shell(&tar_save));
        change(&tree);
        note("save, 1 % of the files changed", measured(|| ours.save()), shell(&tar_save));
        let (one, other) = (at("by-tar"), at("by-us"));
        fs::create_dir(&one).expect("makes");
        fs::create_dir(&other).expect("makes");
        let restored = shell(&format!("zstd -q -dc {} | tar -C {} -xpf -", quoted(&archive), quoted(&one)));
        note("restore into an empty directory", measured(|| ours.restore(&other)), restored);
        note("restore over the tree of the last save", measured(|| ours.take_over()), restored);
        for tool in ["restic", "borg"].into_iter().filter(|tool| installed(tool)) {
            against(tool, &at(tool), &tree, &mut note, &mut ours);
        }
        for name in [tree, one, other] {
            fs::remove_dir_all(name).expect("removes");
        }
    }
    println!("{:<44} {:>9} {:>9} {:>7}", "processor seconds, median of 3", "ours", "theirs", "ratio");
    for (what, mut ours, mut theirs) in rows {
        ours.sort_by(f64::total_cmp);
        theirs.sort_by(f64::total_cmp);
        let (ours, theirs) = (ours[ours.len() / 2], theirs[theirs.len() / 2]);
        println!("{what:<44} {ours:>9.2} {theirs:>9.2} {:>7.2}", ours / theirs.max(0.01));
    }
    let ratio = sizes.0 as f64 / sizes.1 as f64;
    println!("{:<44} {:>9} {:>9} {ratio:>7.2}", "bytes after the first save", sizes.0, sizes.1);
}

/// A store, and a tree that is saved into it.
struct Ours {
    store: Store,
    place: PathBuf,
    tree: PathBuf,
    basis: Option<(Digest, KnownTree)>,
}

impl Ours {
    fn new(place: &Path, tree: &Path) -> Self {
        fs::create_dir(place).expect("makes");
        fs::create_dir(place.join("store")).expect("makes");
        let store = Store::open(open(&place.join("store")), Arc::new(HostFs)).expect("a store");
        Self { store, place: place.to_owned(), tree: tree.to_owned(), basis: None }
    }

    fn save(&mut self) {
        let staging = self.place.join("staging");
        let _ = fs::remove_dir_all(&staging);
        fs::create_dir(&staging).expect("makes");
        let blobs = self.store.blobs().expect("opens");
        let basis = self.basis.as_ref().map(|(manifest, known)| Basis {
            blobs: &blobs,
            manifest: *manifest,
            known: Some(known),
        });
        let options = PackOptions::default();
        let packed = pack(&HostFs, &open(&self.tree), &open(&staging), &options, basis.as_ref(), &|| false);
        let meta = PublishMeta { build: "b".to_owned(), finished: 0, parent: None };
        let packed = packed.expect("packs");
        let snapshot = self.store.publish(&Scope::volume("v"), &packed, &open(&staging), &meta).expect("publishes");
        let known = KnownTree::from_file(File::open(staging.join(KNOWN_FILE)).expect("there"));
        self.basis = Some((snapshot.manifest, known.expect("sound")));
    }

    fn restore(&self, target: &Path) {
        let (blobs, manifest) = (self.store.blobs().expect("opens"), self.basis.as_ref().expect("saved").0);
        unpack(&HostFs, &blobs, &manifest, &open(target), &UnpackLimits::default(), &|| false).expect("restores");
    }

    fn take_over(&self) {
        let (manifest, known) = self.basis.as_ref().expect("saved");
        let (blobs, limits) = (self.store.blobs().expect("opens"), UnpackLimits::default());
        update(&HostFs, &blobs, manifest, &open(&self.tree), Some(known), &limits, &|| false).expect("takes over");
    }

    fn stored(&self) -> u64 {
        self.store.stored().expect("reads").1
    }
}

/// Another tool in the same round. Its repository has no password that matters.
fn against(tool: &str, place: &Path, tree: &Path, note: &mut impl FnMut(&'static str, f64, f64), ours: &mut Ours) {
    let (repository, tree) = (quoted(place), quoted(tree));
    let (init, save, names): (String, String, [&'static str; 2]) = if tool == "restic" {
        let prefix = format!("RESTIC_PASSWORD=x restic -q -r {repository} --no-cache");
        (
            format!("{prefix} init"),
            format!("{prefix} backup {tree}"),
            ["first save, against restic", "save, nothing changed, against restic"],
        )
    } else {
        let prefix = format!("BORG_REPO={repository} BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes borg");
        (
            format!("{prefix} init -e none"),
            format!("{prefix} create -C zstd,3 ::{{now:%s%f}} {tree}"),
            ["first save, against borg", "save, nothing changed, against borg"],
        )
    };
    shell(&init);
    let mut fresh = Ours::new(&ours.place.join(tool), &ours.tree);
    note(names[0], measured(|| fresh.save()), shell(&save));
    fresh.save();
    note(names[1], measured(|| fresh.save()), shell(&save));
}

fn open(path: &Path) -> Dir {
    Dir::open_ambient_dir(path, ambient_authority()).expect("opens")
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

fn installed(tool: &str) -> bool {
    Command::new(tool).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Processor seconds that a command takes, with all that it starts.
fn shell(script: &str) -> f64 {
    let before = processor_seconds().1;
    let status = Command::new("sh").args(["-c", script]).stdout(Stdio::null()).status().expect("starts");
    assert!(status.success(), "{script}: {status}");
    processor_seconds().1 - before
}

/// Processor seconds that this process takes for something.
fn measured(work: impl FnOnce()) -> f64 {
    let before = processor_seconds().0;
    work();
    processor_seconds().0 - before
}

/// Of this process, and of its children that have ended: user and system, in ticks of 10 ms.
fn processor_seconds() -> (f64, f64) {
    let text = fs::read_to_string("/proc/self/stat").expect("Linux");
    let rest = text.rsplit(')').next().expect("fields");
    let field =
        |at: usize| rest.split_whitespace().nth(at).and_then(|text| text.parse::<f64>().ok()).expect("a number");
    ((field(11) + field(12)) / 100.0, (field(13) + field(14)) / 100.0)
}

/// 20 000 files of some kilobytes of text-like bytes in 1 700 directories.
fn make_tree(place: &Path) -> PathBuf {
    let root = place.join("source");
    let mut state = 1u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let words =
        ["function", "return", "const", "export", "module", "=>", "{", "}", "(", ")", ";\n", "this.", "\"use strict\""];
    for number in 0..20_000 {
        let directory = root.join(format!("package-{}/lib/{}", number % 340, number % 5));
        fs::create_dir_all(&directory).expect("makes");
        let mut text = String::new();
        let length = next() % 16_000;
        while (text.len() as u64) < length {
            text.push_str(words[(next() % words.len() as u64) as usize]);
            text.push_str(&format!(" v{} ", next() % 500));
        }
        fs::write(directory.join(format!("file-{number}.js")), text).expect("writes");
    }
    root
}

/// Puts a line into every hundredth file.
fn change(root: &Path) {
    let (mut left, mut number) = (vec![root.to_owned()], 0);
    while let Some(at) = left.pop() {
        for entry in fs::read_dir(at).expect("lists") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("stats");
            if metadata.is_dir() {
                left.push(path);
            } else if metadata.is_file() {
                number += 1;
                if number % 100 == 0 {
                    let mut data = fs::read(&path).expect("reads");
                    data.extend_from_slice(b"\n// changed\n");
                    fs::write(&path, data).expect("writes");
                }
            }
        }
    }
}
