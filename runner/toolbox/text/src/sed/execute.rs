use std::io;
use std::rc::Rc;

use stepbox_tool::pattern::{Exhausted, Groups, Pattern};
use stepbox_tool::{Streams, describe};

use super::Settings;
use super::input::Input;
use super::output::Outputs;
use super::script::{Action, Address, Addresses, Command, End, Match, Script};
use super::substitute::substitute;

/// How large the two spaces may grow, in bytes.
const MAX_SPACE: usize = 256 << 20;

/// The status where a file could not be read.
const TROUBLE: i32 = 2;

/// What ends a script early.
enum Stop {
    Message(String),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Exhausted> for Stop {
    fn from(error: Exhausted) -> Self {
        Self::Message(error.to_string())
    }
}

/// How a cycle ends.
enum Cycle {
    /// The pattern space is printed.
    End,
    /// It is not.
    Deleted,
    /// The next cycle goes on with what is left.
    Kept,
    Quit(i32),
    QuitSilently(i32),
}

/// Whether a range is inside, and up to which line.
#[derive(Clone, Copy)]
enum Inside {
    No,
    Yes,
    UpTo(usize),
}

/// What waits for the end of the cycle.
enum Waiting<'a> {
    Text(&'a [u8]),
    File(&'a [u8]),
    Line(Vec<u8>),
}

pub(super) struct Executor<'a> {
    script: &'a Script,
    settings: &'a Settings,
    input: Input,
    outputs: Outputs,
    pattern_space: Vec<u8>,
    /// Whether the line in the pattern space had its newline, and that in the hold space.
    complete: bool,
    hold_complete: bool,
    hold_space: Vec<u8>,
    ranges: Vec<Inside>,
    waiting: Vec<Waiting<'a>>,
    last_pattern: Option<Rc<Pattern>>,
    changed: bool,
    groups: Groups,
    result: Vec<u8>,
    end: u8,
}

impl<'a> Executor<'a> {
    pub(super) fn new(script: &'a Script, settings: &'a Settings, input: Input, outputs: Outputs) -> Self {
        let mut executor = Self {
            script,
            settings,
            input,
            outputs,
            pattern_space: vec![],
            complete: true,
            hold_complete: true,
            hold_space: vec![],
            ranges: vec![],
            waiting: vec![],
            last_pattern: None,
            changed: false,
            groups: vec![],
            result: vec![],
            end: if settings.null_data { 0 } else { b'\n' },
        };
        executor.reset_ranges();
        executor
    }

    /// Runs the script over all lines; the status.
    pub(super) fn run(mut self, streams: &mut Streams<'_>) -> io::Result<i32> {
        match self.lines(streams) {
            Ok(status) => {
                self.outputs.flush()?;
                Ok(if status == 0 && self.input.trouble { TROUBLE } else { status })
            }
            Err(Stop::Io(error)) => Err(error),
            Err(Stop::Message(message)) => {
                streams.say("sed", &message);
                Ok(4)
            }
        }
    }

    fn lines(&mut self, streams: &mut Streams<'_>) -> Result<i32, Stop> {
        let mut kept = false;
        let mut status = 0;
        loop {
            if !kept {
                self.pattern_space.clear();
                if !self.next_line(streams)? {
                    break;
                }
            }
            self.changed = false;
            let cycle = self.cycle(streams)?;
            if !self.settings.quiet && matches!(cycle, Cycle::End | Cycle::Quit(_)) {
                self.print(streams)?;
            }
            if !matches!(cycle, Cycle::QuitSilently(_)) {
                self.flush_waiting(streams)?;
            }
            kept = matches!(cycle, Cycle::Kept);
            if let Cycle::Quit(code) | Cycle::QuitSilently(code) = cycle {
                status = code;
                self.copy_rest(streams)?;
                break;
            }
        }
        self.finish_file()?;
        Ok(status)
    }

    /// With files edited in place, what follows the line at which the script ended stays.
    fn copy_rest(&mut self, streams: &mut Streams<'_>) -> Result<(), Stop> {
        while self.input.in_place.is_some() && !self.input.is_last(streams) {
            self.pattern_space.clear();
            if !self.input.read(&mut self.pattern_space, streams)? {
                break;
            }
            self.complete = self.input.complete;
            self.print(streams)?;
        }
        Ok(())
    }

