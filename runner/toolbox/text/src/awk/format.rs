use super::value::Value;

/// The widest that a field may be, in bytes.
const MAX_WIDTH: usize = 1 << 20;

/// `sprintf`: the error is a message.
pub(super) fn format(format: &[u8], arguments: &[Value], convert: &[u8]) -> Result<Vec<u8>, String> {
    let mut result = vec![];
    let mut rest = arguments.iter();
    let mut at = 0;
    while let Some(&byte) = format.get(at) {
        at += 1;
        if byte != b'%' {
            result.push(byte);
            continue;
        }
        let start = at;
        let mut flags = Flags::default();
        while let Some(flag) = format.get(at) {
            match flag {
                b'-' => flags.left = true,
                b'+' => flags.plus = true,
                b' ' => flags.space = true,
                b'#' => flags.alternate = true,
                b'0' => flags.zero = true,
                b'\'' => {}
                _ => break,
            }
            at += 1;
        }
        let mut number = |at: &mut usize| -> Option<i64> {
            if format.get(*at) == Some(&b'*') {
                *at += 1;
                return Some(rest.next().map_or(0.0, Value::number) as i64);
            }
            let mut number = None;
            while let Some(digit) = format.get(*at).filter(|byte| byte.is_ascii_digit()) {
                number = Some(number.unwrap_or(0_i64).saturating_mul(10).saturating_add(i64::from(digit - b'0')));
                *at += 1;
            }
            number
        };
        let width = number(&mut at).unwrap_or(0);
        if width < 0 {
            flags.left = true;
        }
        let width = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        let mut precision = None;
        if format.get(at) == Some(&b'.') {
            at += 1;
            precision = match number(&mut at) {
                Some(number) => usize::try_from(number).ok(),
                None => Some(0),
            };
        }
        if width > MAX_WIDTH || precision.is_some_and(|precision| precision > MAX_WIDTH) {
            return Err(format!("a field of a format is wider than {MAX_WIDTH}"));
        }
        while matches!(format.get(at), Some(b'h' | b'l' | b'L' | b'q' | b'j' | b'z' | b't')) {
            at += 1;
        }
        let Some(&conversion) = format.get(at) else {
            result.extend(&format[start - 1..]);
            break;
        };
        at += 1;
        if conversion == b'%' {
            result.push(b'%');
            continue;
        }
        if !b"diouxXcsaAeEfFgG".contains(&conversion) {
            // No conversion: it stands as it is.
            result.extend(&format[start - 1..at]);
            continue;
        }
        let value = rest.next().cloned().ok_or("not enough arguments to satisfy format string")?;
        let body = match conversion {
            b'c' => flags.text(character(&value, convert), None),
            b's' => flags.text(value.to_text(convert).to_vec(), precision),
            b'd' | b'i' | b'o' | b'u' | b'x' | b'X' => flags.whole(value.number(), conversion, precision),
            _ => flags.real(value.number(), conversion, precision),
        };
        flags.pad(body, width, &mut result);
    }
    Ok(result)
}

fn character(value: &Value, convert: &[u8]) -> Vec<u8> {
    if let Value::Number(_) | Value::Nothing = value {
        return code(value.number());
    }
    if let (Value::Input(_), Some(number)) = (value, value.as_number()) {
        return code(number);
    }
    let text = value.to_text(convert);
    let length = stepbox_tool::pattern::character_length(&text, 0);
    text[..length.min(text.len())].to_vec()
}

/// The character of a number.
fn code(number: f64) -> Vec<u8> {
    match char::from_u32(number as u32) {
        Some(character) => character.to_string().into_bytes(),
        None => vec![(number as i64 & 0xff) as u8],
    }
}

#[derive(Default)]
struct Flags {
    left: bool,
    plus: bool,
    space: bool,
    alternate: bool,
    zero: bool,
}

/// What stands before the zeros that fill, and what behind.
struct Body {
    sign: Vec<u8>,
    digits: Vec<u8>,
    may_fill: bool,
}

impl Flags {
    fn text(&self, text: Vec<u8>, precision: Option<usize>) -> Body {
        let digits = match precision {
            Some(most) => {
                let end = String::from_utf8_lossy(&text).char_indices().nth(most).map(|(at, _)| at);
                text[..end.unwrap_or(text.len()).min(text.len())].to_vec()
            }
            None => text,
        };
        Body { sign: vec![], digits, may_fill: false }
    }

