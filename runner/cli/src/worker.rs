//! The hidden side of `run`: the worker, with the socket to the supervisor as its standard input.

use std::os::unix::net::UnixStream;

use crate::exit_code;

/// Serves until the supervisor is done; what goes wrong is printed for it on standard error.
pub(crate) fn run() -> u8 {
    let socket = match rustix::io::dup(rustix::stdio::stdin()) {
        Ok(socket) => UnixStream::from(socket),
        Err(error) => {
            eprintln!("the worker has no socket: {error}");
            return exit_code::STEPBOX_FAILED;
        }
    };
    match stepbox_worker::serve(socket) {
        Ok(()) => exit_code::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            exit_code::STEPBOX_FAILED
        }
    }
}

/// The same inside this process, for tests.
pub(crate) fn serve_here(socket: UnixStream) {
    if let Err(error) = stepbox_worker::serve(socket) {
        eprintln!("the worker: {error}");
    }
}
