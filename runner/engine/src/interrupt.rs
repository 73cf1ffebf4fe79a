//! Ending a build from outside.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ends a build. The first trigger ends it cleanly; a second one does not wait for its steps.
#[derive(Clone, Default)]
pub struct Interrupt {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    count: u32,
    listener: Option<Box<dyn Fn(u32) + Send>>,
}

impl Interrupt {
    /// One that nobody has triggered.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends the build, from any thread. Not from inside a signal handler: it takes a lock.
    pub fn trigger(&self) {
        let mut state = self.lock();
        state.count = state.count.saturating_add(1);
        if let Some(listener) = &state.listener {
            listener(state.count);
        }
    }

    /// How often it was triggered.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.lock().count
    }

    /// Calls `listener` with the count at every trigger from now on, and at once where there were some.
    pub(crate) fn listen(&self, listener: impl Fn(u32) + Send + 'static) {
        let mut state = self.lock();
        if state.count > 0 {
            listener(state.count);
        }
        state.listener = Some(Box::new(listener));
    }

    /// Calls nobody any more.
    pub(crate) fn forget(&self) {
        self.lock().listener = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Interrupt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Interrupt").field("count", &self.count()).finish_non_exhaustive()
    }
}
