//! bash's `declare`, `typeset`, `local`, `export`, `readonly`.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::show;
use crate::eval::{Flow, Shell};
use crate::ir::Element;
use crate::parse::{Parser, is_name};
use crate::variables::{Attributes, Case, Kind, Value, Variable, assignment, definition, split_reference};

/// Which of them it is.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Command {
    Declare,
    Local,
    Export,
    Readonly,
}

/// What the options ask for.
#[derive(Default)]
struct Request {
    /// Attributes to give, and to take away.
    on: Vec<u8>,
    off: Vec<u8>,
    print: bool,
    functions: bool,
    names_only: bool,
    global: bool,
}

impl Request {
    fn wants(&self, letter: u8) -> bool {
        self.on.contains(&letter)
    }

    fn kind(&self) -> Kind {
        match (self.wants(b'A'), self.wants(b'a')) {
            (true, _) => Kind::Associative,
            (false, true) => Kind::Indexed,
            (false, false) => Kind::Scalar,
        }
    }

    /// The attributes of a variable after it.
    fn change(&self, attributes: &mut Attributes) {
        for (letters, on) in [(&self.on, true), (&self.off, false)] {
            for letter in letters {
                match letter {
                    b'i' => attributes.integer = on,
                    b'x' => attributes.exported = on,
                    b'r' if on => attributes.readonly = true,
                    b'n' => attributes.reference = on,
                    b'l' => attributes.case = if on { Case::Lower } else { Case::Kept },
                    b'u' => attributes.case = if on { Case::Upper } else { Case::Kept },
                    b'c' => attributes.case = if on { Case::Capital } else { Case::Kept },
                    _ => {}
                }
            }
        }
        // Both at once cancel each other.
        if self.wants(b'l') && self.wants(b'u') {
            attributes.case = Case::Kept;
        }
    }

    /// Whether a variable has all the attributes that are asked for.
    fn meets(&self, variable: &Variable) -> bool {
        let letters = variable.attributes.letters(variable.kind());
        self.on.iter().all(|letter| letters.contains(char::from(*letter)))
    }
}

pub(super) fn declare(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    run(shell, Command::Declare, words)
}

pub(super) fn local(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    if !shell.state.variables.in_function() {
        shell.complain("local: can only be used in a function");
        return Ok(ExitStatus::FAILURE);
    }
    run(shell, Command::Local, words)
}

pub(super) fn export(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    run(shell, Command::Export, words)
}

pub(super) fn readonly(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    run(shell, Command::Readonly, words)
}

fn run(shell: &mut Shell, command: Command, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let compounds = std::mem::take(&mut shell.compounds);
    let name = show(&words[0]);
    let mut request = Request::default();
    match command {
        Command::Export => request.on.push(b'x'),
        Command::Readonly => request.on.push(b'r'),
        Command::Declare | Command::Local => {}
    }
    let mut at = 1;
    while let Some(word) = words.get(at) {
        match word.as_slice() {
            b"--" => {
                at += 1;
                break;
            }
            [sign @ (b'-' | b'+'), letters @ ..] if !letters.is_empty() => {
                if let Err(letter) = options(&mut request, command, *sign == b'-', letters) {
                    shell.complain(&format!("{name}: {}{}: invalid option", char::from(*sign), char::from(letter)));
                    return Ok(ExitStatus::USAGE);
                }
            }
            _ => break,
        }
        at += 1;
    }
    let operands = &words[at..];
    if operands.is_empty() {
        return Ok(list(shell, command, &request, &name));
    }
    let mut status = ExitStatus::SUCCESS;
    for (number, operand) in operands.iter().enumerate() {
        let compound = compounds
            .iter()
            .find(|(word, _)| *word == operands.len() - number)
            .map(|(_, elements)| Arc::clone(elements));
        let done = if request.functions {
            function(shell, command, &request, operand)
        } else if request.print && matches!(command, Command::Declare | Command::Local) {
            print(shell, &name, operand)
        } else {
            // All at once, so that a global variable is seen as such by everything that is done to it.
            let target = operand.split(|byte| matches!(byte, b'=' | b'[' | b'+')).next().unwrap_or_default().to_vec();
            let hidden = request.global && command == Command::Declare;
            if hidden {
                shell.state.variables.swap_global(&target);
            }
            let done = variable(shell, command, &request, operand, compound.as_deref().map(Vec::as_slice));
            if hidden {
                shell.state.variables.swap_global(&target);
            }
            done?
        };
        if let Err(message) = done {
            if !message.is_empty() {
                shell.complain(&format!("{name}: {message}"));
            }
            status = ExitStatus::FAILURE;
        }
    }
    Ok(status)
}

