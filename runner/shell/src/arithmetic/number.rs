//! Numbers as they are written.

/// A number: decimal, octal, hexadecimal, or `base#digits`. Too large ones wrap, as in every shell.
pub(super) fn number(text: &[u8]) -> Option<i64> {
    let (base, digits) = match text {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', digits @ ..] if !digits.is_empty() && !digits.contains(&b'#') => (8, digits),
        _ => match text.iter().position(|byte| *byte == b'#') {
            Some(at) => (
                std::str::from_utf8(&text[..at]).ok()?.parse().ok().filter(|base| (2..=64).contains(base))?,
                &text[at + 1..],
            ),
            None => (10, text),
        },
    };
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0i64, |value, digit| {
        let digit = digit_value(*digit, base).filter(|digit| *digit < base)?;
        Some(value.wrapping_mul(i64::from(base)).wrapping_add(i64::from(digit)))
    })
}

/// The value of a digit: letters, in bases above 36 the capital ones behind the others, then `@` and `_`.
fn digit_value(digit: u8, base: u32) -> Option<u32> {
    match digit {
        b'A'..=b'Z' if base > 36 => Some(u32::from(digit - b'A') + 36),
        b'@' => Some(62),
        b'_' => Some(63),
        digit => char::from(digit).to_digit(36),
    }
}

/// `**` by squaring; it wraps as multiplication does.
pub(super) fn power(mut base: i64, mut exponent: i64) -> i64 {
    let mut result = 1i64;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = result.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        exponent >>= 1;
    }
    result
}
