//! `wait`, `kill`, `jobs`: among the virtual processes of this step.

use stepbox_system::{ExitStatus, Signal};

use super::show;
use crate::eval::{Flow, Shell, Waited};

fn number(word: &[u8]) -> Option<u32> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

pub(super) fn wait(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let words = &words[1..];
    if words.is_empty() {
        while !shell.jobs.is_empty() {
            if let Waited::Interrupted(status) = shell.wait_or_trap(0)? {
                return Ok(status);
            }
        }
        return Ok(ExitStatus::SUCCESS);
    }
    let mut status = ExitStatus::SUCCESS;
    for word in words {
        let index = match word.as_slice() {
            [b'%', ..] => shell.job_named(word),
            word if word.starts_with(b"-") => {
                return Err(shell.fatal(&format!("wait: {} is bash's and not supported", show(word))));
            }
            word => match number(word) {
                Some(id) => shell.jobs.iter().position(|job| job.id == id),
                None => return Err(shell.fatal(&format!("wait: Illegal number: {}", show(word)))),
            },
        };
        status = match index {
            Some(index) => match shell.wait_or_trap(index)? {
                Waited::Ended(status) => status,
                Waited::Interrupted(status) => return Ok(status),
            },
            None if word.starts_with(b"%") => {
                return Err(shell.fatal(&format!("wait: No such job: {}", show(word))));
            }
            None => shell.waited_before(word).unwrap_or(ExitStatus::NOT_FOUND),
        };
    }
    Ok(status)
}

pub(super) fn jobs(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut text = String::new();
    let option = |letter: u8| words[1..].iter().any(|word| word.starts_with(b"-") && word.contains(&letter));
    let chosen: Vec<_> = words[1..].iter().filter(|word| word.starts_with(b"%")).collect();
    for (at, job) in shell.jobs.iter().enumerate() {
        if !chosen.is_empty() && !chosen.iter().any(|name| shell.job_named(name) == Some(at)) {
            continue;
        }
        if option(b'p') {
            text.push_str(&format!("{}\n", job.id));
            continue;
        }
        let state = match job.ended() {
            None => "Running".to_owned(),
            Some(status) if status.is_success() => "Done".to_owned(),
            Some(status) => format!("Done({status})"),
        };
        let mark = match shell.jobs.len() - at {
            1 => '+',
            2 => '-',
            _ => ' ',
        };
        let id = if option(b'l') { format!("{} ", job.id) } else { String::new() };
        text.push_str(&format!("[{}] {mark} {id}{state:<24} {}\n", job.number, show(&job.text)));
    }
    Ok(shell.print("jobs", text.as_bytes()))
}

pub(super) fn kill(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let mut words = &words[1..];
    let mut signal = Some(Signal::Term);
    match words.split_first() {
        Some((first, rest)) if first == b"-l" => {
            let names = match rest.first() {
                None => Signal::ALL.iter().map(|signal| format!("{}\n", signal.name())).collect::<String>(),
                Some(word) => {
                    let found = number(word).and_then(|n| u8::try_from(n & 0x7f).ok()).and_then(Signal::from_number);
                    match found {
                        Some(signal) => format!("{}\n", signal.name()),
                        None => {
                            return Err(
                                shell.fatal(&format!("kill: invalid signal number or exit status: {}", show(word)))
                            );
                        }
                    }
                }
            };
            return Ok(shell.print("kill", names.as_bytes()));
        }
        Some((first, rest)) if first == b"-s" || first == b"-n" => {
            let Some((name, rest)) = rest.split_first() else { return Err(shell.fatal("kill: -s needs a signal")) };
            signal = parse_signal(name);
            if signal.is_none() && name != b"0" {
                return Err(shell.fatal(&format!("kill: invalid signal number or name: {}", show(name))));
            }
            words = rest;
        }
        Some((first, rest)) if first == b"--" => words = rest,
        Some((first, rest)) if first.len() > 1 && first[0] == b'-' => {
            signal = parse_signal(&first[1..]);
            if signal.is_none() && &first[1..] != b"0" {
                return Err(shell.fatal(&format!("kill: invalid signal number or name: {}", show(&first[1..]))));
            }
            words = rest;
        }
        _ => {}
    }
    if words.is_empty() {
        return Err(shell.fatal("kill: usage: kill [-s signal | -signal] pid ..."));
    }
    if signal == Some(Signal::Stop) {
        shell.complain("kill: STOP: processes of a step cannot be stopped");
        return Ok(ExitStatus::FAILURE);
    }
    let mut status = ExitStatus::SUCCESS;
    for word in words {
        let id = match word.as_slice() {
            [b'%', ..] => shell.job_named(word).map(|index| shell.jobs[index].id),
            word => number(word),
        };
        let table = shell.process.table();
        let reached = id.is_some_and(|id| match signal {
            Some(signal) => table.signal(id, signal),
            None => table.is_live(id),
        });
        // A job that has ended and was not waited for is still there for `kill`.
        let ended = id.is_some_and(|id| shell.jobs.iter().any(|job| job.id == id));
        if !reached && !ended {
            shell.complain(&format!("kill: {}: No such process", show(word)));
            status = ExitStatus::FAILURE;
        }
    }
    Ok(status)
}

fn parse_signal(text: &[u8]) -> Option<Signal> {
    match number(text) {
        Some(number) => Signal::from_number(u8::try_from(number).ok()?),
        None => Signal::from_name(std::str::from_utf8(text).ok()?),
    }
}
