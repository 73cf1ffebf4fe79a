//! `stepbox volume log`, `diff`, `cat`, `save`, `restore`, `tag`, `gc`, `verify` and `stats`.

use std::io::Write;

use stepbox_engine::{ChangeKind, SizeNode, SnapshotInfo, Volumes, WorkerLaunch};

use crate::arguments::{
    CatArguments, DiffArguments, DirectoryArguments, GcArguments, Output, StatsArguments, TagArguments, VerifyArguments,
};
use crate::error::CliError;
use crate::results::{Results, print};
use crate::sanitize::plain;
use crate::volume::name;
use crate::{exit_code, human, json};

pub(crate) fn log(volumes: &Volumes, name: &str, output: Output) -> Result<(), CliError> {
    for entry in volumes.log(name)? {
        if output == Output::Json {
            print(&json::line(&entry)?)?;
            continue;
        }
        let SnapshotInfo { digest, build, finished, entries, bytes, stored, .. } = &entry.snapshot;
        let names = if entry.tags.is_empty() { String::new() } else { format!("  ({})", entry.tags.join(", ")) };
        print(&format!(
            "{:>4}  {}  {}  {:<24}  {:>9}  {:>9} in {}{names}\n",
            if entry.sequence == 0 { "-".to_owned() } else { entry.sequence.to_string() },
            short(digest),
            human::time(*finished),
            plain(build),
            human::bytes(*stored),
            human::bytes(*bytes),
            human::count(*entries, "entry", "entries"),
        ))?;
    }
    Ok(())
}

/// The digits of a digest that are enough to name it.
fn short(digest: &str) -> &str {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    hex.get(..12).unwrap_or(hex)
}

pub(crate) fn diff(volumes: &Volumes, arguments: &DiffArguments) -> Result<(), CliError> {
    let before = name(volumes, &arguments.before)?;
    let after = match &arguments.after {
        Some(after) => name(volumes, after)?,
        None => before.rsplit_once('@').map_or(before.as_str(), |(volume, _)| volume).to_owned(),
    };
    let (mut grown, mut shrunk) = (0u64, 0u64);
    let differences = volumes.diff(&before, &after)?;
    for one in &differences {
        let (before, after) = (one.before.unwrap_or(0), one.after.unwrap_or(0));
        grown += after.saturating_sub(before);
        shrunk += before.saturating_sub(after);
        if arguments.output == Output::Json {
            print(&json::line(one)?)?;
            continue;
        }
        let sign = match one.change {
            ChangeKind::Added => 'A',
            ChangeKind::Changed => 'M',
            ChangeKind::Touched => 'T',
            ChangeKind::Deleted => 'D',
        };
        let size = match (one.before, one.after) {
            (None, None) => String::new(),
            (Some(before), Some(after)) if before != after => {
                format!("{} -> {}", human::bytes(before), human::bytes(after))
            }
            (Some(size), _) | (None, Some(size)) => human::bytes(size),
        };
        print(&format!("{sign} {}{}\n", plain(&one.path), if size.is_empty() { size } else { format!("  {size}") }))?;
    }
    if arguments.output == Output::Text {
        let paths = human::count(differences.len() as u64, "path differs", "paths differ");
        print(&format!("{paths}, +{} -{}\n", human::bytes(grown), human::bytes(shrunk)))?;
    }
    Ok(())
}

/// Standard output for the bytes of a file, as they are.
struct Raw<'a>(&'a mut Results);

