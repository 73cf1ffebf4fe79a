//! `$name`, `${name…}` and the special parameters (XCU 2.5, 2.6.2), and what bash adds: arrays, references, transformations.

use std::borrow::Cow;

use super::names::Indirect;
use super::text::{replace_letters, substring};
use super::{Expansion, Purpose};
use crate::config::Mode;
use crate::eval::{Flow, Shell};
use crate::ir::{Name, Operation, Parameter, Word};
use crate::pattern::Pattern;
use crate::variables::Kind;

/// What a parameter names: one value or a list.
pub(super) enum Found {
    One(Option<Vec<u8>>),
    List { values: Vec<Vec<u8>>, star: bool },
}

impl Found {
    /// Whether there is something; `colon`: an empty one does not count. `joins`: those of `*` make one text without separators.
    fn is_missing(&self, colon: bool, joins: bool) -> bool {
        match self {
            Self::One(None) => true,
            Self::One(Some(value)) => colon && value.is_empty(),
            Self::List { values, star } => {
                let joined = values.len() == 1 || (*star && joins);
                values.is_empty() || (colon && joined && values.iter().all(Vec::is_empty))
            }
        }
    }

    /// Every value changed.
    pub(super) fn map(self, mut change: impl FnMut(Vec<u8>) -> Vec<u8>) -> Self {
        match self {
            Self::One(value) => Self::One(value.map(change)),
            Self::List { mut values, star } => {
                for value in &mut values {
                    *value = change(std::mem::take(value));
                }
                Self::List { values, star }
            }
        }
    }
}

impl Shell {
    pub(super) fn expand_parameter(
        &mut self,
        parameter: &Parameter,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) -> Result<(), Flow> {
        if let Operation::Bad(text) = &parameter.operation {
            let message = format!("{}: bad substitution", String::from_utf8_lossy(text));
            return Err(self.expansion_error(&message));
        }
        let name = match &parameter.name {
            // By far the most frequent.
            Name::Variable(_) | Name::Positional(_) => {
                if let Operation::Plain = parameter.operation
                    && !self.leads_to_a_place(&parameter.name)
                {
                    out.push(&self.required(&parameter.name)?, quoted);
                    return Ok(());
                }
                Cow::Borrowed(&parameter.name)
            }
            Name::Indirect(of) => match self.indirect(of)? {
                Indirect::Name(name) => Cow::Owned(name),
                Indirect::Text(text) => {
                    let found = Found::One(Some(text));
                    return self.apply(&parameter.name, found, &parameter.operation, quoted, purpose, out);
                }
            },
            name => Cow::Borrowed(name),
        };
        let name = name.as_ref();
        match &parameter.operation {
            Operation::Length => {
                let length = self.length(name)?;
                out.push(length.to_string().as_bytes(), quoted);
                Ok(())
            }
            Operation::Substring { offset, length } => {
                self.substring_of(name, offset, length.as_ref(), quoted, purpose, out)
            }
            operation => {
                let found = self.find(name)?;
                self.apply(name, found, operation, quoted, purpose, out)
            }
        }
    }

