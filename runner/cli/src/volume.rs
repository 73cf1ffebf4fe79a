//! `stepbox volume …`.

use stepbox_engine::{EngineErrorKind, SnapshotInfo, Volumes};
use stepbox_lockdown::Access;

use crate::arguments::{Output, VolumeArguments, VolumeCommand};
use crate::error::CliError;
use crate::results::print;
use crate::sanitize::plain;
use crate::{exit_code, human, json, run, volume_contents, wall};

/// Runs a command about volumes; the exit status.
pub(crate) fn run(arguments: &VolumeArguments) -> Result<u8, CliError> {
    let volumes = Volumes::open(&run::directories()?)?;
    let launch = run::launch(false, arguments.wall)?;
    let command = &arguments.command;
    let reach = match command {
        // They write outside of the state directory: a worker reads and makes archives for them.
        VolumeCommand::Export(_) | VolumeCommand::Restore(_) | VolumeCommand::Save(_) => None,
        VolumeCommand::Tag(_) | VolumeCommand::Rm(_) | VolumeCommand::Gc(_) => Some(volumes.reach(true)?),
        VolumeCommand::Verify(arguments) => Some(volumes.reach(arguments.repair)?),
        _ => Some(volumes.reach(false)?),
    };
    if let Some(reach) = reach {
        let access = |writable| if writable { Access::Write } else { Access::Read };
        let reach: Vec<_> = reach.into_iter().map(|(directory, writable)| (directory, access(writable))).collect();
        wall::lock(arguments.wall, &reach)?;
    }
    match command {
        VolumeCommand::Ls(arguments) => list(&volumes, arguments.output)?,
        VolumeCommand::Show(volume) => show(&volumes, &name(&volumes, &volume.name)?, volume.output)?,
        VolumeCommand::Log(volume) => volume_contents::log(&volumes, &name(&volumes, &volume.name)?, volume.output)?,
        VolumeCommand::Diff(arguments) => volume_contents::diff(&volumes, arguments)?,
        VolumeCommand::Cat(arguments) => volume_contents::cat(&volumes, arguments)?,
        VolumeCommand::Save(arguments) => volume_contents::save(&volumes, &launch, arguments)?,
        VolumeCommand::Restore(arguments) => volume_contents::restore(&volumes, &launch, arguments)?,
        VolumeCommand::Export(arguments) => {
            let export = volumes.export(&launch, &name(&volumes, &arguments.name)?, &arguments.output)?;
            print(&format!("{}  {}  {}\n", export.digest, human::bytes(export.size), export.file.display()))?;
        }
        VolumeCommand::Tag(arguments) => volume_contents::tag(&volumes, arguments)?,
        VolumeCommand::Rm(volume) => {
            let name = name(&volumes, &volume.name)?;
            let freed = volumes.remove(&name)?;
            match volume.output {
                Output::Json => print(&json::line(&serde_json::json!({ "volume": name, "freed": freed }))?)?,
                Output::Text => print(&format!("removed `{}`, {} freed\n", plain(&name), human::bytes(freed)))?,
            }
        }
        VolumeCommand::Gc(arguments) => volume_contents::gc(&volumes, arguments)?,
        VolumeCommand::Verify(arguments) => return volume_contents::verify(&volumes, arguments),
        VolumeCommand::Stats(arguments) => volume_contents::stats(&volumes, arguments)?,
    }
    Ok(exit_code::SUCCESS)
}

/// A pipeline's volume is called after the absolute path of its file; any path to it will do, also before `@`.
pub(crate) fn name(volumes: &Volumes, given: &str) -> Result<String, CliError> {
    let Err(error) = volumes.show(given) else { return Ok(given.to_owned()) };
    if error.kind != EngineErrorKind::Usage {
        return Ok(given.to_owned());
    }
    let (file, which) = match given.rsplit_once('@') {
        Some((file, which)) => (file, format!("@{which}")),
        None => (given, String::new()),
    };
    if volumes.show(file).is_ok() {
        return Ok(given.to_owned());
    }
    let path = std::path::Path::new(file).canonicalize().map(|path| path.display().to_string());
    // Where that is none either, the message names what was typed.
    match path.map(|path| volumes.show(&path).map(|_| path)) {
        Ok(Ok(path)) => Ok(path + &which),
        Ok(Err(_)) => Err(error.into()),
        Err(_) => Ok(given.to_owned()),
    }
}

fn list(volumes: &Volumes, output: Output) -> Result<(), CliError> {
    let found = volumes.list()?;
    if output == Output::Json {
        return found.iter().try_for_each(|volume| print(&json::line(volume)?));
    }
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

fn show(volumes: &Volumes, name: &str, output: Output) -> Result<(), CliError> {
    let volume = volumes.show(name)?;
    if output == Output::Json {
        return print(&json::line(&volume)?);
    }
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