impl Write for Raw<'_> {
    fn write(&mut self, data: &[u8]) -> std::io::Result<usize> {
        self.0.write(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn cat(volumes: &Volumes, arguments: &CatArguments) -> Result<(), CliError> {
    let mut results = Results::default();
    volumes.cat(&name(volumes, &arguments.snapshot)?, &arguments.path, &mut Raw(&mut results))?;
    results.check()
}

pub(crate) fn save(volumes: &Volumes, launch: &WorkerLaunch, arguments: &DirectoryArguments) -> Result<(), CliError> {
    // A volume that there is not yet is made.
    let volume = name(volumes, &arguments.volume).unwrap_or_else(|_| arguments.volume.clone());
    let (snapshot, skipped) = volumes.save(launch, &volume, &arguments.directory)?;
    for skipped in skipped {
        eprintln!("warning: {}", plain(&skipped));
    }
    told("saved", &snapshot, arguments.output)
}

pub(crate) fn restore(
    volumes: &Volumes,
    launch: &WorkerLaunch,
    arguments: &DirectoryArguments,
) -> Result<(), CliError> {
    let snapshot = volumes.restore(launch, &name(volumes, &arguments.volume)?, &arguments.directory)?;
    told("restored", &snapshot, arguments.output)
}

fn told(what: &str, snapshot: &SnapshotInfo, output: Output) -> Result<(), CliError> {
    if output == Output::Json {
        return print(&json::line(snapshot)?);
    }
    let entries = human::count(snapshot.entries, "entry", "entries");
    print(&format!("{what} {}: {entries}, {}\n", short(&snapshot.digest), human::bytes(snapshot.bytes)))
}

pub(crate) fn tag(volumes: &Volumes, arguments: &TagArguments) -> Result<(), CliError> {
    let snapshot = name(volumes, &arguments.snapshot)?;
    if arguments.delete {
        volumes.untag(&snapshot, &arguments.tag)?;
        return print(&format!("`{}` names no snapshot of `{}` any more\n", arguments.tag, plain(&snapshot)));
    }
    let tagged = volumes.tag(&snapshot, &arguments.tag)?;
    print(&format!("`{}` is {} now\n", arguments.tag, short(&tagged.digest)))
}

pub(crate) fn gc(volumes: &Volumes, arguments: &GcArguments) -> Result<(), CliError> {
    let report = volumes.gc(arguments.keep_last, arguments.keep_days, arguments.dry_run)?;
    if arguments.output == Output::Json {
        return print(&json::line(&report)?);
    }
    let verb = if report.dry_run { "would remove" } else { "removed" };
    print(&format!(
        "{verb} {}, what {} left, and {}: {}\n",
        human::count(report.snapshots, "snapshot", "snapshots"),
        human::count(report.builds.len() as u64, "build had", "builds had"),
        human::count(report.blobs, "blob", "blobs"),
        human::bytes(report.bytes)
    ))
}

pub(crate) fn verify(volumes: &Volumes, arguments: &VerifyArguments) -> Result<u8, CliError> {
    let report = volumes.verify(arguments.deep, arguments.repair)?;
    let sound = report.problems.is_empty();
    if arguments.output == Output::Json {
        print(&json::line(&report)?)?;
    } else {
        for problem in &report.problems {
            print(&format!("problem: {}\n", plain(problem)))?;
        }
        for repaired in &report.repaired {
            print(&format!("repaired: {}\n", plain(repaired)))?;
        }
        print(&format!(
            "{}: {} of {}, {} of {} ({} that nobody needs)\n",
            if sound { "whole" } else { "damaged" },
            human::count(report.snapshots, "snapshot", "snapshots"),
            human::count(report.volumes, "volume", "volumes"),
            human::count(report.blobs, "blob", "blobs"),
            human::bytes(report.bytes),
            report.garbage
        ))?;
    }
    Ok(if sound { exit_code::SUCCESS } else { exit_code::BUILD_FAILED })
}

pub(crate) fn stats(volumes: &Volumes, arguments: &StatsArguments) -> Result<(), CliError> {
    if let Some(snapshot) = &arguments.snapshot {
        let tree = volumes.sizes(&name(volumes, snapshot)?)?;
        return match arguments.output {
            Output::Json => print(&json::line(&tree)?),
            Output::Text => branch(&tree, 0, tree.bytes.max(1)),
        };
    }
    let found = volumes.list()?;
    let all = volumes.gc(u64::MAX, None, true)?;
    let store = volumes.stored()?;
    if arguments.output == Output::Json {
        let document =
            serde_json::json!({ "volumes": found.len(), "blobs": store.0, "bytes": store.1, "garbage": all.bytes });
        return print(&json::line(&document)?);
    }
    let largest = found.iter().filter_map(|one| one.snapshots.first()).map(|one| one.stored).max().unwrap_or(1).max(1);
    for volume in &found {
        let Some(latest) = volume.snapshots.first() else { continue };
        print(&format!(
            "{:<20}  {:>9}  {:>9} stored  {}\n",
            bar(latest.stored, largest),
            human::bytes(latest.bytes),
            human::bytes(latest.stored),
            plain(&volume.name)
        ))?;
    }
    print(&format!(
        "{} of {}, {} that nobody needs\n",
        human::count(store.0, "blob", "blobs"),
        human::bytes(store.1),
        human::bytes(all.bytes)
    ))
}

/// A bar of up to twenty characters.
fn bar(part: u64, whole: u64) -> String {
    "#".repeat(usize::try_from(u128::from(part) * 20 / u128::from(whole.max(1))).unwrap_or(20).min(20))
}

fn branch(node: &SizeNode, depth: usize, whole: u64) -> Result<(), CliError> {
    let name = if depth == 0 { "." } else { node.name.as_str() };
    print(&format!(
        "{:<20}  {:>9}  {:>8}  {}{}\n",
        bar(node.bytes, whole),
        human::bytes(node.bytes),
        human::count(node.files, "file", "files"),
        "  ".repeat(depth),
        plain(name)
    ))?;
    node.inside.iter().try_for_each(|inside| branch(inside, depth + 1, whole))
}
