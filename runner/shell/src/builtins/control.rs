use std::sync::Arc;

use stepbox_system::{ExitStatus, Signal};

use super::{quote, show};
use crate::config::Mode;
use crate::eval::{Condition, Flow, Shell};

pub(super) fn colon(_: &mut Shell, _: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    Ok(ExitStatus::SUCCESS)
}

pub(super) fn no(_: &mut Shell, _: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    Ok(ExitStatus::FAILURE)
}

pub(super) fn refused(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let name = show(&words[0]);
    shell.complain(&format!("{name}: not supported in a shell that runs steps"));
    Ok(ExitStatus::USAGE)
}

fn count(shell: &Shell, words: &[Vec<u8>], least: u32) -> Result<u32, Flow> {
    if shell.is_bash() && operands(words).len() > 1 {
        return Err(shell.expansion_error(&format!("{}: too many arguments", show(&words[0]))));
    }
    let Some(word) = operands(words).first() else { return Ok(1) };
    match std::str::from_utf8(word).ok().and_then(|text| text.parse().ok()).filter(|number| *number >= least) {
        Some(number) => Ok(number),
        None if shell.is_bash() && word.iter().all(u8::is_ascii_digit) => {
            Err(shell.fatal(&format!("{}: {}: loop count out of range", show(&words[0]), show(word))))
        }
        None if shell.is_bash() && shell.loops > 0 && matches!(words[0].as_slice(), b"break" | b"continue") => {
            let _said = illegal_number(shell, words, word);
            Err(Flow::Exit(ExitStatus::new(128)))
        }
        None => Err(illegal_number(shell, words, word)),
    }
}

fn illegal_number(shell: &Shell, words: &[Vec<u8>], word: &[u8]) -> Flow {
    let (name, word) = (show(&words[0]), show(word));
    shell
        .complain_as(&format!("{name}: Illegal number: {word}"), &format!("{name}: {word}: numeric argument required"));
    Flow::Error(ExitStatus::USAGE)
}

pub(super) fn leave_loop(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let number = count(shell, words, 1)?;
    if shell.loops == 0 {
        return Ok(ExitStatus::SUCCESS);
    }
    shell.state.status = ExitStatus::SUCCESS;
    Err(Flow::Break(number.min(shell.loops)))
}

pub(super) fn continue_loop(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let number = count(shell, words, 1)?;
    if shell.loops == 0 {
        return Ok(ExitStatus::SUCCESS);
    }
    shell.state.status = ExitStatus::SUCCESS;
    Err(Flow::Continue(number.min(shell.loops)))
}

/// The operands of a built-in without options.
pub(super) fn operands(words: &[Vec<u8>]) -> &[Vec<u8>] {
    match words {
        [_, dashes, rest @ ..] if dashes == b"--" => rest,
        [_, rest @ ..] => rest,
        [] => &[],
    }
}

/// The status that `exit` and `return` are given: any number, its low eight bits. `default` where they are given none.
fn status(shell: &Shell, words: &[Vec<u8>], default: ExitStatus) -> Result<ExitStatus, Flow> {
    let Some(word) = operands(words).first() else { return Ok(default) };
    match std::str::from_utf8(word).ok().and_then(|text| text.parse::<i64>().ok()) {
        Some(number) if number >= 0 || shell.is_bash() => Ok(ExitStatus::new((number & 0xff) as u8)),
        _ => Err(illegal_number(shell, words, word)),
    }
}

pub(super) fn exit(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    // In a trap: the status from before it (XCU exit).
    let default = shell.before_trap.map_or(shell.state.status, |(status, _)| status);
    match status(shell, words, default) {
        Ok(_) if shell.is_bash() && operands(words).len() > 1 => {
            shell.complain("exit: too many arguments");
            Ok(ExitStatus::FAILURE)
        }
        Ok(status) => Err(Flow::Exit(status)),
        // It ends the shell all the same.
        Err(_) if shell.is_bash() => Err(Flow::Exit(ExitStatus::USAGE)),
        Err(flow) => Err(flow),
    }
}

pub(super) fn leave_function(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let before = shell.before_trap.filter(|(_, callers)| *callers == shell.callers);
    let status = status(shell, words, before.map_or(shell.state.status, |(status, _)| status))?;
    if shell.callers == 0 && shell.is_bash() {
        shell.complain("return: can only `return' from a function or sourced script");
        return Ok(ExitStatus::USAGE);
    }
    // Outside functions it ends the script, as dash and ash do.
    Err(if shell.callers > 0 { Flow::Return(status) } else { Flow::Exit(status) })
}

pub(super) fn shift(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let number = count(shell, words, 0)? as usize;
    if number > shell.positional().len() {
        if shell.is_bash() {
            return Ok(ExitStatus::FAILURE);
        }
        return Err(shell.fatal("shift: can't shift that many"));
    }
    Arc::make_mut(&mut shell.state.positional).drain(..number);
    Ok(ExitStatus::SUCCESS)
}

