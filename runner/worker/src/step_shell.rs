//! The shell that a person opens in a step: its lines and what its programs read come from the supervisor's terminal.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use stepbox_protocol::{Event, Sender, StepId, Typed};
use stepbox_shell::{Foreground, Line, LineEditor};
use stepbox_system::{CancelToken, FileKind, FileObject, Interest, Metadata, ProcessTable, Signal, Wake};

const EBADF: i32 = 9;
const EINTR: i32 = 4;

/// A person in front of a step's shell, as the worker sees them.
pub(crate) struct StepShell {
    step: StepId,
    sender: Sender,
    foreground: Foreground,
    processes: Arc<ProcessTable>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// The number of the question that is open, and of the last one.
    open: Option<u32>,
    last: u32,
    answer: Option<Typed>,
    /// What a program has not read yet of a line.
    rest: Vec<u8>,
}

impl StepShell {
    pub(crate) fn new(step: StepId, sender: Sender, processes: Arc<ProcessTable>) -> Arc<Self> {
        Arc::new(Self {
            step,
            sender,
            foreground: Foreground::default(),
            processes,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// What the shell is executing.
    pub(crate) fn foreground(&self) -> &Foreground {
        &self.foreground
    }

    /// Takes what the person has typed. An answer to a question that nobody asks any more is not heard.
    pub(crate) fn typed(&self, question: u32, typed: Typed) {
        let mut state = self.state();
        if state.open == Some(question) {
            state.answer = Some(typed);
            self.changed.notify_all();
        }
    }

    /// The person has typed Ctrl-C while something runs.
    pub(crate) fn interrupt(&self) {
        if let Some(process) = self.foreground.process() {
            self.processes.signal(process, Signal::Int);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks the person for a line, one question after the other: with a prompt the shell's, without one a program's.
    fn ask(self: &Arc<Self>, prompt: Option<&[u8]>, cancel: &CancelToken) -> io::Result<Typed> {
        let _woken = cancel.register(Arc::clone(self) as Arc<dyn Wake>);
        let mut asked = None;
        let mut state = self.state();
        loop {
            if cancel.is_cancelled() {
                if asked.is_some() {
                    (state.open, state.answer) = (None, None);
                    self.changed.notify_all();
                }
                return Err(io::Error::from_raw_os_error(EINTR));
            }
            if asked.is_none() && state.open.is_none() {
                state.last = state.last.wrapping_add(1);
                state.open = Some(state.last);
                asked = state.open;
                let event =
                    Event::ShellAsks { step: self.step, question: state.last, prompt: prompt.map(<[u8]>::to_vec) };
                self.sender.send(&event).map_err(|error| io::Error::other(error.to_string()))?;
            }
            if asked.is_some()
                && let Some(typed) = state.answer.take()
            {
                state.open = None;
                self.changed.notify_all();
                return Ok(typed);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Wake for StepShell {
    fn wake(&self) {
        // Under the lock, so that whoever looked at the token before it was cancelled waits already.
        let _state = self.state();
        self.changed.notify_all();
    }
}

/// Asks for the lines of the shell; `cancel` is the step's.
pub(crate) struct Lines {
    pub(crate) shell: Arc<StepShell>,
    pub(crate) cancel: CancelToken,
}

impl LineEditor for Lines {
    fn line(&mut self, prompt: &[u8]) -> io::Result<Line> {
        if self.cancel.is_cancelled() {
            return Ok(Line::End);
        }
        match self.shell.ask(Some(prompt), &self.cancel) {
            Ok(Typed::Text(text)) => Ok(Line::Text(text)),
            Ok(Typed::Interrupted) => Ok(Line::Interrupted),
            Ok(Typed::End) => Ok(Line::End),
            Err(error) if error.raw_os_error() == Some(EINTR) => Ok(Line::End),
            Err(error) => Err(error),
        }
    }
}

/// Standard input of what runs in the shell.
pub(crate) struct Keyboard(pub(crate) Arc<StepShell>);

impl FileObject for Keyboard {
    fn read(&self, buffer: &mut [u8], cancel: &CancelToken) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let mut state = self.0.state();
            if !state.rest.is_empty() {
                let length = buffer.len().min(state.rest.len());
                buffer[..length].copy_from_slice(&state.rest[..length]);
                state.rest.drain(..length);
                return Ok(length);
            }
            drop(state);
            match self.0.ask(None, cancel)? {
                Typed::Text(text) => self.0.state().rest.extend_from_slice(&text),
                // The interrupt itself goes another way.
                Typed::Interrupted => {}
                Typed::End => return Ok(0),
            }
        }
    }

    fn write(&self, _: &[u8], _: &CancelToken) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(EBADF))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::unnamed(FileKind::CharacterDevice, 0, 0o600, 1))
    }

    fn kind(&self) -> FileKind {
        FileKind::CharacterDevice
    }

    fn is_terminal(&self) -> bool {
        true
    }

    /// A person can type at any time: what waits for input asks for it.
    fn is_ready(&self, _: Interest) -> bool {
        true
    }
}
