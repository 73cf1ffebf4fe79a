use std::io::{self, Write};

use super::value::Value;

/// How JSON is laid out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Layout {
    /// What one level is indented with; everything on one line without.
    pub(crate) indent: Option<String>,
    /// Keys sorted.
    pub(crate) sort: bool,
    /// With the colours of jq.
    pub(crate) color: bool,
    /// Nothing but ASCII.
    pub(crate) ascii: bool,
}

impl Layout {
    /// On one line.
    pub(crate) fn compact() -> Self {
        Self { indent: None, sort: false, color: false, ascii: false }
    }
}

const RESET: &str = "\x1b[0m";
const COLLECTION: &str = "\x1b[1;39m";
const KEY: &str = "\x1b[34;1m";

/// Writes a value, without an end of line.
pub(crate) fn write(output: &mut dyn Write, value: &Value, layout: &Layout) -> io::Result<()> {
    Writer { output, layout }.value(value, 0)
}

struct Writer<'a> {
    output: &'a mut dyn Write,
    layout: &'a Layout,
}

impl Writer<'_> {
    fn raw(&mut self, text: &str) -> io::Result<()> {
        self.output.write_all(text.as_bytes())
    }

    /// A colour, where there are colours.
    fn paint(&mut self, color: &str) -> io::Result<()> {
        if self.layout.color { self.raw(color) } else { Ok(()) }
    }

    fn line(&mut self, level: usize) -> io::Result<()> {
        if let Some(indent) = &self.layout.indent {
            self.output.write_all(b"\n")?;
            for _ in 0..level {
                self.output.write_all(indent.as_bytes())?;
            }
        }
        Ok(())
    }

    fn value(&mut self, value: &Value, level: usize) -> io::Result<()> {
        let color = match value {
            Value::Null => "\x1b[1;30m",
            Value::Bool(_) | Value::Number(_) => "\x1b[0;39m",
            Value::String(_) => "\x1b[0;32m",
            Value::Array(_) | Value::Object(_) => COLLECTION,
        };
        self.paint(color)?;
        match value {
            Value::Null => self.raw("null")?,
            Value::Bool(value) => self.raw(if *value { "true" } else { "false" })?,
            Value::Number(number) => self.raw(&number.text())?,
            Value::String(text) => self.string(text)?,
            Value::Array(items) if items.is_empty() => self.raw("[]")?,
            Value::Object(map) if map.is_empty() => self.raw("{}")?,
            Value::Array(items) => {
                self.raw("[")?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.between()?;
                    }
                    self.line(level + 1)?;
                    self.value(item, level + 1)?;
                }
                self.paint(COLLECTION)?;
                self.line(level)?;
                self.paint(COLLECTION)?;
                self.raw("]")?;
            }
            Value::Object(map) => {
                let mut entries: Vec<_> = map.iter().collect();
                if self.layout.sort {
                    entries.sort_by(|a, b| a.0.cmp(b.0));
                }
                self.raw("{")?;
                for (at, (key, value)) in entries.into_iter().enumerate() {
                    if at > 0 {
                        self.between()?;
                    }
                    self.line(level + 1)?;
                    self.paint(RESET)?;
                    self.paint(KEY)?;
                    self.string(key)?;
                    self.paint(RESET)?;
                    self.paint(COLLECTION)?;
                    self.raw(":")?;
                    if self.layout.indent.is_some() {
                        self.raw(" ")?;
                    }
                    self.paint(RESET)?;
                    self.value(value, level + 1)?;
                }
                self.paint(COLLECTION)?;
                self.line(level)?;
                self.paint(COLLECTION)?;
                self.raw("}")?;
            }
        }
        self.paint(RESET)
    }

    fn between(&mut self) -> io::Result<()> {
        self.paint(COLLECTION)?;
        self.raw(",")
    }

    fn string(&mut self, text: &str) -> io::Result<()> {
        self.raw("\"")?;
        let mut from = 0;
        for (at, character) in text.char_indices() {
            let escape = match character {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\t' => "\\t",
                '\r' => "\\r",
                '\u{8}' => "\\b",
                '\u{c}' => "\\f",
                '\0'..='\u{1f}' | '\u{7f}' => "",
                other if self.layout.ascii && !other.is_ascii() => "",
                _ => continue,
            };
            self.raw(&text[from..at])?;
            from = at + character.len_utf8();
            if escape.is_empty() {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(self.output, "\\u{unit:04x}")?;
                }
            } else {
                self.raw(escape)?;
            }
        }
        self.raw(&text[from..])?;
        self.raw("\"")
    }
}
