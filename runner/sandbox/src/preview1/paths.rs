//! Calls on paths.

use wasmtime::{Caller, Linker};

use super::descriptor::{APPEND, NONBLOCK};
use super::errno::{Errno, Fault};
use super::memory::Memory;
use super::rights::{self, FD_READ, FD_WRITE, PATH_FILESTAT_SET_SIZE};
use super::stat::{filestat, times};
use super::table::{Descriptor, Given, Object, OpenDirectory};
use super::{Host, MODULE, call};
use crate::guest::Guest;
use crate::tree::{OpenHow, Opened};

/// `lookupflags`: whether a link at the end is followed.
const FOLLOW: u32 = 1;

const CREATE: u32 = 1;
const DIRECTORY: u32 = 2;
const EXCLUSIVE: u32 = 4;
const TRUNCATE: u32 = 8;

const DSYNC: u16 = 2;
const RSYNC: u16 = 8;
const SYNC: u16 = 16;

/// What `path_open` is asked for.
struct Open {
    follow: bool,
    oflags: u32,
    base: u64,
    inheriting: u64,
    flags: u16,
}

fn open(host: &mut Host, number: u32, path: &[u8], asked: &Open) -> Result<u32, Fault> {
    if asked.oflags > 15 || asked.flags > 31 {
        return Err(Errno::INVAL.into());
    }
    let from = host.table.get(number)?;
    let OpenDirectory { directory, climb, .. } = from.directory()?;
    let has = |flag: u32| asked.oflags & flag != 0;
    if has(TRUNCATE) && from.base & PATH_FILESTAT_SET_SIZE == 0 {
        return Err(Errno::NOTCAPABLE.into());
    }
    let how = OpenHow {
        read: asked.base & FD_READ != 0,
        write: asked.base & FD_WRITE != 0,
        append: asked.flags & APPEND != 0 && asked.base & FD_WRITE != 0,
        truncate: has(TRUNCATE),
        create: has(CREATE),
        exclusive: has(EXCLUSIVE),
        directory: has(DIRECTORY),
        follow: asked.follow,
        mode: 0o666 & !host.umask,
        synchronous: asked.flags & (SYNC | RSYNC) != 0,
        data_synchronous: asked.flags & DSYNC != 0,
    };
    if how.directory && how.create {
        return Err(Errno::INVAL.into());
    }
    let allowed = from.inheriting;
    let opened = match host.tree.open_at(directory, path, *climb, &how)? {
        Opened::Directory(directory) => Descriptor {
            object: Object::Directory(OpenDirectory { directory, climb: *climb, listing: None }),
            base: asked.base & allowed & rights::DIRECTORY,
            inheriting: asked.inheriting & allowed & (rights::DIRECTORY | rights::FILE),
            flags: asked.flags,
            given: Given::Nothing,
        },
        Opened::File(file) => {
            let most = Descriptor::inherited(file.clone()).base;
            Descriptor {
                object: Object::File(file),
                base: asked.base & allowed & most,
                inheriting: 0,
                flags: asked.flags & !(APPEND | NONBLOCK) | asked.flags & NONBLOCK,
                given: Given::Nothing,
            }
        }
        // As on Linux, where opening it is a duplicate.
        Opened::Descriptor(number) => Descriptor { given: Given::Nothing, ..host.table.get(number)?.clone() },
    };
    Ok(host.table.insert(opened)?)
}

impl Host {
    fn at(&self, number: u32) -> Result<&OpenDirectory, Errno> {
        self.table.get(number)?.directory()
    }
}

/// A directory and a path from it, as every call has them.
type Place = (u32, u32, u32);

fn path(memory: &Memory<'_>, place: Place) -> Result<Vec<u8>, Errno> {
    memory.path(place.1, place.2)
}

fn read_link(host: &Host, memory: &mut Memory<'_>, place: Place, buffer: (u32, u32), at: u32) -> Result<(), Fault> {
    let from = host.at(place.0)?;
    let target = host.tree.link_target(&from.directory, &path(memory, place)?, from.climb)?;
    let length = u32::try_from(target.len()).unwrap_or(u32::MAX).min(buffer.1);
    memory.write(buffer.0, &target[..length as usize])?;
    Ok(memory.write_u32(at, length)?)
}

