//! A power failure after any operation: what was not synced may be lost, name by name and file by file, and the store
//! still holds the old state or the new one.
//!
//! The model: a file keeps what it had at its last sync, or nothing, or a part of what was written since. A name that was
//! made, replaced or removed keeps its change if its directory was synced since; else each change is kept or lost by
//! itself. Every operation of saving, publishing, collecting and removing is followed by such a failure, several times.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cap_std::fs::Dir;
use stepbox_volume::{
    Basis, GcOptions, HostFs, KNOWN_FILE, KnownTree, PackOptions, PublishMeta, SAVE_POINTS, Scope, Snapshot, Store,
    StoreFs, UnpackLimits, VerifyOptions, VolumeError, pack, unpack,
};
use tempfile::TempDir;

type Inode = u64;

/// What a disk holds of a tree: of each file the bytes that are safe, and those that are not yet.
#[derive(Default)]
struct Disk {
    files: HashMap<Inode, Contents>,
    directories: HashMap<Inode, Names>,
    /// Operations so far.
    count: u64,
    /// The operation before which the power goes; 0 for never.
    fails_at: u64,
    /// Syncs that do nothing.
    broken: Vec<&'static str>,
    /// Everything stays open, so that no number is given twice.
    open: Vec<File>,
}

#[derive(Clone, Default)]
struct Contents {
    safe: Vec<u8>,
    now: Vec<u8>,
}

#[derive(Default)]
struct Names {
    safe: BTreeMap<String, Inode>,
    /// What was done since, in order: a name that leads to something, or to nothing.
    pending: Vec<(String, Option<Inode>)>,
}

/// A file system that notes what a power failure would leave.
#[derive(Clone)]
struct Recording(Arc<Mutex<Disk>>);

fn inode(handle: impl AsFd) -> Inode {
    rustix::fs::fstat(handle).expect("stats").st_ino
}

impl Recording {
    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation, and dies where the power goes.
    fn step(&self) {
        let mut disk = self.disk();
        disk.count += 1;
        if disk.count == disk.fails_at {
            drop(disk);
            std::panic::resume_unwind(Box::new("the power is gone"));
        }
    }

    fn name(&self, directory: &Dir, name: &str, leads_to: Option<Inode>) {
        self.disk().directories.entry(inode(directory)).or_default().pending.push((name.to_owned(), leads_to));
    }

    /// Takes everything below a directory for safe.
    fn settle(&self, path: &Path) {
        let mut names = Names::default();
        for entry in fs::read_dir(path).expect("lists") {
            let entry = entry.expect("an entry");
            let kind = entry.file_type().expect("a type");
            let file = File::open(entry.path()).expect("opens");
            names.safe.insert(entry.file_name().into_string().expect("text"), inode(&file));
            if kind.is_dir() {
                self.settle(&entry.path());
            } else {
                let now = fs::read(entry.path()).expect("reads");
                self.disk().files.insert(inode(&file), Contents { safe: now.clone(), now });
            }
            self.disk().open.push(file);
        }
        let directory = File::open(path).expect("opens");
        self.disk().directories.insert(inode(&directory), names);
    }

    /// Makes at `to` what is left of the tree whose root is `root`. `choose` says which of the unsafe changes are kept.
    fn leave(&self, root: Inode, to: &Path, choose: &mut dyn FnMut() -> bool) {
        let disk = self.disk();
        fs::create_dir(to).expect("makes");
        let Some(names) = disk.directories.get(&root) else { return };
        let mut left = names.safe.clone();
        for (name, leads_to) in &names.pending {
            if choose() {
                match leads_to {
                    Some(inode) => left.insert(name.clone(), *inode),
                    None => left.remove(name),
                };
            }
        }
        let mut inside = vec![];
        for (name, inode) in left {
            match disk.files.get(&inode) {
                Some(contents) => {
                    // Between what is safe and what was written last, anything.
                    let data = match (choose(), choose()) {
                        (true, _) => &contents.now[..],
                        (false, true) => &contents.now[..contents.now.len() / 2],
                        (false, false) => &contents.safe[..],
                    };
                    let data = if contents.safe == contents.now { &contents.safe[..] } else { data };
                    fs::write(to.join(name), data).expect("writes");
                }
                None => inside.push((name, inode)),
            }
        }
        drop(disk);
        for (name, inode) in inside {
            self.leave(inode, &to.join(name), choose);
        }
    }
}

