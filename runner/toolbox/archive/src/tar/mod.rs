//! `tar`: archives, in GNU's form.

mod create;
mod extract;
mod names;
mod options;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufReader, Read};

use stepbox_tool::{Streams, describe};

use crate::compression::{Method, reader};
use options::{Mode, Options};

/// `tar`.
pub(crate) fn tar(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let words: Vec<String> = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let options = match options::parse(&words) {
        Ok(Some(options)) => options,
        Ok(None) => {
            streams.output.write_all(options::HELP.as_bytes())?;
            return Ok(0);
        }
        Err(message) => {
            streams.say("tar", &message);
            streams.say("Try 'tar --help' or 'tar --usage' for more information.", "");
            return Ok(2);
        }
    };
    let mut report = Report { status: 0, silent: false };
    let done = match options.mode {
        Mode::Create => create::create(&options, streams, &mut report),
        Mode::Append | Mode::Update => create::append(&options, streams, &mut report),
        Mode::Extract | Mode::List => extract::read(&options, streams, &mut report),
    };
    match done {
        Ok(()) => {
            if report.status != 0 && !report.silent {
                streams.say("tar", "Exiting with failure status due to previous errors");
            }
            Ok(report.status)
        }
        Err(Fault::Told(message)) => {
            streams.output.flush()?;
            streams.say("tar", &message);
            streams.say("tar", "Error is not recoverable: exiting now");
            Ok(2)
        }
        Err(Fault::Output(error)) => Err(error),
    }
}

/// What ends the work.
#[derive(Debug)]
enum Fault {
    /// With a message.
    Told(String),
    /// Standard output is gone.
    Output(io::Error),
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// What went wrong without ending the work.
struct Report {
    status: i32,
    silent: bool,
}

impl Report {
    fn complain(&mut self, streams: &mut Streams<'_>, message: &str) {
        streams.say("tar", message);
        self.status = 2;
    }
}

/// The archive to read, expanded where it is compressed.
fn open<'a>(options: &Options, streams: &'a mut dyn io::BufRead) -> Result<Box<dyn Read + 'a>, Fault> {
    let mut source: Box<dyn Read + 'a> = match options.file.as_deref() {
        None | Some("-") => Box::new(streams),
        Some(path) => {
            let path = options.in_first_directory(path);
            let file = File::open(&path).map_err(|error| {
                Fault::Told(format!(
                    "{}: Cannot open: {}",
                    options.file.as_deref().unwrap_or_default(),
                    describe(&error)
                ))
            })?;
            Box::new(BufReader::new(file))
        }
    };
    let mut head = [0; 6];
    let mut count = 0;
    let broken = |error: io::Error| Fault::Told(format!("Cannot read: {}", describe(&error)));
    while count < head.len() {
        match source.read(&mut head[count..]).map_err(broken)? {
            0 => break,
            more => count += more,
        }
    }
    let method = Method::of(&head[..count]).or(options.method);
    let whole = io::Cursor::new(head[..count].to_vec()).chain(source);
    match method {
        Some(method) => reader(method, whole).map_err(broken),
        None => Ok(Box::new(whole)),
    }
}
