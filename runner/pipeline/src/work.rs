//! How much work evaluating conditions may be.

/// The most work that one evaluation may be, in operations, characters looked at and steps of searching patterns:
/// about a fifth of a second, since the one thread that drives a build does nothing else meanwhile.
pub const MAX_WORK: usize = 1 << 24;

/// What is left of the work. Shared by all expressions and patterns of a `when`, so that many costly ones take no
/// longer than one.
#[derive(Debug)]
pub(crate) struct Work {
    left: usize,
}

/// Nothing is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutOfWork;

impl Work {
    pub(crate) fn new() -> Self {
        Self { left: MAX_WORK }
    }

    /// Takes some away.
    pub(crate) fn charge(&mut self, amount: usize) -> Result<(), OutOfWork> {
        match self.left.checked_sub(amount) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                Err(OutOfWork)
            }
        }
    }
}
