//! Foreign YAML, read by a process that is locked and can only answer.
//!
//! Whoever has the rights of the user must not parse what a repository says: a pipeline and a `stepbox.yaml` are bytes of strangers.
//! [`Reader`] starts the program again; that process ([`serve`]) locks itself with nothing allowed at all, reads text from its socket,
//! and answers with a tree (`flat`) or with settings as JSON. Both are taken for what a stranger says: bounded frames
//! ([`stepbox_protocol`]), counted nodes, bounded depth, places that must lie in the text.

mod client;
mod flat;
mod places;
mod serve;
mod wire;

pub use client::{Reader, ReaderError, SettingsError, Way};
pub use serve::serve;
