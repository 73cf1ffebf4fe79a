use std::ffi::OsString;
use std::io;

use stepbox_tool::options::{flag, parse, valued};
use stepbox_tool::{Streams, describe, fail};

use super::pattern::Pattern;
use super::{number, read_part};

/// `hexdump`, `hd`: `-b -c -C -d -e -n -o -s -v -x`.
pub(crate) fn hexdump(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let known = [
        flag('b', "one-byte-octal"),
        flag('c', "one-byte-char"),
        flag('C', "canonical"),
        flag('d', "two-bytes-decimal"),
        valued('e', "format"),
        valued('n', "length"),
        flag('o', "two-bytes-octal"),
        valued('s', "skip"),
        flag('v', "no-squeezing"),
        flag('x', "two-bytes-hex"),
    ];
    let mut parsed = match parse(arguments, &known) {
        Ok(parsed) => parsed,
        Err(message) => return fail("hexdump", &message, streams),
    };
    if arguments.first().is_some_and(|name| name == "hd") {
        parsed.options.insert(0, ('C', String::new()));
    }
    let mut lines = vec![];
    for (letter, value) in &parsed.options {
        let texts: &[&str] = match letter {
            'b' => &["\"%07_ax \" 16/1 \"%03o \" \"\\n\""],
            'c' => &["\"%07_ax \" 16/1 \"%3_c \" \"\\n\""],
            'C' => &["\"%08_ax  \" 8/1 \"%02x \" \"  \" 8/1 \"%02x \" ", "\"  |\" 16/1 \"%_p\" \"|\\n\""],
            'd' => &["\"%07_ax \" 8/2 \"  %05u \" \"\\n\""],
            'o' => &["\"%07_ax \" 8/2 \" %06o \" \"\\n\""],
            'x' => &["\"%07_ax \" 8/2 \"   %04x \" \"\\n\""],
            'e' => &[value.as_str()],
            _ => &[],
        };
        for text in texts {
            match Pattern::new(text) {
                Some(pattern) => lines.push(pattern),
                None => return fail("hexdump", &format!("bad format {{{text}}}"), streams),
            }
        }
    }
    if lines.is_empty() {
        lines.extend(Pattern::new("\"%07_ax \" 8/2 \"%04x \" \"\\n\""));
    }
    let plain = !parsed.has('e');
    let places = if parsed.has('C') { 8 } else { 7 };
    let count = |letter: char| parsed.value(letter).map(|text| number(text).filter(|number| *number >= 0).ok_or(text));
    let (skip, most) = match (count('s').unwrap_or(Ok(0)), count('n').transpose()) {
        (Ok(skip), Ok(most)) => (skip, most.map(i64::unsigned_abs)),
        (Err(text), _) | (_, Err(text)) => return fail("hexdump", &format!("`{text}` is no number"), streams),
    };
    let (mut data, mut begin, mut status) = (vec![], 0, 0);
    if parsed.operands.is_empty() {
        parsed.operands.push("-".into());
    }
    // Several files are dumped as one.
    for name in &parsed.operands {
        let name = name.to_string_lossy();
        let (skip, most) = (skip - begin as i64, most.map(|most| most - data.len() as u64));
        match read_part(Some(&name), skip.max(0), most, streams) {
            Ok((skipped, part)) => {
                begin += skipped;
                data.extend(part);
            }
            Err(error) => {
                streams.say("hexdump", &format!("{name}: {}", describe(&error)));
                status = 1;
            }
        }
    }
    let size = lines.iter().map(Pattern::size).max().unwrap_or(0).max(1);
    let (mut previous, mut told) = (None, false);
    for (at, row) in data.chunks(size).enumerate() {
        if !parsed.has('v') && previous == Some(row) && row.len() == size {
            if !told {
                streams.output.write_all(b"*\n")?;
            }
            told = true;
            continue;
        }
        (previous, told) = (Some(row), false);
        let place = begin + (at * size) as u64;
        for line in &lines {
            streams.output.write_all(&line.format(row, place))?;
        }
    }
    if plain && !data.is_empty() {
        let end = begin + data.len() as u64;
        writeln!(streams.output, "{end:0places$x}")?;
    }
    Ok(status)
}
