//! A layer's tar stream read back, strictly: what this crate writes, and nothing else.

use crate::frames::{LayerReader, Scratch};
use crate::tar::{BLOCK, LITERAL};
use crate::{StoreFs, VolumeError};

/// What the records of one member may be, in bytes.
const MAX_RECORDS: u64 = 64 << 10;

/// A member of a layer.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct ReadMember {
    /// Without slashes at its ends.
    pub(crate) path: Vec<u8>,
    pub(crate) kind: ReadKind,
    pub(crate) mode: u32,
    pub(crate) mtime: (i64, u32),
    /// Whether a name that looks like a removal is a name.
    pub(crate) literal: bool,
}

#[derive(Debug, Eq, PartialEq)]
pub(crate) enum ReadKind {
    /// Its contents are at this place of the stream, which the reader stands at.
    File {
        size: u64,
        offset: u64,
    },
    Directory,
    Symlink {
        target: Vec<u8>,
    },
    HardLink {
        target: Vec<u8>,
    },
}

/// Reads members one after the other.
pub(crate) struct TarReader<'a> {
    fs: &'a dyn StoreFs,
    layer: &'a LayerReader<'a>,
    scratch: Scratch,
    at: u64,
    end: u64,
}

#[derive(Default)]
struct Records {
    path: Option<Vec<u8>>,
    target: Option<Vec<u8>>,
    size: Option<u64>,
    mtime: Option<(i64, u32)>,
    literal: bool,
}

impl<'a> TarReader<'a> {
    pub(crate) fn new(fs: &'a dyn StoreFs, layer: &'a LayerReader<'a>, end: u64) -> Result<Self, VolumeError> {
        Ok(Self { fs, layer, scratch: Scratch::new()?, at: 0, end })
    }

    fn wrong(&self, why: &str) -> VolumeError {
        VolumeError::corrupt(format!("{}: {why} at byte {} of its stream", self.layer.shown(), self.at))
    }

    /// Calls `take` with the next bytes, piece by piece.
    pub(crate) fn bytes(&mut self, count: u64, mut take: impl FnMut(&[u8])) -> Result<(), VolumeError> {
        let stop = self.at.checked_add(count).filter(|stop| *stop <= self.end);
        let stop = stop.ok_or_else(|| self.wrong("the stream ends inside of a member"))?;
        while self.at < stop {
            let part = self.layer.part(self.fs, &mut self.scratch, self.at, stop)?;
            take(part);
            self.at += part.len() as u64;
        }
        Ok(())
    }

    fn block(&mut self) -> Result<[u8; BLOCK], VolumeError> {
        let mut block = [0; BLOCK];
        let mut filled = 0;
        self.bytes(BLOCK as u64, |part| {
            block[filled..filled + part.len()].copy_from_slice(part);
            filled += part.len();
        })?;
        Ok(block)
    }

    /// Passes over the padding behind contents.
    pub(crate) fn pad(&mut self) -> Result<(), VolumeError> {
        let mut zero = true;
        self.bytes(self.at.next_multiple_of(BLOCK as u64) - self.at, |part| {
            zero &= part.iter().all(|byte| *byte == 0)
        })?;
        if zero { Ok(()) } else { Err(self.wrong("a padding is not zero")) }
    }

    /// The next member; `None` at the end of the archive, which must be that of the stream.
    pub(crate) fn next(&mut self) -> Result<Option<ReadMember>, VolumeError> {
        let mut block = self.block()?;
        let mut records = Records::default();
        if block.iter().all(|byte| *byte == 0) {
            let second = self.block()?;
            if self.at != self.end || second.iter().any(|byte| *byte != 0) {
                return Err(self.wrong("something follows the end of the archive"));
            }
            return Ok(None);
        }
        if self.kind_of(&block)? == b'x' {
            let size = self.number(&block[124..136])?;
            if size > MAX_RECORDS {
                return Err(self.wrong("the records of a member are too long"));
            }
            let mut text = vec![];
            self.bytes(size, |part| text.extend_from_slice(part))?;
            self.pad()?;
            records = self.records(&text)?;
            block = self.block()?;
        }
        self.member(&block, records).map(Some)
    }

