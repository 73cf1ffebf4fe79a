//! `.`, `eval`, `exec`, `command`, `type`.

use std::sync::Arc;

use stepbox_system::{Access, ExitStatus, OpenOptions, Resolution, error_text};

use super::control::operands;
use super::{find_regular, find_special, quote, show};
use crate::eval::{DEFAULT_PATH, Flow, Frame, Shell, own_descriptor};

const KEYWORDS: [&[u8]; 17] = [
    b"!", b"{", b"}", b"case", b"do", b"done", b"elif", b"else", b"esac", b"fi", b"for", b"if", b"in", b"then",
    b"until", b"while", b"[[",
];

pub(super) fn eval(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let line = shell.line;
    shell.execute_text(&operands(words).join(&b' '), line)
}

pub(super) fn dot(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let operands = operands(words);
    let Some(name) = operands.first() else {
        return Err(shell.fatal(&format!("{}: filename argument required", show(&words[0]))));
    };
    let mut candidates = vec![name.clone()];
    if !name.contains(&b'/') {
        let path = shell.get(b"PATH").unwrap_or_default();
        candidates = path.split(|byte| *byte == b':').map(|directory| [directory, b"/", name].concat()).collect();
        // ash looks into the working directory last.
        candidates.push(name.clone());
    }
    let in_place = shell.path(name).ok();
    let found = candidates.iter().filter_map(|candidate| shell.path(candidate).ok()).find(|path| {
        own_descriptor(path.as_bytes()).is_some_and(|number| shell.state.files.contains_key(&number))
            || shell.vfs().metadata(path, true).is_ok_and(|metadata| !metadata.is_dir())
                && shell.vfs().access(path, Access::Read)
    });
    let Some(path) = found else {
        if shell.is_bash() {
            shell.complain(&format!("{}: No such file or directory", show(name)));
            return Ok(ExitStatus::FAILURE);
        }
        return Err(shell.fatal(&format!("{}: cannot open {}: No such file", show(&words[0]), show(name))));
    };
    let limit = shell.limits().source;
    let opened = match own_descriptor(name).and_then(|number| shell.state.files.get(&number)) {
        Some(file) => Ok(file.clone()),
        None => shell.vfs().open(&path, &OpenOptions::reading()),
    };
    let read = opened.and_then(|file| file.read_to_end(limit, shell.cancel()));
    let source = match read {
        Ok(source) => source,
        Err(error) => {
            return Err(shell.fatal(&format!(
                "{}: cannot open {}: {}",
                show(&words[0]),
                show(name),
                error_text(&error)
            )));
        }
    };
    let saved =
        (operands.len() > 1).then(|| std::mem::replace(&mut shell.state.positional, Arc::new(operands[1..].to_vec())));
    let line = shell.line;
    shell.callers += 1;
    let file: Arc<[u8]> = if name.contains(&b'/') || in_place.is_some_and(|here| here == path) {
        name.as_slice().into()
    } else {
        path.as_bytes().into()
    };
    shell.frames.push(Frame { name: b"source"[..].into(), source: file, is_sourced: true, line, is_function: false });
    let result = shell.execute_sourced(&source);
    let result = shell.run_return_trap(result);
    shell.callers -= 1;
    shell.frames.pop();
    shell.line = line;
    if let Some(saved) = saved {
        shell.state.positional = saved;
    }
    match result {
        Err(Flow::Return(status)) => Ok(status),
        other => other,
    }
}

/// `exec [-cl] [-a NAME] [COMMAND [ARG]…]`; the options are bash's.
pub(super) fn exec(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut words = words[1..].to_vec();
    let (mut shown, mut clean, mut login) = (None, false, false);
    while shell.is_bash()
        && let Some([b'-', letters @ ..]) = words.first().map(Vec::as_slice)
        && letters != b"-"
    {
        let letters = letters.to_vec();
        words.remove(0);
        for letter in letters {
            match letter {
                b'c' => clean = true,
                b'l' => login = true,
                b'a' if !words.is_empty() => shown = Some(words.remove(0)),
                letter => {
                    shell.complain(&format!("exec: -{}: invalid option", char::from(letter)));
                    return Ok(ExitStatus::USAGE);
                }
            }
        }
    }
    if words.first().is_some_and(|word| word == b"--") {
        words.remove(0);
    }
    let Some(name) = words.first().cloned() else { return Ok(ExitStatus::SUCCESS) };
    if let Some(shown) = shown {
        words[0] = shown;
    }
    if login {
        words[0].insert(0, b'-');
    }
    if clean {
        for name in shell.state.variables.names(b"").into_iter().cloned().collect::<Vec<_>>() {
            shell.state.variables.change(&name, |variable| variable.attributes.exported = false);
        }
    }
    // The program stands in the shell's place: no trap of `EXIT` runs.
    let status = shell.run_program_as(&name, words, None, true)?;
    shell.state.traps.0.clear();
    Err(Flow::Exit(status))
}

