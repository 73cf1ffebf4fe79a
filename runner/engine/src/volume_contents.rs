//! What people do with snapshots: look into them, compare, save and restore directories, name, collect, verify.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use serde::Serialize;
use stepbox_pipeline::EXPORT_FILE;
use stepbox_protocol::BlobDigest;
use stepbox_volume::{GcOptions, ListedEntry, ListedKind, PublishMeta, Scope, Snapshot, VerifyOptions, io_text};

use crate::archivist::{Archivist, Reach};
use crate::build_id::BuildId;
use crate::error::{EngineError, EngineErrorKind};
use crate::export_files::EXPORT_SCRIPT;
use crate::outcome::as_milliseconds;
use crate::stored_snapshots::{packed, store_error};
use crate::volumes::{SnapshotInfo, Volumes};
use crate::work_directory::WorkDirectory;
use crate::worker::WorkerLaunch;

/// A snapshot of a volume, with its names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LogEntry {
    /// Counts the snapshots of the volume; 0 for one that only a name keeps.
    pub sequence: u64,
    /// Its names.
    pub tags: Vec<String>,
    /// The snapshot.
    pub snapshot: SnapshotInfo,
}

/// A path that two snapshots do not agree about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The path; what is no UTF-8 in it is replaced.
    pub path: String,
    /// How it differs.
    pub change: ChangeKind,
    /// Bytes of a file before.
    pub before: Option<u64>,
    /// Bytes of a file after.
    pub after: Option<u64>,
}

/// How a path differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// Only the second has it.
    Added,
    /// Both have it, with other contents, or as another thing.
    Changed,
    /// Both have it, with another mode or time alone.
    Touched,
    /// Only the first has it.
    Deleted,
}

/// What a collection has removed, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GcReport {
    /// Whether nothing was removed.
    pub dry_run: bool,
    /// Snapshots that were forgotten.
    pub snapshots: u64,
    /// Builds whose own snapshot was forgotten: none can start from them any more.
    pub builds: Vec<String>,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// What a verification has found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Volumes.
    pub volumes: u64,
    /// Different snapshots.
    pub snapshots: u64,
    /// Blobs.
    pub blobs: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Blobs that `gc` would remove.
    pub garbage: u64,
    /// What is wrong, each with the volume that it concerns.
    pub problems: Vec<String>,
    /// What was repaired.
    pub repaired: Vec<String>,
}

/// What takes the space of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeNode {
    /// The name in its directory; empty for the volume.
    pub name: String,
    /// Bytes of file contents in it.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
    /// What is in it, the largest first; files and small directories are summed up.
    pub inside: Vec<SizeNode>,
}

impl Volumes {
    /// The snapshot that `NAME` or `NAME@WHICH` names: the latest; a tag; a build; a digest or its first digits (six at
    /// least); or `~N`, the N-th before the latest.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none, or several.
    pub fn snapshot(&self, name: &str) -> Result<SnapshotInfo, EngineError> {
        self.resolve(name).map(|(_, snapshot)| snapshot.into())
    }

