//! Clocks: the time of day, and the time since the guest was started.

use std::time::{Duration, SystemTime};

use wasmtime::{Caller, Linker};

use super::errno::Errno;
use super::{Host, MODULE, call};
use crate::guest::Guest;

const REALTIME: u32 = 0;
const MONOTONIC: u32 = 1;

/// What a clock shows. How much time a thread of the host has used is nothing that a guest is told.
pub(super) fn now(host: &Host, clock: u32) -> Result<Duration, Errno> {
    match clock {
        REALTIME => Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()),
        MONOTONIC => Ok(host.clock.elapsed()),
        _ => Err(Errno::INVAL),
    }
}

pub(super) fn add(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    linker.func_wrap(MODULE, "clock_res_get", |caller: Caller<'_, Guest>, clock: u32, at: u32| {
        call(caller, |host, memory| {
            now(host, clock)?;
            Ok(memory.write_u64(at, 1)?)
        })
    })?;
    linker.func_wrap(MODULE, "clock_time_get", |caller: Caller<'_, Guest>, clock: u32, _precision: u64, at: u32| {
        call(caller, |host, memory| {
            let now = now(host, clock)?;
            Ok(memory.write_u64(at, u64::try_from(now.as_nanos()).map_err(|_| Errno::OVERFLOW)?)?)
        })
    })?;
    Ok(())
}
