use std::ffi::OsString;
use std::io;

use stepbox_tool::Streams;

/// `true`.
pub(crate) fn success(_: &[OsString], _: &mut Streams<'_>) -> io::Result<i32> {
    Ok(0)
}

/// `false`.
pub(crate) fn failure(_: &[OsString], _: &mut Streams<'_>) -> io::Result<i32> {
    Ok(1)
}

/// `echo`: `-n`, `-e`, `-E`; anything else is text.
pub(crate) fn echo(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let (mut newline, mut escapes) = (true, false);
    let mut words = arguments.iter().skip(1).map(|word| word.as_encoded_bytes()).peekable();
    while let Some(word) = words
        .next_if(|word| word.len() > 1 && word[0] == b'-' && word[1..].iter().all(|letter| b"neE".contains(letter)))
    {
        for letter in &word[1..] {
            match letter {
                b'n' => newline = false,
                b'e' => escapes = true,
                _ => escapes = false,
            }
        }
    }
    let mut line = vec![];
    let mut first = true;
    for word in words {
        if !std::mem::take(&mut first) {
            line.push(b' ');
        }
        if !escapes {
            line.extend(word);
        } else if !escaped(word, &mut line) {
            newline = false;
            break;
        }
    }
    if newline {
        line.push(b'\n');
    }
    streams.output.write_all(&line)?;
    Ok(0)
}

/// Adds a word with its escapes; whether output goes on.
fn escaped(word: &[u8], line: &mut Vec<u8>) -> bool {
    let mut rest = word;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        let (b'\\', Some((&escape, after))) = (byte, rest.split_first()) else {
            line.push(byte);
            continue;
        };
        rest = after;
        let mut number = |base: u32, most: usize| {
            let mut value = None;
            for _ in 0..most {
                let Some(digit) = rest.first().and_then(|byte| char::from(*byte).to_digit(base)) else { break };
                value = Some(value.unwrap_or(0) * base + digit);
                rest = &rest[1..];
            }
            value.map(|value| (value & 0xff) as u8)
        };
        let meant = match escape {
            b'a' => 7,
            b'b' => 8,
            b'c' => return false,
            b'e' => 27,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'\\' => b'\\',
            b'0' => number(8, 3).unwrap_or(0),
            b'x' => match number(16, 2) {
                Some(value) => value,
                None => {
                    line.push(b'\\');
                    escape
                }
            },
            b'1'..=b'7' => {
                // The digit itself is part of the number.
                let first = u32::from(escape - b'0');
                let mut value = first;
                for _ in 0..2 {
                    let Some(digit) = rest.first().and_then(|byte| char::from(*byte).to_digit(8)) else { break };
                    value = value * 8 + digit;
                    rest = &rest[1..];
                }
                (value & 0xff) as u8
            }
            other => {
                line.push(b'\\');
                other
            }
        };
        line.push(meant);
    }
    true
}

#[cfg(test)]
mod tests {
    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with GNU echo 9.1.
        stepbox_tool::testing::compare(crate::find_tool, include_str!("echo/cases.txt"), b"");
    }
}
