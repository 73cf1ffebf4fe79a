//! `set` and the options of a shell.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{quote, show};
use crate::config::{Mode, ShellOptions};
use crate::eval::{Flow, Getopts, Shell};
use crate::variables::assignment;

/// Where an option is kept.
pub(super) type Place = fn(&mut ShellOptions) -> &mut bool;

/// Every option: its letter (0 where it has none), its name, and where it is kept.
pub(super) const OPTIONS: [(u8, &str, Place); 11] = [
    (b'a', "allexport", |options| &mut options.allexport),
    (b'C', "noclobber", |options| &mut options.noclobber),
    (b'e', "errexit", |options| &mut options.errexit),
    (b'f', "noglob", |options| &mut options.noglob),
    (b'h', "hashall", |options| &mut options.hashall),
    (b'n', "noexec", |options| &mut options.noexec),
    (b'b', "notify", |options| &mut options.notify),
    (0, "pipefail", |options| &mut options.pipefail),
    (b'u', "nounset", |options| &mut options.nounset),
    (b'v', "verbose", |options| &mut options.verbose),
    (b'x', "xtrace", |options| &mut options.xtrace),
];

/// Switches the option of a letter; false where there is none.
pub(crate) fn set_letter(options: &mut ShellOptions, letter: u8, on: bool) -> bool {
    // Options that mean nothing in a shell without a terminal.
    if matches!(letter, b'm' | b'B' | b'E' | b'H') {
        return true;
    }
    match OPTIONS.iter().find(|(known, _, _)| *known == letter && letter != 0) {
        Some((_, _, place)) => {
            *place(options) = on;
            true
        }
        None => false,
    }
}

/// Switches the option of a name; false where there is none.
pub(crate) fn set_long(options: &mut ShellOptions, name: &[u8], on: bool) -> bool {
    if matches!(
        name,
        b"monitor"
            | b"vi"
            | b"emacs"
            | b"nolog"
            | b"ignoreeof"
            | b"posix"
            | b"braceexpand"
            | b"errtrace"
            | b"functrace"
    ) {
        return true;
    }
    match OPTIONS.iter().find(|(_, known, _)| known.as_bytes() == name) {
        Some((_, _, place)) => {
            *place(options) = on;
            true
        }
        None => false,
    }
}

/// Whether the option of a name is on.
pub(crate) fn option_is_on(options: &ShellOptions, name: &[u8]) -> bool {
    let mut options = *options;
    OPTIONS.iter().any(|(_, known, place)| known.as_bytes() == name && *place(&mut options))
}

/// `$-`.
pub(crate) fn option_letters(options: &ShellOptions) -> Vec<u8> {
    let mut options = *options;
    let interactive = options.interactive.then_some(b'i');
    let set = OPTIONS.iter().filter(|(letter, _, place)| *letter != 0 && *place(&mut options));
    set.map(|(letter, _, _)| *letter).chain(interactive).collect()
}

/// `SHELLOPTS`.
pub(crate) fn option_names(options: &ShellOptions) -> Vec<u8> {
    let mut options = *options;
    let mut names = vec!["braceexpand", "interactive-comments"];
    names.extend(OPTIONS.iter().filter(|(_, _, place)| *place(&mut options)).map(|(_, name, _)| *name));
    names.sort_unstable();
    names.join(":").into_bytes()
}

pub(super) fn set(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut words = &words[1..];
    if words.is_empty() {
        let mut text = vec![];
        for name in shell.state.variables.names(b"") {
            let Some(variable) = shell.state.variables.get(name) else { continue };
            let line = match shell.context.mode {
                Mode::Bash => assignment(shell, name, variable),
                Mode::Sh => shell.values_of(variable).first().map(|value| [&name[..], b"=", &quote(value)].concat()),
            };
            if let Some(line) = line {
                text.extend_from_slice(&line);
                text.push(b'\n');
            }
        }
        return Ok(shell.print("set", &text));
    }
    while let Some((first, rest)) = words.split_first() {
        match first.as_slice() {
            b"--" => {
                shell.state.positional = Arc::new(rest.to_vec());
                shell.state.getopts = Getopts::default();
                return Ok(ExitStatus::SUCCESS);
            }
            b"-" => {
                shell.state.options.xtrace = false;
                shell.state.options.verbose = false;
                words = rest;
                break;
            }
            b"+" => words = rest,
            [sign @ (b'-' | b'+'), letters @ ..] if !letters.is_empty() => {
                words = rest;
                for letter in letters {
                    if *letter == b'o' {
                        let Some((name, rest)) = words.split_first() else {
                            return Ok(list_options(shell, *sign == b'-'));
                        };
                        if !set_long(&mut shell.state.options, name, *sign == b'-') {
                            if shell.is_bash() {
                                shell.complain(&format!("set: {}: invalid option name", show(name)));
                                return Ok(ExitStatus::USAGE);
                            }
                            return Err(shell.fatal(&format!("set: Illegal option -o {}", show(name))));
                        }
                        words = rest;
                    } else if !set_letter(&mut shell.state.options, *letter, *sign == b'-') {
                        if shell.is_bash() {
                            shell.complain(&format!(
                                "set: {}{}: invalid option",
                                char::from(*sign),
                                char::from(*letter)
                            ));
                            return Ok(ExitStatus::USAGE);
                        }
                        return Err(shell.fatal(&format!("set: Illegal option -{}", char::from(*letter))));
                    }
                }
            }
            _ => break,
        }
    }
    if !words.is_empty() {
        shell.state.positional = Arc::new(words.to_vec());
        shell.state.getopts = Getopts::default();
    }
    Ok(ExitStatus::SUCCESS)
}

fn list_options(shell: &mut Shell, readable: bool) -> ExitStatus {
    let mut options = *shell.options();
    let mut text = String::new();
    for (_, name, place) in OPTIONS {
        let on = *place(&mut options);
        if readable {
            text.push_str(&format!("{name:<15} {}\n", if on { "on" } else { "off" }));
        } else {
            text.push_str(&format!("set {}o {name}\n", if on { '-' } else { '+' }));
        }
    }
    shell.print("set", text.as_bytes())
}
