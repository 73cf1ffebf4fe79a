//! `export`, `readonly`, `unset`, `local`, `let`.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{quote, show};
use crate::eval::{Flow, Shell};
use crate::parse::is_name;

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

fn list(shell: &Shell, command: &str, wanted: impl Fn(bool, bool) -> bool) -> ExitStatus {
    let mut variables: Vec<_> =
        shell.state.variables.iter().filter(|(_, variable)| wanted(variable.exported, variable.readonly)).collect();
    variables.sort_by_key(|(name, _)| (*name).clone());
    let mut text = vec![];
    for (name, variable) in variables {
        text.extend_from_slice(format!("{command} ").as_bytes());
        text.extend_from_slice(name);
        if let Some(value) = &variable.value {
            text.push(b'=');
            text.extend_from_slice(&quote(value));
        }
        text.push(b'\n');
    }
    shell.print(command, &text)
}

pub(super) fn export(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let words = &words[1..];
    if words.is_empty() || words == [b"-p".to_vec()] {
        return Ok(list(shell, "export", |exported, _| exported));
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
        let mut variable = shell.state.variables.get(name).cloned().unwrap_or_default();
        variable.exported = !unexport;
        shell.state.replace(name, Some(variable));
    }
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn readonly(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let words = &words[1..];
    if words.is_empty() || words == [b"-p".to_vec()] {
        return Ok(list(shell, "readonly", |_, readonly| readonly));
    }
    for word in words.iter().filter(|word| *word != b"--" && *word != b"-p") {
        let (name, value) = definition(shell, "readonly", word)?;
        if let Some(value) = value
            && let Err(message) = shell.assign(name, value.to_vec())
        {
            return Err(shell.fatal(&message));
        }
        let mut variable = shell.state.variables.get(name).cloned().unwrap_or_default();
        variable.readonly = true;
        shell.state.replace(name, Some(variable));
    }
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn unset(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
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
                if shell.state.variables.get(name).is_some_and(|variable| variable.readonly) {
                    return Err(shell.fatal(&format!("unset: {}: is read only", show(name))));
                }
                shell.state.replace(name, None);
            }
        }
    }
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn local(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    if shell.state.scopes.is_empty() {
        return Err(shell.fatal("local: not in a function"));
    }
    for word in &words[1..] {
        let (name, value) = definition(shell, "local", word)?;
        let old = shell.state.variables.get(name).cloned();
        if let Some(scope) = shell.state.scopes.last_mut()
            && !scope.iter().any(|(known, _)| known == name)
        {
            scope.push((name.to_vec(), old));
        }
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
        value = shell.arithmetic(word)?;
    }
    Ok(if value != 0 { ExitStatus::SUCCESS } else { ExitStatus::FAILURE })
}
