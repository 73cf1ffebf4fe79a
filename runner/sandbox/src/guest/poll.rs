//! `poll_oneoff` of preview 1 with waits that end when the command is cancelled; the stock one sleeps to the end.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use stepbox_system::{CancelToken, Wake};
use wasmtime::{Caller, Extern};

use super::{Guest, stopped};

const SUCCESS: i32 = 0;
const EFAULT: i32 = 21;
const EINVAL: i32 = 28;

/// Sizes and places of the ABI (wasi_snapshot_preview1, `subscription` and `event`).
const SUBSCRIPTION: usize = 48;
const EVENT: usize = 32;
/// Subscriptions of one call; more is `EINVAL`.
const MAX_SUBSCRIPTIONS: usize = 4096;

const CLOCK: u8 = 0;
const CLOCK_REALTIME: u32 = 0;
const CLOCK_MONOTONIC: u32 = 1;
const ABSOLUTE: u16 = 1;

/// The shadow of `wasi_snapshot_preview1.poll_oneoff`. Descriptors are always ready: files are, and a read of a pipe
/// waits by itself.
pub(crate) fn poll_oneoff(
    mut caller: Caller<'_, Guest>,
    subscriptions: u32,
    events: u32,
    count: u32,
    ready_count: u32,
) -> wasmtime::Result<i32> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else { return Ok(EFAULT) };
    let (subscriptions, events, count) = (subscriptions as usize, events as usize, count as usize);
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Ok(EINVAL);
    }
    let data = memory.data(&caller);
    let Some(raw) = data.get(subscriptions..).and_then(|data| data.get(..count * SUBSCRIPTION)) else {
        return Ok(EFAULT);
    };
    let parsed: Vec<Subscription> =
        raw.chunks_exact(SUBSCRIPTION).map(|raw| Subscription::read(raw, caller.data())).collect();
    let wait = parsed.iter().filter(|one| one.error == 0).map(|one| one.wait).min().unwrap_or_default();
    let begin = Instant::now();
    if !wait.is_zero() && parsed.iter().all(|one| one.error == 0) {
        let cancel = caller.data().cancel.clone();
        if !sleep(wait, &cancel) {
            return Err(stopped(&cancel));
        }
    }
    let passed = begin.elapsed();
    let mut out = vec![];
    let mut ready = 0u32;
    for one in parsed.iter().filter(|one| one.error != 0 || one.wait <= passed) {
        let mut event = [0; EVENT];
        event[..8].copy_from_slice(&one.userdata);
        event[8..10].copy_from_slice(&one.error.to_le_bytes());
        event[10] = one.kind;
        if one.kind != CLOCK {
            event[16..24].copy_from_slice(&1u64.to_le_bytes());
        }
        out.extend_from_slice(&event);
        ready += 1;
    }
    let written = memory.write(&mut caller, events, &out).is_ok()
        && memory.write(&mut caller, ready_count as usize, &ready.to_le_bytes()).is_ok();
    Ok(if written { SUCCESS } else { EFAULT })
}

struct Subscription {
    userdata: [u8; 8],
    kind: u8,
    error: u16,
    wait: Duration,
}

impl Subscription {
    /// Reads one of 48 bytes.
    fn read(raw: &[u8], guest: &Guest) -> Self {
        let bytes = |at: usize| -> [u8; 8] { std::array::from_fn(|i| raw[at + i]) };
        let mut one = Self { userdata: bytes(0), kind: raw[8], error: 0, wait: Duration::ZERO };
        if one.kind == CLOCK {
            let [a, b, c, d, ..] = bytes(16);
            let time = Duration::from_nanos(u64::from_le_bytes(bytes(24)));
            let absolute = u16::from_le_bytes([raw[40], raw[41]]) & ABSOLUTE != 0;
            let now = match u32::from_le_bytes([a, b, c, d]) {
                CLOCK_REALTIME => SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default(),
                CLOCK_MONOTONIC => guest.clock.elapsed(),
                _ => {
                    one.error = 28;
                    return one;
                }
            };
            one.wait = if absolute { time.saturating_sub(now) } else { time };
        } else if one.kind > 2 {
            one.error = 28;
        }
        one
    }
}

/// Sleeps; false where it was cancelled.
fn sleep(time: Duration, cancel: &CancelToken) -> bool {
    struct Sleeper(Mutex<()>, Condvar);
    impl Wake for Sleeper {
        fn wake(&self) {
            // Taken so that the sleeper is either before its check of the token or inside its wait.
            let _held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            self.1.notify_all();
        }
    }
    let sleeper = Arc::new(Sleeper(Mutex::new(()), Condvar::new()));
    let _registration = cancel.register(Arc::clone(&sleeper) as Arc<dyn Wake>);
    let held = sleeper.0.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = sleeper.1.wait_timeout_while(held, time, |()| !cancel.is_cancelled());
    drop(waited);
    !cancel.is_cancelled()
}
