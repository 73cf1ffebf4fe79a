//! Processes of a place: to signal them, and to see that none is left.

use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::Place;

/// How long a process that is to end may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends a signal to a program that was started.
///
/// # Panics
/// Where it is over and was waited for.
pub fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process(id, signal).expect("it is ours");
}

impl Place {
    /// Every process that holds something of this place open; empty where the system has no `/proc`.
    pub fn processes(&self) -> Vec<String> {
        let root = fs::canonicalize(self.path("")).expect("is there");
        let holds = |process: &fs::DirEntry| {
            let open = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
            open.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| target.starts_with(&root))
        };
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbered = all.filter(|entry| entry.file_name().to_string_lossy().parse::<u32>().is_ok());
        let own = std::process::id().to_string();
        numbered
            .filter(|process| process.file_name() != own.as_str() && holds(process))
            .map(|process| {
                let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
                format!("{} {}", process.file_name().display(), String::from_utf8_lossy(&line).replace('\0', " "))
            })
            .collect()
    }

    /// Waits until no process holds anything of this place.
    ///
    /// # Panics
    /// Where one stays.
    pub fn expect_no_processes(&self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = self.processes();
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "processes are left: {left:?}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}
