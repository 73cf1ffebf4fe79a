use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::FileType;
use stepbox_system::{CancelToken, FileKind, FileObject, Interest, Metadata};

const EINTR: i32 = 4;

/// How long a wait lasts before the token is looked at again. A descriptor of the caller's cannot be woken: it is shared with
/// whoever started us, so that it must stay blocking.
const PATIENCE: Duration = Duration::from_millis(20);

/// How much is written at once where writing may block: what `poll` promises to fit into a pipe, in bytes.
const CHUNK: usize = 4096;

/// A descriptor that the caller of `stepbox sh` has given: a terminal, a pipe, a file.
pub(crate) struct HostStream {
    file: File,
    kind: FileKind,
    is_terminal: bool,
}

impl HostStream {
    pub(crate) fn new(descriptor: OwnedFd) -> io::Result<Self> {
        let kind = match FileType::from_raw_mode(rustix::fs::fstat(&descriptor)?.st_mode) {
            FileType::RegularFile => FileKind::File,
            FileType::Directory => FileKind::Directory,
            FileType::CharacterDevice => FileKind::CharacterDevice,
            FileType::Socket => FileKind::Socket,
            FileType::BlockDevice => FileKind::BlockDevice,
            _ => FileKind::Fifo,
        };
        let is_terminal = rustix::termios::isatty(&descriptor);
        Ok(Self { file: File::from(descriptor), kind, is_terminal })
    }

    /// Waits until something can be read or written, or the token is cancelled.
    fn wait(&self, wanted: PollFlags, cancel: &CancelToken) -> io::Result<()> {
        if self.kind == FileKind::File {
            return Ok(());
        }
        let patience = Timespec { tv_sec: 0, tv_nsec: i64::from(PATIENCE.subsec_nanos()) };
        loop {
            if cancel.is_cancelled() {
                return Err(io::Error::from_raw_os_error(EINTR));
            }
            let mut descriptors = [PollFd::from_borrowed_fd(self.file.as_fd(), wanted)];
            match poll(&mut descriptors, Some(&patience)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => {}
                Ok(_) => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl FileObject for HostStream {
    fn read(&self, buffer: &mut [u8], cancel: &CancelToken) -> io::Result<usize> {
        self.wait(PollFlags::IN, cancel)?;
        (&self.file).read(buffer)
    }

    fn write(&self, data: &[u8], cancel: &CancelToken) -> io::Result<usize> {
        self.wait(PollFlags::OUT, cancel)?;
        let most = if self.kind == FileKind::File { data.len() } else { data.len().min(CHUNK) };
        (&self.file).write(&data[..most])
    }

    fn seek(&self, position: SeekFrom) -> io::Result<u64> {
        (&self.file).seek(position)
    }

    /// Nothing of the host but the size: neither its numbers of devices nor its times are the sandbox's business.
    fn metadata(&self) -> io::Result<Metadata> {
        Ok(Metadata::unnamed(
            self.kind,
            if self.kind == FileKind::File { self.file.metadata()?.len() } else { 0 },
            0o600,
            1,
        ))
    }

    fn kind(&self) -> FileKind {
        self.kind
    }

    fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    fn is_ready_now(&self, interest: Interest) -> bool {
        let wanted = match interest {
            Interest::Read => PollFlags::IN,
            Interest::Write => PollFlags::OUT,
        };
        let mut descriptors = [PollFd::from_borrowed_fd(self.file.as_fd(), wanted)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        // What cannot be asked does not wait: a file.
        self.kind == FileKind::File || !matches!(poll(&mut descriptors, Some(&now)), Ok(0))
    }
}
