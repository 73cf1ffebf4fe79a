//! The condition language (section 4.3 of the specification): text → operations → a value → true or false.
//!
//! The official evaluator is strict, and any error makes a condition false; so the errors are data with the official
//! words, to be shown to whoever wonders why a step was skipped. Expressions are untrusted: length, depth, work and the
//! texts they make are bounded ([`MAX_LENGTH`], [`MAX_DEPTH`], [`crate::MAX_WORK`], [`MAX_TEXT`]).

mod error;
mod evaluator;
mod functions;
mod number;
mod parser;
mod program;
mod text;
mod value;

pub use error::ExpressionError;
pub use text::Text;
pub(crate) use text::is_space;
pub use value::{Scope, Value};

use crate::work::Work;
use evaluator::Evaluator;
use program::{BinaryOperator, Operation};

/// The most characters (UTF-16 code units) that an expression may have, before and after substitution.
pub const MAX_LENGTH: usize = 12_000;

/// The most levels of brackets, arguments and `?`. Each costs a few hundred bytes of stack.
pub const MAX_DEPTH: usize = 256;

/// The most characters (UTF-16 code units) of a text that an expression makes.
pub const MAX_TEXT: usize = 4 << 20;

/// Whose language it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// With the decisions of section 13: `replace` replaces every occurrence, literally (3); `===` and `!==` mean `==`
    /// and `!=` (5); `Member('name', 'key')` looks into the variable `name`.
    #[default]
    Stepbox,
    /// What the published evaluator does.
    Official,
}

/// An expression that can be read, if not always evaluated.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    program: Vec<Operation>,
}

/// What an expression came to, and the values that it saw on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// Whether it is true, or why it has no value.
    pub verdict: Result<bool, ExpressionError>,
    /// The names that were looked up, such as `steps.test.result`, with their values, objects left out; the first few.
    pub seen: Vec<(String, Value)>,
}

impl Expression {
    /// Reads an expression whose variables are substituted already. White space around it does not matter, an empty
    /// one is false.
    ///
    /// # Errors
    /// [`ExpressionError::TooLong`], [`ExpressionError::TooDeep`], [`ExpressionError::Syntax`].
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        let units: Vec<u16> = text.encode_utf16().collect();
        if units.len() > MAX_LENGTH {
            return Err(ExpressionError::TooLong(units.len()));
        }
        parser::compile(text::trim(&units, true, true)).map(|program| Self { program })
    }

    /// The value of the expression.
    ///
    /// # Errors
    /// A name without value, types that do not go together, and all else that [`ExpressionError`] names.
    pub fn evaluate(&self, scope: &Scope, dialect: Dialect) -> Result<Value, ExpressionError> {
        Evaluator::new(scope, dialect, &mut Work::new()).run(&self.program)
    }

    /// Whether the expression is true, with what it saw, for whoever wonders why.
    #[must_use]
    pub fn judge(&self, scope: &Scope, dialect: Dialect) -> Judgement {
        self.judge_within(scope, dialect, &mut Work::new())
    }

    /// The same, with work that others share.
    pub(crate) fn judge_within(&self, scope: &Scope, dialect: Dialect, work: &mut Work) -> Judgement {
        let mut evaluator = Evaluator::new(scope, dialect, work);
        let verdict = evaluator.run(&self.program).and_then(|value| value.truth());
        Judgement { verdict, seen: evaluator.seen }
    }

    /// An error that every evaluation must give, since nothing is ever skipped: the first part that can be read and has
    /// no meaning, such as an unknown function. Names and types are only known later.
    #[must_use]
    pub fn certain_error(&self) -> Option<&ExpressionError> {
        self.program.iter().find_map(|operation| match operation {
            Operation::Fail(error) => Some(error),
            _ => None,
        })
    }

    /// The operators that only [`Dialect::Stepbox`] knows (`===`, `!==`) with what to write instead, for a warning.
    #[must_use]
    pub fn foreign_operators(&self) -> Vec<(&'static str, &'static str)> {
        let mut found: Vec<(&'static str, &'static str)> = Vec::new();
        for operation in &self.program {
            let pair = match operation {
                Operation::Binary(BinaryOperator::StrictEqual) => ("===", "=="),
                Operation::Binary(BinaryOperator::StrictNotEqual) => ("!==", "!="),
                _ => continue,
            };
            if !found.contains(&pair) {
                found.push(pair);
            }
        }
        found
    }
}

/// Whether a text, whose variables are substituted already, is true.
///
/// # Errors
/// As [`Expression::parse`], [`Expression::evaluate`] and [`Value::truth`]. A condition with an error is false.
pub fn verdict(text: &str, scope: &Scope, dialect: Dialect) -> Result<bool, ExpressionError> {
    Expression::parse(text)?.judge(scope, dialect).verdict
}
