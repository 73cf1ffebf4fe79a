//! `cd`, `pwd`, `umask`.

use std::io;

use stepbox_system::{ExitStatus, VirtualPath, error_text};

use super::show;
use crate::eval::{Flow, Shell};

pub(super) fn cd(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut physical = false;
    let mut words = &words[1..];
    while let Some((first, rest)) = words.split_first() {
        match first.as_slice() {
            b"--" => {
                words = rest;
                break;
            }
            // `-e` asks for a failure where the new directory is not known; here it always is.
            [b'-', letters @ ..] if !letters.is_empty() && letters.iter().all(|letter| b"LPe".contains(letter)) => {
                physical = letters.iter().rfind(|letter| **letter != b'e').map_or(physical, |letter| *letter == b'P');
            }
            _ => break,
        }
        words = rest;
    }
    let failure = if shell.is_bash() { ExitStatus::FAILURE } else { ExitStatus::USAGE };
    if shell.is_bash() && words.len() > 1 {
        shell.complain("cd: too many arguments");
        return Ok(failure);
    }
    let mut print = false;
    let target = match words.first().map(Vec::as_slice) {
        None => match shell.get(b"HOME") {
            Some(home) if !home.is_empty() => home,
            _ => {
                shell.complain("cd: HOME not set");
                return Ok(failure);
            }
        },
        Some(b"-") => match shell.get(b"OLDPWD") {
            Some(old) => {
                print = true;
                old
            }
            None => {
                shell.complain("cd: OLDPWD not set");
                return Ok(failure);
            }
        },
        Some(target) => target.to_vec(),
    };
    let mut candidates = vec![];
    let plain = target.is_empty()
        || target[0] == b'/'
        || target.starts_with(b"./")
        || target.starts_with(b"../")
        || target == b"."
        || target == b"..";
    if !plain && let Some(path) = shell.get(b"CDPATH") {
        for directory in path.split(|byte| *byte == b':') {
            // An empty one is the working directory, and nothing to be told.
            match directory {
                b"" => candidates.push((target.clone(), false)),
                _ => candidates.push(([directory, b"/", &target].concat(), true)),
            }
        }
    }
    candidates.push((target.clone(), false));
    let mut reason = "No such file or directory".to_owned();
    for (candidate, from_cdpath) in candidates {
        let Ok(path) = shell.cwd().join(&candidate) else { continue };
        let path = if physical { resolved(shell, &path) } else { by_text(shell, &path) };
        let checked = path.and_then(|path| Ok((shell.vfs().metadata(&path, true)?.is_dir(), path)));
        match checked {
            Ok((true, path)) => return enter(shell, path, print || from_cdpath),
            Ok((false, _)) => reason = "Not a directory".to_owned(),
            Err(error) => reason = error_text(&error),
        }
    }
    let shown = show(&target);
    shell.complain_as(&format!("cd: can't cd to {shown}: {reason}"), &format!("cd: {shown}: {reason}"));
    Ok(failure)
}

/// The path without links. Each `..` is that of the directory that a link before it leads to.
fn resolved(shell: &Shell, path: &VirtualPath) -> io::Result<VirtualPath> {
    let mut at = VirtualPath::root();
    for component in components(path) {
        at = match component {
            b".." if !shell.vfs().metadata(&at, true)?.is_dir() => return Err(not_a_directory()),
            b".." => at.parent(),
            name => shell.vfs().canonicalize(&at.join(name).map_err(|_| not_found())?)?,
        };
    }
    Ok(at)
}

/// The path with `..` taken by its text, where what stands before one is a directory (XCU cd, step 8).
fn by_text(shell: &Shell, path: &VirtualPath) -> io::Result<VirtualPath> {
    let mut at = VirtualPath::root();
    for component in components(path) {
        at = match component {
            b".." if !shell.vfs().metadata(&at, true)?.is_dir() => return Err(not_a_directory()),
            b".." => at.parent(),
            name => at.join(name).map_err(|_| not_found())?,
        };
    }
    Ok(at)
}

fn components(path: &VirtualPath) -> impl Iterator<Item = &[u8]> {
    path.components().filter(|component| *component != b".")
}

fn not_a_directory() -> io::Error {
    io::Error::from_raw_os_error(20)
}

fn not_found() -> io::Error {
    io::Error::from_raw_os_error(2)
}

