use std::rc::Rc;

use stepbox_tool::pattern::{Bounds, Language, LinePattern, Options};

/// A regular expression for whole paths.
#[derive(Clone)]
pub(crate) struct PathPattern {
    text: String,
    ignore_case: bool,
    compiled: Rc<LinePattern>,
}

impl PathPattern {
    /// Reads a pattern in the language that `-regextype` names. The error is a message.
    pub(crate) fn new(text: String, kind: &str, ignore_case: bool) -> Result<Self, String> {
        let (language, pattern) = match kind {
            "emacs" | "findutils-default" => (Language::Basic, from_emacs(&text)),
            "posix-basic" | "ed" | "sed" | "grep" | "posix-minimal-basic" => (Language::Basic, text.clone()),
            "posix-extended" | "posix-egrep" | "egrep" | "awk" | "posix-awk" | "gnu-awk" => {
                (Language::Extended, text.clone())
            }
            other => return Err(format!("`{other}` is no type of regular expressions")),
        };
        let options = Options { ignore_case, ..Options::new(language) };
        // A path may hold any character but zero.
        let compiled = LinePattern::new(&[pattern.into_bytes()], options, Bounds::Line, 0, false)?;
        Ok(Self { text, ignore_case, compiled: Rc::new(compiled) })
    }

    pub(crate) fn matches(&self, path: &[u8]) -> Result<bool, String> {
        self.compiled.is_match(path).map_err(|error| error.to_string())
    }
}

impl PartialEq for PathPattern {
    fn eq(&self, other: &Self) -> bool {
        (&self.text, self.ignore_case) == (&other.text, other.ignore_case)
    }
}

impl std::fmt::Debug for PathPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.text.fmt(f)
    }
}

/// Emacs repeats by `+` and `?` without a backslash, and has no intervals.
fn from_emacs(text: &str) -> String {
    let mut result = String::new();
    let mut characters = text.chars().peekable();
    let mut in_set = false;
    while let Some(character) = characters.next() {
        match character {
            '[' if !in_set => {
                in_set = true;
                result.push('[');
                result.extend(characters.next_if_eq(&'^'));
                result.extend(characters.next_if_eq(&']'));
                continue;
            }
            ']' if in_set => in_set = false,
            '+' | '?' if !in_set => result.push('\\'),
            '\\' if !in_set => {
                match characters.next() {
                    Some(literal @ ('+' | '?' | '{' | '}')) => result.push(literal),
                    Some(other) => result.extend(['\\', other]),
                    None => result.push('\\'),
                }
                continue;
            }
            _ => {}
        }
        result.push(character);
    }
    result
}
