//! What is said about all copies of a step is said once, about the step.

use std::collections::{HashMap, HashSet, hash_map};
use std::hash::Hash;

use super::Expansion;
use crate::diagnostic::{Diagnostic, Unsupported};
use crate::yaml::MAX_DEPTH;

impl Expansion {
    /// Tells problems that copies share as one of the step that they are copies of.
    pub(crate) fn once(&self, all: &mut Vec<Diagnostic>) {
        let path = |one: &mut Diagnostic, copy: &str| one.path = one.path.replacen(&format!(".steps.{copy}"), "", 1);
        self.merge(all, |one| &mut one.step, |one| (one.severity, one.place, one.message.clone()), path);
    }

    /// The same for what is not supported.
    pub(crate) fn refused_once(&self, all: &mut Vec<Unsupported>) {
        self.merge(all, |one| &mut one.step, |one| (one.place, one.feature.clone()), |_, _| {});
    }

    fn merge<T, K: Hash + Eq>(
        &self,
        all: &mut Vec<T>,
        step: impl Fn(&mut T) -> &mut Option<String>,
        same: impl Fn(&T) -> K,
        shorten: impl Fn(&mut T, &str),
    ) {
        if self.originals.is_empty() {
            return;
        }
        let mut first: HashMap<(String, K), usize> = HashMap::new();
        let mut shared: HashSet<usize> = HashSet::new();
        let mut kept: Vec<T> = Vec::with_capacity(all.len());
        for mut one in all.drain(..) {
            if let Some(original) = step(&mut one).as_ref().and_then(|step| self.original(step)) {
                match first.entry((original.to_owned(), same(&one))) {
                    hash_map::Entry::Occupied(earlier) => {
                        shared.insert(*earlier.get());
                        continue;
                    }
                    hash_map::Entry::Vacant(place) => {
                        place.insert(kept.len());
                    }
                }
            }
            kept.push(one);
        }
        for at in shared {
            // A copy may have the name of its own step, which is an error of its own: bounded.
            for _ in 0..MAX_DEPTH {
                let Some(copy) = step(&mut kept[at]).clone() else { break };
                let Some(original) = self.originals.get(&copy) else { break };
                *step(&mut kept[at]) = Some(original.clone());
                shorten(&mut kept[at], &copy);
            }
        }
        *all = kept;
    }

    /// The step as it was written that a step is a copy of, or of a copy; `None` where it is none.
    fn original(&self, step: &str) -> Option<&str> {
        let mut found = self.originals.get(step)?;
        for _ in 0..MAX_DEPTH {
            let Some(outer) = self.originals.get(found) else { break };
            found = outer;
        }
        Some(found)
    }
}
