//! `stepbox volume …`.

use std::io::Write;

use stepbox_engine::{SnapshotInfo, Volumes};

use crate::arguments::VolumeCommand;
use crate::error::CliError;
use crate::sanitize::plain;
use crate::{exit_code, human, run};

/// Runs a command about volumes; the exit status.
pub(crate) fn run(command: &VolumeCommand) -> Result<u8, CliError> {
    let volumes = Volumes::open(&run::directories()?)?;
    match command {
        VolumeCommand::Ls => list(&volumes)?,
        VolumeCommand::Show(volume) => show(&volumes, &volume.name)?,
        VolumeCommand::Export(arguments) => {
            let export = volumes.export(&arguments.name, &arguments.output)?;
            print(&format!("{}  {}  {}\n", export.digest, human::bytes(export.size), export.file.display()));
        }
        VolumeCommand::Rm(volume) => {
            let freed = volumes.remove(&volume.name)?;
            print(&format!("removed `{}`, {} freed\n", plain(&volume.name), human::bytes(freed)));
        }
    }
    Ok(exit_code::SUCCESS)
}

/// On standard output; a reader that has enough is no error.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
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
    ));
    for (name, volume) in names.iter().zip(&found) {
        match volume.snapshots.first() {
            Some(latest) => print(&format!(
                "{name:<widest$}  {}  {:<24}  {:>9}  {:>9}  {}\n",
                human::time(latest.finished),
                plain(&latest.build),
                human::bytes(latest.bytes),
                human::bytes(latest.stored),
                volume.snapshots.len()
            )),
            None => print(&format!("{name:<widest$}  -\n")),
        }
    }
    Ok(())
}

fn show(volumes: &Volumes, name: &str) -> Result<(), CliError> {
    let volume = volumes.show(name)?;
    print(&format!("volume: {}\n", plain(&volume.name)));
    print(&format!("scope: {}\n", if volume.named { "a volume of its own (--volume)" } else { "a pipeline" }));
    for (number, snapshot) in volume.snapshots.iter().enumerate() {
        print(&format!("\n{}\n", if number == 0 { "latest" } else { "earlier" }));
        print(&details(snapshot));
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
