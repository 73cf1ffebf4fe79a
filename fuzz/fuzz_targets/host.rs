//! The host of guests (WASI preview 1): what its calls come to, and that nothing it is asked for reaches beyond its directory.
//!
//! The first byte says which: even, calls whose meaning Linux knows are made by a guest and by Linux itself, each on a directory of
//! its own, and must tell and leave the same; odd, functions are called with numbers of any kind, and must come back. Beside the
//! directory stands a file that must never change and that no call may read. `SHOW=1` prints the calls.

#![no_main]

#[path = "host/calls.rs"]
mod calls;
#[path = "host/guest.rs"]
mod guest;
#[path = "host/linux.rs"]
mod linux;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use arbitrary::{Arbitrary, Unstructured};
use calls::{Call, MOST};
use libfuzzer_sys::fuzz_target;
use linux::Linux;

/// What a call came to. Which error it is may differ where several are right; that it is one may not.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    Nothing,
    Number(u64),
    Bytes(Vec<u8>),
    /// Kind, and of files size and names.
    Stat(u8, u64, u64),
    Listed(Vec<(Vec<u8>, u8)>),
    #[expect(dead_code, reason = "told where something differs")]
    Error(u8),
}

impl Came {
    fn stat(kind: u8, size: u64, names: u64) -> Self {
        if kind == 4 { Self::Stat(kind, size, names) } else { Self::Stat(kind, 0, 0) }
    }
}

impl PartialEq for Came {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Nothing, Self::Nothing) | (Self::Error(_), Self::Error(_)) => true,
            (Self::Number(one), Self::Number(other)) => one == other,
            (Self::Bytes(one), Self::Bytes(other)) => one == other,
            (Self::Stat(kind, size, names), Self::Stat(k, s, n)) => (kind, size, names) == (k, s, n),
            (Self::Listed(one), Self::Listed(other)) => one == other,
            _ => false,
        }
    }
}

const SECRET: &[u8] = b"what stands beside the directory of a guest, and is none of its business";

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let place = tempfile::tempdir_in("/dev/shm").expect("a directory");
    for name in ["guest", "linux"] {
        std::fs::create_dir(place.path().join(name)).expect("makes");
    }
    std::fs::write(place.path().join("secret"), SECRET).expect("writes");
    let mut u = Unstructured::new(rest);
    if first % 2 == 0 { compared(&mut u, place.path()) } else { any(&mut u, place.path()) }
    assert_eq!(std::fs::read(place.path().join("secret")).expect("is there"), SECRET);
    assert_eq!(std::fs::read_dir(place.path()).expect("lists").count(), 3, "something was made beside the directory");
});

/// Calls that Linux makes too.
fn compared(u: &mut Unstructured<'_>, place: &Path) {
    let mut calls = vec![];
    while !u.is_empty() && calls.len() < MOST {
        let Ok(call) = Call::arbitrary(u) else { break };
        calls.push(call);
    }
    if std::env::var_os("SHOW").is_some() {
        eprintln!("{calls:#?}");
    }
    let (ours, theirs) = (place.join("guest"), place.join("linux"));
    let came = guest::came(&ours, &calls);
    let mut linux = Linux::new(&theirs);
    for (number, (call, came)) in calls.iter().zip(&came).enumerate() {
        let expected = linux.came(call);
        assert!(*came == expected, "call {number}, {call:?}: {came:?}, but {expected:?} by Linux, of {calls:#?}");
    }
    assert_eq!(tree(&ours), tree(&theirs), "{calls:#?}");
}

/// Functions with any numbers.
fn any(u: &mut Unstructured<'_>, place: &Path) {
    let mut calls = vec![];
    while !u.is_empty() && calls.len() < MOST {
        let Ok(call) = one(u) else { break };
        calls.push(call);
    }
    if std::env::var_os("SHOW").is_some() {
        let name = |number: &u64| guest::FUNCTIONS.get(*number as usize).map(|(name, _)| *name);
        calls.iter().for_each(|(function, numbers)| eprintln!("{:?} {numbers:x?}", name(function)));
    }
    let pointed = u.bytes(u.len()).unwrap_or_default().to_vec();
    let (_, told) = guest::run(&place.join("guest"), &guest::script(&calls, &pointed));
    assert!(!told.windows(SECRET.len()).any(|part| part == SECRET), "the guest has read what is beside its directory");
}

/// A function and nine numbers: small ones, addresses inside and outside of the memory, bounds.
fn one(u: &mut Unstructured<'_>) -> arbitrary::Result<(u64, [u64; 9])> {
    let function = u.int_in_range(0..=guest::FUNCTIONS.len() as u64 - 1)?;
    let mut numbers = [0; 9];
    for number in &mut numbers {
        *number = match u.int_in_range(0..=5)? {
            0 | 1 => u.int_in_range(0..=9)?,
            2 => u.int_in_range(0x2_0000..=0x6_0000)?,
            3 => *u.choose(&[0xf_ffff, 0xf_fff0, 0x10_0000, 0xffff_ffff, 0x7fff_ffff, u64::MAX, i64::MAX as u64])?,
            4 => u.int_in_range(0..=4096)?,
            _ => u64::arbitrary(u)?,
        };
    }
    Ok((function, numbers))
}

/// What a directory holds.
fn tree(directory: &Path) -> BTreeMap<String, (u64, Vec<u8>)> {
    let (mut found, mut open) = (BTreeMap::new(), vec![directory.to_owned()]);
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).expect("lists") {
            let path = entry.expect("reads").path();
            let kind = path.symlink_metadata().expect("told");
            let held = if kind.is_symlink() {
                path.read_link().expect("a link").into_os_string().into_encoded_bytes()
            } else if kind.is_dir() {
                open.push(path.clone());
                vec![]
            } else {
                std::fs::read(&path).expect("reads")
            };
            let name = path.strip_prefix(directory).expect("below").display().to_string();
            found.insert(name, (if kind.is_file() { kind.nlink() } else { 0 }, held));
        }
    }
    found
}
