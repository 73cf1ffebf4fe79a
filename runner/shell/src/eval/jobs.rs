use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use stepbox_system::{ExitStatus, Wake};

use super::{Flow, Shell};

/// The stack of a thread that evaluates, in bytes.
pub(super) const STACK: usize = 16 << 20;

/// How often `wait` looks for trapped signals.
const SIGNAL_CHECK: Duration = Duration::from_millis(10);

/// Ended jobs that are remembered for `wait`.
const MAX_ENDED: usize = 1024;

/// A job in the background.
pub(crate) struct Job {
    pub(crate) id: u32,
    /// What `%` names it by.
    pub(crate) number: u32,
    /// The command as it was typed.
    pub(crate) text: Arc<[u8]>,
    end: Arc<End>,
    thread: Option<JoinHandle<()>>,
}

/// How a job ended, once it has.
struct End {
    status: Mutex<Option<ExitStatus>>,
    ended: Condvar,
}

impl Wake for End {
    fn wake(&self) {
        // Taken so that a waiter is either before its check of the token or inside its wait.
        let _held = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        self.ended.notify_all();
    }
}

/// Rings whenever a job of the shell ends: for who waits for the first of several.
#[derive(Default)]
pub(crate) struct Bell {
    rings: Mutex<u64>,
    rung: Condvar,
}

impl Wake for Bell {
    fn wake(&self) {
        *self.rings.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.rung.notify_all();
    }
}

impl Job {
    pub(super) fn new(id: u32, number: u32, text: Arc<[u8]>, bell: &Arc<Bell>, work: JoinHandle<ExitStatus>) -> Self {
        let end = Arc::new(End { status: Mutex::new(None), ended: Condvar::new() });
        let theirs = Arc::clone(&end);
        let bell = Arc::clone(bell);
        // Joins the work, so that a wait can be broken off.
        let thread = std::thread::Builder::new().name("reaper".to_owned()).stack_size(64 << 10).spawn(move || {
            let status = work.join().unwrap_or(ExitStatus::new(134));
            *theirs.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(status);
            theirs.ended.notify_all();
            bell.wake();
        });
        if thread.is_err() {
            *end.status.lock().unwrap_or_else(PoisonError::into_inner) = Some(ExitStatus::new(134));
        }
        Self { id, number, text, end, thread: thread.ok() }
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        *self.end.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        // The thread ends by itself; nobody waits for it any more.
        drop(self.thread.take());
    }
}

/// What a wait came to.
pub(crate) enum Waited {
    /// The job has ended, so.
    Ended(ExitStatus),
    /// The action of a trapped signal has run meanwhile; the job may still be there.
    Interrupted(ExitStatus),
}

impl Shell {
    /// The place of the job that `%…` names (XBD 3.182).
    pub(crate) fn job_named(&self, name: &[u8]) -> Option<usize> {
        let last = self.jobs.len().checked_sub(1)?;
        match name {
            b"%" | b"%%" | b"%+" => Some(last),
            b"%-" => Some(last.saturating_sub(1)),
            [b'%', b'?', part @ ..] => {
                let holds = |job: &Job| job.text.windows(part.len().max(1)).any(|window| window == part);
                self.jobs.iter().rposition(holds)
            }
            [b'%', rest @ ..] => match std::str::from_utf8(rest).ok().and_then(|text| text.parse().ok()) {
                Some(number) => self.jobs.iter().position(|job| job.number == number),
                None => self.jobs.iter().rposition(|job| job.text.starts_with(rest)),
            },
            _ => None,
        }
    }

    /// Forgets ended jobs where very many were never waited for.
    pub(super) fn reap_if_many(&mut self) {
        if self.jobs.len() >= MAX_ENDED {
            self.jobs.retain(|job| job.ended().is_none());
        }
    }

    /// Waits until one of the jobs that are `wanted` has ended; its place. `None` where there is none of them.
    pub(crate) fn wait_for_first(&mut self, wanted: impl Fn(&Job) -> bool) -> Result<Option<usize>, Flow> {
        let bell = Arc::clone(&self.bell);
        let cancel = self.cancel().clone();
        let _registration = cancel.register(Arc::clone(&bell) as Arc<dyn Wake>);
        loop {
            // Before the jobs are looked at: who ends afterwards rings once more.
            let heard = *bell.rings.lock().unwrap_or_else(PoisonError::into_inner);
            self.check_cancelled()?;
            if !self.jobs.iter().any(&wanted) {
                return Ok(None);
            }
            if let Some(at) = self.jobs.iter().position(|job| wanted(job) && job.ended().is_some()) {
                return Ok(Some(at));
            }
            self.run_pending_traps()?;
            let rings = bell.rings.lock().unwrap_or_else(PoisonError::into_inner);
            let silent = |rings: &mut u64| *rings == heard;
            if self.state.traps.0.is_empty() {
                drop(bell.rung.wait_while(rings, silent).unwrap_or_else(PoisonError::into_inner));
            } else {
                // Nobody wakes us for a trapped signal.
                drop(bell.rung.wait_timeout_while(rings, SIGNAL_CHECK, silent).unwrap_or_else(PoisonError::into_inner));
            }
        }
    }

    /// How a job ended that was waited for already: asking again tells it again.
    pub(crate) fn waited_before(&self, id: &[u8]) -> Option<ExitStatus> {
        let id: u32 = std::str::from_utf8(id).ok()?.parse().ok()?;
        self.waited_for.iter().rev().find(|(known, _)| *known == id).map(|(_, status)| *status)
    }

    /// The same, where only the status counts.
    pub(crate) fn wait_for(&mut self, index: usize) -> Result<ExitStatus, Flow> {
        self.wait_or_trap(index).map(|(Waited::Ended(status) | Waited::Interrupted(status))| status)
    }

    /// Waits for the job at `index` and forgets it. A trapped signal that comes in meanwhile ends the wait (XCU 2.11).
    pub(crate) fn wait_or_trap(&mut self, index: usize) -> Result<Waited, Flow> {
        let end = Arc::clone(&self.jobs[index].end);
        let cancel = self.cancel().clone();
        let registration = cancel.register(Arc::clone(&end) as Arc<dyn Wake>);
        let held = end.status.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = |status: &mut Option<ExitStatus>| status.is_none() && !cancel.is_cancelled();
        let status = if self.state.traps.0.is_empty() {
            *end.ended.wait_while(held, waiting).unwrap_or_else(PoisonError::into_inner)
        } else {
            // Nobody wakes us for a trapped signal.
            let mut held = held;
            loop {
                let waited = end.ended.wait_timeout_while(held, SIGNAL_CHECK, waiting);
                let (now, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
                held = now;
                if !timeout.timed_out() {
                    break *held;
                }
                if let Some(signal) = self
                    .process
                    .take_pending()
                    .filter(|signal| self.is_trapped(*signal) && !self.acting.contains(signal))
                {
                    drop(held);
                    drop(registration);
                    self.run_trap(signal)?;
                    return Ok(Waited::Interrupted(ExitStatus::of_signal(signal)));
                }
            }
        };
        drop(registration);
        match status {
            Some(status) => {
                let id = self.jobs.remove(index).id;
                if self.waited_for.len() >= MAX_ENDED {
                    self.waited_for.remove(0);
                }
                self.waited_for.push((id, status));
                Ok(Waited::Ended(status))
            }
            None => {
                self.check_cancelled()?;
                Ok(Waited::Ended(ExitStatus::FAILURE))
            }
        }
    }
}
