use stepbox_system::ExitStatus;

use super::show;
use crate::eval::{Flow, Getopts, Shell};
use crate::parse::is_name;

/// `getopts OPTSTRING NAME [ARG]…`
pub(super) fn getopts(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let (Some(options), Some(name)) = (words.get(1).cloned(), words.get(2).cloned()) else {
        return Err(shell.fatal("getopts: Usage: getopts optstring var [arg]"));
    };
    let arguments = if words.len() > 3 { words[3..].to_vec() } else { shell.positional().to_vec() };
    if !is_name(&name) {
        return Err(shell.fatal(&format!("getopts: {}: bad variable name", show(&name))));
    }
    let Getopts { mut index, mut offset } = shell.state.getopts;
    let quiet = options.first() == Some(&b':');
    let current = arguments.get(index - 1);
    let mut argument = None;
    let letter = match current {
        Some(word) if offset > 0 && offset < word.len() => Some(word[offset]),
        Some(word) if word == b"--" => {
            index += 1;
            None
        }
        Some(word) if word.len() > 1 && word[0] == b'-' => {
            offset = 1;
            Some(word[1])
        }
        _ => None,
    };
    let mut status = ExitStatus::SUCCESS;
    let value = match (letter, current) {
        (Some(letter), Some(word)) => {
            let known = options
                .iter()
                .enumerate()
                .skip(usize::from(quiet))
                .find(|(_, byte)| **byte == letter && letter != b':');
            let last = offset + 1 >= word.len();
            match known {
                None => {
                    if quiet {
                        argument = Some(vec![letter]);
                    } else {
                        let letter = char::from(letter);
                        complain(shell, &format!("Illegal option -{letter}"), &format!("illegal option -- {letter}"));
                    }
                    (index, offset) = if last { (index + 1, 0) } else { (index, offset + 1) };
                    b'?'
                }
                Some((at, _)) if options.get(at + 1) == Some(&b':') => {
                    let (found, next) = if last {
                        (arguments.get(index).cloned(), index + 2)
                    } else {
                        (Some(word[offset + 1..].to_vec()), index + 1)
                    };
                    (index, offset) = (next, 0);
                    match found {
                        Some(found) => {
                            argument = Some(found);
                            letter
                        }
                        None if quiet => {
                            index -= 1;
                            argument = Some(vec![letter]);
                            b':'
                        }
                        None => {
                            index -= 1;
                            let letter = char::from(letter);
                            let bash = format!("option requires an argument -- {letter}");
                            complain(shell, &format!("No arg for -{letter} option"), &bash);
                            b'?'
                        }
                    }
                }
                Some(_) => {
                    (index, offset) = if last { (index + 1, 0) } else { (index, offset + 1) };
                    letter
                }
            }
        }
        _ => {
            status = ExitStatus::FAILURE;
            offset = 0;
            // bash does not stay beyond the end.
            if shell.is_bash() {
                index = index.min(arguments.len() + 1);
            }
            b'?'
        }
    };
    for (name, value) in [(&b"OPTIND"[..], index.to_string().into_bytes()), (&name, vec![value])] {
        if let Err(message) = shell.assign(name, value) {
            return Err(shell.fatal(&message));
        }
    }
    match argument {
        Some(argument) => {
            if let Err(message) = shell.assign(b"OPTARG", argument) {
                return Err(shell.fatal(&message));
            }
        }
        None => drop(shell.state.variables.replace(b"OPTARG", None)),
    }
    shell.state.getopts = Getopts { index, offset };
    Ok(status)
}

/// sh names the built-in, bash only the script.
fn complain(shell: &Shell, sh: &str, bash: &str) {
    if shell.is_bash() {
        let name = show(&shell.state.name);
        shell.print_error(format!("{name}: {bash}\n").as_bytes());
    } else {
        shell.complain(&format!("getopts: {sh}"));
    }
}
