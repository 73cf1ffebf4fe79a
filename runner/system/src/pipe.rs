use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::{CancelToken, FileKind, FileObject, Interest, Metadata, Wake, Watch};

/// How many bytes a pipe holds. Measured: 256 KiB is where a ring of this kind stops getting faster.
pub const PIPE_CAPACITY: usize = 256 * 1024;

const EINTR: i32 = 4;
const EBADF: i32 = 9;
const EPIPE: i32 = 32;

/// A pipe in memory. A reader sees the end when every clone of the writer is gone; a writer gets `EPIPE` when every
/// clone of the reader is. Every wait ends with `EINTR` on cancellation.
pub fn pipe() -> (PipeReader, PipeWriter) {
    let shared = Arc::new(Shared {
        state: Mutex::new(State {
            data: VecDeque::new(),
            reader_open: true,
            writer_open: true,
            watchers: vec![],
            next_key: 0,
        }),
        readable: Condvar::new(),
        writable: Condvar::new(),
    });
    (PipeReader(Arc::clone(&shared)), PipeWriter(shared))
}

struct Shared {
    state: Mutex<State>,
    readable: Condvar,
    writable: Condvar,
}

struct State {
    data: VecDeque<u8>,
    reader_open: bool,
    writer_open: bool,
    /// Who waits for either end without reading or writing.
    watchers: Vec<(u64, Arc<dyn Wake>)>,
    next_key: u64,
}

impl State {
    /// Wakes whoever watches. They take the lock of the pipe only when they are awake, never while they hold their own.
    fn changed(&self) {
        for (_, waker) in &self.watchers {
            waker.wake();
        }
    }
}

/// Takes a watcher away at its end.
struct Watcher {
    shared: Arc<Shared>,
    key: u64,
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.shared.lock().watchers.retain(|(key, _)| *key != self.key);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(self: &Arc<Self>, waker: Arc<dyn Wake>) -> Watch {
        let mut state = self.lock();
        let key = state.next_key;
        state.next_key += 1;
        state.watchers.push((key, waker));
        Watch::new(Watcher { shared: Arc::clone(self), key })
    }
}

impl Wake for Shared {
    fn wake(&self) {
        // Taken so that a sleeper is either before its check of the token or inside its wait.
        let _state = self.lock();
        self.readable.notify_all();
        self.writable.notify_all();
    }
}

fn interrupted() -> io::Error {
    io::Error::from_raw_os_error(EINTR)
}

fn fifo_metadata(size: u64) -> Metadata {
    Metadata::unnamed(FileKind::Fifo, size, 0o600, 0)
}

/// The end of a pipe that is read. One object: duplicates are made by sharing its [`crate::OpenFile`].
pub struct PipeReader(Arc<Shared>);

impl FileObject for PipeReader {
    fn read(&self, buffer: &mut [u8], cancel: &CancelToken) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let mut registration = None;
        let mut state = self.0.lock();
        loop {
            if !state.data.is_empty() {
                let was_full = state.data.len() > PIPE_CAPACITY / 2;
                let count = buffer.len().min(state.data.len());
                let (front, back) = state.data.as_slices();
                let from_front = count.min(front.len());
                buffer[..from_front].copy_from_slice(&front[..from_front]);
                buffer[from_front..count].copy_from_slice(&back[..count - from_front]);
                state.data.drain(..count);
                // Woken at half, so that writer and reader do not take turns byte by byte.
                if was_full && state.data.len() <= PIPE_CAPACITY / 2 {
                    self.0.writable.notify_all();
                }
                state.changed();
                return Ok(count);
            }
            if !state.writer_open {
                return Ok(0);
            }
            if cancel.is_cancelled() {
                return Err(interrupted());
            }
            if registration.is_none() {
                drop(state);
                registration = Some(cancel.register(Arc::clone(&self.0) as Arc<dyn Wake>));
                state = self.0.lock();
                continue;
            }
            state = self.0.readable.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn write(&self, _: &[u8], _: &CancelToken) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(EBADF))
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(fifo_metadata(self.0.lock().data.len() as u64))
    }

    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }

    fn is_ready(&self, interest: Interest) -> bool {
        let state = self.0.lock();
        interest == Interest::Write || !state.data.is_empty() || !state.writer_open
    }

    fn watch(&self, waker: Arc<dyn Wake>) -> Option<Watch> {
        Some(self.0.watch(waker))
    }
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.reader_open = false;
        state.data = VecDeque::new();
        self.0.writable.notify_all();
        state.changed();
    }
}

