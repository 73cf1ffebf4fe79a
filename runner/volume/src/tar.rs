//! The tar dialect of layers: ustar, with PAX records where ustar has no room. Deterministic: no owner, no times but the
//! last change.

/// The size of tar's blocks, in bytes.
pub(crate) const BLOCK: usize = 512;

/// What a member is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Member<'a> {
    File { size: u64 },
    Directory,
    Symlink { target: &'a [u8] },
    HardLink { target: &'a [u8] },
}

/// What the name of a removal begins with (OCI image layers).
pub(crate) const WHITEOUT: &[u8] = b".wh.";
/// The PAX record of a file whose own name begins so.
pub(crate) const LITERAL: &[u8] = b"STEPBOX.literal";

/// The last component of a path.
pub(crate) fn name_of(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// The header of a removal: an empty file beside the path, whose name says which.
pub(crate) fn whiteout(path: &[u8]) -> Vec<u8> {
    let name = name_of(path);
    let whiteout = [&path[..path.len() - name.len()], WHITEOUT, name].concat();
    raw_header(&whiteout, Member::File { size: 0 }, 0, (0, 0), vec![])
}

/// The header blocks of a member. `path` has no slash at its ends.
pub(crate) fn header(path: &[u8], member: Member<'_>, mode: u32, mtime: (i64, u32)) -> Vec<u8> {
    let mut records = vec![];
    if name_of(path).starts_with(WHITEOUT) {
        // In a layer such a name is a removal, unless this says that it is a name.
        record(&mut records, LITERAL, b"1");
    }
    raw_header(path, member, mode, mtime, records)
}

fn raw_header(path: &[u8], member: Member<'_>, mode: u32, mtime: (i64, u32), mut records: Vec<u8>) -> Vec<u8> {
    let mut name = path.to_vec();
    let (kind, size, target): (u8, u64, &[u8]) = match member {
        Member::File { size } => (b'0', size, b""),
        Member::Directory => {
            name.push(b'/');
            (b'5', 0, b"")
        }
        Member::Symlink { target } => (b'2', 0, target),
        Member::HardLink { target } => (b'1', 0, target),
    };
    let split = split_name(&name);
    // Names beyond ASCII stand in both places: PAX says how they are meant, and the bytes are there for older readers.
    if split.is_none() || !name.is_ascii() {
        record(&mut records, b"path", &name);
    }
    if target.len() > 100 || !target.is_ascii() {
        record(&mut records, b"linkpath", target);
    }
    if size >= 1 << 33 {
        record(&mut records, b"size", size.to_string().as_bytes());
    }
    if mtime.1 != 0 || !(0..1 << 33).contains(&mtime.0) {
        record(&mut records, b"mtime", pax_time(mtime).as_bytes());
    }
    let mut out = vec![];
    if !records.is_empty() {
        // A fixed name: it is of no consequence, and the member's own may not fit.
        out.extend_from_slice(&block(b"pax", b"", b'x', records.len() as u64, 0o644, 0, b""));
        out.extend_from_slice(&records);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    let (prefix, short) = split.unwrap_or((&b""[..], &name[..name.len().min(100)]));
    let size = if size >= 1 << 33 { 0 } else { size };
    let seconds = u64::try_from(mtime.0).ok().filter(|seconds| *seconds < 1 << 33).unwrap_or(0);
    out.extend_from_slice(&block(short, prefix, kind, size, mode, seconds, &target[..target.len().min(100)]));
    out
}

/// The end of an archive.
pub(crate) const TRAILER: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// Prefix and name as ustar has room for them.
fn split_name(name: &[u8]) -> Option<(&[u8], &[u8])> {
    if name.len() <= 100 {
        return Some((b"", name));
    }
    // The last slash that leaves a name of at most 100 bytes and a prefix of at most 155.
    let body = name.strip_suffix(b"/").unwrap_or(name);
    (0..body.len())
        .filter(|at| body[*at] == b'/')
        .find(|at| *at <= 155 && *at > 0 && name.len() - at - 1 <= 100)
        .map(|at| (&name[..at], &name[at + 1..]))
}

fn block(name: &[u8], prefix: &[u8], kind: u8, size: u64, mode: u32, seconds: u64, target: &[u8]) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name);
    put(100, format!("{mode:07o}\0").as_bytes());
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{size:011o}\0").as_bytes());
    put(136, format!("{seconds:011o}\0").as_bytes());
    put(148, b"        ");
    put(156, &[kind]);
    put(157, target);
    put(257, b"ustar\x0000");
    put(345, prefix);
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// A PAX record: its length, which counts itself, then `key=value`.
fn record(out: &mut Vec<u8>, key: &[u8], value: &[u8]) {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    out.extend_from_slice(length.to_string().as_bytes());
    out.push(b' ');
    out.extend_from_slice(key);
    out.push(b'=');
    out.extend_from_slice(value);
    out.push(b'\n');
}

/// Seconds with their fraction. Before 1970 the fraction counts downwards: -1.5 s is stored as (-2, 500 000 000).
fn pax_time((seconds, nanoseconds): (i64, u32)) -> String {
    let total = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
    let sign = if total < 0 { "-" } else { "" };
    let (whole, fraction) = (total.unsigned_abs() / 1_000_000_000, total.unsigned_abs() % 1_000_000_000);
    if fraction == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction:09}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pax_records_count_their_own_length() {
        let mut out = vec![];
        record(&mut out, b"path", &[b'a'; 87]);
        assert!(out.starts_with(b"96 path="), "{}", String::from_utf8_lossy(&out[..9]));
        assert_eq!(out.len(), 96);
        let mut out = vec![];
        record(&mut out, b"path", &[b'a'; 91]);
        assert_eq!(out.len().to_string().as_bytes(), &out[..3]);
    }

    #[test]
    fn times_before_1970_and_fractions() {
        for (time, expected) in
            [((0, 5), "0.000000005"), ((-2, 500_000_000), "-1.500000000"), ((-1, 0), "-1"), ((7, 0), "7")]
        {
            assert_eq!(pax_time(time), expected);
        }
    }

    #[test]
    fn long_names_are_split_at_a_slash_or_become_a_record() {
        let long = [&[b'd'; 120][..], b"/", &[b'f'; 90]].concat();
        assert_eq!(split_name(&long), Some((&[b'd'; 120][..], &[b'f'; 90][..])));
        assert_eq!(split_name(&[b'x'; 101]), None);
        assert_eq!(header(&[b'x'; 101], Member::Directory, 0o755, (0, 0)).len(), 3 * BLOCK);
    }
}
