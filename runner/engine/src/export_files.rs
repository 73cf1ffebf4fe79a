//! The two files at the volume's root through which steps hand on variables (rules V23, V29).

use std::io::{self, Write};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use stepbox_pipeline::EXPORT_FILE;

use crate::work_directory::remove_tree;

/// The name of the script on the volume.
pub(crate) const EXPORT_SCRIPT: &str = "cf_export";

/// What is there for those who call the script by its path; the command does the work.
const SCRIPT: &str = "#!/bin/sh\nexec /usr/bin/cf_export \"$@\"\n";

/// Makes both files anew, whatever a snapshot has in their place.
pub(crate) fn create(volume: &Dir) -> io::Result<()> {
    for (name, text, mode) in [(EXPORT_FILE, "", 0o644), (EXPORT_SCRIPT, SCRIPT, 0o755)] {
        remove_tree(volume, name)?;
        let mut file = volume.open_with(name, OpenOptions::new().write(true).create_new(true).mode(mode))?;
        file.write_all(text.as_bytes())?;
    }
    Ok(())
}

/// Removes both files.
pub(crate) fn remove(volume: &Dir) -> io::Result<()> {
    [EXPORT_FILE, EXPORT_SCRIPT].into_iter().try_for_each(|name| remove_tree(volume, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v23_v29_both_files_are_there_afresh_and_links_are_not_followed() {
        let home = tempfile::tempdir().expect("a directory");
        let path = home.path().join("volume");
        std::fs::create_dir_all(path.join(EXPORT_SCRIPT).join("x")).expect("makes");
        std::fs::write(home.path().join("outside"), "mine").expect("writes");
        std::os::unix::fs::symlink("../outside", path.join(EXPORT_FILE)).expect("links");
        let volume = Dir::open_ambient_dir(&path, cap_std::ambient_authority()).expect("opens");
        create(&volume).expect("creates");
        create(&volume).expect("creates again");
        assert_eq!(std::fs::read_to_string(path.join(EXPORT_FILE)).expect("reads"), "");
        assert_eq!(std::fs::read_to_string(path.join(EXPORT_SCRIPT)).expect("reads"), SCRIPT);
        assert_eq!(std::fs::read_to_string(home.path().join("outside")).expect("reads"), "mine");
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(path.join(EXPORT_SCRIPT)).expect("there").permissions(),
        );
        assert_eq!(mode & 0o111, 0o111);
    }
}
