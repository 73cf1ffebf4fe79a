use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use stepbox_tool::calendar::Moment;
use stepbox_tool::pattern::{Pattern, character_length};

use super::fields::{FieldSeparator, split};
use super::interpret::{Interpreter, Stop};
use super::syntax::{Builtin, Expression, FS, RLENGTH, RSTART, SUBSEP, Target};
use super::value::{Text, Value};

type Evaluated<T> = Result<T, Stop>;

impl<'p> Interpreter<'p, '_, '_> {
    pub(super) fn builtin(&mut self, builtin: Builtin, arguments: &'p [Expression]) -> Evaluated<Value> {
        let number = match builtin {
            Builtin::Length => return self.length(arguments),
            Builtin::Substr => return self.substr(arguments),
            Builtin::Index => {
                let (text, wanted) = (self.text(&arguments[0])?, self.text(&arguments[1])?);
                find(&text, &wanted).map_or(0.0, |at| count(&text[..at]) as f64 + 1.0)
            }
            Builtin::Split => return self.split(arguments),
            Builtin::Sub | Builtin::Gsub => return self.substitute(builtin == Builtin::Gsub, arguments),
            Builtin::Gensub => return self.gensub(arguments),
            Builtin::Match => return self.match_text(arguments),
            Builtin::Sprintf => return Ok(Value::Text(self.formatted(arguments)?.into())),
            Builtin::Tolower | Builtin::Toupper => {
                let text = self.text(&arguments[0])?;
                return Ok(Value::Text(cased(&text, builtin == Builtin::Toupper).into()));
            }
            Builtin::Asort | Builtin::Asorti => return self.sort(builtin == Builtin::Asorti, arguments),
            Builtin::Sin => self.number(&arguments[0])?.sin(),
            Builtin::Cos => self.number(&arguments[0])?.cos(),
            Builtin::Atan2 => {
                let y = self.number(&arguments[0])?;
                y.atan2(self.number(&arguments[1])?)
            }
            Builtin::Exp => self.number(&arguments[0])?.exp(),
            Builtin::Log => self.number(&arguments[0])?.ln(),
            Builtin::Sqrt => self.number(&arguments[0])?.sqrt(),
            Builtin::Int => self.number(&arguments[0])?.trunc(),
            Builtin::Rand => {
                // xorshift64*: good enough for what scripts do with it, and no more.
                self.random ^= self.random >> 12;
                self.random ^= self.random << 25;
                self.random ^= self.random >> 27;
                (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64
            }
            Builtin::Srand => {
                let before = self.seed;
                self.seed = match arguments.first() {
                    Some(seed) => self.number(seed)?,
                    None => now() as f64,
                };
                self.random = (self.seed.to_bits() ^ 0x9e37_79b9_7f4a_7c15).max(1);
                before
            }
            Builtin::Close => {
                let name = self.text(&arguments[0])?;
                // What was printed before comes before what the command prints.
                self.streams.output.flush()?;
                f64::from(self.channels.close(&name))
            }
            Builtin::Fflush => {
                self.channels.flush(self.streams)?;
                0.0
            }
            Builtin::System => {
                let command = self.text(&arguments[0])?;
                f64::from(self.channels.system(&command, self.streams)?)
            }
            Builtin::Systime => now() as f64,
            Builtin::Strftime => return self.strftime(arguments),
            Builtin::Strtonum => {
                let text = self.text(&arguments[0])?;
                strtonum(&text)
            }
            Builtin::And | Builtin::Or | Builtin::Xor => {
                let mut result = self.whole(&arguments[0])?;
                for argument in &arguments[1..] {
                    let next = self.whole(argument)?;
                    result = match builtin {
                        Builtin::And => result & next,
                        Builtin::Or => result | next,
                        _ => result ^ next,
                    };
                }
                result as f64
            }
            Builtin::Lshift => (self.whole(&arguments[0])? << self.whole(&arguments[1])?.min(63)) as f64,
            Builtin::Rshift => (self.whole(&arguments[0])? >> self.whole(&arguments[1])?.min(63)) as f64,
            Builtin::Compl => (!self.whole(&arguments[0])? & ((1 << 53) - 1)) as f64,
        };
        Ok(Value::Number(number))
    }

    fn whole(&mut self, expression: &'p Expression) -> Evaluated<u64> {
        let number = self.number(expression)?;
        if number < 0.0 {
            return Err(Stop::Message("bits of a negative number are asked for".to_owned()));
        }
        Ok(number as u64)
    }

    fn length(&mut self, arguments: &'p [Expression]) -> Evaluated<Value> {
        let text = match arguments.first() {
            None => self.record_text(),
            Some(Expression::Get(Target::Variable(variable))) if self.is_array(*variable) => {
                return Ok(Value::Number(self.array(*variable)?.borrow().len() as f64));
            }
            Some(other) => self.text(other)?,
        };
        Ok(Value::Number(count(&text) as f64))
    }

    fn substr(&mut self, arguments: &'p [Expression]) -> Evaluated<Value> {
        let text = self.text(&arguments[0])?;
        // As gawk and busybox have it: parts of characters are dropped, and what would begin before the text begins with it.
        let start = self.number(&arguments[1])?.trunc().max(1.0);
        let end = match arguments.get(2) {
            Some(length) => start + self.number(length)?.trunc(),
            None => f64::INFINITY,
        };
        if end.is_nan() || start.is_nan() || end <= start {
            return Ok(Value::text(b""));
        }
        let (from, length) = (start as usize - 1, (end - start) as usize);
        if text.is_ascii() {
            let from = from.min(text.len());
            return Ok(Value::text(&text[from..from.saturating_add(length).min(text.len())]));
        }
        let from = place(&text, 0, from);
        Ok(Value::text(&text[from..place(&text, from, length)]))
    }

    fn split(&mut self, arguments: &'p [Expression]) -> Evaluated<Value> {
        let text = self.text(&arguments[0])?;
        let separator = match arguments.get(2) {
            None => {
                let text = self.special_text(FS);
                self.field_separator_from(&text)?
            }
            Some(Expression::Regex(pattern)) => FieldSeparator::Pattern(Rc::clone(pattern)),
            Some(other) => {
                let text = self.text(other)?;
                self.field_separator_from(&text)?
            }
        };
        let array = self.array_of(&arguments[1])?;
        let mut places = vec![];
        split(&text, &separator, false, |from, to| places.push((from, to)))?;
        let mut elements = array.borrow_mut();
        elements.clear();
        for (index, (from, to)) in places.iter().enumerate() {
            *elements.entry((index + 1).to_string().as_bytes().into()) = Value::Input(text[*from..*to].into());
        }
        drop(elements);
        if let Some(separators) = arguments.get(3) {
            let array = self.array_of(separators)?;
            let mut elements = array.borrow_mut();
            elements.clear();
            for (index, pair) in places.windows(2).enumerate() {
                let between = &text[pair[0].1..pair[1].0];
                *elements.entry((index + 1).to_string().as_bytes().into()) = Value::text(between);
            }
        }
        Ok(Value::Number(places.len() as f64))
    }

    fn substitute(&mut self, all: bool, arguments: &'p [Expression]) -> Evaluated<Value> {
        let pattern = self.pattern_of(&arguments[0])?;
        let replacement = self.text(&arguments[1])?;
        let text = match arguments.get(2) {
            Some(target) => self.text(target)?,
            None => self.record_text(),
        };
        let mut count = 0;
        let result = replaced(
            &pattern,
            &text,
            false,
            |number, place, groups, result| {
                if number == 1 || all {
                    count += 1;
                    insert(&replacement, &text, place, groups, false, result);
                    true
                } else {
                    false
                }
            },
            !all,
        )?;
        if count > 0 {
            let value = Value::Text(result.into());
            match arguments.get(2) {
                Some(Expression::Get(target)) => self.set(target, value)?,
                _ => self.set_record(value)?,
            }
        }
        Ok(Value::Number(f64::from(count)))
    }

    fn gensub(&mut self, arguments: &'p [Expression]) -> Evaluated<Value> {
        let pattern = self.pattern_of(&arguments[0])?;
        let replacement = self.text(&arguments[1])?;
        let how = self.value(&arguments[2])?;
        let text = match arguments.get(3) {
            Some(target) => self.text(target)?,
            None => self.record_text(),
        };
        let all = self.text_of(&how).first().is_some_and(|byte| matches!(byte, b'g' | b'G'));
        let which = how.number().max(1.0) as usize;
        let result = replaced(
            &pattern,
            &text,
            true,
            |number, place, groups, result| {
                if all || number == which {
                    insert(&replacement, &text, place, groups, true, result);
                    true
                } else {
                    false
                }
            },
            false,
        )?;
        Ok(Value::Text(result.into()))
    }

    fn match_text(&mut self, arguments: &'p [Expression]) -> Evaluated<Value> {
        let text = self.text(&arguments[0])?;
        let pattern = self.pattern_of(&arguments[1])?;
        let mut groups = vec![];
        let found = if arguments.len() > 2 {
            pattern.find_groups(&text, 0, &mut groups)?;
            groups.first().copied().flatten()
        } else {
            pattern.find(&text, 0)?
        };
        let place = |(from, to): (usize, usize)| (count(&text[..from]) as f64 + 1.0, count(&text[from..to]) as f64);
        let (start, length) = found.map_or((0.0, -1.0), place);
        self.set_special(RSTART, Value::Number(start));
        self.set_special(RLENGTH, Value::Number(length));
        if let Some(array) = arguments.get(2) {
            let separator = self.special_text(SUBSEP);
            let array = self.array_of(array)?;
            let mut elements = array.borrow_mut();
            elements.clear();
            for (index, group) in groups.iter().enumerate() {
                let Some((from, to)) = *group else { continue };
                let name = index.to_string().into_bytes();
                *elements.entry(name[..].into()) = Value::Input(text[from..to].into());
                let (start, length) = place((from, to));
                for (what, number) in [(&b"start"[..], start), (b"length", length)] {
                    let key = [&name[..], &separator, what].concat();
                    *elements.entry(key[..].into()) = Value::Number(number);
                }
            }
        }
        Ok(Value::Number(start))
    }

    fn sort(&mut self, by_key: bool, arguments: &'p [Expression]) -> Evaluated<Value> {
        let from = self.array_of(&arguments[0])?;
        let mut values =
            if by_key { from.borrow().keys().into_iter().map(Value::Text).collect() } else { from.borrow().values() };
        // Numbers before texts.
        values.sort_by(|a, b| match (a.as_number(), b.as_number()) {
            (Some(a), Some(b)) => a.total_cmp(&b),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => a.to_text(b"%.6g").cmp(&b.to_text(b"%.6g")),
        });
        let into = match arguments.get(1) {
            Some(array) => self.array_of(array)?,
            None => from,
        };
        let mut elements = into.borrow_mut();
        elements.clear();
        let length = values.len();
        for (index, value) in values.into_iter().enumerate() {
            *elements.entry((index + 1).to_string().as_bytes().into()) = value;
        }
        Ok(Value::Number(length as f64))
    }

    fn strftime(&mut self, arguments: &'p [Expression]) -> Evaluated<Value> {
        let format = match arguments.first() {
            Some(format) => self.text(format)?,
            None => Rc::from(&b"%a %b %e %H:%M:%S UTC %Y"[..]),
        };
        let seconds = match arguments.get(1) {
            Some(seconds) => self.number(seconds)? as i64,
            None => now(),
        };
        let format = String::from_utf8_lossy(&format).into_owned();
        Ok(Value::Text(Moment::new(seconds, 0).format(&format)?.into_bytes().into()))
    }
}

fn now() -> i64 {
    let passed = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs());
    i64::try_from(passed).unwrap_or(i64::MAX)
}

