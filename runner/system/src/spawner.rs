use std::collections::BTreeMap;

use crate::{CancelToken, ExitStatus, OpenFile, VirtualPath};

/// A program that was found: where, and what its finder wants to remember of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Program {
    /// Its place in the virtual tree, as `command -v` prints it.
    pub path: VirtualPath,
    /// For the [`Spawner`] alone.
    pub token: u64,
}

/// What became of looking for a command's name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Resolution {
    /// It is there.
    Found(Program),
    /// Nothing has this name: status 127. The text, if any, is a hint for the person (`not part of the toolbox`).
    NotFound(Option<String>),
    /// It is there and cannot be executed, for this reason: status 126.
    NotExecutable(VirtualPath, String),
}

/// What a program is started with.
#[derive(Clone, Debug)]
pub struct SpawnRequest {
    /// Arguments, its own name first.
    pub argv: Vec<Vec<u8>>,
    /// Environment: name and value, each name once.
    pub env: Vec<(Vec<u8>, Vec<u8>)>,
    /// Working directory.
    pub cwd: VirtualPath,
    /// File mode creation mask.
    pub umask: u32,
    /// Descriptors by number. What is missing is closed.
    pub files: BTreeMap<u32, OpenFile>,
    /// Stops the program.
    pub cancel: CancelToken,
    /// Number of the virtual process that the program runs as (of the shell itself for a command in the foreground).
    pub process: u32,
    /// How many programs stand above it in a chain of programs that start programs.
    pub depth: u32,
}

/// Finds and runs programs for the shell.
pub trait Spawner: Send + Sync {
    /// Looks for a command: by path where `name` holds a `/` (relative to `cwd`), else in the directories of
    /// `search_path` (the value of `PATH`), in order.
    fn resolve(&self, name: &[u8], search_path: &[u8], cwd: &VirtualPath) -> Resolution;

    /// Runs a program on the calling thread until it ends. A program that a signal ended has the status 128 + n.
    /// What went wrong with starting it is written to its standard error.
    fn run(&self, program: &Program, request: SpawnRequest) -> ExitStatus;
}
