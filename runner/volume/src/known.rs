//! What is known of a tree on disk: which snapshot it holds, and how its files looked when they were that snapshot's.

use std::fs::File;
use std::io::Read;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::Stat;
use serde::{Deserialize, Serialize};

use crate::{Digest, VolumeError};

/// The name of what [`crate::pack`] leaves in the staging directory beside layer and index, for who keeps the tree.
pub const KNOWN_FILE: &str = "known";

/// What such a file may be, in bytes.
const MAX_KNOWN: u64 = 512 << 20;

const VERSION: u32 = 1;

/// How long a file must have rested before its times tell whether it was written again: two ticks of a slow kernel, or
/// the two seconds of a file system that keeps no fractions.
const TICKS: u128 = 20_000_000;
const WHOLE_SECONDS: u128 = 2_000_000_000;

/// A tree as it was when it was packed or restored. Whatever has the same size, times and inode now has the same contents.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct KnownTree {
    version: u32,
    /// The snapshot's index, by its blob.
    pub(crate) index: Digest,
    /// The file system that the tree is on.
    pub(crate) device: u64,
    /// For each entry of the index how its file looked; `None` for what is no file, and where its times do not tell.
    pub(crate) stats: Vec<Option<FileStat>>,
}

impl KnownTree {
    pub(crate) fn new(index: Digest, device: u64, stats: Vec<Option<FileStat>>) -> Self {
        Self { version: VERSION, index, device, stats }
    }

    /// Its bytes, for a file beside the tree.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, VolumeError> {
        postcard::to_stdvec(self).map_err(|error| VolumeError::corrupt(format!("cannot note the tree: {error}")))
    }

    /// From such a file, opened; `None` as for [`Self::from_bytes`], and where it cannot be read.
    pub fn from_file(file: File) -> Option<Self> {
        let mut data = vec![];
        file.take(MAX_KNOWN).read_to_end(&mut data).ok()?;
        Self::from_bytes(&data)
    }

    /// From such a file; `None` for one of another version or without sense: then the tree is looked at as a whole.
    pub fn from_bytes(data: &[u8]) -> Option<Self> {
        let (known, rest) = postcard::take_from_bytes::<Self>(data).ok()?;
        (known.version == VERSION && rest.is_empty()).then_some(known)
    }
}

/// How a file looks without reading it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) struct FileStat {
    inode: u64,
    pub(crate) size: u64,
    pub(crate) mtime: (i64, u32),
    /// The time of the last change of anything, which nobody can set.
    ctime: (i64, u32),
}

impl FileStat {
    pub(crate) fn of(stat: &Stat) -> Self {
        let nanoseconds = |value: u64| u32::try_from(value).unwrap_or(0);
        Self {
            inode: stat.st_ino,
            size: stat.st_size.cast_unsigned(),
            mtime: (stat.st_mtime, nanoseconds(stat.st_mtime_nsec)),
            ctime: (stat.st_ctime, nanoseconds(stat.st_ctime_nsec)),
        }
    }

    /// Itself, unless somebody who writes to the file at `now` or later could leave the same times.
    pub(crate) fn settled(self, now: Moment) -> Option<Self> {
        let whole = self.ctime.1 == 0 && self.mtime.1 == 0;
        let rest = if whole { WHOLE_SECONDS } else { TICKS };
        let changed = u128::try_from(self.ctime.0).ok()? * 1_000_000_000 + u128::from(self.ctime.1);
        (changed + rest < now.0).then_some(self)
    }
}

/// A time by the clock of the file system, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(u128);

impl Moment {
    pub(crate) fn now() -> Self {
        // Before 1970 nothing is settled.
        Self(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stat(ctime: (i64, u32)) -> FileStat {
        FileStat { inode: 1, size: 1, mtime: ctime, ctime }
    }

    #[test]
    fn a_file_that_was_just_written_is_not_known() {
        let now = Moment(1_000_000_000_000);
        let at = |seconds, nanoseconds| stat((seconds, nanoseconds)).settled(now).is_some();
        assert_eq!([at(1000, 1), at(999, 985_000_000), at(999, 970_000_000)], [false, false, true]);
        // Where there are no fractions, whole seconds count.
        assert_eq!([at(999, 0), at(998, 0), at(997, 0)], [false, false, true]);
        // A clock that was put back: the future tells nothing.
        assert_eq!([at(2000, 5), at(-5, 5)], [false, false]);
    }

    #[test]
    fn what_is_damaged_or_of_another_version_is_not_known() {
        let known = KnownTree::new(Digest::of(b"x"), 7, vec![None, Some(stat((5, 6)))]);
        let bytes = known.to_bytes().expect("bytes");
        assert_eq!(KnownTree::from_bytes(&bytes), Some(known.clone()));
        for length in 0..bytes.len() {
            assert_eq!(KnownTree::from_bytes(&bytes[..length]), None, "{length}");
        }
        assert_eq!(KnownTree::from_bytes(&[&bytes[..], b"x"].concat()), None);
        let newer = KnownTree { version: 2, ..known };
        assert_eq!(KnownTree::from_bytes(&newer.to_bytes().expect("bytes")), None);
    }
}
