//! Processes of a place: to signal them, and to see that none is left.

use std::fs;
use std::process::Child;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};

use crate::Place;

/// How long a process that is to end may take on a busy machine.
const PATIENCE: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };

/// Sends a signal to a program that was started.
///
/// # Panics
/// Where it is over and was waited for.
pub fn send(child: &Child, signal: Signal) {
    let id = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process has a number");
    kill_process(id, signal).expect("it is ours");
}

impl Place {
    /// Every process that holds something of this place open, with its command line; empty where the system has no
    /// `/proc`.
    fn processes(&self) -> Vec<(Pid, String)> {
        let root = fs::canonicalize(self.path("")).expect("is there");
        let holds = |process: &fs::DirEntry| {
            let open = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
            open.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| target.starts_with(&root))
        };
        let own = Pid::from_raw(std::process::id().cast_signed());
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let numbered = all.filter_map(|entry| {
            let pid = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw)?;
            Some((pid, entry))
        });
        numbered
            .filter(|(pid, process)| Some(*pid) != own && holds(process))
            .map(|(pid, process)| {
                let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
                (pid, String::from_utf8_lossy(&line).replace('\0', " "))
            })
            .collect()
    }

    /// Waits until no process holds anything of this place.
    ///
    /// # Panics
    /// Where one stays.
    pub fn expect_no_processes(&self) {
        for (pid, line) in self.processes() {
            // One that has ended meanwhile has no descriptor to be had.
            let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
            let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&PATIENCE)).expect("waits");
            assert!(ended > 0, "a process is left: {line}");
        }
        let left = self.processes();
        assert!(left.is_empty(), "processes are left: {left:?}");
    }
}
