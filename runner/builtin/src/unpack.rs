use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use rustix::fs::{MemfdFlags, SealFlags};

/// The compiled module from the cache, not yet compared; unpacked into it where it is missing or cut off; `None` where the cache
/// cannot be used.
pub(crate) fn cached(cache: &Dir, key: &str, compressed: &[u8], length: usize) -> Option<File> {
    let name = format!("{key}.cwasm");
    if let Ok(file) = cache.open(&name)
        && file.metadata().is_ok_and(|metadata| metadata.len() == length as u64)
    {
        return Some(file.into_std());
    }
    // Made under a name of its own and renamed, so that builds that start at once do not see half a file.
    static UNPACKED: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_nanos());
    let count = UNPACKED.fetch_add(1, Ordering::Relaxed);
    let temporary = format!("{key}.{}.{count}.{now}.tmp", std::process::id());
    let written = write(cache, &temporary, compressed).and_then(|()| cache.rename(&temporary, cache, &name));
    if written.is_err() {
        // A full disk or a read-only cache: memory does as well.
        let _ = cache.remove_file(&temporary);
        return None;
    }
    Some(cache.open(&name).ok()?.into_std())
}

/// Removes a damaged one; where that fails, the next to look finds it again.
pub(crate) fn remove(cache: &Dir, key: &str) {
    let _ = cache.remove_file(format!("{key}.cwasm"));
}

fn write(cache: &Dir, name: &str, compressed: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = cache.open_with(name, &options)?;
    zstd::stream::copy_decode(compressed, &mut file)?;
    file.flush()
}

/// The file, at its beginning, if it is what is embedded: it is native code. They are compared frame by frame of the decoder,
/// which takes no memory to speak of.
pub(crate) fn verified(mut file: File, compressed: &[u8], length: usize) -> Option<File> {
    if file.metadata().ok()?.len() != length as u64 {
        return None;
    }
    let mut decoder = zstd::stream::Decoder::with_buffer(compressed).ok()?;
    let (mut expected, mut found) = (vec![0; 128 * 1024], vec![0; 128 * 1024]);
    loop {
        let count = decoder.read(&mut expected).ok()?;
        if count == 0 {
            file.rewind().ok()?;
            return Some(file);
        }
        file.read_exact(&mut found[..count]).ok()?;
        if expected[..count] != found[..count] {
            return None;
        }
    }
}

/// The compiled module in a file that has no name and that nobody can change any more.
pub(crate) fn in_memory(name: &str, compressed: &[u8]) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create(name, MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
    zstd::stream::copy_decode(compressed, &mut file)?;
    file.rewind()?;
    rustix::fs::fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL)?;
    Ok(file)
}
