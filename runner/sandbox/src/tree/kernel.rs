//! The calls that open something below a handle. Every one that names something goes through here or names a single entry.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// What every opening has: nothing is inherited, no terminal is taken, and a pipe that somebody has planted holds nobody.
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NOCTTY).union(OFlags::NONBLOCK);

/// Opens a path of several names below `directory`. `ELOOP` where a symbolic link is on the way.
pub(super) fn open_path(directory: BorrowedFd<'_>, path: &[u8], flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS | ResolveFlags::NO_SYMLINKS;
    match rustix::fs::openat2(directory, path, flags | always(flags) | OFlags::NOFOLLOW, mode, resolve) {
        // A kernel without the call: the walk opens name by name.
        Err(Errno::NOSYS) => Err(Errno::LOOP.into()),
        result => Ok(result?),
    }
}

/// Opens one name in `directory`. A symbolic link is `ELOOP`, unless it is opened as a path.
pub(super) fn open_name(directory: BorrowedFd<'_>, name: &[u8], flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
    debug_assert!(!name.contains(&b'/') && name != b"..");
    Ok(rustix::fs::openat(directory, name, flags | always(flags) | OFlags::NOFOLLOW, mode)?)
}

/// A path handle takes few flags.
fn always(flags: OFlags) -> OFlags {
    if flags.contains(OFlags::PATH) { OFlags::CLOEXEC } else { ALWAYS }
}
