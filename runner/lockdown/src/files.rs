//! Files: Landlock denies every path but those below the directories that are named.

use std::os::fd::BorrowedFd;

use landlock::{
    ABI, Access as _, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, PathBeneath, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};

use crate::Access;

/// The newest interface that is asked for; an older kernel enforces what it knows of it.
const NEWEST: ABI = ABI::V7;

/// Restricts the calling thread; the version of the interface, `None` where the kernel has none that can be used.
pub(crate) fn restrict(rules: &[(BorrowedFd<'_>, Access)]) -> Result<Option<u32>, RulesetError> {
    let mut ruleset = Ruleset::default()
        // Without it no file could be renamed from one directory into another, and builds would fail: then rather none.
        .set_compatibility(CompatLevel::SoftRequirement)
        .handle_access(AccessFs::Refer)?
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    for (directory, access) in rules {
        ruleset = ruleset.add_rule(PathBeneath::new(directory, flags(*access)))?;
    }
    let status = ruleset.restrict_self()?;
    Ok(match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, _) => None,
        (_, LandlockStatus::Available { effective_abi, .. }) => Some(effective_abi as u32),
        _ => None,
    })
}

fn flags(access: Access) -> BitFlags<AccessFs> {
    match access {
        Access::Read => AccessFs::ReadFile | AccessFs::ReadDir,
        Access::Write => {
            AccessFs::ReadFile
                | AccessFs::ReadDir
                | AccessFs::WriteFile
                | AccessFs::Truncate
                | AccessFs::RemoveDir
                | AccessFs::RemoveFile
                | AccessFs::MakeDir
                | AccessFs::MakeReg
                | AccessFs::MakeSym
                | AccessFs::Refer
        }
        Access::RemoveFiles => AccessFs::RemoveFile.into(),
        Access::RemoveDirectories => AccessFs::RemoveDir.into(),
    }
}
