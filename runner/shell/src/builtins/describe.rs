//! bash's `type` and `command`, `builtin`, `enable`, `hash`, `caller`: what names mean.

use stepbox_system::{Access, ExitStatus, Resolution};

use super::control::operands;
use super::sourcing::run_command;
use super::{find_regular, find_special, quote, show};
use crate::config::Mode;
use crate::eval::{DEFAULT_PATH, Flow, Shell};

pub(super) const KEYWORDS: [&[u8]; 22] = [
    b"if",
    b"then",
    b"else",
    b"elif",
    b"fi",
    b"case",
    b"esac",
    b"for",
    b"select",
    b"while",
    b"until",
    b"do",
    b"done",
    b"in",
    b"function",
    b"time",
    b"{",
    b"}",
    b"!",
    b"[[",
    b"]]",
    b"coproc",
];

/// The built-ins of bash, for `enable`.
const NAMES: [&str; 61] = [
    ".",
    ":",
    "[",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "declare",
    "dirs",
    "disown",
    "echo",
    "enable",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "fc",
    "fg",
    "getopts",
    "hash",
    "help",
    "history",
    "jobs",
    "kill",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "printf",
    "pushd",
    "pwd",
    "read",
    "readarray",
    "readonly",
    "return",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
];

/// What a name means.
enum Meaning {
    Alias(Vec<u8>),
    Keyword,
    Function(Vec<u8>),
    Builtin,
    File(Vec<u8>),
}

/// Which meanings are looked for, and where.
#[derive(Clone, Copy, Default)]
struct Search<'a> {
    all: bool,
    no_functions: bool,
    only_files: bool,
    path: Option<&'a [u8]>,
}

/// The built-ins that there are, in order.
pub(super) fn builtin_names() -> impl Iterator<Item = &'static str> {
    NAMES.into_iter().filter(|name| is_builtin(name.as_bytes()))
}

pub(super) fn is_builtin(name: &[u8]) -> bool {
    find_special(name).is_some() || find_regular(name, Mode::Bash).is_some()
}

fn meanings(shell: &Shell, name: &[u8], search: Search<'_>) -> Vec<Meaning> {
    let mut found = vec![];
    if !search.only_files {
        if let Some(value) = shell.state.aliases.get(name) {
            found.push(Meaning::Alias(value.to_vec()));
        }
        if KEYWORDS.contains(&name) {
            found.push(Meaning::Keyword);
        }
        if let Some(function) = shell.state.functions.get(name).filter(|_| !search.no_functions) {
            found.push(Meaning::Function(function.text.to_vec()));
        }
        if is_builtin(name) {
            found.push(Meaning::Builtin);
        }
    }
    if search.all || found.is_empty() {
        found.extend(files(shell, name, search).into_iter().map(Meaning::File));
    }
    if !search.all {
        found.truncate(1);
    }
    found
}

/// The programs of a name, or all of them.
fn files(shell: &Shell, name: &[u8], search: Search<'_>) -> Vec<Vec<u8>> {
    let own = shell.get(b"PATH").unwrap_or_default();
    let path = search.path.unwrap_or(&own);
    if name.is_empty() {
        return vec![];
    }
    let resolved = |path: &[u8]| match shell.context.spawner.resolve(name, path, shell.cwd()) {
        Resolution::Found(program) => Some(program.path.to_string().into_bytes()),
        _ => None,
    };
    if name.contains(&b'/') {
        // As it was written.
        let executable = shell.path(name).is_ok_and(|path| {
            shell.vfs().access(&path, Access::Execute)
                && shell.vfs().metadata(&path, true).is_ok_and(|metadata| !metadata.is_dir())
        });
        return if executable || resolved(path).is_some() { vec![name.to_vec()] } else { vec![] };
    }
    if !search.all {
        return resolved(path).into_iter().collect();
    }
    path.split(|byte| *byte == b':').filter_map(resolved).collect()
}

