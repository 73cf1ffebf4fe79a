//! How the shell reads and sets variables and elements of arrays.

use std::borrow::Cow;
use std::sync::Arc;

use super::{Associative, Case, Key, Kind, Place, Value, Variable, split_reference};
use crate::arithmetic;
use crate::config::Mode;
use crate::eval::{Getopts, Shell};
use crate::parse::is_name;

fn show(name: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(name)
}

impl Shell {
    /// The value of a variable, of an array that of its element 0.
    pub(crate) fn get(&self, name: &[u8]) -> Option<Vec<u8>> {
        self.lookup(name).map(Cow::into_owned)
    }

    /// The same, not copied.
    pub(crate) fn lookup(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        let variable = self.state.variables.get(name)?;
        if variable.attributes.reference {
            return self.lookup_reference(name);
        }
        self.scalar(variable)
    }

    fn scalar<'a>(&'a self, variable: &'a Variable) -> Option<Cow<'a, [u8]>> {
        match &variable.value {
            Value::Text(text) => Some(Cow::Borrowed(text)),
            Value::Unset(_) => None,
            Value::Indexed(array) => array.get(0).map(Cow::Borrowed),
            Value::Associative(array) => array.get(b"0").map(Cow::Borrowed),
            Value::Dynamic(dynamic) => self.dynamic_value(*dynamic).map(Cow::Owned),
        }
    }

