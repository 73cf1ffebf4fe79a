//! `timeout [-s SIGNAL] [-k DURATION] [--preserve-status] DURATION COMMAND [ARG]…`

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use stepbox_system::{CancelToken, ExitStatus, Signal};

use super::Invocation;

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let mut words = invocation.arguments().into_iter();
    let mut signal = Signal::Term;
    let mut kill_after = None;
    let mut preserve = false;
    let duration = loop {
        let Some(word) = words.next() else { return invocation.fail(125, "missing operand") };
        let text = String::from_utf8_lossy(&word).into_owned();
        let mut value = |short: &str, long: &str| -> Option<Option<String>> {
            if text == short || text == long {
                return Some(words.next().map(|word| String::from_utf8_lossy(&word).into_owned()));
            }
            if let Some(rest) = text.strip_prefix(long).and_then(|rest| rest.strip_prefix('=')) {
                return Some(Some(rest.to_owned()));
            }
            text.strip_prefix(short)
                .filter(|rest| !rest.is_empty() && !text.starts_with("--"))
                .map(|r| Some(r.to_owned()))
        };
        if let Some(name) = value("-s", "--signal") {
            let name = name.unwrap_or_default();
            let found = name.parse().ok().map_or_else(|| Signal::from_name(&name), Signal::from_number);
            match found {
                Some(found) => signal = found,
                None => return invocation.fail(125, &format!("'{name}': invalid signal")),
            }
        } else if let Some(time) = value("-k", "--kill-after") {
            let time = time.unwrap_or_default();
            match parse_duration(&time) {
                Some(time) => kill_after = Some(time),
                None => return invocation.fail(125, &format!("invalid time interval '{time}'")),
            }
        } else if text == "--preserve-status" {
            preserve = true;
        } else if text == "--foreground" || text == "--" {
            // Commands here have no terminal to lose.
        } else if text.starts_with('-') && text.len() > 1 {
            return invocation.fail(125, &format!("unrecognized option '{text}'"));
        } else {
            match parse_duration(&text) {
                Some(duration) => break duration,
                None => return invocation.fail(125, &format!("invalid time interval '{text}'")),
            }
        }
    };
    let argv: Vec<_> = words.collect();
    if argv.is_empty() {
        return invocation.fail(125, "missing operand");
    }
    if duration.is_zero() {
        return invocation.start(argv);
    }
    let token = invocation.cancel().child();
    let timer = Timer::start(token.clone(), duration, signal, kill_after);
    let status = invocation.start_with(argv, |request| request.cancel = token);
    match timer.stop() {
        Some(Signal::Kill) if !preserve => ExitStatus::of_signal(Signal::Kill),
        Some(_) if !preserve => ExitStatus::new(124),
        _ => status,
    }
}

/// `<number>[smhd]`, seconds where no unit stands. At most ten years.
fn parse_duration(text: &str) -> Option<Duration> {
    let (number, unit) = match text.char_indices().last()? {
        (at, 's') => (&text[..at], 1.0),
        (at, 'm') => (&text[..at], 60.0),
        (at, 'h') => (&text[..at], 3600.0),
        (at, 'd') => (&text[..at], 86400.0),
        _ => (text, 1.0),
    };
    if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return None;
    }
    let seconds: f64 = number.parse().ok()?;
    Some(Duration::from_secs_f64((seconds * unit).min(10.0 * 365.0 * 86400.0)))
}

/// Cancels a token when its time is up.
struct Timer {
    shared: Arc<(Mutex<State>, Condvar)>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    stopped: bool,
    fired: Option<Signal>,
}

impl Timer {
    fn start(token: CancelToken, duration: Duration, signal: Signal, kill_after: Option<Duration>) -> Self {
        let shared = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let rounds = [Some((duration, signal)), kill_after.map(|time| (time, Signal::Kill))];
        let thread = std::thread::Builder::new().name("timeout".to_owned()).spawn(move || {
            let (state, stop) = &*theirs;
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            for (time, signal) in rounds.into_iter().flatten() {
                state = stop
                    .wait_timeout_while(state, time, |state| !state.stopped)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0;
                if state.stopped {
                    return;
                }
                state.fired = Some(signal);
                token.cancel(signal);
            }
        });
        Self { shared, thread: thread.ok() }
    }

    /// Ends the timer; the signal that it has sent, if any.
    fn stop(mut self) -> Option<Signal> {
        let (state, stop) = &*self.shared;
        let fired = {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            state.stopped = true;
            state.fired
        };
        stop.notify_all();
        if let Some(thread) = self.thread.take() {
            // It holds nothing that could panic.
            let _ = thread.join();
        }
        fired
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_nonsense_has_none() {
        for (text, expected) in [("1", Some(1.0)), ("0.5m", Some(30.0)), ("2h", Some(7200.0)), ("1d", Some(86400.0))] {
            assert_eq!(parse_duration(text).map(|time| time.as_secs_f64()), expected, "{text}");
        }
        for text in ["", "s", "-1", "inf", "1e9", "1x", "1.2.3"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