/// How many characters a text has.
fn count(text: &[u8]) -> usize {
    if text.is_ascii() {
        return text.len();
    }
    text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}

/// Where so many characters behind a place are.
fn place(text: &[u8], from: usize, characters: usize) -> usize {
    let mut at = from;
    for _ in 0..characters {
        if at >= text.len() {
            break;
        }
        at += character_length(text, at);
    }
    at.min(text.len())
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

fn cased(text: &[u8], upper: bool) -> Vec<u8> {
    if text.is_ascii() {
        return if upper { text.to_ascii_uppercase() } else { text.to_ascii_lowercase() };
    }
    let mut result = vec![];
    for chunk in text.utf8_chunks() {
        let valid = chunk.valid();
        result.extend((if upper { valid.to_uppercase() } else { valid.to_lowercase() }).into_bytes());
        result.extend(chunk.invalid());
    }
    result
}

fn strtonum(text: &[u8]) -> f64 {
    let trimmed = String::from_utf8_lossy(text).trim().to_owned();
    let (digits, base) = match trimmed.strip_prefix("0x").or_else(|| trimmed.strip_prefix("0X")) {
        Some(digits) => (digits, 16),
        None if trimmed.starts_with('0') && !trimmed.contains('.') => (&trimmed[1..], 8),
        None => return super::value::leading_number(text).0,
    };
    digits
        .chars()
        .map_while(|digit| digit.to_digit(base))
        .fold(0.0, |value, digit| value * f64::from(base) + f64::from(digit))
}

type Place = (usize, usize);

/// Replaces matches: `replace` is told the number of each, writes what stands for it, or says that it stays.
fn replaced(
    pattern: &Pattern,
    text: &Text,
    with_groups: bool,
    mut replace: impl FnMut(usize, Place, &[Option<Place>], &mut Vec<u8>) -> bool,
    once: bool,
) -> Evaluated<Vec<u8>> {
    let mut result = vec![];
    let (mut start, mut number) = (0, 0);
    let mut previous_end = None;
    let mut groups = vec![];
    while start <= text.len() {
        let found = if with_groups {
            pattern.find_groups(text, start, &mut groups)?;
            groups.first().copied().flatten()
        } else {
            pattern.find(text, start)?
        };
        let Some((from, to)) = found else { break };
        result.extend(&text[start..from]);
        if from != to || previous_end != Some(from) {
            number += 1;
            if !replace(number, (from, to), &groups, &mut result) {
                result.extend(&text[from..to]);
            }
            previous_end = Some(to);
            if once {
                start = to;
                break;
            }
        }
        start = to;
        if from == to {
            let end = (to + character_length(text, to)).min(text.len() + 1);
            result.extend(&text[to..end.min(text.len())]);
            start = end;
        }
    }
    if start < text.len() {
        result.extend(&text[start..]);
    }
    Ok(result)
}

/// Writes a replacement, in which `&` is the match and, with `numbered`, `\1` a group.
fn insert(
    replacement: &[u8],
    text: &[u8],
    place: Place,
    groups: &[Option<Place>],
    numbered: bool,
    result: &mut Vec<u8>,
) {
    let mut at = 0;
    while let Some(&byte) = replacement.get(at) {
        at += 1;
        match (byte, replacement.get(at)) {
            (b'\\', Some(b'&')) => {
                result.push(b'&');
                at += 1;
            }
            (b'\\', Some(b'\\')) if numbered || replacement.get(at + 1) == Some(&b'&') => {
                result.push(b'\\');
                at += 1;
            }
            (b'\\', Some(digit @ b'0'..=b'9')) if numbered => {
                at += 1;
                match usize::from(digit - b'0') {
                    0 => result.extend(&text[place.0..place.1]),
                    group => {
                        if let Some(Some((from, to))) = groups.get(group) {
                            result.extend(&text[*from..*to]);
                        }
                    }
                }
            }
            (b'&', _) => result.extend(&text[place.0..place.1]),
            _ => result.push(byte),
        }
    }
}
