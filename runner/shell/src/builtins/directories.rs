//! `pushd`, `popd`, `dirs`.

use stepbox_system::ExitStatus;

use super::{places, show};
use crate::eval::{Flow, Shell};

/// How many directories may be kept.
const MAX_DIRECTORIES: usize = 4096;

/// `+N` counts from the left of what `dirs` shows, `-N` from the right.
pub(crate) fn position(word: &[u8], length: usize) -> Option<Option<usize>> {
    let (sign, digits) = word.split_first()?;
    if !matches!(sign, b'+' | b'-') || digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number: usize = std::str::from_utf8(digits).ok()?.parse().unwrap_or(usize::MAX);
    let at = if *sign == b'+' { Some(number) } else { length.checked_sub(1).and_then(|last| last.checked_sub(number)) };
    Some(at.filter(|at| *at < length))
}

fn shortened(shell: &Shell, path: &[u8]) -> Vec<u8> {
    let home = shell.get(b"HOME").unwrap_or_default();
    match path.strip_prefix(home.as_slice()) {
        Some(rest) if home.len() > 1 && (rest.is_empty() || rest[0] == b'/') => [b"~", rest].concat(),
        _ => path.to_vec(),
    }
}

fn show_stack(shell: &Shell, command: &str) -> ExitStatus {
    let paths: Vec<Vec<u8>> = shell.directories().iter().map(|path| shortened(shell, path)).collect();
    shell.print(command, &[&paths.join(&b' ')[..], b"\n"].concat())
}

/// Makes `stack` the stack, its first entry the working directory.
fn enter(shell: &mut Shell, mut stack: Vec<Vec<u8>>) -> Result<ExitStatus, Flow> {
    let top = stack.remove(0);
    let status = places::cd(shell, &[b"cd".to_vec(), b"--".to_vec(), top])?;
    if status.is_success() {
        stack.reverse();
        shell.state.directories = stack;
    }
    Ok(if status.is_success() { status } else { ExitStatus::FAILURE })
}

/// Takes `-n` off: whether the working directory is to stay.
fn stays(words: &[Vec<u8>]) -> (bool, &[Vec<u8>]) {
    match words {
        [first, rest @ ..] if first == b"-n" => (true, rest),
        [first, rest @ ..] if first == b"--" => (false, rest),
        words => (false, words),
    }
}

pub(super) fn pushd(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let (stays, words) = stays(&words[1..]);
    let mut stack = shell.directories();
    let Some(word) = words.first() else {
        if stack.len() < 2 {
            shell.complain("pushd: no other directory");
            return Ok(ExitStatus::FAILURE);
        }
        stack.swap(0, 1);
        let status = if stays { ExitStatus::SUCCESS } else { enter(shell, stack)? };
        return Ok(if status.is_success() { show_stack(shell, "pushd") } else { status });
    };
    if words.len() > 1 {
        shell.complain("pushd: too many arguments");
        return Ok(ExitStatus::FAILURE);
    }
    if stack.len() >= MAX_DIRECTORIES {
        shell.complain(&format!("pushd: more than {MAX_DIRECTORIES} directories are kept"));
        return Ok(ExitStatus::FAILURE);
    }
    let status = match position(word, stack.len()) {
        Some(Some(at)) => {
            stack.rotate_left(at);
            if stays { ExitStatus::SUCCESS } else { enter(shell, stack)? }
        }
        Some(None) => {
            shell.complain(&format!("pushd: {}: directory stack index out of range", show(word)));
            return Ok(ExitStatus::FAILURE);
        }
        None if stays => {
            shell.state.directories.push(word.clone());
            ExitStatus::SUCCESS
        }
        None => {
            let status = places::cd(shell, &[b"cd".to_vec(), word.clone()])?;
            if !status.is_success() {
                return Ok(ExitStatus::FAILURE);
            }
            let old = stack.swap_remove(0);
            shell.state.directories.push(old);
            status
        }
    };
    Ok(if status.is_success() { show_stack(shell, "pushd") } else { status })
}

pub(super) fn popd(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let (stays, words) = stays(&words[1..]);
    let mut stack = shell.directories();
    if stack.len() < 2 {
        shell.complain("popd: directory stack empty");
        return Ok(ExitStatus::FAILURE);
    }
    let at = match words.first() {
        None => usize::from(stays),
        Some(word) => match position(word, stack.len()) {
            Some(Some(at)) => at,
            Some(None) => {
                shell.complain(&format!("popd: {}: directory stack index out of range", show(word)));
                return Ok(ExitStatus::FAILURE);
            }
            None => {
                shell.complain(&format!("popd: {}: invalid argument", show(word)));
                return Ok(ExitStatus::USAGE);
            }
        },
    };
    stack.remove(at);
    let status = if at == 0 {
        enter(shell, stack)?
    } else {
        stack.remove(0);
        stack.reverse();
        shell.state.directories = stack;
        ExitStatus::SUCCESS
    };
    Ok(if status.is_success() { show_stack(shell, "popd") } else { status })
}

pub(super) fn dirs(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let (mut lines, mut numbered, mut long) = (false, false, false);
    let mut wanted = None;
    let stack = shell.directories();
    for word in &words[1..] {
        match (word.as_slice(), position(word, stack.len())) {
            (_, Some(Some(at))) => wanted = Some(at),
            (_, Some(None)) => {
                shell.complain(&format!("dirs: {}: directory stack index out of range", show(word)));
                return Ok(ExitStatus::FAILURE);
            }
            ([b'-', letters @ ..], None)
                if !letters.is_empty() && letters.iter().all(|letter| b"clpv".contains(letter)) =>
            {
                if letters.contains(&b'c') {
                    shell.state.directories.clear();
                    return Ok(ExitStatus::SUCCESS);
                }
                lines |= letters.contains(&b'p') || letters.contains(&b'v');
                numbered |= letters.contains(&b'v');
                long |= letters.contains(&b'l');
            }
            _ => {
                shell.complain(&format!("dirs: {}: invalid option", show(word)));
                return Ok(if word.starts_with(b"-") { ExitStatus::USAGE } else { ExitStatus::FAILURE });
            }
        }
    }
    let shown = stack.iter().enumerate().filter(|(number, _)| wanted.is_none_or(|wanted| wanted == *number));
    let paths: Vec<Vec<u8>> = shown
        .map(|(number, path)| {
            let path = if long { path.clone() } else { shortened(shell, path) };
            if numbered { [format!("{number:>2}  ").as_bytes(), &path].concat() } else { path }
        })
        .collect();
    let separator: &[u8] = if lines { b"\n" } else { b" " };
    Ok(shell.print("dirs", &[&paths.join(separator)[..], b"\n"].concat()))
}
