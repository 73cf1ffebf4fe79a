use std::sync::Arc;

use stepbox_limits::{Budget, Limit, Limits, Setting};
use wasmtime::ResourceLimiter;

/// Keeps a guest's memory and tables in bounds, and remembers which bound it has met.
pub(crate) struct Limiter {
    limits: Limits,
    /// Memory of all guests of the build.
    build: Arc<Budget>,
    /// How much of that is this guest's.
    taken: u64,
    met: Option<Setting>,
}

impl Limiter {
    pub(crate) fn new(limits: Limits, build: Arc<Budget>) -> Self {
        Self { limits, build, taken: 0, met: None }
    }

    /// The bound that the guest has met.
    pub(crate) fn met(&self) -> Option<Setting> {
        self.met
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired > self.limits.count(Limit::Memory) {
            self.met = Some(self.limits.setting(Limit::Memory));
            return Ok(false);
        }
        let more = desired.saturating_sub(current) as u64;
        if let Err(exceeded) = self.build.take(more) {
            self.met = Some(exceeded.0);
            return Ok(false);
        }
        // What fails to grow after all is given back with the rest, when the guest ends.
        self.taken += more;
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired <= self.limits.count(Limit::Table) {
            return Ok(true);
        }
        self.met = Some(self.limits.setting(Limit::Table));
        Ok(false)
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.build.give_back(self.taken);
    }
}
