use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use stepbox_worker::{Line, LineEditor};

/// How often an interrupt is looked for while a person thinks, in nanoseconds.
const PATIENCE: i64 = 20_000_000;

/// The program's own terminal as a shell's prompt. Lines are edited as the terminal itself does it.
#[derive(Clone, Default)]
pub(crate) struct Prompt {
    interrupted: Arc<AtomicBool>,
    /// What the terminal has given beyond the lines asked for.
    rest: Vec<u8>,
}

impl Prompt {
    /// Somebody has typed Ctrl-C while nothing ran.
    pub(crate) fn interrupt(&self) {
        self.interrupted.store(true, Ordering::Relaxed);
    }

    fn taken(&mut self) -> Option<Line> {
        let end = self.rest.iter().position(|byte| *byte == b'\n')?;
        Some(Line::Text(self.rest.drain(..=end).collect()))
    }
}

impl LineEditor for Prompt {
    fn line(&mut self, prompt: &[u8]) -> io::Result<Line> {
        self.interrupted.store(false, Ordering::Relaxed);
        let mut screen = io::stdout();
        screen.write_all(prompt)?;
        screen.flush()?;
        loop {
            if let Some(line) = self.taken() {
                return Ok(line);
            }
            if self.interrupted.swap(false, Ordering::Relaxed) {
                self.rest.clear();
                screen.write_all(b"\n")?;
                return Ok(Line::Interrupted);
            }
            let mut ready = [PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN)];
            match poll(&mut ready, Some(&Timespec { tv_sec: 0, tv_nsec: PATIENCE })) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(error) => return Err(error.into()),
            }
            let mut block = [0; 4096];
            match rustix::io::read(rustix::stdio::stdin(), &mut block) {
                Ok(0) => {
                    screen.write_all(b"\n")?;
                    return Ok(Line::End);
                }
                Ok(length) => self.rest.extend_from_slice(&block[..length]),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
