//! Where state lives, and whether it may.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use cap_std::fs::Dir;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::error::{EngineError, EngineErrorKind};
use stepbox_volume::io_text;

/// The directories that Stepbox owns. They are made where they are missing, for their user alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directories {
    /// Store, records, running builds.
    pub state: PathBuf,
    /// Compiled modules; everything in it can be made again.
    pub cache: Option<PathBuf>,
}

/// The state directory, opened.
pub(crate) struct State {
    pub(crate) path: PathBuf,
    pub(crate) store: Dir,
    pub(crate) builds: Dir,
    pub(crate) work: Dir,
}

impl State {
    /// Opens the state directory and makes what is missing in it.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`] where it belongs to somebody else, or cannot be made or written.
    pub(crate) fn open(path: &Path) -> Result<Self, EngineError> {
        Self::open_with(path, private_directory)
    }

    /// Opens a state directory that is only read where it cannot be written.
    ///
    /// # Errors
    /// As [`State::open`], but for one that is complete and on a read-only file system.
    pub(crate) fn open_to_read(path: &Path) -> Result<Self, EngineError> {
        Self::open_with(path, owned_directory)
    }

    fn open_with(path: &Path, open: fn(&Path) -> Result<Dir, EngineError>) -> Result<Self, EngineError> {
        let root = open(path)?;
        let sub = |name: &str| {
            let path = path.join(name);
            match root.symlink_metadata(name) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => match make(&path) {
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                        return Err(EngineError::state(format!("cannot make `{}`", path.display()), &error));
                    }
                    _ => {}
                },
                Err(error) => return Err(EngineError::state(format!("cannot use `{}`", path.display()), &error)),
            }
            open(&path)
        };
        let (store, builds, work) = (sub("store")?, sub("builds")?, sub("work")?);
        spread(&work);
        Ok(Self { path: path.to_owned(), store, builds, work })
    }
}

/// Opens the directory of compiled modules, for whoever runs commands without a build.
///
/// # Errors
/// [`EngineErrorKind::State`] where it belongs to somebody else, or cannot be made or written.
pub fn modules_directory(cache: &Path) -> Result<OwnedFd, EngineError> {
    private_directory(cache).map(|directory| directory.into_std_file().into())
}

/// Opens a directory of ours, made if it is missing.
///
/// # Errors
/// [`EngineErrorKind::State`] where it belongs to somebody else, or cannot be made or written.
pub(crate) fn private_directory(path: &Path) -> Result<Dir, EngineError> {
    let directory = owned_directory(path)?;
    rustix::fs::accessat(&directory, ".", rustix::fs::Access::WRITE_OK, rustix::fs::AtFlags::EACCESS)
        .map_err(|error| EngineError::state(format!("`{}` is not writable", path.display()), &error.into()))?;
    Ok(directory)
}

/// The same, but whether it can be written is not looked at.
fn owned_directory(path: &Path) -> Result<Dir, EngineError> {
    let shown = path.display();
    match std::fs::metadata(path) {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(parent) = path.parent() {
                DirBuilder::new()
                    .recursive(true)
                    .mode(0o700)
                    .create(parent)
                    .map_err(|error| EngineError::state(format!("cannot make `{}`", parent.display()), &error))?;
            }
            match make(path) {
                // Another build of ours was faster.
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(EngineError::state(format!("cannot make `{shown}`"), &error)
                        .hint("name another state directory with the environment variable `STEPBOX_HOME`"));
                }
                _ => {}
            }
        }
        Err(error) => return Err(EngineError::state(format!("cannot use `{shown}`"), &error)),
    }
    // Not by `Dir::open_ambient_dir`, whose handles can neither be synced nor changed.
    let directory = rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map(|handle| Dir::from_std_file(handle.into()))
        .map_err(|error| EngineError::state(format!("cannot open `{shown}`"), &error.into()))?;
    check_owner(&directory, path)?;
    Ok(directory)
}