    pub(crate) fn resolve(&self, name: &str) -> Result<(Scope, Snapshot), EngineError> {
        let (scope, which) = match (self.find(name), name.rsplit_once('@')) {
            (Ok(scope), _) => (scope, "latest"),
            (Err(error), None) => return Err(error),
            (Err(_), Some((name, which))) => (self.find(name)?, which),
        };
        let history = self.store.history(&scope).map_err(|error| store_error(&error))?;
        let tags = self.store.tags(&scope).map_err(|error| store_error(&error))?;
        let none = || {
            let message = format!("the volume `{}` has no snapshot `{which}`", scope.value);
            EngineError::new(EngineErrorKind::Usage, message).hint("`stepbox volume log` lists them")
        };
        let back = which.strip_prefix('~').and_then(|number| number.parse::<usize>().ok());
        let at = if which == "latest" { Some(0) } else { back };
        if let Some(at) = at {
            return Ok((scope.clone(), history.into_iter().nth(at).ok_or_else(none)?));
        }
        if let Some((_, snapshot)) = tags.iter().find(|(tag, _)| tag == which) {
            return Ok((scope, snapshot.clone()));
        }
        let hex = which.strip_prefix("sha256:").unwrap_or(which);
        let all = history.into_iter().chain(tags.into_iter().map(|(_, snapshot)| snapshot));
        let mut found: Vec<Snapshot> =
            all.filter(|one| one.build == which || (hex.len() >= 6 && one.manifest.hex().starts_with(hex))).collect();
        found.dedup_by_key(|one| one.manifest);
        match found.len() {
            0 => Err(none()),
            1 => Ok((scope, found.remove(0))),
            _ => {
                let message = format!("several snapshots of `{}` begin with `{which}`", scope.value);
                Err(EngineError::new(EngineErrorKind::Usage, message).hint("give more digits"))
            }
        }
    }

    /// Every snapshot of a volume, the newest first, with its tags.
    ///
    /// # Errors
    /// As [`Volumes::show`].
    pub fn log(&self, name: &str) -> Result<Vec<LogEntry>, EngineError> {
        let scope = self.find(name)?;
        let history = self.store.history(&scope).map_err(|error| store_error(&error))?;
        let mut tags = self.store.tags(&scope).map_err(|error| store_error(&error))?;
        let mut log: Vec<LogEntry> = vec![];
        for snapshot in history {
            let own = |tagged: &Snapshot| (tagged.manifest, tagged.sequence) == (snapshot.manifest, snapshot.sequence);
            let names = tags.iter().filter(|(_, tagged)| own(tagged)).map(|(name, _)| name.clone()).collect();
            tags.retain(|(_, tagged)| !own(tagged));
            log.push(LogEntry { sequence: snapshot.sequence, tags: names, snapshot: snapshot.into() });
        }
        for (name, snapshot) in tags {
            log.push(LogEntry { sequence: 0, tags: vec![name], snapshot: snapshot.into() });
        }
        Ok(log)
    }

    /// What the second snapshot has differently from the first, by path.
    ///
    /// # Errors
    /// As [`Volumes::snapshot`], and [`EngineErrorKind::Store`] for what is damaged.
    pub fn diff(&self, before: &str, after: &str) -> Result<Vec<Difference>, EngineError> {
        let entries = |name: &str| -> Result<BTreeMap<Vec<u8>, ListedEntry>, EngineError> {
            let (_, snapshot) = self.resolve(name)?;
            let entries = self.store.entries(&snapshot.manifest).map_err(|error| store_error(&error))?;
            Ok(entries.into_iter().map(|entry| (entry.path.clone(), entry)).collect())
        };
        Ok(differences(&entries(before)?, entries(after)?))
    }

    /// Writes the contents of a file of a snapshot.
    ///
    /// # Errors
    /// As [`Volumes::snapshot`]; [`EngineErrorKind::Usage`] where there is no such file.
    pub fn cat(&self, name: &str, path: &str, out: &mut dyn Write) -> Result<u64, EngineError> {
        let (_, snapshot) = self.resolve(name)?;
        let path = path.strip_prefix("/codefresh/volume/").unwrap_or(path).trim_matches('/');
        self.store.cat(&snapshot.manifest, path.as_bytes(), out).map_err(|error| store_error(&error))
    }

