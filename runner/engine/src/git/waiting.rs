//! Submodules that are still to be cloned.

use std::collections::VecDeque;

use super::clone::Clone;
use crate::repository::Told;

/// How many submodules a clone may have, those of submodules included.
const MAX_MODULES: usize = 256;

/// How deep they may lie in each other. Two repositories may well name each other.
const MAX_DEPTH: usize = 8;

/// Submodules in the order in which they were found, with how deep they lie.
pub(super) struct Waiting<T> {
    left: VecDeque<(usize, T)>,
    taken: usize,
    left_out: usize,
}

impl<T> Waiting<T> {
    /// With those of the clone itself.
    pub(super) fn new(modules: Vec<T>) -> Self {
        let mut waiting = Self { left: VecDeque::new(), taken: 0, left_out: 0 };
        waiting.extend(0, modules);
        waiting
    }

    /// Adds those of a submodule at some depth.
    pub(super) fn extend(&mut self, depth: usize, modules: Vec<T>) {
        for module in modules {
            if depth < MAX_DEPTH && self.taken < MAX_MODULES {
                self.taken += 1;
                self.left.push_back((depth + 1, module));
            } else {
                self.left_out += 1;
            }
        }
    }

    /// The next one.
    pub(super) fn pop(&mut self) -> Option<(usize, T)> {
        self.left.pop_front()
    }

    /// Warns of those that are too many or too deep.
    pub(super) fn left_out(&self, clone: &mut Clone<'_>) {
        if self.left_out > 0 {
            let bounds = format!("at most {MAX_MODULES} are, and at most {MAX_DEPTH} in each other");
            (clone.tell)(Told::Warning(format!("{} submodules are not cloned: {bounds}", self.left_out)));
        }
    }
}
