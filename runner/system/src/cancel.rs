use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::Signal;

/// Something that sleeps and can be woken when its work is cancelled.
pub trait Wake: Send + Sync {
    /// Wakes the sleeper; it looks at its token again. May be called from any thread, more than once.
    fn wake(&self);
}

/// Says to everything that works on its behalf: stop, with this signal.
///
/// Tokens form a tree: cancelling one cancels all below it. Clones are the same token.
#[derive(Clone)]
pub struct CancelToken(Arc<Inner>);

struct Inner {
    /// 0 while not cancelled, else the number of the signal.
    signal: AtomicU8,
    next_key: AtomicU64,
    links: Mutex<Links>,
    /// Kept alive by what is below it: a token whose owner is gone still passes a cancellation on.
    parent: Mutex<Option<Arc<Inner>>>,
}

#[derive(Default)]
struct Links {
    children: Vec<Weak<Inner>>,
    wakers: Vec<(u64, Arc<dyn Wake>)>,
    /// Children at which dead entries are dropped next; keeps a long-lived parent linear.
    sweep_at: usize,
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CancelToken").field(&self.cancelled()).finish()
    }
}

impl CancelToken {
    /// A token that nothing has cancelled.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            signal: AtomicU8::new(0),
            next_key: AtomicU64::new(0),
            links: Mutex::new(Links { sweep_at: 64, ..Links::default() }),
            parent: Mutex::new(None),
        }))
    }

    /// A token that is cancelled with this one, and can be cancelled alone.
    pub fn child(&self) -> Self {
        Inner::skip_abandoned(&self.0);
        let child = Self::new();
        *child.0.parent() = Some(Arc::clone(&self.0));
        self.0.adopt(&child.0);
        child
    }

    /// Cancels this token and all below it. The first signal stays, except that `Kill` replaces any other.
    pub fn cancel(&self, signal: Signal) {
        self.0.cancel(signal);
    }

    /// The signal with which this token was cancelled.
    pub fn cancelled(&self) -> Option<Signal> {
        match self.0.signal.load(Ordering::Acquire) {
            0 => None,
            number => Some(Signal::from_number(number).unwrap_or(Signal::Kill)),
        }
    }

    /// Whether this token was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.signal.load(Ordering::Acquire) != 0
    }

    /// Has `waker` woken when this token is cancelled, at once if it already is, until the registration is dropped.
    pub fn register(&self, waker: Arc<dyn Wake>) -> Registration {
        let key = self.0.next_key.fetch_add(1, Ordering::Relaxed);
        self.0.links().wakers.push((key, Arc::clone(&waker)));
        if self.is_cancelled() {
            waker.wake();
        }
        Registration { token: Arc::downgrade(&self.0), key }
    }
}

