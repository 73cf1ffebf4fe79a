use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use super::format::general;

/// A text of bytes.
pub(super) type Text = Rc<[u8]>;

/// A value of `awk`.
#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    Nothing,
    Number(f64),
    Text(Text),
    /// A text from outside, which is a number where it looks like one.
    Input(Text),
}

/// A variable's content.
#[derive(Clone, Default)]
pub(super) enum Cell {
    #[default]
    Untyped,
    Scalar(Value),
    Array(Array),
}

pub(super) type Array = Rc<RefCell<Elements>>;

/// The elements of an array, which know the order in which they came.
#[derive(Default)]
pub(super) struct Elements {
    map: HashMap<Text, (u64, Value)>,
    next: u64,
}

impl Elements {
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }

    pub(super) fn contains(&self, key: &[u8]) -> bool {
        self.map.contains_key(key)
    }

    pub(super) fn get(&self, key: &[u8]) -> Option<&Value> {
        self.map.get(key).map(|(_, value)| value)
    }

    /// The element, made where it is missing.
    pub(super) fn entry(&mut self, key: Text) -> &mut Value {
        let next = &mut self.next;
        &mut self
            .map
            .entry(key)
            .or_insert_with(|| {
                *next += 1;
                (*next, Value::Nothing)
            })
            .1
    }

    pub(super) fn remove(&mut self, key: &[u8]) {
        self.map.remove(key);
    }

    pub(super) fn clear(&mut self) {
        self.map.clear();
    }

    /// The keys as they came.
    pub(super) fn keys(&self) -> Vec<Text> {
        let mut keys: Vec<(u64, Text)> = self.map.iter().map(|(key, (order, _))| (*order, Rc::clone(key))).collect();
        keys.sort_unstable_by_key(|(order, _)| *order);
        keys.into_iter().map(|(_, key)| key).collect()
    }

    pub(super) fn values(&self) -> Vec<Value> {
        self.keys().iter().filter_map(|key| self.get(key).cloned()).collect()
    }
}

impl Value {
    pub(super) fn text(bytes: &[u8]) -> Self {
        Self::Text(Rc::from(bytes))
    }

    pub(super) fn of_bool(truth: bool) -> Self {
        Self::Number(f64::from(u8::from(truth)))
    }

    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Number(number) => *number,
            Self::Text(text) | Self::Input(text) => leading_number(text).0,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Number(number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
            Self::Input(text) => match looks_numeric(text) {
                Some(number) => number != 0.0,
                None => !text.is_empty(),
            },
        }
    }

    /// As text, numbers by this format.
    pub(super) fn to_text(&self, format: &[u8]) -> Text {
        match self {
            Self::Nothing => Rc::from(&b""[..]),
            Self::Number(number) => number_text(*number, format).into(),
            Self::Text(text) | Self::Input(text) => Rc::clone(text),
        }
    }

    /// The number, where it compares as one.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Nothing => Some(0.0),
            Self::Number(number) => Some(*number),
            Self::Text(_) => None,
            Self::Input(text) => looks_numeric(text),
        }
    }
}

/// A number as text: whole ones without a point.
pub(super) fn number_text(number: f64, format: &[u8]) -> Vec<u8> {
    if number == number.trunc() && number.abs() < 1e16 {
        return format!("{}", number as i64).into_bytes();
    }
    if number == number.trunc() && number.is_finite() {
        return format!("{number:.0}").into_bytes();
    }
    if format == b"%.6g" && number.is_finite() {
        return general(number, 6, false).into_bytes();
    }
    super::format::format(format, &[Value::Number(number)], b"%.6g").unwrap_or_default()
}

/// The number that a text begins with, and where it ends.
pub(super) fn leading_number(text: &[u8]) -> (f64, usize) {
    let mut at = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let start = at;
    let negative = text.get(at) == Some(&b'-');
    at += usize::from(matches!(text.get(at), Some(b'+' | b'-')));
    let digits = |mut at: usize| {
        while text.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        at
    };
    let whole_end = digits(at);
    let mut end = whole_end;
    let mut count = whole_end - at;
    if text.get(end) == Some(&b'.') {
        let fraction_end = digits(end + 1);
        count += fraction_end - end - 1;
        end = fraction_end;
    }
    if count == 0 {
        return match text.get(at..at + 3).map(<[u8]>::to_ascii_lowercase).as_deref() {
            Some(b"inf") if at > start => (if negative { f64::NEG_INFINITY } else { f64::INFINITY }, at + 3),
            Some(b"nan") if at > start => (f64::NAN, at + 3),
            _ => (0.0, 0),
        };
    }
    if end == whole_end && count < 16 && !matches!(text.get(end), Some(b'e' | b'E')) {
        let whole = text[at..end].iter().fold(0_i64, |whole, digit| whole * 10 + i64::from(digit - b'0'));
        return (if negative { -(whole as f64) } else { whole as f64 }, end);
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let mut exponent = end + 1;
        exponent += usize::from(matches!(text.get(exponent), Some(b'+' | b'-')));
        let exponent_end = digits(exponent);
        if exponent_end > exponent {
            end = exponent_end;
        }
    }
    let number = std::str::from_utf8(&text[start..end]).ok().and_then(|text| text.trim_start_matches('+').parse().ok());
    (number.unwrap_or(0.0), end)
}

/// The number that a text is as a whole, but for white space around it.
pub(super) fn looks_numeric(text: &[u8]) -> Option<f64> {
    if !text.first()?.is_ascii_digit() && !matches!(text[0], b' ' | b'\t' | b'\n' | b'\r' | b'+' | b'-' | b'.') {
        return None;
    }
    let (number, end) = leading_number(text);
    (end > 0 && text[end..].iter().all(u8::is_ascii_whitespace)).then_some(number)
}
