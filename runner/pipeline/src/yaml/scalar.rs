//! The types of plain scalars, as `js-yaml` resolves them (rules Y1, Y2).
//!
//! Dates stay strings here (`js-yaml` makes objects of them that no field of a pipeline accepts).

use super::Value;

/// The value of a plain (unquoted, untagged) scalar.
pub(super) fn resolve(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The number that a text is, if it is one.
pub(super) fn number(text: &str) -> Option<Value> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) || text.len() > 400 {
        return None;
    }
    integer(text).or_else(|| float(text))
}

fn integer(text: &str) -> Option<Value> {
    let (negative, digits) = match text.as_bytes()[0] {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0b") => (2, &digits[2..]),
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        _ => (10, digits),
    };
    if digits.is_empty() || digits.ends_with('_') || (radix == 10 && digits.starts_with('_')) {
        return None;
    }
    if !digits.chars().all(|c| c == '_' || c.is_digit(radix)) || digits.chars().all(|c| c == '_') {
        return None;
    }
    let plain: String = digits.chars().filter(|c| *c != '_').collect();
    let source = text.to_owned();
    match i128::from_str_radix(&plain, radix).ok().map(|value| if negative { -value } else { value }) {
        Some(value) if i64::try_from(value).is_ok() => {
            Some(Value::Integer { value: i64::try_from(value).ok()?, source })
        }
        #[expect(
            clippy::cast_precision_loss,
            reason = "a number too large for an integer is a float, as in JavaScript"
        )]
        Some(value) => Some(Value::Float { value: value as f64, source }),
        None => Some(Value::Float { value: if negative { f64::NEG_INFINITY } else { f64::INFINITY }, source }),
    }
}

fn float(text: &str) -> Option<Value> {
    let source = text.to_owned();
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    match unsigned {
        ".inf" | ".Inf" | ".INF" => {
            let value = if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY };
            return Some(Value::Float { value, source });
        }
        ".nan" | ".NaN" | ".NAN" if unsigned.len() == text.len() => {
            return Some(Value::Float { value: f64::NAN, source });
        }
        _ => {}
    }
    if text.ends_with('_') || (unsigned.starts_with('.') && unsigned.len() < text.len()) {
        return None;
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&unsigned[..at], Some(&unsigned[at + 1..])),
        None => (unsigned, None),
    };
    if let Some(exponent) = exponent {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
    }
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let any = mantissa.bytes().any(|byte| byte.is_ascii_digit());
    if !any || !digits(whole) || !digits(fraction) || mantissa.starts_with('_') {
        return None;
    }
    let plain: String = text.chars().filter(|c| *c != '_').collect();
    plain.parse().ok().map(|value| Value::Float { value, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y1_only_true_and_false_are_booleans() {
        for text in ["true", "True", "TRUE"] {
            assert_eq!(resolve(text), Value::Bool(true), "{text}");
        }
        for text in ["on", "off", "yes", "no", "On", "y", "n", "tRUE"] {
            assert_eq!(resolve(text), Value::String(text.into()), "{text}");
        }
        for text in ["", "~", "null", "NULL"] {
            assert_eq!(resolve(text), Value::Null, "{text}");
        }
    }

    #[test]
    fn y2_numbers_are_those_of_js_yaml() {
        for (text, value) in
            [("1", 1), ("0x1F", 31), ("0b101", 5), ("0o17", 15), ("0123", 123), ("1_000", 1000), ("-5", -5)]
        {
            assert_eq!(resolve(text), Value::Integer { value, source: text.into() }, "{text}");
        }
        for (text, value) in [("1.0", 1.0), ("1e3", 1000.0), (".5", 0.5), ("5.", 5.0), ("-.inf", f64::NEG_INFINITY)] {
            assert_eq!(resolve(text), Value::Float { value, source: text.into() }, "{text}");
        }
        for text in ["1_", "_1", "0x", "1.2.3", "1h", "-", ".", "+.5x", "1e", "0b2", "2020-01-01", "12:30"] {
            assert_eq!(resolve(text), Value::String(text.into()), "{text}");
        }
    }

    #[test]
    fn y2_signs_underscores_and_lengths_of_numbers() {
        for (text, value) in [("+5", 5), ("+0x1f", 31), ("-1_0", -10), ("0b1_1", 3)] {
            assert_eq!(resolve(text), Value::Integer { value, source: text.into() }, "{text}");
        }
        for (text, value) in
            [("1_0.2_5", 10.25), ("+1.5", 1.5), ("1.5e+2", 150.0), ("1.5E-1", 0.15), ("+.inf", f64::INFINITY)]
        {
            assert_eq!(resolve(text), Value::Float { value, source: text.into() }, "{text}");
        }
        for text in ["1e+", "1ex", "1e1x", "1x.5", "1.x5", "1.5-2", "_1.5", "._", "1._5_", "++5", "+-5", "+"] {
            assert_eq!(resolve(text), Value::String(text.into()), "{text}");
        }
        assert!(matches!(resolve(&"9".repeat(400)), Value::Float { value, .. } if value.is_infinite()));
        assert!(matches!(resolve(&"9".repeat(401)), Value::String(_)));
    }
}
