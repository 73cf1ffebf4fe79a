//! sh: parse, expand, evaluate.
//!
//! A script is parsed once into a small tree (module `ir`); the evaluator walks it on the calling thread, with one more thread
//! for each stage of a pipeline and each background job. Files are reached through [`stepbox_system::Vfs`] and programs
//! through [`stepbox_system::Spawner`] alone: nothing in this crate can touch the host. Data are bytes.
//!
//! What it accepts is POSIX sh with what busybox's ash adds and real pipelines rely on; what it does not support is a
//! syntax error with its name and place.

mod arithmetic;
mod builtins;
mod commands_of;
mod config;
mod eval;
mod expand;
mod ir;
mod line_reader;
mod memory_file;
mod parse;
mod pattern;
mod regex;
mod switches;
mod variables;

pub use commands_of::{CommandUse, commands_of};
pub use config::{Limits, Mode, ShellConfig, ShellOptions};
pub use eval::{FailedCommand, Foreground, Line, LineEditor, Shell, run_command_line};
pub use parse::SyntaxError;
