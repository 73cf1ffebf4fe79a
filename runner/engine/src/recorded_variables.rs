//! Variables as a record keeps them: masked, and not without end.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use stepbox_pipeline::{Layer, MASK, Masker, Variables};

/// The most bytes of names and values that are kept.
const MAX_VARIABLES: usize = 1 << 20;

/// Variables that are written down, their secrets replaced by `****` (rule V31).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedVariables {
    /// Values by name.
    pub values: BTreeMap<String, String>,
    /// How many are not written down, because they are more than a mebibyte together.
    #[serde(default)]
    pub left_out: usize,
}

impl RecordedVariables {
    /// Keeps variables, as many as may be; of equal names the last wins.
    pub(crate) fn of(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut rest = MAX_VARIABLES;
        let mut kept = Self::default();
        for (name, value) in variables.into_iter().collect::<BTreeMap<_, _>>() {
            match rest.checked_sub(name.len() + value.len()) {
                Some(less) => {
                    rest = less;
                    kept.values.insert(name, value);
                }
                None => kept.left_out += 1,
            }
        }
        kept
    }

    /// What steps have exported. The values of names that are secrets are left away whole, even one that a step has
    /// exported before another one masked its name.
    pub(crate) fn exported<'a>(
        variables: &Variables,
        secrets: impl IntoIterator<Item = &'a str>,
        masker: &Masker,
    ) -> Self {
        let exported = variables.effective().into_iter();
        let exported = exported.filter(|(name, _)| variables.layer_of(name) == Some(Layer::Exported));
        let mut kept: BTreeMap<String, String> =
            exported.map(|(name, value)| (name.to_owned(), masker.mask(value))).collect();
        for secret in secrets {
            if let Some(value) = kept.get_mut(secret) {
                *value = String::from_utf8_lossy(MASK).into_owned();
            }
        }
        Self::of(kept)
    }

    /// The same, with secrets replaced.
    pub(crate) fn masked(&self, masker: &Masker) -> Self {
        let values = self.values.iter().map(|(name, value)| (name.clone(), masker.mask(value))).collect();
        Self { values, left_out: self.left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn v31_exports_are_kept_without_secrets() {
        let mut variables = Variables::new();
        variables.extend(Layer::Build, [("GIVEN", "1"), ("BOTH", "given")]);
        variables.extend(Layer::Exported, [("BOTH", "a tok"), ("EARLY", "x"), ("TOKEN", "other")]);
        let kept = RecordedVariables::exported(&variables, ["EARLY", "TOKEN", "NONE"], &Masker::new(["tok"]));
        let expected = pairs(&[("BOTH", "a ****"), ("EARLY", "****"), ("TOKEN", "****")]);
        assert_eq!(kept, RecordedVariables { values: expected, left_out: 0 });
    }

    #[test]
    fn what_is_too_much_is_left_out_and_counted() {
        let long = "x".repeat(MAX_VARIABLES - 2);
        let all = [("A", "old"), ("B", &long), ("C", "yes"), ("A", "n")];
        let kept = RecordedVariables::of(all.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((kept.values, kept.left_out), (pairs(&[("A", "n"), ("C", "yes")]), 1));
    }
}