/// Reads the letters of an option; the letter that is none.
fn options(request: &mut Request, command: Command, on: bool, letters: &[u8]) -> Result<(), u8> {
    for letter in letters {
        match (command, letter) {
            (_, b'p') => request.print = on,
            (Command::Declare | Command::Export | Command::Readonly, b'f') => request.functions = true,
            (Command::Declare, b'F') => {
                request.functions = true;
                request.names_only = true;
            }
            (Command::Declare, b'g') => request.global = true,
            // Inheriting is what plain sh does; and a trace flag means nothing without its traps.
            (Command::Declare | Command::Local, b'I') => request.on.push(b'I'),
            (Command::Export, b'n') => {
                request.on.retain(|letter| *letter != b'x');
                request.off.push(b'x');
            }
            (Command::Readonly, b'a' | b'A') => request.on.push(*letter),
            (Command::Declare | Command::Local, b'a' | b'A' | b'i' | b'l' | b'u' | b'c' | b'n' | b'r' | b'x') => {
                if on {
                    request.on.push(*letter)
                } else {
                    request.off.push(*letter)
                }
            }
            (_, letter) => return Err(*letter),
        }
    }
    Ok(())
}

/// `declare NAME`, `NAME=VALUE`, `NAME=(…)`, `NAME[i]=VALUE`.
fn variable(
    shell: &mut Shell,
    command: Command,
    request: &Request,
    operand: &[u8],
    compound: Option<&[Element]>,
) -> Result<Result<(), String>, Flow> {
    let (target, value) = split_assignment(operand);
    let (target, append) = match (target.strip_suffix(b"+"), value) {
        (Some(target), Some(_)) => (target, true),
        _ => (target, false),
    };
    let Some((name, subscript)) = split_reference(target) else {
        return Ok(Err(format!("`{}': not a valid identifier", show(operand))));
    };
    if subscript.is_some() && matches!(command, Command::Export | Command::Readonly) {
        return Ok(Err(format!("`{}': not a valid identifier", show(target))));
    }
    let name = name.to_vec();
    let makes_local = match command {
        Command::Declare => shell.state.variables.in_function() && !request.global,
        Command::Local => true,
        Command::Export | Command::Readonly => false,
    };
    // A value that is a list for an array is read as one, wherever its parentheses come from; a new local one is none yet.
    let read = value.filter(|value| compound.is_none() && subscript.is_none() && value.starts_with(b"("));
    let is_there = read.is_some() && (!makes_local || shell.state.variables.locals().contains(&name));
    let was_array = is_there && shell.kind(shell.referred(&name)) != Kind::Scalar;
    let read = read.filter(|_| was_array || request.kind() != Kind::Scalar);
    let read = read.and_then(|value| {
        let (limits, mode, line) = (*shell.limits(), shell.context.mode, shell.line);
        Parser::new(value, line, mode, &limits).compound_text().ok()
    });
    let compound = compound.or(read.as_deref());
    if request.wants(b'n') && (request.kind() != Kind::Scalar || compound.is_some() || subscript.is_some()) {
        return Ok(Err(format!("{}: reference variable cannot be an array", show(&name))));
    }
    if compound.is_some() && subscript.is_some() {
        return Ok(Err(format!("{}: cannot assign list to array member", show(target))));
    }
    // What stands in the parentheses is expanded before a local variable hides the old one.
    let kind = match (request.kind(), subscript) {
        (Kind::Scalar, Some(_)) => Kind::Indexed,
        (kind, _) => kind,
    };
    let was_associative = shell.kind(&name) == Kind::Associative;
    let entries = match compound {
        Some(elements) => Some(shell.expand_elements(elements, kind == Kind::Associative || was_associative)?),
        None => None,
    };
    if makes_local && shell.state.variables.get(&name).is_some_and(|old| old.attributes.readonly) {
        return Ok(Err(shell.read_only(&name)));
    }
    if makes_local && shell.state.variables.make_local(&name) {
        let inherited = request.wants(b'I').then(|| shell.state.variables.get(&name).cloned()).flatten();
        // What a command is called with stays, where it is not given anew.
        let before = shell.state.variables.get(&name).filter(|_| shell.called_with.contains(&name)).cloned();
        shell.state.variables.replace(&name, Some(inherited.or(before).unwrap_or_default()));
    }
    // Attributes of a reference are those of what it leads to, unless they are about the reference itself.
    let about_reference = request.wants(b'n') || request.off.contains(&b'n');
    let end = if about_reference { name.clone() } else { shell.referred(&name).to_vec() };
    let end = split_reference(&end).map_or(end.clone(), |(end, _)| end.to_vec());
    if !is_name(&end) {
        return Ok(Err(format!("`{}': not a valid identifier", show(&end))));
    }
    let changes = request.off.iter().any(|letter| matches!(letter, b'i' | b'l' | b'u' | b'c' | b'n'))
        || request.on.iter().any(|letter| *letter != b'r' && *letter != b'x');
    if let Some(old) = shell.state.variables.get(&end) {
        if old.attributes.readonly && (value.is_some() || changes || request.off.contains(&b'r')) {
            return Ok(Err(shell.read_only(&end)));
        }
        if request.off.contains(&b'a') && old.kind() == Kind::Indexed
            || request.off.contains(&b'A') && old.kind() == Kind::Associative
        {
            return Ok(Err(format!("{}: cannot destroy array variables in this way", show(&end))));
        }
    }
    let kind = if kind == Kind::Scalar && compound.is_some() { shell.kind(&end) } else { kind };
    let kind = if kind == Kind::Scalar && compound.is_some() { Kind::Indexed } else { kind };
    if kind != Kind::Scalar
        && !(kind == Kind::Indexed && shell.kind(&end) == Kind::Associative && request.kind() == Kind::Scalar)
        && let Err(message) = shell.make_array(&end, kind)
    {
        return Ok(Err(message));
    }
    if request.wants(b'n') {
        let target = value.map(<[u8]>::to_vec).or_else(|| shell.get(&name)).unwrap_or_default();
        if let Err(message) = shell.refer(&name, &target) {
            return Ok(Err(message));
        }
        if target.is_empty() {
            shell.state.variables.change(&name, |variable| variable.value = Value::default());
        }
        shell.state.variables.change(&name, |variable| request.change(&mut variable.attributes));
        return Ok(Ok(()));
    }
    // Read-only only after the value is there.
    let mut before = Request { on: request.on.clone(), off: request.off.clone(), ..Request::default() };
    before.on.retain(|letter| *letter != b'r');
    shell.state.variables.change_or_insert(&end, |variable| before.change(&mut variable.attributes));
    let result = match (entries, value, subscript) {
        (Some(entries), ..) => shell.put_elements(&end, entries, append),
        (None, None, _) => Ok(()),
        (None, Some(value), None) => {
            if append {
                shell.append(&name, value.to_vec())
            } else {
                shell.assign(&name, value.to_vec())
            }
        }
        (None, Some(value), Some(_)) => {
            shell.referenced_place(target).and_then(|place| shell.assign_place(&place, value.to_vec(), append))
        }
    };
    if request.wants(b'r') {
        shell.state.variables.change(&end, |variable| variable.attributes.readonly = true);
    }
    Ok(result)
}

