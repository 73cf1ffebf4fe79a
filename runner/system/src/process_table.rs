use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use stepbox_limits::{Budget, Limit, Limits, Setting};

use crate::{CancelToken, Signal};

/// The virtual processes of one step: numbers, and whom a signal reaches. Never a process of the host.
#[derive(Debug)]
pub struct ProcessTable {
    /// How many may live at once: of this table, and of all tables of the build.
    room: [Arc<Budget>; 2],
    state: Mutex<State>,
    emptied: Condvar,
}

#[derive(Debug)]
struct State {
    next: u32,
    started: u64,
    live: BTreeMap<u32, Arc<Entry>>,
}

#[derive(Debug)]
struct Entry {
    parent: u32,
    cancel: CancelToken,
    signals: Mutex<Signals>,
}

#[derive(Debug, Default)]
struct Signals {
    trapped: u32,
    ignored: u32,
    pending: VecDeque<Signal>,
}

/// The table holds as many processes as it may; the shell says `EAGAIN` as the kernel would.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("too many processes: {}", .0.words())]
pub struct TooManyProcesses(
    /// The limit that is met.
    pub Setting,
);

impl ProcessTable {
    /// An empty table for at most `limit` processes at once.
    pub fn new(limit: usize) -> Arc<Self> {
        let limits = Limits::default().with(Limit::Commands, limit as u64).with(Limit::Threads, u64::MAX);
        Self::within(limits.setting(Limit::Commands), Arc::new(Budget::new(limits.setting(Limit::Threads))))
    }