    /// What a nameref leads to. A subscript is evaluated only where nothing can be changed by it; `place` does the rest.
    fn lookup_reference(&self, name: &[u8]) -> Option<Cow<'_, [u8]>> {
        let target = self.state.variables.get(name)?;
        let Value::Text(text) = &target.value else { return None };
        let end = self.referred(text);
        let (name, subscript) = split_reference(end)?;
        let variable = self.state.variables.get(name).filter(|variable| !variable.attributes.reference)?;
        match (subscript, &variable.value) {
            (None, _) => self.scalar(variable),
            (Some(key), Value::Associative(array)) => array.get(key).map(Cow::Borrowed),
            (Some(index), value) => {
                let number: i64 = std::str::from_utf8(index).ok()?.parse().ok()?;
                match value {
                    Value::Indexed(array) => array.get(array.index(number)?).map(Cow::Borrowed),
                    _ if number == 0 => self.scalar(variable),
                    _ => None,
                }
            }
        }
    }

    /// The elements of a variable, its nameref followed; a scalar is an array of one.
    pub(crate) fn elements(&self, name: &[u8]) -> Vec<Vec<u8>> {
        match self.state.variables.get(self.referred(name)) {
            Some(variable) => self.values_of(variable),
            None => vec![],
        }
    }

    pub(crate) fn values_of(&self, variable: &Variable) -> Vec<Vec<u8>> {
        match &variable.value {
            Value::Unset(_) => vec![],
            Value::Text(text) => vec![text.clone()],
            Value::Indexed(array) => array.values().map(<[u8]>::to_vec).collect(),
            Value::Associative(array) => array.iter().map(|(_, value)| value.to_vec()).collect(),
            Value::Dynamic(dynamic) => self.dynamic_elements(*dynamic),
        }
    }

    /// The indexes or keys of a variable's elements.
    pub(crate) fn keys(&self, name: &[u8]) -> Vec<Vec<u8>> {
        let number = |index: u64| index.to_string().into_bytes();
        match self.state.variables.get(self.referred(name)).map(|variable| &variable.value) {
            None | Some(Value::Unset(_)) => vec![],
            Some(Value::Text(_)) => vec![b"0".to_vec()],
            Some(Value::Indexed(array)) => array.from(0).map(|(index, _)| number(index)).collect(),
            Some(Value::Associative(array)) => array.iter().map(|(key, _)| key.to_vec()).collect(),
            Some(Value::Dynamic(dynamic)) => {
                (0..self.dynamic_elements(*dynamic).len()).map(|index| number(index as u64)).collect()
            }
        }
    }

    /// The value at a place; an element that cannot be is an error.
    pub(crate) fn value_at(&self, place: &Place) -> Result<Option<Cow<'_, [u8]>>, String> {
        let Some(variable) = self.state.variables.get(&place.name) else {
            return match &place.key {
                Some(Key::Number(number)) if *number < 0 => Err(bad_subscript(place)),
                _ => Ok(None),
            };
        };
        match (&place.key, &variable.value) {
            (None, _) => Ok(self.scalar(variable)),
            (Some(Key::All { .. }), _) => {
                let values = self.values_of(variable);
                Ok((!values.is_empty()).then(|| Cow::Owned(values.join(&b' '))))
            }
            (Some(Key::Text(key)), Value::Associative(array)) => Ok(array.get(key).map(Cow::Borrowed)),
            (Some(Key::Number(number)), Value::Indexed(array)) => match array.index(*number) {
                Some(index) => Ok(array.get(index).map(Cow::Borrowed)),
                None => Err(bad_subscript(place)),
            },
            (Some(Key::Number(number)), Value::Dynamic(dynamic)) if dynamic.is_array() => {
                let mut values = self.dynamic_elements(*dynamic);
                let length = i64::try_from(values.len()).unwrap_or(i64::MAX);
                let index = if *number < 0 { length + *number } else { *number };
                let index = usize::try_from(index).map_err(|_| bad_subscript(place))?;
                Ok((index < values.len()).then(|| Cow::Owned(values.swap_remove(index))))
            }
            (Some(Key::Number(0 | -1)), _) => Ok(self.scalar(variable)),
            (Some(Key::Number(number)), _) if *number < 0 => Err(bad_subscript(place)),
            (Some(Key::Number(_) | Key::Text(_)), _) => Ok(None),
        }
    }

    /// Sets `name[subscript]`, the subscript expanded already.
    pub(crate) fn set_element(&mut self, name: &[u8], subscript: &[u8], value: Vec<u8>) -> Result<(), String> {
        let place = self.element_place(name, subscript)?;
        self.assign_place(&place, value, false)
    }

    /// The place of `name[subscript]`, the subscript expanded already.
    pub(crate) fn element_place(&mut self, name: &[u8], subscript: &[u8]) -> Result<Place, String> {
        let name = self.referred(name).to_vec();
        if !is_name(&name) {
            return Err(format!("{}: not a valid identifier", show(&name)));
        }
        let key = self.key(&name, subscript)?;
        Ok(Place { name, key: Some(key) })
    }

    /// Whether a reference in a text (`name`, `name[subscript]`, `name[@]`) names something that is set.
    pub(crate) fn is_set(&mut self, text: &[u8]) -> Result<bool, String> {
        if text.iter().all(u8::is_ascii_digit) {
            let number: usize = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
            return Ok(number == 0 || number <= self.positional().len());
        }
        if split_reference(text).is_none() {
            return Ok(false);
        }
        let place = self.referenced_place(text)?;
        match self.value_at(&place) {
            Ok(value) => Ok(value.is_some()),
            Err(message) => {
                self.complain(&message);
                Ok(false)
            }
        }
    }

    /// Whether a variable is a nameref that leads somewhere.
    pub(crate) fn is_reference(&self, name: &[u8]) -> bool {
        let variable = self.state.variables.get(name);
        variable.is_some_and(|variable| variable.attributes.reference && matches!(variable.value, Value::Text(_)))
    }

    /// Sets a variable, of an array its element 0; the message where it cannot be.
    pub(crate) fn assign(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), String> {
        let (limit, export) = (self.limits().variables, self.options().allexport);
        if name == b"OPTIND" {
            let index = std::str::from_utf8(&value).ok().and_then(|text| text.parse().ok());
            self.state.getopts = Getopts { index: index.unwrap_or(1).max(1), offset: 0 };
        }
        match self.state.variables.set_text(name, value, limit, export) {
            Ok(()) => Ok(()),
            Err(value) => {
                let place = self.assigned_place(name, &value)?;
                place.map_or(Ok(()), |place| self.assign_place(&place, value, false))
            }
        }
    }

    /// Sets what a reference in a text names (`name`, `name[subscript]`).
    pub(crate) fn assign_reference(&mut self, text: &[u8], value: Vec<u8>) -> Result<(), String> {
        if is_name(text) {
            return self.assign(text, value);
        }
        let place = self.referenced_place(text)?;
        self.assign_place(&place, value, false)
    }

    /// Sets the variable of a loop: a nameref leads somewhere else each time.
    pub(crate) fn assign_each(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), String> {
        match self.state.variables.get(name) {
            Some(variable) if variable.attributes.reference => self.refer(name, &value),
            _ => self.assign(name, value),
        }
    }

    /// `NAME+=VALUE`.
    pub(crate) fn append(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), String> {
        let place = self.assigned_place(name, &value)?;
        place.map_or(Ok(()), |place| self.assign_place(&place, value, true))
    }

    /// Where an assignment to a variable goes; `None` where it has made a nameref lead somewhere.
    fn assigned_place(&mut self, name: &[u8], value: &[u8]) -> Result<Option<Place>, String> {
        let end = self.referred(name);
        let leads_nowhere = self.state.variables.get(end).is_some_and(|variable| {
            variable.attributes.reference && !matches!(&variable.value, Value::Text(text) if !text.is_empty())
        });
        if leads_nowhere {
            let end = end.to_vec();
            self.refer(&end, value)?;
            return Ok(None);
        }
        if end == name {
            if self.state.variables.get(name).is_some_and(|variable| variable.attributes.reference) {
                return Err(format!("{}: circular name reference", show(name)));
            }
            return Ok(Some(Place { name: name.to_vec(), key: None }));
        }
        self.referenced_place(name).map(Some)
    }

    /// Makes a nameref lead to what `target` names.
    pub(crate) fn refer(&mut self, name: &[u8], target: &[u8]) -> Result<(), String> {
        if !target.is_empty() && split_reference(target).is_none() {
            return Err(format!("`{}': invalid variable name for name reference", show(target)));
        }
        if target == name {
            return Err(format!("{}: nameref variable self references not allowed", show(name)));
        }
        self.state.variables.change_or_insert(name, |variable| {
            variable.value = Value::Text(target.to_vec());
            variable.attributes.reference = true;
        });
        Ok(())
    }

    /// Sets what stands at a place.
    pub(crate) fn assign_place(&mut self, place: &Place, value: Vec<u8>, append: bool) -> Result<(), String> {
        let attributes = match self.state.variables.get(&place.name) {
            Some(variable) if variable.attributes.readonly => return Err(self.read_only(&place.name)),
            Some(Variable { value: Value::Dynamic(dynamic), .. }) => {
                let dynamic = *dynamic;
                self.set_dynamic(dynamic, &value);
                return Ok(());
            }
            Some(variable) => variable.attributes,
            None => super::Attributes::default(),
        };
        let mut value = value;
        let mut append = append;
        if attributes.integer {
            let mut number = arithmetic::evaluate(&value, self)?;
            if append {
                let old = self.value_at(place)?.map_or(vec![], Cow::into_owned);
                number = number.wrapping_add(arithmetic::evaluate(&old, self)?);
                append = false;
            }
            value = number.to_string().into_bytes();
        }
        // All of it is converted, what was there too.
        if append && attributes.case != Case::Kept {
            let mut old = self.value_at(place)?.map_or(vec![], Cow::into_owned);
            old.append(&mut value);
            value = old;
            append = false;
        }
        value = attributes.case.apply(value);
        let limit = self.limits().variables;
        let replaced = if append { 0 } else { self.value_at(place).ok().flatten().map_or(0, |old| old.len()) };
        if self.state.variables.bytes() - replaced.min(self.state.variables.bytes()) + place.name.len() + value.len()
            > limit
        {
            return Err(format!("{}: the variables are larger than {limit} bytes", show(&place.name)));
        }
        let export = self.options().allexport;
        let mut result = Ok(());
        self.state.variables.change_or_insert(&place.name, |variable| {
            variable.attributes.exported |= export;
            result = store(variable, place, value, append);
        });
        result
    }

    /// What is said where a variable must not be changed.
    pub(crate) fn read_only(&self, name: &[u8]) -> String {
        match self.context.mode {
            Mode::Sh => format!("{}: is read only", show(name)),
            Mode::Bash => format!("{}: readonly variable", show(name)),
        }
    }

    /// Makes a variable an indexed array of these elements.
    pub(crate) fn set_indexed(&mut self, name: &[u8], values: Vec<Vec<u8>>) -> Result<(), String> {
        self.set_array(name, Value::Indexed(Arc::new(values.into_iter().collect())))
    }

    /// Makes a variable this array.
    pub(crate) fn set_array(&mut self, name: &[u8], value: Value) -> Result<(), String> {
        let name = self.referred(name).to_vec();
        if !is_name(&name) {
            return Err(format!("{}: not a valid identifier", show(&name)));
        }
        let variable = self.state.variables.get(&name);
        let mut new =
            Variable { value, attributes: variable.map_or(super::Attributes::default(), |old| old.attributes) };
        if new.attributes.readonly {
            return Err(self.read_only(&name));
        }
        if matches!(variable.map(|variable| &variable.value), Some(Value::Dynamic(_))) {
            return Ok(());
        }
        let (limit, held) = (self.limits().variables, self.state.variables.bytes());
        if held - variable.map_or(0, Variable::size) + new.size() > limit {
            return Err(format!("{}: the variables are larger than {limit} bytes", show(&name)));
        }
        new.attributes.exported |= self.options().allexport;
        self.state.variables.replace(&name, Some(new));
        Ok(())
    }

    /// Takes away what stands at a place. Every element, where all are meant, but the array itself stays.
    pub(crate) fn unset_place(&mut self, place: &Place) -> Result<(), String> {
        if self.state.variables.get(&place.name).is_some_and(|variable| variable.attributes.readonly) {
            return Err(self.read_only(&place.name));
        }
        let mut result = Ok(());
        let mut removes = place.key.is_none();
        self.state.variables.change(&place.name, |variable| match (&place.key, &mut variable.value) {
            (Some(Key::Number(number)), Value::Indexed(array)) => match array.index(*number) {
                Some(index) => Arc::make_mut(array).remove(index),
                None => result = Err(format!("[{number}]: bad array subscript")),
            },
            (Some(Key::Text(key)), Value::Associative(array)) => Arc::make_mut(array).remove(key),
            (Some(Key::All { .. }), Value::Indexed(array)) => *array = Arc::default(),
            (Some(Key::All { .. }), Value::Associative(array)) => *array = Arc::default(),
            (Some(Key::Number(0) | Key::All { .. }), Value::Text(_)) => removes = true,
            (Some(_), Value::Text(_)) => result = Err(format!("{}: not an array variable", show(&place.name))),
            _ => {}
        });
        if removes {
            self.unset_variable(&place.name);
        }
        result
    }

    /// `unset` of a variable: a local one stays local, without value and attributes; that of a function further out is
    /// gone, and what it hid is visible again.
    fn unset_variable(&mut self, name: &[u8]) {
        if self.context.mode == Mode::Bash && !self.state.variables.is_local(name) && self.state.variables.uncover(name)
        {
            return;
        }
        self.state.variables.replace(name, None);
    }
}

