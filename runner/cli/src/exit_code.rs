//! What the program's exit status means. These numbers are an interface: they do not change.

/// The build, or the command, succeeded.
pub(crate) const SUCCESS: u8 = 0;
/// The build failed: a step did, a timeout of its own included. The volume is saved.
pub(crate) const BUILD_FAILED: u8 = 1;
/// Wrong usage, or an invalid pipeline; nothing has run.
pub(crate) const USAGE: u8 = 2;
/// The build was terminated: interrupted, or over the time of the whole build. Nothing is saved.
pub(crate) const TERMINATED: u8 = 3;
/// Stepbox itself failed. A failure only to save the volume leaves 0 or 1, unless `--require-save` is given.
pub(crate) const STEPBOX_FAILED: u8 = 4;
