//! What decides about the result of a build or of a parallel step (rules P15, P16).

use std::collections::BTreeSet;

use crate::plan::StepState;
use crate::when::Conditions;

/// Success criteria. What is not given holds; of what is given all must.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SuccessCriteria {
    /// Only these steps decide; all where it is not given.
    pub only: Option<BTreeSet<String>>,
    /// These steps do not decide.
    pub ignore: BTreeSet<String>,
    /// Expressions that must hold.
    pub condition: Option<Conditions>,
}

impl SuccessCriteria {
    /// Whether the steps that decide have succeeded: none of them failed or never came to its end. `judge` says whether
    /// the expressions hold.
    #[must_use]
    pub fn hold<'s>(
        &self,
        members: impl IntoIterator<Item = (&'s str, StepState)>,
        judge: impl FnOnce(&Conditions) -> bool,
    ) -> bool {
        let decides =
            |name: &str| self.only.as_ref().is_none_or(|only| only.contains(name)) && !self.ignore.contains(name);
        // Where only expressions are given, they alone decide.
        let named = self.only.is_some() || !self.ignore.is_empty() || self.condition.is_none();
        let succeeded = |state: StepState| state.over() && !state.failed();
        (!named || members.into_iter().all(|(name, state)| !decides(name) || succeeded(state)))
            && self.condition.as_ref().is_none_or(judge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn criteria(only: Option<&[&str]>, ignore: &[&str]) -> SuccessCriteria {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        SuccessCriteria { only: only.map(set), ignore: set(ignore), condition: None }
    }

    #[test]
    fn p15_only_minus_ignore_decide() {
        let members = [("a", StepState::Success), ("b", StepState::Error), ("c", StepState::Skipped)];
        for (only, ignore, expected) in [
            (None, &[][..], false),
            (Some(&["a"][..]), &[], true),
            (Some(&["b"]), &[], false),
            (Some(&["a", "b"]), &["b"], true),
            (None, &["b"], true),
            (None, &["a"], false),
            (Some(&["c", "nobody"]), &[], true),
        ] {
            let found = criteria(only, ignore).hold(members, |_| panic!("no expressions"));
            assert_eq!(found, expected, "{only:?} {ignore:?}");
        }
        assert!(!criteria(Some(&["a"]), &[]).hold([("a", StepState::Pending)], |_| true), "never came to its end");
        assert!(!criteria(None, &["b"]).hold([("a", StepState::Terminated)], |_| true));
    }

    #[test]
    fn p16_expressions_decide_alone_or_with_the_steps() {
        let condition = Some(Conditions::default());
        let alone = SuccessCriteria { condition: condition.clone(), ..SuccessCriteria::default() };
        let failed = [("a", StepState::Error)];
        assert!(alone.hold(failed, |_| true));
        assert!(!alone.hold([("a", StepState::Success)], |_| false));
        let both = SuccessCriteria { condition, ..criteria(Some(&["a"]), &[]) };
        assert!(!both.hold(failed, |_| true));
        assert!(both.hold([("a", StepState::Success)], |_| true));
    }
}
