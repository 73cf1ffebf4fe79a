use std::ops::Range;
use std::rc::Rc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::{Error, Exn, ValR, ValX};

use super::arithmetic::fault;
use super::number::Number;
use super::value::Value;

/// The longest array that an assignment makes by filling up with `null`.
const LONGEST: usize = 1 << 26;

fn cannot_index(value: &Value, key: &Value) -> Error<Value> {
    fault(match key {
        Value::String(text) => format!("Cannot index {} with string \"{text}\"", value.kind()),
        _ => format!("Cannot index {} with {}", value.kind(), key.kind()),
    })
}

fn cannot_iterate(value: &Value) -> Error<Value> {
    fault(format!("Cannot iterate over {}", value.described()))
}

/// The bounds of a slice of something of that length.
fn bounds(range: &Range<Option<&Value>>, length: usize) -> Result<Range<usize>, Error<Value>> {
    let end = |bound: Option<&Value>, default: f64| match bound {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Number(number)) => Ok(number.value()),
        Some(_) => Err(fault("Start and end indices of an array slice must be numbers")),
    };
    let size = length as f64;
    let absolute = |at: f64| if at < 0.0 { at + size } else { at }.clamp(0.0, size);
    // Parts of an element count as the whole.
    let start = absolute(end(range.start, 0.0)?).floor() as usize;
    let end = absolute(end(range.end, size)?).ceil() as usize;
    Ok(start..end.max(start))
}

fn slice(value: &Value, range: &Range<Option<&Value>>) -> ValR<Value> {
    Ok(match value {
        Value::Null => Value::Null,
        Value::Array(items) => items[bounds(range, items.len())?].iter().cloned().collect(),
        Value::String(text) => {
            let characters = bounds(range, text.chars().count())?;
            text.chars().skip(characters.start).take(characters.len()).collect::<String>().into()
        }
        _ => return Err(fault(format!("Cannot index {} with object", value.kind()))),
    })
}

/// The bounds that an object with `start` and `end` names.
fn as_range(key: &Value) -> Option<Range<Option<&Value>>> {
    match key {
        Value::Object(map) => Some(map.get("start")..map.get("end")),
        _ => None,
    }
}

/// The places at which one array stands in another.
pub(crate) fn places(items: &[Value], wanted: &[Value]) -> Value {
    match wanted.len() {
        0 => Value::Null,
        length => {
            let windows = items.windows(length).enumerate();
            windows.filter(|(_, window)| *window == wanted).map(|(at, _)| Value::from(at)).collect()
        }
    }
}

/// The value at a key.
pub(crate) fn get(value: &Value, key: &Value) -> ValR<Value> {
    Ok(match (value, key) {
        (Value::Object(map), Value::String(name)) => map.get(name).cloned().unwrap_or(Value::Null),
        (Value::Array(items), Value::Number(number)) => {
            at(number.value(), items.len()).and_then(|at| items.get(at)).cloned().unwrap_or(Value::Null)
        }
        (Value::Null, Value::String(_) | Value::Number(_) | Value::Null) => Value::Null,
        (Value::Array(items), Value::Array(wanted)) => places(items, wanted),
        (_, Value::Object(_)) if !matches!(value, Value::Object(_)) => match as_range(key) {
            Some(range) => slice(value, &range)?,
            None => Value::Null,
        },
        _ => return Err(cannot_index(value, key)),
    })
}

/// The place that an index means, if it is one.
fn at(index: f64, length: usize) -> Option<usize> {
    let index = index.floor();
    let index = if index < 0.0 { index + length as f64 } else { index };
    (index >= 0.0 && index < u32::MAX as f64).then_some(index as usize)
}

