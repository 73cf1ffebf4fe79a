//! Word expansion (XCU 2.6): tilde, parameters, substitutions, arithmetic, field splitting, pathnames, quote removal.

mod braces;
mod expansion;
mod glob;
mod names;
mod parameter;
mod split;
mod substitution;
mod text;
mod transform;

use std::borrow::Cow;
use std::sync::Arc;

use self::expansion::{Expansion, Origin, is_special};
use self::glob::GlobOptions;
use crate::arithmetic;
use crate::builtins::stack_position;
use crate::config::Mode;
use crate::eval::{Flow, Shell};
use crate::ir::{Part, Simple, Word};
use crate::parse::is_name;
use crate::pattern::{Pattern, PatternOptions, Unit};
use crate::switches::Switch;
use crate::variables::{Key, Kind};

/// How the result of an expansion is used.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Purpose {
    /// Fields: `$@` gives several.
    Fields,
    /// One text: an assignment, a redirection, `case`.
    Text,
}

impl Shell {
    /// The fields of a command's words.
    pub(crate) fn expand_fields(&mut self, words: &[Word]) -> Result<Vec<Vec<u8>>, Flow> {
        let mut fields = Vec::with_capacity(words.len());
        let mut bytes = 0;
        for word in words {
            let before = fields.len();
            if let Some(words) = self.expand_braces(word)? {
                for word in &words {
                    self.expand_word(word, &mut fields)?;
                }
            }
            // By far the most frequent word.
            else if let [Part::Literal(text)] = word.parts.as_slice()
                && (text == b"[" || !text.iter().any(|byte| is_special(*byte)))
            {
                fields.push(text.clone());
            } else {
                self.expand_word(word, &mut fields)?;
            }
            bytes += fields[before..].iter().map(|field: &Vec<u8>| field.len() + 1).sum::<usize>();
            if bytes > self.limits().expansion {
                return Err(self.fatal(&format!("a command expands to more than {} bytes", self.limits().expansion)));
            }
        }
        Ok(fields)
    }

    /// The same for `export` and its like: the value of `NAME=value` is not split, and what is to be an array waits in
    /// `compounds` for the command.
    pub(crate) fn expand_declaration(&mut self, simple: &Simple) -> Result<Vec<Vec<u8>>, Flow> {
        let mut fields = vec![];
        let mut compounds = vec![];
        for (number, word) in simple.words.iter().enumerate() {
            let compound = simple.compounds.iter().find(|(place, _)| *place == number);
            compounds.extend(compound.map(|(_, elements)| (fields.len(), Arc::clone(elements))));
            let name = match word.parts.first() {
                Some(Part::Literal(text)) => text
                    .iter()
                    .position(|byte| *byte == b'=' || (*byte == b'[' && self.context.mode == Mode::Bash))
                    .map(|end| text[..end].strip_suffix(b"+").unwrap_or(&text[..end])),
                _ => None,
            };
            if name.is_some_and(is_name) {
                match self.expand_braces(word)? {
                    None => fields.push(self.expand_text(word)?),
                    Some(words) => {
                        for word in &words {
                            fields.push(self.expand_text(word)?);
                        }
                    }
                }
            } else {
                fields.extend(self.expand_fields(std::slice::from_ref(word))?);
            }
        }
        // Counted from the end: `builtin` and `command` take words off the beginning.
        let count = fields.len();
        self.compounds = compounds.into_iter().map(|(place, elements)| (count - place, elements)).collect();
        Ok(fields)
    }

    fn expand_word(&mut self, word: &Word, fields: &mut Vec<Vec<u8>>) -> Result<(), Flow> {
        let mut expansion = Expansion::new();
        self.expand_parts(&word.parts, Purpose::Fields, &mut expansion)?;
        let separators = self.field_separators();
        if expansion.is_whole(&separators) {
            fields.extend(expansion.into_field());
            return Ok(());
        }
        if let Some(broken) = expansion.broken(&separators) {
            fields.extend(broken);
            return Ok(());
        }
        for field in expansion.split(&separators) {
            if self.glob_field(&field, fields)? {
                continue;
            }
            fields.push(field.into_iter().map(|(byte, _)| byte).collect());
        }
        Ok(())
    }

