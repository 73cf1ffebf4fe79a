//! The sandbox: commands as WASI modules over one virtual file tree, and nothing else of the host.
//!
//! A [`Sandbox`] holds the engine of one build and the image's modules. For each step there is a [`FileTree`], which the
//! shell uses as its [`stepbox_system::Vfs`] and guests see through preopened directories, and [`Commands`], the
//! [`stepbox_system::Spawner`] that starts the image's commands on it.
//!
//! Preview 1 is our own (`preview1`), over that tree. wasmtime's stays as [`WasiHost::Stock`], to compare with.

mod commands;
mod error;
mod guest;
mod image;
mod preview1;
mod profile;
mod sandbox;
mod trapped;
mod tree;

pub use commands::Commands;
pub use error::SandboxError;
pub use image::{COMMAND_DIRECTORIES, Image};
pub use profile::Profile;
pub use sandbox::{Sandbox, WasiHost};
pub use stepbox_codegen::prepare;
pub use stepbox_limits::Limits;
pub use tree::{FileMount, FileTree, Mount, Quota};
