use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::Setting;

/// What is left of a limit that is used up bit by bit, by several at once.
pub struct Budget {
    setting: Setting,
    used: AtomicU64,
    met: AtomicBool,
    told: Option<Box<dyn Fn(Setting) + Send + Sync>>,
}

/// There is not so much left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Exceeded(pub Setting);

impl Budget {
    /// All of it is left.
    pub fn new(setting: Setting) -> Self {
        Self { setting, used: AtomicU64::new(0), met: AtomicBool::new(false), told: None }
    }

    /// The same; who first wants more than is left, lets `told` know.
    pub fn telling(setting: Setting, told: impl Fn(Setting) + Send + Sync + 'static) -> Self {
        Self { told: Some(Box::new(told)), ..Self::new(setting) }
    }

    /// Uses some, all of it or nothing.
    ///
    /// # Errors
    /// Where not so much is left.
    pub fn take(&self, amount: u64) -> Result<(), Exceeded> {
        let limit = self.setting.value;
        let more = |used: u64| used.checked_add(amount).filter(|used| *used <= limit);
        match self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(()),
            Err(_) => {
                if !self.met.swap(true, Ordering::Relaxed)
                    && let Some(told) = &self.told
                {
                    told(self.setting);
                }
                Err(Exceeded(self.setting))
            }
        }
    }

    /// Gives back what was taken.
    pub fn give_back(&self, amount: u64) {
        self.used.fetch_sub(amount, Ordering::Relaxed);
    }

    /// How much is used.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// The limit.
    pub fn setting(&self) -> Setting {
        self.setting
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget").field("setting", &self.setting).field("used", &self.used()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Limit, Limits};

    #[test]
    fn a_budget_is_used_up_and_told_once() {
        let times = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&times);
        let setting = Limits::default().with(Limit::Written, 10).setting(Limit::Written);
        let budget = Budget::telling(setting, move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(budget.take(7), Ok(()));
        assert_eq!(budget.take(4), Err(Exceeded(setting)));
        assert_eq!(budget.take(u64::MAX), Err(Exceeded(setting)));
        assert_eq!((budget.take(3), budget.used()), (Ok(()), 10));
        budget.give_back(3);
        assert_eq!((budget.used(), times.load(Ordering::Relaxed)), (7, 1));
    }
}
