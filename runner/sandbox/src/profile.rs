//! Which directories a guest is given, and under which names.

use std::collections::BTreeSet;

use stepbox_system::VirtualPath;

use crate::preview1::Host;
use crate::tree::{Climb, FileTree};

/// The name under which every guest finds the volume.
const VOLUME: &[u8] = b"/codefresh/volume";

/// The volume once more, for C libraries: they take the longest name that fits, the last one of equal length, and do not
/// count leading slashes. The first one is a boundary, this one a place that `..` leads out of.
const VOLUME_AS_PLACE: &[u8] = b"//codefresh/volume";

/// How guests see the tree (DESIGN 3.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Profile {
    /// The virtual root, as in a container: for the commands of a step.
    Step,
    /// Exactly what is mounted, under the names that were given, and nothing above; `.` where there is a working directory.
    Exec {
        /// The working directory.
        cwd: Option<VirtualPath>,
    },
}

impl Profile {
    /// The working directory that the guest is told in `PWD`.
    pub(crate) fn told_directory(&self, cwd: &VirtualPath) -> Option<Vec<u8>> {
        match self {
            Self::Step => Some(cwd.as_bytes().to_vec()),
            Self::Exec { cwd } => cwd.as_ref().map(|cwd| cwd.as_bytes().to_vec()),
        }
    }

    /// Gives a guest its directories. `changes_directory` says that it goes to `PWD` by itself.
    pub(crate) fn open(&self, host: &mut Host, tree: &FileTree, cwd: &VirtualPath, changes_directory: bool) {
        match self {
            Self::Step => step(host, tree, cwd, changes_directory),
            Self::Exec { cwd } => {
                for (at, ..) in tree.mounts() {
                    if let Some(directory) = tree.mounted_at(at) {
                        host.preopen(at.as_bytes(), directory, Climb::Never);
                    }
                }
                if let Some(directory) = cwd.as_ref().and_then(|cwd| tree.directory_at(cwd).ok()) {
                    host.preopen(b".", directory, Climb::Never);
                }
            }
        }
    }
}

fn step(host: &mut Host, tree: &FileTree, cwd: &VirtualPath, changes_directory: bool) {
    let Ok(root) = tree.root() else { return };
    host.preopen(b"/", root.clone(), Climb::Free);
    if let Ok(at) = VirtualPath::new(VOLUME)
        && let Some(volume) = tree.mounted_at(&at)
    {
        host.preopen(VOLUME, volume.clone(), Climb::Never);
        host.preopen(VOLUME_AS_PLACE, volume, Climb::Free);
    }
    if changes_directory {
        return;
    }
    // A C library cannot tell `/` from `.`: the top-level directories come by name, and the working directory last. Of a name that
    // stands in both, relative paths mean the one in the working directory.
    let Ok(here) = tree.directory_at(cwd) else { return };
    if cwd.as_bytes() != b"/"
        && let (Ok(top), Ok(listed)) = (tree.list(&root), tree.list(&here))
    {
        let names: BTreeSet<_> = listed.into_iter().map(|entry| entry.name).collect();
        for entry in top.into_iter().filter(|entry| !names.contains(&entry.name)) {
            let at = [b"/", entry.name.as_slice()].concat();
            let Ok(path) = VirtualPath::new(at.clone()) else { continue };
            if let Ok(directory) = tree.directory_at(&path) {
                host.preopen(&at, directory, Climb::Free);
            }
        }
    }
    host.preopen(b".", here, Climb::Free);
}
