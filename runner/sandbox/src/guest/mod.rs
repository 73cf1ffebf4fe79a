//! A running guest: what its store holds, its standard streams, and the calls of preview 1 that are ours.

mod clock;
mod limiter;
mod poll;
mod streams;

pub(crate) use clock::Monotonic;
pub(crate) use limiter::Limiter;
pub(crate) use poll::poll_oneoff;
pub(crate) use streams::{Input, Output};

use stepbox_system::{CancelToken, Signal};
use wasmtime_wasi::p1::WasiP1Ctx;

/// What the store of a guest holds.
pub(crate) struct Guest {
    pub(crate) wasi: WasiP1Ctx,
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