fn bad_subscript(place: &Place) -> String {
    let key = match &place.key {
        Some(Key::Number(number)) => number.to_string(),
        Some(Key::Text(text)) => show(text).into_owned(),
        Some(Key::All { star: true }) => "*".to_owned(),
        Some(Key::All { star: false }) => "@".to_owned(),
        None => String::new(),
    };
    format!("{}[{key}]: bad array subscript", show(&place.name))
}

/// Puts a value at a place of a variable.
fn store(variable: &mut Variable, place: &Place, mut value: Vec<u8>, append: bool) -> Result<(), String> {
    // A scalar becomes an array when an element of it is set.
    if matches!(place.key, Some(Key::Number(_))) {
        match &mut variable.value {
            Value::Text(text) => {
                let first = std::mem::take(text);
                variable.value = Value::Indexed(Arc::new([first].into_iter().collect()));
            }
            Value::Unset(Kind::Scalar | Kind::Indexed) => variable.value = Value::Indexed(Arc::default()),
            _ => {}
        }
    }
    match variable.value {
        Value::Unset(Kind::Indexed) => variable.value = Value::Indexed(Arc::default()),
        Value::Unset(Kind::Associative) => variable.value = Value::Associative(Arc::default()),
        _ => {}
    }
    match (&mut variable.value, &place.key) {
        (Value::Text(text), None) if append => text.append(&mut value),
        (place @ (Value::Text(_) | Value::Unset(_)), None) => *place = Value::Text(value),
        (Value::Indexed(array), key @ (None | Some(Key::Number(_)))) => {
            let number = if let Some(Key::Number(number)) = key { *number } else { 0 };
            let index = array.index(number).ok_or_else(|| bad_subscript(place))?;
            let array = Arc::make_mut(array);
            if append && let Some(old) = array.get(index) {
                value = [old, &value].concat();
            }
            array.set(index, value);
        }
        (Value::Associative(array), key @ (None | Some(Key::Text(_)))) => {
            let key = if let Some(Key::Text(text)) = key { text.clone() } else { b"0".to_vec() };
            let array: &mut Associative = Arc::make_mut(array);
            if append && let Some(old) = array.get(&key) {
                value = [old, &value].concat();
            }
            array.set(key, value);
        }
        _ => return Err(bad_subscript(place)),
    }
    Ok(())
}

impl Case {
    /// The text as the attribute wants it.
    pub(crate) fn apply(self, text: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Kept => text,
            Self::Lower => letters(&text, |_, letter| lower(letter)),
            Self::Upper => letters(&text, |_, letter| upper(letter)),
            Self::Capital => letters(&text, |number, letter| if number == 0 { upper(letter) } else { lower(letter) }),
        }
    }
}

/// A letter's capital, where that is one letter.
pub(crate) fn upper(letter: char) -> char {
    let mut all = letter.to_uppercase();
    if all.len() == 1 { all.next().unwrap_or(letter) } else { letter }
}

/// A capital's small letter, where that is one letter.
pub(crate) fn lower(letter: char) -> char {
    let mut all = letter.to_lowercase();
    if all.len() == 1 { all.next().unwrap_or(letter) } else { letter }
}

/// A text with every letter replaced, which comes with its number; bytes that are no characters stay.
pub(crate) fn letters(text: &[u8], mut replace: impl FnMut(usize, char) -> char) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut number = 0;
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            out.extend_from_slice(replace(number, letter).encode_utf8(&mut [0; 4]).as_bytes());
            number += 1;
        }
        out.extend_from_slice(chunk.invalid());
        number += chunk.invalid().len();
    }
    out
}
