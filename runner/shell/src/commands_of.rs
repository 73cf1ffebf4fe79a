//! Which commands a script needs, found without running it.

use std::collections::{BTreeMap, BTreeSet};

use crate::builtins;
use crate::config::{Limits, Mode};
use crate::ir::{
    AndOr, Assigned, Braces, Command, Compound, Element, List, Name, Operation, Part, Redirect, RedirectKind, Simple,
    Test, Word,
};
use crate::parse::{SyntaxError, parse};

/// How deep scripts in scripts and commands that start others are looked into: `sh -c 'sh -c …'`.
const MAX_DEPTH: u32 = 16;

/// A command that a script names.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CommandUse {
    /// Its name, a path where it has a slash.
    pub name: String,
    /// The line of the script in which it stands first, counted from 1.
    pub line: u32,
}

/// The commands that a script names and that something outside the shell must provide, by name: neither built in nor a
/// function of the script. Substitutions, functions and scripts that stand in it as they are (`sh -c '…'`, `eval '…'`,
/// `trap '…'`, `xargs`, `env`, `find -exec` and their like) are looked into; what is computed when it runs is not known.
pub fn commands_of(source: &[u8], mode: Mode) -> Result<Vec<CommandUse>, SyntaxError> {
    let list = parse(source, 1, mode, &Limits::default())?;
    let mut found = Found { mode, ..Found::default() };
    found.list(&list);
    let wanted = found.commands.into_iter().filter(|(name, _)| !found.functions.contains(name));
    Ok(wanted.map(|(name, line)| CommandUse { name: String::from_utf8_lossy(&name).into_owned(), line }).collect())
}

/// The text of a word, where nothing in it is expanded.
fn literal(word: &Word) -> Option<Vec<u8>> {
    let mut text = vec![];
    for part in &word.parts {
        match part {
            Part::Literal(piece) | Part::Quoted(piece) => text.extend_from_slice(piece),
            _ => return None,
        }
    }
    Some(text)
}

/// How many words after a command that starts another one belong to it: its options, their values, and what else comes
/// before the other command's name. `None` where that is not known.
fn before_the_other(name: &[u8], words: &[Option<Vec<u8>>]) -> Option<usize> {
    // Options whose value is the next word.
    let (valued, operands): (&[u8], usize) = match name {
        b"exec" | b"command" | b"nohup" | b"time" | b"builtin" => (b"", 0),
        b"env" => (b"uCS", 0),
        b"nice" => (b"n", 0),
        b"timeout" => (b"ks", 1),
        b"xargs" => (b"adEeIiLlnPs", 0),
        _ => return None,
    };
    let mut at = 0;
    while let Some(word) = words.get(at) {
        match word.as_deref() {
            Some(b"--") => {
                at += 1;
                break;
            }
            // `command -v name` asks and does not run.
            Some([b'-', b'v' | b'V', ..]) if name == b"command" => return None,
            Some([b'-', b'-', ..]) => at += 1,
            Some([b'-', option]) if valued.contains(option) => at += 2,
            Some([b'-', _, ..]) => at += 1,
            Some(word) if name == b"env" && word.contains(&b'=') => at += 1,
            _ => break,
        }
    }
    Some(at + operands)
}

#[derive(Default)]
struct Found {
    commands: BTreeMap<Vec<u8>, u32>,
    functions: BTreeSet<Vec<u8>>,
    depth: u32,
    /// The shell of the script that is being looked at.
    mode: Mode,
    /// What is added to lines: a script in a script begins where it stands.
    offset: u32,
}

impl Found {
    /// A command with what is known of its words.
    fn called(&mut self, words: &[Option<Vec<u8>>], line: u32) {
        let Some((Some(name), rest)) = words.split_first() else { return };
        if builtins::find_special(name).is_none() && builtins::find_regular(name, self.mode).is_none() {
            let line = line + self.offset;
            let first = self.commands.entry(name.clone()).or_insert(line);
            *first = line.min(*first);
        }
        let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        match name {
            b"sh" | b"bash" | b"ash" | b"dash" => {
                let mut words = rest.iter();
                // The word after the options is the script where `c` is one of them.
                let mut runs_text = false;
                for word in words.by_ref() {
                    match word.as_deref() {
                        Some([b'-' | b'+', options @ ..]) if !options.is_empty() => {
                            runs_text |= options.contains(&b'c')
                        }
                        Some(text) if runs_text => {
                            let mode = if name == b"bash" { Mode::Bash } else { Mode::Sh };
                            return self.script(text, mode, line);
                        }
                        _ => return,
                    }
                }
            }
            b"eval" => {
                if let Some(texts) = rest.iter().cloned().collect::<Option<Vec<_>>>() {
                    self.script(&texts.join(&b' '), self.mode, line);
                }
            }
            b"trap" => {
                if let [Some(text), Some(_), ..] = rest
                    && !text.starts_with(b"-")
                {
                    self.script(text, self.mode, line);
                }
            }
            b"find" => {
                let is =
                    |word: &Option<Vec<u8>>, names: &[&[u8]]| word.as_deref().is_some_and(|word| names.contains(&word));
                let mut rest = rest;
                while let Some(at) = rest.iter().position(|word| is(word, &[b"-exec", b"-execdir", b"-ok", b"-okdir"]))
                {
                    rest = &rest[at + 1..];
                    let end = rest.iter().position(|word| is(word, &[b";", b"+"])).unwrap_or(rest.len());
                    self.started(&rest[..end], line);
                    rest = &rest[end..];
                }
            }
            _ => {
                if let Some(skipped) = before_the_other(name, rest) {
                    self.started(rest.get(skipped..).unwrap_or_default(), line);
                }
            }
        }
    }