/// Takes `NAME=VALUE` apart; an `=` in a subscript is none.
fn split_assignment(operand: &[u8]) -> (&[u8], Option<&[u8]>) {
    let name = operand.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    let from = if operand.get(name) == Some(&b'[') {
        let end = operand.windows(2).position(|pair| pair == b"]=" || pair == b"]+");
        end.map_or(name, |end| end + 1)
    } else {
        0
    };
    match operand[from..].iter().position(|byte| *byte == b'=') {
        Some(at) => (&operand[..from + at], Some(&operand[from + at + 1..])),
        None => (operand, None),
    }
}

/// `declare -p NAME`.
fn print(shell: &mut Shell, command: &str, operand: &[u8]) -> Result<(), String> {
    match shell.state.variables.get(operand) {
        Some(variable) => {
            let mut text = definition(shell, operand, variable);
            text.push(b'\n');
            if shell.print(command, &text).is_success() { Ok(()) } else { Err(String::new()) }
        }
        None => Err(format!("{}: not found", show(operand))),
    }
}

/// `declare -f NAME`, `export -f NAME`.
fn function(shell: &mut Shell, command: Command, request: &Request, operand: &[u8]) -> Result<(), String> {
    let Some(function) = shell.state.functions.get(operand) else {
        let silent = command == Command::Declare;
        return Err(if silent { String::new() } else { format!("{}: not a function", show(operand)) });
    };
    match command {
        Command::Export => {
            let functions = Arc::make_mut(&mut shell.state.functions);
            if let Some(function) = functions.get_mut(operand) {
                function.exported = request.wants(b'x');
            }
            return Ok(());
        }
        Command::Readonly => return Err(format!("{}: read-only functions are not supported", show(operand))),
        Command::Declare | Command::Local => {}
    }
    let text = if request.names_only {
        [operand, b"\n"].concat()
    } else {
        [operand, b" () \n", &function.text, b"\n"].concat()
    };
    if shell.print("declare", &text).is_success() { Ok(()) } else { Err(String::new()) }
}

