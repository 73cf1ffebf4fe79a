use std::time::Duration;

use stepbox_system::{CancelToken, ExitStatus, Interest, OpenFile, error_text};

use super::letters::Letters;
use super::show;
use super::timeout::Timeout;
use crate::config::Mode;
use crate::eval::{Flow, Shell};
use crate::line_reader::LineReader;
use crate::variables::split_reference;

/// How long a line may be, in bytes.
const MAX_LINE: usize = 16 << 20;

/// `read [-rs] [-p PROMPT] [-d DELIMITER] [-n CHARACTERS] [-t SECONDS] [-u DESCRIPTOR] [NAME]…`, in bash also `[-a ARRAY]
/// [-N CHARACTERS]`. No more than a line is taken: what stands behind it belongs to the next reader.
pub(super) fn read(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let options = match options(&words[1..], shell.context.mode) {
        Ok(options) => options,
        Err(message) => return Err(shell.fatal(&format!("read: {message}"))),
    };
    let bad = options.names.iter().chain(&options.array).find(|name| match shell.context.mode {
        Mode::Sh => !crate::parse::is_name(name),
        Mode::Bash => split_reference(name).is_none(),
    });
    if let Some(bad) = bad {
        return Err(shell.fatal(&format!("read: {}: bad variable name", show(bad))));
    }
    let Some(input) = shell.state.files.get(&options.descriptor).cloned() else {
        shell.complain(&format!("read: {}: Bad file descriptor", options.descriptor));
        return Ok(ExitStatus::FAILURE);
    };
    if let Some(prompt) = options.prompt.as_ref().filter(|_| input.is_terminal()) {
        shell.print_error(prompt);
    }
    if options.timeout == Some(Duration::ZERO) {
        let ready = input.is_ready_now(Interest::Read);
        return Ok(if ready { ExitStatus::SUCCESS } else { ExitStatus::FAILURE });
    }
    let timeout = options.timeout.map(|patience| Timeout::start(shell.cancel(), patience));
    let cancel = timeout.as_ref().map_or(shell.cancel(), Timeout::token).clone();
    let (line, end) = take(&input, &cancel, &options);
    let status = match end {
        End::Whole => ExitStatus::SUCCESS,
        End::Input => ExitStatus::FAILURE,
        End::TooLong => return Err(shell.fatal(&format!("read: a line is longer than {MAX_LINE} bytes"))),
        End::Failed(error) => {
            shell.check_cancelled()?;
            if timeout.is_some_and(|timeout| timeout.is_over()) {
                ExitStatus::new(142)
            } else {
                shell.complain(&format!("read: {}", error_text(&error)));
                return Ok(ExitStatus::FAILURE);
            }
        }
    };
    let separators = shell.field_separators().into_owned();
    if let Some(array) = &options.array {
        let fields = crate::expand::split_line(&line, &separators);
        return Ok(report(shell, status, |shell| shell.set_indexed(array, fields)));
    }
    let text = |units: &[(u8, bool)]| units.iter().map(|(byte, _)| *byte).collect::<Vec<u8>>();
    if options.names.is_empty() {
        // Nothing is taken off where no variable is named.
        return Ok(report(shell, status, |shell| shell.assign(b"REPLY", text(&line))));
    }
    let values = match options.exact {
        true => {
            let mut values = vec![vec![]; options.names.len()];
            values[0] = text(&line);
            values
        }
        false => split(&line, &separators, options.names.len()),
    };
    let mut status = status;
    for (name, value) in options.names.iter().zip(values) {
        if shell.context.mode == Mode::Sh {
            if let Err(message) = shell.assign(name, value) {
                return Err(shell.fatal(&message));
            }
        } else {
            status = report(shell, status, |shell| shell.assign_reference(name, value));
        }
    }
    Ok(status)
}

/// The status, or that of an assignment that fails.
fn report(shell: &mut Shell, status: ExitStatus, assign: impl FnOnce(&mut Shell) -> Result<(), String>) -> ExitStatus {
    match assign(shell) {
        Ok(()) => status,
        Err(message) => {
            shell.complain(&format!("read: {message}"));
            ExitStatus::FAILURE
        }
    }
}

/// Why reading ended.
enum End {
    /// At the delimiter, or with as many characters as were asked for.
    Whole,
    Input,
    TooLong,
    Failed(std::io::Error),
}

