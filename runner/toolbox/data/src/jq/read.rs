use std::io::{self, BufRead};
use std::rc::Rc;

use super::number::Number;
use super::value::{Map, Value};

/// How deep values may nest, as in jq.
const MAX_DEPTH: usize = 256;

/// The longest number, in bytes.
const MAX_NUMBER: usize = 1 << 20;

/// Why a text is not JSON, or cannot be read.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// A fault of the text, with its line and column.
    Json(String),
    /// A fault of the file.
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads values that follow each other in a stream, each as soon as it is complete.
pub(crate) struct Reader<R> {
    source: R,
    buffer: Vec<u8>,
    at: usize,
    line: usize,
    column: usize,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    pub(crate) fn new(source: R) -> Self {
        Self { source, buffer: vec![], at: 0, line: 1, column: 0, ended: false }
    }

    /// How many lines have been begun to be read: what jq tells as the place of an input.
    pub(crate) fn lines(&self) -> usize {
        self.line - 1 + usize::from(self.buffer[self.at..].contains(&b'\n'))
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        if self.at == self.buffer.len() && !self.ended {
            let read = self.source.fill_buf()?;
            self.ended = read.is_empty();
            let count = read.len();
            self.buffer.clear();
            self.buffer.extend_from_slice(read);
            self.at = 0;
            self.source.consume(count);
        }
        Ok(self.buffer.get(self.at).copied())
    }

    fn next(&mut self) -> io::Result<Option<u8>> {
        let byte = self.peek()?;
        if let Some(byte) = byte {
            self.at += 1;
            self.column += 1;
            if byte == b'\n' {
                self.line += 1;
                self.column = 0;
            }
        }
        Ok(byte)
    }

    fn fault(&self, message: &str) -> ReadError {
        ReadError::Json(format!("{message} at line {}, column {}", self.line, self.column))
    }

    fn unfinished(&self) -> ReadError {
        self.fault("Unfinished JSON term at EOF")
    }

