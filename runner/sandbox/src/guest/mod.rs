//! A running guest: what its store holds; and, for the stock preview 1, its standard streams and the calls that are ours.

mod clock;
mod limiter;
mod poll;
mod streams;

pub(crate) use clock::Monotonic;
pub(crate) use limiter::Limiter;
pub(crate) use poll::poll_oneoff;
pub(crate) use streams::{Input, Output};

use stepbox_system::{CancelToken, Signal};
use wasmtime::Memory;
use wasmtime_wasi::p1::WasiP1Ctx;

use crate::preview1::Host;

/// What the store of a guest holds.
pub(crate) struct Guest {
    /// Our own preview 1.
    pub(crate) host: Host,
    /// The stock one, where it was asked for.
    pub(crate) stock: Option<WasiP1Ctx>,
    /// The guest's memory, once it is there.
    pub(crate) memory: Option<Memory>,
    pub(crate) limiter: Limiter,
    pub(crate) cancel: CancelToken,
    pub(crate) clock: Monotonic,
}

/// Why a guest was stopped: its token was cancelled.
#[derive(Debug, thiserror::Error)]
#[error("stopped by signal {}", .0.name())]
pub(crate) struct Stopped(pub(crate) Signal);

/// The error that ends a guest whose token is cancelled.
pub(crate) fn stopped(cancel: &CancelToken) -> wasmtime::Error {
    wasmtime::Error::new(Stopped(cancel.cancelled().unwrap_or(Signal::Kill)))
}
