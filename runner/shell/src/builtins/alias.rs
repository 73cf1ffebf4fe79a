//! `alias` and `unalias`.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{quote, show};
use crate::eval::{Flow, Shell};

/// `alias [NAME[=VALUE]]…`
pub(super) fn alias(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut status = ExitStatus::SUCCESS;
    let mut text = vec![];
    let prints = shell.is_bash() && words[1..] == [b"-p".to_vec()];
    if words.len() == 1 || prints {
        for (name, value) in shell.state.aliases.iter() {
            text.extend_from_slice(&line(name, value, shell.is_bash()));
        }
    }
    for word in words[1..].iter().filter(|word| *word != b"--" && !prints) {
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
                Some(value) => text.extend_from_slice(&line(word, value, shell.is_bash())),
                None => {
                    let name = show(word);
                    shell.complain_as(&format!("alias: {name} not found"), &format!("alias: {name}: not found"));
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
    if words.len() == 1 && shell.is_bash() {
        shell.print_error(b"unalias: usage: unalias [-a] name [name ...]\n");
        return Ok(ExitStatus::USAGE);
    }
    let mut status = ExitStatus::SUCCESS;
    for word in words[1..].iter().filter(|word| *word != b"--") {
        let aliases = Arc::make_mut(&mut shell.state.aliases);
        if word == b"-a" {
            aliases.clear();
        } else if aliases.remove(word).is_none() {
            let name = show(word);
            shell.complain_as(&format!("unalias: {name} not found"), &format!("unalias: {name}: not found"));
            status = ExitStatus::FAILURE;
        }
    }
    Ok(status)
}

fn line(name: &[u8], value: &[u8], bash: bool) -> Vec<u8> {
    let begin: &[u8] = if bash { b"alias " } else { b"" };
    [begin, name, b"=", &quote(value), b"\n"].concat()
}
