//! Textual substitution of `${{NAME}}` (rules V1-V6), and the checks of texts that must be known.

use crate::pipeline::Flag;
use crate::place::Place;
use crate::references::References;
use crate::template::{Hole, Template, holes};
use crate::variables::Variables;

/// The most bytes that a substitution gives.
pub const MAX_SUBSTITUTED: usize = 4 << 20;

/// A text with its variables replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Substituted {
    /// The text; what is undefined stands in it as it was (rule V4).
    pub text: String,
    /// What is undefined.
    pub unresolved: Vec<Unresolved>,
}

/// A `${{NAME}}` that nobody defines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unresolved {
    /// The name.
    pub name: String,
    /// Its byte offset in the text before substitution.
    pub offset: usize,
}

/// Why a text could not be made. Trying again does not help.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubstituteError {
    /// The result would be too long.
    #[error("the text is longer than {MAX_SUBSTITUTED} bytes once its variables are replaced")]
    TooLong {
        /// Where the text stands.
        place: Place,
    },
    /// A text that must be known holds something undefined.
    #[error("`${{{{{name}}}}}` is not defined, so {what} is not known")]
    Undefined {
        /// The name between the braces.
        name: String,
        /// What the text is, in words.
        what: &'static str,
        /// Where the `${{…}}` stands.
        place: Place,
    },
}

impl SubstituteError {
    /// Where it happened.
    #[must_use]
    pub fn place(&self) -> Place {
        match self {
            Self::TooLong { place } | Self::Undefined { place, .. } => *place,
        }
    }
}

/// Replaces the variables of a template: variables first, then references to steps. One pass: what a value holds is
/// not looked at again.
///
/// # Errors
/// [`SubstituteError::TooLong`].
pub fn substitute(
    template: &Template,
    variables: &Variables,
    references: &References,
) -> Result<Substituted, SubstituteError> {
    plain(template.text(), template.holes(), template.place(), variables, references)
}

/// Replaces the variables of a text that stands in no document.
///
/// # Errors
/// [`SubstituteError::TooLong`].
pub fn substitute_text(
    text: &str,
    variables: &Variables,
    references: &References,
) -> Result<Substituted, SubstituteError> {
    plain(text, &holes(text), Place::default(), variables, references)
}

/// Replaces the variables of a text in which all of them must be defined, such as an image; `what` names the text.
///
/// # Errors
/// [`SubstituteError::Undefined`] for the first one that is not, or [`SubstituteError::TooLong`].
pub fn resolve(
    template: &Template,
    what: &'static str,
    variables: &Variables,
    references: &References,
) -> Result<String, SubstituteError> {
    let substituted = substitute(template, variables, references)?;
    match substituted.unresolved.into_iter().next() {
        None => Ok(substituted.text),
        Some(Unresolved { name, offset }) => {
            Err(SubstituteError::Undefined { name, what, place: template.place_of_offset(offset) })
        }
    }
}

impl Flag {
    /// Whether the flag is set, when its step starts; `None` where its variable is undefined or no boolean.
    #[must_use]
    pub fn resolve(&self, variables: &Variables, references: &References) -> Option<bool> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Variable(template) => {
                substitute(template, variables, references).ok().and_then(|value| Self::from_text(value.text.trim()))
            }
        }
    }
}

fn plain(
    text: &str,
    holes: &[Hole],
    place: Place,
    variables: &Variables,
    references: &References,
) -> Result<Substituted, SubstituteError> {
    let value = |name: &str| variables.get(name).or_else(|| references.get(name));
    fill(text, holes, place, value, |_, value, out| out.push_str(value))
}

