use std::fs;
use std::io::{self, Read};

use crate::{Streams, describe};

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 64 << 20;

/// The text of a file, or of standard input for `-`. The error is a message.
pub(crate) fn read(path: &str, streams: &mut Streams<'_>) -> Result<String, String> {
    let mut data = vec![];
    let limited = |data: &mut Vec<u8>, source: &mut dyn Read| -> io::Result<bool> {
        source.take(MAX_BYTES + 1).read_to_end(data)?;
        Ok(data.len() as u64 <= MAX_BYTES)
    };
    let read = if path == "-" {
        limited(&mut data, &mut streams.input)
    } else {
        fs::File::open(path).and_then(|mut file| limited(&mut data, &mut file))
    };
    match read {
        Ok(true) => Ok(String::from_utf8_lossy(&data).into_owned()),
        Ok(false) => Err(format!("{path}: longer than {MAX_BYTES} bytes")),
        Err(error) => Err(format!("open {path}: {}", lower(&describe(&error)))),
    }
}

/// Errors as Go words them begin small.
fn lower(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_lowercase().chain(characters).collect())
}

/// Puts a text into a file that is there: completely or not at all, where the file's directory allows that.
pub(crate) fn replace(path: &str, text: &str) -> Result<(), String> {
    let told = |error: io::Error| format!("write {path}: {}", lower(&describe(&error)));
    // Not by renaming: the file keeps its mode, and links to it go on to mean it.
    fs::write(path, text).map_err(told)
}
