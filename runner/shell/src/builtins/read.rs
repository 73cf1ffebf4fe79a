use stepbox_system::{ExitStatus, error_text};

use super::show;
use crate::eval::{Flow, Shell};
use crate::parse::is_name;

/// How long a line may be, in bytes.
const MAX_LINE: usize = 16 << 20;

/// `read [-r] [NAME]…`. Byte by byte, since what stands behind the line belongs to the next reader.
pub(super) fn read(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut raw = false;
    let mut names = &words[1..];
    while let Some((first, rest)) = names.split_first() {
        match first.as_slice() {
            b"-r" => raw = true,
            b"--" => {
                names = rest;
                break;
            }
            word if word.starts_with(b"-") && word.len() > 1 => {
                return Err(shell.fatal(&format!("read: Illegal option {}", show(word))));
            }
            _ => break,
        }
        names = rest;
    }
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
    loop {
        let mut byte = [0];
        match input.read(&mut byte, shell.cancel()) {
            Ok(0) => {
                status = ExitStatus::FAILURE;
                break;
            }
            Ok(_) => {}
            Err(error) => {
                shell.check_cancelled()?;
                shell.complain(&format!("read: {}", error_text(&error)));
                return Ok(ExitStatus::FAILURE);
            }
        }
        match byte[0] {
            b'\n' if !escaped => break,
            // A backslash before a newline joins the lines.
            b'\n' => escaped = false,
            b'\\' if !raw && !escaped => escaped = true,
            0 => {}
            byte => {
                line.push((byte, escaped));
                escaped = false;
            }
        }
        if line.len() > MAX_LINE {
            return Err(shell.fatal(&format!("read: a line is longer than {MAX_LINE} bytes")));
        }
    }
    let separators = shell.field_separators();
    let values = split(&line, &separators, names.len());
    for (name, value) in names.iter().zip(values) {
        if let Err(message) = shell.assign(name, value) {
            return Err(shell.fatal(&message));
        }
    }
    Ok(status)
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
    if let Some((last, before)) = rest.split_last()
        && separates(*last)
        && !before.iter().any(|unit| separates(*unit))
    {
        rest = before;
        while rest.last().is_some_and(|unit| blank(*unit)) {
            rest = &rest[..rest.len() - 1];
        }
    }
    values.push(rest.iter().map(|(byte, _)| *byte).collect());
    values
}
