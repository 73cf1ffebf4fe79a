//! The functions of jq that are ours, since jaq's differ in what they do or say. The definitions in `definitions.jq` give them
//! their names.

use std::rc::Rc;

use jaq_core::box_iter::box_once;
use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_core::{Cv, Exn, RunPtr, ValR, ValXs};

use super::access;
use super::arithmetic::fault;
use super::formats;
use super::matching;
use super::program::Kind;
use super::read::{ReadError, Reader};
use super::value::{Map, Value};

type Row = (&'static str, usize, RunPtr<Kind>);

/// All of them.
pub(crate) fn functions() -> impl Iterator<Item = Fun<Kind>> {
    rows().into_iter().map(|(name, arity, function)| run::<Kind>((name, v(arity), function)))
}

fn rows() -> Vec<Row> {
    vec![
        ("_type", 0, |cv| bome(Ok(Value::text(cv.1.kind())))),
        ("_described", 0, |cv| bome(Ok(Value::from(cv.1.described())))),
        ("_length", 0, |cv| bome(length(&cv.1))),
        ("_bytes", 0, |cv| bome(bytes(&cv.1))),
        ("_keys", 0, |cv| bome(keys(&cv.1))),
        ("_keys_unsorted", 0, |cv| bome(keys_unsorted(&cv.1))),
        ("_match", 2, |mut cv| {
            let (flags, expression) = (cv.0.pop_var(), cv.0.pop_var());
            bome(matching::matches(&cv.1, &expression, &flags))
        }),
        ("_has", 1, |cv| unary(cv, |value, key| has(&value, &key))),
        ("_contains", 1, |cv| unary(cv, |value, other| contains(&value, &other).map(Value::Bool))),
        ("_indices", 1, |cv| unary(cv, |value, wanted| indices(&value, &wanted))),
        ("_tojson", 0, |cv| bome(Ok(Value::from(cv.1.to_json())))),
        ("_fromjson", 0, |cv| bome(from_json(&cv.1))),
        ("_tonumber", 0, |cv| bome(to_number(cv.1))),
        ("_nan", 0, |_| bome(Ok(Value::from(f64::NAN)))),
        ("_infinite", 0, |_| bome(Ok(Value::from(f64::INFINITY)))),
        ("_isnan", 0, |cv| bome(Ok(Value::Bool(cv.1.as_number().is_some_and(f64::is_nan))))),
        ("_join", 1, |cv| unary(cv, |value, separator| join(&value, &separator))),
        ("_startswith", 1, |cv| {
            unary(cv, |text, start| both(&text, &start, "startswith", |text, start| text.starts_with(start)))
        }),
        ("_endswith", 1, |cv| unary(cv, |text, end| both(&text, &end, "endswith", |text, end| text.ends_with(end)))),
        ("_ltrimstr", 1, |cv| {
            unary(cv, |text, start| {
                let rest = text.as_str().and_then(|text| text.strip_prefix(start.as_str()?)).map(Value::text);
                Ok(rest.unwrap_or(text))
            })
        }),
        ("_rtrimstr", 1, |cv| {
            unary(cv, |text, end| {
                let rest = text.as_str().and_then(|text| text.strip_suffix(end.as_str()?)).map(Value::text);
                Ok(rest.unwrap_or(text))
            })
        }),
        ("_trim", 1, |cv| unary(cv, |text, side| trim(&text, &side))),
        ("_case", 1, |cv| unary(cv, |text, upper| change_case(&text, upper.is_true()))),
        ("_explode", 0, |cv| bome(explode(&cv.1))),
        ("_implode", 0, |cv| bome(implode(&cv.1))),
        ("_sort", 0, |cv| bome(sort(cv.1))),
        ("_flatten", 1, |cv| unary(cv, |value, depth| flatten(&value, depth.as_number().unwrap_or(0.0)))),
        ("_extreme", 2, extreme),
        ("_entry_key", 0, |cv| bome(entry_key(&cv.1))),
        ("_setpath", 2, |mut cv| {
            let (new, path) = (cv.0.pop_var(), cv.0.pop_var());
            bome(path_of(&path).and_then(|path| set_path(cv.1, &path, new)))
        }),
        ("_delpaths", 1, |cv| unary(cv, |value, paths| delete_paths(value, &paths))),
        ("_env", 0, |_| bome(Ok(environment()))),
        ("_csv", 0, |cv| bome(formats::csv(&cv.1))),
        ("_tsv", 0, |cv| bome(formats::tsv(&cv.1))),
        ("_html", 0, |cv| bome(Ok(formats::html(&cv.1)))),
        ("_uri", 0, |cv| bome(Ok(formats::uri(&cv.1)))),
        ("_sh", 0, |cv| bome(formats::sh(&cv.1))),
        ("_base64", 0, |cv| bome(Ok(formats::base64(&cv.1)))),
        ("_base64d", 0, |cv| bome(formats::base64_decoded(&cv.1))),
        ("_base32", 0, |cv| bome(Ok(formats::base32(&cv.1)))),
        ("_base32d", 0, |cv| bome(formats::base32_decoded(&cv.1))),
        ("_debug", 0, |cv| {
            cv.0.data().session.note(format!("[\"DEBUG:\",{}]\n", cv.1.to_json()));
            bome(Ok(cv.1))
        }),
        ("_stderr", 0, |cv| {
            cv.0.data().session.note(cv.1.as_str().map_or_else(|| cv.1.to_json(), str::to_owned));
            bome(Ok(cv.1))
        }),
        ("_halt_error", 1, halt_error),
        ("_input_filename", 0, |cv| bome(Ok(cv.0.data().session.file_name()))),
        ("_input_line_number", 0, |cv| bome(Ok(Value::from(cv.0.data().session.line())))),
    ]
}

fn length(value: &Value) -> ValR<Value> {
    Ok(Value::from(match value {
        Value::Null => 0,
        Value::Bool(_) => return Err(fault(format!("{} has no length", value.described()))),
        Value::Number(number) => return Ok(Value::from(number.value().abs())),
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.len(),
        Value::Object(map) => map.len(),
    }))
}

fn bytes(value: &Value) -> ValR<Value> {
    let text = value.as_str();
    let text = text.ok_or_else(|| fault(format!("{} only strings have UTF-8 byte length", value.described())))?;
    Ok(Value::from(text.len()))
}

fn keys(value: &Value) -> ValR<Value> {
    match value {
        Value::Array(items) => Ok((0..items.len()).map(Value::from).collect()),
        Value::Object(map) => {
            let mut keys: Vec<Value> = map.keys().cloned().map(Value::String).collect();
            keys.sort();
            Ok(Value::array(keys))
        }
        other => Err(fault(format!("{} has no keys", other.described()))),
    }
}

fn keys_unsorted(value: &Value) -> ValR<Value> {
    match value {
        Value::Object(map) => Ok(map.keys().cloned().map(Value::String).collect()),
        other => keys(other),
    }
}

fn has(value: &Value, key: &Value) -> ValR<Value> {
    Ok(Value::Bool(match (value, key) {
        (Value::Object(map), Value::String(name)) => map.contains_key(name),
        (Value::Array(items), Value::Number(at)) => at.value() >= 0.0 && at.value() < items.len() as f64,
        _ => return Err(fault(format!("Cannot check whether {} has a {} key", value.kind(), key.kind()))),
    }))
}

fn contains(value: &Value, other: &Value) -> Result<bool, jaq_core::Error<Value>> {
    Ok(match (value, other) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, wanted) in b.iter() {
                match a.get(key) {
                    Some(found) if contains(found, wanted)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (Value::Array(a), Value::Array(b)) => {
            for wanted in b.iter() {
                let mut found = false;
                for item in a.iter().filter(|item| item.kind() == wanted.kind()) {
                    found |= contains(item, wanted)?;
                }
                if !found {
                    return Ok(false);
                }
            }
            true
        }
        (Value::String(a), Value::String(b)) => a.contains(&**b),
        (a, b) if a.kind() == b.kind() => a == b,
        (a, b) => {
            return Err(fault(format!(
                "{} and {} cannot have their containment checked",
                a.described(),
                b.described()
            )));
        }
    })
}

fn indices(value: &Value, wanted: &Value) -> ValR<Value> {
    match (value, wanted) {
        (Value::Null, _) => Ok(Value::Null),
        (Value::String(text), Value::String(wanted)) if wanted.is_empty() || text.is_empty() => Ok(Value::Null),
        (Value::String(text), Value::String(wanted)) => {
            let characters = text.char_indices().enumerate();
            let found = characters.filter(|(_, (at, _))| text[*at..].starts_with(&**wanted));
            Ok(found.map(|(at, _)| Value::from(at)).collect())
        }
        (Value::Array(items), Value::Array(wanted)) => Ok(access::places(items, wanted)),
        (Value::Array(items), wanted) => Ok(access::places(items, std::slice::from_ref(wanted))),
        (value, wanted) => access::get(value, wanted),
    }
}

fn from_json(value: &Value) -> ValR<Value> {
    let text = value.as_str();
    let text = text.ok_or_else(|| fault(format!("{} only strings can be parsed", value.described())))?;
    match Reader::new(text.as_bytes()).only_value() {
        Ok(value) => Ok(value.unwrap_or(Value::Null)),
        Err(ReadError::Json(message)) => Err(fault(format!("{message} (while parsing '{text}')"))),
        Err(ReadError::Io(error)) => Err(fault(error.to_string())),
    }
}

fn to_number(value: Value) -> ValR<Value> {
    match &value {
        Value::Number(_) => Ok(value),
        Value::String(text) => match Reader::new(text.trim().as_bytes()).only_value() {
            Ok(Some(number @ Value::Number(_))) => Ok(number),
            Err(ReadError::Json(message)) => Err(fault(format!("{message} (while parsing '{text}')"))),
            _ => Err(fault(format!("{} cannot be parsed as a number", value.described()))),
        },
        _ => Err(fault(format!("{} cannot be parsed as a number", value.described()))),
    }
}

fn join(value: &Value, separator: &Value) -> ValR<Value> {
    let Value::Array(items) = value else {
        return jaq_core::ValT::values(value.clone())
            .next()
            .map_or(Ok(Value::text("")), |found| found.and(Ok(value.clone())));
    };
    let mut joined: Option<Value> = None;
    for item in items.iter() {
        let item = match item {
            Value::Null => Value::text(""),
            Value::Bool(_) | Value::Number(_) => Value::from(item.to_json()),
            other => other.clone(),
        };
        let start = match joined {
            None => Value::text(""),
            Some(start) => (start + separator.clone())?,
        };
        joined = Some((start + item)?);
    }
    Ok(joined.unwrap_or_else(|| Value::text("")))
}

fn both(text: &Value, other: &Value, name: &str, test: fn(&str, &str) -> bool) -> ValR<Value> {
    match (text.as_str(), other.as_str()) {
        (Some(text), Some(other)) => Ok(Value::Bool(test(text, other))),
        _ => Err(fault(format!("{name}() requires string inputs"))),
    }
}

fn trim(value: &Value, side: &Value) -> ValR<Value> {
    let text = value.as_str().ok_or_else(|| fault(format!("{} cannot be trimmed", value.described())))?;
    Ok(Value::text(match side.as_number() {
        Some(1.0) => text.trim_start(),
        Some(2.0) => text.trim_end(),
        _ => text.trim(),
    }))
}

fn change_case(value: &Value, upper: bool) -> ValR<Value> {
    let name = if upper { "ascii_upcase" } else { "ascii_downcase" };
    let text = value.as_str().ok_or_else(|| fault(format!("{name} input must be a string")))?;
    Ok(Value::from(if upper { text.to_ascii_uppercase() } else { text.to_ascii_lowercase() }))
}

fn explode(value: &Value) -> ValR<Value> {
    let text = value.as_str().ok_or_else(|| fault("explode input must be a string"))?;
    Ok(text.chars().map(|character| Value::from(f64::from(u32::from(character)))).collect())
}

fn implode(value: &Value) -> ValR<Value> {
    let Value::Array(items) = value else { return Err(fault("implode input must be an array")) };
    let text: Option<String> = items
        .iter()
        .map(|item| item.as_number().map(|number| char::from_u32(number as u32).unwrap_or('\u{fffd}')))
        .collect();
    text.map(Value::from).ok_or_else(|| fault("Unicode codepoint must be numeric"))
}

fn sort(value: Value) -> ValR<Value> {
    match value {
        Value::Array(items) => {
            let mut items = Rc::unwrap_or_clone(items);
            items.sort();
            Ok(Value::array(items))
        }
        other => Err(fault(format!("{} cannot be sorted, as it is not an array", other.described()))),
    }
}

fn flatten(value: &Value, depth: f64) -> ValR<Value> {
    let mut flat = vec![];
    for item in jaq_core::ValT::values(value.clone()) {
        match item? {
            inner @ Value::Array(_) if depth > 0.0 => match flatten(&inner, depth - 1.0)? {
                Value::Array(items) => flat.extend(items.iter().cloned()),
                other => flat.push(other),
            },
            other => flat.push(other),
        }
    }
    Ok(Value::array(flat))
}

/// Of pairs of key and value, the value of the smallest or largest key: the first of the smallest, the last of the largest.
fn extreme<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Value> {
    let (largest, pairs) = (cv.0.pop_var().is_true(), cv.0.pop_var());
    let mut best: Option<(Value, Value)> = None;
    if let Value::Array(pairs) = pairs {
        for pair in pairs.iter() {
            let Value::Array(pair) = pair else { continue };
            let [key, value] = pair.as_slice() else { continue };
            if best.as_ref().is_none_or(|(found, _)| if largest { key >= found } else { key < found }) {
                best = Some((key.clone(), value.clone()));
            }
        }
    }
    bome(Ok(best.map_or(Value::Null, |(_, value)| value)))
}

/// The key of an entry, under any of its names.
fn entry_key(entry: &Value) -> ValR<Value> {
    let Value::Object(map) = entry else { return access::get(entry, &Value::text("key")) };
    let found = ["key", "k", "name", "Name", "Key", "K"].iter().filter_map(|name| map.get(*name));
    let key =
        found.clone().find(|key| key.is_true()).or_else(|| found.clone().find(|key| matches!(key, Value::Bool(_))));
    Ok(match key {
        Some(Value::String(text)) => Value::String(Rc::clone(text)),
        Some(Value::Null) | None => Value::text("null"),
        Some(other @ (Value::Number(_) | Value::Bool(_))) => Value::from(other.to_json()),
        Some(other) => return Err(fault(format!("Cannot use {} as object key", other.described()))),
    })
}

fn path_of(path: &Value) -> Result<Vec<Value>, jaq_core::Error<Value>> {
    match path {
        Value::Array(path) => Ok(path.to_vec()),
        _ => Err(fault("Path must be specified as an array")),
    }
}

fn set_path(value: Value, path: &[Value], new: Value) -> ValR<Value> {
    match path.split_first() {
        None => Ok(new),
        Some((key, rest)) => access::change(value, key, |inner| set_path(inner, rest, new).map(Some)),
    }
}

fn delete_paths(value: Value, paths: &Value) -> ValR<Value> {
    let Value::Array(paths) = paths else { return Err(fault("Paths must be specified as an array")) };
    let mut sorted: Vec<Value> = paths.to_vec();
    sorted.sort();
    sorted.dedup();
    let sorted = sorted.iter().map(path_of).collect::<Result<Vec<_>, _>>()?;
    access::delete(value, &sorted)
}

/// The environment, as an object.
pub(crate) fn environment() -> Value {
    let text = |part: std::ffi::OsString| part.to_string_lossy().into_owned();
    let variables = std::env::vars_os().map(|(name, value)| (Rc::from(text(name)), Value::from(text(value))));
    Value::object(variables.collect::<Map>())
}

/// Ends the program: a string is told as it is, anything else as JSON.
fn halt_error<'a>(mut cv: Cv<'a, Kind>) -> ValXs<'a, Value> {
    let Some(code) = cv.0.pop_var().as_number() else {
        return bome(Err(fault("halt_error/1: number required")));
    };
    match &cv.1 {
        Value::Null => {}
        Value::String(text) => cv.0.data().session.note(text),
        other => cv.0.data().session.note(format!("{}\n", other.to_json())),
    }
    box_once(Err(Exn::halt(code as i32)))
}