    /// An empty table for so many processes at once, which count among those of the whole build.
    pub fn within(limit: Setting, build: Arc<Budget>) -> Arc<Self> {
        Arc::new(Self {
            room: [Arc::new(Budget::new(limit)), build],
            state: Mutex::new(State { next: 1, started: 0, live: BTreeMap::new() }),
            emptied: Condvar::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a new process whose token is below `parent_token`; it leaves the table when the result is dropped.
    pub fn start(self: &Arc<Self>, parent: u32, parent_token: &CancelToken) -> Result<Process, TooManyProcesses> {
        let cancel = parent_token.child();
        let mut state = self.state();
        let [own, build] = &self.room;
        own.take(1).map_err(|exceeded| TooManyProcesses(exceeded.0))?;
        if let Err(exceeded) = build.take(1) {
            own.give_back(1);
            return Err(TooManyProcesses(exceeded.0));
        }
        let id = state.next;
        state.next = state.next.checked_add(1).unwrap_or(1);
        while state.live.contains_key(&state.next) {
            state.next = state.next.checked_add(1).unwrap_or(1);
        }
        state.started += 1;
        let entry = Arc::new(Entry { parent, cancel, signals: Mutex::default() });
        state.live.insert(id, Arc::clone(&entry));
        Ok(Process { id, entry, table: Arc::clone(self) })
    }

    /// Sends a signal; false where no such process lives. A signal that the process traps becomes pending, one that it
    /// ignores is dropped, every other ends it.
    pub fn signal(&self, id: u32, signal: Signal) -> bool {
        let entry = self.state().live.get(&id).map(Arc::clone);
        entry.is_some_and(|entry| {
            entry.signal(signal);
            true
        })
    }

    /// Whether a process of this number lives.
    pub fn is_live(&self, id: u32) -> bool {
        self.state().live.contains_key(&id)
    }

    /// How many processes live.
    pub fn live(&self) -> usize {
        self.state().live.len()
    }

    /// Waits until no process lives, `patience` at most; false where some still do.
    pub fn wait_until_empty(&self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        let mut state = self.state();
        while !state.live.is_empty() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.emptied.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// How many processes were ever started.
    pub fn started(&self) -> u64 {
        self.state().started
    }
}

impl Entry {
    fn signals(&self) -> MutexGuard<'_, Signals> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        let bit = 1u32 << signal.number();
        if !matches!(signal, Signal::Kill | Signal::Stop) {
            let mut signals = self.signals();
            if signals.ignored & bit != 0 {
                return;
            }
            if signals.trapped & bit != 0 {
                if signals.pending.len() < 64 {
                    signals.pending.push_back(signal);
                }
                return;
            }
        }
        if signal.is_harmless() {
            return;
        }
        self.cancel.cancel(signal);
    }
}

/// A process in the table; dropping it is its end.
#[derive(Debug)]
pub struct Process {
    id: u32,
    entry: Arc<Entry>,
    table: Arc<ProcessTable>,
}

impl Process {
    /// Its number.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The number of the process that started it.
    pub fn parent(&self) -> u32 {
        self.entry.parent
    }

    /// Its token: everything that works for this process stops when it is cancelled.
    pub fn cancel(&self) -> &CancelToken {
        &self.entry.cancel
    }

    /// The table that it is in.
    pub fn table(&self) -> &Arc<ProcessTable> {
        &self.table
    }

    /// Has this signal kept for [`Process::take_pending`] instead of ending the process (`trap … SIGNAL`).
    pub fn trap(&self, signal: Signal) {
        let mut signals = self.entry.signals();
        signals.trapped |= 1 << signal.number();
        signals.ignored &= !(1 << signal.number());
    }

    /// Has this signal ignored (`trap '' SIGNAL`).
    pub fn ignore(&self, signal: Signal) {
        let mut signals = self.entry.signals();
        signals.ignored |= 1 << signal.number();
        signals.trapped &= !(1 << signal.number());
    }

    /// Has this signal end the process again (`trap - SIGNAL`).
    pub fn reset(&self, signal: Signal) {
        let mut signals = self.entry.signals();
        signals.ignored &= !(1 << signal.number());
        signals.trapped &= !(1 << signal.number());
    }

    /// The next trapped signal that has come in.
    pub fn take_pending(&self) -> Option<Signal> {
        self.entry.signals().pending.pop_front()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let mut state = self.table.state();
        state.live.remove(&self.id);
        self.table.room.iter().for_each(|room| room.give_back(1));
        if state.live.is_empty() {
            self.table.emptied.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_in_order_and_the_limit_holds() {
        let table = ProcessTable::new(2);
        let root = CancelToken::new();
        let first = table.start(0, &root).expect("room");
        let second = table.start(first.id(), &root).expect("room");
        assert_eq!((first.id(), second.id(), second.parent()), (1, 2, 1));
        assert_eq!(
            table.start(1, &root).expect_err("full"),
            TooManyProcesses(Limits::default().with(Limit::Commands, 2).setting(Limit::Commands))
        );
        drop(second);
        assert_eq!(table.start(1, &root).expect("room again").id(), 3);
        assert_eq!(table.started(), 3);
    }

    #[test]
    fn waiting_ends_with_the_last_process() {
        let table = ProcessTable::new(8);
        let process = table.start(0, &CancelToken::new()).expect("room");
        assert!(!table.wait_until_empty(Duration::ZERO));
        let thread = std::thread::spawn(move || drop(process));
        assert!(table.wait_until_empty(Duration::from_secs(60)));
        thread.join().expect("no panic");
    }

    #[test]
    fn a_signal_ends_is_trapped_or_is_ignored() {
        let table = ProcessTable::new(8);
        let root = CancelToken::new();
        let plain = table.start(0, &root).expect("room");
        let trapping = table.start(0, &root).expect("room");
        trapping.trap(Signal::Term);
        trapping.ignore(Signal::Int);
        for signal in [Signal::Int, Signal::Term] {
            assert!(table.signal(trapping.id(), signal));
        }
        assert_eq!(trapping.take_pending(), Some(Signal::Term));
        assert_eq!(trapping.take_pending(), None);
        assert!(!trapping.cancel().is_cancelled());
        table.signal(trapping.id(), Signal::Kill);
        assert_eq!(trapping.cancel().cancelled(), Some(Signal::Kill));
        table.signal(plain.id(), Signal::Term);
        assert_eq!(plain.cancel().cancelled(), Some(Signal::Term));
        assert!(!table.signal(99, Signal::Term));
    }
}