fn enter(shell: &mut Shell, path: VirtualPath, print: bool) -> Result<ExitStatus, Flow> {
    let old = shell.cwd().as_bytes().to_vec();
    let new = path.as_bytes().to_vec();
    shell.state.cwd = path;
    for (name, value) in [(&b"OLDPWD"[..], old), (b"PWD", new.clone())] {
        if let Err(message) = shell.assign(name, value) {
            shell.complain(&format!("cd: {message}"));
            return Ok(ExitStatus::FAILURE);
        }
        // As every shell does: a program sees where it was started, however it got there.
        shell.state.variables.change(name, |variable| variable.attributes.exported = true);
    }
    if print {
        return Ok(shell.print("cd", &[&new[..], b"\n"].concat()));
    }
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn pwd(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut path = shell.cwd().clone();
    if words.get(1).is_some_and(|word| word == b"-P") {
        match shell.vfs().canonicalize(&path) {
            Ok(real) => path = real,
            Err(error) => {
                shell.complain(&format!("pwd: {}", error_text(&error)));
                return Ok(ExitStatus::FAILURE);
            }
        }
    }
    Ok(shell.print("pwd", &[path.as_bytes(), b"\n"].concat()))
}

pub(super) fn umask(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let again = shell.is_bash() && words.get(1).is_some_and(|word| word == b"-p");
    let words = if again { &words[1..] } else { words };
    match words.get(1).map(Vec::as_slice) {
        None if again => Ok(shell.print("umask", format!("umask {:04o}\n", shell.state.umask).as_bytes())),
        None => Ok(shell.print("umask", format!("{:04o}\n", shell.state.umask).as_bytes())),
        Some(b"-S") => {
            let mask = shell.state.umask;
            let class = |shift: u32| {
                let allowed = !(mask >> shift) & 7;
                ["r", "w", "x"]
                    .iter()
                    .enumerate()
                    .filter(|(i, _)| allowed & (4 >> i) != 0)
                    .map(|(_, l)| *l)
                    .collect::<String>()
            };
            Ok(shell.print("umask", format!("u={},g={},o={}\n", class(6), class(3), class(0)).as_bytes()))
        }
        Some([b'-', ..]) if shell.is_bash() => {
            shell.complain(&format!("umask: {}: invalid option", show(&words[1])));
            Ok(ExitStatus::USAGE)
        }
        Some(text) => match std::str::from_utf8(text).ok().and_then(|text| u32::from_str_radix(text, 8).ok()) {
            Some(mask) if mask <= 0o777 => {
                shell.state.umask = mask;
                Ok(ExitStatus::SUCCESS)
            }
            _ => match symbolic(text, shell.state.umask, shell.is_bash()) {
                Some(mask) => {
                    shell.state.umask = mask;
                    Ok(ExitStatus::SUCCESS)
                }
                None => {
                    let mode = show(text);
                    let bash = if text.iter().all(u8::is_ascii_digit) {
                        format!("umask: {mode}: octal number out of range")
                    } else {
                        format!("umask: `{mode}': invalid symbolic mode operator")
                    };
                    shell.complain_as(&format!("umask: Illegal mode: {mode}"), &bash);
                    Ok(if shell.is_bash() { ExitStatus::FAILURE } else { ExitStatus::USAGE })
                }
            },
        },
    }
}

/// The mask that a symbolic mode makes of another (XCU umask, chmod): it says what is allowed.
fn symbolic(text: &[u8], mask: u32, bash: bool) -> Option<u32> {
    let mut allowed = !mask & 0o777;
    for clause in text.split(|byte| *byte == b',') {
        let whom = clause.iter().take_while(|byte| b"ugoa".contains(byte)).count();
        let who = clause[..whom].iter().fold(0, |bits, letter| bits | class(*letter));
        let who = if whom == 0 { 0o777 } else { who };
        let mut rest = &clause[whom..];
        if rest.is_empty() {
            return None;
        }
        while let Some((operator, behind)) = rest.split_first() {
            if !b"+-=".contains(operator) {
                return None;
            }
            let length = behind.iter().position(|byte| b"+-=".contains(byte)).unwrap_or(behind.len());
            let mut bits = 0;
            // bash knows no others, and one change for each class.
            if bash && (length < behind.len() || !behind.iter().all(|letter| b"rwx".contains(letter))) {
                return None;
            }
            for letter in &behind[..length] {
                bits |= match letter {
                    b'r' => 0o444,
                    b'w' => 0o222,
                    b'x' => 0o111,
                    b'X' if allowed & 0o111 != 0 => 0o111,
                    b'X' | b's' | b't' => 0,
                    b'u' => (allowed >> 6 & 7) * 0o111,
                    b'g' => (allowed >> 3 & 7) * 0o111,
                    b'o' => (allowed & 7) * 0o111,
                    _ => return None,
                };
            }
            allowed = match operator {
                b'+' => allowed | (bits & who),
                b'-' => allowed & !(bits & who),
                _ => (allowed & !who) | (bits & who),
            };
            rest = &behind[length..];
        }
    }
    Some(!allowed & 0o777)
}

/// The bits of a class of users.
fn class(letter: u8) -> u32 {
    match letter {
        b'u' => 0o700,
        b'g' => 0o070,
        b'o' => 0o007,
        _ => 0o777,
    }
}
