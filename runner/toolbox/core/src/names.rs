//! `basename`, `dirname` and `pwd`.

use std::ffi::OsString;
use std::io;

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, fail};

/// `basename`: `-a -s -z`.
pub(crate) fn base_name(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    // Options stand before names: a name may begin with a hyphen only after `--`, but a suffix often does.
    let known = [flag('a', "multiple"), valued('s', "suffix"), flag('z', "zero")];
    let first = arguments.iter().skip(1).take_while(|word| word.as_encoded_bytes().starts_with(b"-")).count();
    let mut parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(_) if first == 0 => {
            stepbox_tool::options::Parsed { operands: arguments[1..].to_vec(), ..Default::default() }
        }
        Err(message) => return fail("basename", &message, streams),
    };
    let mut suffix = parsed.value('s').map(|suffix| suffix.as_bytes().to_vec()).unwrap_or_default();
    if !parsed.has('a') && !parsed.has('s') {
        match parsed.operands.as_slice() {
            [_] => {}
            [_, last] => {
                suffix = last.as_encoded_bytes().to_vec();
                parsed.operands.pop();
            }
            [] => return fail("basename", "missing operand", streams),
            [_, _, extra, ..] => {
                return fail("basename", &format!("extra operand '{}'", extra.to_string_lossy()), streams);
            }
        }
    }
    if parsed.operands.is_empty() {
        return fail("basename", "missing operand", streams);
    }
    let end: &[u8] = if parsed.has('z') { b"\0" } else { b"\n" };
    for operand in &parsed.operands {
        let path = operand.as_encoded_bytes();
        let name = match without_slashes(path) {
            b"" if !path.is_empty() => b"/",
            trimmed => trimmed.rsplit(|byte| *byte == b'/').next().unwrap_or_default(),
        };
        let name = name.strip_suffix(suffix.as_slice()).filter(|rest| !rest.is_empty()).unwrap_or(name);
        streams.output.write_all(name)?;
        streams.output.write_all(end)?;
    }
    Ok(0)
}

/// `dirname`: `-z`.
pub(crate) fn directory_name(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let parsed = match parse(arguments, &[flag('z', "zero")]) {
        Ok(parsed) => parsed,
        Err(message) => return fail("dirname", &message, streams),
    };
    if parsed.operands.is_empty() {
        return fail("dirname", "missing operand", streams);
    }
    let end: &[u8] = if parsed.has('z') { b"\0" } else { b"\n" };
    for operand in &parsed.operands {
        let trimmed = without_slashes(operand.as_encoded_bytes());
        let parent = match trimmed.iter().rposition(|byte| *byte == b'/') {
            Some(at) => match without_slashes(&trimmed[..at]) {
                b"" => b"/",
                parent => parent,
            },
            None if trimmed.is_empty() && !operand.is_empty() => b"/",
            None => b".",
        };
        streams.output.write_all(parent)?;
        streams.output.write_all(end)?;
    }
    Ok(0)
}

/// `pwd`: `-L -P`.
pub(crate) fn working_directory(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let parsed = match parse(arguments, &[flag('L', "logical"), flag('P', "physical")]) {
        Ok(parsed) => parsed,
        Err(message) => return fail("pwd", &message, streams),
    };
    let here = std::env::current_dir();
    let logical = parsed.options.last().is_some_and(|(letter, _)| *letter == 'L');
    match here.and_then(|path| if logical { Ok(path) } else { path.canonicalize() }) {
        Ok(path) => {
            writeln!(streams.output, "{}", path.display())?;
            Ok(0)
        }
        Err(error) => fail("pwd", &stepbox_tool::describe(&error), streams),
    }
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    &path[..end]
}

#[cfg(test)]
mod tests {
    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with GNU basename and dirname 9.1.
        stepbox_tool::testing::compare(crate::find_tool, include_str!("names/cases.txt"), b"");
    }
}
