use std::cmp::Reverse;
use std::collections::HashMap;

use super::OVERHEAD;

/// bash's tables have as many places at first.
const PLACES: usize = 1024;

/// When two entries share each on average, they get so many times as many. They never shrink.
const GROWTH: usize = 4;

/// An associative array. Its order is that of bash, so that a script prints the same as there: by the place that the hash of
/// a key has in a table, the newest first where several have one.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Associative {
    entries: HashMap<Vec<u8>, Entry>,
    bytes: usize,
    /// The largest `made` of an entry.
    made: u64,
    /// How often the table has grown.
    grown: u32,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Entry {
    value: Vec<u8>,
    /// The larger it is, the nearer the entry is to the head of its place.
    made: u64,
}

impl Associative {
    pub(crate) fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.entries.get(key).map(|entry| entry.value.as_slice())
    }

    pub(crate) fn set(&mut self, key: Vec<u8>, value: Vec<u8>) {
        if let Some(entry) = self.entries.get_mut(&key) {
            self.bytes = self.bytes + value.len() - entry.value.len();
            entry.value = value;
            return;
        }
        self.bytes += key.len() + value.len() + 2 * OVERHEAD;
        if self.entries.len() >= self.places().saturating_mul(2) {
            self.grow();
        }
        self.made += 1;
        self.entries.insert(key, Entry { value, made: self.made });
    }

    fn places(&self) -> usize {
        PLACES.saturating_mul(GROWTH.saturating_pow(self.grown))
    }

    /// bash puts the entries of each place, from its head on, before those of their new one: they turn round.
    fn grow(&mut self) {
        self.grown += 1;
        let made = self.made;
        self.entries.values_mut().for_each(|entry| entry.made = made - entry.made);
    }

    pub(crate) fn remove(&mut self, key: &[u8]) {
        if let Some((key, old)) = self.entries.remove_entry(key) {
            self.bytes -= key.len() + old.value.len() + 2 * OVERHEAD;
        }
    }

    /// Keys and values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let places = self.places();
        let place = |key: &[u8]| hash(key) as usize & (places - 1);
        let mut entries: Vec<_> =
            self.entries.iter().map(|(key, entry)| (place(key), Reverse(entry.made), key)).collect();
        entries.sort_unstable();
        entries.into_iter().map(|(_, _, key)| (key.as_slice(), self.entries[key].value.as_slice()))
    }

    pub(super) fn size(&self) -> usize {
        self.bytes
    }
}

/// FNV-1.
fn hash(key: &[u8]) -> u32 {
    key.iter().fold(2_166_136_261, |hash: u32, byte| hash.wrapping_mul(16_777_619) ^ u32::from(*byte))
}
