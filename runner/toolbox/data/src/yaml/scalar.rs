use super::tree::{Content, Node, Style};

/// What a scalar means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool,
    Int,
    Float,
    String,
    Merge,
}

/// The kind of a plain text (YAML 1.2's core schema, as the tools read it).
pub(crate) fn resolve(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => return Kind::Bool,
        "<<" => return Kind::Merge,
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "-.inf" | "-.Inf" | "-.INF" => {
            return Kind::Float;
        }
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let all = |text: &str, base: u32| !text.is_empty() && text.chars().all(|digit| digit.is_digit(base));
    if all(digits, 10) {
        return Kind::Int;
    }
    if digits.strip_prefix("0x").is_some_and(|rest| all(rest, 16))
        || digits.strip_prefix("0o").is_some_and(|rest| all(rest, 8))
    {
        return Kind::Int;
    }
    let (mantissa, exponent) = digits.split_once(['e', 'E']).map_or((digits, None), |(start, end)| (start, Some(end)));
    let exponent_right = exponent.is_none_or(|end| all(end.strip_prefix(['-', '+']).unwrap_or(end), 10));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let decimal = |part: &str| part.chars().all(|digit| digit.is_ascii_digit());
    if exponent_right && !(whole.is_empty() && fraction.is_empty()) && decimal(whole) && decimal(fraction) {
        return Kind::Float;
    }
    Kind::String
}

impl Node {
    /// What it means, where it is a scalar: its tag first, then its style, then its text.
    pub(crate) fn kind(&self) -> Option<Kind> {
        let Content::Scalar(text) = &self.content else { return None };
        Some(match self.tag.as_deref() {
            Some("!!str" | "!") => Kind::String,
            Some("!!int") => Kind::Int,
            Some("!!float") => Kind::Float,
            Some("!!bool") => Kind::Bool,
            Some("!!null") => Kind::Null,
            Some("!!merge") => Kind::Merge,
            Some(_) => Kind::String,
            None if self.style == Style::Plain => resolve(text),
            None => Kind::String,
        })
    }
}

/// Whether a text can stand without quotes and is read back the same.
pub(crate) fn plain_allowed(text: &str, flow: bool) -> bool {
    let Some(first) = text.chars().next() else { return false };
    let mut after_first = text.chars().skip(1);
    let second = after_first.next();
    let indicator =
        matches!(first, ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`')
            || (matches!(first, '-' | '?' | ':') && second.is_none_or(char::is_whitespace));
    let document = text.starts_with("---") || text.starts_with("...");
    let ends = text.starts_with(char::is_whitespace) || text.ends_with(char::is_whitespace) || text.ends_with(':');
    let inside = text.contains(": ") || text.contains(" #") || text.contains(":\t");
    let in_flow = flow && (text.contains([',', '[', ']', '{', '}']) || matches!(first, '?'));
    let special = text.chars().any(|character| character.is_control() || character == '\u{feff}');
    !(indicator || document || ends || inside || in_flow || special)
}

/// A text in double quotes.
pub(crate) fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            '\0' => quoted.push_str("\\0"),
            '\u{7}' => quoted.push_str("\\a"),
            '\u{8}' => quoted.push_str("\\b"),
            '\u{1b}' => quoted.push_str("\\e"),
            other if other.is_control() => quoted.push_str(&format!("\\x{:02X}", u32::from(other))),
            other => quoted.push(other),
        }
    }
    quoted + "\""
}

/// A text in single quotes.
pub(crate) fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
