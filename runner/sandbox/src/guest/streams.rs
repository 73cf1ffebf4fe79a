//! Standard streams of a guest over open files of the virtual machine.
//!
//! A guest has a thread of its own, so that its reads and writes may simply wait there. `AsyncWriteStream` and the default
//! adapters are not used (GHSA-5m8g).

use std::io;

use bytes::Bytes;
use stepbox_system::{CancelToken, OpenFile, Signal};
use tokio::io::{AsyncRead, AsyncWrite};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::cli::{IsTerminal, StdinStream, StdoutStream};
use wasmtime_wasi::p2::{InputStream, OutputStream, Pollable, StreamError};

use super::{Stopped, stopped};

/// How much is read or written at once, in bytes.
const CHUNK: usize = 64 * 1024;

const EBADF: i32 = 9;
const EINTR: i32 = 4;
const EPIPE: i32 = 32;

/// Standard input; closed where there is no file.
#[derive(Clone)]
pub(crate) struct Input {
    pub(crate) file: Option<OpenFile>,
    pub(crate) cancel: CancelToken,
}

/// Standard output or standard error; writing is `EBADF` where there is no file.
#[derive(Clone)]
pub(crate) struct Output {
    pub(crate) file: Option<OpenFile>,
    pub(crate) cancel: CancelToken,
}

/// An error for the guest, or the end of the guest where it was cancelled.
fn stream_error(error: io::Error, cancel: &CancelToken) -> StreamError {
    if error.raw_os_error() == Some(EINTR) && cancel.is_cancelled() {
        return StreamError::Trap(stopped(cancel));
    }
    if error.raw_os_error() == Some(EPIPE) {
        // As the kernel ends a process that writes where nobody reads, without a word.
        return StreamError::Trap(wasmtime::Error::new(Stopped(Signal::Pipe)));
    }
    StreamError::LastOperationFailed(error.into())
}

impl IsTerminal for Input {
    fn is_terminal(&self) -> bool {
        self.file.as_ref().is_some_and(OpenFile::is_terminal)
    }
}

impl StdinStream for Input {
    /// Preview 1 reads through `p2_stream` alone.
    fn async_stream(&self) -> Box<dyn AsyncRead + Send + Sync> {
        Box::new(tokio::io::empty())
    }

    fn p2_stream(&self) -> Box<dyn InputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {}
}

#[async_trait]
impl InputStream for Input {
    fn read(&mut self, size: usize) -> Result<Bytes, StreamError> {
        let Some(file) = &self.file else { return Err(StreamError::Closed) };
        if size == 0 {
            return Ok(Bytes::new());
        }
        let mut buffer = vec![0; size.min(CHUNK)];
        match file.read(&mut buffer, &self.cancel) {
            Ok(0) => Err(StreamError::Closed),
            Ok(count) => {
                buffer.truncate(count);
                Ok(buffer.into())
            }
            Err(error) => Err(stream_error(error, &self.cancel)),
        }
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        self.file.as_ref().is_some_and(OpenFile::is_terminal)
    }
}

impl StdoutStream for Output {
    /// Preview 1 writes through `p2_stream` alone.
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> Result<(), StreamError> {
        let Some(file) = &self.file else {
            return Err(StreamError::LastOperationFailed(io::Error::from_raw_os_error(EBADF).into()));
        };
        file.write_all(&bytes, &self.cancel).map_err(|error| stream_error(error, &self.cancel))
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(CHUNK)
    }
}
