//! What the families of the toolbox share: how a command is called and found, its streams, its options, its words for
//! errors, files and their modes, patterns, and the start of other commands.
//!
//! A family is a crate beside this one (`core`, `files`, `text`, …) whose commands are functions of their arguments and
//! streams ([`Tool`]), so that they are tested on the host. A program of `programs` makes one wasm of each.

#[cfg(target_os = "wasi")]
mod abi;
pub mod calendar;
mod commands;
pub mod file_info;
pub mod glob;
mod help;
pub mod mode;
pub mod options;
pub mod pattern;
pub mod process;
mod program;
mod streams;
pub mod testing;

pub use commands::{COMMANDS, Command, UUTILS_VERSION};
pub use help::help;
pub use program::main;
pub use streams::{Streams, describe, fail, os_string, read_whole};

use std::ffi::OsString;
use std::io;

/// A command: its exit status. The first argument is its name; an error is one of writing its output.
pub type Tool = fn(&[OsString], &mut Streams<'_>) -> io::Result<i32>;

/// The command of a family that answers a call, by its exact name.
pub type Find = fn(&str, &[OsString]) -> Option<Tool>;
