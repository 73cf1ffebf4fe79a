use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use stepbox_system::{CancelToken, Signal};

/// Cancels a token when its time is over, unless it is dropped before.
pub(super) struct Timeout {
    token: CancelToken,
    ended: Arc<(Mutex<bool>, Condvar)>,
}

impl Timeout {
    /// Begins to wait, with a token below `parent`.
    pub(super) fn start(parent: &CancelToken, patience: Duration) -> Self {
        let token = parent.child();
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let (theirs, cancelled) = (Arc::clone(&ended), token.clone());
        let waiter = std::thread::Builder::new().name("timeout".to_owned()).stack_size(64 << 10).spawn(move || {
            let (ended, changed) = &*theirs;
            let held = ended.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = changed.wait_timeout_while(held, patience, |ended| !*ended);
            let (ended, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if !*ended {
                cancelled.cancel(Signal::Alrm);
            }
        });
        if waiter.is_err() {
            // Without a thread nobody would ever wake the reader.
            token.cancel(Signal::Alrm);
        }
        Self { token, ended }
    }

    /// What is cancelled then.
    pub(super) fn token(&self) -> &CancelToken {
        &self.token
    }

    /// Whether the time is over.
    pub(super) fn is_over(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        *self.ended.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.ended.1.notify_all();
    }
}