/// Opens a directory in another one; a link is refused.
pub(crate) fn open_directory(parent: &Dir, name: impl AsRef<Path>) -> io::Result<Dir> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let handle = rustix::fs::openat(parent, name.as_ref(), flags, Mode::empty())?;
    Ok(Dir::from_std_file(handle.into()))
}

/// Opens a file in a directory to read it. A link is refused, and so is everything that is no file: a pipe would be waited
/// for.
pub(crate) fn open_file(parent: &Dir, name: &str) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let no_file = || io::Error::new(io::ErrorKind::InvalidData, "it is no file");
    let handle = rustix::fs::openat(parent, name, flags, Mode::empty()).map_err(|error| match error {
        Errno::LOOP | Errno::NXIO => no_file(),
        error => error.into(),
    })?;
    let file = File::from(handle);
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

/// Has ext4 put each directory made in there where few files are (`chattr +T`): a tree made just after another one was
/// removed costs many times more beside it. Other file systems refuse, and need it not.
pub(crate) fn spread(directory: &Dir) {
    use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
    if let Ok(flags) = ioctl_getflags(directory)
        && !flags.contains(IFlags::TOPDIR)
    {
        let _ = ioctl_setflags(directory, flags | IFlags::TOPDIR);
    }
}

fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Whoever else owns it could change what builds start from; nobody else may look into it either.
fn check_owner(directory: &Dir, path: &Path) -> Result<(), EngineError> {
    let shown = path.display();
    let file = directory
        .try_clone()
        .map_err(|error| EngineError::state(format!("cannot open `{shown}`"), &error))?
        .into_std_file();
    let metadata = file.metadata().map_err(|error| EngineError::state(format!("cannot use `{shown}`"), &error))?;
    let me = rustix::process::geteuid().as_raw();
    if metadata.uid() != me {
        let message = format!("`{shown}` belongs to user {}, and this is user {me}", metadata.uid());
        return Err(EngineError::new(EngineErrorKind::State, message)
            .hint("name a state directory of your own with the environment variable `STEPBOX_HOME`"));
    }
    if metadata.mode() & 0o077 != 0 {
        file.set_permissions(std::fs::Permissions::from_mode(0o700)).map_err(|error| {
            let text = io_text(&error);
            EngineError::new(EngineErrorKind::State, format!("cannot make `{shown}` private: {text}"))
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_directories_are_private() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("deep/state");
        drop(State::open(&path).map_err(|error| error.message).expect("opens"));
        for name in ["", "store", "builds", "work"] {
            let mode = std::fs::metadata(path.join(name)).expect("is there").mode();
            assert_eq!(mode & 0o777, 0o700, "{name}");
        }
        std::fs::set_permissions(path.join("store"), std::fs::Permissions::from_mode(0o755)).expect("sets");
        drop(State::open(&path).map_err(|error| error.message).expect("opens again"));
        assert_eq!(std::fs::metadata(path.join("store")).expect("is there").mode() & 0o777, 0o700);
    }

    #[test]
    fn what_belongs_to_somebody_else_is_refused() {
        if !rustix::process::geteuid().is_root() {
            return;
        }
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("state");
        std::fs::create_dir(&path).expect("makes");
        std::os::unix::fs::chown(&path, Some(12345), None).expect("gives away");
        let error = State::open(&path).err().expect("refused");
        assert_eq!(error.kind, EngineErrorKind::State);
        assert!(error.message.ends_with("belongs to user 12345, and this is user 0"), "{error}");
    }

    #[test]
    fn a_file_in_the_way_is_an_error() {
        let parent = tempfile::tempdir().expect("a directory");
        let path = parent.path().join("state");
        std::fs::write(&path, "").expect("writes");
        assert_eq!(State::open(&path).err().map(|error| error.kind), Some(EngineErrorKind::State));
        assert_eq!(State::open(&path.join("x")).err().map(|error| error.kind), Some(EngineErrorKind::State));
    }
}
