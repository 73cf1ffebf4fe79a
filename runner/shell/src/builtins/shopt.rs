use stepbox_system::ExitStatus;

use super::options::{options_of, set_long};
use super::show;
use crate::eval::{Flow, Shell};
use crate::switches::{SWITCHES, switch};

/// `shopt [-pqsu] [-o] [NAME]…`
pub(super) fn shopt(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let (mut set, mut quiet, mut again, mut of_set) = (None, false, false, false);
    let mut words = &words[1..];
    while let Some((first, rest)) = words.split_first() {
        let [b'-', letters @ ..] = first.as_slice() else { break };
        if letters.is_empty() {
            break;
        }
        words = rest;
        if letters == b"-" {
            break;
        }
        for letter in letters {
            match letter {
                b's' if set == Some(false) => {
                    return refuse(shell, "cannot set and unset shell options simultaneously");
                }
                b'u' if set == Some(true) => return refuse(shell, "cannot set and unset shell options simultaneously"),
                b's' => set = Some(true),
                b'u' => set = Some(false),
                b'q' => quiet = true,
                b'p' => again = true,
                b'o' => of_set = true,
                letter => {
                    shell.complain(&format!("shopt: -{}: invalid option", char::from(*letter)));
                    return Ok(ExitStatus::USAGE);
                }
            }
        }
    }
    let mut status = ExitStatus::SUCCESS;
    if let (Some(on), false) = (set, words.is_empty()) {
        for name in words {
            if !put(shell, name, of_set, on) {
                status = invalid(shell, name, of_set);
            }
        }
        return Ok(status);
    }
    let mut options: Vec<(Vec<u8>, bool)> = vec![];
    if words.is_empty() {
        options = all(shell, of_set);
        options.retain(|(_, on)| set.is_none_or(|wanted| wanted == *on));
    } else {
        let known = all(shell, of_set);
        for name in words {
            match known.iter().find(|(known, _)| known == name) {
                Some((_, on)) => {
                    if !on {
                        status = ExitStatus::FAILURE;
                    }
                    options.push((name.clone(), *on));
                }
                None => status = invalid(shell, name, of_set),
            }
        }
    }
    if quiet {
        return Ok(status);
    }
    let mut text = vec![];
    for (name, on) in options {
        let name = show(&name);
        let line = match (again, of_set) {
            (true, true) => format!("set {}o {name}\n", if on { '-' } else { '+' }),
            (true, false) => format!("shopt -{} {name}\n", if on { 's' } else { 'u' }),
            (false, _) => format!("{name:<15}\t{}\n", if on { "on" } else { "off" }),
        };
        text.extend_from_slice(line.as_bytes());
    }
    let printed = shell.print("shopt", &text);
    Ok(if printed.is_success() { status } else { printed })
}

fn refuse(shell: &Shell, message: &str) -> Result<ExitStatus, Flow> {
    shell.complain(&format!("shopt: {message}"));
    Ok(ExitStatus::FAILURE)
}

fn invalid(shell: &Shell, name: &[u8], of_set: bool) -> ExitStatus {
    let kind = if of_set { "invalid option name" } else { "invalid shell option name" };
    shell.complain(&format!("shopt: {}: {kind}", show(name)));
    ExitStatus::FAILURE
}

fn all(shell: &Shell, of_set: bool) -> Vec<(Vec<u8>, bool)> {
    if of_set {
        let mut options = *shell.options();
        return options_of(shell.context.mode)
            .iter()
            .map(|(_, name, place)| (name.as_bytes().to_vec(), *place(&mut options)))
            .collect();
    }
    let switches = shell.switches();
    SWITCHES.iter().map(|(switch, name, _)| (name.as_bytes().to_vec(), switches.is_on(*switch))).collect()
}

fn put(shell: &mut Shell, name: &[u8], of_set: bool, on: bool) -> bool {
    if of_set {
        return set_long(&mut shell.state.options, shell.context.mode, name, on);
    }
    match switch(name) {
        Some(switch) => {
            shell.state.switches.set(switch, on);
            true
        }
        None => false,
    }
}
