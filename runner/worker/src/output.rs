use std::io;
use std::sync::Arc;

use stepbox_limits::Budget;
use stepbox_protocol::{Event, OutputStream, Sender, StepId};
use stepbox_system::{CancelToken, FileKind, FileObject, Metadata};

/// How much of what a step prints travels in one event, in bytes.
const CHUNK: usize = 64 * 1024;

const EBADF: i32 = 9;
const EFBIG: i32 = 27;

/// Standard output or standard error of a step: what is written becomes events.
pub(crate) struct Output {
    step: StepId,
    stream: OutputStream,
    sender: Sender,
    /// What the step, and the whole build, may still print.
    budgets: [Arc<Budget>; 2],
}

impl Output {
    pub(crate) fn new(step: StepId, stream: OutputStream, sender: Sender, budgets: [Arc<Budget>; 2]) -> Self {
        Self { step, stream, sender, budgets }
    }
}

impl FileObject for Output {
    fn read(&self, _: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(EBADF))
    }

    fn write(&self, data: &[u8], _: &CancelToken) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let data = &data[..data.len().min(CHUNK)];
        let length = data.len() as u64;
        let [step, build] = &self.budgets;
        if step.take(length).is_err() {
            return Err(io::Error::from_raw_os_error(EFBIG));
        }
        if build.take(length).is_err() {
            step.give_back(length);
            return Err(io::Error::from_raw_os_error(EFBIG));
        }
        let event = Event::Output { step: self.step, stream: self.stream, data: data.to_vec() };
        self.sender.send(&event).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(data.len())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::unnamed(FileKind::Fifo, 0, 0o200, 1))
    }

    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }
}
