//! Which volumes are in use (rule L8): every build that starts from a volume's snapshots holds a shared lock of the volume.

use std::fs::File;
use std::io;

use cap_std::fs::{Dir, MetadataExt, OpenOptions};
use rustix::fs::{FlockOperation, flock, fstat};
use rustix::io::Errno;
use stepbox_volume::Scope;

use crate::directories::State;
use crate::error::EngineError;
use crate::volume_options::ConcurrentVolume;

/// The lock of a build that has started from its volume's snapshots.
pub(crate) struct VolumeUse {
    work: Dir,
    name: String,
    lock: File,
}

impl VolumeUse {
    /// Says that a build uses a volume; `None` where it is not to be used because another build does.
    ///
    /// # Errors
    /// [`crate::EngineErrorKind::State`].
    pub(crate) fn begin(state: &State, scope: &Scope, how: ConcurrentVolume) -> Result<Option<Self>, EngineError> {
        let name = format!("in-use-{}", scope.tag());
        begin(&state.work, &name, how).map_err(|error| {
            EngineError::state(format!("cannot lock `{}`", state.path.join("work").join(&name).display()), &error)
        })
    }
}

fn begin(work: &Dir, name: &str, how: ConcurrentVolume) -> io::Result<Option<VolumeUse>> {
    loop {
        let lock = work.open_with(name, OpenOptions::new().write(true).create(true))?.into_std();
        if how == ConcurrentVolume::Empty {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error.into()),
            }
        }
        // Whoever holds it alone does so for a moment only.
        flock(&lock, FlockOperation::LockShared)?;
        // The last user may have removed it since it was opened.
        let inode = fstat(&lock)?.st_ino;
        if work.metadata(name).is_ok_and(|metadata| metadata.ino() == inode) {
            return Ok(Some(VolumeUse { work: work.try_clone()?, name: name.to_owned(), lock }));
        }
    }
}

impl Drop for VolumeUse {
    fn drop(&mut self) {
        // The last one to go takes the file along; what stays does no harm.
        if flock(&self.lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
            let _ = self.work.remove_file(&self.name);
        }
    }
}
