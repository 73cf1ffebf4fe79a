use std::io;
use std::sync::Arc;

use stepbox_limits::Budget;

use super::errors::{EDQUOT, error};

/// How much may be added below a mount: bytes that are written, and entries that are made. What is removed again is not given
/// back, so that nothing has to be known of the files that go.
#[derive(Clone, Debug, Default)]
pub struct Quota {
    /// Bytes.
    pub bytes: Option<Arc<Budget>>,
    /// Files, directories and links.
    pub entries: Option<Arc<Budget>>,
}

impl Quota {
    /// Takes bytes that are about to be written; `EDQUOT` where not so many are left.
    pub(super) fn take(&self, bytes: u64) -> io::Result<()> {
        match &self.bytes {
            Some(budget) => budget.take(bytes).map_err(|_| error(EDQUOT)),
            None => Ok(()),
        }
    }

    /// Gives back bytes that were not written after all.
    pub(super) fn give_back(&self, bytes: u64) {
        if let Some(budget) = self.bytes.as_ref().filter(|_| bytes > 0) {
            budget.give_back(bytes);
        }
    }

    /// Makes an entry, which counts where that succeeds.
    pub(super) fn entry<T>(&self, make: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let Some(budget) = &self.entries else { return make() };
        budget.take(1).map_err(|_| error(EDQUOT))?;
        make().inspect_err(|_| budget.give_back(1))
    }
}