/// `type [-afptP] NAME…`
pub(super) fn type_of(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut search = Search::default();
    let (mut short, mut path) = (false, false);
    let mut names = &words[1..];
    while let Some((first, rest)) = names.split_first() {
        let [b'-', letters @ ..] = first.as_slice() else { break };
        if letters.is_empty() {
            break;
        }
        names = rest;
        if letters == b"-" {
            break;
        }
        for letter in letters {
            match letter {
                b'a' => search.all = true,
                b'f' => search.no_functions = true,
                b't' => short = true,
                b'p' => path = true,
                b'P' => (path, search.only_files) = (true, true),
                letter => {
                    shell.complain(&format!("type: -{}: invalid option", char::from(*letter)));
                    shell.print_error(b"type: usage: type [-afptP] name [name ...]\n");
                    return Ok(ExitStatus::USAGE);
                }
            }
        }
    }
    let mut status = ExitStatus::SUCCESS;
    let mut text = vec![];
    for name in names {
        let found = meanings(shell, name, search);
        if found.is_empty() {
            status = ExitStatus::FAILURE;
            if !short && !path {
                shell.complain(&format!("type: {}: not found", show(name)));
            }
        }
        for meaning in found {
            let line = match (&meaning, path, short) {
                (Meaning::File(file), true, _) => file.clone(),
                (_, true, _) => continue,
                (_, _, true) => kind(&meaning).to_vec(),
                _ => sentence(name, &meaning),
            };
            text.extend_from_slice(&line);
            text.push(b'\n');
        }
    }
    let printed = shell.print("type", &text);
    Ok(if printed.is_success() { status } else { printed })
}

fn kind(meaning: &Meaning) -> &'static [u8] {
    match meaning {
        Meaning::Alias(_) => b"alias",
        Meaning::Keyword => b"keyword",
        Meaning::Function(_) => b"function",
        Meaning::Builtin => b"builtin",
        Meaning::File(_) => b"file",
    }
}

fn sentence(name: &[u8], meaning: &Meaning) -> Vec<u8> {
    match meaning {
        Meaning::Alias(value) => [name, b" is aliased to `", value, b"'"].concat(),
        Meaning::Keyword => [name, b" is a shell keyword"].concat(),
        Meaning::Function(text) => [name, b" is a function\n", name, b" () \n", text].concat(),
        Meaning::Builtin => [name, b" is a shell builtin"].concat(),
        Meaning::File(file) => [name, b" is ", file].concat(),
    }
}

/// `command [-pvV] NAME [ARG]…`
pub(super) fn command(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut rest = &words[1..];
    let (mut standard, mut describes) = (false, None);
    while let Some((first, behind)) = rest.split_first() {
        let [b'-', letters @ ..] = first.as_slice() else { break };
        if letters.is_empty() {
            break;
        }
        rest = behind;
        if letters == b"-" {
            break;
        }
        for letter in letters {
            match letter {
                b'p' => standard = true,
                b'v' => describes = Some(false),
                b'V' => describes = Some(true),
                letter => {
                    shell.complain(&format!("command: -{}: invalid option", char::from(*letter)));
                    shell.print_error(b"command: usage: command [-pVv] command [arg ...]\n");
                    return Ok(ExitStatus::USAGE);
                }
            }
        }
    }
    let path = standard.then_some(DEFAULT_PATH);
    let Some(verbose) = describes else { return run_command(shell, rest, path) };
    let mut text = vec![];
    let mut status = if rest.is_empty() { ExitStatus::SUCCESS } else { ExitStatus::FAILURE };
    for name in rest {
        let found = meanings(shell, name, Search { path, ..Search::default() });
        let Some(meaning) = found.first() else {
            if verbose {
                shell.complain(&format!("command: {}: not found", show(name)));
            }
            continue;
        };
        // One that is there is enough.
        status = ExitStatus::SUCCESS;
        let line = match meaning {
            meaning if verbose => sentence(name, meaning),
            Meaning::Alias(value) => [b"alias ", name.as_slice(), b"=", &quote(value)].concat(),
            Meaning::File(file) => file.clone(),
            _ => name.clone(),
        };
        text.extend_from_slice(&line);
        text.push(b'\n');
    }
    let printed = shell.print("command", &text);
    Ok(if printed.is_success() { status } else { printed })
}

