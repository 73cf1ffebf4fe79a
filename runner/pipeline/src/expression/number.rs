//! Numbers as JavaScript writes and reads them.

use super::text::trim;

/// The shortest text that reads as the number again.
pub(super) fn format_number(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if number == 0.0 {
        return "0".to_owned();
    }
    // Rust gives the shortest digits too; only where the point stands and when the exponent shows differ.
    let shortest = format!("{:e}", number.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if number < 0.0 { "-" } else { "" };
    let body = match usize::try_from(exponent) {
        Ok(whole) if whole < 21 && digits.len() <= whole + 1 => format!("{digits:0<width$}", width = whole + 1),
        Ok(whole) if whole < 21 => format!("{}.{}", &digits[..=whole], &digits[whole + 1..]),
        Err(_) if exponent > -7 => {
            format!("0.{:0>width$}", digits, width = digits.len() + exponent.unsigned_abs() as usize - 1)
        }
        _ => {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            format!("{first}{point}{rest}e{exponent:+}")
        }
    };
    format!("{sign}{body}")
}

/// What JavaScript's `Number` makes of a text: 0 of an empty one, NaN of one that is no number.
pub(super) fn parse_number(units: &[u16]) -> f64 {
    let Ok(text) = String::from_utf16(trim(units, true, true)) else { return f64::NAN };
    if text.is_empty() {
        return 0.0;
    }
    let lower = text.get(..2).map(str::to_ascii_lowercase);
    let bits = match lower.as_deref() {
        Some("0x") => Some(4),
        Some("0o") => Some(3),
        Some("0b") => Some(1),
        _ => None,
    };
    match bits {
        Some(bits) => parse_power_of_two(&text[2..], bits),
        None => match text.strip_prefix(['+', '-']).unwrap_or(&text) {
            "Infinity" if text.starts_with('-') => f64::NEG_INFINITY,
            "Infinity" => f64::INFINITY,
            _ if text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'+' | b'-')) => {
                text.parse().unwrap_or(f64::NAN)
            }
            _ => f64::NAN,
        },
    }
}

/// Digits of base 2, 8 or 16, rounded once: bits beyond those that matter only tell whether the rest is zero.
fn parse_power_of_two(digits: &str, bits: u32) -> f64 {
    const KEPT: u32 = 120;
    let (mut value, mut dropped) = (0_u128, 0_i32);
    for digit in digits.chars() {
        let Some(digit) = digit.to_digit(1 << bits) else { return f64::NAN };
        if value >> (KEPT - bits) == 0 {
            value = value << bits | u128::from(digit);
        } else {
            value |= u128::from(digit != 0);
            dropped = dropped.saturating_add_unsigned(bits);
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "this is the one rounding that is wanted")]
    let rounded = value as f64;
    if digits.is_empty() { f64::NAN } else { rounded * 2_f64.powi(dropped) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, expected) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (100.0, "100"),
            (123_456.789, "123456.789"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.5e21, "1.5e+21"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e-6, "0.000001"),
            (1.5e-6, "0.0000015"),
            (1e-7, "1e-7"),
            (1.25e-7, "1.25e-7"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_991.0, "9007199254740991"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(format_number(number), expected);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_reads_them() {
        for (text, expected) in [
            ("", 0.0),
            (" \u{FEFF}\n", 0.0),
            (" 12 ", 12.0),
            ("+1.5", 1.5),
            ("-.5", -0.5),
            ("5.", 5.0),
            ("1e3", 1000.0),
            ("0x10", 16.0),
            ("0XfF", 255.0),
            ("0o17", 15.0),
            ("0b101", 5.0),
            ("0x20000000000001", 9_007_199_254_740_992.0),
            ("0x20000000000003", 9_007_199_254_740_996.0),
            ("0x200000000000010000000000000000000000001", 2_f64.powi(153) + 2_f64.powi(101)),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
            ("010", 10.0),
        ] {
            assert_eq!(parse_number(&text.encode_utf16().collect::<Vec<u16>>()), expected, "{text}");
        }
        for text in ["a", "1 2", "0x", "0xg", "-0x10", "1_000", "inf", "nan", "infinity", ".", "1e", "١", "--1", "\0"]
        {
            assert!(parse_number(&text.encode_utf16().collect::<Vec<u16>>()).is_nan(), "{text}");
        }
    }
}