fn between(
    host: &Host,
    memory: &Memory<'_>,
    old: Place,
    new: Place,
    work: impl FnOnce(&Host, (&OpenDirectory, &[u8]), (&OpenDirectory, &[u8])) -> std::io::Result<()>,
) -> Result<(), Fault> {
    let (old_path, new_path) = (path(memory, old)?, path(memory, new)?);
    Ok(work(host, (host.at(old.0)?, &old_path), (host.at(new.0)?, &new_path))?)
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type C<'a> = Caller<'a, Guest>;
    linker.func_wrap(
        MODULE,
        "path_open",
        |caller: C<'_>,
         number: u32,
         lookup: u32,
         at: u32,
         length: u32,
         oflags: u32,
         base: u64,
         inheriting: u64,
         flags: u32,
         out: u32| {
            call(caller, |host, memory| {
                let path = memory.path(at, length)?;
                let flags = u16::try_from(flags).map_err(|_| Errno::INVAL)?;
                // Before anything is opened that could not be told.
                memory.bytes_mut(out, 4)?;
                let asked = Open { follow: lookup & FOLLOW != 0, oflags, base, inheriting, flags };
                let opened = open(host, number, &path, &asked)?;
                Ok(memory.write_u32(out, opened)?)
            })
        },
    )?;
    linker.func_wrap(MODULE, "path_create_directory", |caller: C<'_>, number: u32, at: u32, length: u32| {
        call(caller, |host, memory| {
            let from = host.at(number)?;
            let mode = 0o777 & !host.umask;
            Ok(host.tree.create_directory(&from.directory, &memory.path(at, length)?, from.climb, mode)?)
        })
    })?;
    linker.func_wrap(MODULE, "path_remove_directory", |caller: C<'_>, number: u32, at: u32, length: u32| {
        call(caller, |host, memory| {
            let from = host.at(number)?;
            Ok(host.tree.remove_directory(&from.directory, &memory.path(at, length)?, from.climb)?)
        })
    })?;
    linker.func_wrap(MODULE, "path_unlink_file", |caller: C<'_>, number: u32, at: u32, length: u32| {
        call(caller, |host, memory| {
            let from = host.at(number)?;
            Ok(host.tree.remove_file(&from.directory, &memory.path(at, length)?, from.climb)?)
        })
    })?;
    linker.func_wrap(
        MODULE,
        "path_filestat_get",
        |caller: C<'_>, number: u32, lookup: u32, at: u32, length: u32, out: u32| {
            call(caller, |host, memory| {
                let from = host.at(number)?;
                let path = memory.path(at, length)?;
                let metadata = host.tree.metadata_at(&from.directory, &path, from.climb, lookup & FOLLOW != 0)?;
                Ok(memory.write(out, &filestat(&metadata))?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_filestat_set_times",
        |caller: C<'_>, number: u32, lookup: u32, at: u32, length: u32, accessed: u64, modified: u64, flags: u32| {
            call(caller, |host, memory| {
                let from = host.at(number)?;
                let path = memory.path(at, length)?;
                let times = times(accessed, modified, u16::try_from(flags).map_err(|_| Errno::INVAL)?)?;
                Ok(host.tree.set_times(&from.directory, &path, from.climb, lookup & FOLLOW != 0, &times)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_readlink",
        |caller: C<'_>, number: u32, at: u32, length: u32, buffer: u32, size: u32, out: u32| {
            call(caller, |host, memory| read_link(host, memory, (number, at, length), (buffer, size), out))
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_symlink",
        |caller: C<'_>, target: u32, target_length: u32, number: u32, at: u32, length: u32| {
            call(caller, |host, memory| {
                let from = host.at(number)?;
                let (target, path) = (memory.path(target, target_length)?, memory.path(at, length)?);
                Ok(host.tree.symlink(&target, &from.directory, &path, from.climb)?)
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_rename",
        |caller: C<'_>, old: u32, old_at: u32, old_length: u32, new: u32, new_at: u32, new_length: u32| {
            call(caller, |host, memory| {
                between(host, memory, (old, old_at, old_length), (new, new_at, new_length), |host, old, new| {
                    host.tree.rename((&old.0.directory, old.1, old.0.climb), (&new.0.directory, new.1, new.0.climb))
                })
            })
        },
    )?;
    linker.func_wrap(
        MODULE,
        "path_link",
        |caller: C<'_>, old: u32, lookup: u32, old_at: u32, old_length: u32, new: u32, new_at: u32, new_length: u32| {
            call(caller, |host, memory| {
                if lookup & FOLLOW != 0 {
                    return Err(Errno::INVAL.into());
                }
                between(host, memory, (old, old_at, old_length), (new, new_at, new_length), |host, old, new| {
                    host.tree.link((&old.0.directory, old.1, old.0.climb), (&new.0.directory, new.1, new.0.climb))
                })
            })
        },
    )?;
    Ok(())
}
