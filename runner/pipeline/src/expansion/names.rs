//! What the copies of a `matrix` are called.
//!
//! `<step>_<number>`, counted from 1 in the order of the combinations: a name that the condition language reads as it
//! is, that the command line takes, and that obeys rules R3 to R5 whatever the values are. The values stand in the
//! copy's title. A number whose name another step has is left out, and a long name is cut so that the number fits.

use std::collections::{HashMap, HashSet};

use crate::step_name::MAX_LENGTH;
use crate::yaml::Node;

/// The names of a document.
#[derive(Debug)]
pub(super) struct Names {
    taken: HashSet<String>,
    /// The last number behind each beginning.
    last: HashMap<String, usize>,
}

impl Names {
    /// All names that the steps of a mapping have, those inside of them and the copies of `scale`.
    pub(super) fn of(steps: &Node) -> Self {
        let mut taken = HashSet::new();
        let mut open = vec![steps];
        while let Some(steps) = open.pop() {
            for (key, step) in steps.entries() {
                taken.extend(key.scalar_text().map(std::borrow::Cow::into_owned));
                for holder in [Some(step), step.get("arguments")].into_iter().flatten() {
                    open.extend(["steps", "scale"].iter().filter_map(|name| holder.get(name)));
                }
            }
        }
        Self { taken, last: HashMap::new() }
    }

    /// The name of the next copy of a step.
    pub(super) fn next(&mut self, step: &str) -> String {
        let last = self.last.entry(step.to_owned()).or_default();
        loop {
            *last += 1;
            let number = format!("_{last}");
            let name = cut(step, MAX_LENGTH - number.len()) + &number;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// The beginning of a text, as long as it may be in the units in which names are counted.
fn cut(text: &str, most: usize) -> String {
    let mut left = most;
    text.chars()
        .take_while(|c| {
            let fits = c.len_utf16() <= left;
            left = left.saturating_sub(c.len_utf16());
            fits
        })
        .collect()
}
