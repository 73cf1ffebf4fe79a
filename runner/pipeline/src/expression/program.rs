//! What an expression is compiled to: operations on a stack, in the order in which they are evaluated.
//!
//! Flat, so that neither evaluating nor dropping a long chain such as `a + a + …` recurses.

use super::error::ExpressionError;
use super::functions::Function;
use super::value::Value;

/// One operation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operation {
    /// Pushes a value.
    Push(Value),
    /// Pushes the value of a name.
    Load(String),
    /// Replaces an object by its member.
    Member(String),
    /// Replaces a value.
    Unary(UnaryOperator),
    /// Replaces two values by one.
    Binary(BinaryOperator),
    /// Replaces arguments by the result.
    Call {
        /// What is called.
        function: Function,
        /// How many arguments are written.
        arguments: usize,
    },
    /// Ends the evaluation: what stands here can be read and has no meaning.
    Fail(ExpressionError),
}

/// An operator before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnaryOperator {
    Minus,
    Plus,
    Not,
    /// Read, and refused when it is evaluated.
    Tilde,
}

impl UnaryOperator {
    pub(super) fn from_unit(unit: u16) -> Option<Self> {
        match char::from_u32(unit.into())? {
            '-' => Some(Self::Minus),
            '+' => Some(Self::Plus),
            '!' => Some(Self::Not),
            '~' => Some(Self::Tilde),
            _ => None,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Minus => "-",
            Self::Plus => "+",
            Self::Not => "!",
            Self::Tilde => "~",
        }
    }
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BinaryOperator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    Greater,
    LessOrEqual,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    /// `===`, read and refused when it is evaluated, as are those below.
    StrictEqual,
    StrictNotEqual,
    BitOr,
    BitXor,
    BitAnd,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
}

/// Every operator with its text and how tightly it binds; longer texts before their beginnings.
const BINARY: &[(&str, BinaryOperator, u8)] = &[
    ("===", BinaryOperator::StrictEqual, 6),
    ("!==", BinaryOperator::StrictNotEqual, 6),
    (">>>", BinaryOperator::ShiftRightUnsigned, 8),
    ("||", BinaryOperator::Or, 1),
    ("&&", BinaryOperator::And, 2),
    ("==", BinaryOperator::Equal, 6),
    ("!=", BinaryOperator::NotEqual, 6),
    ("<=", BinaryOperator::LessOrEqual, 7),
    (">=", BinaryOperator::GreaterOrEqual, 7),
    ("<<", BinaryOperator::ShiftLeft, 8),
    (">>", BinaryOperator::ShiftRight, 8),
    ("|", BinaryOperator::BitOr, 3),
    ("^", BinaryOperator::BitXor, 4),
    ("&", BinaryOperator::BitAnd, 5),
    ("<", BinaryOperator::Less, 7),
    (">", BinaryOperator::Greater, 7),
    ("+", BinaryOperator::Add, 9),
    ("-", BinaryOperator::Subtract, 9),
    ("*", BinaryOperator::Multiply, 10),
    ("/", BinaryOperator::Divide, 10),
    ("%", BinaryOperator::Remainder, 10),
];

impl BinaryOperator {
    /// The longest operator with which a text begins, and its length.
    pub(super) fn at_start(units: &[u16]) -> Option<(Self, usize)> {
        BINARY
            .iter()
            .find(|(text, _, _)| {
                text.len() <= units.len() && text.bytes().zip(units).all(|(byte, unit)| u16::from(byte) == *unit)
            })
            .map(|(text, operator, _)| (*operator, text.len()))
    }

    fn entry(self) -> (&'static str, u8) {
        BINARY.iter().find(|(_, operator, _)| *operator == self).map_or(("", 0), |(text, _, binds)| (text, *binds))
    }

    pub(super) fn as_str(self) -> &'static str {
        self.entry().0
    }

    /// How tightly it binds; more is tighter.
    pub(super) fn precedence(self) -> u8 {
        self.entry().1
    }

    /// Whether it is `&&` or `||`.
    pub(super) fn is_logical(self) -> bool {
        matches!(self, Self::Or | Self::And)
    }
}
