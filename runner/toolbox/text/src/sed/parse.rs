use std::collections::HashMap;
use std::rc::Rc;

use stepbox_tool::pattern::{Escapes, Language, Options, Pattern};

use super::script::{Action, Address, Addresses, Case, Command, End, Match, Part, Script, Substitute};

/// How many commands a script may have.
const MAX_COMMANDS: usize = 100_000;

/// Reads a script. The error is a message with the place.
pub(super) fn parse(text: &[u8], extended: bool) -> Result<Script, String> {
    let mut parser = Parser {
        text,
        at: 0,
        extended,
        commands: vec![],
        open: vec![],
        labels: HashMap::new(),
        jumps: vec![],
        outputs: vec![],
        ranges: 0,
    };
    parser.script().map_err(|message| {
        let before = &text[..parser.at.min(text.len())];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        format!("line {line}, character {column} of the script: {message}")
    })?;
    Ok(Script { commands: parser.commands, outputs: parser.outputs })
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    extended: bool,
    commands: Vec<Command>,
    /// Where blocks were opened.
    open: Vec<usize>,
    labels: HashMap<Vec<u8>, usize>,
    /// Commands that jump, and whereto.
    jumps: Vec<(usize, Vec<u8>)>,
    outputs: Vec<Vec<u8>>,
    ranges: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += usize::from(byte.is_some());
        byte
    }

    fn takes(&mut self, byte: u8) -> bool {
        let seen = self.peek() == Some(byte);
        self.at += usize::from(seen);
        seen
    }

    fn skip(&mut self, which: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&which) {
            self.at += 1;
        }
    }

    fn blanks(&mut self) {
        self.skip(|byte| byte != b'\n' && byte.is_ascii_whitespace());
    }

    fn number(&mut self) -> Option<usize> {
        let mut number = None;
        while let Some(digit) = self.peek().filter(u8::is_ascii_digit) {
            number = Some(number.unwrap_or(0_usize).saturating_mul(10).saturating_add(usize::from(digit - b'0')));
            self.at += 1;
        }
        number
    }

    fn script(&mut self) -> Result<(), String> {
        loop {
            self.skip(|byte| byte.is_ascii_whitespace() || byte == b';');
            if self.peek().is_none() {
                break;
            }
            if self.commands.len() == MAX_COMMANDS {
                return Err(format!("more than {MAX_COMMANDS} commands"));
            }
            self.command()?;
        }
        if !self.open.is_empty() {
            return Err("unmatched `{`".to_owned());
        }
        for (command, label) in std::mem::take(&mut self.jumps) {
            let to = if label.is_empty() {
                self.commands.len()
            } else {
                *self
                    .labels
                    .get(&label)
                    .ok_or_else(|| format!("can't find label for jump to `{}`", String::from_utf8_lossy(&label)))?
            };
            self.commands[command].action = match self.commands[command].action {
                Action::BranchIfChanged(_) => Action::BranchIfChanged(to),
                Action::BranchUnlessChanged(_) => Action::BranchUnlessChanged(to),
                _ => Action::Branch(to),
            };
        }
        Ok(())
    }

    fn command(&mut self) -> Result<(), String> {
        let addresses = self.addresses()?;
        self.blanks();
        let mut negated = false;
        while self.takes(b'!') {
            negated = true;
            self.blanks();
        }
        let name = self.next().ok_or("missing command")?;
        let index = self.commands.len();
        match (name, &addresses) {
            (b':' | b'}' | b'#', Addresses::One(_) | Addresses::Range(..)) => {
                return Err(format!("`{}` takes no addresses", char::from(name)));
            }
            (b'q' | b'Q', Addresses::Range(..)) => {
                return Err(format!("`{}` takes at most one address", char::from(name)));
            }
            _ => {}
        }
        let action = match name {
            b'#' => {
                self.skip(|byte| byte != b'\n');
                return Ok(());
            }
            b'{' => {
                self.open.push(index);
                self.commands.push(Command { addresses, negated, action: Action::Begin(0) });
                return Ok(());
            }
            b'}' => {
                let start = self.open.pop().ok_or("unexpected `}`")?;
                self.commands[start].action = Action::Begin(index);
                return self.end_of_command();
            }
            b':' => {
                self.blanks();
                let label = self.label(false);
                if label.is_empty() {
                    return Err("`:` lacks a label".to_owned());
                }
                if self.labels.insert(label, index).is_some() {
                    return Err("a label stands twice".to_owned());
                }
                return Ok(());
            }
            b'a' => Action::Append(self.lines()?),
            b'i' => Action::Insert(self.lines()?),
            b'c' => Action::Change(self.lines()?),
            b'b' | b't' | b'T' => {
                self.blanks();
                let label = self.label(true);
                self.jumps.push((index, label));
                match name {
                    b'b' => Action::Branch(0),
                    b't' => Action::BranchIfChanged(0),
                    _ => Action::BranchUnlessChanged(0),
                }
            }
            b'r' => Action::ReadFile(self.file_name()?),
            b'R' => Action::ReadLine(self.file_name()?),
            b'w' => Action::Write(self.output()?),
            b'W' => Action::WriteFirst(self.output()?),
            b's' => Action::Substitute(Box::new(self.substitute()?)),
            b'y' => Action::Translate(self.translate()?),
            b'=' => Action::LineNumber,
            b'd' => Action::Delete,
            b'D' => Action::DeleteFirst,
            b'F' => Action::FileName,
            b'g' => Action::Get,
            b'G' => Action::GetAppend,
            b'h' => Action::Hold,
            b'H' => Action::HoldAppend,
            b'n' => Action::Next,
            b'N' => Action::NextAppend,
            b'p' => Action::Print,
            b'P' => Action::PrintFirst,
            b'x' => Action::Exchange,
            b'z' => Action::Zap,
            b'l' | b'q' | b'Q' => {
                self.blanks();
                let number = self.number();
                let status = i32::try_from(number.unwrap_or(0)).unwrap_or(i32::MAX);
                match name {
                    b'l' => Action::List(number),
                    b'q' => Action::Quit(status),
                    _ => Action::QuitSilently(status),
                }
            }
            b'v' => {
                self.blanks();
                let _ = self.label(true);
                Action::Nothing
            }
            b'e' => return Err("the command `e`, which runs commands, is not supported".to_owned()),
            b'\n' | b';' => return Err("missing command".to_owned()),
            other => return Err(format!("unknown command: `{}`", char::from(other))),
        };
        let reads_rest = matches!(name, b'a' | b'i' | b'c' | b'r' | b'R' | b'w' | b'W');
        let wrote = matches!(&action, Action::Substitute(command) if command.write.is_some());
        self.commands.push(Command { addresses, negated, action });
        if reads_rest || wrote { Ok(()) } else { self.end_of_command() }
    }

    /// A command ends at a newline, `;`, `}` or a comment.
    fn end_of_command(&mut self) -> Result<(), String> {
        self.blanks();
        match self.peek() {
            None | Some(b'}' | b'#') => Ok(()),
            Some(b'\n' | b';') => {
                self.at += 1;
                Ok(())
            }
            Some(_) => {
                self.at += 1;
                Err("extra characters after command".to_owned())
            }
        }
    }

    fn addresses(&mut self) -> Result<Addresses, String> {
        let Some(first) = self.address()? else { return Ok(Addresses::All) };
        self.blanks();
        if !self.takes(b',') {
            return match first {
                Address::Zero => Err("invalid usage of line address 0".to_owned()),
                first => Ok(Addresses::One(first)),
            };
        }
        self.blanks();
        let last = match self.peek() {
            Some(b'+') => {
                self.at += 1;
                End::After(self.number().ok_or("expected a number after `+`")?)
            }
            Some(b'~') => {
                self.at += 1;
                End::Multiple(self.number().ok_or("expected a number after `~`")?)
            }
            _ => match self.address()? {
                Some(Address::Line(line) | Address::Step(line, _)) => End::Line(line),
                Some(Address::Zero) => End::Line(0),
                Some(Address::Last) => End::Last,
                Some(Address::Match(pattern)) => End::Match(pattern),
                None => return Err("unexpected `,`".to_owned()),
            },
        };
        if matches!(first, Address::Zero) && !matches!(last, End::Match(_)) {
            return Err("invalid usage of line address 0".to_owned());
        }
        self.ranges += 1;
        Ok(Addresses::Range(first, last, self.ranges - 1))
    }

    fn address(&mut self) -> Result<Option<Address>, String> {
        Ok(Some(match self.peek() {
            Some(b'0'..=b'9') => {
                let first = self.number().unwrap_or(0);
                self.blanks();
                if self.takes(b'~') {
                    self.blanks();
                    Address::Step(first, self.number().unwrap_or(0))
                } else if first == 0 {
                    Address::Zero
                } else {
                    Address::Line(first)
                }
            }
            Some(b'$') => {
                self.at += 1;
                Address::Last
            }
            Some(b'/' | b'\\') => {
                let mut delimiter = self.next().unwrap_or(b'/');
                if delimiter == b'\\' {
                    delimiter = self.next().ok_or("unterminated address regex")?;
                }
                let pattern = self.delimited(delimiter, true).ok_or("unterminated address regex")?;
                let (mut ignore_case, mut multi_line) = (false, false);
                loop {
                    match self.peek() {
                        Some(b'I') => ignore_case = true,
                        Some(b'M') => multi_line = true,
                        _ => break,
                    }
                    self.at += 1;
                }
                Address::Match(self.pattern(&pattern, ignore_case, multi_line)?)
            }
            _ => return Ok(None),
        }))
    }

    fn pattern(&self, text: &[u8], ignore_case: bool, multi_line: bool) -> Result<Match, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let language = if self.extended { Language::Extended } else { Language::Basic };
        let options = Options { language, escapes: Escapes::Sed, ignore_case, multi_line };
        Pattern::new(text, options).map(|pattern| Some(Rc::new(pattern)))
    }

    /// What stands before a delimiter, which is read too. A delimiter behind a backslash is itself; in a regular expression one between
    /// brackets too.
    fn delimited(&mut self, delimiter: u8, regex: bool) -> Option<Vec<u8>> {
        let mut result = vec![];
        loop {
            let byte = self.next()?;
            if byte == delimiter {
                return Some(result);
            }
            match byte {
                b'\\' => {
                    let escaped = self.next()?;
                    if escaped == delimiter && (regex || escaped != b'&') {
                        // `s|a\|b|…|`: the plain character.
                        result.push(escaped);
                    } else if escaped == b'\n' && regex {
                        result.extend(b"\\n");
                    } else {
                        result.extend([b'\\', escaped]);
                    }
                }
                b'\n' if regex => return None,
                b'[' if regex => {
                    result.push(byte);
                    self.bracket(&mut result);
                }
                _ => result.push(byte),
            }
        }
    }

    /// A bracket expression as it stands, if it is closed on this line.
    fn bracket(&mut self, result: &mut Vec<u8>) {
        let rest = &self.text[self.at..];
        let mut length = usize::from(rest.first() == Some(&b'^'));
        length += usize::from(rest.get(length) == Some(&b']'));
        loop {
            match rest.get(length) {
                None | Some(b'\n') => return,
                Some(b']') => break,
                Some(b'[') if matches!(rest.get(length + 1), Some(b':' | b'.' | b'=')) => {
                    let close = [rest[length + 1], b']'];
                    match rest[length + 2..].windows(2).position(|pair| pair == close) {
                        Some(at) => length += at + 4,
                        None => return,
                    }
                }
                Some(_) => length += 1,
            }
        }
        result.extend(&rest[..=length]);
        self.at += length + 1;
    }

    fn substitute(&mut self) -> Result<Substitute, String> {
        let unterminated = "unterminated `s` command";
        let delimiter = self.next().filter(|byte| !matches!(byte, b'\n' | b'\\')).ok_or(unterminated)?;
        let pattern = self.delimited(delimiter, true).ok_or(unterminated)?;
        let replacement = self.delimited(delimiter, false).ok_or(unterminated)?;
        let mut command =
            Substitute { pattern: None, replacement: vec![], global: false, number: 1, print: false, write: None };
        let (mut ignore_case, mut multi_line) = (false, false);
        loop {
            match self.peek() {
                Some(b'g') => command.global = true,
                Some(b'p') => command.print = true,
                Some(b'i' | b'I') => ignore_case = true,
                Some(b'm' | b'M') => multi_line = true,
                Some(b'0'..=b'9') => {
                    command.number = self.number().filter(|number| *number > 0).ok_or("the number of a match is 0")?;
                    continue;
                }
                Some(b'e') => return Err("the flag `e` of `s`, which runs commands, is not supported".to_owned()),
                Some(b'w') => {
                    self.at += 1;
                    command.write = Some(self.output()?);
                    break;
                }
                Some(b'}' | b'#' | b'\n' | b';' | b' ' | b'\t' | b'\r') | None => break,
                Some(other) => return Err(format!("unknown option to `s`: `{}`", char::from(other))),
            }
            self.at += 1;
        }
        command.pattern = self.pattern(&pattern, ignore_case, multi_line)?;
        command.replacement = replacement_parts(&replacement)?;
        let groups = command.pattern.as_ref().map_or(9, |pattern| pattern.groups());
        for part in &command.replacement {
            if let Part::Group(number) = part
                && *number > groups
            {
                return Err(format!("invalid reference `\\{number}` on `s` command's right hand side"));
            }
        }
        Ok(command)
    }

    fn translate(&mut self) -> Result<Vec<(char, char)>, String> {
        let unterminated = "unterminated `y` command";
        let delimiter = self.next().filter(|byte| !matches!(byte, b'\n' | b'\\')).ok_or(unterminated)?;
        let mut side = || {
            let text = self.delimited(delimiter, false)?;
            let text = String::from_utf8_lossy(&text).into_owned();
            let mut characters = vec![];
            let mut rest = text.chars();
            while let Some(character) = rest.next() {
                characters.push(match (character, rest.clone().next()) {
                    ('\\', Some('\\')) => rest.next().unwrap_or(character),
                    ('\\', Some(letter)) => match u8::try_from(letter).ok().and_then(control) {
                        Some(meant) => {
                            rest.next();
                            char::from(meant)
                        }
                        None => character,
                    },
                    _ => character,
                });
            }
            Some(characters)
        };
        let (from, to) = (side().ok_or(unterminated)?, side().ok_or(unterminated)?);
        if from.len() != to.len() {
            return Err("strings for `y` command are different lengths".to_owned());
        }
        Ok(from.into_iter().zip(to).collect())
    }

    /// A label: up to white space or `;`, where it is jumped to also up to `}`.
    fn label(&mut self, jump: bool) -> Vec<u8> {
        let start = self.at;
        self.skip(|byte| !byte.is_ascii_whitespace() && byte != b';' && !(jump && byte == b'}'));
        self.text[start..self.at].to_vec()
    }

    fn file_name(&mut self) -> Result<Vec<u8>, String> {
        self.blanks();
        let start = self.at;
        self.skip(|byte| byte != b'\n');
        if start == self.at { Err("missing filename".to_owned()) } else { Ok(self.text[start..self.at].to_vec()) }
    }

    /// A file to write to; its number.
    fn output(&mut self) -> Result<usize, String> {
        let name = self.file_name()?;
        if let Some(known) = self.outputs.iter().position(|known| *known == name) {
            return Ok(known);
        }
        self.outputs.push(name);
        Ok(self.outputs.len() - 1)
    }

    /// The text of `a`, `i`, `c`: behind a backslash and a newline, or on the same line.
    fn lines(&mut self) -> Result<Vec<u8>, String> {
        self.blanks();
        if self.peek().is_none() {
            return Err("expected \\ after `a`, `c` or `i`".to_owned());
        }
        if self.peek() == Some(b'\\') {
            let start = self.at;
            self.at += 1;
            self.blanks();
            if self.takes(b'\n') {
                // The first line's blanks stay.
            } else {
                // `a\text`: the text begins behind the backslash, which keeps blanks.
                self.at = start + 1;
            }
        }
        if self.peek().is_none() {
            return Ok(vec![]);
        }
        let mut text = vec![];
        let mut first = true;
        while let Some(byte) = self.next() {
            match byte {
                b'\n' => break,
                b'\\' => match self.next() {
                    None => {}
                    Some(escaped) if first => text.push(escaped),
                    Some(escaped) => text.push(control(escaped).unwrap_or(escaped)),
                },
                other => text.push(other),
            }
            first = false;
        }
        text.push(b'\n');
        Ok(text)
    }
}

