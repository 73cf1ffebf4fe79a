//! The source of a build and what git-clone steps get, as a build needs them.

use cap_std::fs::Dir;
use stepbox_pipeline::BuildFacts;

/// What a git-clone step asks for, its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CloneRequest {
    /// `owner/name` or an address.
    pub(crate) repo: String,
    /// Branch, tag or hash.
    pub(crate) revision: Option<String>,
    /// The name of the git integration.
    pub(crate) git: Option<String>,
    /// A user and a password.
    pub(crate) credentials: Option<(String, String)>,
    /// How many commits of history.
    pub(crate) depth: Option<u32>,
    /// The directory below which the clone is made, from the volume's root; empty for the root itself.
    pub(crate) parent: String,
}

/// A clone on the volume (rule G4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cloned {
    /// Its directory, from the volume's root.
    pub(crate) directory: String,
    /// What is checked out.
    pub(crate) revision: Option<String>,
    /// The repository.
    pub(crate) repo: String,
}

/// What a clone tells while it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    /// A line of its log.
    Line(String),
    /// Something that one should know.
    Warning(String),
}

/// The source of a build, and the way to other repositories.
pub(crate) trait Repository: Sync {
    /// What is known of the source; only the fields about it are filled.
    fn facts(&self) -> BuildFacts;

    /// Clones onto the volume, telling what it does. Errors are in words.
    fn clone_onto(
        &self,
        request: &CloneRequest,
        volume: &Dir,
        stop: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(Told),
    ) -> Result<Cloned, String>;
}
