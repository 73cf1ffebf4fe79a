use stepbox_system::{ExitStatus, error_text};

use super::show;
use crate::eval::{Flow, Shell};
use crate::line_reader::LineReader;
use crate::parse::is_name;

/// How long a line may be, in bytes.
const MAX_LINE: usize = 16 << 20;

/// `read [-rs] [-p PROMPT] [-d DELIMITER] [-n CHARACTERS] [NAME]…`. No more than a line is taken: what stands behind it belongs to the next reader.
pub(super) fn read(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let Options { raw, delimiter, most, names } = match options(&words[1..]) {
        Ok(options) => options,
        Err(message) => return Err(shell.fatal(&format!("read: {message}"))),
    };
    let default = [b"REPLY".to_vec()];
    let names = if names.is_empty() { &default[..] } else { names };
    if let Some(bad) = names.iter().find(|name| !is_name(name)) {
        return Err(shell.fatal(&format!("read: {}: bad variable name", show(bad))));
    }
    let Some(input) = shell.state.files.get(&0).cloned() else {
        shell.complain("read: 0: Bad file descriptor");
        return Ok(ExitStatus::FAILURE);
    };
    let mut line: Vec<(u8, bool)> = vec![];
    let mut escaped = false;
    let mut status = ExitStatus::SUCCESS;
    let mut reader = LineReader::new(&input, shell.cancel());
    loop {
        let byte = match reader.next() {
            Ok(Some(byte)) => byte,
            Ok(None) => {
                status = ExitStatus::FAILURE;
                break;
            }
            Err(error) => {
                shell.check_cancelled()?;
                shell.complain(&format!("read: {}", error_text(&error)));
                return Ok(ExitStatus::FAILURE);
            }
        };
        match byte {
            byte if byte == delimiter && !escaped => break,
            // A backslash before a newline joins the lines.
            b'\n' if escaped => escaped = false,
            b'\\' if !raw && !escaped => escaped = true,
            0 => {}
            byte => {
                line.push((byte, escaped));
                escaped = false;
            }
        }
        if most.is_some_and(|most| line.len() >= most && !escaped) {
            break;
        }
        if line.len() > MAX_LINE {
            return Err(shell.fatal(&format!("read: a line is longer than {MAX_LINE} bytes")));
        }
    }
    drop(reader);
    let separators = shell.field_separators();
    let values = split(&line, &separators, names.len());
    for (name, value) in names.iter().zip(values) {
        if let Err(message) = shell.assign(name, value) {
            return Err(shell.fatal(&message));
        }
    }
    Ok(status)
}

struct Options<'a> {
    raw: bool,
    delimiter: u8,
    /// How many bytes at most.
    most: Option<usize>,
    names: &'a [Vec<u8>],
}

/// What a line is read by, or what is wrong with the words.
fn options(mut words: &[Vec<u8>]) -> Result<Options<'_>, String> {
    let (mut raw, mut delimiter, mut most) = (false, b'\n', None);
    while let Some((first, rest)) = words.split_first() {
        if first.len() < 2 || first[0] != b'-' {
            break;
        }
        words = rest;
        if first == b"--" {
            break;
        }
        let mut letters = &first[1..];
        while let Some((letter, behind)) = letters.split_first() {
            letters = behind;
            match letter {
                b'r' => raw = true,
                // There is no terminal whose echo could be off.
                b's' => {}
                b'p' | b'd' | b'n' => {
                    let value = if behind.is_empty() {
                        let Some((value, rest)) = words.split_first() else {
                            return Err(format!("No arg for -{} option", char::from(*letter)));
                        };
                        words = rest;
                        value
                    } else {
                        behind
                    };
                    match letter {
                        b'd' => delimiter = value.first().copied().unwrap_or(0),
                        b'n' => {
                            let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                            most = Some(number.ok_or_else(|| format!("Illegal number: {}", show(value)))?);
                        }
                        // A prompt is for terminals.
                        _ => {}
                    }
                    break;
                }
                letter => return Err(format!("Illegal option -{}", char::from(*letter))),
            }
        }
    }
    Ok(Options { raw, delimiter, most, names: words })
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