    fn finish_file(&mut self) -> Result<(), Stop> {
        let suffix = self.input.in_place.clone().unwrap_or_default();
        let name = &self.input.name;
        self.outputs
            .finish(&suffix)
            .map_err(|error| Stop::Message(format!("couldn't edit {}: {}", name.to_string_lossy(), describe(&error))))
    }

    fn reset_ranges(&mut self) {
        self.ranges.clear();
        for command in &self.script.commands {
            if let Addresses::Range(first, ..) = &command.addresses {
                self.ranges.push(if matches!(first, Address::Zero) { Inside::Yes } else { Inside::No });
            }
        }
    }

    /// Reads a line behind what is in the pattern space.
    fn next_line(&mut self, streams: &mut Streams<'_>) -> Result<bool, Stop> {
        let before = self.input.number;
        if self.settings.in_place.is_some() && self.input.is_last(streams) {
            // Before the next file is begun, this one is done.
            self.finish_file()?;
        }
        let read = self.input.read(&mut self.pattern_space, streams)?;
        if read && self.settings.separate && self.input.number <= before {
            self.reset_ranges();
        }
        while let Some(path) = self.input.begun.take() {
            self.outputs
                .begin(&path)
                .map_err(|error| Stop::Message(format!("couldn't edit {}: {}", path.display(), describe(&error))))?;
        }
        self.complete = self.input.complete;
        self.check_size()?;
        Ok(read)
    }

    fn check_size(&self) -> Result<(), Stop> {
        if self.pattern_space.len() > MAX_SPACE || self.hold_space.len() > MAX_SPACE {
            return Err(Stop::Message(format!("a space is larger than {MAX_SPACE} bytes")));
        }
        Ok(())
    }

    /// What ends a line on output: nothing where the last line of the input had nothing.
    fn line_end(&self) -> Option<u8> {
        self.complete.then_some(self.end)
    }

    fn print(&mut self, streams: &mut Streams<'_>) -> Result<(), Stop> {
        let end = self.line_end();
        Ok(self.outputs.write(&self.pattern_space, end, streams)?)
    }

