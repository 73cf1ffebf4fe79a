//! The calls that open something below a handle. Every one that names something goes through here or names a single entry.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::LazyLock;

use rustix::fs::{Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

/// What every opening has: nothing is inherited, no terminal is taken, and a pipe that somebody has planted holds nobody.
const ALWAYS: OFlags = OFlags::CLOEXEC.union(OFlags::NOCTTY).union(OFlags::NONBLOCK);

/// What the kernel takes off the mode of all that this process makes. A step's umask is another: the modes that come here have
/// been through that one, and are to be what they say.
static UMASK: LazyLock<u32> = LazyLock::new(|| {
    // There is no other way to ask; meanwhile nobody gets too much.
    let umask = rustix::process::umask(Mode::RWXG | Mode::RWXO);
    rustix::process::umask(umask);
    umask.as_raw_mode()
});

/// Whether the kernel would make a file or directory with another mode than this, or one that we need more of.
pub(super) fn differs_when_new(mode: u32, directory: bool) -> bool {
    let own = if directory { 0o700 } else { 0o600 };
    mode & *UMASK != 0 || mode & own != own
}

/// Gives what was just made the mode that was asked for.
pub(super) fn settle_new(file: impl AsFd, mode: u32, directory: bool) -> io::Result<()> {
    if mode & 0o600 != 0o600 || (directory && mode & 0o100 == 0) {
        return super::set_mode_of(file, directory, mode);
    }
    Ok(rustix::fs::fchmod(file, Mode::from_raw_mode(mode & 0o777))?)
}

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
