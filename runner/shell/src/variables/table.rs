use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::{Attributes, Kind, OVERHEAD, Value, Variable};

/// By name. A loop looks its names up at each turn, where the hash of the standard library costs more than the look-up; a
/// script that makes its own names collide harms itself alone.
pub(crate) type ByName<T> = HashMap<Vec<u8>, T, RandomState>;

/// The variables of a shell. A subshell shares them until one of the two changes something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    table: Arc<ByName<Variable>>,
    /// Bytes of all names and values, what is hidden among them.
    bytes: usize,
    /// Whether there ever was a nameref: nearly no script has one.
    references: bool,
    /// For each function that is being executed: what its local variables hide.
    scopes: Vec<Vec<(Vec<u8>, Option<Variable>)>>,
}

fn size(name: &[u8], variable: &Variable) -> usize {
    name.len() + variable.size() + OVERHEAD
}

impl Variables {
    pub(crate) fn get(&self, name: &[u8]) -> Option<&Variable> {
        self.table.get(name)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Variable)> {
        self.table.iter()
    }

    /// The names that begin with `prefix`, sorted.
    pub(crate) fn names(&self, prefix: &[u8]) -> Vec<&Vec<u8>> {
        let mut names: Vec<_> = self.table.keys().filter(|name| name.starts_with(prefix)).collect();
        names.sort();
        names
    }

    pub(crate) fn has_references(&self) -> bool {
        self.references
    }

    /// Bytes of all names and values.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Sets a variable that is missing, or is text without attributes that matter; gives the value back where it is not so
    /// simple, or the variables would be larger than `limit`.
    pub(crate) fn set_text(&mut self, name: &[u8], value: Vec<u8>, limit: usize, export: bool) -> Result<(), Vec<u8>> {
        let Some(variable) = Arc::make_mut(&mut self.table).get_mut(name) else {
            if self.bytes + name.len() + value.len() > limit {
                return Err(value);
            }
            let mut variable = Variable::text(value);
            variable.attributes.exported = export;
            self.replace(name, Some(variable));
            return Ok(());
        };
        let attributes = variable.attributes;
        let plain = attributes == Attributes { exported: attributes.exported, ..Attributes::default() };
        let old = match &variable.value {
            Value::Text(text) => text.len(),
            Value::Unset(Kind::Scalar) => 0,
            _ => return Err(value),
        };
        let bytes = self.bytes - old.min(self.bytes) + value.len();
        if !plain || bytes > limit {
            return Err(value);
        }
        self.bytes = bytes;
        variable.attributes.exported |= export;
        variable.value = Value::Text(value);
        Ok(())
    }

    /// Changes a variable in place, where it is there.
    pub(crate) fn change<T>(&mut self, name: &[u8], change: impl FnOnce(&mut Variable) -> T) -> Option<T> {
        let variable = Arc::make_mut(&mut self.table).get_mut(name)?;
        let before = variable.size();
        let result = change(variable);
        self.references |= variable.attributes.reference;
        self.bytes = (self.bytes + variable.size()).saturating_sub(before);
        Some(result)
    }

    /// The same, where it is not there with a new one.
    pub(crate) fn change_or_insert(&mut self, name: &[u8], change: impl FnOnce(&mut Variable)) {
        if !self.table.contains_key(name) {
            self.replace(name, Some(Variable::default()));
        }
        self.change(name, change);
    }

    /// Puts a variable in, or takes it out; what was there.
    pub(crate) fn replace(&mut self, name: &[u8], variable: Option<Variable>) -> Option<Variable> {
        let added = variable.as_ref().map_or(0, |variable| size(name, variable));
        let old = match variable {
            Some(variable) => Arc::make_mut(&mut self.table).insert(name.to_vec(), variable),
            None if self.table.contains_key(name) => Arc::make_mut(&mut self.table).remove(name),
            None => None,
        };
        let removed = old.as_ref().map_or(0, |old| size(name, old));
        self.bytes = (self.bytes + added).saturating_sub(removed);
        old
    }

    /// A function begins.
    pub(crate) fn enter_scope(&mut self) {
        self.scopes.push(vec![]);
    }

    /// A function ends: what its local variables hid is back.
    pub(crate) fn leave_scope(&mut self) {
        for (name, old) in self.scopes.pop().unwrap_or_default().into_iter().rev() {
            let hidden = old.as_ref().map_or(0, |old| size(&name, old));
            self.replace(&name, old);
            // It was counted all the time.
            self.bytes = self.bytes.saturating_sub(hidden);
        }
    }

    /// Whether a function is being executed.
    pub(crate) fn in_function(&self) -> bool {
        !self.scopes.is_empty()
    }

    /// Whether a variable is local to the function that is being executed.
    pub(crate) fn is_local(&self, name: &[u8]) -> bool {
        self.scopes.last().is_some_and(|scope| scope.iter().any(|(known, _)| known == name))
    }

    /// The names of the local variables of the function that is being executed.
    pub(crate) fn locals(&self) -> Vec<Vec<u8>> {
        let mut names: Vec<_> = self.scopes.last().into_iter().flatten().map(|(name, _)| name.clone()).collect();
        names.sort();
        names
    }

    /// Makes a variable local to the function that is being executed, if it is not yet; whether it became so now. What it
    /// hides stays visible until it is replaced.
    pub(crate) fn make_local(&mut self, name: &[u8]) -> bool {
        if self.is_local(name) {
            return false;
        }
        let Some(scope) = self.scopes.last_mut() else { return false };
        let old = self.table.get(name).cloned();
        self.bytes += old.as_ref().map_or(0, |old| size(name, old));
        scope.push((name.to_vec(), old));
        true
    }

    /// `unset` of a local variable of a function further out: what it hid is visible again.
    pub(crate) fn uncover(&mut self, name: &[u8]) -> bool {
        let count = self.scopes.len().saturating_sub(1);
        for scope in self.scopes[..count].iter_mut().rev() {
            if let Some(at) = scope.iter().position(|(known, _)| known == name) {
                let (_, old) = scope.remove(at);
                let hidden = old.as_ref().map_or(0, |old| size(name, old));
                self.replace(name, old);
                self.bytes = self.bytes.saturating_sub(hidden);
                return true;
            }
        }
        false
    }

    /// Runs `change` while the global variables stand where local ones of these names hide them (`declare -g`).
    pub(crate) fn swap_global(&mut self, name: &[u8]) {
        let outermost = self.scopes.iter_mut().flatten().find(|(known, _)| known == name);
        if let Some((_, hidden)) = outermost {
            let table = Arc::make_mut(&mut self.table);
            let visible = table.remove(name);
            if let Some(global) = hidden.take() {
                table.insert(name.to_vec(), global);
            }
            *hidden = visible;
        }
    }
}
