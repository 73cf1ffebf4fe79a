//! Why a step does not run, in words for the log. Variables stand in them: mask before showing.

use std::fmt::{Display, Formatter, Result};

use crate::expression::{ExpressionError, Value};
use crate::substitute::SubstituteError;
use crate::when::On;

/// The most characters of an expression, a value or a branch that are shown, and items of a list.
const MAX_SHOWN: usize = 200;
const MAX_ITEMS: usize = 5;

/// Why a step does not run, or not yet.
#[derive(Debug, Clone, PartialEq)]
pub enum Reason {
    /// The branch is none of `only`; `None` where no branch is known (rule C7).
    NotOnly {
        /// The branch.
        branch: Option<String>,
        /// The entries.
        only: Vec<String>,
    },
    /// The branch is one of `ignore`.
    Ignored {
        /// The branch.
        branch: String,
        /// The entry that means it.
        entry: String,
    },
    /// An entry of `only` or `ignore` is a regular expression with something wrong.
    Entry {
        /// The entry.
        entry: String,
        /// What is wrong.
        error: ExpressionError,
    },
    /// One of `condition.all` is not true.
    All(Box<FalseExpression>),
    /// None of `condition.any` is true.
    Any(Vec<FalseExpression>),
    /// Another step is not what it must be.
    Step(OtherStep),
    /// None of the other steps is what it must be.
    NoStep(Vec<OtherStep>),
    /// A text is too long once its variables are replaced.
    Text(SubstituteError),
}

/// An expression that is not true.
#[derive(Debug, Clone, PartialEq)]
pub struct FalseExpression {
    /// Its label.
    pub label: String,
    /// The expression, its variables replaced.
    pub expression: String,
    /// The error that makes it false, if one does.
    pub error: Option<ExpressionError>,
    /// The names that it looked up, with their values.
    pub seen: Vec<(String, Value)>,
}

/// Another step that is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherStep {
    /// Its name.
    pub name: String,
    /// What it is, in a word; `None` where there is no such step.
    pub is: Option<&'static str>,
    /// What it should be, one of these.
    pub on: Vec<On>,
}

impl Display for Reason {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::NotOnly { branch: Some(branch), only } => {
                write!(f, "branch `{}` is none of `only`: ", shown(branch))?;
                list(f, only, ", ", |entry, f| write!(f, "`{}`", shown(entry)))
            }
            Self::NotOnly { branch: None, only } => {
                f.write_str("no branch is known, so it is none of `only`: ")?;
                list(f, only, ", ", |entry, f| write!(f, "`{}`", shown(entry)))
            }
            Self::Ignored { branch, entry } => {
                write!(f, "branch `{}` is one of `ignore`: `{}`", shown(branch), shown(entry))
            }
            Self::Entry { entry, error } => write!(f, "branch entry `{}`: {error}", shown(entry)),
            Self::All(expression) => write!(f, "`when.condition.all.{}`: {expression}", expression.label),
            Self::Any(all) if all.is_empty() => f.write_str("`when.condition.any` is empty"),
            Self::Any(all) => {
                f.write_str("`when.condition.any`: ")?;
                list(f, all, "; ", |one, f| write!(f, "`{}`: {one}", one.label))
            }
            Self::Step(step) => write!(f, "`when.steps`: {step}"),
            Self::NoStep(all) => {
                f.write_str("`when.steps.any`: ")?;
                list(f, all, "; ", |one, f| write!(f, "{one}"))
            }
            Self::Text(error) => write!(f, "`when`: {error}"),
        }
    }
}

impl Display for FalseExpression {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "`{}` is false", shown(&self.expression))?;
        if let Some(error) = &self.error {
            write!(f, ": {}", shown(&error.to_string()))?;
        }
        if !self.seen.is_empty() {
            f.write_str(" (")?;
            list(f, &self.seen, ", ", |(name, value), f| write!(f, "`{name}` is {}", shown(&value.to_string())))?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl Display for OtherStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self.is {
            Some(is) => write!(f, "step `{}` is {is}, not ", shown(&self.name))?,
            None => write!(f, "there is no step `{}`, which should be ", shown(&self.name))?,
        }
        list(f, &self.on, " or ", |on, f| f.write_str(on.as_str()))
    }
}

/// Items with something between them, the first few.
fn list<T>(
    f: &mut Formatter<'_>,
    items: &[T],
    between: &str,
    write: impl Fn(&T, &mut Formatter<'_>) -> Result,
) -> Result {
    for (number, item) in items.iter().take(MAX_ITEMS).enumerate() {
        if number > 0 {
            f.write_str(between)?;
        }
        write(item, f)?;
    }
    match items.len().saturating_sub(MAX_ITEMS) {
        0 => Ok(()),
        more => write!(f, "{between}{more} more"),
    }
}

/// A text on one line, cut where it is long.
fn shown(text: &str) -> String {
    let mut out = String::new();
    for (number, c) in text.chars().enumerate() {
        if number == MAX_SHOWN {
            out.push('…');
            break;
        }
        if c.is_control() { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}
