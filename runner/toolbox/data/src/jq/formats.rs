//! The formats that begin with `@`.

use std::fmt::Write as _;

use jaq_core::ValR;

use super::arithmetic::fault;
use super::value::Value;

/// A value as `tostring` gives it.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_json(), str::to_owned)
}

/// A value in the format of a name with `@`; nothing where there is no such format or the value does not fit.
pub(crate) fn format(name: &str, value: &Value) -> Option<String> {
    let formatted = match name {
        "@csv" => csv(value).ok()?,
        "@tsv" => tsv(value).ok()?,
        "@uri" => uri(value),
        "@sh" => sh(value).ok()?,
        "@base64" => base64(value),
        "@base64d" => base64_decoded(value).ok()?,
        _ => return None,
    };
    Some(text(&formatted))
}

fn row(value: &Value, what: &str, separator: &str, escape: fn(&str) -> String) -> ValR<Value> {
    let Value::Array(items) = value else {
        return Err(fault(format!("{} cannot be {what}-formatted, only an array can be", value.described())));
    };
    let mut fields = Vec::with_capacity(items.len());
    for item in items.iter() {
        fields.push(match item {
            Value::Null => String::new(),
            Value::Bool(_) | Value::Number(_) => item.to_json(),
            Value::String(text) => escape(text),
            other => return Err(fault(format!("{} is not valid in a csv row", other.described()))),
        });
    }
    Ok(Value::from(fields.join(separator)))
}

/// `@csv`.
pub(crate) fn csv(value: &Value) -> ValR<Value> {
    row(value, "csv", ",", |text| format!("\"{}\"", text.replace('"', "\"\"")))
}

/// `@tsv`.
pub(crate) fn tsv(value: &Value) -> ValR<Value> {
    row(value, "tsv", "\t", |text| {
        text.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n").replace('\r', "\\r")
    })
}

/// `@html`.
pub(crate) fn html(value: &Value) -> Value {
    let mut escaped = String::new();
    for character in text(value).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '\'' => escaped.push_str("&#39;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    Value::from(escaped)
}

/// `@uri`: everything but unreserved characters (RFC 3986), as jq 1.7 does it.
pub(crate) fn uri(value: &Value) -> Value {
    let mut escaped = String::new();
    for byte in text(value).bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            // Writing into a string does not fail.
            _ => drop(write!(escaped, "%{byte:02X}")),
        }
    }
    Value::from(escaped)
}

/// `@sh`.
pub(crate) fn sh(value: &Value) -> ValR<Value> {
    let items = match value {
        Value::Array(items) => items.as_slice(),
        other => std::slice::from_ref(other),
    };
    let mut words = Vec::with_capacity(items.len());
    for item in items {
        words.push(match item {
            Value::String(text) => format!("'{}'", text.replace('\'', "'\\''")),
            Value::Array(_) | Value::Object(_) => {
                return Err(fault(format!("{} can not be escaped for shell", item.described())));
            }
            other => other.to_json(),
        });
    }
    Ok(Value::from(words.join(" ")))
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Groups of bits as letters, filled up with `=`.
fn encode(bytes: &[u8], alphabet: &[u8], bits: usize, group: usize) -> String {
    let mut encoded = String::new();
    let (mut held, mut count) = (0u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        count += 8;
        while count >= bits {
            count -= bits;
            encoded.push(char::from(alphabet[(held >> count) as usize & (alphabet.len() - 1)]));
        }
    }
    if count > 0 {
        encoded.push(char::from(alphabet[(held << (bits - count)) as usize & (alphabet.len() - 1)]));
    }
    while !encoded.len().is_multiple_of(group) {
        encoded.push('=');
    }
    encoded
}

/// The bytes, as far as they are whole; nothing where a letter is not of the alphabet.
fn decode(text: &str, alphabet: &[u8], bits: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![];
    let (mut held, mut count) = (0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = alphabet.iter().position(|known| *known == letter)?;
        held = held << bits | u32::try_from(value).ok()?;
        count += bits;
        if count >= 8 {
            count -= 8;
            bytes.push((held >> count) as u8);
        }
    }
    Some(bytes)
}

fn decoded(value: &Value, name: &str, alphabet: &[u8], bits: usize) -> ValR<Value> {
    let text = text(value);
    match decode(&text, alphabet, bits) {
        Some(bytes) if !bytes.is_empty() || text.trim_end_matches('=').is_empty() => {
            Ok(Value::from(String::from_utf8_lossy(&bytes).into_owned()))
        }
        Some(_) => Err(fault(format!("{} trailing {name} byte found", value.described()))),
        None => Err(fault(format!("{} is not valid {name} data", value.described()))),
    }
}

/// `@base64`.
pub(crate) fn base64(value: &Value) -> Value {
    Value::from(encode(text(value).as_bytes(), BASE64, 6, 4))
}

/// `@base64d`, with or without padding.
pub(crate) fn base64_decoded(value: &Value) -> ValR<Value> {
    decoded(value, "base64", BASE64, 6)
}

/// `@base32`.
pub(crate) fn base32(value: &Value) -> Value {
    Value::from(encode(text(value).as_bytes(), BASE32, 5, 8))
}

/// `@base32d`.
pub(crate) fn base32_decoded(value: &Value) -> ValR<Value> {
    decoded(value, "base32", BASE32, 5)
}
