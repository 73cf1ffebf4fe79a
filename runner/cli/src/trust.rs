//! `stepbox trust`: the user has looked at what a project asks for, and lets it have that. A change of `stepbox.yaml`, or of what
//! it names, asks again.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stepbox_engine::io_text;

use crate::arguments::{TrustArguments, WallArguments};
use crate::error::CliError;
use crate::project::{NAME, ProjectFile};
use crate::run::pipeline_file;
use crate::{environment, exit_code, reader};

/// What is remembered of a project.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Record {
    /// Its directory, for people.
    directory: PathBuf,
    /// [`ProjectFile::digest`].
    digest: String,
}

/// Trusts a project, or no longer.
pub(crate) fn run(arguments: &TrustArguments) -> Result<u8, CliError> {
    let file = pipeline_file(arguments.pipeline_file.as_deref())?;
    let directory = directory_of(&file)?;
    let place = place(&directory)?;
    let failed =
        |error: &std::io::Error| CliError::host(format!("cannot write `{}`: {}", place.display(), io_text(error)));
    let shown = directory.display();
    if arguments.remove {
        match fs::remove_file(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(&error)),
            _ => println!("`{shown}` is not trusted"),
        }
        return Ok(exit_code::SUCCESS);
    }
    let project = ProjectFile::of(&file, &reader::start(WallArguments::default(), false)?)?;
    if !project.asks() {
        println!("`{shown}` asks for nothing that it does not get anyway");
        return Ok(exit_code::SUCCESS);
    }
    let record = Record { directory: directory.clone(), digest: project.digest()? };
    let text = serde_json::to_string(&record).map_err(|error| CliError::host(error.to_string()))?;
    write(&place, &text).map_err(|error| failed(&error))?;
    println!("`{shown}` is trusted until {NAME}, or what it names, changes; it gets:");
    let asked = &project.project;
    for (limit, value) in asked.limits.iter() {
        println!("  limit `{limit}`: {}", limit.show(value));
    }
    for (what, names) in [
        ("clones from", &asked.allow_clone),
        ("variable of your environment", &asked.environment),
        ("secret of your environment", &asked.secrets),
    ] {
        names.iter().for_each(|name| println!("  {what} `{}`", name.escape_debug()));
    }
    Ok(exit_code::SUCCESS)
}

/// Whether a project is trusted as it is now.
pub(crate) fn is_trusted(file: &Path, project: &ProjectFile) -> Result<bool, CliError> {
    if !project.asks() {
        return Ok(false);
    }
    let directory = directory_of(file)?;
    let path = place(&directory)?;
    let owned = fs::symlink_metadata(&path)
        .is_ok_and(|found| found.is_file() && found.uid() == rustix::process::geteuid().as_raw());
    if !owned {
        return Ok(false);
    }
    let text = fs::read_to_string(&path).unwrap_or_default();
    // What cannot be read is not trusted.
    let Ok(record) = serde_json::from_str::<Record>(&text) else { return Ok(false) };
    Ok(record.directory == directory && record.digest == project.digest()?)
}

fn directory_of(file: &Path) -> Result<PathBuf, CliError> {
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::canonicalize(parent)
        .map_err(|error| CliError::usage(format!("cannot use `{}`: {}", parent.display(), io_text(&error))))
}

/// Where a project is remembered.
fn place(directory: &Path) -> Result<PathBuf, CliError> {
    use std::os::unix::ffi::OsStrExt;
    let state = environment::state().ok_or_else(|| CliError::host("there is no place for state"))?;
    let name: String =
        Sha256::digest(directory.as_os_str().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(state.join("trust").join(name))
}

/// Replaces a file as a whole.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    let new = path.with_extension(format!("new-{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&new, path)
}
