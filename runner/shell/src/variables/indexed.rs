use std::collections::BTreeMap;

use super::OVERHEAD;

/// An indexed array, which may have gaps.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Indexed {
    elements: BTreeMap<u64, Vec<u8>>,
    bytes: usize,
}

impl Indexed {
    pub(crate) fn get(&self, index: u64) -> Option<&[u8]> {
        self.elements.get(&index).map(Vec::as_slice)
    }

    pub(crate) fn set(&mut self, index: u64, value: Vec<u8>) {
        self.bytes += value.len() + OVERHEAD;
        if let Some(old) = self.elements.insert(index, value) {
            self.bytes -= old.len() + OVERHEAD;
        }
    }

    pub(crate) fn remove(&mut self, index: u64) {
        if let Some(old) = self.elements.remove(&index) {
            self.bytes -= old.len() + OVERHEAD;
        }
    }

    /// The index behind the last element.
    pub(crate) fn end(&self) -> u64 {
        self.elements.last_key_value().map_or(0, |(last, _)| last.saturating_add(1))
    }

    /// The index that a number means: a negative one counts from the end. `None` where that is before the beginning.
    pub(crate) fn index(&self, number: i64) -> Option<u64> {
        match u64::try_from(number) {
            Ok(index) => Some(index),
            Err(_) => self.end().checked_sub(number.unsigned_abs()),
        }
    }

    /// The elements with an index of `begin` or more, in order.
    pub(crate) fn from(&self, begin: u64) -> impl Iterator<Item = (u64, &[u8])> {
        self.elements.range(begin..).map(|(index, value)| (*index, value.as_slice()))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &[u8]> {
        self.elements.values().map(Vec::as_slice)
    }

    pub(super) fn size(&self) -> usize {
        self.bytes
    }
}

impl FromIterator<Vec<u8>> for Indexed {
    fn from_iter<T: IntoIterator<Item = Vec<u8>>>(values: T) -> Self {
        let elements: BTreeMap<u64, Vec<u8>> = (0..).zip(values).collect();
        let bytes = elements.values().map(|value| value.len() + OVERHEAD).sum();
        Self { elements, bytes }
    }
}
