use std::ffi::OsStr;
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
