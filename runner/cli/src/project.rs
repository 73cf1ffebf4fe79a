//! `stepbox.yaml` beside the pipeline: what a project asks for. It is as untrusted as the pipeline itself, so that it grants
//! nothing: what it asks for beyond the ordinary takes effect where the user or a `stepbox trust` lets it ([`crate::grants`]).
//!
//! It is read, and every path in it is resolved, through the handle of the project's directory: an absolute path, `..` and a link
//! that leads out are errors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use stepbox_engine::{Reader, Wanted, io_text};

use crate::configuration::{MAX_FILE, parse};
use crate::error::CliError;

/// The file's name.
pub(crate) const NAME: &str = "stepbox.yaml";

/// How much of what a project names is looked at for `stepbox trust`: entries, and bytes.
const MAX_ENTRIES: usize = 100_000;
const MAX_BYTES: u64 = 1 << 30;

/// What a project asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Project {
    /// Image names or globs, and what stands for each: `toolbox`.
    #[serde(default)]
    pub(crate) images: BTreeMap<String, String>,
    /// What it may use: less than it gets anyway, or more where it is trusted.
    #[serde(default)]
    pub(crate) limits: Wanted,
    /// Hosts that its git-clone steps want to reach.
    #[serde(default)]
    pub(crate) allow_clone: Vec<String>,
    /// Variables of the user's environment that it wants as variables of the build.
    #[serde(default)]
    pub(crate) environment: Vec<String>,
    /// The same, masked and recorded nowhere.
    #[serde(default)]
    pub(crate) secrets: Vec<String>,
    /// Hosts that its steps want to reach.
    #[serde(default)]
    pub(crate) network: Vec<String>,
}

/// A project's file, and the directory that it stands in.
pub(crate) struct ProjectFile {
    directory: Option<OwnedFd>,
    text: String,
    /// What it says.
    pub(crate) project: Project,
}

impl ProjectFile {
    /// That in the directory of a pipeline; where there is none, it asks for nothing.
    pub(crate) fn of(pipeline: &Path, reader: &Reader) -> Result<Self, CliError> {
        let parent = pipeline.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let shown = parent.join(NAME).display().to_string().trim_start_matches("./").to_owned();
        let nothing = |directory| Self { directory, text: String::new(), project: Project::default() };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        // A pipeline that is not there is told elsewhere.
        let Ok(directory) = rustix::fs::open(parent, flags, Mode::empty()) else { return Ok(nothing(None)) };
        let file = match open_inside(&directory, NAME) {
            Ok(file) => file,
            Err(Inside::Missing) => return Ok(nothing(Some(directory))),
            Err(why) => return Err(CliError::usage(format!("cannot read {shown}: {why}"))),
        };
        let mut text = String::new();
        File::from(file)
            .take(MAX_FILE + 1)
            .read_to_string(&mut text)
            .map_err(|error| CliError::usage(format!("cannot read {shown}: {}", io_text(&error))))?;
        if text.len() as u64 > MAX_FILE {
            return Err(CliError::usage(format!("{shown} is larger than {MAX_FILE} bytes")));
        }
        let project: Project = parse(reader, &shown, &text)?;
        let this = Self { directory: Some(directory), text, project };
        this.check(&shown)?;
        Ok(this)
    }

    /// What a file can say and nobody may want.
    fn check(&self, shown: &str) -> Result<(), CliError> {
        let wrong = |why: String| CliError::usage(format!("{shown}: {why}"));
        self.project.limits.of_project().map_err(|error| wrong(error.to_string()))?;
        for path in self.paths() {
            self.open(path).map_err(|why| wrong(format!("the path `{path}`: {why}")))?;
        }
        for name in self.project.environment.iter().chain(&self.project.secrets) {
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            if name.is_empty() || !name.chars().all(plain) {
                return Err(wrong(format!("`{name}` is no name of a variable")));
            }
        }
        Ok(())
    }

    /// The paths that it names.
    fn paths(&self) -> impl Iterator<Item = &str> {
        let path =
            |target: &&str| target.contains("..") || target.starts_with(['.', '/', '~']) || target.ends_with(".wasm");
        self.project.images.values().map(String::as_str).filter(path)
    }

