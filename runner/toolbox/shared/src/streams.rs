use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead, Write};

/// The streams of a command.
pub struct Streams<'a> {
    /// Standard input.
    pub input: &'a mut dyn BufRead,
    /// Standard output.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
}

impl Streams<'_> {
    /// Reports what went wrong with a file, in the words of the other commands.
    pub fn complain(&mut self, command: &str, subject: &OsStr, error: &io::Error) {
        self.say(command, &format!("{}: {}", subject.to_string_lossy(), describe(error)));
    }

    /// Reports a fault.
    pub fn say(&mut self, command: &str, message: &str) {
        // There is nowhere else to report that standard error is gone.
        let _ = writeln!(self.errors, "{command}: {message}");
    }
}

/// The text of an error without the number that the standard library adds to it.
pub fn describe(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

/// Reports a fault; the status of a command that was used wrongly.
pub fn fail(command: &str, message: &str, streams: &mut Streams<'_>) -> io::Result<i32> {
    streams.say(command, message);
    Ok(1)
}

/// The name of a file from bytes.
pub fn os_string(bytes: &[u8]) -> OsString {
    #[cfg(unix)]
    use std::os::unix::ffi::OsStringExt;
    #[cfg(target_os = "wasi")]
    use std::os::wasi::ffi::OsStringExt;
    OsString::from_vec(bytes.to_vec())
}

/// All of a file; `-` and `/dev/stdin` are standard input.
///
/// # Errors
/// Where it cannot be read.
pub fn read_whole(name: &[u8], input: &mut dyn BufRead) -> io::Result<Vec<u8>> {
    if name == b"-" || name == b"/dev/stdin" {
        let mut data = vec![];
        input.read_to_end(&mut data)?;
        return Ok(data);
    }
    std::fs::read(os_string(name))
}
