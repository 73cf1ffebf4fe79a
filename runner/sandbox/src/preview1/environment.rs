//! Arguments, environment, random numbers.

use rustix::rand::{GetRandomFlags, getrandom};
use wasmtime::{Caller, Linker};

use super::errno::{Errno, Fault};
use super::memory::Memory;
use super::{MODULE, call};
use crate::guest::{Guest, stopped};

/// How many random bytes are made at once.
const CHUNK: usize = 64 << 10;

fn sizes(texts: &[Vec<u8>], memory: &mut Memory<'_>, count_at: u32, size_at: u32) -> Result<(), Fault> {
    let size: usize = texts.iter().map(|text| text.len() + 1).sum();
    memory.write_u32(count_at, u32::try_from(texts.len()).map_err(|_| Errno::OVERFLOW)?)?;
    memory.write_u32(size_at, u32::try_from(size).map_err(|_| Errno::OVERFLOW)?)?;
    Ok(())
}

fn texts(texts: &[Vec<u8>], memory: &mut Memory<'_>, mut pointers: u32, mut at: u32) -> Result<(), Fault> {
    for text in texts {
        memory.write_u32(pointers, at)?;
        memory.write(at, text)?;
        let length = u32::try_from(text.len()).map_err(|_| Errno::OVERFLOW)?;
        let end = at.checked_add(length).ok_or(Errno::FAULT)?;
        memory.write(end, &[0])?;
        at = end.checked_add(1).ok_or(Errno::FAULT)?;
        pointers = pointers.checked_add(4).ok_or(Errno::FAULT)?;
    }
    Ok(())
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type C<'a> = Caller<'a, Guest>;
    linker.func_wrap(MODULE, "args_sizes_get", |caller: C<'_>, count: u32, size: u32| {
        call(caller, |host, memory| sizes(&host.argv, memory, count, size))
    })?;
    linker.func_wrap(MODULE, "args_get", |caller: C<'_>, pointers: u32, at: u32| {
        call(caller, |host, memory| texts(&host.argv, memory, pointers, at))
    })?;
    linker.func_wrap(MODULE, "environ_sizes_get", |caller: C<'_>, count: u32, size: u32| {
        call(caller, |host, memory| sizes(&host.environment, memory, count, size))
    })?;
    linker.func_wrap(MODULE, "environ_get", |caller: C<'_>, pointers: u32, at: u32| {
        call(caller, |host, memory| texts(&host.environment, memory, pointers, at))
    })?;
    linker.func_wrap(MODULE, "random_get", |caller: C<'_>, at: u32, length: u32| {
        call(caller, |host, memory| {
            for piece in memory.bytes_mut(at, length)?.chunks_mut(CHUNK) {
                if host.cancel.is_cancelled() {
                    return Err(Fault::End(stopped(&host.cancel)));
                }
                let mut filled = 0;
                while filled < piece.len() {
                    filled += getrandom(&mut piece[filled..], GetRandomFlags::empty())?;
                }
            }
            Ok(())
        })
    })?;
    Ok(())
}
