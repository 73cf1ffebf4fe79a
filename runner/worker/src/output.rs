use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

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
    budget: Arc<Budget>,
}

/// How much a step may still print, on both streams together.
pub(crate) struct Budget {
    limit: u64,
    used: AtomicU64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicU64::new(0) })
    }
}

impl Output {
    pub(crate) fn new(step: StepId, stream: OutputStream, sender: Sender, budget: Arc<Budget>) -> Self {
        Self { step, stream, sender, budget }
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
        let before = self.budget.used.fetch_add(data.len() as u64, Ordering::Relaxed);
        if before.saturating_add(data.len() as u64) > self.budget.limit {
            if before <= self.budget.limit {
                let message = format!(
                    "the step has printed more than its limit of {} bytes; the rest is lost",
                    self.budget.limit
                );
                // Said once, by whoever crosses the limit. A lost supervisor ends the worker elsewhere.
                let _ = self.sender.send(&Event::Warning { step: Some(self.step), message });
            }
            return Err(io::Error::from_raw_os_error(EFBIG));
        }
        let event = Event::Output { step: self.step, stream: self.stream, data: data.to_vec() };
        self.sender.send(&event).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(data.len())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata {
            kind: FileKind::Fifo,
            size: 0,
            mode: 0o200,
            links: 1,
            device: 0,
            inode: 1,
            modified: SystemTime::UNIX_EPOCH,
            accessed: SystemTime::UNIX_EPOCH,
        })
    }

    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }
}
