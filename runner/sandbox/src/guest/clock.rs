use std::time::{Duration, Instant};

use wasmtime_wasi::HostMonotonicClock;

/// The monotonic clock that a guest sees: nanoseconds since it was started. Shared with `poll_oneoff`, which must know
/// what an absolute time means.
#[derive(Clone, Copy)]
pub(crate) struct Monotonic(Instant);

impl Monotonic {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

impl HostMonotonicClock for Monotonic {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        u64::try_from(self.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}