/// `times`: that of the shell, then that of what it has run. Processor time is not counted per command, here as little as by
/// bash's `time`, and shows as 0.
pub(super) fn times(shell: &mut Shell, _: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let text = if shell.is_bash() { "0m0.000s 0m0.000s\n" } else { "0m0.000000s 0m0.000000s\n" };
    Ok(shell.print("times", text.repeat(2).as_bytes()))
}

/// Limits are set for the whole step, by whoever starts it.
pub(super) fn ulimit(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let only_shows = words[1..].iter().all(|word| word.starts_with(b"-"));
    if only_shows {
        return Ok(shell.print("ulimit", b"unlimited\n"));
    }
    shell.complain("ulimit: limits of a step cannot be changed from inside");
    Ok(ExitStatus::FAILURE)
}

/// A trap as it could be set again; `-` for one that is not set.
fn definition(condition: Condition, action: Option<&[u8]>, mode: Mode) -> Vec<u8> {
    let prefix = if mode == Mode::Bash && matches!(condition, Condition::Signal(_)) { "SIG" } else { "" };
    let mut text = b"trap -- ".to_vec();
    text.extend(action.map_or(b"-".to_vec(), quote));
    text.extend_from_slice(format!(" {prefix}{}\n", condition.name()).as_bytes());
    text
}

/// `trap -p`: the named conditions, or all that there are; bash tells only those that are set.
fn print_traps(shell: &Shell, words: &[Vec<u8>]) -> ExitStatus {
    let words = words.strip_prefix(&[b"--".to_vec()]).unwrap_or(words);
    let mut status = ExitStatus::SUCCESS;
    let mut conditions = vec![];
    if words.is_empty() {
        conditions.push(Condition::Exit);
        conditions.extend(Signal::ALL.into_iter().map(Condition::Signal));
        if shell.is_bash() {
            conditions.extend([Condition::Debug, Condition::Error, Condition::Return]);
        }
    }
    for word in words {
        match Condition::parse(word, shell.context.mode) {
            Some(condition) => conditions.push(condition),
            None => {
                let name = show(word);
                shell.complain_as(
                    &format!("trap: {name}: bad trap"),
                    &format!("trap: {name}: invalid signal specification"),
                );
                status = ExitStatus::FAILURE;
            }
        }
    }
    let traps = shell.state.traps.shown();
    let mut text = vec![];
    for condition in conditions {
        let action = traps.get(&condition).map(Vec::as_slice);
        let settable = !matches!(condition, Condition::Signal(Signal::Kill | Signal::Stop));
        if action.is_some() || (settable && shell.context.mode == Mode::Sh) {
            text.extend(definition(condition, action, shell.context.mode));
        }
    }
    let printed = shell.print("trap", &text);
    if printed.is_success() { status } else { printed }
}

pub(super) fn trap(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut words = &words[1..];
    let plain = words.first().is_some_and(|word| word == b"--");
    if plain {
        words = &words[1..];
    }
    if words.is_empty() {
        let text = shell
            .state
            .traps
            .shown()
            .iter()
            .map(|(condition, action)| definition(*condition, Some(action), shell.context.mode));
        let text = text.collect::<Vec<_>>().concat();
        return Ok(shell.print("trap", &text));
    }
    if words[0] == b"-p" {
        return Ok(print_traps(shell, &words[1..]));
    }
    if words[0] == b"-l" {
        let names: Vec<_> =
            Signal::ALL.iter().map(|signal| format!("{}) SIG{}\n", signal.number(), signal.name())).collect();
        return Ok(shell.print("trap", names.concat().as_bytes()));
    }
    if !plain && words[0].len() > 1 && words[0].starts_with(b"-") && shell.context.mode == Mode::Sh {
        return Err(shell.fatal(&format!("trap: Illegal option {}", show(&words[0]))));
    }
    if !plain && words[0].len() > 1 && words[0].starts_with(b"-") {
        let letters = show(&words[0][..2]);
        shell.complain(&format!("trap: {letters}: invalid option"));
        return Ok(ExitStatus::USAGE);
    }
    // A number first means: reset all of these.
    let resets =
        words.len() == 1 || words[0] == b"-" || (words[0].iter().all(u8::is_ascii_digit) && !words[0].is_empty());
    let conditions = if words[0] == b"-" || !resets { &words[1..] } else { words };
    let action = (!resets).then(|| words[0].clone());
    let mut status = ExitStatus::SUCCESS;
    for word in conditions {
        match Condition::parse(word, shell.context.mode) {
            Some(condition) => shell.set_trap(condition, action.clone()),
            None => {
                let name = show(word);
                shell.complain_as(
                    &format!("trap: {name}: bad trap"),
                    &format!("trap: {name}: invalid signal specification"),
                );
                status = ExitStatus::FAILURE;
            }
        }
    }
    Ok(status)
}
