//! Arguments of `printf` read as numbers, as `strtol` and `strtod` read them: what begins as a number has its value, and
//! what is wrong with the rest is told.

/// A number, and what is wrong with its text.
#[derive(Debug, PartialEq)]
pub(super) struct Number<T> {
    pub(super) value: T,
    pub(super) problem: Option<&'static str>,
}

const NONE: &str = "expected numeric value";
const PARTLY: &str = "not completely converted";
pub(super) const RANGE: &str = "Numerical result out of range";

/// For `%d` and `%i`.
pub(super) fn signed(text: &[u8]) -> Number<i64> {
    if let Some(value) = character(text) {
        return Number { value: i64::from(value), problem: None };
    }
    let (negative, magnitude, problem) = integer(text);
    let value = match (negative, magnitude.map(i64::try_from)) {
        (false, Some(Ok(value))) => Some(value),
        (true, Some(Ok(value))) => Some(-value),
        (true, _) if magnitude == Some(1 << 63) => Some(i64::MIN),
        _ => None,
    };
    let limit = if negative { i64::MIN } else { i64::MAX };
    Number { value: value.unwrap_or(limit), problem: if value.is_none() { Some(RANGE) } else { problem } }
}

/// For `%u`, `%o`, `%x` and `%X`; a negative number wraps.
pub(super) fn unsigned(text: &[u8]) -> Number<u64> {
    if let Some(value) = character(text) {
        return Number { value: u64::from(value), problem: None };
    }
    match integer(text) {
        (_, None, _) => Number { value: u64::MAX, problem: Some(RANGE) },
        (true, Some(value), problem) => Number { value: value.wrapping_neg(), problem },
        (false, Some(value), problem) => Number { value, problem },
    }
}

/// For `%f`, `%e`, `%g` and `%a`.
pub(super) fn float(text: &[u8]) -> Number<f64> {
    if let Some(value) = character(text) {
        return Number { value: f64::from(value), problem: None };
    }
    let (negative, body) = sign(text);
    let (value, length) = magnitude(body);
    let problem = match length {
        0 if text.is_empty() => None,
        0 => Some(NONE),
        _ if length < body.len() => Some(PARTLY),
        _ if value.is_infinite() && body[0].is_ascii_digit() => Some(RANGE),
        _ => None,
    };
    Number { value: if negative { -value } else { value }, problem }
}

/// `'c` and `"c`: the number of a character, or of a byte where it is not UTF-8.
fn character(text: &[u8]) -> Option<u32> {
    let [b'\'' | b'"', rest @ ..] = text else { return None };
    let valid = rest.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
    Some(valid.map_or_else(|| u32::from(rest.first().copied().unwrap_or(0)), u32::from))
}

/// Whether there is a minus, and what stands behind white space and sign.
fn sign(text: &[u8]) -> (bool, &[u8]) {
    let blanks = text.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0x0b).count();
    match &text[blanks..] {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        rest => (false, rest),
    }
}

/// Sign and magnitude, `None` where 64 bits do not hold it.
fn integer(text: &[u8]) -> (bool, Option<u64>, Option<&'static str>) {
    let (negative, body) = sign(text);
    let (base, digits) = match body {
        [b'0', b'x' | b'X', digits @ ..] if digits.first().is_some_and(u8::is_ascii_hexdigit) => (16, digits),
        [b'0', ..] => (8, body),
        _ => (10, body),
    };
    let mut value = Some(0u64);
    let mut length = 0;
    for digit in digits.iter().map_while(|byte| char::from(*byte).to_digit(base)) {
        value = value.and_then(|value| value.checked_mul(u64::from(base))?.checked_add(u64::from(digit)));
        length += 1;
    }
    let problem = match length {
        0 if text.is_empty() => None,
        0 => Some(NONE),
        _ if length < digits.len() => Some(PARTLY),
        _ => None,
    };
    (negative, value, problem)
}

/// A number without sign at the beginning, and how long it is; 0 where there is none.
fn magnitude(text: &[u8]) -> (f64, usize) {
    for (word, value) in [(&b"infinity"[..], f64::INFINITY), (b"inf", f64::INFINITY), (b"nan", f64::NAN)] {
        if text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word)) {
            return (value, word.len());
        }
    }
    if let [b'0', b'x' | b'X', digits @ ..] = text
        && let Some((value, length)) = hexadecimal(digits)
    {
        return (value, length + 2);
    }
    let (length, digits) = mantissa(text, u8::is_ascii_digit);
    if digits == 0 {
        return (0.0, 0);
    }
    let length = length + exponent(&text[length..], b'e').map_or(0, |(_, length)| length);
    // Only digits, a point and an exponent: ASCII, and what Rust reads as well.
    let value = std::str::from_utf8(&text[..length]).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    (value, length)
}

/// How long digits with one point among them are, and how many digits there are.
fn mantissa(text: &[u8], is_digit: fn(&u8) -> bool) -> (usize, usize) {
    let whole = text.iter().take_while(|byte| is_digit(byte)).count();
    if text.get(whole) != Some(&b'.') {
        return (whole, whole);
    }
    let fraction = text[whole + 1..].iter().take_while(|byte| is_digit(byte)).count();
    (whole + 1 + fraction, whole + fraction)
}

/// An exponent behind its letter, and how long both are.
fn exponent(text: &[u8], letter: u8) -> Option<(i32, usize)> {
    let (first, rest) = text.split_first()?;
    if !first.eq_ignore_ascii_case(&letter) {
        return None;
    }
    let (negative, digits) = match rest {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let value = digits[..length]
        .iter()
        .fold(0i32, |value, digit| value.saturating_mul(10).saturating_add(i32::from(digit - b'0')))
        .min(100_000);
    Some((if negative { -value } else { value }, 1 + rest.len() - digits.len() + length))
}

/// A hexadecimal number behind its `0x`.
fn hexadecimal(text: &[u8]) -> Option<(f64, usize)> {
    let (length, count) = mantissa(text, u8::is_ascii_hexdigit);
    if count == 0 {
        return None;
    }
    let (mut value, mut power, mut in_fraction) = (0.0f64, 0i32, false);
    for byte in &text[..length] {
        match char::from(*byte).to_digit(16) {
            // 32 digits are more than a double holds; the others count for the power alone.
            Some(digit) if value < 1e38 => {
                value = value * 16.0 + f64::from(digit);
                power -= if in_fraction { 4 } else { 0 };
            }
            Some(_) => power = power.saturating_add(if in_fraction { 0 } else { 4 }),
            None => in_fraction = true,
        }
    }
    let (shift, more) = exponent(&text[length..], b'p').unwrap_or((0, 0));
    let power = power.saturating_add(shift).clamp(-4000, 4000);
    // In steps, so that neither factor leaves the range before the product does.
    let value = (0..4).fold(value, |value, step| value * 2f64.powi((power + step) >> 2));
    Some((value, length + more))
}
