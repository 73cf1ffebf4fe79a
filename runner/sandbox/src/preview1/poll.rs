//! `poll_oneoff`: waits for clocks and descriptors that end when the command is cancelled.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use stepbox_system::{CancelToken, Interest, OpenFile, Wake};
use wasmtime::Caller;

use super::errno::{Errno, Fault};
use super::memory::Memory;
use super::rights::{FD_READ, FD_WRITE};
use super::table::Object;
use super::{Host, call, clock};
use crate::guest::{Guest, stopped};

/// Sizes and places of the ABI (`subscription` and `event`).
const SUBSCRIPTION: u32 = 48;
const EVENT: usize = 32;

/// Subscriptions of one call; more is `EINVAL`.
const MAX_SUBSCRIPTIONS: u32 = 4096;

const CLOCK: u8 = 0;
const READ: u8 = 1;
const WRITE: u8 = 2;
const ABSOLUTE: u16 = 1;

/// What a subscription waits for.
enum Awaited {
    Time(Duration),
    Ready(OpenFile, Interest),
    /// Nothing: files and directories never keep anybody waiting.
    Nothing,
    Failed(Errno),
}

struct Subscription {
    userdata: [u8; 8],
    kind: u8,
    awaited: Awaited,
}

pub(super) fn poll_oneoff(
    caller: Caller<'_, Guest>,
    subscriptions: u32,
    events: u32,
    count: u32,
    ready_count: u32,
) -> wasmtime::Result<i32> {
    call(caller, |host, memory| poll(host, memory, (subscriptions, count), events, ready_count))
}

fn poll(host: &Host, memory: &mut Memory<'_>, list: (u32, u32), events: u32, out: u32) -> Result<(), Fault> {
    if list.1 == 0 || list.1 > MAX_SUBSCRIPTIONS {
        return Err(Errno::INVAL.into());
    }
    let raw = memory.bytes(list.0, list.1 * SUBSCRIPTION)?;
    let all: Vec<Subscription> =
        raw.chunks_exact(SUBSCRIPTION as usize).map(|raw| Subscription::read(raw, host)).collect();
    let passed = wait(&all, &host.cancel)?;
    let mut written = vec![];
    for one in &all {
        let errno = match &one.awaited {
            Awaited::Time(wait) if *wait > passed => continue,
            Awaited::Ready(file, interest) if !file.is_ready(*interest) => continue,
            Awaited::Failed(errno) => errno.0,
            _ => 0,
        };
        let mut event = [0; EVENT];
        event[..8].copy_from_slice(&one.userdata);
        event[8..10].copy_from_slice(&errno.to_le_bytes());
        event[10] = one.kind;
        if one.kind != CLOCK {
            event[16..24].copy_from_slice(&1u64.to_le_bytes());
        }
        written.extend_from_slice(&event);
    }
    memory.write(events, &written)?;
    Ok(memory.write_u32(out, u32::try_from(written.len() / EVENT).map_err(|_| Errno::OVERFLOW)?)?)
}

impl Subscription {
    fn read(raw: &[u8], host: &Host) -> Self {
        let bytes = |at: usize| -> [u8; 8] { std::array::from_fn(|i| raw[at + i]) };
        let word = |at: usize| u32::from_le_bytes(std::array::from_fn(|i| raw[at + i]));
        let (userdata, kind) = (bytes(0), raw[8]);
        let awaited = match kind {
            CLOCK => {
                let time = Duration::from_nanos(u64::from_le_bytes(bytes(24)));
                let absolute = u16::from_le_bytes([raw[40], raw[41]]) & ABSOLUTE != 0;
                match clock::now(host, word(16)) {
                    Ok(now) if absolute => Awaited::Time(time.saturating_sub(now)),
                    Ok(_) => Awaited::Time(time),
                    Err(errno) => Awaited::Failed(errno),
                }
            }
            READ => Awaited::descriptor(host, word(16), FD_READ, Interest::Read),
            WRITE => Awaited::descriptor(host, word(16), FD_WRITE, Interest::Write),
            _ => Awaited::Failed(Errno::INVAL),
        };
        Self { userdata, kind, awaited }
    }
}

impl Awaited {
    fn descriptor(host: &Host, number: u32, right: u64, interest: Interest) -> Self {
        match host.table.get(number) {
            Ok(descriptor) => match &descriptor.object {
                Object::File(_) if descriptor.base & right == 0 => Self::Failed(Errno::BADF),
                Object::File(file) => Self::Ready(file.clone(), interest),
                Object::Directory(_) => Self::Nothing,
            },
            Err(errno) => Self::Failed(errno),
        }
    }

    /// Whether it has come when this much time has passed.
    fn has_come(&self, passed: Duration) -> bool {
        match self {
            Self::Time(wait) => *wait <= passed,
            Self::Ready(file, interest) => file.is_ready(*interest),
            Self::Nothing | Self::Failed(_) => true,
        }
    }
}

/// Wakes the guest's thread.
#[derive(Default)]
struct Sleeper {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Wake for Sleeper {
    fn wake(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

/// Waits until one of them has come; how long that was.
fn wait(all: &[Subscription], cancel: &CancelToken) -> Result<Duration, Fault> {
    let begin = Instant::now();
    if all.iter().any(|one| one.awaited.has_come(Duration::ZERO)) {
        return Ok(Duration::ZERO);
    }
    let sleeper = Arc::new(Sleeper::default());
    let wake = || Arc::clone(&sleeper) as Arc<dyn Wake>;
    let _registration = cancel.register(wake());
    let _watches: Vec<_> = all
        .iter()
        .filter_map(|one| match &one.awaited {
            Awaited::Ready(file, _) => file.watch(wake()),
            _ => None,
        })
        .collect();
    let until = all.iter().filter_map(|one| match &one.awaited {
        Awaited::Time(wait) => Some(*wait),
        _ => None,
    });
    let until = until.min();
    loop {
        *sleeper.woken.lock().unwrap_or_else(PoisonError::into_inner) = false;
        let passed = begin.elapsed();
        if cancel.is_cancelled() {
            return Err(Fault::End(stopped(cancel)));
        }
        if all.iter().any(|one| one.awaited.has_come(passed)) {
            return Ok(passed);
        }
        let mut woken = sleeper.woken.lock().unwrap_or_else(PoisonError::into_inner);
        while !*woken {
            let left = until.map(|until| until.saturating_sub(begin.elapsed()));
            woken = match left {
                Some(left) if left.is_zero() => break,
                Some(left) => sleeper.changed.wait_timeout(woken, left).unwrap_or_else(PoisonError::into_inner).0,
                None => sleeper.changed.wait(woken).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }
}