/// `builtin NAME [ARG]…`
pub(super) fn builtin(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let words = operands(words);
    let Some(name) = words.first() else { return Ok(ExitStatus::SUCCESS) };
    let Some(builtin) = find_special(name).or_else(|| find_regular(name, Mode::Bash)) else {
        shell.complain(&format!("builtin: {}: not a shell builtin", show(name)));
        return Ok(ExitStatus::FAILURE);
    };
    builtin(shell, words)
}

/// `enable [-ap] [NAME]…`; built-ins cannot be switched off.
pub(super) fn enable(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let off = words[1..].iter().any(|word| word == b"-n");
    let names: Vec<_> = words[1..].iter().filter(|word| !word.starts_with(b"-")).collect();
    if off && !names.is_empty() {
        shell.complain("enable: -n: built-ins cannot be switched off here; call the program by its path");
        return Ok(ExitStatus::FAILURE);
    }
    if names.is_empty() {
        let text: String = builtin_names().filter(|_| !off).map(|name| format!("enable {name}\n")).collect();
        return Ok(shell.print("enable", text.as_bytes()));
    }
    let mut status = ExitStatus::SUCCESS;
    for name in names.into_iter().filter(|name| !is_builtin(name)) {
        shell.complain(&format!("enable: {}: not a shell builtin", show(name)));
        status = ExitStatus::FAILURE;
    }
    Ok(status)
}

/// `hash [-r] [-t NAME] [NAME]…`; nothing is remembered, each command is looked for when it runs.
pub(super) fn hash(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let tells = words[1..].iter().any(|word| word == b"-t");
    let names: Vec<_> = words[1..].iter().filter(|word| !word.starts_with(b"-")).collect();
    if words[1..].iter().any(|word| word == b"-d" || word == b"-p") {
        return Ok(ExitStatus::SUCCESS);
    }
    if names.is_empty() && words.len() == 1 {
        return Ok(shell.print("hash", b"hash: hash table empty\n"));
    }
    let mut status = ExitStatus::SUCCESS;
    let mut text = vec![];
    for name in names {
        match files(shell, name, Search::default()).first() {
            Some(file) if tells => text.extend_from_slice(&[file.as_slice(), b"\n"].concat()),
            Some(_) => {}
            None if is_builtin(name) && !tells => {}
            None => {
                shell.complain(&format!("hash: {}: not found", show(name)));
                status = ExitStatus::FAILURE;
            }
        }
    }
    let printed = if text.is_empty() { status } else { shell.print("hash", &text) };
    Ok(if printed.is_success() { status } else { printed })
}

/// `caller [N]`: the line, function and file that the N-th function around was called from.
pub(super) fn caller(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let number = match operands(words).first() {
        None => None,
        Some(word) => match std::str::from_utf8(word).ok().and_then(|text| text.parse::<usize>().ok()) {
            Some(number) => Some(number),
            None => {
                shell.complain(&format!("caller: {}: invalid number", show(word)));
                return Ok(ExitStatus::USAGE);
            }
        },
    };
    let depth = number.unwrap_or(0);
    let mut frames = shell.frames.iter().rev().skip(depth);
    let Some(frame) = frames.next() else { return Ok(ExitStatus::FAILURE) };
    let (name, source) = match frames.next() {
        Some(around) => (show(&around.name), show(&around.source)),
        None => ("main".to_owned(), shell.state.script.as_deref().map_or("NULL".to_owned(), show)),
    };
    let line = match number {
        None => format!("{} {source}\n", frame.line),
        Some(_) if shell.state.script.is_none() && name == "main" => return Ok(ExitStatus::FAILURE),
        Some(_) => format!("{} {name} {source}\n", frame.line),
    };
    Ok(shell.print("caller", line.as_bytes()))
}
