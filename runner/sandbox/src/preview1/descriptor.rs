//! Calls on descriptors.

use std::io::SeekFrom;
use std::os::fd::AsFd;

use rustix::fs::Advice;
use stepbox_system::{FileKind, OpenFile, Signal};
use wasmtime::{Caller, Linker};

use super::errno::{Errno, Fault};
use super::memory::Memory;
use super::rights::{FD_READ, FD_WRITE};
use super::stat::{filestat, filetype, times};
use super::table::{Descriptor, Given, Object, OpenDirectory};
use super::{Host, MODULE, call};
use crate::guest::{Guest, Stopped, stopped};
use crate::tree::{Climb, HostFile};

const EINTR: i32 = 4;
const EPIPE: i32 = 32;

pub(super) const APPEND: u16 = 1;
pub(super) const NONBLOCK: u16 = 4;

impl Host {
    /// What a failed read or write means: an error for the guest, or its end.
    fn failed(&self, failed: std::io::Error) -> Fault {
        match failed.raw_os_error() {
            Some(EINTR) if self.cancel.is_cancelled() => Fault::End(stopped(&self.cancel)),
            // As the kernel ends a process that writes where nobody reads, without a word.
            Some(EPIPE) => Fault::End(wasmtime::Error::new(Stopped(Signal::Pipe))),
            _ => failed.into(),
        }
    }

    /// The file of a descriptor that has a right.
    fn file_with(&self, number: u32, right: u64) -> Result<&OpenFile, Errno> {
        let descriptor = self.table.get(number)?;
        let file = descriptor.file()?;
        if descriptor.base & right == 0 { Err(Errno::BADF) } else { Ok(file) }
    }

    /// The same, of a file of a mount.
    fn host_file(&self, number: u32, right: u64) -> Result<&HostFile, Errno> {
        let file = self.file_with(number, right)?;
        file.downcast_ref().ok_or(if file.kind() == FileKind::Fifo { Errno::SPIPE } else { Errno::INVAL })
    }
}

fn read(host: &Host, memory: &mut Memory<'_>, number: u32, vectors: (u32, u32), at: u32) -> Result<(), Fault> {
    let file = host.file_with(number, FD_READ)?;
    let mut total = 0u32;
    for (place, length) in memory.vectors(vectors.0, vectors.1)? {
        if length == 0 {
            continue;
        }
        let count = match file.read(memory.bytes_mut(place, length)?, &host.cancel) {
            Ok(count) => u32::try_from(count).map_err(|_| Errno::OVERFLOW)?,
            Err(_) if total > 0 => break,
            Err(failed) => return Err(host.failed(failed)),
        };
        total = total.saturating_add(count);
        // What has come is not held back to wait for more.
        if count < length || file.kind() != FileKind::File {
            break;
        }
    }
    Ok(memory.write_u32(at, total)?)
}

fn write(host: &Host, memory: &mut Memory<'_>, number: u32, vectors: (u32, u32), at: u32) -> Result<(), Fault> {
    let file = host.file_with(number, FD_WRITE)?;
    let mut total = 0u32;
    'all: for (place, length) in memory.vectors(vectors.0, vectors.1)? {
        let mut data = memory.bytes(place, length)?;
        while !data.is_empty() {
            match file.write(data, &host.cancel) {
                Ok(0) => break 'all,
                Ok(count) => {
                    total = total.saturating_add(u32::try_from(count).map_err(|_| Errno::OVERFLOW)?);
                    data = &data[count..];
                }
                Err(_) if total > 0 && !host.cancel.is_cancelled() => break 'all,
                Err(failed) => return Err(host.failed(failed)),
            }
        }
    }
    Ok(memory.write_u32(at, total)?)
}

