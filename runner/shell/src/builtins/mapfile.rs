use std::sync::Arc;

use stepbox_system::{ExitStatus, error_text};

use super::letters::Letters;
use super::show;
use crate::eval::{Flow, Shell};
use crate::line_reader::LineReader;
use crate::parse::is_name;
use crate::variables::{Indexed, Kind, Value};

struct Options {
    delimiter: u8,
    /// How many lines at most; 0 for all.
    most: u64,
    origin: Option<u64>,
    skip: u64,
    strip: bool,
    descriptor: u32,
    name: Vec<u8>,
}

/// `mapfile [-t] [-d DELIMITER] [-n COUNT] [-O ORIGIN] [-s COUNT] [-u DESCRIPTOR] [ARRAY]`
pub(super) fn mapfile(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let command = show(&words[0]);
    let options = match options(&words[1..]) {
        Ok(options) => options,
        Err((message, status)) => {
            shell.complain(&format!("{command}: {message}"));
            return Ok(status);
        }
    };
    let name = shell.referred(&options.name).to_vec();
    if shell.kind(&name) == Kind::Associative {
        shell.complain(&format!("{command}: {}: not an indexed array", show(&name)));
        return Ok(ExitStatus::FAILURE);
    }
    let Some(input) = shell.state.files.get(&options.descriptor).cloned() else {
        shell.complain(&format!("{command}: {}: invalid file descriptor: Bad file descriptor", options.descriptor));
        return Ok(ExitStatus::FAILURE);
    };
    let old = options.origin.and_then(|_| shell.state.variables.get(&name)).map(|variable| variable.value.clone());
    let mut array = match old {
        Some(Value::Indexed(array)) => Arc::unwrap_or_clone(array),
        Some(Value::Text(text)) => [text].into_iter().collect(),
        _ => Indexed::default(),
    };
    let (limit, cancel) = (shell.limits().variables, shell.cancel().clone());
    let mut reader = LineReader::new(&input, &cancel);
    let (mut number, mut bytes) = (0u64, 0usize);
    let origin = options.origin.unwrap_or(0);
    let mut line = vec![];
    while options.most == 0 || number < options.skip.saturating_add(options.most) {
        match reader.until(options.delimiter, &mut line, limit) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                drop(reader);
                shell.check_cancelled()?;
                shell.complain(&format!("{command}: {}", error_text(&error)));
                return Ok(ExitStatus::FAILURE);
            }
        }
        if number >= options.skip {
            if options.strip && line.last() == Some(&options.delimiter) {
                line.pop();
            }
            // A variable holds what stands before a NUL.
            line.truncate(line.iter().position(|byte| *byte == 0).unwrap_or(line.len()));
            bytes += line.len() + 32;
            if bytes > limit {
                return Err(shell.fatal(&format!("{command}: the variables are larger than {limit} bytes")));
            }
            array.set(origin.saturating_add(number - options.skip), std::mem::take(&mut line));
        } else {
            line.clear();
        }
        number += 1;
    }
    drop(reader);
    if let Err(message) = shell.set_array(&name, Value::Indexed(Arc::new(array))) {
        shell.complain(&format!("{command}: {message}"));
        return Ok(ExitStatus::FAILURE);
    }
    Ok(ExitStatus::SUCCESS)
}

fn options(words: &[Vec<u8>]) -> Result<Options, (String, ExitStatus)> {
    let mut options = Options {
        delimiter: b'\n',
        most: 0,
        origin: None,
        skip: 0,
        strip: false,
        descriptor: 0,
        name: b"MAPFILE".to_vec(),
    };
    let mut letters = Letters::of(words);
    while let Some(letter) = letters.next() {
        match letter {
            b't' => {
                options.strip = true;
                continue;
            }
            b'C' | b'c' => {
                let message = format!("-{}: callbacks are not supported", char::from(letter));
                return Err((message, ExitStatus::USAGE));
            }
            b'd' | b'n' | b'O' | b's' | b'u' => {}
            letter => return Err((format!("-{}: invalid option", char::from(letter)), ExitStatus::USAGE)),
        }
        let Some(value) = letters.value() else {
            let message = format!("-{}: option requires an argument", char::from(letter));
            return Err((message, ExitStatus::USAGE));
        };
        let number: Option<u64> = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        let wrong = |what: &str| (format!("{}: invalid {what}", show(value)), ExitStatus::FAILURE);
        match letter {
            b'd' => options.delimiter = value.first().copied().unwrap_or(0),
            b'n' => options.most = number.ok_or_else(|| wrong("line count"))?,
            b'O' => options.origin = Some(number.ok_or_else(|| wrong("array origin"))?),
            b's' => options.skip = number.ok_or_else(|| wrong("line count"))?,
            _ => {
                let descriptor = number.and_then(|number| u32::try_from(number).ok());
                options.descriptor = descriptor.ok_or_else(|| wrong("file descriptor specification"))?;
            }
        }
    }
    if let Some(name) = letters.operands().first() {
        if !is_name(name) {
            return Err((format!("`{}': not a valid identifier", show(name)), ExitStatus::FAILURE));
        }
        options.name = name.clone();
    }
    Ok(options)
}