    /// Adds the files that a field names as a pattern; false where it stands for itself.
    fn glob_field(&mut self, field: &[(u8, Origin)], fields: &mut Vec<Vec<u8>>) -> Result<bool, Flow> {
        let special = |(byte, origin): &(u8, Origin)| *origin != Origin::Quoted && is_special(*byte);
        if self.options().noglob || !field.iter().any(special) {
            return Ok(false);
        }
        let switches = self.switches();
        let units: Vec<Unit> =
            field.iter().map(|(byte, origin)| Unit { byte: *byte, active: *origin != Origin::Quoted }).collect();
        let ignored = if self.is_bash() { self.get(b"GLOBIGNORE").filter(|text| !text.is_empty()) } else { None };
        let options = GlobOptions {
            pattern: PatternOptions {
                extended: self.extended_patterns(),
                ignore_case: switches.is_on(Switch::Nocaseglob),
            },
            hidden: switches.is_on(Switch::Dotglob) || ignored.is_some(),
            skips_dots: self.is_bash() && switches.is_on(Switch::Globskipdots),
            deep: switches.is_on(Switch::Globstar),
            max_bytes: self.limits().expansion,
        };
        let mut found = glob::glob(&units, self.cwd(), self.vfs(), &options);
        if let (Some(ignored), Ok(Some(found))) = (&ignored, &mut found) {
            let ignored = glob::ignored(ignored, self.pattern_options());
            found.retain(|path| {
                let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
                name != b"." && name != b".." && !ignored.iter().any(|pattern| pattern.matches(path))
            });
        }
        match found {
            Err(message) => Err(self.expansion_error(&message)),
            // No pattern after all.
            Ok(None) => Ok(false),
            Ok(Some(found)) if found.is_empty() => {
                if switches.is_on(Switch::Failglob) {
                    let text: Vec<u8> = field.iter().map(|(byte, _)| *byte).collect();
                    return Err(self.expansion_error(&format!("no match: {}", String::from_utf8_lossy(&text))));
                }
                Ok(switches.is_on(Switch::Nullglob))
            }
            Ok(Some(found)) => {
                fields.extend(found);
                Ok(true)
            }
        }
    }

    /// A word as one text, without splitting and pathnames.
    pub(crate) fn expand_text(&mut self, word: &Word) -> Result<Vec<u8>, Flow> {
        if let [Part::Literal(text) | Part::Quoted(text)] = word.parts.as_slice() {
            return Ok(text.clone());
        }
        let mut expansion = Expansion::only_text();
        self.expand_parts(&word.parts, Purpose::Text, &mut expansion)?;
        Ok(expansion.into_text())
    }

    /// A word as a pattern: what was quoted is literal.
    pub(crate) fn expand_pattern(&mut self, word: &Word) -> Result<Pattern, Flow> {
        Ok(Pattern::new(&self.expand_units(word)?, self.pattern_options()))
    }

    /// The same for what takes no notice of `nocasematch`: `${name#…}`, `${name^…}`.
    pub(super) fn expand_exact_pattern(&mut self, word: &Word) -> Result<Pattern, Flow> {
        let options = PatternOptions { ignore_case: false, ..self.pattern_options() };
        Ok(Pattern::new(&self.expand_units(word)?, options))
    }

    /// The same for the right side of `[[ == ]]`, where extended patterns are always special, with its text as `set -x` shows
    /// it: a backslash before what was quoted.
    pub(crate) fn expand_test_pattern(&mut self, word: &Word) -> Result<(Pattern, Vec<u8>), Flow> {
        let units = self.expand_units(word)?;
        let mut options = self.pattern_options();
        options.extended = self.context.mode == Mode::Bash;
        let mut text = vec![];
        for unit in &units {
            text.extend((!unit.active).then_some(b'\\'));
            text.push(unit.byte);
        }
        Ok((Pattern::new(&units, options), text))
    }

    /// A word as the units of a pattern or a regular expression.
    pub(crate) fn expand_units(&mut self, word: &Word) -> Result<Vec<Unit>, Flow> {
        let mut expansion = Expansion::new();
        self.expand_parts(&word.parts, Purpose::Text, &mut expansion)?;
        Ok(expansion.units())
    }

    /// How patterns are read: bash's `extglob` and `nocasematch`.
    pub(crate) fn pattern_options(&self) -> PatternOptions {
        PatternOptions { extended: self.extended_patterns(), ignore_case: self.switches().is_on(Switch::Nocasematch) }
    }

    pub(crate) fn extended_patterns(&self) -> bool {
        self.context.mode == Mode::Bash && self.switches().is_on(Switch::Extglob)
    }

    pub(crate) fn expand_parts(&mut self, parts: &[Part], purpose: Purpose, out: &mut Expansion) -> Result<(), Flow> {
        for (number, part) in parts.iter().enumerate() {
            match part {
                Part::Literal(text) => out.plain(text),
                Part::Quoted(text) => out.push(text, true),
                Part::Tilde(name) => {
                    let mut home = self.home_of(name);
                    // A slash behind it is not doubled (POSIX.1-2024, XCU 2.6.1).
                    let slash = |part: &Part| matches!(part, Part::Literal(text) if text.starts_with(b"/"));
                    if home.ends_with(b"/") && parts.get(number + 1).is_some_and(slash) {
                        home.pop();
                    }
                    out.push(&home, true);
                }
                Part::Parameter { parameter, quoted } => self.expand_parameter(parameter, *quoted, purpose, out)?,
                Part::Command { list, quoted } => out.push(&self.substitute(list)?, *quoted),
                Part::Process { list, output } => {
                    let path = self.substitute_process(list, *output)?;
                    out.push(&path, true);
                }
                // Only words of commands have them, and those are expanded before.
                Part::Braces(_) => {}
                Part::Arithmetic { expression, quoted } => {
                    let value = match expression.parts.as_slice() {
                        [Part::Quoted(text)] => self.arithmetic(text)?,
                        _ => {
                            let text = self.expand_text(expression)?;
                            self.arithmetic(&text)?
                        }
                    };
                    out.push(value.to_string().as_bytes(), *quoted);
                }
            }
            if out.len() > self.limits().expansion {
                return Err(self.fatal(&format!("a word expands to more than {} bytes", self.limits().expansion)));
            }
        }
        Ok(())
    }

