//! Clones of repositories that the tests make by themselves.

mod clean;
mod elsewhere;
mod host;
mod hostile;
mod network;
mod place;
mod serve;
mod sources;
