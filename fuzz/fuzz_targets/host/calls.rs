//! The calls, as input bytes name them.

use arbitrary::{Arbitrary, Unstructured};

/// A call whose meaning Linux knows as well. Descriptors are small numbers, paths are made of few names, so that calls meet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Open { at: u32, path: String, oflags: u32, rights: u64, append: bool, follow: bool },
    Close { number: u32 },
    Renumber { from: u32, to: u32 },
    Read { number: u32, length: u32 },
    Write { number: u32, data: Vec<u8> },
    ReadAt { number: u32, length: u32, offset: u64 },
    WriteAt { number: u32, data: Vec<u8>, offset: u64 },
    Seek { number: u32, offset: i64, whence: u32 },
    Tell { number: u32 },
    SetSize { number: u32, size: u64 },
    Stat { number: u32 },
    PathStat { at: u32, path: String, follow: bool },
    List { number: u32 },
    MakeDirectory { at: u32, path: String },
    RemoveDirectory { at: u32, path: String },
    Unlink { at: u32, path: String },
    Rename { from: u32, old: String, to: u32, new: String },
    Link { from: u32, old: String, to: u32, new: String },
    Symlink { target: String, at: u32, path: String },
    ReadLink { at: u32, path: String, length: u32 },
}

/// The longest list of calls.
pub(crate) const MOST: usize = 40;

/// The longest data of one call, in bytes.
pub(crate) const LONGEST: u32 = 700;

fn number(u: &mut Unstructured<'_>) -> arbitrary::Result<u32> {
    Ok(*u.choose(&[3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 99])?)
}

fn path(u: &mut Unstructured<'_>) -> arbitrary::Result<String> {
    let names = ["a", "b", "c", "l", "m", ".", "..", "", "no"];
    let mut path = String::new();
    for at in 0..u.int_in_range(1..=4)? {
        if at > 0 {
            path.push('/');
        }
        path.push_str(*u.choose(&names)?);
    }
    Ok(path)
}

fn data(u: &mut Unstructured<'_>) -> arbitrary::Result<Vec<u8>> {
    let (length, first) = (u.int_in_range(0..=LONGEST)?, u8::arbitrary(u)?);
    Ok((0..length).map(|at| first.wrapping_add(at as u8)).collect())
}

fn offset(u: &mut Unstructured<'_>) -> arbitrary::Result<u64> {
    let some = u.int_in_range(0..=2000)?;
    Ok(*u.choose(&[0, some, some, 1 << 20, i64::MAX as u64, u64::MAX])?)
}

impl<'a> Arbitrary<'a> for Call {
    fn arbitrary(u: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        Ok(match u.int_in_range(0..=24)? {
            0..=4 => Self::Open {
                at: number(u)?,
                path: path(u)?,
                oflags: *u.choose(&[0, 0, 1, 1, 2, 5, 8, 9, 4])?,
                rights: *u.choose(&[2, 64, 66, 66, 0])?,
                append: u.ratio(1, 6)?,
                follow: bool::arbitrary(u)?,
            },
            5 => Self::Close { number: number(u)? },
            6 => Self::Renumber { from: number(u)?, to: number(u)? },
            7 => Self::Read { number: number(u)?, length: u.int_in_range(0..=LONGEST)? },
            8 | 9 => Self::Write { number: number(u)?, data: data(u)? },
            10 => Self::ReadAt { number: number(u)?, length: u.int_in_range(0..=LONGEST)?, offset: offset(u)? },
            11 => Self::WriteAt { number: number(u)?, data: data(u)?, offset: u.int_in_range(0..=3000)? },
            12 => Self::Seek {
                number: number(u)?,
                offset: *u.choose(&[0, 1, -1, 300, -300, i64::MAX, i64::MIN])?,
                whence: u.int_in_range(0..=3)?,
            },
            13 => Self::Tell { number: number(u)? },
            14 => Self::SetSize { number: number(u)?, size: *u.choose(&[0, 1, 500, 5000, u64::MAX])? },
            15 => Self::Stat { number: number(u)? },
            16 => Self::PathStat { at: number(u)?, path: path(u)?, follow: bool::arbitrary(u)? },
            17 => Self::List { number: number(u)? },
            18 => Self::MakeDirectory { at: number(u)?, path: path(u)? },
            19 => Self::RemoveDirectory { at: number(u)?, path: path(u)? },
            20 => Self::Unlink { at: number(u)?, path: path(u)? },
            21 => Self::Rename { from: number(u)?, old: path(u)?, to: number(u)?, new: path(u)? },
            22 => Self::Link { from: number(u)?, old: path(u)?, to: number(u)?, new: path(u)? },
            // A guest that is kept in its directory may make no absolute link.
            23 => Self::Symlink { target: path(u)?.trim_start_matches('/').to_owned(), at: number(u)?, path: path(u)? },
            _ => Self::ReadLink { at: number(u)?, path: path(u)?, length: u.int_in_range(0..=40)? },
        })
    }
}