/// Changes the place of a key; `change` gives `None` where it is to go. What is `null` becomes what the key needs.
pub(crate) fn change<E: From<Error<Value>>>(
    value: Value,
    key: &Value,
    change: impl FnOnce(Value) -> Result<Option<Value>, E>,
) -> Result<Value, E> {
    match (value, key) {
        (Value::Null, Value::String(name)) => Ok(match change(Value::Null)? {
            Some(new) => Value::object([(Rc::clone(name), new)].into_iter().collect()),
            None => Value::Null,
        }),
        (Value::Object(mut map), Value::String(name)) => {
            let entries = Rc::make_mut(&mut map);
            // Taken out and put back, so that what is inside is not copied.
            let old = entries.get_mut(name).map_or(Value::Null, |place| std::mem::replace(place, Value::Null));
            match change(old)? {
                Some(new) => {
                    entries.insert(Rc::clone(name), new);
                }
                None => {
                    entries.shift_remove(name);
                }
            }
            Ok(Value::Object(map))
        }
        (Value::Null, Value::Number(_)) => self::change(Value::array(vec![]), key, change),
        (Value::Array(mut items), Value::Number(number)) => {
            let Some(at) = at(number.value(), items.len()) else {
                return Err(fault("Out of bounds negative array index").into());
            };
            if at >= LONGEST {
                return Err(fault("Array index too large").into());
            }
            let places = Rc::make_mut(&mut items);
            let old = places.get_mut(at).map_or(Value::Null, |place| std::mem::replace(place, Value::Null));
            match change(old)? {
                Some(new) => {
                    if at >= places.len() {
                        places.resize(at + 1, Value::Null);
                    }
                    places[at] = new;
                }
                None if at < places.len() => {
                    places.remove(at);
                }
                None => {}
            }
            Ok(Value::Array(items))
        }
        (value @ (Value::Null | Value::Array(_)), Value::Object(map)) => {
            let range = map.get("start")..map.get("end");
            let old = slice(&value, &range)?;
            let new = match change(old)? {
                Some(Value::Array(new)) => new.to_vec(),
                None => vec![],
                Some(_) => return Err(fault("A slice of an array can only be assigned another array").into()),
            };
            let mut items = match value {
                Value::Array(items) => items,
                _ => Rc::default(),
            };
            let bounds = bounds(&range, items.len())?;
            Rc::make_mut(&mut items).splice(bounds, new);
            Ok(Value::Array(items))
        }
        (Value::String(_), Value::Object(_)) => Err(fault("Cannot update string slices").into()),
        (value, key) => Err(cannot_index(&value, key).into()),
    }
}

/// Takes away what stands at the paths, which must be sorted.
pub(crate) fn delete(value: Value, paths: &[Vec<Value>]) -> ValR<Value> {
    paths.iter().rev().try_fold(value, |value, path| delete_one(value, path))
}

fn delete_one(value: Value, path: &[Value]) -> ValR<Value> {
    let Some((key, rest)) = path.split_first() else { return Ok(Value::Null) };
    match (&value, key) {
        (Value::Null, _) => return Ok(Value::Null),
        (Value::Object(map), Value::String(name)) if !map.contains_key(name) => return Ok(value),
        (Value::Array(items), Value::Number(number))
            if at(number.value(), items.len()).is_none_or(|at| at >= items.len()) =>
        {
            return Ok(value);
        }
        (Value::Object(_), Value::String(_)) | (Value::Array(_), Value::Number(_) | Value::Object(_)) => {}
        (Value::Object(_), _) => return Err(fault(format!("Cannot delete field at object index of {}", key.kind()))),
        (Value::Array(_), _) => return Err(fault(format!("Cannot delete field at array index of {}", key.kind()))),
        _ => return Err(fault(format!("Cannot delete field at {} index of {}", key.kind(), value.kind()))),
    }
    change(value, key, |inner| if rest.is_empty() { Ok(None) } else { delete_one(inner, rest).map(Some) })
}

