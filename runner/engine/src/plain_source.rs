//! The source of a build as a plain directory: its files as they are now, without history.

use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, MetadataExt, OpenOptions, OpenOptionsExt};
use stepbox_pipeline::{BuildFacts, repository_name};

use crate::directories::open_directory;
use crate::error::{EngineError, EngineErrorKind, io_text};
use crate::repository::{CloneRequest, Cloned, Repository};
use crate::request::BuildRequest;
use crate::work_directory::remove_tree;

/// How deep a source may be.
const MAX_DEPTH: usize = 512;

/// A directory that is served as a repository.
pub(crate) struct PlainSource {
    path: PathBuf,
    name: String,
    /// The directory of the pipeline file where it lies below the source: an example in a larger tree is a repository
    /// of its own name.
    project: Option<PathBuf>,
}

/// What was copied.
#[derive(Default)]
struct Copied {
    files: u64,
    bytes: u64,
}

impl PlainSource {
    /// The source: what the request says, else the work tree that holds the pipeline file, else its directory.
    ///
    /// # Errors
    /// [`EngineErrorKind::Usage`] for what is no directory, and for `/`, the home directory and what holds it.
    pub(crate) fn find(request: &BuildRequest) -> Result<Self, EngineError> {
        let canonical = |path: &Path| {
            std::fs::canonicalize(path).map_err(|error| {
                let message = format!("cannot use the source `{}`: {}", path.display(), io_text(&error));
                EngineError::new(EngineErrorKind::Usage, message)
            })
        };
        let mut project = None;
        let path = match &request.source {
            Some(source) => canonical(source)?,
            None => {
                let file = canonical(&request.pipeline_file)?;
                let directory = file.parent().unwrap_or(&file).to_owned();
                let tree = directory.ancestors().find(|one| one.join(".git").exists()).map(Path::to_owned);
                project = tree.is_some().then(|| directory.clone());
                tree.unwrap_or(directory)
            }
        };
        let refuse = |why: &str| {
            let message = format!("`{}` cannot be the source of a build: {why}", path.display());
            Err(EngineError::new(EngineErrorKind::Usage, message).hint("name a directory with `--source DIR`"))
        };
        if !path.is_dir() {
            return refuse("it is not a directory");
        }
        let home = request.home.as_deref().and_then(|home| std::fs::canonicalize(home).ok());
        if path.parent().is_none() || home.is_some_and(|home| home.starts_with(&path)) {
            return refuse("it is, or holds, a home directory or the whole system");
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("source").to_owned();
        Ok(Self { path, name, project })
    }
}

impl PlainSource {
    /// The directory that is served under a repository's name.
    fn directory_of(&self, name: &str) -> Option<&Path> {
        if name == self.name {
            return Some(&self.path);
        }
        self.project.as_deref().filter(|project| project.file_name().is_some_and(|known| known == name))
    }
}

impl Repository for PlainSource {
    fn facts(&self) -> BuildFacts {
        BuildFacts { repo_owner: Some("local".into()), repo_name: Some(self.name.clone()), ..BuildFacts::default() }
    }