/// Replaces holes by what `value` says of their names, written by `write`, which is told the number of the hole.
pub(crate) fn fill<'v>(
    text: &str,
    holes: &[Hole],
    place: Place,
    value: impl Fn(&str) -> Option<&'v str>,
    write: impl Fn(usize, &str, &mut String),
) -> Result<Substituted, SubstituteError> {
    let mut out = String::with_capacity(text.len());
    let mut unresolved = Vec::new();
    let mut from = 0;
    for (number, hole) in holes.iter().enumerate() {
        out.push_str(&text[from..hole.start]);
        match value(&hole.name) {
            Some(value) => write(number, value, &mut out),
            None => {
                out.push_str(&text[hole.start..hole.end]);
                unresolved.push(Unresolved { name: hole.name.clone(), offset: hole.start });
            }
        }
        if out.len() > MAX_SUBSTITUTED {
            return Err(SubstituteError::TooLong { place });
        }
        from = hole.end;
    }
    out.push_str(&text[from..]);
    if out.len() > MAX_SUBSTITUTED {
        return Err(SubstituteError::TooLong { place });
    }
    Ok(Substituted { text: out, unresolved })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::references::StepFacts;
    use crate::variables::Layer;

    fn known() -> (Variables, References) {
        let mut variables = Variables::new();
        variables.extend(Layer::Build, [("A", "1"), ("EMPTY", ""), ("HOLE", "${{A}}"), ("a.b-c", "dots")]);
        let mut references = References::new();
        references.insert(StepFacts {
            name: "clone".into(),
            type_name: "git-clone".into(),
            description: Some("the code".into()),
            working_directory: Some("/codefresh/volume/app".into()),
            result: Some("success".into()),
            revision: Some("main".into()),
            repo: Some("owner/app".into()),
            answered_by: None,
        });
        references.insert(StepFacts {
            name: "gate".into(),
            type_name: "pending-approval".into(),
            answered_by: Some("sam".into()),
            ..StepFacts::default()
        });
        references.insert(StepFacts { name: "test".into(), type_name: "freestyle".into(), ..StepFacts::default() });
        (variables, references)
    }

    fn text(text: &str) -> String {
        let (variables, references) = known();
        substitute_text(text, &variables, &references).expect("short").text
    }

    #[test]
    fn v1_v2_names_are_replaced_and_spaces_around_them_do_not_matter() {
        assert_eq!(text("x${{A}}y${{ A }}z${{EMPTY}}"), "x1y1z");
        assert_eq!(text("${{a.b-c}}"), "dots");
    }

    #[test]
    fn v11_an_approval_says_who_answered() {
        assert_eq!(text("${{gate.authEntity.name}} ${{steps.gate.authEntity.type}}"), "sam user");
        for none in ["${{test.authEntity.name}}", "${{gate.authEntity.mail}}", "${{gate.authEntity}}"] {
            assert_eq!(text(none), none);
        }
    }

    #[test]
    fn v3_there_are_no_defaults_and_values_are_not_looked_at_again() {
        assert_eq!(text("${{HOLE}}"), "${{A}}");
        assert_eq!(text("${{B:-x}}"), "${{B:-x}}");
    }

    #[test]
    fn v1_the_bound_of_a_text_is_exact() {
        let mut variables = Variables::new();
        variables.set(Layer::Build, "A", "x".repeat(MAX_SUBSTITUTED - 1));
        let length = |text: &str| substitute_text(text, &variables, &References::new()).map(|found| found.text.len());
        let too_long = Err(SubstituteError::TooLong { place: Place::default() });
        for (text, expected) in [
            ("${{A}}y", Ok(MAX_SUBSTITUTED)),
            ("y${{A}}", Ok(MAX_SUBSTITUTED)),
            ("${{A}}yy", too_long.clone()),
            ("yy${{A}}", too_long.clone()),
            ("${{A}}${{A}}", too_long.clone()),
            ("${{A}}${{A}}${{A}}", too_long),
        ] {
            assert_eq!(length(text), expected, "{text}");
        }
    }

    #[test]
    fn v4_undefined_ones_stay_as_they_are_and_are_told() {
        let (variables, references) = known();
        let all = substitute_text("a ${{ NOPE }} ${{A}} ${{nope.x}}", &variables, &references).expect("short");
        assert_eq!(all.text, "a ${{ NOPE }} 1 ${{nope.x}}");
        let names: Vec<(&str, usize)> = all.unresolved.iter().map(|one| (one.name.as_str(), one.offset)).collect();
        assert_eq!(names, [("NOPE", 2), ("nope.x", 21)]);
    }

    #[test]
    fn v6_unix_variables_are_left_to_the_shell() {
        assert_eq!(text("$A ${A} $${{A}} '${{A}}'"), "$A ${A} $1 '1'");
    }

    #[test]
    fn v9_backslashes_are_kept() {
        assert_eq!(text(r"Points\=x\;${{A}}"), r"Points\=x\;1");
    }

    #[test]
    fn v10_a_bare_step_is_its_directory() {
        assert_eq!(text("${{clone}}/sub ${{steps.clone}}"), "/codefresh/volume/app/sub /codefresh/volume/app");
        assert_eq!(text("${{test}}"), "${{test}}");
    }

    #[test]
    fn v10_a_variable_with_the_name_of_a_step_wins() {
        let (mut variables, references) = known();
        variables.set(Layer::Pipeline, "clone", "mine");
        assert_eq!(substitute_text("${{clone}}", &variables, &references).expect("short").text, "mine");
    }

    #[test]
    fn v11_g4_members_of_steps_with_and_without_prefix() {
        assert_eq!(text("${{clone.revision}} ${{steps.clone.repo}}"), "main owner/app");
        assert_eq!(text("${{clone.name}} ${{clone.type}} ${{clone.description}}"), "clone git-clone the code");
        assert_eq!(text("${{clone.workingDirectory}} ${{clone.result}}"), "/codefresh/volume/app success");
        assert_eq!(text("${{test.revision}} ${{clone.nope}}"), "${{test.revision}} ${{clone.nope}}");
    }

    #[test]
    fn v10_an_undefined_image_is_an_error_with_its_place() {
        let (variables, references) = known();
        let source = "image: a:${{NOPE}}";
        let place = Place { line: 1, column: 8, offset: 7, length: 11 };
        let template = Template::new("a:${{NOPE}}", place, source);
        let error = resolve(&template, "the image", &variables, &references).expect_err("undefined");
        assert_eq!(
            (error.place().column, error.to_string().as_str()),
            (10, "`${{NOPE}}` is not defined, so the image is not known")
        );
    }

    #[test]
    fn v6_what_comes_out_is_bounded() {
        let mut variables = Variables::new();
        variables.set(Layer::Build, "BIG", "x".repeat(1 << 20));
        let error = substitute_text(&"${{BIG}}".repeat(1000), &variables, &References::new());
        assert!(matches!(error, Err(SubstituteError::TooLong { .. })));
    }
}
