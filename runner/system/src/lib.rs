//! The words of the virtual machine: what the shell and the sandbox say to each other, and nothing of the host.
//!
//! A step's shell opens files through [`Vfs`], starts programs through [`Spawner`], connects them with [`pipe`]s and
//! stops them with a [`CancelToken`]. The sandbox implements the two traits; the shell uses them. No code in this crate
//! touches a file, a process or the environment of the host.

mod cancel;
mod exit_status;
mod file_object;
mod metadata;
mod null_file;
mod open_file;
mod open_options;
mod pipe;
mod process_table;
mod readiness;
mod signal;
mod spawner;
mod vfs;
mod virtual_path;

pub use cancel::{CancelToken, Registration, Wake};
pub use exit_status::ExitStatus;
pub use file_object::FileObject;
pub use metadata::{DirEntry, FileKind, Metadata};
pub use null_file::NullFile;
pub use open_file::OpenFile;
pub use open_options::OpenOptions;
pub use pipe::{PIPE_CAPACITY, PipeReader, PipeWriter, pipe};
pub use process_table::{Process, ProcessTable, TooManyProcesses};
pub use readiness::{Interest, Watch};
pub use signal::Signal;
pub use spawner::{Program, Resolution, SpawnRequest, Spawner};
pub use vfs::{Access, Vfs};
pub use virtual_path::{InvalidPath, VirtualPath};

/// The text of an I/O error as a POSIX program would print it (`No such file or directory`), without Rust's suffix.
pub fn error_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
