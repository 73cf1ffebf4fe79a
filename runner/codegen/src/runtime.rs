use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::{CodegenError, MAX_WASM_STACK, code_settings};

/// How many instances may live at once, and how large their memory may become.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct EngineLimits {
    /// Instances alive at once.
    pub instances: u32,
    /// Linear memory of one, in bytes; at most 4 GiB.
    pub memory: u64,
    /// Elements of its tables.
    pub table_elements: usize,
    /// How long its stack may grow, in bytes; at most [`crate::MAX_WASM_STACK`].
    pub stack: usize,
    /// Whether code counts what it computes. It fits no code that was compiled before.
    pub fuel: bool,
}

/// Where instances get their memory from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Allocation {
    /// From a pool that is reserved once: starting a command costs tens of microseconds.
    Pooling,
    /// From the operating system each time, where the address space for a pool cannot be had (`ulimit -v`).
    OnDemand,
}

/// Bytes of memory and tables that a slot of the pool keeps between two commands.
const KEEP_RESIDENT: usize = 8 << 20;

/// An engine that runs guests, and which way of allocation it has.
pub fn engine(limits: &EngineLimits) -> Result<(Engine, Allocation), CodegenError> {
    // `Auto` asks the kernel, which has had the call since 6.7. Without it a large resident part must be cleared by
    // hand for every command, which costs more than it saves.
    let modern = pooling_engine(limits, KEEP_RESIDENT, Enabled::Yes);
    if let Ok(engine) = modern.or_else(|_| pooling_engine(limits, 64 << 10, Enabled::No)) {
        return Ok((engine, Allocation::Pooling));
    }
    let config = settings(limits);
    let engine = Engine::new(&config).map_err(|error| CodegenError::Engine(format!("{error:#}")))?;
    Ok((engine, Allocation::OnDemand))
}

/// Opens what engines need of the host, for a process that is about to lock itself: the file by which the memory of guests is
/// cleared fast is opened by the first engine that there is, and kept.
pub fn prepare() {
    let smallest = EngineLimits { instances: 1, memory: 1 << 16, table_elements: 1, stack: 64 << 10, fuel: false };
    // Where it fails, engines do without it.
    let _ = pooling_engine(&smallest, 0, Enabled::Yes);
}

fn pooling_engine(limits: &EngineLimits, keep: usize, scan: Enabled) -> Result<Engine, CodegenError> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(limits.instances)
        .total_memories(limits.instances)
        .total_tables(limits.instances)
        .total_stacks(limits.instances)
        .max_memory_size(usize::try_from(limits.memory).unwrap_or(usize::MAX).min(4 << 30))
        .table_elements(limits.table_elements)
        .max_core_instance_size(4 << 20)
        .linear_memory_keep_resident(keep)
        .table_keep_resident(keep)
        .pagemap_scan(scan)
        .max_unused_warm_slots(32);
    let mut config = settings(limits);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config).map_err(|error| CodegenError::Engine(format!("{error:#}")))
}

fn settings(limits: &EngineLimits) -> Config {
    let mut config = code_settings();
    config.consume_fuel(limits.fuel);
    config.max_wasm_stack(limits.stack.min(MAX_WASM_STACK));
    config
}
