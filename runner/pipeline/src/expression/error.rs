//! What is wrong with an expression, in the official evaluator's words where it has some.

use super::{MAX_DEPTH, MAX_LENGTH, MAX_TEXT};
use crate::js_regex::RegexError;
use crate::work::OutOfWork;

/// Why an expression has no value, which makes its condition false. Trying again does not help.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ExpressionError {
    /// It is too long.
    #[error("the expression has {0} characters, more than the {MAX_LENGTH} that are allowed")]
    TooLong(usize),
    /// Its brackets are too deep.
    #[error("the expression is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// A text that it makes is too long.
    #[error("the expression makes a text of more than {MAX_TEXT} characters")]
    TooMuchText,
    /// It would take too long.
    #[error("the expression takes too long to evaluate")]
    TooMuchWork,
    /// It cannot be read.
    #[error("{message} at character {at}")]
    Syntax {
        /// What is wrong.
        message: String,
        /// Where, in UTF-16 code units from 0 of the trimmed text.
        at: usize,
    },
    /// It is several expressions.
    #[error("Cannot handle compound expressions.")]
    Compound,
    /// An operator has nothing to work on.
    #[error("Unknown expression detected! Very strange.")]
    Missing,
    /// It uses `this`.
    #[error("keyword 'this' not supported.")]
    This,
    /// It uses `a ? b : c`.
    #[error("Trinary operator (?:) currently not supported.")]
    Ternary,
    /// It uses `[…]` as a value.
    #[error("Array literals ([1, 2, 3]) currently not supported.")]
    Array,
    /// A name has no value.
    #[error("Invalid identifier: '{0}'")]
    UnknownName(String),
    /// What stands behind a point or in square brackets is no name.
    #[error("Invalid identifier member: 'undefined'")]
    BadMember,
    /// A value has no such member.
    #[error("Undefined identifier member: '{0}'")]
    UnknownMember(String),
    /// A member of `null`.
    #[error("Cannot read properties of null (reading 'hasOwnProperty')")]
    MemberOfNull,
    /// Something else than a name is called.
    #[error("Invalid function name type: '{0}'")]
    NotAFunction(&'static str),
    /// There is no such function.
    #[error("Unknown function: '{0}'")]
    UnknownFunction(String),
    /// A function whose name every object of JavaScript has.
    #[error("Cannot read properties of undefined (reading 'length')")]
    InheritedFunction,
    /// A function has another number of arguments.
    #[error("Expected {expected} arguments for function '{function}'.")]
    Arguments {
        /// Its name.
        function: &'static str,
        /// How many it has.
        expected: usize,
    },
    /// An argument has the wrong type.
    #[error("Invalid argument #{number} of type {found} for function '{function}': expected {expected}")]
    ArgumentType {
        /// The name of the function.
        function: &'static str,
        /// Which argument, from 0.
        number: usize,
        /// Its type.
        found: &'static str,
        /// The types that it may have.
        expected: &'static str,
    },
    /// The operands of an operator have the wrong types.
    #[error("The operator {operator} cannot be used with {found}. It can only be used with the types: {expected}")]
    OperatorTypes {
        /// The operator.
        operator: &'static str,
        /// The types of its operands.
        found: String,
        /// The types that they may have.
        expected: &'static str,
    },
    /// An operator between two values that the language does not have.
    #[error("Invalid binary operator: {0}")]
    BinaryOperator(&'static str),
    /// An operator before a value that the language does not have.
    #[error("Invalid unary operator: {0}")]
    UnaryOperator(&'static str),
    /// A product is infinite.
    #[error("Numeric overflow")]
    Overflow,
    /// A quotient is infinite.
    #[error("Division of {0} by 0")]
    Division(String),
    /// A remainder is none.
    #[error("Modulo of {0} by 0")]
    Modulo(String),
    /// A text is no number.
    #[error("Error converting value '{0}' to number")]
    NoNumber(String),
    /// A pattern is no regular expression, or cannot be searched.
    #[error(transparent)]
    Pattern(#[from] RegexError),
    /// The value is an object, which is neither true nor false.
    #[error("Cannot evaluate object variable directly")]
    Object,
}

impl From<OutOfWork> for ExpressionError {
    fn from(_: OutOfWork) -> Self {
        Self::TooMuchWork
    }
}
