//! `NAME=(…)`.

use std::sync::Arc;

use super::{Associative, Indexed, Key, Kind, Value, Variable};
use crate::arithmetic;
use crate::eval::{Flow, Shell};
use crate::ir::Element;

/// An entry after expansion: its subscript's text, whether it appends, its value.
type Entry = (Option<Vec<u8>>, bool, Vec<u8>);

impl Shell {
    /// Assigns a compound value for good; as it is traced.
    pub(crate) fn assign_compound(&mut self, name: &[u8], elements: &[Element], append: bool) -> Result<Vec<u8>, Flow> {
        let associative = self.kind(name) == Kind::Associative;
        let entries = self.expand_elements(elements, associative)?;
        let traced = if self.options().xtrace { traced(name, &entries, append) } else { vec![] };
        self.put_elements(name, entries, append).map_err(|message| self.expansion_error(&message))?;
        Ok(traced)
    }

    /// Expands the entries. Those of an associative array are not split, nor do they name files.
    pub(crate) fn expand_elements(&mut self, elements: &[Element], associative: bool) -> Result<Vec<Entry>, Flow> {
        let mut entries = vec![];
        let mut bytes = 0;
        for element in elements {
            let before = entries.len();
            match &element.subscript {
                Some(subscript) => {
                    let subscript = self.expand_text(subscript)?;
                    entries.push((Some(subscript), element.append, self.expand_text(&element.value)?));
                }
                None if associative => entries.push((None, false, self.expand_text(&element.value)?)),
                None => {
                    let fields = self.expand_fields(std::slice::from_ref(&element.value))?;
                    entries.extend(fields.into_iter().map(|field| (None, false, field)));
                }
            }
            bytes += entries[before..].iter().map(|(_, _, value)| value.len() + super::OVERHEAD).sum::<usize>();
            if bytes > self.limits().variables {
                return Err(self.fatal(&format!("the variables are larger than {} bytes", self.limits().variables)));
            }
        }
        Ok(entries)
    }

    /// Makes a variable an array of entries, or adds them to what it is.
    pub(crate) fn put_elements(&mut self, name: &[u8], entries: Vec<Entry>, append: bool) -> Result<(), String> {
        let name = self.referred(name).to_vec();
        let variable = self.state.variables.get(&name);
        if variable.is_some_and(|variable| variable.attributes.readonly) {
            return Err(self.read_only(&name));
        }
        let attributes = variable.map_or(super::Attributes::default(), |variable| variable.attributes);
        let old = variable.filter(|_| append).map(|variable| variable.value.clone());
        if variable.is_some_and(|variable| variable.kind() == Kind::Associative) {
            let mut array = match old {
                Some(Value::Associative(array)) => Arc::unwrap_or_clone(array),
                _ => Associative::default(),
            };
            let mut entries = entries.into_iter().peekable();
            let pairs = entries.peek().is_some_and(|(subscript, ..)| subscript.is_none());
            while let Some((subscript, append, value)) = entries.next() {
                let (key, append, value) = match subscript {
                    Some(key) => (key, append, value),
                    // `(key value …)`, where an entry has no brackets none has.
                    None if pairs => (value, false, entries.next().map_or(vec![], |(_, _, value)| value)),
                    None => {
                        let shown = String::from_utf8_lossy(&value).into_owned();
                        let name = String::from_utf8_lossy(&name).into_owned();
                        self.complain(&format!("{name}: {shown}: must use subscript when assigning associative array"));
                        continue;
                    }
                };
                if key.is_empty() {
                    self.complain("bad array subscript");
                    continue;
                }
                let before = if append { array.get(&key).map(<[u8]>::to_vec) } else { None };
                let value = self.element_value(attributes, before, value)?;
                array.set(key, value);
            }
            return self.set_array(&name, Value::Associative(Arc::new(array)));
        }
        let mut array = match old {
            Some(Value::Indexed(array)) => Arc::unwrap_or_clone(array),
            Some(Value::Text(text)) => [text].into_iter().collect(),
            _ => Indexed::default(),
        };
        let mut next = array.end();
        for (subscript, append, value) in entries {
            if let Some(subscript) = subscript {
                // A subscript may ask for what was assigned before it.
                if !subscript.iter().all(u8::is_ascii_digit) {
                    self.set_array(&name, Value::Indexed(Arc::new(array.clone())))?;
                }
                let index = match self.key(&name, &subscript)? {
                    Key::Number(number) => array.index(number),
                    _ => None,
                };
                let Some(index) = index else {
                    let shown = String::from_utf8_lossy(&subscript).into_owned();
                    self.complain(&format!("[{shown}]: bad array subscript"));
                    continue;
                };
                next = index;
            }
            let before = if append { array.get(next).map(<[u8]>::to_vec) } else { None };
            let value = self.element_value(attributes, before, value)?;
            array.set(next, value);
            next = next.saturating_add(1);
        }
        self.set_array(&name, Value::Indexed(Arc::new(array)))
    }

    /// A value as the attributes want it.
    fn element_value(
        &mut self,
        attributes: super::Attributes,
        before: Option<Vec<u8>>,
        mut value: Vec<u8>,
    ) -> Result<Vec<u8>, String> {
        if attributes.integer {
            let old = arithmetic::evaluate(&before.unwrap_or_default(), self)?;
            return Ok(arithmetic::evaluate(&value, self)?.wrapping_add(old).to_string().into_bytes());
        }
        if let Some(mut before) = before {
            before.append(&mut value);
            value = before;
        }
        Ok(attributes.case.apply(value))
    }

    /// Makes a variable an array of the other kind, or an array at all; what it holds becomes element 0.
    pub(crate) fn make_array(&mut self, name: &[u8], kind: Kind) -> Result<(), String> {
        let shown = String::from_utf8_lossy(name).into_owned();
        let variable = self.state.variables.get(name).cloned().unwrap_or_default();
        let value = match (variable.value, kind) {
            (Value::Unset(Kind::Indexed), Kind::Associative) | (Value::Indexed(_), Kind::Associative) => {
                return Err(format!("{shown}: cannot convert indexed to associative array"));
            }
            (Value::Unset(Kind::Associative), Kind::Indexed) | (Value::Associative(_), Kind::Indexed) => {
                return Err(format!("{shown}: cannot convert associative to indexed array"));
            }
            (Value::Unset(_), kind) => Value::Unset(kind),
            (Value::Text(text), Kind::Indexed) => Value::Indexed(Arc::new([text].into_iter().collect())),
            (Value::Text(text), Kind::Associative) => {
                let mut array = Associative::default();
                array.set(b"0".to_vec(), text);
                Value::Associative(Arc::new(array))
            }
            (value, _) => value,
        };
        self.state.variables.replace(name, Some(Variable { value, attributes: variable.attributes }));
        Ok(())
    }
}

fn traced(name: &[u8], entries: &[Entry], append: bool) -> Vec<u8> {
    let words: Vec<Vec<u8>> = entries
        .iter()
        .map(|(subscript, append, value)| match subscript {
            Some(subscript) => [&b"["[..], subscript, if *append { b"]+=" } else { b"]=" }, value].concat(),
            None => value.clone(),
        })
        .collect();
    [name, if append { b"+=(" } else { b"=(" }, &words.join(&b' '), b")"].concat()
}
