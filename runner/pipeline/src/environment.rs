//! The environment of a freestyle step (rules F12-F16).

use std::collections::BTreeMap;

use crate::place::Place;
use crate::references::References;
use crate::step_name::StepName;
use crate::substitute::{SubstituteError, substitute};
use crate::template::Template;
use crate::variables::{Layer, Variables};

/// The environment of a step, and what is odd about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepEnvironment {
    /// The variables of the process.
    pub values: BTreeMap<String, String>,
    /// What was left out, and where it stands.
    pub warnings: Vec<EnvironmentWarning>,
}

/// Something in an `environment` that has no effect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvironmentWarning {
    /// `KEY` without a value, and no variable has that name (rule F14).
    #[error("`{name}` has no value, and no variable has that name: it is left out")]
    NoValue {
        /// The name.
        name: String,
        /// Where the item stands.
        place: Place,
    },
    /// The name cannot be that of an environment variable.
    #[error("`{name}` cannot be the name of an environment variable: it is left out")]
    BadName {
        /// The name.
        name: String,
        /// Where the item stands.
        place: Place,
    },
    /// An item holds something undefined, which stays in it as it is (rule V4).
    #[error("`${{{{{name}}}}}` is not defined and stays as it is")]
    Undefined {
        /// The name between the braces.
        name: String,
        /// Where it stands.
        place: Place,
    },
}

impl EnvironmentWarning {
    /// Where it is.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::NoValue { place, .. } | Self::BadName { place, .. } | Self::Undefined { place, .. } => *place,
        }
    }
}

/// Fills the layer of the step in `variables` and gives the whole environment of its process: every variable (rule
/// F12), over them the items of the step (rule F13), `CF_STEP_NAME` and the attempt, counted from 1 (rule F16).
///
/// # Errors
/// Where an item becomes too long.
pub fn step_environment(
    step: &StepName,
    items: &[Template],
    attempt: (u32, u32),
    variables: &mut Variables,
    references: &References,
) -> Result<StepEnvironment, SubstituteError> {
    variables.clear(Layer::Step);
    let mut warnings = Vec::new();
    let mut own = vec![
        ("CF_STEP_NAME".to_owned(), step.as_str().to_owned()),
        ("CF_CURRENT_ATTEMPT".to_owned(), attempt.0.to_string()),
        ("CF_MAX_ATTEMPTS".to_owned(), attempt.1.to_string()),
    ];
    for item in items {
        let place = item.place();
        let substituted = substitute(item, variables, references)?;
        for unresolved in substituted.unresolved {
            let place = item.place_of_offset(unresolved.offset);
            warnings.push(EnvironmentWarning::Undefined { name: unresolved.name, place });
        }
        // Verbatim after the first `=` (rule F15).
        let (name, value) = match substituted.text.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (substituted.text.as_str(), variables.get(&substituted.text)),
        };
        match value {
            _ if !is_environment_name(name) => {
                warnings.push(EnvironmentWarning::BadName { name: name.to_owned(), place });
            }
            Some(value) if value.contains('\0') => {
                warnings.push(EnvironmentWarning::BadName { name: name.to_owned(), place });
            }
            Some(value) => own.push((name.to_owned(), value.to_owned())),
            None => warnings.push(EnvironmentWarning::NoValue { name: name.to_owned(), place }),
        }
    }
    variables.extend(Layer::Step, own);
    let values = variables
        .effective()
        .into_iter()
        .filter(|(name, value)| is_environment_name(name) && !value.contains('\0'))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Ok(StepEnvironment { values, warnings })
}

