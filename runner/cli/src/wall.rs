//! The second wall around the program itself, where it reads foreign bytes and needs little of the host for it.

use std::os::fd::OwnedFd;

use stepbox_lockdown::{Access, Lockdown, Wall};

use crate::arguments::WallArguments;
use crate::error::CliError;

/// Locks the process for good, unless that is not wanted: what it can open from now on lies below these directories. It must
/// have one thread.
pub(crate) fn lock(asked: WallArguments, reachable: &[(OwnedFd, Access)]) -> Result<(), CliError> {
    if asked.no_lockdown {
        return Ok(());
    }
    let lockdown =
        reachable.iter().fold(Lockdown::new(), |lockdown, (directory, access)| lockdown.allow(directory, *access));
    let wall = lockdown.process().map_err(|error| CliError::host(format!("cannot lock the process: {error}")))?;
    check(asked, Some(wall))
}

/// Looks whether enough of the second wall stands.
pub(crate) fn check(asked: WallArguments, wall: Option<Wall>) -> Result<(), CliError> {
    let Some(missing) = wall.and_then(|wall| wall.missing()) else { return Ok(()) };
    if asked.require_lockdown {
        let message = format!("the process cannot be locked as `--require-lockdown` wants: the kernel lacks {missing}");
        return Err(CliError::host(message));
    }
    eprintln!("note: the process is not locked as it could be: the kernel lacks {missing}");
    Ok(())
}
