//! `${v@Q}` and its like.

use super::parameter::Found;
use super::{Expansion, Purpose};
use crate::builtins::escape::unescape;
use crate::eval::{Flow, Shell};
use crate::ir::Name;
use crate::variables::{Kind, Variable, definition, keys_and_values, letters, lower, quote_always, upper};

impl Shell {
    pub(super) fn transform(
        &mut self,
        name: &Name,
        found: Found,
        letter: u8,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) -> Result<(), Flow> {
        let found = match letter {
            b'A' | b'a' if self.variable_of(name).is_none() && matches!(found, Found::One(None)) => {
                self.must_be(name, found)?
            }
            b'A' => self.as_assignment(name, &found),
            b'a' => self.attributes_of(name, found),
            b'K' | b'k' if self.is_array(name) => return self.keys_too(name, letter == b'k', quoted, purpose, out),
            _ => {
                let missing = matches!(found, Found::One(None));
                let found = self.must_be(name, found)?;
                // What is not there is nothing, not an empty word.
                if missing { Found::One(Some(vec![])) } else { self.transform_values(found, letter) }
            }
        };
        self.push_found(found, quoted, purpose, out);
        Ok(())
    }

    fn transform_values(&mut self, found: Found, letter: u8) -> Found {
        match letter {
            b'U' => found.map(|value| letters(&value, |_, letter| upper(letter))),
            b'L' => found.map(|value| letters(&value, |_, letter| lower(letter))),
            b'u' => {
                found.map(|value| letters(&value, |number, letter| if number == 0 { upper(letter) } else { letter }))
            }
            b'E' => found.map(|value| escapes_replaced(&value)),
            b'P' => found.map(|value| self.prompt_of(&value)),
            _ => found.map(|value| quote_always(&value)),
        }
    }

    fn is_array(&self, name: &Name) -> bool {
        matches!(name, Name::Elements { name, .. } if self.kind(name) != Kind::Scalar)
    }

    /// The variable that a parameter is about.
    fn variable_of(&self, name: &Name) -> Option<(Vec<u8>, &Variable)> {
        let (Name::Variable(name) | Name::Element { name, .. } | Name::Elements { name, .. }) = name else {
            return None;
        };
        let name = self.referred(name);
        self.state.variables.get(name).map(|variable| (name.to_vec(), variable))
    }

    /// `${v@A}`: what would make it again.
    fn as_assignment(&self, parameter: &Name, found: &Found) -> Found {
        if let (Name::Special(b'@' | b'*'), Found::List { values, .. }) = (parameter, found) {
            let words: Vec<Vec<u8>> = values.iter().map(|value| quote_always(value)).collect();
            let text = if words.is_empty() { vec![] } else { [&b"set -- "[..], &words.join(&b' ')].concat() };
            return Found::One(Some(text));
        }
        let Some((name, variable)) = self.variable_of(parameter) else { return Found::One(Some(vec![])) };
        if self.is_array(parameter) {
            return Found::One(Some(definition(self, &name, variable)));
        }
        let letters = variable.attributes.letters(variable.kind());
        let value = match found {
            Found::One(Some(value)) => Some(quote_always(value)),
            Found::One(None) => None,
            Found::List { values, .. } => values.first().map(|value| quote_always(value)),
        };
        let mut text = vec![];
        if !letters.is_empty() {
            text.extend_from_slice(format!("declare -{letters} ").as_bytes());
        } else if value.is_none() {
            return Found::One(Some(vec![]));
        }
        text.extend_from_slice(&name);
        if let Some(value) = value {
            text.push(b'=');
            text.extend_from_slice(&value);
        }
        Found::One(Some(text))
    }

    /// `${v@a}`: the letters of its attributes, once for each value.
    fn attributes_of(&self, name: &Name, found: Found) -> Found {
        let letters = self
            .variable_of(name)
            .map(|(_, variable)| variable.attributes.letters(variable.kind()).into_bytes())
            .unwrap_or_default();
        match found {
            Found::One(_) => Found::One(Some(letters)),
            list => list.map(|_| letters.clone()),
        }
    }

    /// `${a[@]@K}` as one text, `${a[@]@k}` as words.
    fn keys_too(
        &mut self,
        name: &Name,
        as_words: bool,
        quoted: bool,
        purpose: Purpose,
        out: &mut Expansion,
    ) -> Result<(), Flow> {
        let Name::Elements { name, star } = name else { return Ok(()) };
        if as_words {
            let name = self.referred(name).to_vec();
            let pairs: Vec<Vec<u8>> =
                self.keys(&name).into_iter().zip(self.elements(&name)).flat_map(<[_; 2]>::from).collect();
            self.push_list(&pairs, *star, quoted, purpose, out);
        } else {
            out.push(&keys_and_values(self, name), quoted);
        }
        Ok(())
    }

    /// A text expanded as a prompt is (PROMPTING in bash's manual), without what needs a terminal or a history.
    fn prompt_of(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = vec![];
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            at += 1;
            if *byte != b'\\' {
                out.push(*byte);
                continue;
            }
            let Some(letter) = text.get(at) else {
                out.push(b'\\');
                break;
            };
            at += 1;
            match letter {
                b'n' => out.push(b'\n'),
                b'r' => out.push(b'\r'),
                b'a' => out.push(7),
                b'e' => out.push(27),
                b'$' => out.push(b'#'),
                b'\\' => out.push(b'\\'),
                b'[' => out.push(1),
                b']' => out.push(2),
                b's' => out.extend_from_slice(self.state.name.rsplit(|byte| *byte == b'/').next().unwrap_or_default()),
                b'u' => out.extend_from_slice(b"root"),
                b'h' | b'H' => {
                    let host = self.get(b"HOSTNAME").unwrap_or_default();
                    let end = if *letter == b'h' { host.iter().position(|byte| *byte == b'.') } else { None };
                    out.extend_from_slice(&host[..end.unwrap_or(host.len())]);
                }
                b'w' | b'W' => {
                    let cwd = self.cwd().as_bytes().to_vec();
                    let home = self.get(b"HOME").unwrap_or_default();
                    let short = match cwd.strip_prefix(home.as_slice()) {
                        Some(rest) if !home.is_empty() && (rest.is_empty() || rest[0] == b'/') => [b"~", rest].concat(),
                        _ => cwd,
                    };
                    let last = short.rsplit(|byte| *byte == b'/').next().filter(|last| !last.is_empty());
                    out.extend_from_slice(if *letter == b'W' { last.unwrap_or(&short) } else { &short });
                }
                b'j' => out.extend_from_slice(self.jobs.len().to_string().as_bytes()),
                b'v' => out.extend_from_slice(b"5.2"),
                b'V' => out.extend_from_slice(b"5.2.15"),
                b'0'..=b'7' => {
                    let length = text[at - 1..].iter().take(3).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                    let digits = &text[at - 1..at - 1 + length];
                    let value = digits.iter().fold(0u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                    out.push((value & 0xff) as u8);
                    at += length - 1;
                }
                other => out.extend_from_slice(&[b'\\', *other]),
            }
        }
        self.expand_prompt(out)
    }
}

/// `${v@E}`: as between `$'` and `'`.
fn escapes_replaced(text: &[u8]) -> Vec<u8> {
    let mut out = vec![];
    let mut at = 0;
    while at < text.len() {
        if text[at] == b'\\'
            && let Some(length) = unescape(&text[at + 1..], true, &mut out)
        {
            at += 1 + length;
            continue;
        }
        out.push(text[at]);
        at += 1;
    }
    out
}
