use wasmtime::ResourceLimiter;

/// Keeps a guest's memory and tables in bounds, and remembers which bound it has met.
pub(crate) struct Limiter {
    memory: usize,
    table_elements: usize,
    met: Option<String>,
}

impl Limiter {
    pub(crate) fn new(memory: u64, table_elements: usize) -> Self {
        Self { memory: usize::try_from(memory).unwrap_or(usize::MAX), table_elements, met: None }
    }

    /// The bound that the guest has met, in words.
    pub(crate) fn met(&self) -> Option<&str> {
        self.met.as_deref()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired <= self.memory {
            return Ok(true);
        }
        self.met = Some(format!("the memory limit of {} MiB for one command", self.memory >> 20));
        Ok(false)
    }

    fn table_growing(&mut self, _: usize, desired: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        if desired <= self.table_elements {
            return Ok(true);
        }
        self.met = Some(format!("the limit of {} table elements for one command", self.table_elements));
        Ok(false)
    }
}
