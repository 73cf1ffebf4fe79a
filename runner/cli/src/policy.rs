//! The policy of the host's owner: `/etc/stepbox/policy.yaml`, and what `--policy` names beside it. What it says is final.

use std::path::Path;

use serde::Deserialize;
use stepbox_engine::Wanted;

use crate::configuration;
use crate::error::CliError;

/// The owner's file. It always counts: `--policy` adds to it and takes nothing away.
const OWNERS: &str = "/etc/stepbox/policy.yaml";

/// What the owner of a host lets anybody have.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Policy {
    /// The most that anybody gets.
    #[serde(default)]
    pub(crate) limits: Wanted,
    /// Hosts from which anybody may clone; any where it says nothing.
    pub(crate) allow_clone: Option<Vec<String>>,
    /// Variables of the environment that builds may have; any where it says nothing.
    pub(crate) environment: Option<Vec<String>>,
    /// Whether `stepbox trust` counts.
    #[serde(default = "yes")]
    pub(crate) trust: bool,
}

fn yes() -> bool {
    true
}

impl Default for Policy {
    fn default() -> Self {
        Self { limits: Wanted::new(), allow_clone: None, environment: None, trust: true }
    }
}

/// The owner's policy, and the given one within it.
pub(crate) fn read(given: Option<&Path>) -> Result<Policy, CliError> {
    let owners: Policy = configuration::read(Path::new(OWNERS))?;
    match given {
        None => Ok(owners),
        Some(path) if path.exists() => Ok(owners.and(configuration::read(path)?)),
        Some(path) => Err(CliError::usage(format!("there is no policy `{}`", path.display()))),
    }
}

/// The limits of the policy.
pub(crate) fn limits(given: Option<&Path>) -> Result<Wanted, CliError> {
    Ok(read(given)?.limits)
}

impl Policy {
    /// Both at once: of two limits the stricter.
    fn and(mut self, other: Self) -> Self {
        self.limits = self.limits.strictest(&other.limits);
        self.allow_clone = both(self.allow_clone, other.allow_clone);
        self.environment = both(self.environment, other.environment);
        self.trust &= other.trust;
        self
    }
}

/// What is in both lists; all of one where there is no other.
fn both(one: Option<Vec<String>>, other: Option<Vec<String>>) -> Option<Vec<String>> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.into_iter().filter(|name| other.contains(name)).collect()),
        (one, other) => one.or(other),
    }
}
