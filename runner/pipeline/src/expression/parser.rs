//! From the text of an expression to its operations (section 4.3 of the specification).
//!
//! The grammar is that of the official evaluator with its oddities, since an error makes a condition false: brackets
//! may be empty, an operator may lack its left side, arguments may lack their commas, `a[b]` is `a.b`.

use super::MAX_DEPTH;
use super::error::ExpressionError;
use super::functions::Function;
use super::program::{BinaryOperator, Operation, UnaryOperator};
use super::text::Text;
use super::value::Value;

/// What was read, as far as it matters to what stands behind it. Nothing at all is `None`.
#[derive(Debug, Clone, PartialEq)]
enum Kind {
    Name(String),
    Member,
    Literal,
    This,
    Call,
    Unary,
    Binary,
    Logical,
    Conditional,
    Array,
}

impl Kind {
    /// The name of its kind in error texts.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Name(_) => "Identifier",
            Self::Member => "MemberExpression",
            Self::Literal => "Literal",
            Self::This => "ThisExpression",
            Self::Call => "CallExpression",
            Self::Unary => "UnaryExpression",
            Self::Binary => "BinaryExpression",
            Self::Logical => "LogicalExpression",
            Self::Conditional => "ConditionalExpression",
            Self::Array => "ArrayExpression",
        }
    }
}

type Parsed<T = Option<Kind>> = Result<T, ExpressionError>;

/// Compiles a trimmed text. An empty one is false.
pub(super) fn compile(units: &[u16]) -> Parsed<Vec<Operation>> {
    let mut parser = Parser { units, at: 0, depth: 0, program: Vec::new() };
    let mut expressions = 0;
    while parser.at < units.len() {
        if matches!(parser.peek(), Some(';' | ',')) {
            parser.at += 1;
        } else if parser.expression()?.is_some() {
            expressions += 1;
        } else if parser.at < units.len() {
            return Err(parser.error(format!("Unexpected \"{}\"", parser.shown())));
        }
    }
    match expressions {
        0 => Ok(vec![Operation::Push(Value::Boolean(false))]),
        1 => Ok(parser.program),
        _ => Ok(vec![Operation::Fail(ExpressionError::Compound)]),
    }
}

struct Parser<'t> {
    units: &'t [u16],
    at: usize,
    /// How many expressions are being read within each other; the only recursion there is.
    depth: usize,
    program: Vec<Operation>,
}