    /// Saves a directory as the latest snapshot of a named volume, which is made where there is none.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] for a directory that is none, else [`EngineErrorKind::State`] and
    /// [`EngineErrorKind::Store`].
    pub fn save(
        &self,
        launch: &WorkerLaunch,
        name: &str,
        directory: &Path,
    ) -> Result<(SnapshotInfo, Vec<String>), EngineError> {
        let scope = self.find(name).unwrap_or_else(|_| Scope::volume(name.strip_prefix("volume:").unwrap_or(name)));
        let source = open_directory(directory)?;
        let now = SystemTime::now();
        let build = BuildId::generate(now).map_err(|error| EngineError::state("cannot name the snapshot", &error))?;
        let work = WorkDirectory::create(&self.state, &build)?;
        let staging = work.open("staging")?;
        let failed = |error| store_error(&error);
        let latest = self.store.latest(&scope).map_err(failed)?;
        let blobs = self.store.blobs().map_err(failed)?;
        let lease = latest.as_ref().map(|latest| self.store.lease(&[latest.manifest])).transpose().map_err(failed)?;
        let base = latest.as_ref().map(|latest| BlobDigest(*latest.manifest.as_bytes()));
        let exclude = [EXPORT_FILE, EXPORT_SCRIPT].map(|name| name.as_bytes().to_vec()).to_vec();
        let reach = Reach { blobs: &blobs, written: Some((&staging, &source)) };
        let mut archivist = Archivist::start(launch, &reach)?;
        let report = archivist.pack(&source, base, exclude);
        archivist.end();
        let report = report?;
        let packed = packed(&report);
        let meta = PublishMeta {
            build: build.to_string(),
            finished: as_milliseconds(now.duration_since(UNIX_EPOCH).unwrap_or_default()),
            parent: latest.map(|latest| latest.manifest),
        };
        let snapshot = self.store.publish(&scope, &packed, &staging, &meta).map_err(failed)?;
        drop(lease);
        let skipped = report.skipped.iter();
        let skipped =
            skipped.map(|(path, why)| format!("`{}` is not kept: {why}", String::from_utf8_lossy(path))).collect();
        Ok((snapshot.into(), skipped))
    }

