use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read, Write};

use stepbox_tool::options::{flag, parse};
use stepbox_tool::{Streams, fail};

/// How much is read at once, in bytes.
const BUFFER: usize = 128 << 10;

/// `cat`. Also what is no file is read: `/dev/stdin`, `/dev/null`, `/dev/fd/63` of a process substitution.
pub(crate) fn cat(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        flag('A', "show-all"),
        flag('b', "number-nonblank"),
        flag('e', ""),
        flag('E', "show-ends"),
        flag('n', "number"),
        flag('s', "squeeze-blank"),
        flag('t', ""),
        flag('T', "show-tabs"),
        flag('u', ""),
        flag('v', "show-nonprinting"),
    ];
    let mut parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("cat", &message, streams),
    };
    let any = |letters: &str| letters.chars().any(|letter| parsed.has(letter));
    let mut shown = Shown {
        ends: any("AeE"),
        tabs: any("AtT"),
        others: any("Aetv"),
        squeeze: any("s"),
        number: any("nb"),
        filled_only: any("b"),
        count: 0,
        at_start: true,
        empty: false,
        pending_return: false,
    };
    let plain = !any("AbeEnstTv");
    if parsed.operands.is_empty() {
        parsed.operands.push("-".into());
    }
    let mut buffer = vec![0; BUFFER];
    let mut status = 0;
    for name in &parsed.operands {
        let mut file = match open(name) {
            Ok(file) => file,
            Err(error) => {
                streams.complain("cat", name, &error);
                status = 1;
                continue;
            }
        };
        loop {
            let read = match &mut file {
                Some(file) => file.read(&mut buffer),
                None => streams.input.read(&mut buffer),
            };
            match read {
                Ok(0) => break,
                Ok(count) if plain => streams.output.write_all(&buffer[..count])?,
                Ok(count) => shown.write(&buffer[..count], streams.output)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    streams.complain("cat", name, &error);
                    status = 1;
                    break;
                }
            }
            // Whoever follows a slow pipe sees each piece when it comes.
            if file.is_none() {
                streams.output.flush()?;
            }
        }
    }
    shown.end(streams.output)?;
    Ok(status)
}

/// The file; nothing for standard input.
fn open(name: &OsStr) -> io::Result<Option<File>> {
    if name == "-" {
        return Ok(None);
    }
    if std::fs::metadata(name)?.is_dir() {
        return Err(io::Error::other("Is a directory"));
    }
    File::open(name).map(Some)
}

/// How lines are shown, and where in them we are.
struct Shown {
    ends: bool,
    tabs: bool,
    others: bool,
    squeeze: bool,
    number: bool,
    filled_only: bool,
    count: u64,
    at_start: bool,
    /// The line before was empty.
    empty: bool,
    /// A carriage return was read, of which it is not known whether the line ends.
    pending_return: bool,
}

impl Shown {
    fn write(&mut self, data: &[u8], output: &mut dyn Write) -> io::Result<()> {
        for &byte in data {
            if std::mem::take(&mut self.pending_return) {
                output.write_all(if byte == b'\n' { b"^M" } else { b"\r" })?;
            }
            if self.at_start {
                let empty = byte == b'\n';
                if self.squeeze && empty && self.empty {
                    continue;
                }
                self.empty = empty;
                if self.number && !(self.filled_only && empty) {
                    self.count += 1;
                    write!(output, "{:6}\t", self.count)?;
                }
            }
            self.at_start = byte == b'\n';
            match byte {
                b'\n' if self.ends => output.write_all(b"$\n")?,
                b'\n' => output.write_all(b"\n")?,
                b'\t' if self.tabs => output.write_all(b"^I")?,
                b'\t' => output.write_all(b"\t")?,
                // With -E alone too, a carriage return before the end of a line is shown.
                b'\r' if self.ends && !self.others => self.pending_return = true,
                _ if self.others => self.visible(byte, output)?,
                _ => output.write_all(&[byte])?,
            }
        }
        Ok(())
    }

    fn visible(&self, byte: u8, output: &mut dyn Write) -> io::Result<()> {
        let (prefix, low) = if byte >= 128 { ("M-", byte - 128) } else { ("", byte) };
        output.write_all(prefix.as_bytes())?;
        match low {
            0..32 => output.write_all(&[b'^', low + 64]),
            127 => output.write_all(b"^?"),
            _ => output.write_all(&[low]),
        }
    }

    fn end(&mut self, output: &mut dyn Write) -> io::Result<()> {
        if std::mem::take(&mut self.pending_return) { output.write_all(b"\r") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with GNU cat 9.1.
        let (cases, input) = (include_str!("cat/cases.txt"), include_bytes!("cat/input.txt"));
        stepbox_tool::testing::compare(crate::find_tool, cases, input);
    }

    #[test]
    fn what_is_no_file_is_read_too() {
        assert_eq!(crate::testing::run(&["cat", "/dev/null", "-"], "x"), ("x".to_owned(), String::new(), 0));
        let (output, errors, status) = crate::testing::run(&["cat", "/nowhere", "-", "/"], "x");
        let messages = "cat: /nowhere: No such file or directory\ncat: /: Is a directory\n";
        assert_eq!((output.as_str(), errors.as_str(), status), ("x", messages, 1));
    }
}