impl Inner {
    fn links(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn parent(&self) -> MutexGuard<'_, Option<Arc<Self>>> {
        self.parent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes `child` among those that are cancelled with this.
    fn adopt(&self, child: &Arc<Self>) {
        let mut links = self.links();
        if links.children.len() >= links.sweep_at {
            links.children.retain(|child| child.strong_count() > 0);
            links.sweep_at = (links.children.len() * 2).max(64);
        }
        links.children.push(Arc::downgrade(child));
        // Looked at under the lock that `cancel` takes afterwards, so that no child is missed.
        let signal = self.signal.load(Ordering::Acquire);
        drop(links);
        if let Some(signal) = Signal::from_number(signal) {
            child.cancel(signal);
        }
    }

    /// Hangs `this` below its nearest ancestor that somebody else still uses. A chain of processes that each start one
    /// more and end would otherwise grow without bound.
    fn skip_abandoned(this: &Arc<Self>) {
        let mut parent = this.parent();
        while let Some(abandoned) = parent.take_if(|parent| Arc::strong_count(parent) == 1) {
            let above = abandoned.parent().clone();
            match &above {
                // Before `abandoned` is dropped: until then a cancellation comes by it.
                Some(above) => above.adopt(this),
                // It was the top, and nobody is left who could cancel it.
                None => {
                    if let Some(signal) = Signal::from_number(abandoned.signal.load(Ordering::Acquire)) {
                        this.cancel(signal);
                    }
                }
            }
            *parent = above;
        }
    }

    fn cancel(&self, signal: Signal) {
        let mut open = vec![];
        self.cancel_one(signal, &mut open);
        // A loop, not a recursion: the depth of the tree is a stranger's choice.
        while let Some(child) = open.pop() {
            child.cancel_one(signal, &mut open);
        }
    }

    fn cancel_one(&self, signal: Signal, open: &mut Vec<Arc<Self>>) {
        let links = self.links();
        let number = signal.number();
        let set = self.signal.compare_exchange(0, number, Ordering::AcqRel, Ordering::Acquire);
        if set.is_err() && signal == Signal::Kill {
            self.signal.store(number, Ordering::Release);
        }
        open.extend(links.children.iter().filter_map(Weak::upgrade));
        let wakers: Vec<_> = links.wakers.iter().map(|(_, waker)| Arc::clone(waker)).collect();
        drop(links);
        for waker in wakers {
            waker.wake();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A loop, not a recursion: the depth of the tree is a stranger's choice.
        let mut next = self.parent.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        while let Some(parent) = next {
            next = Arc::into_inner(parent)
                .and_then(|mut inner| inner.parent.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

/// Keeps a waker registered with a [`CancelToken`]; dropping it takes the waker away.
#[must_use = "dropping the registration takes the waker away"]
pub struct Registration {
    token: Weak<Inner>,
    key: u64,
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(token) = self.token.upgrade() {
            token.links().wakers.retain(|(key, _)| *key != self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancelling_reaches_children_and_not_parents() {
        let parent = CancelToken::new();
        let child = parent.child();
        let grandchild = child.child();
        child.cancel(Signal::Term);
        assert_eq!(parent.cancelled(), None);
        assert_eq!(grandchild.cancelled(), Some(Signal::Term));
        assert_eq!(child.child().cancelled(), Some(Signal::Term));
    }

    #[test]
    fn the_first_signal_stays_but_kill_replaces_it() {
        let token = CancelToken::new();
        token.cancel(Signal::Int);
        token.cancel(Signal::Term);
        assert_eq!(token.cancelled(), Some(Signal::Int));
        token.cancel(Signal::Kill);
        assert_eq!(token.cancelled(), Some(Signal::Kill));
    }

    #[test]
    fn a_token_whose_owner_is_gone_passes_a_cancellation_on() {
        let root = CancelToken::new();
        let grandchild = root.child().child();
        root.cancel(Signal::Term);
        assert_eq!(grandchild.cancelled(), Some(Signal::Term));
    }

    #[test]
    fn a_chain_of_abandoned_tokens_does_not_grow_and_stays_linked() {
        let root = CancelToken::new();
        let mut last = root.child();
        for _ in 0..100_000 {
            last = last.child();
        }
        let next = last.child();
        let mut length = 0;
        let mut at = next.0.parent().clone();
        while let Some(inner) = at {
            length += 1;
            at = inner.parent().clone();
        }
        assert!(length <= 3, "{length}");
        root.cancel(Signal::Int);
        assert_eq!((last.cancelled(), next.cancelled()), (Some(Signal::Int), Some(Signal::Int)));
    }

    #[test]
    fn a_very_deep_tree_is_cancelled_without_recursion() {
        let root = CancelToken::new();
        let mut chain = vec![root.clone()];
        for _ in 0..100_000 {
            let next = chain.last().expect("never empty").child();
            chain.push(next);
        }
        root.cancel(Signal::Kill);
        assert!(chain.iter().all(CancelToken::is_cancelled));
    }
}