    /// Opens a path of the project.
    fn open(&self, path: &str) -> Result<OwnedFd, Inside> {
        match &self.directory {
            Some(directory) => open_inside(directory, path),
            None => Err(Inside::Missing),
        }
    }

    /// Whether it asks for anything that it is not given anyway.
    pub(crate) fn asks(&self) -> bool {
        let Project { limits, allow_clone, environment, secrets, network, .. } = &self.project;
        !limits.is_empty() || [allow_clone, environment, secrets, network].iter().any(|list| !list.is_empty())
    }

    /// A digest of the file and of all that it names; another one whenever something of that changes.
    pub(crate) fn digest(&self) -> Result<String, CliError> {
        let mut hash = Sha256::new();
        let mut left = (MAX_ENTRIES, MAX_BYTES);
        part(&mut hash, b"file", self.text.as_bytes());
        for path in self.paths() {
            let failed = |why: String| CliError::usage(format!("cannot read the path `{path}` of {NAME}: {why}"));
            let handle = self.open(path).map_err(|why| failed(why.to_string()))?;
            part(&mut hash, b"path", path.as_bytes());
            contents(&mut hash, &handle, &mut left).map_err(failed)?;
        }
        let digest = hash.finalize();
        Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Why a path does not lead to something inside of the project.
#[derive(Debug, thiserror::Error)]
enum Inside {
    #[error("it is absolute; it must be one below the project")]
    Absolute,
    #[error("it leads out of the project by `..`")]
    Climbs,
    #[error("it leads out of the project by a link")]
    Link,
    #[error("No such file or directory")]
    Missing,
    #[error("it is neither a file nor a directory")]
    Kind,
    #[error("{}", io_text(.0))]
    Io(std::io::Error),
}

/// Opens what a path below a directory names.
fn open_inside(directory: impl AsFd, path: &str) -> Result<OwnedFd, Inside> {
    for component in Path::new(path).components() {
        match component {
            Component::ParentDir => return Err(Inside::Climbs),
            Component::RootDir | Component::Prefix(_) => return Err(Inside::Absolute),
            Component::CurDir | Component::Normal(_) => {}
        }
    }
    // A pipe that somebody has put there holds nobody.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    let opened = rustix::fs::openat2(directory, path, flags, Mode::empty(), resolve).map_err(|error| match error {
        Errno::XDEV | Errno::LOOP => Inside::Link,
        Errno::NOENT | Errno::NOTDIR => Inside::Missing,
        other => Inside::Io(other.into()),
    })?;
    let stat = rustix::fs::fstat(&opened).map_err(|error| Inside::Io(error.into()))?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile | FileType::Directory => Ok(opened),
        _ => Err(Inside::Kind),
    }
}

/// A part of what is hashed: no other parts can look the same one after the other.
fn part(hash: &mut Sha256, kind: &[u8], bytes: &[u8]) {
    for bytes in [kind, bytes] {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
}

/// Hashes a file, or a directory with all that is in it: names, kinds, contents, and where links lead.
fn contents(hash: &mut Sha256, handle: &OwnedFd, left: &mut (usize, u64)) -> Result<(), String> {
    let failed = |error: Errno| io_text(&error.into());
    let stat = rustix::fs::fstat(handle).map_err(failed)?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        let mut bytes = vec![];
        let file = File::from(handle.try_clone().map_err(|error| io_text(&error))?);
        file.take(left.1 + 1).read_to_end(&mut bytes).map_err(|error| io_text(&error))?;
        left.1 = left.1.checked_sub(bytes.len() as u64).ok_or("it has more bytes than are looked at")?;
        part(hash, b"contents", &bytes);
        return Ok(());
    }
    let mut names = vec![];
    for entry in rustix::fs::Dir::read_from(handle).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            names.push(entry.file_name().to_owned());
            left.0 = left.0.checked_sub(1).ok_or("it has more entries than are looked at")?;
        }
    }
    names.sort();
    part(hash, b"directory", &(names.len() as u64).to_le_bytes());
    for name in names {
        part(hash, b"name", name.to_bytes());
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        match rustix::fs::openat(handle, &name, flags, Mode::empty()) {
            Ok(inner) => contents(hash, &inner, left)?,
            Err(Errno::LOOP) => {
                let target = rustix::fs::readlinkat(handle, &name, vec![]).map_err(failed)?;
                part(hash, b"link", target.to_bytes());
            }
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(())
}
