//! Any bytes as a script: no panic, no hang, nothing that outlives it.
//!
//! The first byte chooses sh or bash, and whether there are options.

#![no_main]

#[path = "../../runner/shell/tests/support/mod.rs"]
mod support;

use std::sync::mpsc;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use stepbox_shell::{Mode, commands_of};
use stepbox_system::{CancelToken, Signal};
use support::Script;

/// How long a script may run before it is ended. It must then end at once.
const LONGEST: Duration = Duration::from_millis(200);

fuzz_target!(|data: &[u8]| {
    let Some((first, text)) = data.split_first() else { return };
    let mode = if first % 2 == 0 { Mode::Sh } else { Mode::Bash };
    let _ = commands_of(text, mode);
    let cancel = CancelToken::new();
    let theirs = cancel.clone();
    let (done, ended) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if ended.recv_timeout(LONGEST) == Err(mpsc::RecvTimeoutError::Timeout) {
            theirs.cancel(Signal::Term);
        }
    });
    let options: &[u8] = [&b"-c"[..], b"-ec", b"-xc", b"-uc"][usize::from(first / 2 % 4)];
    let script = Script::command_line(&[options, text]);
    let _ = script.mode(mode).cancelled_by(&cancel).run();
    drop(done);
    watch.join().expect("the watch does not panic");
});
