//! How many builds of one state directory run at once.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;

use rustix::fs::{FlockOperation, flock};
use stepbox_limits::Setting;

use crate::directories::{State, private_directory};
use crate::error::{EngineError, EngineErrorKind};

/// A place among the builds that run; it is free again when this is dropped, or its process dies.
pub(crate) struct BuildSlot {
    _lock: Option<File>,
}

impl BuildSlot {
    /// Takes one.
    ///
    /// # Errors
    /// [`EngineErrorKind::State`] where all are taken, or cannot be made.
    pub(crate) fn take(state: &State, limit: Setting) -> Result<Self, EngineError> {
        if limit.value == u64::MAX {
            return Ok(Self { _lock: None });
        }
        let path = state.path.join("slots");
        private_directory(&path)?;
        for number in 0..limit.value {
            let path = path.join(number.to_string());
            let failed =
                |error: &std::io::Error| EngineError::state(format!("cannot lock `{}`", path.display()), error);
            let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).clone();
            let file = options.open(&path).map_err(|error| failed(&error))?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { _lock: Some(file) }),
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(error) => return Err(failed(&error.into())),
            }
        }
        let message = format!("{} builds run already: {}", limit.value, limit.words());
        Err(EngineError::new(EngineErrorKind::State, message).hint("run it again when one of them has ended"))
    }
}