    /// Carries an operation out on what was found.
    fn apply(
        &mut self,
        name: &Name,
        found: Found,
        operation: &Operation,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) -> Result<(), Flow> {
        let joins = (quoted || purpose == Purpose::Text) && self.field_separators().is_empty();
        let found = match operation {
            Operation::Default { word, colon } => {
                if found.is_missing(*colon, joins) {
                    return self.expand_operand(word, quoted, purpose, out);
                }
                found
            }
            Operation::Alternative { word, colon } => {
                if !found.is_missing(*colon, joins) {
                    return self.expand_operand(word, quoted, purpose, out);
                }
                // `"${@+x}"` without parameters is no field at all, as `"$@"` is none.
                if quoted && !matches!(found, Found::List { star: false, .. }) {
                    out.force();
                }
                return Ok(());
            }
            Operation::Assign { word, colon } => {
                if found.is_missing(*colon, joins) {
                    let text = self.expand_text(word)?;
                    self.assign_name(name, text.clone())?;
                    out.push(&text, quoted);
                    return Ok(());
                }
                found
            }
            Operation::Error { word, colon } => {
                if found.is_missing(*colon, joins) {
                    let mut text = self.expand_text(word)?;
                    if text.is_empty() {
                        text =
                            if *colon { b"parameter not set or null".to_vec() } else { b"parameter not set".to_vec() };
                    }
                    let message = format!("{}: {}", show(name), String::from_utf8_lossy(&text));
                    return Err(self.missing_parameter(&message));
                }
                found
            }
            Operation::Strip { pattern, suffix, longest } => {
                let found = self.must_be(name, found)?;
                // Looked at last: its own expansion may set the variable.
                let pattern = self.expand_exact_pattern(pattern)?;
                found.map(|value| strip(value, &pattern, *suffix, *longest))
            }
            Operation::Replace { pattern, with, all, anchor } => {
                let found = self.must_be(name, found)?;
                let pattern = self.expand_pattern(pattern)?;
                let with = self.replacement(with)?;
                found.map(|value| with.apply(&value, &pattern, *all, *anchor))
            }
            Operation::Letters { pattern, change, all } => {
                let found = self.must_be(name, found)?;
                let pattern = if pattern.parts.is_empty() { None } else { Some(self.expand_exact_pattern(pattern)?) };
                found.map(|value| replace_letters(&value, pattern.as_ref(), *change, *all))
            }
            Operation::Transform(letter) => return self.transform(name, found, *letter, quoted, purpose, out),
            Operation::Plain | Operation::Length | Operation::Bad(_) | Operation::Substring { .. } => {
                self.must_be(name, found)?
            }
        };
        self.push_found(found, quoted, purpose, out);
        Ok(())
    }

    /// The same, where it must be there: an error under `set -u` where it is not.
    pub(super) fn must_be(&self, name: &Name, found: Found) -> Result<Found, Flow> {
        match found {
            Found::One(None) => {
                self.refuse_unset(name)?;
                Ok(Found::One(Some(vec![])))
            }
            found => Ok(found),
        }
    }

    pub(super) fn refuse_unset(&self, name: &Name) -> Result<(), Flow> {
        if !self.options().nounset {
            return Ok(());
        }
        Err(self.unset(name))
    }

    pub(super) fn unset(&self, name: &Name) -> Flow {
        let what = if self.context.mode == Mode::Bash { "unbound variable" } else { "parameter not set" };
        self.missing_parameter(&format!("{}: {what}", show(name)))
    }

    pub(super) fn push_list(
        &self,
        values: &[Vec<u8>],
        star: bool,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) {
        if quoted && star || purpose == Purpose::Text && (star || quoted) {
            let separator = match (star, self.field_separators().first()) {
                (false, _) => Some(b' '),
                (true, first) => first.copied(),
            };
            let mut text = vec![];
            for (number, value) in values.iter().enumerate() {
                if number > 0 {
                    text.extend(separator);
                }
                text.extend_from_slice(value);
            }
            out.push(&text, quoted);
            return;
        }
        for (number, value) in values.iter().enumerate() {
            if number > 0 {
                out.end_field();
            }
            out.push(value, quoted);
        }
    }

    pub(super) fn push_found(&self, found: Found, quoted: bool, purpose: Purpose, out: &mut Expansion) {
        match found {
            Found::One(value) => out.push(&value.unwrap_or_default(), quoted),
            Found::List { values, star } => self.push_list(&values, star, quoted, purpose, out),
        }
    }

    /// The word of `${name-word}`: its own quotes hold; where the whole stands in quotes so does all of it.
    fn expand_operand(&mut self, word: &Word, quoted: bool, purpose: Purpose, out: &mut Expansion) -> Result<(), Flow> {
        let mut inner = Expansion::new();
        self.expand_parts(&word.parts, purpose, &mut inner)?;
        out.push_operand(&inner, quoted);
        Ok(())
    }

    fn number(&mut self, word: &Word) -> Result<i64, Flow> {
        let text = self.expand_text(word)?;
        self.arithmetic(&text)
    }

