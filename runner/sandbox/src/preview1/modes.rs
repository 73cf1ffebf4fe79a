//! `stepbox_fs_v1`: mode bits, which preview 1 has not. `guest-sdk/ABI.md` describes it.

use std::os::fd::AsFd;

use stepbox_system::{FileKind, OpenFile};
use wasmtime::{Caller, Linker};

use super::call;
use super::errno::{Errno, Fault};
use super::table::{Object, OpenDirectory};
use crate::guest::Guest;
use crate::tree::{Climb, HostFile, MARK, remembered_mode, set_mode_of};

const MODULE: &str = "stepbox_fs_v1";

/// `lookupflags`: whether a link at the end is followed.
const FOLLOW: u32 = 1;

fn mode_of(file: &OpenFile) -> Result<u32, Fault> {
    let metadata = file.metadata()?;
    let remembered = match file.downcast_ref::<HostFile>() {
        Some(file) if metadata.kind == FileKind::File && metadata.mode & MARK != 0 => {
            remembered_mode(file.file().as_fd())
        }
        _ => None,
    };
    Ok(remembered.unwrap_or(metadata.mode))
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type C<'a> = Caller<'a, Guest>;
    linker.func_wrap(
        MODULE,
        "path_mode_get",
        |caller: C<'_>, number: u32, lookup: u32, at: u32, length: u32, out: u32| {
            call(caller, |host, memory| {
                let OpenDirectory { directory, climb, .. } = host.table.get(number)?.directory()?;
                let path = memory.path(at, length)?;
                let mode = host.tree.mode_at(directory, &path, *climb, lookup & FOLLOW != 0)?;
                Ok(memory.write_u32(out, mode)?)
            })
        },
    )?;
    linker.func_wrap(MODULE, "path_mode_set", |caller: C<'_>, number: u32, at: u32, length: u32, mode: u32| {
        call(caller, |host, memory| {
            if mode > 0o7777 {
                return Err(Errno::INVAL.into());
            }
            let OpenDirectory { directory, climb, .. } = host.table.get(number)?.directory()?;
            Ok(host.tree.set_mode(directory, &memory.path(at, length)?, *climb, mode)?)
        })
    })?;
    linker.func_wrap(MODULE, "fd_mode_get", |caller: C<'_>, number: u32, out: u32| {
        call(caller, |host, memory| {
            let mode = match &host.table.get(number)?.object {
                Object::Directory(open) => host.tree.mode_at(&open.directory, b".", Climb::Free, true)?,
                Object::File(file) => mode_of(file)?,
            };
            Ok(memory.write_u32(out, mode)?)
        })
    })?;
    linker.func_wrap(MODULE, "fd_mode_set", |caller: C<'_>, number: u32, mode: u32| {
        call(caller, |host, _| {
            if mode > 0o7777 {
                return Err(Errno::INVAL.into());
            }
            match &host.table.get(number)?.object {
                Object::Directory(open) => Ok(host.tree.set_mode(&open.directory, b".", Climb::Free, mode)?),
                Object::File(file) => match file.downcast_ref::<HostFile>() {
                    Some(file) if !file.writable() => Err(std::io::Error::from_raw_os_error(30).into()),
                    Some(file) => Ok(set_mode_of(file.file().as_fd(), false, mode)?),
                    // A pipe or a device: accepted, as root may, and nothing comes of it.
                    None => Ok(()),
                },
            }
        })
    })?;
    linker.func_wrap(MODULE, "umask_get", |caller: C<'_>, out: u32| {
        call(caller, |host, memory| Ok(memory.write_u32(out, host.umask)?))
    })?;
    Ok(())
}
