use std::ffi::OsString;
use std::io;

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, fail, read_whole};

/// `tac`: `-b -s`.
pub(crate) fn reverse(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let mut parsed = match parse(arguments, &[flag('b', "before"), valued('s', "separator")]) {
        Ok(parsed) => parsed,
        Err(message) => return fail("tac", &message, streams),
    };
    let separator = match parsed.value('s') {
        Some("") => b"\0".to_vec(),
        Some(text) => text.as_bytes().to_vec(),
        None => b"\n".to_vec(),
    };
    let before = parsed.has('b');
    if parsed.operands.is_empty() {
        parsed.operands.push("-".into());
    }
    let mut status = 0;
    for name in &parsed.operands {
        match read_whole(name.as_encoded_bytes(), streams.input) {
            Ok(data) => pieces(&data, &separator, before, streams.output)?,
            Err(error) => {
                streams.complain("tac", name, &error);
                status = 1;
            }
        }
    }
    Ok(status)
}

/// Writes the pieces of a text, the last one first; the separator stands at the end of each, or at its beginning.
fn pieces(data: &[u8], separator: &[u8], before: bool, output: &mut dyn io::Write) -> io::Result<()> {
    let mut end = data.len();
    let mut search = if before { end } else { end.saturating_sub(separator.len()) };
    while let Some(at) = memchr::memmem::rfind(&data[..search], separator) {
        let start = if before { at } else { at + separator.len() };
        output.write_all(&data[start..end])?;
        (end, search) = (start, at);
    }
    output.write_all(&data[..end])
}

#[cfg(test)]
mod tests {
    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with GNU tac 9.1.
        stepbox_tool::testing::compare(crate::find_tool, include_str!("reverse/cases.txt"), b"one\ntwo\n\nthree");
    }
}
