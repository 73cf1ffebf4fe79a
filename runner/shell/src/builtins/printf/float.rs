//! Floating-point numbers as C prints them.

/// No double has more digits than this behind its point: what is asked for beyond them are zeros. Also, the standard
/// library panics where a precision has more than 16 bits.
const MAX_DIGITS: usize = 1100;

/// The text of a number that is not negative, for one of the letters `aefg` and `AEFG`: a prefix that stands before
/// filling zeros, and the digits. `alternative` is the flag `#`.
pub(super) fn text(value: f64, letter: u8, precision: Option<usize>, alternative: bool) -> (&'static str, String) {
    let (prefix, text) = if value.is_nan() {
        ("", "nan".to_owned())
    } else if value.is_infinite() {
        ("", "inf".to_owned())
    } else {
        match letter.to_ascii_lowercase() {
            b'a' => ("0x", hexadecimal(value, precision, alternative)),
            b'f' => ("", fixed(value, precision.unwrap_or(6), alternative)),
            b'e' => ("", scientific(value, precision.unwrap_or(6), alternative)),
            _ => ("", general(value, precision.unwrap_or(6).max(1), alternative)),
        }
    };
    match (letter.is_ascii_uppercase(), prefix) {
        (true, "") => ("", text.to_ascii_uppercase()),
        (true, _) => ("0X", text.to_ascii_uppercase()),
        (false, prefix) => (prefix, text),
    }
}

fn fixed(value: f64, precision: usize, alternative: bool) -> String {
    let exact = precision.min(MAX_DIGITS);
    let mut text = format!("{value:.exact$}");
    if precision == 0 && alternative {
        text.push('.');
    }
    text.push_str(&"0".repeat(precision - exact));
    text
}

/// `d.ddde±dd`.
fn scientific(value: f64, precision: usize, alternative: bool) -> String {
    let (mantissa, power) = scientific_parts(value, precision, alternative);
    format!("{mantissa}e{}{:02}", if power < 0 { '-' } else { '+' }, power.unsigned_abs())
}

fn scientific_parts(value: f64, precision: usize, alternative: bool) -> (String, i32) {
    let exact = precision.min(MAX_DIGITS);
    let text = format!("{value:.exact$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let mut mantissa = mantissa.to_owned();
    if precision == 0 && alternative {
        mantissa.push('.');
    }
    mantissa.push_str(&"0".repeat(precision - exact));
    (mantissa, power.parse().unwrap_or(0))
}

/// `%g`: so many significant digits, in the shorter of the two forms; zeros at the end are kept only with `#`.
fn general(value: f64, precision: usize, alternative: bool) -> String {
    let (_, power) = scientific_parts(value, precision - 1, false);
    let digits = isize::try_from(precision).unwrap_or(isize::MAX);
    // A double's power has three digits at most.
    let power_digits = isize::try_from(power).unwrap_or(0);
    if power < -4 || power_digits >= digits {
        let (mantissa, power) = scientific_parts(value, precision - 1, alternative);
        let mantissa = if alternative { mantissa } else { without_zeros(mantissa) };
        return format!("{mantissa}e{}{:02}", if power < 0 { '-' } else { '+' }, power.unsigned_abs());
    }
    let text = fixed(value, (digits - 1 - power_digits).unsigned_abs(), alternative);
    if alternative { text } else { without_zeros(text) }
}

fn without_zeros(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `h.hhhp±d` behind its `0x`.
fn hexadecimal(value: f64, precision: Option<usize>, alternative: bool) -> String {
    const FRACTION: usize = 13;
    let bits = value.to_bits();
    let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52) & 0x7ff);
    let (mut digits, power) = match (biased, fraction) {
        (0, 0) => (0, 0),
        (0, _) => (fraction, -1022),
        _ => (fraction | 1 << 52, i32::try_from(biased).unwrap_or(0) - 1023),
    };
    let kept = precision.unwrap_or(FRACTION).min(FRACTION);
    let dropped = 4 * (FRACTION - kept);
    if dropped > 0 {
        // Half to even, as the default rounding mode has it.
        let (rest, half) = (digits & ((1 << dropped) - 1), 1u64 << (dropped - 1));
        digits >>= dropped;
        digits += u64::from(rest > half || (rest == half && digits & 1 == 1));
    }
    let lead = digits >> (4 * kept);
    let mut text = format!("{:0kept$x}", digits & ((1 << (4 * kept)) - 1));
    if kept == 0 {
        text.clear();
    }
    match precision {
        Some(precision) => text.push_str(&"0".repeat(precision - kept)),
        None => text.truncate(text.trim_end_matches('0').len()),
    }
    let point = if alternative || !text.is_empty() { "." } else { "" };
    format!("{lead:x}{point}{text}p{power:+}")
}
