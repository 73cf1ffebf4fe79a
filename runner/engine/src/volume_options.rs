//! What a caller may say about the volume of a build.

use std::path::PathBuf;

/// When the volume is saved at the end of a build (rule L7). One that was terminated never saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SaveVolume {
    /// Whatever the build came to.
    #[default]
    Always,
    /// Where the build succeeded.
    Success,
    /// The store is only read.
    Never,
}

/// What a build starts from while another build of its volume runs (rule L8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConcurrentVolume {
    /// The latest snapshot, like every build.
    #[default]
    Latest,
    /// Nothing.
    Empty,
}

/// A folder of the host that is the volume, instead of snapshots (rule L16).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalVolume {
    /// One that Stepbox keeps for the pipeline in its state directory.
    OfPipeline,
    /// This one. It is made where it is missing.
    At(PathBuf),
}
