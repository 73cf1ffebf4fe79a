//! The functions of the condition language (the table of section 4.3).

use super::error::ExpressionError;
use super::evaluator::Evaluator;
use super::number::{format_number, parse_number};
use super::text::{Text, find};
use super::value::Value;
use super::{Dialect, MAX_TEXT};
use crate::js_regex::JsRegex;

/// A function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Variable,
    Member,
    String,
    Number,
    Boolean,
    Round,
    Floor,
    Upper,
    Lower,
    Trim,
    TrimLeft,
    TrimRight,
    Replace,
    Substring,
    Length,
    Includes,
    IndexOf,
    Match,
}

/// Names, and what each argument may be.
const FUNCTIONS: &[(&str, Function, &[&str])] = &[
    ("Variable", Function::Variable, &["string"]),
    ("Member", Function::Member, &["object", "string"]),
    ("String", Function::String, &["number,string"]),
    ("Number", Function::Number, &["number,string"]),
    ("Boolean", Function::Boolean, &["number,string"]),
    ("round", Function::Round, &["number"]),
    ("floor", Function::Floor, &["number"]),
    ("upper", Function::Upper, &["string"]),
    ("lower", Function::Lower, &["string"]),
    ("trim", Function::Trim, &["string"]),
    ("trimLeft", Function::TrimLeft, &["string"]),
    ("trimRight", Function::TrimRight, &["string"]),
    ("replace", Function::Replace, &["string", "string", "string"]),
    ("substring", Function::Substring, &["string", "number", "number"]),
    ("length", Function::Length, &["string"]),
    ("includes", Function::Includes, &["string", "string"]),
    ("indexOf", Function::IndexOf, &["string", "string"]),
    ("match", Function::Match, &["string", "string", "boolean"]),
];

/// Names that every object of JavaScript has: the official evaluator takes them for functions and stumbles.
const INHERITED: &[&str] = &[
    "constructor",
    "hasOwnProperty",
    "isPrototypeOf",
    "propertyIsEnumerable",
    "toLocaleString",
    "toString",
    "valueOf",
    "__defineGetter__",
    "__defineSetter__",
    "__lookupGetter__",
    "__lookupSetter__",
    "__proto__",
];

impl Function {
    /// The function of a name.
    pub(super) fn from_name(name: &str) -> Result<Self, ExpressionError> {
        match FUNCTIONS.iter().find(|(known, _, _)| *known == name) {
            Some((_, function, _)) => Ok(*function),
            None if INHERITED.contains(&name) => Err(ExpressionError::InheritedFunction),
            None => Err(ExpressionError::UnknownFunction(name.to_owned())),
        }
    }

    fn entry(self) -> (&'static str, &'static [&'static str]) {
        let found = FUNCTIONS.iter().find(|(_, function, _)| *function == self);
        found.map_or(("", &[]), |(name, _, parameters)| (name, parameters))
    }
}

impl Evaluator<'_> {
    /// Calls a function with the arguments that are written.
    pub(super) fn call(&mut self, function: Function, mut arguments: Vec<Value>) -> Result<Value, ExpressionError> {
        let (name, parameters) = function.entry();
        if arguments.len() != parameters.len() {
            return Err(ExpressionError::Arguments { function: name, expected: parameters.len() });
        }
        if self.dialect == Dialect::Stepbox
            && let (Function::Member, Some(first @ Value::String(_))) = (function, arguments.first_mut())
        {
            *first = self.variable(&text_of(first).to_string())?;
        }
        for (number, (argument, expected)) in arguments.iter().zip(parameters).enumerate() {
            let found = argument.type_name();
            if !expected.split(',').any(|one| one == found) {
                return Err(ExpressionError::ArgumentType { function: name, number, found, expected });
            }
            if let Value::String(text) = argument {
                self.work.charge(text.units().len())?;
            }
        }
        self.apply(function, &arguments)
    }

