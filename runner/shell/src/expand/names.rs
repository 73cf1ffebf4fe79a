//! What the name in `${…}` stands for.

use std::borrow::Cow;

use super::parameter::{Found, show};
use super::text::count_chars;
use crate::eval::{Flow, Shell};
use crate::ir::{Name, Word};
use crate::parse::{Parser, is_name};
use crate::variables::{Key, Place, Value, split_reference};

/// What `${!name}` means.
pub(super) enum Indirect {
    Name(Name),
    /// A nameref's: where it leads.
    Text(Vec<u8>),
}

impl Shell {
    /// The value of a variable or parameter, where one must be: unset is empty, or an error under `set -u`.
    pub(super) fn required(&self, name: &Name) -> Result<Cow<'_, [u8]>, Flow> {
        match self.value_of(name) {
            Some(value) => Ok(value),
            None => {
                self.refuse_unset(name)?;
                Ok(Cow::Borrowed(b""))
            }
        }
    }

    /// The value of what needs no evaluation of its own.
    pub(super) fn value_of(&self, name: &Name) -> Option<Cow<'_, [u8]>> {
        match name {
            Name::Variable(name) => self.lookup(name),
            Name::Positional(number) => self.positional().get(number - 1).map(|value| Cow::Borrowed(value.as_slice())),
            Name::Special(byte) => self.special(*byte).map(Cow::Owned),
            _ => None,
        }
    }

    pub(super) fn find(&mut self, name: &Name) -> Result<Found, Flow> {
        Ok(match name {
            Name::Special(all @ (b'@' | b'*')) => {
                Found::List { values: self.positional().to_vec(), star: *all == b'*' }
            }
            Name::Variable(variable) => match self.list_reference(variable) {
                Some((array, star)) => Found::List { values: self.elements(&array), star },
                None if self.leads_to_a_place(name) => {
                    let place = self.referenced_place(variable).map_err(|message| self.expansion_error(&message))?;
                    let value = self.value_at(&place).map(|value| value.map(Cow::into_owned));
                    Found::One(value.map_err(|message| self.expansion_error(&message))?)
                }
                None => Found::One(self.get(variable)),
            },
            Name::Positional(_) | Name::Special(_) => Found::One(self.value_of(name).map(Cow::into_owned)),
            Name::Elements { name, star } => Found::List { values: self.elements(name), star: *star },
            Name::Keys { name, star } => {
                let name = self.referred(name).to_vec();
                Found::List { values: self.keys(&name), star: *star }
            }
            Name::Prefixed { prefix, star } => {
                let names = self.state.variables.names(prefix).into_iter().cloned().collect();
                Found::List { values: names, star: *star }
            }
            Name::Element { name, subscript } => {
                let place = self.element_named(name, subscript)?;
                match &place.key {
                    Some(Key::All { star }) => Found::List { values: self.elements(&place.name), star: *star },
                    _ => {
                        let value = self.value_at(&place).map(|value| value.map(Cow::into_owned));
                        match value {
                            Ok(value) => Found::One(value),
                            // As bash: it says so and goes on with nothing.
                            Err(message) => {
                                self.complain(&message);
                                Found::One(None)
                            }
                        }
                    }
                }
            }
            Name::Indirect(_) => Found::One(None),
        })
    }

    /// Whether a variable is a nameref to an element or to all of them.
    pub(super) fn leads_to_a_place(&self, name: &Name) -> bool {
        let Name::Variable(name) = name else { return false };
        self.state.variables.has_references() && self.referred(name).contains(&b'[')
    }

    /// Where a nameref leads to all elements of an array: which, and whether by `*`.
    pub(super) fn list_reference(&self, name: &[u8]) -> Option<(Vec<u8>, bool)> {
        match split_reference(self.referred(name)) {
            Some((array, Some(all @ (b"@" | b"*")))) => Some((array.to_vec(), all == b"*")),
            _ => None,
        }
    }

    pub(super) fn element_named(&mut self, name: &[u8], subscript: &Word) -> Result<Place, Flow> {
        let text = self.expand_text(subscript)?;
        self.element_place(name, &text).map_err(|message| self.expansion_error(&message))
    }

    /// `${name=word}`.
    pub(super) fn assign_name(&mut self, name: &Name, value: Vec<u8>) -> Result<(), Flow> {
        let result = match name {
            Name::Variable(name) => self.assign(name, value),
            Name::Element { name, subscript } => {
                let place = self.element_named(name, subscript)?;
                self.assign_place(&place, value, false)
            }
            _ => Err(format!("{}: bad variable name", show(name))),
        };
        result.map_err(|message| self.expansion_error(&message))
    }

    /// What `${!name}` means.
    pub(super) fn indirect(&mut self, of: &Name) -> Result<Indirect, Flow> {
        if let Name::Variable(name) = of
            && let Some(variable) = self.state.variables.get(name).filter(|variable| variable.attributes.reference)
            && let Value::Text(target) = &variable.value
        {
            return Ok(Indirect::Text(target.clone()));
        }
        let text = match self.find(of)? {
            Found::One(Some(text)) => text,
            Found::One(None) => {
                let message = format!("{}: invalid indirect expansion", show(of));
                return Err(self.expansion_error(&message));
            }
            Found::List { values, .. } => values.join(&b' '),
        };
        match self.name_in(&text) {
            Some(name) => Ok(Indirect::Name(name)),
            None => {
                let message = format!("{}: invalid variable name", String::from_utf8_lossy(&text));
                Err(self.expansion_error(&message))
            }
        }
    }

    /// The parameter that a text names.
    pub(super) fn name_in(&self, text: &[u8]) -> Option<Name> {
        match text {
            [special @ (b'@' | b'*' | b'#' | b'?' | b'-' | b'$' | b'!' | b'0')] => Some(Name::Special(*special)),
            text if !text.is_empty() && text.iter().all(u8::is_ascii_digit) => {
                let number = std::str::from_utf8(text).ok()?.parse().ok()?;
                Some(if number == 0 { Name::Special(b'0') } else { Name::Positional(number) })
            }
            text if is_name(text) => Some(Name::Variable(text.to_vec())),
            text => {
                let (name, subscript) = split_reference(text)?;
                let name = name.to_vec();
                Some(match subscript? {
                    all @ (b"@" | b"*") => Name::Elements { name, star: all == b"*" },
                    subscript => {
                        let limits = *self.limits();
                        let mut parser = Parser::new(subscript, self.line, self.context.mode, &limits);
                        Name::Element { name, subscript: parser.subscript_text().ok()? }
                    }
                })
            }
        }
    }

    pub(super) fn length(&mut self, name: &Name) -> Result<usize, Flow> {
        if let Name::Variable(_) | Name::Positional(_) = name {
            return Ok(count_chars(&self.required(name)?));
        }
        match self.find(name)? {
            Found::List { values, .. } => {
                if let Name::Elements { name: array, .. } = name
                    && values.is_empty()
                    && self.options().nounset
                    && self.state.variables.get(self.referred(array)).is_none()
                {
                    return Err(self.unset(&Name::Variable(array.clone())));
                }
                Ok(values.len())
            }
            found => match self.must_be(name, found)? {
                Found::One(Some(value)) => Ok(count_chars(&value)),
                _ => Ok(0),
            },
        }
    }
}
