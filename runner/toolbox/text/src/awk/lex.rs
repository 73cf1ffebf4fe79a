/// A word of a program.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Number(f64),
    Text(Vec<u8>),
    Regex(Vec<u8>),
    Name(String),
    /// A name with `(` right behind it.
    Called(String),
    /// A word of the language or an operator.
    Word(&'static str),
    Newline,
    End,
}

const KEYWORDS: [&str; 22] = [
    "BEGIN",
    "END",
    "function",
    "func",
    "if",
    "else",
    "while",
    "for",
    "do",
    "break",
    "continue",
    "next",
    "nextfile",
    "exit",
    "return",
    "delete",
    "in",
    "getline",
    "print",
    "printf",
    "switch",
    "BEGINFILE",
];

/// Longest first.
const OPERATORS: [&str; 44] = [
    "**=", "&&", "||", "!~", "==", "<=", ">=", "!=", "++", "--", "+=", "-=", "*=", "/=", "%=", "^=", ">>", "**", "|&",
    "{", "}", "(", ")", "[", "]", ";", ",", "+", "-", "*", "/", "%", "^", "!", ">", "<", "|", "?", ":", "~", "$", "=",
    "@", "&",
];

pub(super) struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    pub(super) line: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// Where it is, to come back to.
    pub(super) fn state(&self) -> (usize, usize) {
        (self.at, self.line)
    }

    pub(super) fn restore(&mut self, (at, line): (usize, usize)) {
        (self.at, self.line) = (at, line);
    }

    /// The next word; a `/` begins a regular expression where an operand may stand.
    pub(super) fn next(&mut self, operand: bool) -> Result<Token, String> {
        loop {
            match self.text[self.at..] {
                [b' ' | b'\t' | b'\r', ..] => self.at += 1,
                [b'\\', b'\n', ..] => {
                    self.at += 2;
                    self.line += 1;
                }
                [b'\\', b'\r', b'\n', ..] => {
                    self.at += 3;
                    self.line += 1;
                }
                [b'#', ..] => {
                    while self.text.get(self.at).is_some_and(|byte| *byte != b'\n') {
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
        let Some(&byte) = self.text.get(self.at) else { return Ok(Token::End) };
        match byte {
            b'\n' => {
                self.at += 1;
                self.line += 1;
                Ok(Token::Newline)
            }
            b'"' => self.string(),
            b'/' if operand => self.regex(),
            b'0'..=b'9' => Ok(self.number()),
            b'.' if self.text.get(self.at + 1).is_some_and(u8::is_ascii_digit) => Ok(self.number()),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                let start = self.at;
                while self.text.get(self.at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                    self.at += 1;
                }
                let name = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
                if let Some(word) = KEYWORDS.iter().find(|word| **word == name) {
                    return Ok(Token::Word(if *word == "func" { "function" } else { word }));
                }
                Ok(if self.text.get(self.at) == Some(&b'(') { Token::Called(name) } else { Token::Name(name) })
            }
            _ => {
                let rest = &self.text[self.at..];
                let found = OPERATORS.iter().find(|operator| rest.starts_with(operator.as_bytes()));
                let word = *found.ok_or_else(|| format!("unexpected character `{}`", char::from(byte)))?;
                self.at += word.len();
                Ok(Token::Word(match word {
                    "**" => "^",
                    "**=" => "^=",
                    other => other,
                }))
            }
        }
    }

    fn number(&mut self) -> Token {
        let rest = &self.text[self.at..];
        if let [b'0', b'x' | b'X', ..] = rest
            && rest.get(2).is_some_and(u8::is_ascii_hexdigit)
        {
            let digits = rest[2..].iter().take_while(|byte| byte.is_ascii_hexdigit());
            let (value, count) = digits.fold((0.0, 2), |(value, count), digit| {
                (value * 16.0 + f64::from(char::from(*digit).to_digit(16).unwrap_or(0)), count + 1)
            });
            self.at += count;
            return Token::Number(value);
        }
        let (number, end) = super::value::leading_number(rest);
        self.at += end.max(1);
        Token::Number(number)
    }

    fn string(&mut self) -> Result<Token, String> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            match self.text.get(end) {
                None | Some(b'\n') => return Err("unterminated string".to_owned()),
                Some(b'"') => break,
                Some(b'\\') => {
                    self.line += usize::from(self.text.get(end + 1) == Some(&b'\n'));
                    end += 2;
                }
                Some(_) => end += 1,
            }
        }
        self.at = end + 1;
        Ok(Token::Text(unescape(&self.text[start..end])))
    }

    fn regex(&mut self) -> Result<Token, String> {
        self.at += 1;
        let mut text = vec![];
        let mut in_bracket = false;
        loop {
            let Some(&byte) = self.text.get(self.at) else { return Err("unterminated regexp".to_owned()) };
            self.at += 1;
            match byte {
                b'\n' => return Err("unterminated regexp".to_owned()),
                b'\\' => {
                    let escaped = self.text.get(self.at).copied().unwrap_or(b'\\');
                    self.at += 1;
                    if escaped != b'/' {
                        text.push(b'\\');
                    }
                    text.push(escaped);
                    continue;
                }
                b'[' if !in_bracket => {
                    in_bracket = true;
                    text.push(byte);
                    if self.text.get(self.at) == Some(&b'^') {
                        text.push(b'^');
                        self.at += 1;
                    }
                    if self.text.get(self.at) == Some(&b']') {
                        text.push(b']');
                        self.at += 1;
                    }
                    continue;
                }
                b'[' if self.text.get(self.at) == Some(&b':') => {
                    // A class: up to its end.
                    let rest = &self.text[self.at..];
                    if let Some(end) = rest.windows(2).position(|pair| pair == b":]") {
                        text.push(byte);
                        text.extend(&rest[..end + 2]);
                        self.at += end + 2;
                        continue;
                    }
                }
                b']' => in_bracket = false,
                b'/' if !in_bracket => return Ok(Token::Regex(text)),
                _ => {}
            }
            text.push(byte);
        }
    }
}

/// A string's text with its escapes.
pub(super) fn unescape(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        if byte != b'\\' {
            result.push(byte);
            continue;
        }
        let Some(&escaped) = text.get(at) else {
            result.push(b'\\');
            break;
        };
        at += 1;
        let digits = |base: u32, most: usize, from: usize| {
            let digits = text[from..].iter().take(most).map_while(|byte| char::from(*byte).to_digit(base));
            digits.fold((0, 0), |(value, count), digit| (value * base + digit, count + 1))
        };
        match escaped {
            b'n' => result.push(b'\n'),
            b't' => result.push(b'\t'),
            b'r' => result.push(b'\r'),
            b'a' => result.push(7),
            b'b' => result.push(8),
            b'f' => result.push(12),
            b'v' => result.push(11),
            b'\n' => {}
            b'\\' | b'"' | b'/' => result.push(escaped),
            b'0'..=b'7' => {
                let (value, count) = digits(8, 3, at - 1);
                result.push((value & 0xff) as u8);
                at += count - 1;
            }
            b'x' if text.get(at).is_some_and(u8::is_ascii_hexdigit) => {
                let (value, count) = digits(16, 2, at);
                result.push((value & 0xff) as u8);
                at += count;
            }
            // It means something to those who read the string: replacements and patterns.
            other => result.extend([b'\\', other]),
        }
    }
    result
}