    /// A command that another one starts.
    fn started(&mut self, words: &[Option<Vec<u8>>], line: u32) {
        if self.depth < MAX_DEPTH {
            self.depth += 1;
            self.called(words, line);
            self.depth -= 1;
        }
    }

    /// A script that stands in a script. One that is no script is found out when it runs.
    fn script(&mut self, text: &[u8], mode: Mode, line: u32) {
        if self.depth == MAX_DEPTH {
            return;
        }
        let Ok(list) = parse(text, 1, mode, &Limits::default()) else { return };
        let outer = self.offset;
        self.offset += line.saturating_sub(1);
        self.depth += 1;
        let around = std::mem::replace(&mut self.mode, mode);
        self.list(&list);
        self.mode = around;
        self.depth -= 1;
        self.offset = outer;
    }

    fn simple(&mut self, simple: &Simple) {
        let words: Vec<Option<Vec<u8>>> = simple.words.iter().map(literal).collect();
        // A quoted name is one all the same, but for one that is empty.
        if words.first().is_some_and(|name| name.as_ref().is_some_and(|name| !name.is_empty())) {
            self.called(&words, simple.line);
        }
        simple.words.iter().for_each(|word| self.word(word));
        for assignment in &simple.assignments {
            assignment.subscript.iter().for_each(|subscript| self.word(subscript));
            match &assignment.value {
                Assigned::Text(word) => self.word(word),
                Assigned::Compound(elements) => self.elements(elements),
            }
        }
        simple.compounds.iter().for_each(|(_, elements)| self.elements(elements));
        self.redirects(&simple.redirects);
    }

    fn elements(&mut self, elements: &[Element]) {
        for element in elements {
            element.subscript.iter().for_each(|subscript| self.word(subscript));
            self.word(&element.value);
        }
    }

    fn list(&mut self, list: &List) {
        for item in &list.0 {
            self.and_or(&item.and_or);
        }
    }

    fn and_or(&mut self, and_or: &AndOr) {
        let rest = and_or.rest.iter().map(|(_, pipeline)| pipeline);
        for command in std::iter::once(&and_or.first).chain(rest).flat_map(|pipeline| &pipeline.commands) {
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Function { name, body, .. } => {
                self.functions.insert(name.clone());
                self.command(body);
            }
            Command::Compound { body, redirects, .. } => {
                self.redirects(redirects);
                self.compound(body);
            }
        }
    }

    fn compound(&mut self, compound: &Compound) {
        match compound {
            Compound::Brace(list) | Compound::Subshell(list) => self.list(list),
            Compound::For { words, body, .. } => {
                words.iter().flatten().for_each(|word| self.word(word));
                self.list(body);
            }
            Compound::Case { word, arms } => {
                self.word(word);
                for arm in arms {
                    arm.patterns.iter().for_each(|pattern| self.word(pattern));
                    self.list(&arm.body);
                }
            }
            Compound::If { arms, otherwise } => {
                for (condition, body) in arms {
                    self.list(condition);
                    self.list(body);
                }
                otherwise.iter().for_each(|body| self.list(body));
            }
            Compound::While { condition, body, .. } => {
                self.list(condition);
                self.list(body);
            }
            Compound::Test(test) => self.test(test),
            Compound::Arithmetic(expression) => self.word(expression),
            Compound::ForArithmetic { first, condition, step, body } => {
                [first, condition, step].into_iter().for_each(|word| self.word(word));
                self.list(body);
            }
        }
    }

    fn test(&mut self, test: &Test) {
        match test {
            Test::Any(tests) | Test::All(tests) => tests.iter().for_each(|test| self.test(test)),
            Test::Not(test) => self.test(test),
            Test::Unary { operand, .. } => self.word(operand),
            Test::Binary { left, right, .. } => {
                self.word(left);
                self.word(right);
            }
        }
    }

    fn redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            match &redirect.kind {
                RedirectKind::HereDocument(body) => body.get().iter().for_each(|body| self.word(body)),
                RedirectKind::Read(word)
                | RedirectKind::Write(word)
                | RedirectKind::Clobber(word)
                | RedirectKind::Append(word)
                | RedirectKind::ReadWrite(word)
                | RedirectKind::Duplicate { word, .. }
                | RedirectKind::Both { word, .. }
                | RedirectKind::HereString(word) => self.word(word),
            }
        }
    }

    fn word(&mut self, word: &Word) {
        for part in &word.parts {
            match part {
                Part::Literal(_) | Part::Quoted(_) | Part::Tilde(_) => {}
                Part::Braces(Braces::List(words)) => words.iter().for_each(|word| self.word(word)),
                Part::Braces(Braces::Sequence(_)) => {}
                Part::Command { list, .. } | Part::Process { list, .. } => self.list(list),
                Part::Arithmetic { expression, .. } => self.word(expression),
                Part::Parameter { parameter, .. } => {
                    self.name(&parameter.name);
                    self.operation(&parameter.operation);
                }
            }
        }
    }

    fn name(&mut self, name: &Name) {
        match name {
            Name::Element { subscript, .. } => self.word(subscript),
            Name::Indirect(name) => self.name(name),
            _ => {}
        }
    }

    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::Plain | Operation::Length | Operation::Transform(_) | Operation::Bad(_) => {}
            Operation::Letters { pattern, .. } => self.word(pattern),
            Operation::Default { word, .. }
            | Operation::Assign { word, .. }
            | Operation::Error { word, .. }
            | Operation::Alternative { word, .. } => self.word(word),
            Operation::Strip { pattern, .. } => self.word(pattern),
            Operation::Substring { offset, length } => {
                self.word(offset);
                length.iter().for_each(|length| self.word(length));
            }
            Operation::Replace { pattern, with, .. } => {
                self.word(pattern);
                self.word(with);
            }
        }
    }
}
