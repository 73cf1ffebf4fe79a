//! `$name`, `${name…}` and the special parameters (XCU 2.5, 2.6.2).

use std::borrow::Cow;

use super::{Expansion, Purpose};
use crate::eval::{Flow, Shell};
use crate::ir::{Anchor, Name, Operation, Parameter, Word};
use crate::pattern::{Pattern, char_length};

impl Shell {
    pub(super) fn expand_parameter(
        &mut self,
        parameter: &Parameter,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) -> Result<(), Flow> {
        let all = matches!(parameter.name, Name::Special(b'@' | b'*'));
        match &parameter.operation {
            Operation::Plain if all => {
                self.expand_all(&parameter.name, quoted, purpose, out);
                return Ok(());
            }
            Operation::Length => {
                let length = if all { self.positional().len() } else { count_chars(&self.required(&parameter.name)?) };
                out.push(length.to_string().as_bytes(), quoted);
                return Ok(());
            }
            Operation::Plain => {
                out.push(&self.required(&parameter.name)?, quoted);
                return Ok(());
            }
            Operation::Strip { pattern, suffix, longest } => {
                // Looked at first: its own expansion may set the variable.
                let value = self.required(&parameter.name)?.into_owned();
                let pattern = self.expand_pattern(pattern)?;
                let kept = if *suffix {
                    pattern.suffix(&value, *longest).map_or(&value[..], |at| &value[..at])
                } else {
                    pattern.prefix(&value, *longest).map_or(&value[..], |at| &value[at..])
                };
                out.push(kept, quoted);
                return Ok(());
            }
            _ => {}
        }
        let value = self.value_of(&parameter.name).map(Cow::into_owned);
        let is_empty = value.as_ref().is_none_or(Vec::is_empty);
        let missing = |colon: bool| value.is_none() || (colon && is_empty);
        match &parameter.operation {
            Operation::Plain | Operation::Length | Operation::Strip { .. } => {}
            Operation::Default { word, colon } => {
                if missing(*colon) {
                    return self.expand_operand(word, quoted, purpose, out);
                }
                self.push_value(parameter, value, quoted, purpose, out);
            }
            Operation::Alternative { word, colon } => {
                if !missing(*colon) {
                    return self.expand_operand(word, quoted, purpose, out);
                }
                if quoted {
                    out.force();
                }
            }
            Operation::Assign { word, colon } => {
                if !missing(*colon) {
                    self.push_value(parameter, value, quoted, purpose, out);
                    return Ok(());
                }
                let Name::Variable(name) = &parameter.name else {
                    let name = show(&parameter.name);
                    return Err(self.fatal(&format!("{name}: bad variable name")));
                };
                let text = self.expand_text(word)?;
                if let Err(message) = self.assign(name, text.clone()) {
                    return Err(self.fatal(&message));
                }
                out.push(&text, quoted);
            }
            Operation::Error { word, colon } => {
                if missing(*colon) {
                    let mut text = self.expand_text(word)?;
                    if text.is_empty() {
                        text =
                            if *colon { b"parameter not set or null".to_vec() } else { b"parameter not set".to_vec() };
                    }
                    let name = show(&parameter.name);
                    return Err(self.fatal(&format!("{name}: {}", String::from_utf8_lossy(&text))));
                }
                self.push_value(parameter, value, quoted, purpose, out);
            }
            Operation::Substring { offset, length } => {
                let value = self.required(&parameter.name)?.into_owned();
                let text = self.expand_text(offset)?;
                let offset = self.arithmetic(&text)?;
                let length = match length {
                    Some(length) => {
                        let text = self.expand_text(length)?;
                        Some(self.arithmetic(&text)?)
                    }
                    None => None,
                };
                out.push(substring(&value, offset, length), quoted);
            }
            Operation::Replace { pattern, with, all, anchor } => {
                let value = self.required(&parameter.name)?.into_owned();
                let pattern = self.expand_pattern(pattern)?;
                let with = self.expand_text(with)?;
                out.push(&replace(&value, &pattern, &with, *all, *anchor), quoted);
            }
        }
        Ok(())
    }

    fn push_value(
        &self,
        parameter: &Parameter,
        value: Option<Vec<u8>>,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) {
        if matches!(parameter.name, Name::Special(b'@' | b'*')) {
            self.expand_all(&parameter.name, quoted, purpose, out);
        } else {
            out.push(&value.unwrap_or_default(), quoted);
        }
    }

    /// The word of `${name-word}`: its own quotes hold; where the whole stands in quotes so does all of it.
    fn expand_operand(&mut self, word: &Word, quoted: bool, purpose: Purpose, out: &mut Expansion) -> Result<(), Flow> {
        let mut inner = Expansion::new();
        self.expand_parts(&word.parts, purpose, &mut inner)?;
        out.push_operand(&inner, quoted);
        Ok(())
    }

