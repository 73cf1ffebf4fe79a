//! Where a value stands: a variable, or an element of an array; and how a name in a text (`read 'a[i]'`, a nameref, `unset`)
//! is understood.

use super::{Kind, Value};
use crate::arithmetic;
use crate::eval::Shell;
use crate::parse::{Parser, is_name};

/// References to references, and subscripts whose evaluation needs subscripts.
const MAX_REFERENCES: u32 = 16;

/// A variable or an element, its nameref followed and its subscript evaluated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Place {
    pub(crate) name: Vec<u8>,
    pub(crate) key: Option<Key>,
}

/// A subscript that was evaluated.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Key {
    /// Of an indexed array; negative ones count from its end.
    Number(i64),
    /// Of an associative array.
    Text(Vec<u8>),
    /// `@` or `*`.
    All { star: bool },
}

/// Takes `name` and `name[subscript]` apart; `None` where it is neither.
pub(crate) fn split_reference(text: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let Some(open) = text.iter().position(|byte| *byte == b'[') else { return is_name(text).then_some((text, None)) };
    let subscript = text[open + 1..].strip_suffix(b"]").filter(|subscript| !subscript.is_empty())?;
    is_name(&text[..open]).then_some((&text[..open], Some(subscript)))
}

impl Shell {
    /// The kind of a variable, its nameref followed.
    pub(crate) fn kind(&self, name: &[u8]) -> Kind {
        let target = self.referred(name);
        self.state
            .variables
            .get(split_reference(target).map_or(target, |(name, _)| name))
            .map_or(Kind::Scalar, super::Variable::kind)
    }

    /// Where a nameref leads in the end; the name itself where it is none. A circle leads to its own beginning.
    pub(crate) fn referred<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        let mut at = name;
        for _ in 0..MAX_REFERENCES {
            match self.state.variables.get(at) {
                Some(variable) if variable.attributes.reference => match &variable.value {
                    Value::Text(target) if !target.is_empty() => at = target,
                    _ => return at,
                },
                _ => return at,
            }
        }
        name
    }

    /// Understands a reference in a text; its nameref is followed.
    pub(crate) fn referenced_place(&mut self, text: &[u8]) -> Result<Place, String> {
        let Some((name, subscript)) = split_reference(text) else {
            return Err(format!("{}: bad variable name", String::from_utf8_lossy(text)));
        };
        let target = self.referred(name).to_vec();
        match (split_reference(&target), subscript) {
            (Some((name, None)), None) => Ok(Place { name: name.to_vec(), key: None }),
            (Some((name, Some(subscript))), None) | (Some((name, None)), Some(subscript)) => {
                let (name, subscript) = (name.to_vec(), subscript.to_vec());
                let subscript = self.expand_subscript(&subscript)?;
                let key = self.key(&name, &subscript)?;
                Ok(Place { name, key: Some(key) })
            }
            _ => Err(format!("{}: not a valid identifier", String::from_utf8_lossy(&target))),
        }
    }

    /// Expands the subscript of a reference in a text, where there is something to expand.
    fn expand_subscript(&mut self, subscript: &[u8]) -> Result<Vec<u8>, String> {
        if !subscript.iter().any(|byte| matches!(byte, b'$' | b'`' | b'\'' | b'"' | b'\\')) {
            return Ok(subscript.to_vec());
        }
        let bad = || format!("{}: bad array subscript", String::from_utf8_lossy(subscript));
        let (limits, mode, line) = (*self.limits(), self.context.mode, self.line);
        let word = Parser::new(subscript, line, mode, &limits).subscript_text().map_err(|_| bad())?;
        self.nested_reference(|shell| shell.expand_text(&word).map_err(|_| bad()))
    }

    /// Evaluates an expanded subscript of a variable whose nameref was followed.
    pub(crate) fn key(&mut self, name: &[u8], subscript: &[u8]) -> Result<Key, String> {
        if matches!(subscript, b"@" | b"*") {
            return Ok(Key::All { star: subscript == b"*" });
        }
        if self.state.variables.get(name).is_some_and(|variable| variable.kind() == Kind::Associative) {
            return Ok(Key::Text(subscript.to_vec()));
        }
        if subscript.trim_ascii().is_empty() {
            return Ok(Key::Number(0));
        }
        let digits = subscript;
        if digits.len() < 10 && (digits == b"0" || digits[0] != b'0') && digits.iter().all(u8::is_ascii_digit) {
            return Ok(Key::Number(digits.iter().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))));
        }
        self.nested_reference(|shell| arithmetic::evaluate(subscript, shell)).map(Key::Number)
    }

    /// Evaluates something that may lead to itself (`declare -n r='a[r]'`), so often and no more.
    fn nested_reference<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.references >= MAX_REFERENCES {
            return Err(format!("more than {MAX_REFERENCES} subscripts and references are nested"));
        }
        self.references += 1;
        let result = inner(self);
        self.references -= 1;
        result
    }
}