/// The end of a pipe that is written. One object: duplicates are made by sharing its [`crate::OpenFile`].
pub struct PipeWriter(Arc<Shared>);

impl FileObject for PipeWriter {
    fn read(&self, _: &mut [u8], _: &CancelToken) -> io::Result<usize> {
        Err(io::Error::from_raw_os_error(EBADF))
    }

    fn write(&self, data: &[u8], cancel: &CancelToken) -> io::Result<usize> {
        if data.is_empty() {
            return Ok(0);
        }
        let mut registration = None;
        let mut state = self.0.lock();
        loop {
            if !state.reader_open {
                return Err(io::Error::from_raw_os_error(EPIPE));
            }
            if cancel.is_cancelled() {
                return Err(interrupted());
            }
            let room = PIPE_CAPACITY.saturating_sub(state.data.len());
            if room > 0 {
                let count = room.min(data.len());
                let was_empty = state.data.is_empty();
                state.data.extend(&data[..count]);
                if was_empty {
                    self.0.readable.notify_all();
                    state.changed();
                }
                return Ok(count);
            }
            if registration.is_none() {
                drop(state);
                registration = Some(cancel.register(Arc::clone(&self.0) as Arc<dyn Wake>));
                state = self.0.lock();
                continue;
            }
            state = self.0.writable.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn metadata(&self) -> io::Result<Metadata> {
        Ok(fifo_metadata(self.0.lock().data.len() as u64))
    }

    fn kind(&self) -> FileKind {
        FileKind::Fifo
    }

    fn is_ready(&self, interest: Interest) -> bool {
        let state = self.0.lock();
        interest == Interest::Read || state.data.len() < PIPE_CAPACITY || !state.reader_open
    }

    fn watch(&self, waker: Arc<dyn Wake>) -> Option<Watch> {
        Some(self.0.watch(waker))
    }
}

impl Drop for PipeWriter {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.writer_open = false;
        self.0.readable.notify_all();
        state.changed();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OpenFile, Signal};

    #[test]
    fn carries_more_than_it_holds() {
        let (reader, writer) = pipe();
        let sent: Vec<u8> = (0..PIPE_CAPACITY * 3 + 7).map(|i| (i % 251) as u8).collect();
        let expected = sent.clone();
        let writer = OpenFile::new(writer);
        let thread = std::thread::spawn(move || writer.write_all(&sent, &CancelToken::new()));
        let got = OpenFile::new(reader).read_to_end(usize::MAX, &CancelToken::new()).expect("reads");
        thread.join().expect("no panic").expect("writes");
        assert!(got == expected);
    }

    #[test]
    fn writing_without_a_reader_is_epipe() {
        let (reader, writer) = pipe();
        drop(reader);
        let error = writer.write(b"x", &CancelToken::new()).expect_err("nobody reads");
        assert_eq!(error.raw_os_error(), Some(EPIPE));
    }

    #[test]
    fn a_waiting_reader_and_a_waiting_writer_wake_on_cancellation() {
        let (reader, _writer) = pipe();
        let cancel = CancelToken::new();
        let token = cancel.clone();
        let thread = std::thread::spawn(move || reader.read(&mut [0], &token));
        cancel.cancel(Signal::Term);
        let error = thread.join().expect("no panic").expect_err("cancelled");
        assert_eq!(error.raw_os_error(), Some(EINTR));

        let (_reader, writer) = pipe();
        let full = vec![0; PIPE_CAPACITY];
        writer.write(&full, &CancelToken::new()).expect("fits");
        let cancel = CancelToken::new();
        let token = cancel.clone();
        let thread = std::thread::spawn(move || writer.write(b"x", &token));
        cancel.cancel(Signal::Int);
        let error = thread.join().expect("no panic").expect_err("cancelled");
        assert_eq!(error.raw_os_error(), Some(EINTR));
    }

    #[test]
    fn what_was_written_is_read_after_the_writer_is_gone() {
        let (reader, writer) = pipe();
        writer.write(b"last words", &CancelToken::new()).expect("fits");
        drop(writer);
        let got = OpenFile::new(reader).read_to_end(64, &CancelToken::new()).expect("reads");
        assert_eq!(got, b"last words");
    }
}
