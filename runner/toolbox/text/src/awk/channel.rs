use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};

use stepbox_tool::process::{self, Child, Stream};
use stepbox_tool::{Streams, os_string};

use super::record::{Records, Separator};
use super::syntax::How;

/// How many files and commands may be open at once.
const MAX_OPEN: usize = 500;

/// What is written to or read from beside the standard streams.
#[derive(Default)]
pub(super) struct Channels {
    outputs: HashMap<Vec<u8>, Output>,
    inputs: HashMap<Vec<u8>, Input>,
}

enum Output {
    Standard,
    Errors,
    File(BufWriter<File>),
    Command(BufWriter<File>, Child),
}

struct Input {
    records: Records,
    from: From,
}

enum From {
    Standard,
    File(BufReader<File>),
    Command(BufReader<File>, Child),
}

fn shell(command: &[u8]) -> Vec<Vec<u8>> {
    vec![b"sh".to_vec(), b"-c".to_vec(), command.to_vec()]
}

impl Channels {
    fn check(&self) -> io::Result<()> {
        if self.outputs.len() + self.inputs.len() >= MAX_OPEN {
            return Err(io::Error::other(format!("more than {MAX_OPEN} files and commands are open")));
        }
        Ok(())
    }

    /// Writes to a file or a command, which is opened at the first time.
    pub(super) fn write(&mut self, name: &[u8], how: How, data: &[u8], streams: &mut Streams<'_>) -> io::Result<()> {
        if !self.outputs.contains_key(name) {
            self.check()?;
            let output = match (name, how) {
                (b"/dev/stdout" | b"-", How::Write | How::Append) => Output::Standard,
                (b"/dev/stderr", How::Write | How::Append) => Output::Errors,
                (_, How::Write) => Output::File(BufWriter::new(File::create(os_string(name))?)),
                (_, How::Append) => {
                    Output::File(BufWriter::new(OpenOptions::new().append(true).create(true).open(os_string(name))?))
                }
                (_, How::Pipe) => {
                    self.flush(streams)?;
                    let mut child = process::start(&shell(name), Stream::Piped, Stream::Inherited)?;
                    let input = child.input.take().ok_or(io::ErrorKind::BrokenPipe)?;
                    Output::Command(BufWriter::new(input), child)
                }
            };
            self.outputs.insert(name.to_vec(), output);
        }
        match self.outputs.get_mut(name) {
            Some(Output::File(file) | Output::Command(file, _)) => file.write_all(data),
            Some(Output::Errors) => {
                streams.output.flush()?;
                streams.errors.write_all(data)
            }
            _ => streams.output.write_all(data),
        }
    }

    /// The next record of a file or a command; nothing where it cannot be opened.
    pub(super) fn read(
        &mut self,
        name: &[u8],
        command: bool,
        separator: &Separator,
        record: &mut Vec<u8>,
        ended_by: &mut Vec<u8>,
        streams: &mut Streams<'_>,
    ) -> io::Result<bool> {
        if !self.inputs.contains_key(name) {
            self.check()?;
            let from = if command {
                self.flush(streams)?;
                let mut child = process::start(&shell(name), Stream::Inherited, Stream::Piped)?;
                let output = child.output.take().ok_or(io::ErrorKind::BrokenPipe)?;
                From::Command(BufReader::new(output), child)
            } else if name == b"-" || name == b"/dev/stdin" {
                From::Standard
            } else {
                From::File(BufReader::new(File::open(os_string(name))?))
            };
            self.inputs.insert(name.to_vec(), Input { records: Records::default(), from });
        }
        let Some(input) = self.inputs.get_mut(name) else { return Ok(false) };
        match &mut input.from {
            From::Standard => input.records.next(streams.input, separator, record, ended_by),
            From::File(file) | From::Command(file, _) => input.records.next(file, separator, record, ended_by),
        }
    }

    /// Closes what has this name: the status, -1 where nothing has.
    pub(super) fn close(&mut self, name: &[u8]) -> i32 {
        let mut status = -1;
        if let Some(output) = self.outputs.remove(name) {
            status = close_output(output);
        }
        if let Some(input) = self.inputs.remove(name) {
            status = match input.from {
                From::Command(reader, child) => {
                    drop(reader);
                    child.wait().unwrap_or(-1)
                }
                _ => 0,
            };
        }
        status
    }

    pub(super) fn flush(&mut self, streams: &mut Streams<'_>) -> io::Result<()> {
        streams.output.flush()?;
        for output in self.outputs.values_mut() {
            if let Output::File(file) | Output::Command(file, _) = output {
                file.flush()?;
            }
        }
        Ok(())
    }

    /// Runs a command to its end; its status.
    pub(super) fn system(&mut self, command: &[u8], streams: &mut Streams<'_>) -> io::Result<i32> {
        self.flush(streams)?;
        process::start(&shell(command), Stream::Inherited, Stream::Inherited)?.wait()
    }

    /// Closes everything and waits for the commands.
    pub(super) fn finish(&mut self, streams: &mut Streams<'_>) -> io::Result<()> {
        streams.output.flush()?;
        for (_, output) in self.outputs.drain() {
            close_output(output);
        }
        for (_, input) in self.inputs.drain() {
            if let From::Command(reader, child) = input.from {
                drop(reader);
                let _ = child.wait();
            }
        }
        Ok(())
    }
}

fn close_output(output: Output) -> i32 {
    match output {
        Output::Standard | Output::Errors => 0,
        Output::File(mut file) => {
            if file.flush().is_ok() {
                0
            } else {
                -1
            }
        }
        Output::Command(mut file, child) => {
            // A command that has seen enough is no fault.
            let _ = file.flush();
            drop(file);
            child.wait().unwrap_or(-1)
        }
    }
}