    fn flush_waiting(&mut self, streams: &mut Streams<'_>) -> Result<(), Stop> {
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Text(text) => self.outputs.write_text(text, streams)?,
                Waiting::Line(line) => self.outputs.write(&line, Some(self.end), streams)?,
                // What cannot be read is like an empty file.
                Waiting::File(name) => {
                    if let Ok(data) = stepbox_tool::read_whole(name, streams.input)
                        && !data.is_empty()
                    {
                        let (text, end) = match data.strip_suffix(b"\n") {
                            Some(text) => (text, Some(b'\n')),
                            None => (&data[..], None),
                        };
                        self.outputs.write(text, end, streams)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn first_line(&self) -> &[u8] {
        let end = self.pattern_space.iter().position(|byte| *byte == self.end);
        &self.pattern_space[..end.unwrap_or(self.pattern_space.len())]
    }

    fn cycle(&mut self, streams: &mut Streams<'_>) -> Result<Cycle, Stop> {
        let script = self.script;
        let mut at = 0;
        while let Some(command) = script.commands.get(at) {
            at += 1;
            if !matches!((&command.addresses, command.negated), (Addresses::All, false))
                && self.selects(command, streams)? == command.negated
            {
                if let Action::Begin(end) = command.action {
                    at = end;
                }
                continue;
            }
            match &command.action {
                Action::Begin(_) | Action::Nothing => {}
                Action::LineNumber => {
                    let number = self.input.number.to_string();
                    self.outputs.write(number.as_bytes(), Some(b'\n'), streams)?;
                }
                Action::Append(text) => self.waiting.push(Waiting::Text(text)),
                Action::Branch(to) => at = *to,
                Action::BranchIfChanged(to) => {
                    if std::mem::take(&mut self.changed) {
                        at = *to;
                    }
                }
                Action::BranchUnlessChanged(to) => {
                    if !std::mem::take(&mut self.changed) {
                        at = *to;
                    }
                }
                Action::Change(text) => {
                    let inside = match &command.addresses {
                        Addresses::Range(_, _, index) if !command.negated => !matches!(self.ranges[*index], Inside::No),
                        _ => false,
                    };
                    if !inside {
                        self.outputs.write_text(text, streams)?;
                    }
                    return Ok(Cycle::Deleted);
                }
                Action::Delete => return Ok(Cycle::Deleted),
                Action::DeleteFirst => match self.pattern_space.iter().position(|byte| *byte == self.end) {
                    Some(end) => {
                        self.pattern_space.drain(..=end);
                        return Ok(Cycle::Kept);
                    }
                    None => return Ok(Cycle::Deleted),
                },
                Action::FileName => {
                    let name = self.input.name.clone();
                    self.outputs.write(name.as_encoded_bytes(), Some(self.end), streams)?;
                }
                Action::Get => {
                    self.pattern_space.clone_from(&self.hold_space);
                    self.complete = self.hold_complete;
                }
                Action::GetAppend => {
                    self.pattern_space.push(self.end);
                    self.pattern_space.extend(&self.hold_space);
                    self.complete = self.hold_complete;
                    self.check_size()?;
                }
                Action::Hold => {
                    self.hold_space.clone_from(&self.pattern_space);
                    self.hold_complete = self.complete;
                }
                Action::HoldAppend => {
                    self.hold_space.push(self.end);
                    self.hold_space.extend(&self.pattern_space);
                    self.hold_complete = self.complete;
                    self.check_size()?;
                }
                Action::Insert(text) => self.outputs.write_text(text, streams)?,
                Action::List(length) => {
                    let text = listed(&self.pattern_space, length.unwrap_or(self.settings.line_length));
                    self.outputs.write(&text, Some(b'\n'), streams)?;
                }
                Action::Next => {
                    if self.input.is_last(streams) {
                        return Ok(Cycle::End);
                    }
                    if !self.settings.quiet {
                        self.print(streams)?;
                    }
                    self.flush_waiting(streams)?;
                    self.pattern_space.clear();
                    if !self.next_line(streams)? {
                        return Ok(Cycle::Deleted);
                    }
                }
                Action::NextAppend => {
                    if self.input.is_last(streams) {
                        return Ok(Cycle::End);
                    }
                    self.flush_waiting(streams)?;
                    self.pattern_space.push(self.end);
                    if !self.next_line(streams)? {
                        return Ok(Cycle::End);
                    }
                }
                Action::Print => self.print(streams)?,
                Action::PrintFirst => {
                    let text = self.first_line().to_vec();
                    self.outputs.write(&text, Some(self.end), streams)?;
                }
                Action::Quit(status) => return Ok(Cycle::Quit(*status)),
                Action::QuitSilently(status) => return Ok(Cycle::QuitSilently(*status)),
                Action::ReadFile(name) => self.waiting.push(Waiting::File(name)),
                Action::ReadLine(name) => {
                    let mut line = vec![];
                    if self.input.line_of(name, &mut line) {
                        self.waiting.push(Waiting::Line(line));
                    }
                }
                Action::Substitute(command) => {
                    let pattern = self.pattern(&command.pattern)?;
                    let mut result = std::mem::take(&mut self.result);
                    let replaced = substitute(command, &pattern, &self.pattern_space, &mut result, &mut self.groups)?;
                    if replaced {
                        std::mem::swap(&mut self.pattern_space, &mut result);
                        self.changed = true;
                    }
                    self.result = result;
                    if replaced {
                        self.check_size()?;
                        if command.print {
                            self.print(streams)?;
                        }
                        if let Some(file) = command.write {
                            self.outputs.write_to(file, &self.pattern_space, Some(self.end), streams)?;
                        }
                    }
                }
                Action::Write(file) => {
                    self.outputs.write_to(*file, &self.pattern_space, Some(self.end), streams)?;
                }
                Action::WriteFirst(file) => {
                    let text = self.first_line().to_vec();
                    self.outputs.write_to(*file, &text, Some(self.end), streams)?;
                }
                Action::Exchange => {
                    std::mem::swap(&mut self.pattern_space, &mut self.hold_space);
                    std::mem::swap(&mut self.complete, &mut self.hold_complete);
                }
                Action::Translate(pairs) => self.pattern_space = translated(&self.pattern_space, pairs),
                Action::Zap => self.pattern_space.clear(),
            }
        }
        Ok(Cycle::End)
    }

    fn pattern(&mut self, pattern: &Match) -> Result<Rc<Pattern>, Stop> {
        if let Some(pattern) = pattern {
            self.last_pattern = Some(Rc::clone(pattern));
        }
        self.last_pattern.clone().ok_or_else(|| Stop::Message("no previous regular expression".to_owned()))
    }

    fn matches(&mut self, pattern: &Match) -> Result<bool, Stop> {
        let pattern = self.pattern(pattern)?;
        Ok(pattern.is_match(&self.pattern_space)?)
    }

    fn is_at(&mut self, address: &Address, streams: &mut Streams<'_>) -> Result<bool, Stop> {
        let number = self.input.number;
        Ok(match address {
            Address::Line(line) => number == *line,
            Address::Step(first, 0) => number == *first,
            Address::Step(first, step) => number >= *first && (number - first).is_multiple_of(*step),
            Address::Last => self.input.is_last(streams),
            Address::Match(pattern) => self.matches(pattern)?,
            Address::Zero => false,
        })
    }

    fn selects(&mut self, command: &Command, streams: &mut Streams<'_>) -> Result<bool, Stop> {
        let (first, last, index) = match &command.addresses {
            Addresses::All => return Ok(true),
            Addresses::One(address) => return self.is_at(address, streams),
            Addresses::Range(first, last, index) => (first, last, *index),
        };
        let number = self.input.number;
        match self.ranges[index] {
            Inside::Yes => {
                let ends = match last {
                    End::Last => self.input.is_last(streams),
                    End::Match(pattern) => self.matches(pattern)?,
                    _ => true,
                };
                if ends {
                    self.ranges[index] = Inside::No;
                }
                return Ok(true);
            }
            Inside::UpTo(end) => {
                if number >= end {
                    self.ranges[index] = Inside::No;
                }
                if number <= end {
                    return Ok(true);
                }
            }
            Inside::No => {}
        }
        if !self.is_at(first, streams)? {
            return Ok(false);
        }
        let end = match last {
            End::Line(line) => *line,
            End::After(count) => number.saturating_add(*count),
            End::Multiple(0) => number,
            End::Multiple(of) => number.next_multiple_of(*of),
            End::Last if self.input.is_last(streams) => number,
            End::Last | End::Match(_) => {
                self.ranges[index] = Inside::Yes;
                return Ok(true);
            }
        };
        if end > number {
            self.ranges[index] = Inside::UpTo(end);
        }
        Ok(true)
    }
}

fn translated(text: &[u8], pairs: &[(char, char)]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        for character in chunk.valid().chars() {
            let put = pairs.iter().find(|(from, _)| *from == character).map_or(character, |(_, to)| *to);
            result.extend(put.encode_utf8(&mut [0; 4]).as_bytes());
        }
        result.extend(chunk.invalid());
    }
    result
}

/// The text as `l` shows it.
fn listed(text: &[u8], length: usize) -> Vec<u8> {
    let mut result = vec![];
    let mut column = 0;
    for &byte in text {
        let piece = match byte {
            b'\\' => "\\\\".to_owned(),
            7 => "\\a".to_owned(),
            8 => "\\b".to_owned(),
            12 => "\\f".to_owned(),
            b'\n' => "\\n".to_owned(),
            b'\r' => "\\r".to_owned(),
            b'\t' => "\\t".to_owned(),
            11 => "\\v".to_owned(),
            b' '..=b'~' => char::from(byte).to_string(),
            other => format!("\\{other:03o}"),
        };
        if length > 1 && column + piece.len() > length - 1 {
            result.extend(b"\\\n");
            column = 0;
        }
        column += piece.len();
        result.extend(piece.as_bytes());
    }
    result.push(b'$');
    result
}
