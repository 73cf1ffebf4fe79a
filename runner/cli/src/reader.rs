//! The hidden side of everything that reads a pipeline: the process that parses it (`stepbox_reader`).

use std::os::unix::net::UnixStream;

use stepbox_engine::{Reader, ReaderError, Way, serve_reader};

use crate::arguments::WallArguments;
use crate::error::CliError;
use crate::exit_code;
use crate::project::Project;

/// The argument that makes the program that process. It is looked for before any other is parsed, which takes longer than
/// everything else that the process does.
pub(crate) const READER: &str = "__reader";

/// Starts it, unless everything is to stay in this process.
pub(crate) fn start(wall: WallArguments, in_process: bool) -> Result<Reader, CliError> {
    if in_process {
        return Ok(Reader::here());
    }
    let program =
        std::env::current_exe().map_err(|error| CliError::host(format!("cannot find the program itself: {error}")))?;
    let arguments = vec![READER.into()];
    let way = Way { program, arguments, lockdown: !wall.no_lockdown, required: wall.require_lockdown };
    Reader::apart(way).map_err(failed)
}

/// What a process that cannot read says of nothing but itself.
pub(crate) fn failed(error: ReaderError) -> CliError {
    CliError::host(error.to_string())
}

/// Is that process.
pub(crate) fn run() -> u8 {
    let socket = rustix::io::dup(rustix::stdio::stdin()).map(UnixStream::from);
    match socket.map(serve_reader::<Project>) {
        Ok(Ok(())) => exit_code::SUCCESS,
        // Whoever asks sees that it is gone.
        Ok(Err(_)) | Err(_) => exit_code::STEPBOX_FAILED,
    }
}
