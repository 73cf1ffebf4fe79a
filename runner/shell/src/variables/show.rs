//! Values as they can be typed in again, in the forms that bash has for it.

use super::{Attributes, Case, Kind, Value, Variable};
use crate::builtins::quote;
use crate::eval::Shell;

/// Whether a text needs `$'…'`: it holds what is not printed, or is no text.
pub(crate) fn needs_escapes(text: &[u8]) -> bool {
    std::str::from_utf8(text).map_or(true, |text| text.chars().any(char::is_control))
}

/// `$'…'`.
fn escaped(text: &[u8]) -> Vec<u8> {
    let mut out = b"$'".to_vec();
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\x07' => out.extend_from_slice(b"\\a"),
                '\x08' => out.extend_from_slice(b"\\b"),
                '\t' => out.extend_from_slice(b"\\t"),
                '\n' => out.extend_from_slice(b"\\n"),
                '\x0b' => out.extend_from_slice(b"\\v"),
                '\x0c' => out.extend_from_slice(b"\\f"),
                '\r' => out.extend_from_slice(b"\\r"),
                '\x1b' => out.extend_from_slice(b"\\E"),
                '\\' => out.extend_from_slice(b"\\\\"),
                '\'' => out.extend_from_slice(b"\\'"),
                letter if letter.is_control() => {
                    let mut bytes = [0; 4];
                    for byte in letter.encode_utf8(&mut bytes).bytes() {
                        out.extend_from_slice(format!("\\{byte:03o}").as_bytes());
                    }
                }
                letter => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        for byte in chunk.invalid() {
            out.extend_from_slice(format!("\\{byte:03o}").as_bytes());
        }
    }
    out.push(b'\'');
    out
}

/// As `${x@Q}` gives it.
pub(crate) fn quote_always(text: &[u8]) -> Vec<u8> {
    if needs_escapes(text) { escaped(text) } else { quote(text) }
}