/// `fd_pread` and `fd_pwrite`: buffer after buffer from an offset on, until one is not filled or taken whole.
fn at_offset(
    memory: &mut Memory<'_>,
    vectors: (u32, u32),
    mut offset: u64,
    at: u32,
    mut transfer: impl FnMut(&mut Memory<'_>, (u32, u32), u64) -> Result<usize, Fault>,
) -> Result<(), Fault> {
    let mut total = 0u32;
    for (place, length) in memory.vectors(vectors.0, vectors.1)? {
        // A place outside of the memory is an error also behind buffers that were moved.
        memory.bytes(place, length)?;
        let count = match transfer(memory, (place, length), offset) {
            Ok(count) => u32::try_from(count).map_err(|_| Errno::OVERFLOW)?,
            Err(_) if total > 0 => break,
            Err(failed) => return Err(failed),
        };
        total = total.saturating_add(count);
        offset = offset.saturating_add(count.into());
        if count < length {
            break;
        }
    }
    Ok(memory.write_u32(at, total)?)
}

fn seek(host: &Host, number: u32, position: SeekFrom) -> Result<u64, Fault> {
    let descriptor = host.table.get(number)?;
    Ok(descriptor.file()?.seek(position)?)
}

fn fdstat(descriptor: &Descriptor) -> [u8; 24] {
    let (kind, mut flags) = match &descriptor.object {
        Object::Directory(_) => (FileKind::Directory, descriptor.flags),
        Object::File(file) => (file.kind(), descriptor.flags),
    };
    if let Object::File(file) = &descriptor.object
        && let Some(file) = file.downcast_ref::<HostFile>()
        && file.appends().unwrap_or(false)
    {
        flags |= APPEND;
    }
    let mut out = [0; 24];
    out[0] = filetype(kind);
    out[2..4].copy_from_slice(&flags.to_le_bytes());
    out[8..16].copy_from_slice(&descriptor.base.to_le_bytes());
    out[16..].copy_from_slice(&descriptor.inheriting.to_le_bytes());
    out
}

fn set_flags(host: &mut Host, number: u32, flags: u16) -> Result<(), Fault> {
    let descriptor = host.table.get_mut(number)?;
    let changeable = APPEND | NONBLOCK;
    if flags & !changeable != descriptor.flags & !changeable {
        return Err(Errno::NOTSUP.into());
    }
    if let Object::File(file) = &descriptor.object
        && let Some(file) = file.downcast_ref::<HostFile>()
    {
        file.set_appends(flags & APPEND != 0)?;
    }
    descriptor.flags = flags;
    Ok(())
}

/// A directory's `.` and `..`, and then its names as they were when it was read from the beginning.
fn read_directory(
    host: &mut Host,
    memory: &mut Memory<'_>,
    number: u32,
    buffer: (u32, u32),
    cookie: u64,
    at: u32,
) -> Result<(), Fault> {
    let tree = std::sync::Arc::clone(&host.tree);
    let descriptor = host.table.get_mut(number)?;
    let Object::Directory(open) = &mut descriptor.object else { return Err(Errno::NOTDIR.into()) };
    let listing = match &open.listing {
        Some(listing) if cookie != 0 => std::sync::Arc::clone(listing),
        _ => {
            let listing = std::sync::Arc::new(tree.list(&open.directory)?);
            open.listing = Some(std::sync::Arc::clone(&listing));
            listing
        }
    };
    let itself = if cookie < 2 { tree.metadata_at(&open.directory, b".", Climb::Free, true)?.inode } else { 0 };
    let out = memory.bytes_mut(buffer.0, buffer.1)?;
    let mut used = 0;
    let mut next = cookie;
    while used < out.len() {
        let (name, kind, inode): (&[u8], _, _) = match next {
            0 => (b".", FileKind::Directory, itself),
            1 => (b"..", FileKind::Directory, itself),
            _ => match usize::try_from(next - 2).ok().and_then(|index| listing.get(index)) {
                Some(listed) => (&listed.name, listed.kind, listed.inode),
                None => break,
            },
        };
        next += 1;
        let mut head = [0; 24];
        head[..8].copy_from_slice(&next.to_le_bytes());
        head[8..16].copy_from_slice(&inode.to_le_bytes());
        head[16..20].copy_from_slice(&u32::try_from(name.len()).map_err(|_| Errno::OVERFLOW)?.to_le_bytes());
        head[20] = filetype(kind);
        for part in [&head[..], name] {
            let count = part.len().min(out.len() - used);
            out[used..used + count].copy_from_slice(&part[..count]);
            used += count;
        }
    }
    Ok(memory.write_u32(at, u32::try_from(used).map_err(|_| Errno::OVERFLOW)?)?)
}

fn advise(host: &Host, number: u32, offset: u64, length: u64, advice: u8) -> Result<(), Fault> {
    let advice = match advice {
        0 => Advice::Normal,
        1 => Advice::Sequential,
        2 => Advice::Random,
        3 => Advice::WillNeed,
        4 => Advice::DontNeed,
        5 => Advice::NoReuse,
        _ => return Err(Errno::INVAL.into()),
    };
    if offset.checked_add(length).is_none_or(|end| i64::try_from(end).is_err()) {
        return Err(Errno::INVAL.into());
    }
    let file = host.table.get(number)?.file()?;
    let file: &HostFile = file.downcast_ref().ok_or(Errno::SPIPE)?;
    Ok(rustix::fs::fadvise(file.file(), offset, std::num::NonZeroU64::new(length), advice)?)
}

fn synchronize(host: &Host, number: u32, all: bool) -> Result<(), Fault> {
    let descriptor = host.table.get(number)?;
    match &descriptor.object {
        Object::Directory(_) => Ok(()),
        Object::File(file) => match file.downcast_ref::<HostFile>() {
            Some(file) if all => Ok(rustix::fs::fsync(file.file())?),
            Some(file) => Ok(rustix::fs::fdatasync(file.file())?),
            None => Err(Errno::INVAL.into()),
        },
    }
}

fn set_times(host: &Host, number: u32, accessed: u64, modified: u64, flags: u16) -> Result<(), Fault> {
    let times = times(accessed, modified, flags)?;
    match &host.table.get(number)?.object {
        Object::Directory(OpenDirectory { directory, .. }) => {
            Ok(host.tree.set_times(directory, b".", Climb::Free, true, &times)?)
        }
        Object::File(file) => match file.downcast_ref::<HostFile>() {
            Some(file) if file.writable() => Ok(rustix::fs::futimens(file.file().as_fd(), &times)?),
            Some(_) => Err(std::io::Error::from_raw_os_error(30).into()),
            None => Err(Errno::INVAL.into()),
        },
    }
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type C<'a> = Caller<'a, Guest>;
    linker.func_wrap(MODULE, "fd_read", |caller: C<'_>, number: u32, vectors: u32, count: u32, at: u32| {
        call(caller, |host, memory| read(host, memory, number, (vectors, count), at))
    })?;
    linker.func_wrap(MODULE, "fd_write", |caller: C<'_>, number: u32, vectors: u32, count: u32, at: u32| {
        call(caller, |host, memory| write(host, memory, number, (vectors, count), at))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_pread",
        |caller: C<'_>, number: u32, vectors: u32, count: u32, offset: u64, at: u32| {
            call(caller, |host, memory| {
                let file = host.host_file(number, FD_READ)?;
                at_offset(memory, (vectors, count), offset, at, |memory, (place, length), offset| {
                    Ok(file.read_at(memory.bytes_mut(place, length)?, offset)?)
                })
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "fd_pwrite",
        |caller: C<'_>, number: u32, vectors: u32, count: u32, offset: u64, at: u32| {
            call(caller, |host, memory| {
                let file = host.host_file(number, FD_WRITE)?;
                at_offset(memory, (vectors, count), offset, at, |memory, (place, length), offset| {
                    Ok(file.write_at(memory.bytes(place, length)?, offset)?)
                })
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_seek", |caller: C<'_>, number: u32, offset: i64, whence: u32, at: u32| {
        call(caller, |host, memory| {
            let position = match whence {
                0 => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::INVAL)?),
                1 => SeekFrom::Current(offset),
                2 => SeekFrom::End(offset),
                _ => return Err(Errno::INVAL.into()),
            };
            let position = seek(host, number, position)?;
            Ok(memory.write_u64(at, position)?)
        })
    })?;
    linker.func_wrap(MODULE, "fd_tell", |caller: C<'_>, number: u32, at: u32| {
        call(caller, |host, memory| {
            let position = seek(host, number, SeekFrom::Current(0))?;
            Ok(memory.write_u64(at, position)?)
        })
    })?;
    linker.func_wrap(MODULE, "fd_close", |caller: C<'_>, number: u32| {
        call(caller, |host, _| Ok(host.table.close(number).map(drop)?))
    })?;
    linker.func_wrap(MODULE, "fd_renumber", |caller: C<'_>, from: u32, to: u32| {
        call(caller, |host, _| Ok(host.table.renumber(from, to)?))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_get", |caller: C<'_>, number: u32, at: u32| {
        call(caller, |host, memory| Ok(memory.write(at, &fdstat(host.table.get(number)?))?))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_set_flags", |caller: C<'_>, number: u32, flags: u32| {
        call(caller, |host, _| set_flags(host, number, u16::try_from(flags).map_err(|_| Errno::INVAL)?))
    })?;
    linker.func_wrap(MODULE, "fd_fdstat_set_rights", |caller: C<'_>, number: u32, base: u64, inheriting: u64| {
        call(caller, |host, _| {
            let descriptor = host.table.get_mut(number)?;
            if base & !descriptor.base != 0 || inheriting & !descriptor.inheriting != 0 {
                return Err(Errno::NOTCAPABLE.into());
            }
            (descriptor.base, descriptor.inheriting) = (base, inheriting);
            Ok(())
        })
    })?;
    linker.func_wrap(MODULE, "fd_filestat_get", |caller: C<'_>, number: u32, at: u32| {
        call(caller, |host, memory| {
            let metadata = match &host.table.get(number)?.object {
                Object::Directory(open) => host.tree.metadata_at(&open.directory, b".", Climb::Free, true)?,
                Object::File(file) => file.metadata()?,
            };
            Ok(memory.write(at, &filestat(&metadata))?)
        })
    })?;
    linker.func_wrap(MODULE, "fd_filestat_set_size", |caller: C<'_>, number: u32, size: u64| {
        call(caller, |host, _| Ok(host.host_file(number, FD_WRITE)?.set_size(size)?))
    })?;
    linker.func_wrap(
        MODULE,
        "fd_filestat_set_times",
        |caller: C<'_>, number: u32, accessed: u64, modified: u64, flags: u32| {
            call(caller, |host, _| {
                set_times(host, number, accessed, modified, u16::try_from(flags).map_err(|_| Errno::INVAL)?)
            })
        },
    )?;
    linker.func_wrap(MODULE, "fd_allocate", |caller: C<'_>, number: u32, offset: u64, length: u64| {
        call(caller, |host, _| Ok(host.host_file(number, FD_WRITE)?.allocate(offset, length)?))
    })?;
    linker.func_wrap(MODULE, "fd_advise", |caller: C<'_>, number: u32, offset: u64, length: u64, advice: u32| {
        call(caller, |host, _| advise(host, number, offset, length, u8::try_from(advice).map_err(|_| Errno::INVAL)?))
    })?;
    linker.func_wrap(MODULE, "fd_sync", |caller: C<'_>, number: u32| {
        call(caller, |host, _| synchronize(host, number, true))
    })?;
    linker.func_wrap(MODULE, "fd_datasync", |caller: C<'_>, number: u32| {
        call(caller, |host, _| synchronize(host, number, false))
    })?;
    linker.func_wrap(MODULE, "fd_prestat_get", |caller: C<'_>, number: u32, at: u32| {
        call(caller, |host, memory| {
            let (tag, length) = match &host.table.get(number)?.given {
                Given::Directory(name) => (0, u32::try_from(name.len()).map_err(|_| Errno::OVERFLOW)?),
                Given::Redirection => (1, 0),
                Given::Nothing => return Err(Errno::BADF.into()),
            };
            memory.write_u32(at, tag)?;
            Ok(memory.write_u32(at.checked_add(4).ok_or(Errno::FAULT)?, length)?)
        })
    })?;
    linker.func_wrap(MODULE, "fd_prestat_dir_name", |caller: C<'_>, number: u32, at: u32, length: u32| {
        call(caller, |host, memory| {
            let Given::Directory(name) = &host.table.get(number)?.given else { return Err(Errno::BADF.into()) };
            if (length as usize) < name.len() {
                return Err(Errno::NAMETOOLONG.into());
            }
            Ok(memory.write(at, name)?)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "fd_readdir",
        |caller: C<'_>, number: u32, buffer: u32, length: u32, cookie: u64, at: u32| {
            call(caller, |host, memory| read_directory(host, memory, number, (buffer, length), cookie, at))
        },
    )?;
    Ok(())
}
