//! Clones of repositories that the tests make by themselves.

mod clean;
mod elsewhere;
mod hostile;
mod place;
mod serve;
mod sources;
