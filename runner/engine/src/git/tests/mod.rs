//! Clones of repositories that the tests make by themselves.

mod clean;
mod credentials;
mod elsewhere;
pub(crate) mod host;
mod hostile;
mod mirrors;
mod network;
pub(crate) mod place;
pub(super) mod plain;
mod serve;
mod source_submodules;
mod sources;
mod submodules;
