//! Loading what we compiled ourselves.
#![expect(unsafe_code, reason = "wasmtime cannot check that a file holds code that it has made")]

use std::fs::File;

use wasmtime::{Engine, Module};

use crate::CodegenError;

/// Loads a module that [`crate::precompile`] has made. The file is mapped, not read.
///
/// The caller vouches for the file: it was written by Stepbox, into a directory that only its owner can write, or into
/// memory, and its contents were compared with what was embedded. Errors where it was made by another version or for
/// another processor; compile the module anew then.
pub fn load(engine: &Engine, file: File) -> Result<Module, CodegenError> {
    // SAFETY: wasmtime checks version and settings itself. That the rest is code that we have compiled is the promise
    // of the caller, stated above; no other file is ever given to this function.
    let module = unsafe { Module::deserialize_open_file(engine, file) };
    module.map_err(|error| CodegenError::Load(format!("{error:#}")))
}
