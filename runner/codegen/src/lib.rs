//! The one wasmtime configuration, compiling ahead of time, and the loader of what was compiled.
//!
//! The build script of `builtin` compiles the toolbox with [`precompile`]; the sandbox loads the result with [`load`]
//! into an engine made by [`engine`]. Both must agree on every setting that shapes code, so all of them stand here.
//!
//! Measured in `spec/sandbox.md` section 1: Cranelift at `Speed`, copy-on-write memory images, the pooling allocator with
//! `PAGEMAP_SCAN`; never Winch, no fuel.

mod compile;
mod load;
mod runtime;

pub use compile::{CodegenError, compatibility, compile, precompile};
pub use load::load;
pub use runtime::{Allocation, EngineLimits, engine, prepare};

use wasmtime::{Config, OptLevel};

/// How long the stack of a guest may grow, in bytes.
pub const MAX_WASM_STACK: usize = 1 << 20;

/// The settings that shape code. Every engine of Stepbox has exactly these.
fn code_settings() -> Config {
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::Speed);
    // Timeouts and cancellation; costs up to 30 % in the tightest loops and is worth it.
    config.epoch_interruption(true);
    config.consume_fuel(false);
    config.concurrency_support(false);
    config.memory_init_cow(true);
    config.wasm_gc(false);
    config.wasm_function_references(false);
    config.max_wasm_stack(MAX_WASM_STACK);
    config
}
