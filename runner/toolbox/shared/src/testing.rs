//! Calls of commands, for the tests of the families.

use std::ffi::OsString;

use crate::{Find, Streams};

/// Runs a command of a family: its output, errors and status, all as bytes.
///
/// # Panics
/// Where the family has no such command.
pub fn run_bytes(find: Find, words: &[&str], input: &[u8]) -> (Vec<u8>, Vec<u8>, i32) {
    let arguments: Vec<OsString> = words.iter().map(OsString::from).collect();
    let (mut output, mut errors) = (vec![], vec![]);
    let mut input = input;
    let mut streams = Streams { input: &mut input, output: &mut output, errors: &mut errors };
    let tool = find(words[0], &arguments).unwrap_or_else(|| panic!("{} is no command of the family", words[0]));
    let status = tool(&arguments, &mut streams).unwrap_or_else(|error| panic!("{words:?}: {error}"));
    (output, errors, status)
}

/// The same as text; what is none is replaced.
///
/// # Panics
/// As [`run_bytes`].
pub fn run(find: Find, words: &[&str], input: &str) -> (String, String, i32) {
    let (output, errors, status) = run_bytes(find, words, input.as_bytes());
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (text(output), text(errors), status)
}

/// Runs recorded calls and compares their output and status with what the real tool gave. A call is a line `- word` for each of its
/// words, then `= status output`; backslashes escape.
///
/// # Panics
/// Where something differs.
pub fn compare(find: Find, cases: &str, input: &[u8]) {
    let mut words: Vec<String> = vec![];
    let mut wrong = vec![];
    for line in cases.lines() {
        if let Some(word) = line.strip_prefix("- ") {
            words.push(String::from_utf8_lossy(&unescaped(word)).into_owned());
        } else if let Some((status, output)) = line.strip_prefix("= ").and_then(|line| line.split_once(' ')) {
            let call: Vec<&str> = words.iter().map(String::as_str).collect();
            let (found, _, found_status) = run_bytes(find, &call, input);
            let expected = unescaped(output);
            if (found_status.to_string().as_str(), &found) != (status, &expected) {
                let (found, expected) = (String::from_utf8_lossy(&found), String::from_utf8_lossy(&expected));
                wrong.push(format!("{words:?}: {found_status} {found:?}, not {status} {expected:?}"));
            }
            words.clear();
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The bytes of a text with escapes, as in recorded calls.
pub fn unescaped(text: &str) -> Vec<u8> {
    let mut result = vec![];
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'\\', [b'n', after @ ..]) => (b'\n', after),
            (b'\\', [b't', after @ ..]) => (b'\t', after),
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
                (digit(*high) * 16 + digit(*low), after)
            }
            (b'\\', [escaped, after @ ..]) => (*escaped, after),
            _ => (byte, after),
        };
        result.push(byte);
        rest = after;
    }
    result
}
