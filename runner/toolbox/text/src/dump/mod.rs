//! `xxd` and `hexdump`.

mod hexdump;
mod pattern;
mod xxd;

pub(crate) use hexdump::hexdump;
pub(crate) use xxd::xxd;

use std::fs::File;
use std::io::{self, Read};

use stepbox_tool::Streams;

/// The part of a file that is dumped: what stands before is skipped, and no more is read than asked, since devices have
/// no end. A negative offset counts from the end.
fn read_part(
    name: Option<&str>,
    skip: i64,
    most: Option<u64>,
    streams: &mut Streams<'_>,
) -> io::Result<(u64, Vec<u8>)> {
    let mut file;
    let input: &mut dyn Read = match name {
        None | Some("-") => &mut *streams.input,
        Some(name) => {
            file = File::open(name)?;
            &mut file
        }
    };
    let mut data = vec![];
    if let Ok(skip) = u64::try_from(skip) {
        let skipped = io::copy(&mut (&mut *input).take(skip), &mut io::sink())?;
        input.take(most.unwrap_or(u64::MAX)).read_to_end(&mut data)?;
        return Ok((skipped, data));
    }
    input.read_to_end(&mut data)?;
    let start = data.len().saturating_sub(usize::try_from(skip.unsigned_abs()).unwrap_or(usize::MAX));
    data.drain(..start);
    data.truncate(most.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX));
    Ok((start as u64, data))
}

/// A number in C's notation, with a suffix for its multiples where there is one.
fn number(text: &str) -> Option<i64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(text) => (-1, text),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, factor) = match text.chars().last()? {
        'k' | 'K' => (&text[..text.len() - 1], 1 << 10),
        'm' | 'M' => (&text[..text.len() - 1], 1 << 20),
        'b' if hexadecimal.is_none() => (&text[..text.len() - 1], 512),
        _ => (text, 1),
    };
    let value = match hexadecimal {
        Some(_) => i64::from_str_radix(&digits[2..], 16).ok()?,
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8).ok()?,
        None => digits.parse().ok()?,
    };
    value.checked_mul(factor * sign)
}

fn visible(byte: u8) -> char {
    if (32..127).contains(&byte) { char::from(byte) } else { '.' }
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    const INPUT: &[u8] = include_bytes!("input.bin");

    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with hexdump of util-linux 2.38 and xxd 2022-01-14.
        stepbox_tool::testing::compare(crate::find_tool, include_str!("cases.txt"), INPUT);
    }

    #[test]
    fn a_dump_is_read_back() {
        let call = |words: &[&str], input: &[u8]| stepbox_tool::testing::run_bytes(crate::find_tool, words, input).0;
        assert_eq!(call(&["xxd", "-r"], &call(&["xxd"], INPUT)), INPUT);
        assert_eq!(call(&["xxd", "-r", "-p"], &call(&["xxd", "-p"], INPUT)), INPUT);
        assert_eq!(call(&["xxd", "-r"], b"00000000: 4865 6c6c\n0000006: 41 42  x\n"), b"Hell\0\0AB");
    }

    #[test]
    fn no_more_is_read_than_asked() {
        assert_eq!(run(&["xxd", "-p", "-l", "4", "/dev/zero"], ""), ("00000000\n".to_owned(), String::new(), 0));
        assert_eq!(run(&["hexdump", "-n", "4", "-e", "4/1 \"%02x\"", "/dev/zero"], "").0, "00000000");
        assert_eq!(run(&["xxd", "-e"], "").1, "xxd: option `-e` is not supported\n");
    }
}
