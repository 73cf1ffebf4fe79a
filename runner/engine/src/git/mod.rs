//! Git, on the host and by itself: no program is started, and nothing on a volume is obeyed.
//!
//! [`Clones`] is what a build sees. A clone is always made in two steps: what is wanted is listed as a `Desired` tree, of
//! the source's working tree or of a commit, and `write` makes the volume's directory equal to it. The `.git` of a clone
//! is such a tree too (`GitDirectory`): it is an output, and what was there before is never read.

mod address;
mod clone;
mod clones;
mod commit_tree;
mod contents;
mod credentials;
mod descent;
mod desired;
mod error;
mod git_directory;
mod http;
mod ignored;
mod local;
mod mirror;
mod mirrors;
mod objects;
mod origin;
mod remote;
mod resolver;
mod revision;
mod source;
mod submodules;
mod waiting;
mod work_tree;
mod working_tree;
mod write;

#[cfg(test)]
pub(crate) mod tests;

pub(crate) use clones::Clones;
pub use credentials::GitCredentials;
pub(crate) use credentials::secrets_of;
pub(crate) use mirrors::collect_mirrors;
pub(crate) use origin::secrets_in;
