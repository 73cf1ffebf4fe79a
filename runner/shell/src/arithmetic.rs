//! `$(( ))` (XCU 2.6.4): 64-bit integers that wrap, C's operators.

mod number;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use self::number::{number, power};
use crate::parse::is_name;

/// Expressions inside expressions, and variables whose values are expressions.
const MAX_DEPTH: u32 = 256;

/// What an expression reads and sets.
pub(crate) trait Variables {
    /// The value of a variable; an error where it is unset and must not be.
    fn get(&mut self, name: &[u8]) -> Result<Cow<'_, [u8]>, String>;
    /// Sets a variable.
    fn set(&mut self, name: &[u8], value: i64) -> Result<(), String>;
    /// Whether `name[subscript]` is an element of an array.
    fn has_arrays(&self) -> bool {
        false
    }
    /// Whether the subscripts of a variable are texts.
    fn is_associative(&self, _name: &[u8]) -> bool {
        false
    }
    /// The value of an element. The subscript is a number where the array is not associative.
    fn get_element(&mut self, name: &[u8], _subscript: &[u8]) -> Result<Vec<u8>, String> {
        Err(format!("{}: arrays are bash's and not supported", String::from_utf8_lossy(name)))
    }
    /// Sets an element.
    fn set_element(&mut self, name: &[u8], _subscript: &[u8], _value: i64) -> Result<(), String> {
        Err(format!("{}: arrays are bash's and not supported", String::from_utf8_lossy(name)))
    }
}

/// The value of an expression; 0 where it is empty.
pub(crate) fn evaluate(text: &[u8], variables: &mut dyn Variables) -> Result<i64, String> {
    Parser { text, at: 0, depth: 0, variables, skip: 0, read: None, last: 0 }.whole()
}

/// What an expression reads or sets.
#[derive(Clone)]
struct Place<'a> {
    name: &'a [u8],
    /// `name[subscript]`: the value of the subscript, or its text where the array is associative.
    subscript: Option<Cow<'a, [u8]>>,
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: u32,
    variables: &'a mut dyn Variables,
    /// Above 0 in the branch of `&&`, `||` and `?:` that is not taken: nothing is set there and no division fails.
    skip: u32,
    /// A place that was read already, which the next primary is.
    read: Option<Place<'a>>,
    /// Where the token begins that was read last.
    last: usize,
}

/// How tightly bash's `**` binds, which alone groups from the right.
const POWER: u8 = 11;

/// Binary operators, longest first, with how tightly they bind.
const BINARY: [(&[u8], u8); 19] = [
    (b"**", POWER),
    (b"<<", 8),
    (b">>", 8),
    (b"<=", 7),
    (b">=", 7),
    (b"==", 6),
    (b"!=", 6),
    (b"&&", 2),
    (b"||", 1),
    (b"*", 10),
    (b"/", 10),
    (b"%", 10),
    (b"+", 9),
    (b"-", 9),
    (b"<", 7),
    (b">", 7),
    (b"&", 5),
    (b"^", 4),
    (b"|", 3),
];

const ASSIGNING: [&[u8]; 11] = [b"<<=", b">>=", b"*=", b"/=", b"%=", b"+=", b"-=", b"&=", b"^=", b"|=", b"="];

/// The key of an element, as `A['k']` names it.
fn without_quotes(text: &[u8]) -> Cow<'_, [u8]> {
    match text {
        [b'\'', key @ .., b'\''] if !key.contains(&b'\'') => Cow::Borrowed(key),
        text => Cow::Borrowed(text),
    }
}

impl<'a> Parser<'a> {
    fn whole(&mut self) -> Result<i64, String> {
        self.blanks();
        if self.at == self.text.len() {
            return Ok(0);
        }
        let value = self.comma()?;
        self.blanks();
        if self.at < self.text.len() {
            let bash = match &self.text[self.at..] {
                [b'=', ..] | [_, b'=', ..] => "attempted assignment to non-variable",
                [byte, ..] if byte.is_ascii_alphanumeric() || b"_()?:,".contains(byte) => "syntax error in expression",
                _ => "syntax error: invalid arithmetic operator",
            };
            return self.error("expecting EOF", bash);
        }
        Ok(value)
    }

