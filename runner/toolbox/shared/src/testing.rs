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
