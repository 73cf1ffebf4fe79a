//! `alias` and `unalias`.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{quote, show};
use crate::eval::{Flow, Shell};

/// `alias [NAME[=VALUE]]…`
pub(super) fn alias(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut status = ExitStatus::SUCCESS;
    let mut text = vec![];
    if words.len() == 1 {
        for (name, value) in shell.state.aliases.iter() {
            text.extend_from_slice(&line(name, value));
        }
    }
    for word in words[1..].iter().filter(|word| *word != b"--") {
        match word.iter().skip(1).position(|byte| *byte == b'=') {
            Some(before) => {
                let (name, value) = (&word[..=before], &word[before + 2..]);
                let aliases = Arc::make_mut(&mut shell.state.aliases);
                aliases.insert(name.to_vec(), value.into());
                let bytes: usize = aliases.iter().map(|(name, value)| name.len() + value.len()).sum();
                if bytes > shell.limits().source {
                    return Err(shell.fatal("alias: the aliases are too large"));
                }
            }
            None => match shell.state.aliases.get(word) {
                Some(value) => text.extend_from_slice(&line(word, value)),
                None => {
                    shell.complain(&format!("alias: {} not found", show(word)));
                    status = ExitStatus::FAILURE;
                }
            },
        }
    }
    let printed = if text.is_empty() { status } else { shell.print("alias", &text) };
    Ok(if printed.is_success() { status } else { printed })
}

/// `unalias -a | NAME…`
pub(super) fn unalias(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut status = ExitStatus::SUCCESS;
    for word in words[1..].iter().filter(|word| *word != b"--") {
        let aliases = Arc::make_mut(&mut shell.state.aliases);
        if word == b"-a" {
            aliases.clear();
        } else if aliases.remove(word).is_none() {
            shell.complain(&format!("unalias: {} not found", show(word)));
            status = ExitStatus::FAILURE;
        }
    }
    Ok(status)
}

fn line(name: &[u8], value: &[u8]) -> Vec<u8> {
    [name, b"=", &quote(value), b"\n"].concat()
}