    /// Restores a snapshot into a directory, which appears when it is complete; one that is there must be empty.
    ///
    /// # Errors
    /// As [`Volumes::snapshot`]; [`EngineErrorKind::Usage`] for a directory that is not empty.
    pub fn restore(&self, launch: &WorkerLaunch, name: &str, directory: &Path) -> Result<SnapshotInfo, EngineError> {
        let (_, snapshot) = self.resolve(name)?;
        let failed = |error| store_error(&error);
        let shown = directory.display();
        let io_failed =
            |what: &str, error: &std::io::Error| EngineError::state(format!("cannot {what} `{shown}`"), error);
        match std::fs::read_dir(directory).map(|mut entries| entries.next().is_some()) {
            Ok(true) => {
                let message = format!("`{shown}` is not empty");
                return Err(
                    EngineError::new(EngineErrorKind::Usage, message).hint("name a directory that is not there yet")
                );
            }
            Ok(false) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io_failed("use", &error)),
        }
        let parent = directory.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let incoming = parent.join(format!(".stepbox-restore-{}", std::process::id()));
        std::fs::create_dir(&incoming).map_err(|error| io_failed("make", &error))?;
        let _lease = self.store.lease(&[snapshot.manifest]).ok();
        let restored = (|| {
            let target = open_directory(&incoming)?;
            let blobs = self.store.blobs().map_err(failed)?;
            // It reaches what it restores, and blobs; nothing is staged.
            let reach = Reach { blobs: &blobs, written: Some((&target, &target)) };
            let mut archivist = Archivist::start(launch, &reach)?;
            let unpacked = archivist.unpack(BlobDigest(*snapshot.manifest.as_bytes()), &target);
            archivist.end();
            unpacked?;
            std::fs::rename(&incoming, directory).map_err(|error| io_failed("make", &error))
        })();
        if restored.is_err() {
            // Half a volume helps nobody.
            let _ = std::fs::remove_dir_all(&incoming);
        }
        restored.map(|()| snapshot.into())
    }

    /// Gives a snapshot a name, which keeps it; a name that another snapshot of the volume had moves.
    ///
    /// # Errors
    /// As [`Volumes::snapshot`]; [`EngineErrorKind::Usage`] for what is no name.
    pub fn tag(&self, name: &str, tag: &str) -> Result<SnapshotInfo, EngineError> {
        let (scope, snapshot) = self.resolve(name)?;
        self.store.tag(&scope, &snapshot, tag).map_err(|error| store_error(&error))?;
        Ok(snapshot.into())
    }

    /// Takes a name away from the snapshot of a volume that has it.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] where there is none.
    pub fn untag(&self, name: &str, tag: &str) -> Result<(), EngineError> {
        self.store.untag(&self.find(name)?, tag).map_err(|error| store_error(&error))
    }

    /// Forgets old snapshots and removes what nobody needs: of each volume so many snapshots stay, and those of the last
    /// so many days.
    ///
    /// # Errors
    /// [`EngineErrorKind::Store`] where a reference is damaged.
    pub fn gc(&self, keep_last: u64, keep_days: Option<u64>, dry_run: bool) -> Result<GcReport, EngineError> {
        let now = as_milliseconds(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        let keep_since = keep_days.map(|days| now.saturating_sub(days.saturating_mul(86_400_000)));
        let options = GcOptions { keep_last, keep_since, dry_run };
        let collected = self
            .store
            .gc(&options)
            .map_err(|error| store_error(&error).hint("`stepbox volume verify --repair` goes back to what is whole"))?;
        let (snapshots, builds) = (collected.snapshots.len() as u64, collected.builds);
        Ok(GcReport { dry_run, snapshots, builds, blobs: collected.blobs, bytes: collected.bytes })
    }

    /// Looks at every blob and reference of the store.
    ///
    /// # Errors
    /// Where it cannot be read. What is damaged is in the report.
    pub fn verify(&self, deep: bool, repair: bool) -> Result<VerifyReport, EngineError> {
        let verified = self.store.verify(&VerifyOptions { deep, repair }, &|| false);
        let verified = verified.map_err(|error| store_error(&error))?;
        let problems = verified.problems.into_iter().map(|problem| match problem.volume {
            Some(volume) => format!("volume `{}`: {}", volume.value, problem.message),
            None => problem.message,
        });
        Ok(VerifyReport {
            volumes: verified.volumes,
            snapshots: verified.snapshots,
            blobs: verified.blobs,
            bytes: verified.bytes,
            garbage: verified.garbage,
            problems: problems.collect(),
            repaired: verified.repaired,
        })
    }

    /// How many blobs there are, and bytes of them.
    ///
    /// # Errors
    /// [`EngineErrorKind::Store`].
    pub fn stored(&self) -> Result<(u64, u64), EngineError> {
        self.store.stored().map_err(|error| store_error(&error))
    }

    /// What takes the space of a snapshot, as a tree of sizes.
    ///
    /// # Errors
    /// As [`Volumes::diff`].
    pub fn sizes(&self, name: &str) -> Result<SizeNode, EngineError> {
        let (_, snapshot) = self.resolve(name)?;
        let entries = self.store.entries(&snapshot.manifest).map_err(|error| store_error(&error))?;
        Ok(sizes(&entries))
    }
}

fn open_directory(path: &Path) -> Result<Dir, EngineError> {
    Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| {
        let message = format!("cannot use `{}`: {}", path.display(), io_text(&error));
        EngineError::new(EngineErrorKind::Usage, message)
    })
}

fn differences(before: &BTreeMap<Vec<u8>, ListedEntry>, after: BTreeMap<Vec<u8>, ListedEntry>) -> Vec<Difference> {
    let size = |entry: &ListedEntry| match entry.kind {
        ListedKind::File { size, .. } => Some(size),
        _ => None,
    };
    let shown = |path: &[u8]| String::from_utf8_lossy(path).into_owned();
    let gone = before.iter().filter(|(path, _)| !after.contains_key(*path)).map(|(path, entry)| Difference {
        path: shown(path),
        change: ChangeKind::Deleted,
        before: size(entry),
        after: None,
    });
    let mut all: Vec<Difference> = gone.collect();
    for (path, entry) in &after {
        let change = match before.get(path) {
            None => ChangeKind::Added,
            Some(old) if old.kind != entry.kind => ChangeKind::Changed,
            Some(old) if old != entry => ChangeKind::Touched,
            Some(_) => continue,
        };
        let before = before.get(path).and_then(size);
        all.push(Difference { path: shown(path), change, before, after: size(entry) });
    }
    all.sort_by(|a, b| a.path.cmp(&b.path));
    all
}

