//! `export`, `readonly`, `unset`, `local`, `let`.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{declare, quote, show};
use crate::arithmetic;
use crate::config::Mode;
use crate::eval::{Flow, Shell};
use crate::parse::is_name;
use crate::variables::{Attributes, Place, Value, split_reference};

/// `NAME[=VALUE]`, with a name that a variable can have.
fn definition<'a>(shell: &Shell, command: &str, word: &'a [u8]) -> Result<(&'a [u8], Option<&'a [u8]>), Flow> {
    let (name, value) = match word.iter().position(|byte| *byte == b'=') {
        Some(at) => (&word[..at], Some(&word[at + 1..])),
        None => (word, None),
    };
    if is_name(name) {
        Ok((name, value))
    } else {
        Err(shell.fatal(&format!("{command}: {}: bad variable name", show(name))))
    }
}

fn list(shell: &Shell, command: &str, wanted: impl Fn(Attributes) -> bool) -> ExitStatus {
    let mut variables: Vec<_> =
        shell.state.variables.iter().filter(|(_, variable)| wanted(variable.attributes)).collect();
    variables.sort_by_key(|(name, _)| (*name).clone());
    let mut text = vec![];
    for (name, variable) in variables {
        text.extend_from_slice(format!("{command} ").as_bytes());
        text.extend_from_slice(name);
        if let Value::Text(value) = &variable.value {
            text.push(b'=');
            text.extend_from_slice(&quote(value));
        }
        text.push(b'\n');
    }
    shell.print(command, &text)
}

pub(super) fn export(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    if shell.context.mode == Mode::Bash {
        return declare::export(shell, words);
    }
    let words = &words[1..];
    if words.is_empty() || words == [b"-p".to_vec()] {
        return Ok(list(shell, "export", |attributes| attributes.exported));
    }
    let unexport = words[0] == b"-n";
    let skip = usize::from(unexport || words[0] == b"--" || words[0] == b"-p");
    for word in &words[skip..] {
        let (name, value) = definition(shell, "export", word)?;
        if let Some(value) = value
            && let Err(message) = shell.assign(name, value.to_vec())
        {
            return Err(shell.fatal(&message));
        }
        shell.state.variables.change_or_insert(name, |variable| variable.attributes.exported = !unexport);
    }
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn readonly(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    if shell.context.mode == Mode::Bash {
        return declare::readonly(shell, words);
    }
    let words = &words[1..];
    if words.is_empty() || words == [b"-p".to_vec()] {
        return Ok(list(shell, "readonly", |attributes| attributes.readonly));
    }
    for word in words.iter().filter(|word| *word != b"--" && *word != b"-p") {
        let (name, value) = definition(shell, "readonly", word)?;
        if let Some(value) = value
            && let Err(message) = shell.assign(name, value.to_vec())
        {
            return Err(shell.fatal(&message));
        }
        shell.state.variables.change_or_insert(name, |variable| variable.attributes.readonly = true);
    }
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn unset(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    if shell.context.mode == Mode::Bash {
        return unset_in_bash(shell, words);
    }
    let mut functions = false;
    for word in &words[1..] {
        match word.as_slice() {
            b"-v" => functions = false,
            b"-f" => functions = true,
            b"--" => {}
            name if functions => drop(Arc::make_mut(&mut shell.state.functions).remove(name)),
            name if !is_name(name) => {
                return Err(shell.fatal(&format!("unset: {}: bad variable name", show(name))));
            }
            name => {
                let place = Place { name: name.to_vec(), key: None };
                if let Err(message) = shell.unset_place(&place) {
                    return Err(shell.fatal(&format!("unset: {message}")));
                }
            }
        }
    }
    Ok(ExitStatus::SUCCESS)
}

/// `unset [-fvn] [NAME | NAME[SUBSCRIPT]]…`
fn unset_in_bash(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let (mut functions, mut variables, mut references) = (false, false, false);
    let mut at = 1;
    while let Some([b'-', letters @ ..]) = words.get(at).map(Vec::as_slice).filter(|word| word.len() > 1) {
        at += 1;
        if letters == b"-" {
            break;
        }
        for letter in letters {
            match letter {
                b'f' => functions = true,
                b'v' => variables = true,
                b'n' => references = true,
                letter => {
                    shell.complain(&format!("unset: -{}: invalid option", char::from(*letter)));
                    return Ok(ExitStatus::USAGE);
                }
            }
        }
    }
    let mut status = ExitStatus::SUCCESS;
    for word in &words[at..] {
        let result = if functions {
            Arc::make_mut(&mut shell.state.functions).remove(word);
            Ok(())
        } else {
            let known = split_reference(word).is_some_and(|(name, _)| shell.state.variables.get(name).is_some());
            if !variables && !references && split_reference(word).is_none() {
                // It could have been a function.
                Arc::make_mut(&mut shell.state.functions).remove(word);
                Ok(())
            } else if !known && !variables && shell.state.functions.contains_key(word) {
                Arc::make_mut(&mut shell.state.functions).remove(word);
                Ok(())
            } else if references {
                shell.unset_place(&Place { name: word.clone(), key: None })
            } else {
                shell.referenced_place(word).and_then(|place| shell.unset_place(&place))
            }
        };
        if let Err(message) = result {
            shell.complain(&format!("unset: {message}"));
            status = ExitStatus::FAILURE;
        }
    }
    Ok(status)
}

pub(super) fn local(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    if shell.context.mode == Mode::Bash {
        return declare::local(shell, words);
    }
    if !shell.state.variables.in_function() {
        return Err(shell.fatal("local: not in a function"));
    }
    for word in &words[1..] {
        let (name, value) = definition(shell, "local", word)?;
        shell.state.variables.make_local(name);
        if let Some(value) = value
            && let Err(message) = shell.assign(name, value.to_vec())
        {
            return Err(shell.fatal(&message));
        }
    }
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn calculate(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut value = 0;
    for word in &words[1..] {
        value = match arithmetic::evaluate(word, shell) {
            Ok(value) => value,
            Err(message) if shell.context.mode == Mode::Bash => {
                shell.complain(&format!("let: {message}"));
                return Ok(ExitStatus::FAILURE);
            }
            Err(message) => return Err(shell.fatal(&message)),
        };
    }
    Ok(if value != 0 { ExitStatus::SUCCESS } else { ExitStatus::FAILURE })
}