    /// `${name:offset:length}`.
    fn substring_of(
        &mut self,
        name: &Name,
        offset: &Word,
        length: Option<&Word>,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) -> Result<(), Flow> {
        let found = self.find(name)?;
        let found = self.must_be(name, found)?;
        let offset = self.number(offset)?;
        let length = length.map(|length| self.number(length)).transpose()?;
        let (values, star) = match found {
            Found::One(value) => {
                let value = value.unwrap_or_default();
                let Some(part) = substring(&value, offset, length) else {
                    let length = length.unwrap_or_default();
                    return Err(self.arithmetic_error(&format!("{length}: substring expression < 0")));
                };
                out.push(part, quoted);
                return Ok(());
            }
            Found::List { values, star } => (values, star),
        };
        if let Some(length) = length.filter(|length| *length < 0) {
            return Err(self.arithmetic_error(&format!("{length}: substring expression < 0")));
        }
        let most = length.map_or(usize::MAX, |length| usize::try_from(length).unwrap_or(usize::MAX));
        let values = match name {
            Name::Special(_) => {
                // Position 0 is `$0`.
                let all = std::iter::once(self.state.name.clone()).chain(values);
                slice(all.collect(), offset, most)
            }
            Name::Elements { name, .. } => {
                let indexes: Vec<Option<i64>> = self
                    .keys(name)
                    .iter()
                    .map(|key| std::str::from_utf8(key).ok().and_then(|key| key.parse().ok()))
                    .collect();
                let kind = self.kind(name);
                if kind == Kind::Indexed && indexes.iter().all(Option::is_some) {
                    let end = indexes.last().copied().flatten().map_or(0, |last| last.saturating_add(1));
                    let begin = if offset < 0 { end.saturating_add(offset) } else { offset };
                    let from = indexes.iter().zip(values).filter(|(index, _)| begin >= 0 && **index >= Some(begin));
                    from.map(|(_, value)| value).take(most).collect()
                } else if kind == Kind::Associative {
                    // As in bash, whose first entry has the number 1.
                    slice(values, if offset > 0 { offset - 1 } else { offset }, most)
                } else {
                    let value = values.first().map_or(&[][..], Vec::as_slice);
                    out.push(substring(value, offset, length).unwrap_or_default(), quoted);
                    return Ok(());
                }
            }
            _ => slice(values, offset, most),
        };
        self.push_list(&values, star, quoted, purpose, out);
        Ok(())
    }
}

/// Some of the values, from `offset` on; a negative one counts from the end.
fn slice(values: Vec<Vec<u8>>, offset: i64, most: usize) -> Vec<Vec<u8>> {
    let count = i64::try_from(values.len()).unwrap_or(i64::MAX);
    let begin = if offset < 0 { count.saturating_add(offset) } else { offset };
    match usize::try_from(begin) {
        Ok(begin) => values.into_iter().skip(begin).take(most).collect(),
        Err(_) => vec![],
    }
}

fn strip(mut value: Vec<u8>, pattern: &Pattern, suffix: bool, longest: bool) -> Vec<u8> {
    if suffix {
        if let Some(at) = pattern.suffix(&value, longest) {
            value.truncate(at);
        }
    } else if let Some(at) = pattern.prefix(&value, longest) {
        value.drain(..at);
    }
    value
}

pub(super) fn show(name: &Name) -> String {
    let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
    let all = |star: bool| if star { '*' } else { '@' };
    match name {
        Name::Variable(name) => text(name),
        Name::Positional(number) => number.to_string(),
        Name::Special(byte) => char::from(*byte).to_string(),
        Name::Element { name, subscript } => {
            let shown: Vec<u8> = subscript
                .parts
                .iter()
                .flat_map(|part| match part {
                    crate::ir::Part::Literal(text) | crate::ir::Part::Quoted(text) => text.clone(),
                    _ => b"...".to_vec(),
                })
                .collect();
            format!("{}[{}]", text(name), text(&shown))
        }
        Name::Elements { name, star } => format!("{}[{}]", text(name), all(*star)),
        Name::Keys { name, star } => format!("!{}[{}]", text(name), all(*star)),
        Name::Prefixed { prefix, star } => format!("!{}{}", text(prefix), all(*star)),
        Name::Indirect(of) => show(of),
    }
}
