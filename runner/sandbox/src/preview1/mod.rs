//! WASI preview 1 over the virtual file tree: every function, synchronous, on the command's own thread.
//!
//! This is the boundary of the sandbox. Every address, length, descriptor and flag comes from the guest: memory is touched
//! through [`memory::Memory`] alone, descriptors through [`table::Table`], files through [`crate::tree::FileTree`]. What a call takes of the
//! host's memory does not depend on what the guest says, up to the length of a path.

mod clock;
mod descriptor;
mod environment;
mod errno;
mod memory;
mod modes;
mod paths;
mod poll;
mod process;
mod rights;
mod spawn;
mod stat;
mod table;

use std::sync::Arc;

use stepbox_system::{CancelToken, SpawnRequest, VirtualPath};
use wasmtime::{Caller, Extern, Linker};

use crate::guest::{Guest, Monotonic};
use crate::tree::{Climb, Directory, FileTree};
use errno::{Errno, Fault};
use memory::Memory;
use spawn::Children;
pub(crate) use spawn::Family;
use table::{Descriptor, Given, Table};

/// The module of every import here.
const MODULE: &str = "wasi_snapshot_preview1";

/// A guest as the host knows it.
pub(crate) struct Host {
    tree: Arc<FileTree>,
    argv: Vec<Vec<u8>>,
    /// `NAME=VALUE`.
    environment: Vec<Vec<u8>>,
    table: Table,
    umask: u32,
    cancel: CancelToken,
    clock: Monotonic,
    cwd: VirtualPath,
    /// Its number among the step's processes, and how many commands stand above it.
    process: u32,
    depth: u32,
    /// What it starts others with, where it may.
    family: Option<Family>,
    children: Arc<Children>,
}

impl Host {
    /// A guest with the arguments, environment and descriptors of a request.
    pub(crate) fn new(
        tree: Arc<FileTree>,
        request: &mut SpawnRequest,
        open_files: usize,
        clock: Monotonic,
        family: Option<Family>,
    ) -> Self {
        let mut table = Table::new(open_files);
        for (number, file) in std::mem::take(&mut request.files) {
            let given = if number > 2 { Given::Redirection } else { Given::Nothing };
            // More than the guest may have open is not handed on.
            let _ = table.place(number, Descriptor { given, ..Descriptor::inherited(file) });
        }
        let environment = std::mem::take(&mut request.env).into_iter().map(|(mut name, value)| {
            name.push(b'=');
            name.extend_from_slice(&value);
            name
        });
        Self {
            tree,
            argv: std::mem::take(&mut request.argv),
            environment: environment.collect(),
            table,
            umask: request.umask,
            cancel: request.cancel.clone(),
            clock,
            cwd: request.cwd.clone(),
            process: request.process,
            depth: request.depth,
            family,
            children: Arc::default(),
        }
    }

    /// Gives the guest a directory by name, at the lowest number above the standard three.
    pub(crate) fn preopen(&mut self, name: &[u8], directory: Directory, climb: Climb) {
        // Beyond the limit there is nothing to be given.
        let _ = self.table.insert(Descriptor::preopened(name, directory, climb));
    }

    /// Whether the guest has wanted more open files than it may have.
    pub(crate) fn met_open_files(&self) -> bool {
        self.table.was_full()
    }
}

/// Runs a call: gives it the guest and its memory, and turns what it says into the number that the guest gets.
fn call(
    mut caller: Caller<'_, Guest>,
    work: impl FnOnce(&mut Host, &mut Memory<'_>) -> Result<(), Fault>,
) -> wasmtime::Result<i32> {
    let memory = match caller.data().memory {
        Some(memory) => memory,
        // Before `_start`, or without one of its own.
        None => match caller.get_export("memory") {
            Some(Extern::Memory(memory)) => memory,
            _ => return Ok(Errno::FAULT.0.into()),
        },
    };
    let (data, guest) = memory.data_and_store_mut(&mut caller);
    match work(&mut guest.host, &mut Memory(data)) {
        Ok(()) => Ok(0),
        Err(Fault::Errno(errno)) => Ok(errno.0.into()),
        Err(Fault::End(end)) => Err(end),
    }
}

/// Everything that a guest can import.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    environment::add(linker)?;
    clock::add(linker)?;
    descriptor::add(linker)?;
    paths::add(linker)?;
    process::add(linker)?;
    modes::add(linker)?;
    spawn::add(linker)?;
    linker.func_wrap(MODULE, "poll_oneoff", poll::poll_oneoff)?;
    Ok(())
}