    /// `$@` and `$*`.
    fn expand_all(&self, name: &Name, quoted: bool, purpose: Purpose, out: &mut Expansion) {
        let parameters = &self.state.positional;
        let star = *name == Name::Special(b'*');
        if quoted && star || purpose == Purpose::Text && (star || quoted) {
            let separator = match (star, self.field_separators().first()) {
                (false, _) => Some(b' '),
                (true, first) => first.copied(),
            };
            let mut text = vec![];
            for (number, parameter) in parameters.iter().enumerate() {
                if number > 0 {
                    text.extend(separator);
                }
                text.extend_from_slice(parameter);
            }
            out.push(&text, quoted);
            return;
        }
        for (number, parameter) in parameters.iter().enumerate() {
            if number > 0 {
                out.end_field();
            }
            out.push(parameter, quoted);
        }
    }

    /// The value, where one must be: unset is empty, or an error under `set -u`.
    fn required(&self, name: &Name) -> Result<Cow<'_, [u8]>, Flow> {
        match self.value_of(name) {
            Some(value) => Ok(value),
            None if self.options().nounset && !matches!(name, Name::Special(b'@' | b'*')) => {
                Err(self.fatal(&format!("{}: parameter not set", show(name))))
            }
            None => Ok(Cow::Borrowed(b"")),
        }
    }

    /// The value of a parameter; of `$@` and `$*`, all joined.
    fn value_of(&self, name: &Name) -> Option<Cow<'_, [u8]>> {
        match name {
            Name::Variable(name) => self.lookup(name),
            Name::Positional(number) => self.positional().get(number - 1).map(|value| Cow::Borrowed(value.as_slice())),
            Name::Special(b'@' | b'*') => {
                let parameters = self.positional();
                (!parameters.is_empty()).then(|| Cow::Owned(parameters.join(&b' ')))
            }
            Name::Special(byte) => self.special(*byte).map(Cow::Owned),
        }
    }
}

fn show(name: &Name) -> String {
    match name {
        Name::Variable(name) => String::from_utf8_lossy(name).into_owned(),
        Name::Positional(number) => number.to_string(),
        Name::Special(byte) => char::from(*byte).to_string(),
    }
}

fn count_chars(text: &[u8]) -> usize {
    let (mut count, mut at) = (0, 0);
    while at < text.len() {
        at += char_length(&text[at..]);
        count += 1;
    }
    count
}

/// The byte at which character `number` begins.
fn byte_of_char(text: &[u8], number: usize) -> usize {
    let mut at = 0;
    for _ in 0..number {
        if at >= text.len() {
            break;
        }
        at += char_length(&text[at..]);
    }
    at.min(text.len())
}

/// `${v:offset:length}`: a negative offset counts from the end, a negative length too.
fn substring(text: &[u8], offset: i64, length: Option<i64>) -> &[u8] {
    let count = i64::try_from(count_chars(text)).unwrap_or(i64::MAX);
    let begin = if offset < 0 { count.saturating_add(offset) } else { offset };
    if begin < 0 || begin > count {
        return &[];
    }
    let end = match length {
        None => count,
        Some(length) if length < 0 => count.saturating_add(length),
        Some(length) => begin.saturating_add(length).min(count),
    };
    if end <= begin {
        return &[];
    }
    let place = |number: i64| byte_of_char(text, usize::try_from(number).unwrap_or(usize::MAX));
    &text[place(begin)..place(end)]
}

/// `${v/pattern/with}`: the longest match at the leftmost place, or all of them.
fn replace(text: &[u8], pattern: &Pattern, with: &[u8], all: bool, anchor: Anchor) -> Vec<u8> {
    let mut out = vec![];
    match anchor {
        Anchor::Start => {
            let Some(end) = pattern.prefix(text, true) else { return text.to_vec() };
            out.extend_from_slice(with);
            out.extend_from_slice(&text[end..]);
        }
        Anchor::End => {
            let Some(begin) = pattern.suffix(text, true) else { return text.to_vec() };
            out.extend_from_slice(&text[..begin]);
            out.extend_from_slice(with);
        }
        Anchor::None => {
            let mut at = 0;
            let literal = pattern.literal();
            while at < text.len() {
                let found = match &literal {
                    Some(literal) => (!literal.is_empty() && text[at..].starts_with(literal)).then_some(literal.len()),
                    None => pattern.prefix(&text[at..], true).filter(|length| *length > 0),
                };
                if let Some(length) = found {
                    out.extend_from_slice(with);
                    at += length;
                    if !all {
                        break;
                    }
                } else {
                    let step = char_length(&text[at..]);
                    out.extend_from_slice(&text[at..at + step]);
                    at += step;
                }
            }
            out.extend_from_slice(&text[at.min(text.len())..]);
        }
    }
    out
}
