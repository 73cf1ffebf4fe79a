//! Evaluating a compiled expression: strict types, nothing skipped.

use super::Dialect;
use super::error::ExpressionError;
use super::number::format_number;
use super::program::{BinaryOperator, Operation, UnaryOperator};
use super::value::{Scope, Value};
use crate::work::Work;

/// The most values that are remembered to explain a result.
const MAX_SEEN: usize = 8;

/// A value, and the name under which the expression found it.
struct Slot {
    value: Value,
    name: Option<String>,
}

impl From<Value> for Slot {
    fn from(value: Value) -> Self {
        Self { value, name: None }
    }
}

/// The state of evaluating one expression.
pub(super) struct Evaluator<'e> {
    scope: &'e Scope,
    pub(super) dialect: Dialect,
    pub(super) work: &'e mut Work,
    /// Names and the values they had, to explain the result; objects are left out.
    pub(super) seen: Vec<(String, Value)>,
}

impl<'e> Evaluator<'e> {
    pub(super) fn new(scope: &'e Scope, dialect: Dialect, work: &'e mut Work) -> Self {
        Self { scope, dialect, work, seen: Vec::new() }
    }

    /// The value of a program.
    pub(super) fn run(&mut self, program: &[Operation]) -> Result<Value, ExpressionError> {
        let mut stack: Vec<Slot> = Vec::new();
        for operation in program {
            self.work.charge(1)?;
            let slot = match operation {
                Operation::Push(value) => value.clone().into(),
                Operation::Load(name) => self.named(name.clone(), self.variable(name)?),
                Operation::Member(name) => {
                    let object = pop(&mut stack)?;
                    let value = member(&object.value, name)?;
                    match object.name {
                        Some(path) => self.named(format!("{path}.{name}"), value),
                        None => value.into(),
                    }
                }
                Operation::Unary(operator) => unary(*operator, &pop(&mut stack)?.value)?.into(),
                Operation::Binary(operator) => {
                    let right = pop(&mut stack)?.value;
                    let left = pop(&mut stack)?.value;
                    self.binary(*operator, &left, &right)?.into()
                }
                Operation::Call { function, arguments } => {
                    let first = stack.len().checked_sub(*arguments).ok_or(ExpressionError::Missing)?;
                    let values = stack.split_off(first).into_iter().map(|slot| slot.value).collect();
                    self.call(*function, values)?.into()
                }
                Operation::Fail(error) => return Err(error.clone()),
            };
            stack.push(slot);
        }
        pop(&mut stack).map(|slot| slot.value)
    }

    /// The value of a name.
    pub(super) fn variable(&self, name: &str) -> Result<Value, ExpressionError> {
        self.scope.get(name).cloned().ok_or_else(|| ExpressionError::UnknownName(name.to_owned()))
    }

    fn named(&mut self, name: String, value: Value) -> Slot {
        let known = self.seen.iter().any(|(seen, _)| *seen == name);
        if !known && self.seen.len() < MAX_SEEN && !matches!(value, Value::Object(_)) {
            self.seen.push((name.clone(), value.clone()));
        }
        Slot { value, name: Some(name) }
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Value, right: &Value) -> Result<Value, ExpressionError> {
        use BinaryOperator as Op;
        let operator = match (operator, self.dialect) {
            (Op::StrictEqual, Dialect::Stepbox) => Op::Equal,
            (Op::StrictNotEqual, Dialect::Stepbox) => Op::NotEqual,
            (other, _) => other,
        };
        match operator {
            Op::Equal | Op::NotEqual => {
                let equal = self.equal(left, right)?;
                equal.map(|equal| Value::Boolean(equal == (operator == Op::Equal))).ok_or_else(|| {
                    types(operator.as_str(), &[left, right], "number,string,nullableString,object,boolean")
                })
            }
            Op::Less | Op::Greater | Op::LessOrEqual | Op::GreaterOrEqual => {
                let order = match (left, right) {
                    (Value::Number(left), Value::Number(right)) => left.partial_cmp(right),
                    (Value::String(left), Value::String(right)) => {
                        self.work.charge(left.units().len().min(right.units().len()))?;
                        Some(left.cmp(right))
                    }
                    _ => return Err(types(operator.as_str(), &[left, right], "number,string")),
                };
                Ok(Value::Boolean(order.is_some_and(|order| match operator {
                    Op::Less => order.is_lt(),
                    Op::Greater => order.is_gt(),
                    Op::LessOrEqual => order.is_le(),
                    _ => order.is_ge(),
                })))
            }
            Op::And | Op::Or => match (left, right) {
                (Value::Boolean(left), Value::Boolean(right)) => {
                    Ok(Value::Boolean(if operator == Op::And { *left && *right } else { *left || *right }))
                }
                _ => Err(types(operator.as_str(), &[left, right], "boolean")),
            },
            Op::Add => match (left, right) {
                (Value::Number(left), Value::Number(right)) => Ok(Value::Number(left + right)),
                (Value::String(left), Value::String(right)) => self.new_text([left.units(), right.units()].concat()),
                _ => Err(types(operator.as_str(), &[left, right], "number,string")),
            },
            Op::Subtract | Op::Multiply | Op::Divide | Op::Remainder => match (left, right) {
                (Value::Number(left), Value::Number(right)) => arithmetic(operator, *left, *right),
                _ => Err(types(operator.as_str(), &[left, right], "number")),
            },
            _ => Err(ExpressionError::BinaryOperator(operator.as_str())),
        }
    }