    /// The types of the arguments are checked.
    fn apply(&mut self, function: Function, arguments: &[Value]) -> Result<Value, ExpressionError> {
        let text = |number: usize| arguments.get(number).map_or_else(|| Text::from(""), text_of);
        let number = |number: usize| match arguments.get(number) {
            Some(Value::Number(number)) => *number,
            _ => f64::NAN,
        };
        let first = arguments.first().unwrap_or(&Value::Null);
        Ok(match function {
            Function::Variable => self.variable(&text(0).to_string())?,
            Function::Member => {
                let name = text(1).to_string();
                first.member_by_path(&name).ok_or(ExpressionError::UnknownMember(name))?
            }
            Function::String => match first {
                Value::Number(number) => Value::from(format_number(*number).as_str()),
                other => other.clone(),
            },
            Function::Number => match first {
                Value::String(text) => finite(parse_number(text.units()), || text.to_string())?,
                _ => finite(number(0), || format_number(number(0)))?,
            },
            Function::Boolean => Value::Boolean(first.truth()?),
            Function::Round => Value::Number(round(number(0))),
            Function::Floor => Value::Number(number(0).floor()),
            Function::Upper => Value::String(text(0).upper()),
            Function::Lower => Value::String(text(0).lower()),
            Function::Trim => Value::String(text(0).trimmed(true, true)),
            Function::TrimLeft => Value::String(text(0).trimmed(true, false)),
            Function::TrimRight => Value::String(text(0).trimmed(false, true)),
            Function::Replace => self.replace(text(0).units(), text(1).units(), text(2).units())?,
            Function::Substring => substring(text(0).units(), number(1), number(2)),
            Function::Length => length(text(0).units().len()),
            Function::Includes => Value::Boolean(find(text(0).units(), text(1).units(), 0).is_some()),
            Function::IndexOf => find(text(0).units(), text(1).units(), 0).map_or(Value::Number(-1.0), length),
            Function::Match => {
                let flags = if arguments.get(2) == Some(&Value::Boolean(true)) { "i" } else { "" };
                let regex = JsRegex::new(text(1).units(), flags)?;
                Value::Boolean(regex.is_match(text(0).units(), self.work)?)
            }
        })
    }

    /// Decision 3 of section 13: every occurrence is replaced, and the replacement is literal. The official evaluator
    /// replaces the first, and `$` means something in the replacement.
    fn replace(&mut self, text: &[u16], needle: &[u16], by: &[u16]) -> Result<Value, ExpressionError> {
        let mut out = Vec::new();
        let mut copied = 0;
        let mut from = 0;
        while let Some(at) = find(text, needle, from) {
            out.extend_from_slice(&text[copied..at]);
            copied = at + needle.len();
            match self.dialect {
                Dialect::Stepbox => out.extend_from_slice(by),
                Dialect::Official => {
                    expand(&mut out, text, at..copied, by);
                    break;
                }
            }
            if out.len() > MAX_TEXT {
                return Err(ExpressionError::TooMuchText);
            }
            // An empty text is found once at every place.
            from = copied + usize::from(needle.is_empty());
            if from > text.len() {
                break;
            }
        }
        out.extend_from_slice(&text[copied..]);
        self.new_text(out)
    }

    /// A text that was made, unless it is too long.
    pub(super) fn new_text(&mut self, units: Vec<u16>) -> Result<Value, ExpressionError> {
        if units.len() > MAX_TEXT {
            return Err(ExpressionError::TooMuchText);
        }
        self.work.charge(units.len())?;
        Ok(Value::String(Text::from(units)))
    }
}

fn text_of(value: &Value) -> Text {
    match value {
        Value::String(text) => text.clone(),
        _ => Text::from(""),
    }
}

#[expect(clippy::cast_precision_loss, reason = "texts are far shorter than 2^53")]
fn length(units: usize) -> Value {
    Value::Number(units as f64)
}

fn finite(number: f64, written: impl Fn() -> String) -> Result<Value, ExpressionError> {
    if number.is_finite() { Ok(Value::Number(number)) } else { Err(ExpressionError::NoNumber(written())) }
}

/// The nearest integer; halves go up, also below zero.
fn round(number: f64) -> f64 {
    let floor = number.floor();
    if number - floor >= 0.5 { floor + 1.0 } else { floor }
}

/// From an index up to another. An end before the start is the end of the text; other indexes that make no sense are
/// moved into the text.
fn substring(units: &[u16], start: f64, end: f64) -> Value {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the cast saturates, NaN is 0")]
    let index = |number: f64| (number as usize).min(units.len());
    let last = if end < start { units.len() } else { index(end) };
    let first = index(start);
    Value::String(Text::from_units(&units[first.min(last)..first.max(last)]))
}

/// JavaScript's replacement patterns: `$$`, `$&`, `` $` ``, `$'`.
fn expand(out: &mut Vec<u16>, text: &[u16], found: std::ops::Range<usize>, by: &[u16]) {
    let mut rest = by;
    while let Some((unit, after)) = rest.split_first() {
        let next = after.first().and_then(|unit| char::from_u32((*unit).into()));
        let insert: &[u16] = match (char::from_u32((*unit).into()), next) {
            (Some('$'), Some('$')) => &after[..1],
            (Some('$'), Some('&')) => &text[found.clone()],
            (Some('$'), Some('`')) => &text[..found.start],
            (Some('$'), Some('\'')) => &text[found.end..],
            _ => {
                out.push(*unit);
                rest = after;
                continue;
            }
        };
        out.extend_from_slice(insert);
        rest = &after[1..];
    }
}