impl Parser<'_> {
    /// The unit that is next, as far as it is a character of its own.
    fn peek(&self) -> Option<char> {
        self.units.get(self.at).and_then(|unit| char::from_u32((*unit).into()))
    }

    fn starts_name(&self) -> bool {
        self.units.get(self.at).is_some_and(|unit| continues_name(*unit) && !is_digit(*unit))
    }

    /// The next unit as an error shows it; nothing at the end.
    fn shown(&self) -> String {
        let end = self.units.len().min(self.at + 1);
        String::from_utf16_lossy(self.units.get(self.at..end).unwrap_or_default())
    }

    fn error(&self, message: impl Into<String>) -> ExpressionError {
        ExpressionError::Syntax { message: message.into(), at: self.at }
    }

    fn spaces(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn fail(&mut self, error: ExpressionError) {
        self.program.push(Operation::Fail(error));
    }

    /// Where something is needed that is not there, which shows when it is evaluated.
    fn must_be(&mut self, kind: Option<&Kind>) {
        if kind.is_none() {
            self.fail(ExpressionError::Missing);
        }
    }

    /// An expression, or nothing.
    fn expression(&mut self) -> Parsed {
        if self.depth >= MAX_DEPTH {
            return Err(ExpressionError::TooDeep);
        }
        self.depth += 1;
        let start = self.program.len();
        let kind = self.binary()?;
        self.spaces();
        let kind = if self.peek() == Some('?') { Some(self.conditional(start)?) } else { kind };
        self.depth -= 1;
        Ok(kind)
    }

    /// `? a : b`, which is read and refused.
    fn conditional(&mut self, start: usize) -> Parsed<Kind> {
        self.at += 1;
        if self.expression()?.is_none() {
            return Err(self.error("Expected expression"));
        }
        self.spaces();
        if self.peek() != Some(':') {
            return Err(self.error("Expected :"));
        }
        self.at += 1;
        if self.expression()?.is_none() {
            return Err(self.error("Expected expression"));
        }
        self.program.truncate(start);
        self.fail(ExpressionError::Ternary);
        Ok(Kind::Conditional)
    }

    /// Values with operators between them, by precedence, equal ones from left to right.
    fn binary(&mut self) -> Parsed {
        let first = self.token()?;
        let Some(mut operator) = self.binary_operator() else { return Ok(first) };
        self.must_be(first.as_ref());
        let mut waiting: Vec<BinaryOperator> = Vec::new();
        loop {
            while let Some(last) = waiting.pop_if(|last| operator.precedence() <= last.precedence()) {
                self.program.push(Operation::Binary(last));
            }
            waiting.push(operator);
            if self.token()?.is_none() {
                return Err(self.error(format!("Expected expression after {}", operator.as_str())));
            }
            match self.binary_operator() {
                Some(next) => operator = next,
                None => break,
            }
        }
        let weakest = waiting.first().copied();
        self.program.extend(waiting.into_iter().rev().map(Operation::Binary));
        Ok(Some(if weakest.is_some_and(BinaryOperator::is_logical) { Kind::Logical } else { Kind::Binary }))
    }

    fn binary_operator(&mut self) -> Option<BinaryOperator> {
        self.spaces();
        let (operator, length) = BinaryOperator::at_start(&self.units[self.at..])?;
        self.at += length;
        Some(operator)
    }

    /// A value with the operators before it, or nothing.
    fn token(&mut self) -> Parsed {
        let mut operators = Vec::new();
        self.spaces();
        while let Some(operator) = self.units.get(self.at).and_then(|unit| UnaryOperator::from_unit(*unit)) {
            operators.push(operator);
            self.at += 1;
            self.spaces();
        }
        let kind = match self.peek() {
            Some('0'..='9' | '.') => Some(self.number()?),
            Some('\'' | '"') => Some(self.string()?),
            Some('[') => {
                let start = self.program.len();
                self.at += 1;
                self.list(']')?;
                self.program.truncate(start);
                self.fail(ExpressionError::Array);
                Some(Kind::Array)
            }
            Some('(') => self.postfixed()?,
            _ if self.starts_name() => self.postfixed()?,
            _ => None,
        };
        if operators.is_empty() {
            return Ok(kind);
        }
        self.must_be(kind.as_ref());
        self.program.extend(operators.into_iter().rev().map(Operation::Unary));
        Ok(Some(Kind::Unary))
    }

    fn digits(&mut self) {
        while self.units.get(self.at).is_some_and(|unit| is_digit(*unit)) {
            self.at += 1;
        }
    }

    fn number(&mut self) -> Parsed<Kind> {
        let start = self.at;
        self.digits();
        if self.peek() == Some('.') {
            self.at += 1;
            self.digits();
        }
        let written = |parser: &Self| String::from_utf16_lossy(&parser.units[start..parser.at]);
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.peek(), Some('+' | '-')) {
                self.at += 1;
            }
            self.digits();
            if !is_digit(self.units[self.at - 1]) {
                return Err(self.error(format!("Expected exponent ({}{})", written(self), self.shown())));
            }
        }
        if self.starts_name() {
            let message = format!("Variable names cannot start with a number ({}{})", written(self), self.shown());
            return Err(self.error(message));
        }
        if self.peek() == Some('.') {
            return Err(self.error("Unexpected period"));
        }
        // A point alone is read as a number and is none.
        let number = written(self).parse().unwrap_or(f64::NAN);
        self.program.push(Operation::Push(Value::Number(number)));
        Ok(Kind::Literal)
    }

    fn string(&mut self) -> Parsed<Kind> {
        let quote = self.units[self.at];
        self.at += 1;
        let mut text: Vec<u16> = Vec::new();
        while let Some(unit) = self.units.get(self.at).copied() {
            self.at += 1;
            if unit == quote {
                self.program.push(Operation::Push(Value::String(Text::from(text))));
                return Ok(Kind::Literal);
            }
            if unit != u16::from(b'\\') {
                text.push(unit);
                continue;
            }
            let escaped = self.units.get(self.at).copied();
            self.at += 1;
            text.extend(escaped.map(unescape));
        }
        Err(self.error(format!("Unclosed quote after \"{}\"", Text::from(text))))
    }

    /// A name, one of the fixed values, or `this`. Pushes nothing.
    fn name(&mut self) -> Parsed<(Kind, Operation)> {
        if !self.starts_name() {
            return Err(self.error(format!("Unexpected {}", self.shown())));
        }
        let start = self.at;
        while self.units.get(self.at).is_some_and(|unit| continues_name(*unit)) {
            self.at += 1;
        }
        let name = String::from_utf16_lossy(&self.units[start..self.at]);
        Ok(match name.as_str() {
            "true" => (Kind::Literal, Operation::Push(Value::Boolean(true))),
            "false" => (Kind::Literal, Operation::Push(Value::Boolean(false))),
            "null" => (Kind::Literal, Operation::Push(Value::Null)),
            "this" => (Kind::This, Operation::Fail(ExpressionError::This)),
            _ => (Kind::Name(name.clone()), Operation::Load(name)),
        })
    }

    /// A name or brackets, with members and calls behind it; nothing where the brackets are empty.
    fn postfixed(&mut self) -> Parsed {
        let start = self.program.len();
        let mut kind = if self.peek() == Some('(') {
            self.at += 1;
            let kind = self.expression()?;
            self.spaces();
            if self.peek() != Some(')') {
                return Err(self.error("Unclosed ("));
            }
            self.at += 1;
            kind
        } else {
            let (kind, operation) = self.name()?;
            self.program.push(operation);
            Some(kind)
        };
        loop {
            self.spaces();
            kind = match self.peek() {
                Some('.') => {
                    self.at += 1;
                    self.spaces();
                    let (property, _) = self.name()?;
                    self.must_be(kind.as_ref());
                    self.member(Some(property));
                    Some(Kind::Member)
                }
                Some('[') => {
                    self.at += 1;
                    let here = self.program.len();
                    let property = self.expression()?;
                    self.program.truncate(here);
                    self.spaces();
                    if self.peek() != Some(']') {
                        return Err(self.error("Unclosed ["));
                    }
                    self.at += 1;
                    self.must_be(kind.as_ref());
                    self.member(property);
                    Some(Kind::Member)
                }
                Some('(') => {
                    self.at += 1;
                    self.call(start, kind)?;
                    Some(Kind::Call)
                }
                _ => return Ok(kind),
            };
        }
    }

    fn member(&mut self, property: Option<Kind>) {
        match property {
            Some(Kind::Name(name)) => self.program.push(Operation::Member(name)),
            _ => self.fail(ExpressionError::BadMember),
        }
    }

    /// The arguments of a call. What is called is itself never evaluated.
    fn call(&mut self, start: usize, callee: Option<Kind>) -> Parsed<()> {
        self.program.truncate(start);
        let arguments = self.list(')')?;
        let error = match callee {
            Some(Kind::Name(name)) => match Function::from_name(&name) {
                Ok(function) => {
                    self.program.push(Operation::Call { function, arguments });
                    return Ok(());
                }
                // Its arguments are evaluated first, and their errors come first.
                Err(error @ ExpressionError::InheritedFunction) => {
                    self.fail(error);
                    return Ok(());
                }
                Err(error) => error,
            },
            other => ExpressionError::NotAFunction(other.as_ref().map_or("undefined", Kind::as_str)),
        };
        self.program.truncate(start);
        self.fail(error);
        Ok(())
    }

    /// Values up to a closing bracket, and how many they are. Commas between them may be missing; behind the last one
    /// and twice they may only stand in square brackets.
    fn list(&mut self, closing: char) -> Parsed<usize> {
        let (mut values, mut commas) = (0, 0);
        let call = closing == ')';
        while self.at < self.units.len() {
            self.spaces();
            match self.peek() {
                Some(c) if c == closing => {
                    self.at += 1;
                    if call && commas > 0 && commas >= values {
                        return Err(self.error("Unexpected token )"));
                    }
                    return Ok(values);
                }
                Some(',') => {
                    self.at += 1;
                    commas += 1;
                    if commas != values {
                        if call {
                            return Err(self.error("Unexpected token ,"));
                        }
                        values = values.max(commas);
                    }
                }
                _ if self.expression()?.is_some() => values += 1,
                _ => return Err(self.error("Expected comma")),
            }
        }
        Err(self.error(format!("Expected {closing}")))
    }
}

fn is_digit(unit: u16) -> bool {
    (u16::from(b'0')..=u16::from(b'9')).contains(&unit)
}

/// Letters, digits, `_`, `$`, and whatever is not ASCII.
fn continues_name(unit: u16) -> bool {
    match u8::try_from(unit) {
        Ok(byte) if byte < 0x80 => byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'),
        _ => true,
    }
}

/// The character that stands behind a backslash.
fn unescape(unit: u16) -> u16 {
    match char::from_u32(unit.into()) {
        Some('n') => 0x0A,
        Some('r') => 0x0D,
        Some('t') => 0x09,
        Some('b') => 0x08,
        Some('f') => 0x0C,
        Some('v') => 0x0B,
        _ => unit,
    }
}