pub(super) fn command(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut words = words[1..].to_vec();
    let mut standard = false;
    let mut describes = None;
    while let Some(option) = words.first().filter(|word| word.len() > 1 && word[0] == b'-').cloned() {
        words.remove(0);
        if option == b"--" {
            break;
        }
        for letter in &option[1..] {
            match letter {
                b'p' => standard = true,
                b'v' => describes = Some(false),
                b'V' => describes = Some(true),
                _ => return Err(shell.fatal(&format!("command: Illegal option {}", show(&option)))),
            }
        }
    }
    let path = standard.then_some(DEFAULT_PATH);
    if let Some(verbose) = describes {
        return Ok(describe(shell, "command", &words, verbose, path));
    }
    run_command(shell, &words, path)
}

/// Runs a built-in or a program, functions left out.
pub(super) fn run_command(shell: &mut Shell, words: &[Vec<u8>], path: Option<&[u8]>) -> Result<ExitStatus, Flow> {
    let Some(name) = words.first() else { return Ok(ExitStatus::SUCCESS) };
    if let Some(builtin) = find_special(name) {
        // Without what makes it special: an error does not end the shell.
        return match builtin(shell, words) {
            Err(Flow::Error(status)) => Ok(status),
            other => other,
        };
    }
    if let Some(builtin) = find_regular(name, shell.context.mode) {
        return builtin(shell, words);
    }
    shell.run_program(words.to_vec(), path, false)
}

pub(super) fn type_of(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    Ok(describe(shell, "type", &words[1..], true, None))
}

/// `hash [-r] [NAME]…`: nothing is remembered here, but a name that is no program is told.
pub(super) fn hash(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut status = ExitStatus::SUCCESS;
    let path = shell.get(b"PATH").unwrap_or_default();
    for name in operands(words).iter().filter(|word| !word.starts_with(b"-")) {
        let known = find_special(name).is_some()
            || find_regular(name, shell.context.mode).is_some()
            || shell.state.functions.contains_key(name)
            || matches!(shell.context.spawner.resolve(name, &path, shell.cwd()), Resolution::Found(_));
        if !known {
            shell.complain(&format!("hash: {}: not found", show(name)));
            status = ExitStatus::FAILURE;
        }
    }
    Ok(status)
}

/// What names mean to this shell.
fn describe(shell: &mut Shell, command: &str, names: &[Vec<u8>], verbose: bool, path: Option<&[u8]>) -> ExitStatus {
    let mut status = ExitStatus::SUCCESS;
    let mut text = vec![];
    for name in names {
        let shown = show(name);
        let line = if KEYWORDS.contains(&name.as_slice()) {
            Some(if verbose { format!("{shown} is a shell keyword") } else { shown.clone() })
        } else if let Some(value) = shell.state.aliases.get(name) {
            let value = if verbose { show(value) } else { show(&quote(value)) };
            Some(if verbose { format!("{shown} is an alias for {value}") } else { format!("alias {shown}={value}") })
        } else if find_special(name).is_some() {
            Some(if verbose { format!("{shown} is a special shell builtin") } else { shown.clone() })
        } else if shell.state.functions.contains_key(name) {
            Some(if verbose { format!("{shown} is a shell function") } else { shown.clone() })
        } else if find_regular(name, shell.context.mode).is_some() {
            Some(if verbose { format!("{shown} is a shell builtin") } else { shown.clone() })
        } else {
            let own = shell.get(b"PATH").unwrap_or_default();
            match shell.context.spawner.resolve(name, path.unwrap_or(&own), shell.cwd()) {
                Resolution::Found(program) if verbose => Some(format!("{shown} is {}", program.path)),
                Resolution::Found(program) => Some(program.path.to_string()),
                _ => None,
            }
        };
        match line {
            Some(line) => text.extend_from_slice(format!("{line}\n").as_bytes()),
            None => {
                status = ExitStatus::NOT_FOUND;
                if verbose {
                    text.extend_from_slice(format!("{shown}: not found\n").as_bytes());
                }
            }
        }
    }
    let printed = shell.print(command, &text);
    if printed.is_success() { status } else { printed }
}