    /// What is wrong here, in the words of sh and of bash.
    fn error<T>(&self, sh: &str, bash: &str) -> Result<T, String> {
        let begin = if self.at < self.text.len() { self.at } else { self.last };
        self.error_at(begin, sh, bash)
    }

    fn error_at<T>(&self, begin: usize, sh: &str, bash: &str) -> Result<T, String> {
        let text = String::from_utf8_lossy(self.text);
        Err(if self.variables.has_arrays() {
            let token = self.text.get(begin..).unwrap_or_default().trim_ascii_start();
            format!("{}: {bash} (error token is \"{}\")", text.trim_start(), String::from_utf8_lossy(token))
        } else {
            format!("arithmetic expression: {sh}: \"{}\"", text.trim())
        })
    }

    fn blanks(&mut self) {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn accept(&mut self, sign: &[u8]) -> bool {
        self.blanks();
        let here = self.text[self.at..].starts_with(sign);
        if here {
            self.last = self.at;
            self.at += sign.len();
        }
        here
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, String>) -> Result<T, String> {
        if self.depth >= MAX_DEPTH {
            return self.error("nested too deeply", "expression recursion level exceeded");
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn comma(&mut self) -> Result<i64, String> {
        let mut value = self.assignment()?;
        while self.accept(b",") {
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn name(&mut self) -> Option<&'a [u8]> {
        self.blanks();
        let rest = &self.text[self.at..];
        if rest.first().is_none_or(|byte| !byte.is_ascii_alphabetic() && *byte != b'_') {
            return None;
        }
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = &rest[..length];
        is_name(name).then(|| {
            self.last = self.at;
            self.at += length;
            name
        })
    }

    /// A name, with its subscript where it has one.
    fn place(&mut self) -> Result<Option<Place<'a>>, String> {
        let Some(name) = self.name() else { return Ok(None) };
        if self.text.get(self.at) != Some(&b'[') || !self.variables.has_arrays() {
            return Ok(Some(Place { name, subscript: None }));
        }
        if self.variables.is_associative(name) {
            let rest = &self.text[self.at + 1..];
            let mut open = 0u32;
            let end = rest.iter().position(|byte| match byte {
                b'[' => {
                    open += 1;
                    false
                }
                b']' if open > 0 => {
                    open -= 1;
                    false
                }
                byte => *byte == b']',
            });
            let Some(end) = end else { return self.error_at(self.last, "missing ']'", "bad array subscript") };
            self.at += end + 2;
            return Ok(Some(Place { name, subscript: Some(without_quotes(&rest[..end])) }));
        }
        self.at += 1;
        let value = self.deeper(Self::comma)?;
        if !self.accept(b"]") {
            return self.error_at(self.last, "missing ']'", "bad array subscript");
        }
        Ok(Some(Place { name, subscript: Some(Cow::Owned(value.to_string().into_bytes())) }))
    }

    fn assignment(&mut self) -> Result<i64, String> {
        self.deeper(|parser| {
            let before = parser.at;
            if let Some(name) = parser.place()? {
                parser.blanks();
                let rest = &parser.text[parser.at..];
                // Most names are not assigned to.
                let assigns = rest.iter().take(3).any(|byte| *byte == b'=');
                let sign = ASSIGNING.into_iter().find(|sign| assigns && rest.starts_with(sign));
                // `==` compares.
                if let Some(sign) = sign.filter(|_| !rest.starts_with(b"==")) {
                    parser.last = parser.at;
                    parser.at += sign.len();
                    let operand = parser.at;
                    let operator = &sign[..sign.len() - 1];
                    // bash reads the variable before what is on the right, which may change it, dash behind that.
                    let early = !operator.is_empty() && parser.variables.has_arrays();
                    let left = if early { Some(parser.variable(&name)?) } else { None };
                    let right = parser.assignment()?;
                    let value = match (operator, left) {
                        (b"", _) => right,
                        (operator, Some(left)) => parser.apply(operator, left, right, operand)?,
                        (operator, None) => {
                            let left = parser.variable(&name)?;
                            parser.apply(operator, left, right, operand)?
                        }
                    };
                    return parser.assign(&name, value);
                }
                // A subscript may have effects: it is not evaluated again.
                if name.subscript.is_some() {
                    parser.read = Some(name);
                } else {
                    parser.at = before;
                }
            }
            parser.ternary()
        })
    }

    fn assign(&mut self, place: &Place<'_>, value: i64) -> Result<i64, String> {
        if self.skip == 0 {
            match &place.subscript {
                None => self.variables.set(place.name, value)?,
                Some(subscript) => self.variables.set_element(place.name, subscript, value)?,
            }
        }
        Ok(value)
    }

    fn ternary(&mut self) -> Result<i64, String> {
        let condition = self.binary(1)?;
        if !self.accept(b"?") {
            return Ok(condition);
        }
        let yes = self.skipping(condition == 0, Self::comma)?;
        if !self.accept(b":") {
            return self.error("expecting ':'", "`:' expected for conditional expression");
        }
        let no = self.skipping(condition != 0, Self::assignment)?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn skipping(&mut self, skip: bool, inner: impl FnOnce(&mut Self) -> Result<i64, String>) -> Result<i64, String> {
        self.skip += u32::from(skip);
        let result = inner(self);
        self.skip -= u32::from(skip);
        result
    }

    fn binary(&mut self, lowest: u8) -> Result<i64, String> {
        let mut left = self.unary()?;
        loop {
            self.blanks();
            let rest = &self.text[self.at..];
            let Some(first) = rest.first() else { return Ok(left) };
            let power = self.variables.has_arrays();
            let known =
                |(sign, binds): &(&[u8], u8)| sign[0] == *first && rest.starts_with(sign) && (power || *binds < POWER);
            let found = BINARY.into_iter().find(known);
            let Some((sign, binds)) = found.filter(|(_, binds)| *binds >= lowest) else { return Ok(left) };
            // `a += 1` where `a` is no name is not a sum.
            if rest.get(sign.len()) == Some(&b'=')
                && !matches!(sign, b"<=" | b">=" | b"==" | b"!=" | b"&&" | b"||")
                && !rest[sign.len()..].starts_with(b"==")
            {
                return self.error("expecting EOF", "attempted assignment to non-variable");
            }
            self.last = self.at;
            self.at += sign.len();
            let operand = self.at;
            let skip = (sign == b"&&" && left == 0) || (sign == b"||" && left != 0);
            let right =
                self.skipping(skip, |parser| parser.deeper(|parser| parser.binary(binds + u8::from(binds < POWER))))?;
            left = self.apply(sign, left, right, operand)?;
        }
    }

    /// The result of an operator, whose right side begins at `operand`.
    fn apply(&self, sign: &[u8], left: i64, right: i64, operand: usize) -> Result<i64, String> {
        Ok(match sign {
            b"**" if right < 0 => {
                if self.skip > 0 {
                    return Ok(0);
                }
                return self.error_at(self.last, "exponent less than 0", "exponent less than 0");
            }
            b"**" => power(left, right),
            b"*" => left.wrapping_mul(right),
            b"/" | b"%" if right == 0 => {
                if self.skip > 0 {
                    return Ok(0);
                }
                return self.error_at(operand, "division by zero", "division by 0");
            }
            b"/" => left.wrapping_div(right),
            b"%" => left.wrapping_rem(right),
            b"+" => left.wrapping_add(right),
            b"-" => left.wrapping_sub(right),
            b"<<" => left.wrapping_shl((right & 63) as u32),
            b">>" => left.wrapping_shr((right & 63) as u32),
            b"<" => i64::from(left < right),
            b">" => i64::from(left > right),
            b"<=" => i64::from(left <= right),
            b">=" => i64::from(left >= right),
            b"==" => i64::from(left == right),
            b"!=" => i64::from(left != right),
            b"&" => left & right,
            b"^" => left ^ right,
            b"|" => left | right,
            b"&&" => i64::from(left != 0 && right != 0),
            b"||" => i64::from(left != 0 || right != 0),
            _ => return self.error("unknown operator", "syntax error: invalid arithmetic operator"),
        })
    }

    fn unary(&mut self) -> Result<i64, String> {
        self.deeper(|parser| {
            if parser.read.is_some() {
                return parser.primary();
            }
            parser.blanks();
            if parser.text.get(parser.at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                return parser.primary();
            }
            for sign in [&b"++"[..], b"--"] {
                let before = parser.at;
                if parser.accept(sign) {
                    if let Some(place) = parser.place()? {
                        let by = if sign == b"++" { 1 } else { -1 };
                        let value = parser.variable(&place)?.wrapping_add(by);
                        return parser.assign(&place, value);
                    }
                    parser.at = before;
                }
            }
            if parser.accept(b"+") {
                return parser.unary();
            }
            if parser.accept(b"-") {
                return Ok(parser.unary()?.wrapping_neg());
            }
            if parser.accept(b"!") {
                return Ok(i64::from(parser.unary()? == 0));
            }
            if parser.accept(b"~") {
                return Ok(!parser.unary()?);
            }
            parser.primary()
        })
    }

    fn primary(&mut self) -> Result<i64, String> {
        if self.read.is_none() && self.accept(b"(") {
            let value = self.deeper(Self::comma)?;
            if !self.accept(b")") {
                return self.error("expecting ')'", "missing `)'");
            }
            return Ok(value);
        }
        let place = match self.read.take() {
            Some(place) => Some(place),
            None => self.place()?,
        };
        if let Some(place) = place {
            let value = self.variable(&place)?;
            for (sign, by) in [(&b"++"[..], 1), (b"--", -1)] {
                if self.accept(sign) {
                    self.assign(&place, value.wrapping_add(by))?;
                }
            }
            return Ok(value);
        }
        let rest = &self.text[self.at..];
        let length =
            rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'#' | b'@' | b'_')).count();
        if length == 0 {
            return self.error("expecting primary", "syntax error: operand expected");
        }
        match number(&rest[..length]) {
            Some(value) => {
                self.last = self.at;
                self.at += length;
                Ok(value)
            }
            None => {
                let base = rest[..length].split(|byte| *byte == b'#').next().unwrap_or_default();
                let bash = match std::str::from_utf8(base).ok().and_then(|base| base.parse::<u32>().ok()) {
                    Some(base) if rest[..length].contains(&b'#') && !(2..=64).contains(&base) => {
                        "invalid arithmetic base"
                    }
                    _ => "value too great for base",
                };
                // The token is the number alone.
                let text = String::from_utf8_lossy(&rest[..length]).into_owned();
                if !self.variables.has_arrays() {
                    return self.error("bad number", bash);
                }
                let whole = String::from_utf8_lossy(self.text);
                Err(format!("{}: {bash} (error token is \"{text}\")", whole.trim_start()))
            }
        }
    }

    /// The value of a variable, which is an expression itself.
    fn variable(&mut self, place: &Place<'_>) -> Result<i64, String> {
        if self.skip > 0 {
            return Ok(0);
        }
        let text = match &place.subscript {
            None => self.variables.get(place.name)?,
            Some(subscript) => Cow::Owned(self.variables.get_element(place.name, subscript)?),
        };
        let trimmed = text.trim_ascii();
        if trimmed.is_empty() {
            return Ok(0);
        }
        if let Some(value) = number(trimmed) {
            return Ok(value);
        }
        let text = text.into_owned();
        if self.depth + 1 >= MAX_DEPTH {
            return self.error("nested too deeply", "expression recursion level exceeded");
        }
        let mut inner = Parser {
            text: &text,
            at: 0,
            depth: self.depth + 8,
            variables: self.variables,
            skip: 0,
            read: None,
            last: 0,
        };
        inner.whole()
    }
}