    fn sign(&self, negative: bool) -> Vec<u8> {
        match (negative, self.plus, self.space) {
            (true, ..) => b"-".to_vec(),
            (_, true, _) => b"+".to_vec(),
            (_, _, true) => b" ".to_vec(),
            _ => vec![],
        }
    }

    fn whole(&self, number: f64, conversion: u8, precision: Option<usize>) -> Body {
        if !number.is_finite() {
            return self.special(number);
        }
        let number = number.trunc();
        let mut sign = self.sign(number < 0.0);
        let decimal = matches!(conversion, b'd' | b'i' | b'u');
        if !decimal {
            sign.retain(|byte| *byte == b'-');
        }
        let size = number.abs();
        let mut digits = match conversion {
            _ if size >= 1.8e19 => format!("{size:.0}"),
            b'o' => format!("{:o}", size as u64),
            b'x' => format!("{:x}", size as u64),
            b'X' => format!("{:X}", size as u64),
            _ => format!("{size:.0}"),
        };
        if let Some(least) = precision {
            digits = format!("{digits:0>least$}");
            if least == 0 && digits == "0" {
                digits.clear();
            }
        }
        if self.alternate && size != 0.0 {
            match conversion {
                b'o' => digits.insert(0, '0'),
                b'x' => sign.extend(b"0x"),
                b'X' => sign.extend(b"0X"),
                _ => {}
            }
        }
        Body { sign, digits: digits.into_bytes(), may_fill: precision.is_none() }
    }

    fn special(&self, number: f64) -> Body {
        let negative = number.is_sign_negative();
        let sign = if negative { b"-".to_vec() } else { b"+".to_vec() };
        Body { sign, digits: if number.is_nan() { b"nan".to_vec() } else { b"inf".to_vec() }, may_fill: false }
    }

    fn real(&self, number: f64, conversion: u8, precision: Option<usize>) -> Body {
        if !number.is_finite() {
            return self.special(number);
        }
        let size = number.abs();
        let precision = precision.unwrap_or(6);
        let mut digits = match conversion.to_ascii_lowercase() {
            b'f' => format!("{size:.precision$}"),
            b'e' => exponential(size, precision),
            _ => general(size, precision, self.alternate),
        };
        if conversion.is_ascii_uppercase() {
            digits.make_ascii_uppercase();
        }
        Body { sign: self.sign(number.is_sign_negative()), digits: digits.into_bytes(), may_fill: true }
    }

    fn pad(&self, body: Body, width: usize, result: &mut Vec<u8>) {
        let shown = String::from_utf8_lossy(&body.digits).chars().count() + body.sign.len();
        let fill = width.saturating_sub(shown);
        if self.left {
            result.extend(body.sign);
            result.extend(body.digits);
            result.extend(std::iter::repeat_n(b' ', fill));
        } else if self.zero && body.may_fill {
            result.extend(body.sign);
            result.extend(std::iter::repeat_n(b'0', fill));
            result.extend(body.digits);
        } else {
            result.extend(std::iter::repeat_n(b' ', fill));
            result.extend(body.sign);
            result.extend(body.digits);
        }
    }
}

/// As `%e` writes it.
fn exponential(size: f64, precision: usize) -> String {
    let text = format!("{size:.precision$e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// As `%g` writes it.
pub(super) fn general(number: f64, precision: usize, keep_zeros: bool) -> String {
    let precision = precision.max(1);
    let text = format!("{number:.*e}", precision - 1);
    let exponent: i32 = text.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let trimmed = |text: String| {
        if keep_zeros || !text.contains('.') {
            return text;
        }
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    if exponent < -4 || exponent >= i32::try_from(precision).unwrap_or(i32::MAX) {
        let text = exponential(number, precision - 1);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{exponent}", trimmed(digits.to_owned()));
    }
    let decimals = usize::try_from(i32::try_from(precision).unwrap_or(i32::MAX) - 1 - exponent).unwrap_or(0);
    trimmed(format!("{number:.decimals$}"))
}