    /// The type of a header, after its checksum.
    fn kind_of(&self, block: &[u8; BLOCK]) -> Result<u8, VolumeError> {
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| match at {
                148..156 => u32::from(b' '),
                _ => u32::from(*byte),
            })
            .sum();
        if block[148..156] != *format!("{sum:06o}\0 ").as_bytes() || block[257..265] != *b"ustar\x0000" {
            return Err(self.wrong("there is no sound header"));
        }
        Ok(block[156])
    }

    fn number(&self, field: &[u8]) -> Result<u64, VolumeError> {
        let text = field.strip_suffix(b"\0").and_then(|text| std::str::from_utf8(text).ok());
        let number = text.and_then(|text| u64::from_str_radix(text, 8).ok());
        number.ok_or_else(|| self.wrong("a header has a bad number"))
    }

    fn records(&self, mut text: &[u8]) -> Result<Records, VolumeError> {
        let bad = || self.wrong("a record is malformed");
        let mut records = Records::default();
        while !text.is_empty() {
            let space = text.iter().position(|byte| *byte == b' ').ok_or_else(bad)?;
            let length = std::str::from_utf8(&text[..space]).ok().and_then(|text| text.parse::<usize>().ok());
            let length = length.filter(|length| (space + 3..=text.len()).contains(length)).ok_or_else(bad)?;
            let record = text[space + 1..length].strip_suffix(b"\n").ok_or_else(bad)?;
            text = &text[length..];
            let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(bad)?;
            let (key, value) = (&record[..equals], &record[equals + 1..]);
            let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
            match key {
                b"path" => records.path = Some(value.to_vec()),
                b"linkpath" => records.target = Some(value.to_vec()),
                b"size" => records.size = Some(number().ok_or_else(bad)?),
                b"mtime" => records.mtime = Some(time(value).ok_or_else(bad)?),
                LITERAL => records.literal = true,
                _ => return Err(self.wrong("there is an unknown record")),
            }
        }
        Ok(records)
    }

    fn member(&self, block: &[u8; BLOCK], records: Records) -> Result<ReadMember, VolumeError> {
        let text = |field: &[u8]| field.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
        let (prefix, name) = (text(&block[345..500]), text(&block[..100]));
        let joined = if prefix.is_empty() { name } else { [&prefix[..], b"/", &name].concat() };
        let mut path = records.path.unwrap_or(joined);
        let target = records.target.unwrap_or_else(|| text(&block[157..257]));
        let size = records.size.map_or_else(|| self.number(&block[124..136]), Ok)?;
        let kind = match self.kind_of(block)? {
            b'0' => ReadKind::File { size, offset: self.at },
            b'5' if path.last() == Some(&b'/') => {
                path.pop();
                ReadKind::Directory
            }
            b'2' => ReadKind::Symlink { target },
            b'1' => ReadKind::HardLink { target },
            _ => return Err(self.wrong("there is a member of a kind that no volume has")),
        };
        if size > 0 && !matches!(kind, ReadKind::File { .. }) {
            return Err(self.wrong("something has contents that cannot have any"));
        }
        let mode = u32::try_from(self.number(&block[100..108])?).map_err(|_| self.wrong("a header has a bad mode"))?;
        let seconds = self.number(&block[136..148])?;
        let mtime = records.mtime.unwrap_or((i64::try_from(seconds).unwrap_or(i64::MAX), 0));
        Ok(ReadMember { path, kind, mode, mtime, literal: records.literal })
    }
}

/// A time as records have it: seconds with a fraction of nine digits, negative before 1970.
fn time(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "000000000"));
    if fraction.len() != 9 || !fraction.bytes().chain(whole.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let total = whole.parse::<i128>().ok()? * 1_000_000_000 + fraction.parse::<i128>().ok()?;
    let total = if negative { -total } else { total };
    let seconds = i64::try_from(total.div_euclid(1_000_000_000)).ok()?;
    Some((seconds, u32::try_from(total.rem_euclid(1_000_000_000)).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_they_are_written() {
        for (text, expected) in [
            ("7", Some((7, 0))),
            ("0.000000005", Some((0, 5))),
            ("-1.500000000", Some((-2, 500_000_000))),
            ("-1", Some((-1, 0))),
            ("1.5", None),
            ("", None),
            ("1.00000000x", None),
        ] {
            assert_eq!(time(text.as_bytes()), expected, "{text}");
        }
    }
}
