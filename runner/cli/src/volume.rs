//! `stepbox volume …`.

use stepbox_engine::{EngineErrorKind, SnapshotInfo, Volumes};

use crate::arguments::VolumeCommand;
use crate::error::CliError;
use crate::results::print;
use crate::sanitize::plain;
use crate::{exit_code, human, run};

/// Runs a command about volumes; the exit status.
pub(crate) fn run(command: &VolumeCommand) -> Result<u8, CliError> {
    let volumes = Volumes::open(&run::directories()?)?;
    match command {
        VolumeCommand::Ls => list(&volumes)?,
        VolumeCommand::Show(volume) => show(&volumes, &name(&volumes, &volume.name)?)?,
        VolumeCommand::Export(arguments) => {
            let export = volumes.export(&name(&volumes, &arguments.name)?, &arguments.output)?;
            print(&format!("{}  {}  {}\n", export.digest, human::bytes(export.size), export.file.display()))?;
        }
        VolumeCommand::Rm(volume) => {
            let name = name(&volumes, &volume.name)?;
            let freed = volumes.remove(&name)?;
            print(&format!("removed `{}`, {} freed\n", plain(&name), human::bytes(freed)))?;
        }
    }
    Ok(exit_code::SUCCESS)
}

/// A pipeline's volume is called after the absolute path of its file; any path to it will do.
fn name(volumes: &Volumes, given: &str) -> Result<String, CliError> {
    let path = std::path::Path::new(given).canonicalize();
    match (volumes.show(given), path) {
        (Err(error), Ok(path)) if error.kind == EngineErrorKind::Usage => {
            let path = path.display().to_string();
            // Where that is none either, the message names what was typed.
            volumes.show(&path).map(|_| path).map_err(|_| error.into())
        }
        _ => Ok(given.to_owned()),
    }
}

fn list(volumes: &Volumes) -> Result<(), CliError> {
    let found = volumes.list()?;
    if found.is_empty() {
        eprintln!("no build has left a volume yet");
        return Ok(());
    }
    let names: Vec<String> = found.iter().map(|volume| plain(&volume.name)).collect();
    let widest = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(6);
    print(&format!(
        "{:<widest$}  {:<19}  {:<24}  {:>9}  {:>9}  snapshots\n",
        "volume", "saved (UTC)", "build", "size", "stored"
    ))?;
    for (name, volume) in names.iter().zip(&found) {
        match volume.snapshots.first() {
            Some(latest) => print(&format!(
                "{name:<widest$}  {}  {:<24}  {:>9}  {:>9}  {}\n",
                human::time(latest.finished),
                plain(&latest.build),
                human::bytes(latest.bytes),
                human::bytes(latest.stored),
                volume.snapshots.len()
            ))?,
            None => print(&format!("{name:<widest$}  -\n"))?,
        }
    }
    Ok(())
}

fn show(volumes: &Volumes, name: &str) -> Result<(), CliError> {
    let volume = volumes.show(name)?;
    print(&format!("volume: {}\n", plain(&volume.name)))?;
    print(&format!("scope: {}\n", if volume.named { "a volume of its own (--volume)" } else { "a pipeline" }))?;
    for (number, snapshot) in volume.snapshots.iter().enumerate() {
        print(&format!("\n{}\n", if number == 0 { "latest" } else { "earlier" }))?;
        print(&details(snapshot))?;
    }
    Ok(())
}

fn details(snapshot: &SnapshotInfo) -> String {
    let parent = snapshot.parent.as_ref().map_or("empty".to_owned(), Clone::clone);
    format!(
        "  digest: {}\n  build: {}\n  saved: {} UTC\n  started from: {parent}\n  contents: {}, {}\n  stored: {}\n",
        snapshot.digest,
        plain(&snapshot.build),
        human::time(snapshot.finished),
        human::count(snapshot.entries, "entry", "entries"),
        human::bytes(snapshot.bytes),
        human::bytes(snapshot.stored)
    )
}
