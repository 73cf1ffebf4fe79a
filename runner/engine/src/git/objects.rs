//! The files of an object database.

use std::ffi::OsStr;
use std::io;
use std::path::Path;

use cap_std::ambient_authority;
use cap_std::fs::Dir;
use gix::bstr::{BStr, BString};

use super::error::GitError;
use super::write::join;
use crate::directories::open_directory;

/// The object database of a repository.
pub(super) struct Objects {
    directory: Dir,
}

impl Objects {
    /// Opens the database of a repository.
    ///
    /// # Errors
    /// Where it borrows objects from elsewhere: what an `alternates` file names may be anybody's.
    pub(super) fn open(repository: &gix::Repository) -> Result<Self, GitError> {
        let path = repository.common_dir().join("objects");
        let failed = || GitError::io(format!("cannot read `{}`", path.display()));
        let directory = Dir::open_ambient_dir(&path, ambient_authority()).map_err(failed())?;
        let alternates = path.join("info/alternates");
        match std::fs::read(&alternates) {
            Ok(text) if !text.trim_ascii().is_empty() => Err(GitError::Refused(format!(
                "`{}` borrows objects from another repository, which is not supported: `git repack -a -d` copies \
                 them, then remove that file",
                alternates.display()
            ))),
            Ok(_) => Ok(Self { directory }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self { directory }),
            Err(error) => Err(failed()(error)),
        }
    }

    pub(super) fn directory(&self) -> &Dir {
        &self.directory
    }

    /// Paths of all files that hold objects, below the database.
    pub(super) fn files(&self, stop: &dyn Fn() -> bool) -> Result<Vec<BString>, GitError> {
        let failed = || GitError::io("cannot read the objects of the repository");
        let mut files = vec![];
        for entry in self.directory.entries().map_err(failed())? {
            if stop() {
                return Err(GitError::Stopped);
            }
            let name = entry.map_err(failed())?.file_name();
            let text = name.to_str().unwrap_or_default();
            let loose = text.len() == 2 && is_hash(text);
            if !loose && text != "pack" {
                continue;
            }
            let Ok(directory) = open_directory(&self.directory, &name) else { continue };
            for entry in directory.entries().map_err(failed())? {
                let file = entry.map_err(failed())?.file_name();
                let wanted =
                    if loose { is_hash(file.to_str().unwrap_or_default()) } else { is_pack(&directory, &file) };
                if wanted && directory.symlink_metadata(&file).is_ok_and(|metadata| metadata.is_file()) {
                    files.push(join(BStr::new(text), &file));
                }
            }
        }
        files.sort();
        Ok(files)
    }
}

fn is_hash(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 62
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// A pack or its index, where both are there: one of them alone is being made or removed.
fn is_pack(directory: &Dir, file: &OsStr) -> bool {
    let path = Path::new(file);
    let good = path.file_stem().and_then(OsStr::to_str).is_some_and(|stem| stem.starts_with("pack-"));
    let other = match path.extension().and_then(OsStr::to_str) {
        Some("pack") => "idx",
        Some("idx") => "pack",
        _ => return false,
    };
    good && directory.exists(path.with_extension(other))
}