/// As `set` gives it: quoted where it must be.
pub(crate) fn value_for_set(text: &[u8]) -> Vec<u8> {
    if needs_escapes(text) {
        return escaped(text);
    }
    let special = |(number, byte): (usize, &u8)| match byte {
        b' ' | b'\t' | b'\n' | b'\'' | b'"' | b'\\' | b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>' | b'!' | b'{'
        | b'}' | b'*' | b'[' | b'?' | b']' | b'^' | b'$' | b'`' => true,
        b'#' => number == 0 || text[number - 1].is_ascii_whitespace(),
        b'~' => number == 0 || matches!(text[number - 1], b'=' | b':'),
        _ => false,
    };
    if text.iter().enumerate().any(special) { quote(text) } else { text.to_vec() }
}

/// As `printf %q` gives it: with backslashes where it must be.
pub(crate) fn quote_minimal(text: &[u8]) -> Vec<u8> {
    if text.is_empty() {
        return b"''".to_vec();
    }
    if needs_escapes(text) {
        return escaped(text);
    }
    let mut out = vec![];
    for (number, byte) in text.iter().enumerate() {
        let special = match byte {
            b' ' | b'\t' | b'\n' | b'\'' | b'"' | b'\\' | b'|' | b'&' | b';' | b'(' | b')' | b'<' | b'>' | b'!'
            | b'{' | b'}' | b'*' | b'[' | b'?' | b']' | b'^' | b'$' | b'`' => true,
            b'#' => number == 0,
            b'~' => number == 0 || matches!(text[number - 1], b'=' | b':'),
            _ => false,
        };
        if special {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}

/// Between double quotes, as `declare -p` gives it.
fn double_quoted(text: &[u8]) -> Vec<u8> {
    if needs_escapes(text) {
        return escaped(text);
    }
    let mut out = vec![b'"'];
    for byte in text {
        if matches!(byte, b'"' | b'$' | b'`' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
    out
}

/// The key of an associative array between its brackets.
fn shown_key(key: &[u8]) -> Vec<u8> {
    let special = |byte: &u8| byte.is_ascii_whitespace() || b"'\"\\|&;()<>!{}*[?]^$`".contains(byte);
    if needs_escapes(key) {
        escaped(key)
    } else if key.is_empty() || matches!(key, b"@" | b"*") || key.iter().any(special) || matches!(key[0], b'#' | b'~') {
        double_quoted(key)
    } else {
        key.to_vec()
    }
}

impl Attributes {
    /// As letters.
    pub(crate) fn letters(self, kind: Kind) -> String {
        let mut letters = String::new();
        let all = [
            (kind == Kind::Indexed, 'a'),
            (kind == Kind::Associative, 'A'),
            (self.integer, 'i'),
            (self.reference, 'n'),
            (self.readonly, 'r'),
            (self.exported, 'x'),
            (self.case == Case::Capital, 'c'),
            (self.case == Case::Lower, 'l'),
            (self.case == Case::Upper, 'u'),
        ];
        letters.extend(all.iter().filter(|(on, _)| *on).map(|(_, letter)| *letter));
        letters
    }
}

/// The elements as `declare -p` gives them, between the parentheses.
fn elements(shell: &Shell, variable: &Variable) -> Option<Vec<u8>> {
    let mut out = vec![];
    match &variable.value {
        Value::Indexed(array) => {
            for (index, value) in array.from(0) {
                if !out.is_empty() {
                    out.push(b' ');
                }
                out.extend_from_slice(format!("[{index}]=").as_bytes());
                out.extend_from_slice(&double_quoted(value));
            }
        }
        Value::Associative(array) => {
            for (key, value) in array.iter() {
                out.push(b'[');
                out.extend_from_slice(&shown_key(key));
                out.extend_from_slice(b"]=");
                out.extend_from_slice(&double_quoted(value));
                out.push(b' ');
            }
        }
        Value::Dynamic(dynamic) if dynamic.is_array() => {
            let values = shell.values_of(variable);
            let shown =
                |(index, value): (usize, &Vec<u8>)| [format!("[{index}]=").as_bytes(), &double_quoted(value)].concat();
            out = values.iter().enumerate().map(shown).collect::<Vec<_>>().join(&b' ');
        }
        _ => return None,
    }
    Some(out)
}

/// A variable as `declare -p` tells it, without the newline.
pub(crate) fn definition(shell: &Shell, name: &[u8], variable: &Variable) -> Vec<u8> {
    let letters = variable.attributes.letters(variable.kind());
    let letters = if letters.is_empty() { "-".to_owned() } else { letters };
    let mut out = format!("declare -{letters} ").into_bytes();
    out.extend_from_slice(name);
    if let Some(elements) = elements(shell, variable) {
        out.extend_from_slice(b"=(");
        out.extend_from_slice(&elements);
        out.push(b')');
    } else if let Some(value) = shell.values_of(variable).first() {
        out.push(b'=');
        out.extend_from_slice(&double_quoted(value));
    }
    out
}

/// A variable as `set` tells it, without the newline; nothing for one without a value.
pub(crate) fn assignment(shell: &Shell, name: &[u8], variable: &Variable) -> Option<Vec<u8>> {
    if let Some(elements) = elements(shell, variable) {
        return Some([name, b"=(", &elements, b")"].concat());
    }
    shell.values_of(variable).first().map(|value| [name, b"=", &value_for_set(value)].concat())
}

/// Keys and values as `${a[@]@K}` gives them: one text, values quoted.
pub(crate) fn keys_and_values(shell: &Shell, name: &[u8]) -> Vec<u8> {
    let values = shell.elements(name);
    let pairs = shell.keys(name).into_iter().zip(values);
    let associative = shell.kind(name) == Kind::Associative;
    let mut out = vec![];
    for (key, value) in pairs {
        if !out.is_empty() && !associative {
            out.push(b' ');
        }
        out.extend_from_slice(&if associative { shown_key(&key) } else { key });
        out.push(b' ');
        out.extend_from_slice(&double_quoted(&value));
        if associative {
            out.push(b' ');
        }
    }
    out
}