/// Takes a line: its bytes, and whether each was escaped.
fn take(input: &OpenFile, cancel: &CancelToken, options: &Options<'_>) -> (Vec<(u8, bool)>, End) {
    let mut line: Vec<(u8, bool)> = vec![];
    let mut escaped = false;
    let mut reader = LineReader::new(input, cancel);
    let mut characters = 0;
    // Bytes that are still to come of a character.
    let mut rest = 0;
    if options.most == Some(0) {
        return (line, End::Whole);
    }
    loop {
        let byte = match reader.next() {
            Ok(Some(byte)) => byte,
            Ok(None) => return (line, End::Input),
            Err(error) => return (line, End::Failed(error)),
        };
        match byte {
            byte if byte == options.delimiter && !escaped && !options.exact => return (line, End::Whole),
            // A backslash before a newline joins the lines.
            b'\n' if escaped => {
                escaped = false;
                continue;
            }
            b'\\' if !options.raw && !escaped => {
                escaped = true;
                continue;
            }
            0 => continue,
            byte => {
                line.push((byte, escaped));
                escaped = false;
                rest = match byte {
                    0x80..=0xbf if rest > 0 => rest - 1,
                    0xc2..=0xdf => 1,
                    0xe0..=0xef => 2,
                    0xf0..=0xf4 => 3,
                    _ => 0,
                };
                characters += usize::from(rest == 0);
            }
        }
        if options.most.is_some_and(|most| characters >= most) {
            return (line, End::Whole);
        }
        if line.len() > MAX_LINE {
            return (line, End::TooLong);
        }
    }
}

struct Options<'a> {
    raw: bool,
    delimiter: u8,
    /// How many characters at most.
    most: Option<usize>,
    /// `-N`: as many, whatever they are, and not split.
    exact: bool,
    descriptor: u32,
    timeout: Option<Duration>,
    prompt: Option<Vec<u8>>,
    array: Option<Vec<u8>>,
    names: &'a [Vec<u8>],
}

/// What a line is read by, or what is wrong with the words.
fn options(words: &[Vec<u8>], mode: Mode) -> Result<Options<'_>, String> {
    let mut options = Options {
        raw: false,
        delimiter: b'\n',
        most: None,
        exact: false,
        descriptor: 0,
        timeout: None,
        prompt: None,
        array: None,
        names: &[],
    };
    let mut letters = Letters::of(words);
    while let Some(letter) = letters.next() {
        match letter {
            b'r' => options.raw = true,
            // There is no terminal whose echo could be off, nor one that lines are edited on.
            b's' => {}
            b'e' if mode == Mode::Bash => {}
            b'p' | b'd' | b'n' | b't' | b'u' => value_of(&mut options, letter, &mut letters)?,
            b'a' | b'N' | b'i' if mode == Mode::Bash => value_of(&mut options, letter, &mut letters)?,
            letter => return Err(format!("Illegal option -{}", char::from(letter))),
        }
    }
    options.names = letters.operands();
    Ok(options)
}

/// An option with a value.
fn value_of(options: &mut Options<'_>, letter: u8, letters: &mut Letters<'_>) -> Result<(), String> {
    let value = letters.value().ok_or_else(|| format!("No arg for -{} option", char::from(letter)))?;
    let text = std::str::from_utf8(value).map_err(|_| format!("Illegal number: {}", show(value)));
    match letter {
        b'd' => options.delimiter = value.first().copied().unwrap_or(0),
        b'a' => options.array = Some(value.to_vec()),
        b'p' => options.prompt = Some(value.to_vec()),
        b'n' | b'N' => {
            options.most = Some(text?.parse().map_err(|_| format!("Illegal number: {}", show(value)))?);
            options.exact = letter == b'N';
        }
        b'u' => options.descriptor = text?.parse().map_err(|_| format!("{}: invalid file descriptor", show(value)))?,
        b't' => {
            let seconds: Option<f64> = text?.parse().ok();
            let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
            options.timeout = Some(timeout.ok_or_else(|| format!("{}: invalid timeout specification", show(value)))?);
        }
        // A text to begin editing with.
        _ => {}
    }
    Ok(())
}

/// Splits a line for `names` variables; the last takes the rest (XCU read).
fn split(line: &[(u8, bool)], separators: &[u8], names: usize) -> Vec<Vec<u8>> {
    let separates = |(byte, escaped): (u8, bool)| !escaped && separators.contains(&byte);
    let blank = |unit: (u8, bool)| separates(unit) && matches!(unit.0, b' ' | b'\t' | b'\n');
    let mut at = 0;
    let mut values = vec![];
    while at < line.len() && blank(line[at]) {
        at += 1;
    }
    while values.len() + 1 < names {
        let begin = at;
        while at < line.len() && !separates(line[at]) {
            at += 1;
        }
        values.push(line[begin..at].iter().map(|(byte, _)| *byte).collect());
        while at < line.len() && blank(line[at]) {
            at += 1;
        }
        if at < line.len() && separates(line[at]) {
            at += 1;
            while at < line.len() && blank(line[at]) {
                at += 1;
            }
        }
    }
    let mut rest = &line[at..];
    while rest.last().is_some_and(|unit| blank(*unit)) {
        rest = &rest[..rest.len() - 1];
    }
    // A single separator at the end of the last field ends it.
    if let Some((last, mut before)) = rest.split_last()
        && separates(*last)
    {
        while before.last().is_some_and(|unit| blank(*unit)) {
            before = &before[..before.len() - 1];
        }
        if !before.iter().any(|unit| separates(*unit)) {
            rest = before;
        }
    }
    values.push(rest.iter().map(|(byte, _)| *byte).collect());
    values
}