impl StoreFs for Recording {
    fn create(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<File> {
        self.step();
        let file = HostFs.create(point, directory, name)?;
        let mut disk = self.disk();
        disk.open.push(file.try_clone()?);
        disk.files.insert(inode(&file), Contents::default());
        drop(disk);
        self.name(directory, name, Some(inode(&file)));
        Ok(file)
    }

    fn open(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<File> {
        HostFs.open(point, directory, name)
    }

    fn read(&self, point: &'static str, directory: &Dir, name: &str, limit: u64) -> io::Result<Vec<u8>> {
        HostFs.read(point, directory, name, limit)
    }

    fn write(&self, point: &'static str, file: &mut File, data: &[u8]) -> io::Result<()> {
        self.step();
        HostFs.write(point, file, data)?;
        self.disk().files.entry(inode(&*file)).or_default().now.extend_from_slice(data);
        Ok(())
    }

    fn sync(&self, point: &'static str, file: &File) -> io::Result<()> {
        self.step();
        let mut disk = self.disk();
        if !disk.broken.contains(&point)
            && let Some(contents) = disk.files.get_mut(&inode(file))
        {
            contents.safe = contents.now.clone();
        }
        Ok(())
    }

    fn sync_directory(&self, point: &'static str, directory: &Dir) -> io::Result<()> {
        self.step();
        let mut disk = self.disk();
        if !disk.broken.contains(&point) {
            let names = disk.directories.entry(inode(directory)).or_default();
            for (name, leads_to) in std::mem::take(&mut names.pending) {
                match leads_to {
                    Some(inode) => names.safe.insert(name, inode),
                    None => names.safe.remove(&name),
                };
            }
        }
        Ok(())
    }

    fn rename(&self, point: &'static str, from: &Dir, old: &str, to: &Dir, new: &str) -> io::Result<()> {
        self.step();
        let moved = rustix::fs::statat(from, old, rustix::fs::AtFlags::SYMLINK_NOFOLLOW)?.st_ino;
        HostFs.rename(point, from, old, to, new)?;
        self.name(to, new, Some(moved));
        self.name(from, old, None);
        Ok(())
    }

    fn protect(&self, _: &'static str, _: &File) -> io::Result<()> {
        self.step();
        Ok(())
    }

    fn remove(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<()> {
        self.step();
        HostFs.remove(point, directory, name)?;
        self.name(directory, name, None);
        Ok(())
    }

    fn make_directory(&self, point: &'static str, directory: &Dir, name: &str) -> io::Result<()> {
        self.step();
        let fresh = !directory.exists(name);
        HostFs.make_directory(point, directory, name)?;
        if fresh {
            let made = directory.open_dir(name)?.into_std_file();
            let (made, handle) = (inode(&made), made);
            self.disk().open.push(handle);
            self.disk().directories.insert(made, Names::default());
            self.name(directory, name, Some(made));
        }
        Ok(())
    }

    fn lock(&self, point: &'static str, file: &File, exclusive: bool) -> io::Result<()> {
        HostFs.lock(point, file, exclusive)
    }

    fn read_frame(&self, point: &'static str, file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        HostFs.read_frame(point, file, buffer, offset)
    }

    fn restore_directory(&self, _: &'static str, _: &Dir, _: &[u8]) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }

    fn restore_file(&self, _: &'static str, _: &Dir, _: &[u8]) -> io::Result<File> {
        unreachable!("nothing is restored through it")
    }

    fn restore_symlink(&self, _: &'static str, _: &Dir, _: &[u8], _: &[u8]) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }

    fn restore_link(&self, _: &'static str, _: &Dir, _: &[u8], _: &[u8]) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }

    fn write_at(&self, _: &'static str, _: &File, _: &[u8], _: u64) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }

    fn set_length(&self, _: &'static str, _: &File, _: u64) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }

    fn remove_entry(&self, _: &'static str, _: &Dir, _: &[u8], _: bool) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }

    fn finish_file(&self, _: &'static str, _: &File, _: u32, _: (i64, u32)) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }

    fn finish_path(&self, _: &'static str, _: &Dir, _: &[u8], _: Option<u32>, _: (i64, u32)) -> io::Result<()> {
        unreachable!("nothing is restored through it")
    }
}

/// What is done between two looks at the store.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    /// The first save of a volume.
    First,
    /// A change on top of what is there.
    Delta,
    /// The same state again.
    Unchanged,
    /// All of it anew, as when there are too many layers.
    Compaction,
    /// A build stops and keeps its state for itself.
    Keep,
    /// Everything but the latest goes.
    Collect,
    /// The volume goes.
    Remove,
    /// Snapshots get names.
    Tag,
}

const ACTIONS: [Action; 8] = [
    Action::First,
    Action::Delta,
    Action::Unchanged,
    Action::Compaction,
    Action::Keep,
    Action::Collect,
    Action::Remove,
    Action::Tag,
];

/// A place with a store and a volume, and what is known of the volume.
struct World {
    place: TempDir,
    basis: Option<(stepbox_volume::Digest, KnownTree)>,
}

/// A temporary place in memory where there is one: a thousand stores are made and synced.
fn fast_place() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a directory")
}

fn scope() -> Scope {
    Scope::pipeline("p")
}

fn open(path: PathBuf) -> Dir {
    // Not by an ambient path handle, which cannot be synced.
    let flags = rustix::fs::OFlags::RDONLY | rustix::fs::OFlags::DIRECTORY;
    Dir::from_std_file(rustix::fs::open(path, flags, rustix::fs::Mode::empty()).expect("opens").into())
}

impl World {
    fn new() -> Self {
        let place = fast_place();
        for name in ["store", "volume", "staging"] {
            fs::create_dir(place.path().join(name)).expect("makes");
        }
        Self { place, basis: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.place.path().join(name)
    }

    fn store(&self, fs: Arc<dyn StoreFs>) -> Store {
        Store::open(open(self.path("store")), fs).expect("a store")
    }

    /// The volume of a state: most of it stays, so that a save is a delta.
    fn state(&self, text: &str) {
        fs::write(self.path("volume/ballast"), "ballast ".repeat(500)).expect("writes");
        fs::write(self.path("volume/f"), text).expect("writes");
    }

    fn save(&mut self, fs: &Arc<dyn StoreFs>, build: &str, keep: bool) -> Result<Snapshot, VolumeError> {
        let store = Store::open(open(self.path("store")), Arc::clone(fs))?;
        let blobs = store.blobs()?;
        let basis = self.basis.as_ref().map(|(manifest, known)| Basis {
            blobs: &blobs,
            manifest: *manifest,
            known: Some(known),
        });
        let staging = open(self.path("staging"));
        let packed =
            pack(&**fs, &open(self.path("volume")), &staging, &PackOptions::default(), basis.as_ref(), &|| false)?;
        let meta = PublishMeta { build: build.to_owned(), finished: 1, parent: None };
        let snapshot = match keep {
            true => store.keep(&scope(), &packed, &staging, &meta),
            false => store.publish(&scope(), &packed, &staging, &meta),
        }?;
        let noted = File::open(self.path("staging").join(KNOWN_FILE)).expect("is there");
        self.basis = KnownTree::from_file(noted).map(|known| (snapshot.manifest, known));
        Ok(snapshot)
    }

    /// Two generations and a build that waits, but for the first save of all.
    fn prepare(&mut self, action: Action) {
        let host: Arc<dyn StoreFs> = Arc::new(HostFs);
        if action == Action::First {
            self.store(Arc::clone(&host));
        } else {
            self.state("older");
            self.save(&host, "older", false).expect("saves");
            self.state("old");
            self.save(&host, "old", false).expect("saves");
        }
        match action {
            Action::Unchanged => {}
            Action::Collect | Action::Remove | Action::Tag => {
                let basis = self.basis.clone();
                self.state("waiting");
                self.save(&host, "waiting", true).expect("keeps");
                self.basis = basis;
            }
            Action::Compaction => {
                self.basis = None;
                self.state("new");
            }
            _ => self.state("new"),
        }
    }

    fn act(&mut self, action: Action, fs: &Arc<dyn StoreFs>) -> Result<(), VolumeError> {
        let store = || Store::open(open(self.path("store")), Arc::clone(fs));
        match action {
            Action::First | Action::Delta | Action::Unchanged | Action::Compaction => {
                self.save(fs, "new", false).map(drop)
            }
            Action::Keep => self.save(fs, "new", true).map(drop),
            Action::Collect => store()?.gc(&GcOptions { keep_last: 1, ..GcOptions::default() }).map(drop),
            Action::Remove => store()?.remove(&scope()).map(drop),
            Action::Tag => {
                let store = store()?;
                let history = store.history(&scope())?;
                store.tag(&scope(), &history[0], "named")?;
                store.tag(&scope(), &history[1], "named")?;
                store.untag(&scope(), "named")
            }
        }
    }
}

/// What a store at `path` says: the text of the latest snapshot, of the history, of the build that waits. An error where
/// anything in it is broken.
fn look(path: &Path, scratch: &Path) -> Result<(Option<String>, Option<String>), String> {
    let told = |error: VolumeError| error.to_string();
    let store = Store::open(open(path.to_owned()), Arc::new(HostFs)).map_err(told)?;
    let verified = store.verify(&VerifyOptions { deep: true, repair: false }, &|| false).map_err(told)?;
    let needed = |problem: &&stepbox_volume::Problem| problem.volume.is_some() || !problem.message.starts_with("blob");
    if let Some(problem) = verified.problems.iter().find(needed) {
        return Err(format!("verify: {}", problem.message));
    }
    let blobs = store.blobs().map_err(told)?;
    let restored = |snapshot: &Snapshot| -> Result<String, String> {
        let _ = fs::remove_dir_all(scratch);
        fs::create_dir(scratch).expect("makes");
        let target = open(scratch.to_owned());
        unpack(&HostFs, &blobs, &snapshot.manifest, &target, &UnpackLimits::default(), &|| false).map_err(told)?;
        Ok(fs::read_to_string(scratch.join("f")).expect("reads"))
    };
    let latest = store.latest(&scope()).map_err(told)?;
    let latest = latest.as_ref().map(restored).transpose()?;
    for snapshot in store.history(&scope()).map_err(told)? {
        let text = restored(&snapshot)?;
        if text != snapshot.build && !(text == "old" && snapshot.build == "new") {
            return Err(format!("build {} has left `{text}`", snapshot.build));
        }
    }
    let kept = |build: &str| store.kept(build).map_err(told)?.map(|kept| restored(&kept.snapshot)).transpose();
    Ok((latest, kept("waiting")?))
}

/// Lets the power fail at every operation of an action, with several choices of what is lost; the first broken state that
/// is found, and how many were looked at.
fn failures(action: Action, broken: &[&'static str], choices: u64) -> (u64, Option<String>) {
    let mut looked = 0;
    for fails_at in 1.. {
        let mut world = World::new();
        world.prepare(action);
        let recording = Recording(Arc::default());
        recording.settle(world.place.path());
        {
            let mut disk = recording.disk();
            (disk.fails_at, disk.broken) = (fails_at, broken.to_vec());
        }
        let fs: Arc<dyn StoreFs> = Arc::new(recording.clone());
        let done = catch_unwind(AssertUnwindSafe(|| world.act(action, &fs)));
        let finished = done.is_ok();
        if let Ok(done) = done {
            done.expect("without a failure it works");
        }
        let root = inode(File::open(world.path("store")).expect("opens"));
        for choice in 0..choices {
            // All lost, all kept, then always the same mixtures (xorshift64*).
            let mut state = (fails_at << 8) + choice + 1;
            let mut choose = || match choice {
                0 => false,
                1 => true,
                _ => {
                    state ^= state >> 12;
                    state ^= state << 25;
                    state ^= state >> 27;
                    state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 63 == 1
                }
            };
            let left = world.path(&format!("left-{choice}"));
            recording.leave(root, &left, &mut choose);
            looked += 1;
            let found = look(&left, &world.path("scratch"));
            let allowed = |text: &Option<String>| match (action, text.as_deref()) {
                (Action::First, None) => !finished,
                (Action::Remove, None) => true,
                (Action::Remove, Some("old")) => !finished,
                (Action::First | Action::Delta | Action::Compaction, Some("new")) => true,
                (Action::Delta | Action::Compaction, Some("old")) => !finished,
                (Action::Unchanged | Action::Keep | Action::Collect | Action::Tag, Some("old")) => true,
                _ => false,
            };
            let waits = matches!(action, Action::Collect | Action::Remove | Action::Tag);
            let wrong = match found {
                Err(why) => Some(why),
                Ok((latest, _)) if !allowed(&latest) => Some(format!("the latest is {latest:?}")),
                Ok((_, waiting)) if waiting.as_deref() != waits.then_some("waiting") => {
                    Some(format!("what waits is {waiting:?}"))
                }
                Ok(_) => None,
            };
            if let Some(wrong) = wrong {
                return (looked, Some(format!("{action:?}, operation {fails_at}, choice {choice}: {wrong}")));
            }
        }
        if finished {
            return (looked, None);
        }
    }
    unreachable!("every action ends")
}

#[test]
fn l9_a_power_failure_after_any_operation_leaves_the_old_state_or_the_new() {
    let mut looked = 0;
    for action in ACTIONS {
        let (count, wrong) = failures(action, &[], 6);
        assert_eq!(wrong, None);
        looked += count;
    }
    assert!(looked > 1000, "{looked}");
}

#[test]
fn every_sync_of_a_save_is_needed() {
    // Of these the next one of the same file or directory does the work too, or what they make safe is only derived.
    let spare = [
        "pack.layer.sync",
        "pack.index.sync",
        "publish.history.sync",
        "publish.history.sync_directory",
        "publish.kept.sync",
        "publish.kept.sync_directory",
        "publish.name.sync_directory",
        "publish.oci-index.sync",
        "publish.oci-index.sync_directory",
    ];
    let mut missed = vec![];
    for point in SAVE_POINTS.iter().filter(|point| point.contains(".sync") && !spare.contains(point)) {
        // The worker syncs what it packs, and the supervisor does it again.
        let broken = match *point {
            "publish.blob.sync" => vec!["publish.blob.sync", "pack.layer.sync", "pack.index.sync"],
            point => vec![point],
        };
        let found = [Action::First, Action::Delta].into_iter().any(|action| failures(action, &broken, 8).1.is_some());
        if !found {
            missed.push(*point);
        }
    }
    assert_eq!(missed, Vec::<&str>::new());
}
