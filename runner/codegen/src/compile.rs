use std::hash::{DefaultHasher, Hash, Hasher};

use wasmtime::{Engine, Module};

use crate::code_settings;

/// What can go wrong with code. Trying again does not help.
#[derive(Debug, thiserror::Error)]
pub enum CodegenError {
    /// This host or this build of wasmtime does not take our settings.
    #[error("the engine cannot be set up: {0}")]
    Engine(String),
    /// The bytes are no wasm that runs here.
    #[error("the module cannot be compiled: {0}")]
    Compile(String),
    /// Compiled code does not fit this engine.
    #[error("the compiled module cannot be loaded: {0}")]
    Load(String),
}

/// An engine that only compiles, for `target` (a triple), with the baseline of its processors and nothing of the
/// processor that it runs on.
fn compiler(target: Option<&str>) -> Result<Engine, CodegenError> {
    let mut config = code_settings();
    if let Some(target) = target {
        // An explicit target switches the detection of the host's processor off.
        config.target(target).map_err(|error| CodegenError::Engine(format!("{error:#}")))?;
    }
    Engine::new(&config).map_err(|error| CodegenError::Engine(format!("{error:#}")))
}

/// Compiles a core module ahead of time for `target` (a triple such as `x86_64-unknown-linux-gnu`). The result may only
/// ever be loaded from where nobody else can write: it is native code.
pub fn precompile(wasm: &[u8], target: &str) -> Result<Vec<u8>, CodegenError> {
    compiler(Some(target))?.precompile_module(wasm).map_err(|error| CodegenError::Compile(format!("{error:#}")))
}

/// Compiles a module in this process, for a host that does not take what was compiled before.
pub fn compile(engine: &Engine, wasm: &[u8]) -> Result<Module, CodegenError> {
    Module::new(engine, wasm).map_err(|error| CodegenError::Compile(format!("{error:#}")))
}

/// A number that differs between versions and settings whose compiled code does not fit each other. Part of the name
/// under which compiled code is kept.
pub fn compatibility(target: &str) -> Result<u64, CodegenError> {
    let engine = compiler(Some(target))?;
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    Ok(hasher.finish())
}