impl jaq_core::ValT for Value {
    fn from_num(text: &str) -> ValR<Self> {
        Number::parse(text).map(Self::Number).ok_or_else(|| fault(format!("Invalid numeric literal {text}")))
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(entries: I) -> ValR<Self> {
        let entries = entries.into_iter().map(|(key, value)| match key {
            Self::String(name) => Ok((name, value)),
            other => Err(fault(format!("Object keys must be strings, not {}", other.described()))),
        });
        Ok(Self::object(entries.collect::<Result<_, _>>()?))
    }

    fn key_values(self) -> BoxIter<'static, ValR<(Self, Self), Self>> {
        match self {
            Self::Array(items) => Box::new((0..items.len()).map(move |at| Ok((Self::from(at), items[at].clone())))),
            Self::Object(map) => Box::new(
                (0..map.len())
                    .filter_map(move |at| map.get_index(at).map(|(key, value)| (Rc::clone(key), value.clone())))
                    .map(|(key, value)| Ok((Self::String(key), value))),
            ),
            other => box_once(Err(cannot_iterate(&other))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR<Self>>> {
        match self {
            Self::Array(items) => match Rc::try_unwrap(items) {
                Ok(items) => Box::new(items.into_iter().map(Ok)),
                Err(items) => Box::new((0..items.len()).map(move |at| Ok(items[at].clone()))),
            },
            Self::Object(map) => Box::new((0..map.len()).map(move |at| Ok(map[at].clone()))),
            other => box_once(Err(cannot_iterate(&other))),
        }
    }

    fn index(self, key: &Self) -> ValR<Self> {
        get(&self, key)
    }

    fn range(self, range: Range<Option<&Self>>) -> ValR<Self> {
        slice(&self, &range)
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        match self {
            Self::Array(items) => {
                let items = Rc::try_unwrap(items).unwrap_or_else(|items| (*items).clone());
                let new = items.into_iter().filter_map(|item| f(item).next());
                Ok(Self::array(new.collect::<Result<_, _>>()?))
            }
            Self::Object(map) => {
                let map = Rc::try_unwrap(map).unwrap_or_else(|map| (*map).clone());
                let new = map.into_iter().filter_map(|(key, value)| Some(f(value).next()?.map(|value| (key, value))));
                Ok(Self::object(new.collect::<Result<_, _>>()?))
            }
            other => opt.fail(other, |other| Exn::from(cannot_iterate(&other))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        key: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        if let (Opt::Optional, Err(_)) = (opt, get(&self, key)) {
            return Ok(self);
        }
        change(self, key, |old| f(old).next().transpose())
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        range: Range<Option<&Self>>,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        let key = Self::from(range.start.cloned()..range.end.cloned());
        self.map_index(&key, opt, f)
    }

    fn as_bool(&self) -> bool {
        self.is_true()
    }

    fn into_string(self) -> Self {
        match self {
            Self::String(_) => self,
            other => Self::from(other.to_json()),
        }
    }
}

impl jaq_std::ValT for Value {
    fn into_seq<S: FromIterator<Self>>(self) -> Result<S, Self> {
        match self {
            Self::Array(items) => Ok(items.iter().cloned().collect()),
            other => Err(other),
        }
    }

    fn is_int(&self) -> bool {
        self.as_number().is_some_and(|number| number.fract() == 0.0)
    }

    fn as_isize(&self) -> Option<isize> {
        let number = self.as_number()?;
        (number.fract() == 0.0 && number.abs() < isize::MAX as f64).then_some(number as isize)
    }

    fn as_f64(&self) -> Option<f64> {
        self.as_number()
    }

    fn is_utf8_str(&self) -> bool {
        matches!(self, Self::String(_))
    }

    fn as_bytes(&self) -> Option<&[u8]> {
        self.as_str().map(str::as_bytes)
    }

    fn as_sub_str(&self, part: &[u8]) -> Self {
        Self::from(String::from_utf8_lossy(part).into_owned())
    }

    fn from_utf8_bytes(bytes: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self::from(String::from_utf8_lossy(bytes.as_ref()).into_owned())
    }
}