/// The byte that a letter behind a backslash stands for.
fn control(letter: u8) -> Option<u8> {
    Some(match letter {
        b'n' => b'\n',
        b't' => b'\t',
        b'r' => b'\r',
        b'f' => 12,
        b'v' => 11,
        b'a' => 7,
        _ => return None,
    })
}

/// Takes a replacement apart.
fn replacement_parts(text: &[u8]) -> Result<Vec<Part>, String> {
    let mut parts = vec![];
    let mut literal = vec![];
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        at += 1;
        let part = match byte {
            b'&' => Part::Group(0),
            b'\\' => {
                let escaped = *text.get(at).ok_or("a trailing backslash")?;
                at += 1;
                match escaped {
                    b'0'..=b'9' => Part::Group(usize::from(escaped - b'0')),
                    b'U' => Part::Case(Case::Upper),
                    b'L' => Part::Case(Case::Lower),
                    b'E' => Part::Case(Case::End),
                    b'u' => Part::Case(Case::UpperNext),
                    b'l' => Part::Case(Case::LowerNext),
                    _ => {
                        let digits = |base: u32, most: usize, at: &mut usize| {
                            let mut value = None;
                            for _ in 0..most {
                                let digit = text.get(*at).and_then(|byte| char::from(*byte).to_digit(base));
                                let Some(digit) = digit else { break };
                                value = Some(value.unwrap_or(0) * base + digit);
                                *at += 1;
                            }
                            value.map(|value| (value & 0xff) as u8)
                        };
                        let number = match escaped {
                            b'd' => digits(10, 3, &mut at),
                            b'o' => digits(8, 3, &mut at),
                            b'x' => digits(16, 2, &mut at),
                            _ => None,
                        };
                        literal.push(number.or_else(|| control(escaped)).unwrap_or(escaped));
                        continue;
                    }
                }
            }
            other => {
                literal.push(other);
                continue;
            }
        };
        if !literal.is_empty() {
            parts.push(Part::Text(std::mem::take(&mut literal)));
        }
        parts.push(part);
    }
    if !literal.is_empty() {
        parts.push(Part::Text(literal));
    }
    Ok(parts)
}
