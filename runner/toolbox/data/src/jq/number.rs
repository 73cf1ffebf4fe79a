use std::cmp::Ordering;
use std::rc::Rc;

/// A number: what is calculated with, and as which text it came, which is kept until something is calculated (as jq 1.7 does it,
/// so that long identifiers survive).
#[derive(Clone, Debug)]
pub(crate) struct Number {
    value: f64,
    literal: Option<Rc<str>>,
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self { value, literal: None }
    }
}

impl Number {
    /// Reads a number of JSON; `None` where it is not one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (mantissa, exponent) = digits.split_once(['e', 'E']).unwrap_or((digits, "0"));
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || exponent.is_empty() {
            return None;
        }
        if !all_digits(whole) || !all_digits(fraction) || !all_digits(exponent) {
            return None;
        }
        let value: f64 = text.parse().ok()?;
        // What prints the same either way needs no memory; with an exponent it is printed anew.
        let keep = !text.contains(['e', 'E']) && format_double(value) != text;
        let literal = keep.then(|| Rc::from(text));
        Some(Self { value, literal })
    }

    /// The value, to calculate with.
    pub(crate) fn value(&self) -> f64 {
        self.value
    }

    /// As it is printed: never more than the largest double, `null` for what is no number.
    pub(crate) fn text(&self) -> String {
        match &self.literal {
            Some(literal) if self.value.is_finite() => canonical(literal).unwrap_or_else(|| format_double(self.value)),
            _ => format_double(self.value),
        }
    }

    /// Less than everything, itself included, where it is not a number: as jq sorts.
    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        match (self.value.is_nan(), other.value.is_nan()) {
            (true, _) => Ordering::Less,
            (_, true) => Ordering::Greater,
            _ => self.value.partial_cmp(&other.value).unwrap_or(Ordering::Equal),
        }
    }
}

/// A double in the shortest form that reads back, laid out as jq does it.
fn format_double(value: f64) -> String {
    if value.is_nan() {
        return "null".to_owned();
    }
    let value = value.clamp(f64::MIN, f64::MAX);
    if value == 0.0 {
        return if value.is_sign_negative() { "-0" } else { "0" }.to_owned();
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    // Digits before the decimal point.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let sign = if value < 0.0 { "-" } else { "" };
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let body = if point <= -5 + 1 || point > count + 15 {
        let (first, rest) = digits.split_at(1);
        let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
        let exponent = point - 1;
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{first}{fraction}e{sign}{:02}", exponent.abs())
    } else if point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else if point >= count {
        format!("{digits}{}", zeros(point - count))
    } else {
        let (whole, fraction) = digits.split_at(usize::try_from(point).unwrap_or(0));
        format!("{whole}.{fraction}")
    };
    format!("{sign}{body}")
}

/// A literal as decimal arithmetic prints it: all digits, an exponent only where it is large.
fn canonical(literal: &str) -> Option<String> {
    const LONGEST: usize = 10_000;
    let (sign, rest) = literal.strip_prefix('-').map_or(("", literal), |rest| ("-", rest));
    let (mantissa, exponent) = rest.split_once(['e', 'E']).unwrap_or((rest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent = exponent.parse::<i64>().ok()? - i64::try_from(fraction.len()).ok()?;
    let all = format!("{whole}{fraction}");
    let digits = all.trim_start_matches('0');
    let digits = if digits.is_empty() { "0" } else { digits };
    if digits.len() > LONGEST {
        return None;
    }
    let count = i64::try_from(digits.len()).ok()?;
    let adjusted = exponent + count - 1;
    if exponent <= 0 && adjusted >= -6 {
        let point = count + exponent;
        return Some(if exponent == 0 {
            format!("{sign}{digits}")
        } else if point > 0 {
            let (whole, fraction) = digits.split_at(usize::try_from(point).ok()?);
            format!("{sign}{whole}.{fraction}")
        } else {
            format!("{sign}0.{}{digits}", "0".repeat(usize::try_from(-point).ok()?))
        });
    }
    let (first, rest) = digits.split_at(1);
    let fraction = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    Some(format!("{sign}{first}{fraction}E{adjusted:+}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_are_laid_out_as_jq_lays_them_out() {
        let cases = [
            (1.0, "1"),
            (1.1, "1.1"),
            (1e17, "1e+17"),
            (123_456_789_012_345_680.0, "123456789012345680"),
            (3e-5, "3e-05"),
            (0.0001, "0.0001"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (-12.25, "-12.25"),
            (f64::INFINITY, "1.7976931348623157e+308"),
            (f64::NAN, "null"),
            (1e15, "1000000000000000"),
            (1e-7, "1e-07"),
        ];
        for (value, expected) in cases {
            assert_eq!(format_double(value), expected);
        }
    }

    #[test]
    fn literals_keep_their_digits() {
        let cases = [
            ("100000000000000000000", "100000000000000000000"),
            ("1.0", "1.0"),
            ("1.10", "1.10"),
            ("1e2", "100"),
            ("0.00001", "0.00001"),
            ("0.0000001", "1E-7"),
            ("1e-7", "1e-07"),
            ("-0", "-0"),
            ("1E1000", "1.7976931348623157e+308"),
            ("007", "7"),
        ];
        for (text, expected) in cases {
            assert_eq!(Number::parse(text).expect("a number").text(), expected, "{text}");
        }
        assert!(Number::parse("1.2.3").is_none() && Number::parse("").is_none() && Number::parse("1e").is_none());
    }
}