/// Whether a process can have a variable of that name.
fn is_environment_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(items: &[&str], variables: &mut Variables) -> StepEnvironment {
        let items: Vec<Template> = items.iter().map(|item| Template::literal(item)).collect();
        let step = StepName::new("test").expect("a name");
        step_environment(&step, &items, (1, 3), variables, &References::new()).expect("short")
    }

    fn known() -> Variables {
        let mut variables = Variables::new();
        variables.set(Layer::System, "CI", "true");
        variables.set(Layer::Pipeline, "A", "pipeline");
        variables.set(Layer::Build, "B", "build");
        variables.set(Layer::Exported, "C", "exported");
        variables
    }

    #[test]
    fn f12_every_variable_is_in_the_environment() {
        let values = environment(&[], &mut known()).values;
        let pairs: Vec<(&str, &str)> = values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            pairs,
            [
                ("A", "pipeline"),
                ("B", "build"),
                ("C", "exported"),
                ("CF_CURRENT_ATTEMPT", "1"),
                ("CF_MAX_ATTEMPTS", "3"),
                ("CF_STEP_NAME", "test"),
                ("CI", "true"),
            ]
        );
    }

    #[test]
    fn f13_items_of_the_step_win_and_only_there() {
        let mut variables = known();
        assert_eq!(environment(&["C=step", "C=last"], &mut variables).values["C"], "last");
        assert_eq!(variables.get("C"), Some("last"));
        assert_eq!(environment(&[], &mut variables).values["C"], "exported");
    }

    #[test]
    fn f14_a_key_alone_passes_the_variable_of_that_name_on() {
        let found = environment(&["B", "NOPE"], &mut known());
        assert_eq!(found.values["B"], "build");
        assert!(!found.values.contains_key("NOPE"));
        let messages: Vec<String> = found.warnings.iter().map(ToString::to_string).collect();
        assert_eq!(messages, ["`NOPE` has no value, and no variable has that name: it is left out"]);
    }

    #[test]
    fn f15_a_value_is_verbatim_after_the_first_equals_sign() {
        let values = environment(&["X= a=\"b\" $HOME 'c' ", "E=", "U=${{B}}"], &mut known()).values;
        assert_eq!(
            (values["X"].as_str(), values["E"].as_str(), values["U"].as_str()),
            (" a=\"b\" $HOME 'c' ", "", "build")
        );
    }

    #[test]
    fn f16_attempts_are_counted_from_one_for_each_step() {
        let values = environment(&[], &mut known()).values;
        assert_eq!((values["CF_CURRENT_ATTEMPT"].as_str(), values["CF_MAX_ATTEMPTS"].as_str()), ("1", "3"));
    }

    #[test]
    fn v4_what_is_undefined_stays_and_is_told() {
        let found = environment(&["X=${{NOPE}}", "=y", "N=\0"], &mut known());
        assert_eq!(found.values["X"], "${{NOPE}}");
        assert_eq!(found.warnings.len(), 3);
    }

    #[test]
    fn v4_f14_what_is_odd_is_told_with_its_place() {
        let source = "GONE\nX=a ${{NOPE}}\n=y\n";
        let place = |line, offset, length| Place { line, column: 1, offset, length };
        let items = [
            Template::new("GONE", place(1, 0, 4), source),
            Template::new("X=a ${{NOPE}}", place(2, 5, 13), source),
            Template::new("=y", place(3, 19, 2), source),
        ];
        let step = StepName::new("test").expect("a name");
        let found = step_environment(&step, &items, (1, 1), &mut known(), &References::new()).expect("short");
        let told: Vec<String> = found.warnings.iter().map(|warning| format!("{} {warning}", warning.place())).collect();
        assert_eq!(
            told,
            [
                "1:1 `GONE` has no value, and no variable has that name: it is left out",
                "2:5 `${{NOPE}}` is not defined and stays as it is",
                "3:1 `` cannot be the name of an environment variable: it is left out",
            ]
        );
    }

    #[test]
    fn f12_what_no_process_can_have_is_left_out() {
        let mut variables = known();
        variables.set(Layer::Build, "NUL", "a\0b");
        variables.set(Layer::Build, "a=b", "c");
        variables.set(Layer::Build, "", "empty");
        let values = environment(&[], &mut variables).values;
        assert_eq!(values, environment(&[], &mut known()).values);
    }
}