    /// The value of an arithmetic expression.
    pub(crate) fn arithmetic(&mut self, text: &[u8]) -> Result<i64, Flow> {
        self.try_arithmetic(text).map_err(|message| match std::mem::take(&mut self.met_unset) {
            true => self.missing_parameter(&message),
            false => self.arithmetic_error(&message),
        })
    }

    /// The same, or what is wrong.
    pub(crate) fn try_arithmetic(&mut self, text: &[u8]) -> Result<i64, String> {
        arithmetic::evaluate(text, self)
    }

    fn home_of(&mut self, name: &[u8]) -> Vec<u8> {
        match name {
            b"" => self.get(b"HOME").unwrap_or_else(|| b"~".to_vec()),
            // The one user there is.
            b"root" => b"/root".to_vec(),
            _ => self.directory_of(name).unwrap_or_else(|| [b"~", name].concat()),
        }
    }

    /// bash's `~+`, `~-` and `~N`: the working directory, the one before, one of the stack.
    fn directory_of(&self, name: &[u8]) -> Option<Vec<u8>> {
        if !self.is_bash() {
            return None;
        }
        match name {
            b"+" => return self.get(b"PWD"),
            b"-" => return self.get(b"OLDPWD"),
            _ => {}
        }
        let stack = self.directories();
        let position = match name {
            [b'0'..=b'9', ..] => stack_position(&[b"+", name].concat(), stack.len()),
            name => stack_position(name, stack.len()),
        };
        stack.into_iter().nth(position??)
    }

    /// `IFS`, with its default where it is unset.
    pub(crate) fn field_separators(&self) -> Cow<'_, [u8]> {
        self.lookup(b"IFS").unwrap_or(Cow::Borrowed(b" \t\n"))
    }
}

/// The fields of a line that `read -a` has read: its bytes, and whether each was escaped.
pub(crate) fn split_line(line: &[(u8, bool)], separators: &[u8]) -> Vec<Vec<u8>> {
    let origin = |escaped: bool| if escaped { Origin::Quoted } else { Origin::Expanded };
    let tokens: Vec<_> = line.iter().map(|(byte, escaped)| split::Token::Byte(*byte, origin(*escaped))).collect();
    let fields = split::split(&tokens, separators);
    fields.into_iter().map(|field| field.into_iter().map(|(byte, _)| byte).collect()).collect()
}

/// What bash says of an unset variable under `set -u`.
const UNBOUND: &str = "unbound variable";

impl arithmetic::Variables for Shell {
    fn get(&mut self, name: &[u8]) -> Result<Cow<'_, [u8]>, String> {
        if self.options().nounset && self.is_bash() {
            self.met_unset = self.lookup(name).is_none();
        }
        match self.lookup(name) {
            Some(value) => Ok(value),
            None if self.options().nounset => {
                let text = if self.is_bash() { UNBOUND } else { "parameter not set" };
                Err(format!("{}: {text}", String::from_utf8_lossy(name)))
            }
            None => Ok(Cow::Borrowed(b"")),
        }
    }

    fn set(&mut self, name: &[u8], value: i64) -> Result<(), String> {
        self.assign(name, value.to_string().into_bytes())
    }

    fn is_associative(&self, name: &[u8]) -> bool {
        self.kind(name) == Kind::Associative
    }

    fn get_element(&mut self, name: &[u8], subscript: &[u8]) -> Result<Vec<u8>, String> {
        let place = self.element_place(name, subscript)?;
        if subscript.trim_ascii().is_empty() && !matches!(place.key, Some(Key::Text(_))) {
            self.complain(&format!("{}[]: bad array subscript", String::from_utf8_lossy(name)));
            return Ok(vec![]);
        }
        let value = match self.value_at(&place) {
            Ok(value) => value.map(Cow::into_owned),
            // As bash: it says so and goes on with nothing.
            Err(message) => {
                self.complain(&message);
                return Ok(vec![]);
            }
        };
        match value {
            Some(value) => Ok(value),
            None if self.options().nounset => {
                self.met_unset = self.is_bash();
                let (name, subscript) = (String::from_utf8_lossy(name), String::from_utf8_lossy(subscript));
                Err(format!("{name}[{subscript}]: {UNBOUND}"))
            }
            None => Ok(vec![]),
        }
    }

    fn set_element(&mut self, name: &[u8], subscript: &[u8], value: i64) -> Result<(), String> {
        Self::set_element(self, name, subscript, value.to_string().into_bytes())
    }

    fn has_arrays(&self) -> bool {
        self.context.mode == Mode::Bash
    }
}