    fn space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.next()?,
                // A byte order mark, as Windows writes it, and the separator of RFC 7464.
                Some(0xef) if self.line == 1 && self.column == 0 => {
                    self.next()?;
                    self.next()?;
                    self.next()?
                }
                other => return Ok(other),
            };
        }
    }

    /// The next value; nothing at the end.
    pub(crate) fn value(&mut self) -> Result<Option<Value>, ReadError> {
        match self.space()? {
            None => Ok(None),
            Some(_) => self.nested(0).map(Some),
        }
    }

    /// The next value, after which the text must end.
    pub(crate) fn only_value(&mut self) -> Result<Option<Value>, ReadError> {
        let value = self.value()?;
        match self.space()? {
            Some(_) if value.is_some() => Err(self.fault("Unexpected extra JSON values")),
            _ => Ok(value),
        }
    }

    fn nested(&mut self, depth: usize) -> Result<Value, ReadError> {
        if depth > MAX_DEPTH {
            return Err(self.fault("Exceeds depth limit for parsing"));
        }
        match self.space()? {
            None => Err(self.unfinished()),
            Some(b'"') => {
                self.next()?;
                Ok(Value::String(self.string()?))
            }
            Some(b'[') => {
                self.next()?;
                self.array(depth)
            }
            Some(b'{') => {
                self.next()?;
                self.object(depth)
            }
            Some(b'}' | b']') => {
                let close = self.next()?.unwrap_or_default();
                Err(self.fault(&format!("Unmatched '{}'", char::from(close))))
            }
            Some(b',' | b':') => {
                let found = self.next()?.unwrap_or_default();
                Err(self.fault(if found == b':' {
                    "':' not as part of an object"
                } else {
                    "Expected value before ','"
                }))
            }
            Some(_) => self.word(),
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, ReadError> {
        let mut items = vec![];
        loop {
            match self.space()? {
                Some(b']') if items.is_empty() => {
                    self.next()?;
                    return Ok(Value::array(items));
                }
                Some(b']') => {
                    self.next()?;
                    return Err(self.fault("Expected another array element"));
                }
                _ => items.push(self.nested(depth + 1)?),
            }
            match self.space()? {
                None => return Err(self.unfinished()),
                Some(b',') => self.next()?,
                Some(b']') => {
                    self.next()?;
                    return Ok(Value::array(items));
                }
                Some(b'}') => {
                    self.next()?;
                    return Err(self.fault("Unmatched '}'"));
                }
                Some(_) => {
                    self.next()?;
                    return Err(self.fault("Expected separator between values"));
                }
            };
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, ReadError> {
        let mut map = Map::default();
        loop {
            match self.space()? {
                None => return Err(self.unfinished()),
                Some(b'"') => {
                    self.next()?;
                }
                Some(b'}') if map.is_empty() => {
                    self.next()?;
                    return Ok(Value::object(map));
                }
                Some(b'}') => {
                    self.next()?;
                    return Err(self.fault("Objects must consist of key:value pairs"));
                }
                Some(b'[' | b'{' | b']' | b',' | b':') => {
                    self.next()?;
                    return Err(self.fault("Object keys must be strings"));
                }
                Some(_) => {
                    self.word()?;
                    return Err(self.fault("Object keys must be strings"));
                }
            }
            let key = self.string()?;
            match self.space()? {
                None => return Err(self.unfinished()),
                Some(b':') => self.next()?,
                Some(_) => {
                    self.next()?;
                    return Err(self.fault("Objects must consist of key:value pairs"));
                }
            };
            let value = self.nested(depth + 1)?;
            map.insert(key, value);
            match self.space()? {
                None => return Err(self.unfinished()),
                Some(b',') => self.next()?,
                Some(b'}') => {
                    self.next()?;
                    return Ok(Value::object(map));
                }
                Some(b']') => {
                    self.next()?;
                    return Err(self.fault("Unmatched ']'"));
                }
                Some(_) => {
                    self.next()?;
                    return Err(self.fault("Expected separator between values"));
                }
            };
        }
    }

    /// A number or one of the names.
    fn word(&mut self) -> Result<Value, ReadError> {
        let mut word = String::new();
        loop {
            match self.peek()? {
                None | Some(b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b'[' | b']' | b'{' | b'}' | b'"') => break,
                Some(byte) => {
                    self.next()?;
                    word.push(char::from(byte));
                    if word.len() > MAX_NUMBER {
                        return Err(self.fault("Invalid numeric literal"));
                    }
                }
            }
        }
        let value = match word.as_str() {
            "null" => Some(Value::Null),
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "nan" | "NaN" | "-NaN" => Some(Value::from(f64::NAN)),
            other => Number::parse(other).map(Value::Number),
        };
        value.map_or_else(
            || {
                let eof = self.peek()?.is_none();
                // jq notices with the byte behind.
                self.next()?;
                let what = if word.starts_with(['n', 't', 'f', 'N', 'I'])
                    && ["null", "true", "false", "nan"]
                        .iter()
                        .any(|name| name.starts_with(&word) || word.len() == name.len())
                {
                    "Invalid literal"
                } else {
                    "Invalid numeric literal"
                };
                Err(self.fault(&format!("{what}{}", if eof { " at EOF" } else { "" })))
            },
            Ok,
        )
    }

    /// The rest of a string.
    fn string(&mut self) -> Result<Rc<str>, ReadError> {
        let mut text = vec![];
        loop {
            // Runs without escapes at once.
            self.peek()?;
            let rest = &self.buffer[self.at..];
            let run = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | b'\n')).unwrap_or(rest.len());
            text.extend_from_slice(&rest[..run]);
            self.at += run;
            self.column += run;
            match self.next()? {
                None => return Err(self.fault("Unfinished string at EOF")),
                Some(b'"') => {
                    return Ok(match String::from_utf8(text) {
                        Ok(text) => Rc::from(text),
                        Err(error) => Rc::from(String::from_utf8_lossy(error.as_bytes())),
                    });
                }
                Some(b'\\') => self.escape(&mut text)?,
                Some(byte) => text.push(byte),
            }
        }
    }

    fn escape(&mut self, text: &mut Vec<u8>) -> Result<(), ReadError> {
        let Some(byte) = self.next()? else { return Err(self.fault("Unfinished string at EOF")) };
        text.push(match byte {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'b' => 8,
            b'f' => 12,
            b'"' | b'\\' | b'/' => byte,
            b'u' => {
                let first = self.hex()?;
                let mut units = vec![first];
                // The other half of a pair.
                if (0xd800..0xdc00).contains(&first) && self.peek()? == Some(b'\\') {
                    self.next()?;
                    if self.peek()? == Some(b'u') {
                        self.next()?;
                        units.push(self.hex()?);
                    } else {
                        text.extend("\u{fffd}".bytes());
                        return self.escape(text);
                    }
                }
                text.extend(String::from_utf16_lossy(&units).bytes());
                return Ok(());
            }
            _ => return Err(self.fault("Invalid escape")),
        });
        Ok(())
    }

    fn hex(&mut self) -> Result<u16, ReadError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.next()?.and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else { return Err(self.fault("Invalid escape")) };
            unit = unit * 16 + digit;
        }
        Ok(u16::try_from(unit).unwrap_or(u16::MAX))
    }

    /// The next line as a string (`-R`), without its end.
    pub(crate) fn raw_line(&mut self) -> Result<Option<Value>, ReadError> {
        let mut line = vec![];
        if self.peek()?.is_none() {
            return Ok(None);
        }
        while let Some(byte) = self.next()? {
            if byte == b'\n' {
                break;
            }
            line.push(byte);
        }
        Ok(Some(Value::text(String::from_utf8_lossy(&line))))
    }

    /// Everything that is left, as text (`-R -s`).
    pub(crate) fn rest(&mut self) -> Result<String, ReadError> {
        let mut text = self.buffer[self.at..].to_vec();
        self.source.read_to_end(&mut text)?;
        self.line += text.iter().filter(|byte| **byte == b'\n').count();
        self.at = self.buffer.len();
        self.ended = true;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
