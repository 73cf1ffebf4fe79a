//! `set` and the options of a shell.

use std::sync::Arc;

use stepbox_system::ExitStatus;

use super::{quote, show};
use crate::config::{Mode, ShellOptions};
use crate::eval::{Flow, Getopts, Shell};
use crate::variables::assignment;

/// Where an option is kept.
pub(super) type Place = fn(&mut ShellOptions) -> &mut bool;

/// An option: its letter (0 where it has none), its name, and where it is kept.
type Entry = (u8, &'static str, Place);

/// The options of sh.
const OPTIONS: [Entry; 11] = [
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

/// The options of bash, by name.
const BASH_OPTIONS: [Entry; 27] = [
    (b'a', "allexport", |options| &mut options.allexport),
    (b'B', "braceexpand", |options| &mut options.braceexpand),
    (0, "emacs", |options| &mut options.kept[0]),
    (b'e', "errexit", |options| &mut options.errexit),
    (b'E', "errtrace", |options| &mut options.errtrace),
    (b'T', "functrace", |options| &mut options.functrace),
    (b'h', "hashall", |options| &mut options.hashall),
    (b'H', "histexpand", |options| &mut options.kept[1]),
    (0, "history", |options| &mut options.kept[2]),
    (0, "ignoreeof", |options| &mut options.kept[3]),
    (0, "interactive-comments", |options| &mut options.kept[4]),
    (b'k', "keyword", |options| &mut options.kept[5]),
    (b'm', "monitor", |options| &mut options.kept[6]),
    (b'C', "noclobber", |options| &mut options.noclobber),
    (b'n', "noexec", |options| &mut options.noexec),
    (b'f', "noglob", |options| &mut options.noglob),
    (0, "nolog", |options| &mut options.kept[7]),
    (b'b', "notify", |options| &mut options.notify),
    (b'u', "nounset", |options| &mut options.nounset),
    (b't', "onecmd", |options| &mut options.kept[8]),
    (b'P', "physical", |options| &mut options.kept[9]),
    (0, "pipefail", |options| &mut options.pipefail),
    (0, "posix", |options| &mut options.kept[10]),
    (b'p', "privileged", |options| &mut options.kept[11]),
    (b'v', "verbose", |options| &mut options.verbose),
    (0, "vi", |options| &mut options.kept[12]),
    (b'x', "xtrace", |options| &mut options.xtrace),
];

/// In the order of `$-`.
const LETTERS: &[u8] = b"abefhkmnptuvxBCEHPT";

/// The options of a shell.
pub(super) fn options_of(mode: Mode) -> &'static [Entry] {
    match mode {
        Mode::Sh => &OPTIONS,
        Mode::Bash => &BASH_OPTIONS,
    }
}

/// What a shell of this mode begins with.
pub(crate) fn enter_mode(options: &mut ShellOptions, mode: Mode) {
    if mode == Mode::Bash {
        options.hashall = true;
        options.kept[4] = true;
    }
}

/// Switches the option of a letter; false where there is none.
pub(crate) fn set_letter(options: &mut ShellOptions, mode: Mode, letter: u8, on: bool) -> bool {
    // Options that mean nothing in a shell without a terminal.
    if mode == Mode::Sh && matches!(letter, b'm' | b'B' | b'E' | b'H') {
        return true;
    }
    match options_of(mode).iter().find(|(known, _, _)| *known == letter && letter != 0) {
        Some((_, _, place)) => {
            *place(options) = on;
            true
        }
        None => false,
    }
}

/// Switches the option of a name; false where there is none.
pub(crate) fn set_long(options: &mut ShellOptions, mode: Mode, name: &[u8], on: bool) -> bool {
    match options_of(mode).iter().find(|(_, known, _)| known.as_bytes() == name) {
        Some((_, _, place)) => {
            *place(options) = on;
            true
        }
        // Those of bash mean nothing in sh.
        None => mode == Mode::Sh && BASH_OPTIONS.iter().any(|(_, known, _)| known.as_bytes() == name),
    }
}

/// Whether the option of a name is on.
pub(crate) fn option_is_on(options: &ShellOptions, mode: Mode, name: &[u8]) -> bool {
    let mut options = *options;
    options_of(mode).iter().any(|(_, known, place)| known.as_bytes() == name && *place(&mut options))
}

/// `$-`; `more` are letters that no option has.
pub(crate) fn option_letters(options: &ShellOptions, mode: Mode, more: &[u8]) -> Vec<u8> {
    let mut options = *options;
    let interactive = options.interactive.then_some(b'i');
    let set = options_of(mode).iter().filter(|(letter, _, place)| *letter != 0 && *place(&mut options));
    let mut letters: Vec<u8> = set.map(|(letter, _, _)| *letter).collect();
    if mode == Mode::Bash {
        letters.sort_by_key(|letter| LETTERS.iter().position(|known| known == letter));
    }
    letters.into_iter().chain(interactive).chain(more.iter().copied()).collect()
}

/// `SHELLOPTS`.
pub(crate) fn option_names(options: &ShellOptions) -> Vec<u8> {
    let mut options = *options;
    let names: Vec<&str> =
        BASH_OPTIONS.iter().filter(|(_, _, place)| *place(&mut options)).map(|(_, name, _)| *name).collect();
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
    let mode = shell.context.mode;
    while let Some((first, rest)) = words.split_first() {
        match first.as_slice() {
            b"--" => {
                shell.state.positional = Arc::new(rest.to_vec());
                begin_getopts(shell);
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
                        if !set_long(&mut shell.state.options, mode, name, *sign == b'-') {
                            if shell.is_bash() {
                                shell.complain(&format!("set: {}: invalid option name", show(name)));
                                return Ok(ExitStatus::USAGE);
                            }
                            return Err(shell.fatal(&format!("set: Illegal option -o {}", show(name))));
                        }
                        words = rest;
                    } else if !set_letter(&mut shell.state.options, mode, *letter, *sign == b'-') {
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
        begin_getopts(shell);
    }
    Ok(ExitStatus::SUCCESS)
}

/// New parameters begin `getopts` anew, but not in bash.
fn begin_getopts(shell: &mut Shell) {
    if !shell.is_bash() {
        shell.state.getopts = Getopts::default();
    }
}

fn list_options(shell: &mut Shell, readable: bool) -> ExitStatus {
    let mut options = *shell.options();
    let mut text = String::new();
    let between = if shell.is_bash() { '\t' } else { ' ' };
    for (_, name, place) in options_of(shell.context.mode) {
        let on = *place(&mut options);
        if readable {
            text.push_str(&format!("{name:<15}{between}{}\n", if on { "on" } else { "off" }));
        } else {
            text.push_str(&format!("set {}o {name}\n", if on { '-' } else { '+' }));
        }
    }
    shell.print("set", text.as_bytes())
}
