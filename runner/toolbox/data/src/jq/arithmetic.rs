use std::ops::{Add, Div, Mul, Neg, Rem, Sub};
use std::rc::Rc;

use jaq_core::{Error, ValR};

use super::value::{Map, Value};

/// The longest string that is made by repetition, in bytes.
const LONGEST: usize = 256 << 20;

/// An error with a text.
pub(crate) fn fault(message: impl Into<String>) -> Error<Value> {
    Error::new(Value::from(message.into()))
}

fn cannot(left: &Value, right: &Value, what: &str) -> Error<Value> {
    fault(format!("{} and {} cannot be {what}", left.described(), right.described()))
}

impl Add for Value {
    type Output = ValR<Self>;

    fn add(self, other: Self) -> ValR<Self> {
        Ok(match (self, other) {
            (Self::Null, other) | (other, Self::Null) => other,
            (Self::Number(a), Self::Number(b)) => Self::from(a.value() + b.value()),
            (Self::String(a), Self::String(b)) => Self::String(Rc::from([&*a, &*b].concat())),
            (Self::Array(mut a), Self::Array(b)) => {
                Rc::make_mut(&mut a).extend(b.iter().cloned());
                Self::Array(a)
            }
            (Self::Object(mut a), Self::Object(b)) => {
                Rc::make_mut(&mut a).extend(b.iter().map(|(key, value)| (Rc::clone(key), value.clone())));
                Self::Object(a)
            }
            (a, b) => return Err(cannot(&a, &b, "added")),
        })
    }
}

impl Sub for Value {
    type Output = ValR<Self>;

    fn sub(self, other: Self) -> ValR<Self> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Ok(Self::from(a.value() - b.value())),
            (Self::Array(a), Self::Array(b)) => Ok(a.iter().filter(|item| !b.contains(item)).cloned().collect()),
            (a, b) => Err(cannot(&a, &b, "subtracted")),
        }
    }
}

impl Mul for Value {
    type Output = ValR<Self>;

    fn mul(self, other: Self) -> ValR<Self> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Ok(Self::from(a.value() * b.value())),
            (Self::String(text), Self::Number(times)) | (Self::Number(times), Self::String(text)) => {
                repeat(&text, times.value())
            }
            (Self::Object(mut a), Self::Object(b)) => {
                merge(Rc::make_mut(&mut a), &b);
                Ok(Self::Object(a))
            }
            (a, b) => Err(cannot(&a, &b, "multiplied")),
        }
    }
}

/// A string so many times: at least once where the number is above zero, as jq does it.
fn repeat(text: &str, times: f64) -> ValR<Value> {
    if times.is_nan() || times <= 0.0 {
        return Ok(Value::Null);
    }
    let times = (times as usize).max(1);
    if text.len().saturating_mul(times) > LONGEST {
        return Err(fault(format!("Repeat string result longer than {LONGEST} bytes")));
    }
    Ok(Value::from(text.repeat(times)))
}

/// Adds the keys of `b`, and those of objects in both.
fn merge(a: &mut Map, b: &Map) {
    for (key, value) in b {
        match (a.get_mut(key), value) {
            (Some(Value::Object(inner)), Value::Object(other)) => merge(Rc::make_mut(inner), other),
            (Some(place), value) => *place = value.clone(),
            (None, value) => {
                a.insert(Rc::clone(key), value.clone());
            }
        }
    }
}

impl Div for Value {
    type Output = ValR<Self>;

    fn div(self, other: Self) -> ValR<Self> {
        match (&self, &other) {
            (Self::Number(a), Self::Number(b)) if b.value() != 0.0 => Ok(Self::from(a.value() / b.value())),
            (Self::Number(_), Self::Number(_)) => Err(cannot(&self, &other, "divided because the divisor is zero")),
            (Self::String(a), Self::String(b)) => Ok(split(a, b)),
            _ => Err(cannot(&self, &other, "divided")),
        }
    }
}

/// The parts of a text; none of an empty one, its characters where the separator is empty.
pub(crate) fn split(text: &str, separator: &str) -> Value {
    if text.is_empty() {
        Value::array(vec![])
    } else if separator.is_empty() {
        text.chars().map(|character| Value::text(character.encode_utf8(&mut [0; 4]))).collect()
    } else {
        text.split(separator).map(Value::text).collect()
    }
}

impl Rem for Value {
    type Output = ValR<Self>;

    fn rem(self, other: Self) -> ValR<Self> {
        let (Self::Number(a), Self::Number(b)) = (&self, &other) else {
            return Err(cannot(&self, &other, "divided"));
        };
        if a.value().is_nan() || b.value().is_nan() {
            return Ok(Self::from(f64::NAN));
        }
        // Integers, cut and saturated.
        let (a, b) = (a.value() as i64, b.value() as i64);
        match b {
            0 => Err(cannot(&self, &other, "divided (remainder) because the divisor is zero")),
            _ => Ok(Self::from(a.unsigned_abs().checked_rem(b.unsigned_abs()).unwrap_or(0) as f64 * a.signum() as f64)),
        }
    }
}

impl Neg for Value {
    type Output = ValR<Self>;

    fn neg(self) -> ValR<Self> {
        match self {
            Self::Number(number) => Ok(Self::from(-number.value())),
            other => Err(fault(format!("{} cannot be negated", other.described()))),
        }
    }
}