/// Directories below this share of the whole are not shown by themselves.
const SHOWN: u64 = 50;

fn sizes(entries: &[ListedEntry]) -> SizeNode {
    #[derive(Default)]
    struct Node {
        bytes: u64,
        files: u64,
        inside: BTreeMap<Vec<u8>, Node>,
    }
    let mut root = Node::default();
    for entry in entries {
        let ListedKind::File { size, .. } = entry.kind else { continue };
        let mut at = &mut root;
        let mut parts: Vec<&[u8]> = entry.path.split(|byte| *byte == b'/').collect();
        parts.pop();
        at.bytes += size;
        at.files += 1;
        for part in parts {
            at = at.inside.entry(part.to_vec()).or_default();
            at.bytes += size;
            at.files += 1;
        }
    }
    fn shown(name: &[u8], node: Node, least: u64) -> SizeNode {
        let inside = node.inside.into_iter().filter(|(_, node)| node.bytes >= least && node.bytes > 0);
        let mut inside: Vec<SizeNode> = inside.map(|(name, node)| shown(&name, node, least)).collect();
        inside.sort_by(|a, b| (b.bytes, &a.name).cmp(&(a.bytes, &b.name)));
        SizeNode { name: String::from_utf8_lossy(name).into_owned(), bytes: node.bytes, files: node.files, inside }
    }
    let least = root.bytes / SHOWN;
    shown(b"", root, least)
}

#[cfg(test)]
mod tests {
    use stepbox_volume::Digest;

    use super::*;

    fn file(path: &str, size: u64, text: &str) -> ListedEntry {
        let kind = ListedKind::File { size, digest: Digest::of(text.as_bytes()) };
        ListedEntry { path: path.into(), mode: 0o644, mtime: (1, 0), kind }
    }

    #[test]
    fn differences_are_sorted_by_path_and_say_how_they_differ() {
        let tree = |entries: Vec<ListedEntry>| entries.into_iter().map(|one| (one.path.clone(), one)).collect();
        let touched = ListedEntry { mtime: (2, 0), ..file("d", 4, "d") };
        let before = tree(vec![file("a", 1, "a"), file("b", 2, "b"), file("c", 3, "c"), file("d", 4, "d")]);
        let after = tree(vec![file("a", 1, "a"), file("c", 5, "changed"), touched, file("e", 6, "e")]);
        let told: Vec<_> =
            differences(&before, after).into_iter().map(|one| (one.path, one.change, one.before, one.after)).collect();
        let told: Vec<_> =
            told.iter().map(|(path, change, before, after)| (path.as_str(), *change, *before, *after)).collect();
        assert_eq!(
            told,
            [
                ("b", ChangeKind::Deleted, Some(2), None),
                ("c", ChangeKind::Changed, Some(3), Some(5)),
                ("d", ChangeKind::Touched, Some(4), Some(4)),
                ("e", ChangeKind::Added, None, Some(6)),
            ]
        );
    }

    #[test]
    fn sizes_are_a_tree_with_the_largest_first() {
        let tree = sizes(&[file("x/y/a", 600, ""), file("x/b", 100, ""), file("z/c", 900, ""), file("small/d", 1, "")]);
        let names: Vec<_> = tree.inside.iter().map(|node| (node.name.as_str(), node.bytes, node.files)).collect();
        assert_eq!((tree.bytes, tree.files, names), (1601, 4, vec![("z", 900, 1), ("x", 700, 2)]));
        assert_eq!(tree.inside[1].inside[0].name, "y");
    }
}
