//! How preview 1 writes down what is known of a file.

use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW, UTIME_OMIT};
use stepbox_system::{FileKind, Metadata};

use super::errno::Errno;

/// The number of a kind. Preview 1 has none for pipes.
pub(super) fn filetype(kind: FileKind) -> u8 {
    match kind {
        FileKind::Fifo => 0,
        FileKind::BlockDevice => 1,
        FileKind::CharacterDevice => 2,
        FileKind::Directory => 3,
        FileKind::File => 4,
        FileKind::Socket => 6,
        FileKind::Symlink => 7,
    }
}

fn nanoseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// `filestat`.
pub(super) fn filestat(metadata: &Metadata) -> [u8; 64] {
    let mut out = [0; 64];
    out[..8].copy_from_slice(&metadata.device.to_le_bytes());
    out[8..16].copy_from_slice(&metadata.inode.to_le_bytes());
    out[16] = filetype(metadata.kind);
    out[24..32].copy_from_slice(&metadata.links.to_le_bytes());
    out[32..40].copy_from_slice(&metadata.size.to_le_bytes());
    out[40..48].copy_from_slice(&nanoseconds(metadata.accessed).to_le_bytes());
    out[48..56].copy_from_slice(&nanoseconds(metadata.modified).to_le_bytes());
    out[56..].copy_from_slice(&nanoseconds(metadata.modified).to_le_bytes());
    out
}

const ATIM: u16 = 1;
const ATIM_NOW: u16 = 2;
const MTIM: u16 = 4;
const MTIM_NOW: u16 = 8;

/// New times, as `fstflags` say.
pub(super) fn times(accessed: u64, modified: u64, flags: u16) -> Result<Timestamps, Errno> {
    if flags > 15 || flags & (ATIM | ATIM_NOW) == ATIM | ATIM_NOW || flags & (MTIM | MTIM_NOW) == MTIM | MTIM_NOW {
        return Err(Errno::INVAL);
    }
    let time = |given: u64, set: bool, now: bool| {
        let special = |nanoseconds: i64| Timespec { tv_sec: 0, tv_nsec: nanoseconds };
        if set {
            #[expect(clippy::cast_possible_wrap, reason = "both fit: the quotient is below 2^35, the rest below 10^9")]
            let (seconds, rest) = ((given / 1_000_000_000) as i64, (given % 1_000_000_000) as i64);
            Timespec { tv_sec: seconds, tv_nsec: rest }
        } else if now {
            special(UTIME_NOW)
        } else {
            special(UTIME_OMIT)
        }
    };
    Ok(Timestamps {
        last_access: time(accessed, flags & ATIM != 0, flags & ATIM_NOW != 0),
        last_modification: time(modified, flags & MTIM != 0, flags & MTIM_NOW != 0),
    })
}
