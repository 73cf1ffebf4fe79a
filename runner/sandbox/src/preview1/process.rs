//! The end of a guest, and what it cannot do: sockets.

use stepbox_system::Signal;
use wasmtime::{Caller, Linker};
use wasmtime_wasi::I32Exit;

use super::errno::{Errno, Fault};
use super::{MODULE, call};
use crate::guest::{Guest, Stopped};

/// No descriptor is a socket.
fn no_socket(caller: Caller<'_, Guest>, number: u32) -> wasmtime::Result<i32> {
    call(caller, |host, _| {
        host.table.get(number)?;
        Err(Errno::NOTSOCK.into())
    })
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    type C<'a> = Caller<'a, Guest>;
    linker
        .func_wrap(MODULE, "proc_exit", |status: i32| -> wasmtime::Result<()> { Err(I32Exit(status & 0xff).into()) })?;
    linker.func_wrap(MODULE, "proc_raise", |caller: C<'_>, signal: i32| {
        call(caller, |_, _| match u8::try_from(signal).ok() {
            Some(0) => Ok(()),
            Some(number) => match Signal::from_number(number) {
                Some(signal) => Err(Fault::End(wasmtime::Error::new(Stopped(signal)))),
                None => Err(Errno::INVAL.into()),
            },
            None => Err(Errno::INVAL.into()),
        })
    })?;
    linker.func_wrap(MODULE, "sched_yield", || {
        std::thread::yield_now();
        0i32
    })?;
    linker.func_wrap(MODULE, "sock_accept", |caller: C<'_>, number: u32, _: i32, _: i32| no_socket(caller, number))?;
    linker.func_wrap(MODULE, "sock_recv", |caller: C<'_>, number: u32, _: i32, _: i32, _: i32, _: i32, _: i32| {
        no_socket(caller, number)
    })?;
    linker.func_wrap(MODULE, "sock_send", |caller: C<'_>, number: u32, _: i32, _: i32, _: i32, _: i32| {
        no_socket(caller, number)
    })?;
    linker.func_wrap(MODULE, "sock_shutdown", |caller: C<'_>, number: u32, _: i32| no_socket(caller, number))?;
    Ok(())
}
