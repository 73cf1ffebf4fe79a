use std::rc::Rc;

use stepbox_tool::pattern::{Exhausted, Pattern};

use super::value::{Text, Value};

/// The most fields of a record.
pub(super) const MAX_FIELDS: usize = 1 << 20;

/// What stands between fields.
#[derive(Clone)]
pub(super) enum FieldSeparator {
    /// Blanks and newlines.
    Blanks,
    Byte(u8),
    Pattern(Rc<Pattern>),
    /// Each character is a field.
    Nothing,
}

/// Calls with the places of all pieces of a text.
pub(super) fn split(
    text: &[u8],
    separator: &FieldSeparator,
    newlines: bool,
    mut piece: impl FnMut(usize, usize),
) -> Result<(), Exhausted> {
    match separator {
        FieldSeparator::Blanks => {
            let mut at = 0;
            loop {
                while text.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\n')) {
                    at += 1;
                }
                if at == text.len() {
                    return Ok(());
                }
                let start = at;
                while text.get(at).is_some_and(|byte| !matches!(byte, b' ' | b'\t' | b'\n')) {
                    at += 1;
                }
                piece(start, at);
            }
        }
        _ if text.is_empty() => Ok(()),
        FieldSeparator::Byte(separator) => {
            let mut start = 0;
            for (at, byte) in text.iter().enumerate() {
                if byte == separator || (newlines && *byte == b'\n') {
                    piece(start, at);
                    start = at + 1;
                }
            }
            piece(start, text.len());
            Ok(())
        }
        FieldSeparator::Pattern(pattern) => {
            let (mut start, mut from) = (0, 0);
            loop {
                let mut found = pattern.find(text, from)?;
                if newlines && let Some(at) = text[from..].iter().position(|byte| *byte == b'\n') {
                    let newline = (from + at, from + at + 1);
                    if found.is_none_or(|(begin, _)| newline.0 < begin) {
                        found = Some(newline);
                    }
                }
                match found {
                    None => break,
                    Some((begin, end)) if begin == end => {
                        if begin >= text.len() {
                            break;
                        }
                        from = begin + 1;
                    }
                    Some((begin, end)) => {
                        piece(start, begin);
                        (start, from) = (end, end);
                    }
                }
            }
            piece(start, text.len());
            Ok(())
        }
        FieldSeparator::Nothing => {
            let mut at = 0;
            while at < text.len() {
                let end = at + stepbox_tool::pattern::character_length(text, at);
                piece(at, end);
                at = end;
            }
            Ok(())
        }
    }
}

/// The record and its fields, which are found when they are asked for.
pub(super) struct Record {
    text: Text,
    /// Whether the text is older than the fields.
    stale: bool,
    fields: Vec<Field>,
    split: bool,
}

#[derive(Clone)]
enum Field {
    Place(usize, usize),
    Value(Value),
}

impl Default for Record {
    fn default() -> Self {
        Self { text: Rc::from(&b""[..]), stale: false, fields: vec![], split: true }
    }
}

impl Record {
    pub(super) fn set(&mut self, text: Text) {
        self.text = text;
        self.stale = false;
        self.fields.clear();
        self.split = false;
    }

    pub(super) fn is_split(&self) -> bool {
        self.split
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// The text, where it is not stale.
    pub(super) fn text(&self) -> &Text {
        &self.text
    }

    pub(super) fn split(&mut self, separator: &FieldSeparator, newlines: bool) -> Result<(), Exhausted> {
        self.split = true;
        self.fields.clear();
        let fields = &mut self.fields;
        split(&self.text, separator, newlines, |from, to| fields.push(Field::Place(from, to)))
    }

    pub(super) fn count(&self) -> usize {
        self.fields.len()
    }

    /// A field, from 1 on.
    pub(super) fn get(&self, index: usize) -> Value {
        match self.fields.get(index.wrapping_sub(1)) {
            Some(Field::Place(from, to)) => Value::Input(Rc::from(&self.text[*from..*to])),
            Some(Field::Value(value)) => value.clone(),
            // It is no number, unlike a variable that has no value.
            None => Value::Input(Rc::from(&b""[..])),
        }
    }

    pub(super) fn put(&mut self, index: usize, value: Value) {
        self.resize(self.fields.len().max(index));
        self.fields[index - 1] = Field::Value(value);
    }

    /// Makes so many fields.
    pub(super) fn resize(&mut self, count: usize) {
        // Places are of the text, which changes now.
        for field in &mut self.fields {
            if let Field::Place(from, to) = field {
                *field = Field::Value(Value::Input(Rc::from(&self.text[*from..*to])));
            }
        }
        self.fields.resize(count, Field::Value(Value::Nothing));
        self.stale = true;
    }

    /// Puts the text together again.
    pub(super) fn join(&mut self, separator: &[u8], format: &[u8]) {
        let mut text = vec![];
        for index in 1..=self.fields.len() {
            if index > 1 {
                text.extend(separator);
            }
            text.extend(&self.get(index).to_text(format)[..]);
        }
        self.text = text.into();
        self.stale = false;
    }
}
