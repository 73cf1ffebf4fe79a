//! Process substitution: `<(…)` and `>(…)` are pipes, which the command sees as `/dev/fd/N`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use stepbox_system::{OpenFile, pipe};

use super::jobs::{Job, STACK};
use super::{Flow, Shell};
use crate::ir::List;

/// The first descriptor that is tried; the others are below it, as in bash.
const FIRST: u32 = 63;

/// How long the end of a shell waits for process substitutions.
const GRACE: Duration = Duration::from_secs(10);

/// How often it looks.
const CHECK: Duration = Duration::from_millis(1);

/// How many process substitutions are remembered.
const REMEMBERED: usize = 64;

impl Shell {
    /// Starts a process substitution; the path of its pipe.
    pub(crate) fn substitute_process(&mut self, list: &Arc<List>, output: bool) -> Result<Vec<u8>, Flow> {
        let Some(number) = (3..=FIRST).rev().find(|number| !self.state.files.contains_key(number)) else {
            return Err(self.fatal("process substitution: no descriptor is free"));
        };
        if self.substituted.len() >= REMEMBERED {
            self.substituted.retain(|job| job.ended().is_none());
        }
        let mut child = self.child()?;
        child.forgiving = 0;
        // Others' pipes would never end with one more writer.
        for number in &self.processes {
            child.set_file(*number, None);
        }
        let (reader, writer) = pipe();
        let (reader, writer) = (OpenFile::new(reader), OpenFile::new(writer));
        let (own, theirs) = if output { (writer, reader) } else { (reader, writer) };
        child.set_file(u32::from(!output), Some(theirs));
        child.processes.clear();
        let id = child.process.id();
        let list = Arc::clone(list);
        let thread = std::thread::Builder::new().name("process".to_owned()).stack_size(STACK).spawn(move || {
            child.depth = 0;
            let flow = child.execute_list(&list);
            child.finish(flow)
        });
        match thread {
            Ok(thread) => {
                self.substituted.push(Job::new(id, 0, Arc::default(), &self.bell, thread));
                self.state.last_job = Some(id);
                self.set_file(number, Some(own));
                self.processes.push(number);
                Ok(format!("/dev/fd/{number}").into_bytes())
            }
            Err(error) => Err(self.refusal(&format!("cannot start a thread: {error}"))),
        }
    }

    /// The end of a shell: closes its files, so that what reads from it ends too, and waits for that, within bounds: a job in
    /// the background may hold the other end.
    pub(super) fn await_processes(&mut self) {
        if self.substituted.is_empty() {
            return;
        }
        self.state.files.clear();
        let begin = Instant::now();
        while self.substituted.iter().any(|job| job.ended().is_none())
            && begin.elapsed() < GRACE
            && !self.cancel().is_cancelled()
        {
            std::thread::sleep(CHECK);
        }
        self.substituted.clear();
    }

    /// Closes the pipes of process substitutions but for the first `kept`.
    pub(super) fn close_processes(&mut self, kept: usize) {
        while self.processes.len() > kept {
            if let Some(number) = self.processes.pop() {
                self.set_file(number, None);
            }
        }
    }
}
