use std::collections::BTreeSet;

use crate::builtins;
use crate::config::Limits;
use crate::ir::{AndOr, Command, Compound, List, Operation, Part, Redirect, RedirectKind, Word};
use crate::parse::{SyntaxError, parse};

/// The commands that a script names and that something outside the shell must provide: neither built in nor a function
/// of the script. What is computed when it runs is not among them.
pub fn commands_of(source: &[u8]) -> Result<Vec<String>, SyntaxError> {
    let list = parse(source, 1, &Limits::default())?;
    let mut found = Found::default();
    found.list(&list);
    let wanted = found.commands.into_iter().filter(|name| !found.functions.contains(name));
    Ok(wanted.map(|name| String::from_utf8_lossy(&name).into_owned()).collect())
}

#[derive(Default)]
struct Found {
    commands: BTreeSet<Vec<u8>>,
    functions: BTreeSet<Vec<u8>>,
}

impl Found {
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
            Command::Simple(simple) => {
                if let Some([Part::Literal(name)]) = simple.words.first().map(|word| word.parts.as_slice())
                    && builtins::find_special(name).is_none()
                    && builtins::find_regular(name).is_none()
                {
                    self.commands.insert(name.clone());
                }
                simple.words.iter().for_each(|word| self.word(word));
                simple.assignments.iter().for_each(|assignment| self.word(&assignment.value));
                self.redirects(&simple.redirects);
            }
            Command::Function { name, body } => {
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
            Compound::Test(words) => words.iter().for_each(|word| self.word(word)),
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
                Part::Command { list, .. } => self.list(list),
                Part::Arithmetic { expression, .. } => self.word(expression),
                Part::Parameter { parameter, .. } => match &parameter.operation {
                    Operation::Plain | Operation::Length => {}
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
                },
            }
        }
    }
}
