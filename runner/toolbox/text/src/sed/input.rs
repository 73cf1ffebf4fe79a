use std::collections::{HashMap, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use stepbox_tool::{Streams, describe};

/// How much of a file is read at once, in bytes.
const BUFFER: usize = 64 << 10;

/// The lines of all files, one after the other.
pub(super) struct Input {
    files: VecDeque<OsString>,
    end: u8,
    separate: bool,
    pub(super) in_place: Option<Vec<u8>>,
    current: Current,
    /// The name of the file that the last line came from.
    pub(super) name: OsString,
    /// The number of the last line.
    pub(super) number: usize,
    /// Whether the last line had its newline.
    pub(super) complete: bool,
    /// Whether a file could not be read.
    pub(super) trouble: bool,
    /// A file whose lines are to be replaced was begun; it is taken by whoever writes.
    pub(super) begun: Option<PathBuf>,
    read_lines: HashMap<Vec<u8>, Option<BufReader<File>>>,
}

enum Current {
    None,
    Standard,
    File(BufReader<File>),
}

impl Input {
    pub(super) fn new(files: &[OsString], end: u8, separate: bool, in_place: Option<Vec<u8>>) -> Self {
        let mut files: VecDeque<OsString> = files.iter().cloned().collect();
        if files.is_empty() {
            files.push_back("-".into());
        }
        Self {
            files,
            end,
            separate,
            in_place,
            current: Current::None,
            name: "-".into(),
            number: 0,
            complete: true,
            trouble: false,
            begun: None,
            read_lines: HashMap::new(),
        }
    }

    /// Reads a line to the end of `line`; whether there was one.
    pub(super) fn read(&mut self, line: &mut Vec<u8>, streams: &mut Streams<'_>) -> io::Result<bool> {
        loop {
            let before = line.len();
            let read = match &mut self.current {
                Current::None => Ok(0),
                Current::Standard => streams.input.read_until(self.end, line),
                Current::File(file) => file.read_until(self.end, line),
            };
            match read {
                Ok(0) => {}
                Ok(_) => {
                    self.complete = line.pop_if(|last| *last == self.end).is_some();
                    self.number += 1;
                    return Ok(true);
                }
                Err(error) => self.complain(&format!("read error on {}", self.name.to_string_lossy()), &error, streams),
            }
            line.truncate(before);
            if !self.open_next(streams) {
                return Ok(false);
            }
        }
    }

    /// Whether no line follows; with files apart, in this file.
    pub(super) fn is_last(&mut self, streams: &mut Streams<'_>) -> bool {
        loop {
            let more = match &mut self.current {
                Current::None => false,
                Current::Standard => streams.input.fill_buf().is_ok_and(|data| !data.is_empty()),
                Current::File(file) => file.fill_buf().is_ok_and(|data| !data.is_empty()),
            };
            if more {
                return false;
            }
            if self.separate || !self.open_next(streams) {
                return true;
            }
        }
    }

    /// Goes on to the next file that can be read; whether there is one.
    fn open_next(&mut self, streams: &mut Streams<'_>) -> bool {
        self.current = Current::None;
        while let Some(name) = self.files.pop_front() {
            if name == "-" && self.in_place.is_none() {
                (self.current, self.name) = (Current::Standard, name);
            } else {
                let path = Path::new(&name);
                let opened = match std::fs::metadata(path) {
                    Ok(found) if found.is_dir() => {
                        let what = if self.in_place.is_some() { "couldn't edit" } else { "read error on" };
                        let why = if self.in_place.is_some() { "not a regular file" } else { "Is a directory" };
                        self.trouble = true;
                        streams.say("sed", &format!("{what} {}: {why}", path.display()));
                        continue;
                    }
                    _ => File::open(path),
                };
                match opened {
                    Ok(file) => {
                        if self.in_place.is_some() {
                            self.begun = Some(path.to_owned());
                        }
                        self.current = Current::File(BufReader::with_capacity(BUFFER, file));
                        self.name = name;
                    }
                    Err(error) => {
                        self.complain(&format!("can't read {}", name.to_string_lossy()), &error, streams);
                        continue;
                    }
                }
            }
            if self.separate {
                self.number = 0;
            }
            return true;
        }
        false
    }

    fn complain(&mut self, what: &str, error: &io::Error, streams: &mut Streams<'_>) {
        self.trouble = true;
        streams.say("sed", &format!("{what}: {}", describe(error)));
    }

    /// The next line of a file that `R` reads.
    pub(super) fn line_of(&mut self, name: &[u8], line: &mut Vec<u8>) -> bool {
        let end = self.end;
        let file = self
            .read_lines
            .entry(name.to_vec())
            .or_insert_with(|| File::open(stepbox_tool::os_string(name)).ok().map(BufReader::new));
        let read = file.as_mut().is_some_and(|file| file.read_until(end, line).is_ok_and(|count| count > 0));
        if read {
            line.pop_if(|last| *last == end);
        }
        read
    }
}