    /// Whether two values are equal; `None` where their types do not go together.
    fn equal(&mut self, left: &Value, right: &Value) -> Result<Option<bool>, ExpressionError> {
        Ok(match (left, right) {
            #[expect(clippy::float_cmp, reason = "the language compares numbers exactly")]
            (Value::Number(left), Value::Number(right)) => Some(left == right),
            (Value::String(left), Value::String(right)) => {
                self.work.charge(left.units().len().min(right.units().len()))?;
                Some(left == right)
            }
            (Value::Boolean(left), Value::Boolean(right)) => Some(left == right),
            (Value::Object(left), Value::Object(right)) => Some(std::sync::Arc::ptr_eq(left, right)),
            (Value::Null, Value::Null) => Some(true),
            (Value::Null, Value::String(_) | Value::Object(_)) | (Value::String(_) | Value::Object(_), Value::Null) => {
                Some(false)
            }
            _ => None,
        })
    }
}

/// The parser leaves no operation without its operands; should it ever, that is an error as the official one.
fn pop(stack: &mut Vec<Slot>) -> Result<Slot, ExpressionError> {
    stack.pop().ok_or(ExpressionError::Missing)
}

fn member(value: &Value, name: &str) -> Result<Value, ExpressionError> {
    match value {
        Value::Null => Err(ExpressionError::MemberOfNull),
        other => other.own_member(name).ok_or_else(|| ExpressionError::UnknownMember(name.to_owned())),
    }
}

fn types(operator: &'static str, operands: &[&Value], expected: &'static str) -> ExpressionError {
    let found: Vec<&str> = operands.iter().map(|value| value.type_name()).collect();
    ExpressionError::OperatorTypes { operator, found: found.join(","), expected }
}

fn unary(operator: UnaryOperator, value: &Value) -> Result<Value, ExpressionError> {
    match (operator, value) {
        (UnaryOperator::Minus, Value::Number(number)) => Ok(Value::Number(-number)),
        (UnaryOperator::Plus, Value::Number(number)) => Ok(Value::Number(*number)),
        (UnaryOperator::Not, Value::Number(_) | Value::Boolean(_)) => Ok(Value::Boolean(!value.truth()?)),
        (UnaryOperator::Not, _) => Err(types(operator.as_str(), &[value], "number,boolean")),
        (UnaryOperator::Tilde, _) => Err(ExpressionError::UnaryOperator(operator.as_str())),
        (UnaryOperator::Minus | UnaryOperator::Plus, _) => Err(types(operator.as_str(), &[value], "number")),
    }
}

/// The official evaluator catches only what becomes plus infinity.
fn arithmetic(operator: BinaryOperator, left: f64, right: f64) -> Result<Value, ExpressionError> {
    let result = match operator {
        BinaryOperator::Subtract => left - right,
        BinaryOperator::Multiply => left * right,
        BinaryOperator::Divide => left / right,
        _ => left % right,
    };
    match operator {
        BinaryOperator::Multiply if result == f64::INFINITY => Err(ExpressionError::Overflow),
        BinaryOperator::Divide if result == f64::INFINITY => Err(ExpressionError::Division(format_number(left))),
        BinaryOperator::Remainder if result.is_nan() => Err(ExpressionError::Modulo(format_number(left))),
        _ => Ok(Value::Number(result)),
    }
}