/// All variables, or functions, that have what is asked for.
fn list(shell: &mut Shell, command: Command, request: &Request, name: &str) -> ExitStatus {
    let mut text = vec![];
    if request.functions {
        let mut names: Vec<_> = shell.state.functions.iter().collect();
        names.sort_by(|left, right| left.0.cmp(right.0));
        for (name, function) in names {
            if command == Command::Export && !function.exported {
                continue;
            }
            if request.names_only {
                text.extend_from_slice(&[b"declare -f ", &name[..], b"\n"].concat());
            } else {
                text.extend_from_slice(&[name, &b" () \n"[..], &function.text, b"\n"].concat());
            }
        }
        return shell.print(name, &text);
    }
    let as_assignments = command == Command::Declare && request.on.is_empty() && !request.print;
    let locals = (command == Command::Local).then(|| shell.state.variables.locals());
    for name in shell.state.variables.names(b"") {
        let Some(variable) = shell.state.variables.get(name) else { continue };
        if locals.as_ref().is_some_and(|locals| !locals.contains(name)) || !request.meets(variable) {
            continue;
        }
        let line =
            if as_assignments { assignment(shell, name, variable) } else { Some(definition(shell, name, variable)) };
        if let Some(line) = line {
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
    }
    if as_assignments {
        let mut functions: Vec<_> = shell.state.functions.iter().collect();
        functions.sort_by(|left, right| left.0.cmp(right.0));
        for (name, function) in functions {
            text.extend_from_slice(&[name, &b" () \n"[..], &function.text, b"\n"].concat());
        }
    }
    shell.print(name, &text)
}