    fn clone_onto(
        &self,
        request: &CloneRequest,
        volume: &Dir,
        stop: &dyn Fn() -> bool,
        log: &mut dyn FnMut(String),
    ) -> Result<Cloned, String> {
        let name = repository_name(&request.repo).ok_or_else(|| format!("`{}` names no repository", request.repo))?;
        let Some(path) = self.directory_of(name) else {
            return Err(format!(
                "`{}` is not the source of this build (`{}`), and cloning other repositories is not supported yet",
                request.repo, self.name
            ));
        };
        let from = Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| io_text(&error))?;
        let mut parent = volume.try_clone().map_err(|error| io_text(&error))?;
        // A step may have planted a link anywhere: each directory is opened by itself.
        for part in request.parent.split('/').filter(|part| !part.is_empty()) {
            if !parent.symlink_metadata(part).is_ok_and(|metadata| metadata.is_dir()) {
                remove_tree(&parent, part).and_then(|()| parent.create_dir(part)).map_err(|error| io_text(&error))?;
            }
            parent = open_directory(&parent, part).map_err(|error| io_text(&error))?;
        }
        let mut copied = Copied::default();
        remove_tree(&parent, name)
            .and_then(|()| parent.create_dir(name))
            .and_then(|()| open_directory(&parent, name))
            .and_then(|to| copy(from, to, stop, &mut copied))
            .map_err(|error| format!("cannot copy the source: {}", io_text(&error)))?;
        let megabytes = copied.bytes as f64 / 1e6;
        log(format!("source: {}, {} files, {megabytes:.1} MB, without history", path.display(), copied.files));
        if let Some(revision) = &request.revision {
            log(format!(
                "the files are served as they are now; whether they are of revision `{revision}` is not looked at yet"
            ));
        }
        let directory = [request.parent.as_str(), name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
        Ok(Cloned { directory: directory.join("/"), revision: request.revision.clone(), repo: request.repo.clone() })
    }
}

/// Copies a tree; links as links, anything but files, directories and links not at all.
fn copy(from: Dir, to: Dir, stop: &dyn Fn() -> bool, copied: &mut Copied) -> io::Result<()> {
    let mut open = vec![(from, to, 0)];
    while let Some((from, to, depth)) = open.pop() {
        for entry in from.entries()? {
            if stop() {
                return Err(io::Error::from(io::ErrorKind::Interrupted));
            }
            let entry = entry?;
            let name = entry.file_name();
            // Files may vanish while they are read.
            let Ok(metadata) = from.symlink_metadata(&name) else { continue };
            if metadata.is_symlink() {
                to.symlink_contents(from.read_link_contents(&name)?, &name)?;
            } else if metadata.is_dir() {
                let Ok(below) = from.open_dir(&name) else { continue };
                // The directory's own history, and what says of itself that it can be made again.
                if (depth == 0 && name == ".git") || below.exists("CACHEDIR.TAG") || depth >= MAX_DEPTH {
                    continue;
                }
                to.create_dir(&name)?;
                open.push((below, to.open_dir(&name)?, depth + 1));
            } else if metadata.is_file() {
                let mode = if metadata.mode() & 0o111 != 0 { 0o755 } else { 0o644 };
                let Ok(mut source) = from.open(&name) else { continue };
                let mut target = to.open_with(&name, OpenOptions::new().write(true).create_new(true).mode(mode))?;
                copied.bytes += io::copy(&mut source, &mut target)?;
                copied.files += 1;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &Path, home: Option<&Path>) -> Result<PlainSource, EngineError> {
        let mut request = BuildRequest::new(path.join("codefresh.yml"), String::new(), |_| Ok(vec![]));
        request.home = home.map(Path::to_owned);
        PlainSource::find(&request)
    }

    #[test]
    fn g9_the_source_is_copied_afresh_and_links_on_the_volume_are_not_followed() {
        let home = tempfile::tempdir().expect("a directory");
        let app = home.path().join("app");
        std::fs::create_dir_all(app.join("artifact")).expect("makes");
        std::fs::create_dir(app.join(".git")).expect("makes");
        for (name, text) in [("codefresh.yml", "x"), ("artifact/one", "1"), (".git/config", "secret")] {
            std::fs::write(app.join(name), text).expect("writes");
        }
        let outside = home.path().join("outside");
        let volume = home.path().join("volume");
        std::fs::create_dir(&outside).expect("makes");
        std::fs::create_dir(&volume).expect("makes");
        std::os::unix::fs::symlink("../outside", volume.join("deep")).expect("links");
        let directory = Dir::open_ambient_dir(&volume, ambient_authority()).expect("opens");
        let request = CloneRequest {
            repo: "example/app".into(),
            revision: None,
            git: None,
            credentials: None,
            depth: None,
            parent: "deep".into(),
        };
        let source = source(&app, None).expect("found");
        for _ in 0..2 {
            let cloned = source.clone_onto(&request, &directory, &|| false, &mut |_| {}).expect("clones");
            assert_eq!(cloned.directory, "deep/app");
            assert_eq!(std::fs::read_to_string(volume.join("deep/app/artifact/one")).expect("there"), "1");
            assert!(!volume.join("deep/app/.git").exists());
            std::fs::write(volume.join("deep/app/left"), "").expect("writes");
        }
        assert_eq!(std::fs::read_dir(&outside).expect("reads").count(), 0);
        let other = CloneRequest { repo: "example/other".into(), ..request };
        assert!(source.clone_onto(&other, &directory, &|| false, &mut |_| {}).is_err());
    }

    #[test]
    fn g1_the_directory_of_the_pipeline_is_a_repository_of_its_name() {
        let place = tempfile::tempdir().expect("a directory");
        let example = place.path().join("tree/examples/shared-volumes");
        let volume = place.path().join("volume");
        for directory in [&example, &volume, &place.path().join("tree/.git")] {
            std::fs::create_dir_all(directory).expect("makes");
        }
        std::fs::write(example.join("codefresh.yml"), "x").expect("writes");
        let directory = Dir::open_ambient_dir(&volume, ambient_authority()).expect("opens");
        let source = source(&example, None).expect("found");
        assert_eq!(source.facts().repo_name.as_deref(), Some("tree"));
        let request = |repo: &str| CloneRequest {
            repo: repo.into(),
            revision: Some("main".into()),
            git: None,
            credentials: None,
            depth: None,
            parent: String::new(),
        };
        let mut lines = vec![];
        let cloned =
            source.clone_onto(&request("example/shared-volumes"), &directory, &|| false, &mut |line| lines.push(line));
        assert_eq!(cloned.expect("clones").directory, "shared-volumes");
        assert_eq!(
            lines[1],
            "the files are served as they are now; whether they are of revision `main` is not looked at yet"
        );
        assert!(volume.join("shared-volumes/codefresh.yml").exists());
        assert!(source.clone_onto(&request("example/tree"), &directory, &|| false, &mut |_| {}).is_ok());
        assert!(source.clone_onto(&request("example/other"), &directory, &|| false, &mut |_| {}).is_err());
    }

    #[test]
    fn a_home_directory_is_never_the_source() {
        let home = tempfile::tempdir().expect("a directory");
        let user = home.path().join("user");
        std::fs::create_dir_all(user.join("app")).expect("makes");
        for directory in [home.path(), &user, &user.join("app")] {
            std::fs::write(directory.join("codefresh.yml"), "").expect("writes");
        }
        assert_eq!(source(home.path(), Some(&user)).err().map(|error| error.kind), Some(EngineErrorKind::Usage));
        assert_eq!(source(&user, Some(&user)).err().map(|error| error.kind), Some(EngineErrorKind::Usage));
        assert!(source(&user.join("app"), Some(&user)).is_ok());
    }
}
