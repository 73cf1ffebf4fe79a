//! bash's `wait`, `jobs`, `kill` and `disown`: jobs by number.

use stepbox_system::{ExitStatus, Signal};

use super::{jobs, show};
use crate::eval::{Flow, Shell, Waited};
use crate::parse::is_name;

/// The job that `%N`, `%%`, `%+`, `%-` or a process names.
fn find(shell: &Shell, word: &[u8]) -> Option<usize> {
    let jobs = &shell.jobs;
    match word {
        [b'%', ..] => shell.job_named(word),
        word => {
            let id: u32 = std::str::from_utf8(word).ok()?.parse().ok()?;
            jobs.iter().position(|job| job.id == id)
        }
    }
}

/// `wait [-fn] [-p NAME] [ID]…`
pub(super) fn wait(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let (mut next, mut name) = (false, None);
    let mut words = &words[1..];
    while let Some((first, rest)) = words.split_first() {
        match first.as_slice() {
            b"--" => {
                words = rest;
                break;
            }
            b"-n" => next = true,
            b"-f" => {}
            b"-p" | b"-np" => {
                next |= first == b"-np";
                let Some((value, behind)) = rest.split_first().filter(|(value, _)| is_name(value)) else {
                    shell.complain("wait: -p: a name is needed");
                    return Ok(ExitStatus::USAGE);
                };
                name = Some(value.clone());
                words = behind;
                continue;
            }
            [b'-', _, ..] => {
                shell.complain(&format!("wait: {}: invalid option", show(first)));
                shell.print_error(b"wait: usage: wait [-fn] [-p var] [id ...]\n");
                return Ok(ExitStatus::USAGE);
            }
            _ => break,
        }
        words = rest;
    }
    if next {
        return wait_for_next(shell, words, name.as_deref());
    }
    if words.is_empty() {
        while !shell.jobs.is_empty() {
            if let Waited::Interrupted(status) = shell.wait_or_trap(0)? {
                return Ok(status);
            }
        }
        // The last process substitution too, as long as it is `$!`.
        if shell.substituted.last().is_some_and(|job| Some(job.id) == shell.state.last_job) {
            wait_for_substituted(shell)?;
        }
        return Ok(ExitStatus::SUCCESS);
    }
    let mut status = ExitStatus::SUCCESS;
    for word in words {
        let is_id = word.starts_with(b"%") || word.iter().all(u8::is_ascii_digit);
        if !is_id {
            shell.complain(&format!("wait: `{}': not a pid or valid job spec", show(word)));
            status = ExitStatus::FAILURE;
            continue;
        }
        let before = shell.waited_before(word);
        status = match (find(shell, word), before) {
            (Some(at), _) => {
                let id = shell.jobs[at].id;
                let status = shell.wait_for(at)?;
                assign_id(shell, name.as_deref(), id)?;
                status
            }
            (None, Some(status)) => status,
            (None, None) if shell.substituted.last().is_some_and(|job| job.id.to_string().as_bytes() == word) => {
                wait_for_substituted(shell)?
            }
            (None, None) if word.starts_with(b"%") => {
                shell.complain(&format!("wait: {}: no such job", show(word)));
                ExitStatus::NOT_FOUND
            }
            (None, None) => {
                shell.complain(&format!("wait: pid {} is not a child of this shell", show(word)));
                ExitStatus::NOT_FOUND
            }
        };
    }
    Ok(status)
}

fn wait_for_substituted(shell: &mut Shell) -> Result<ExitStatus, Flow> {
    let Some(job) = shell.substituted.pop() else { return Ok(ExitStatus::SUCCESS) };
    shell.jobs.push(job);
    shell.wait_for(shell.jobs.len() - 1)
}

fn assign_id(shell: &mut Shell, name: Option<&[u8]>, id: u32) -> Result<(), Flow> {
    match name {
        Some(name) => {
            shell.assign(name, id.to_string().into_bytes()).map_err(|message| shell.expansion_error(&message))
        }
        None => Ok(()),
    }
}

/// The first of the jobs that ends, or of all.
fn wait_for_next(shell: &mut Shell, words: &[Vec<u8>], name: Option<&[u8]>) -> Result<ExitStatus, Flow> {
    let mut wanted = vec![];
    for word in words {
        match find(shell, word) {
            Some(at) => wanted.push(shell.jobs[at].id),
            None => shell.complain(&format!("wait: {}: no such job", show(word))),
        }
    }
    let all = words.is_empty();
    match shell.wait_for_first(|job| all || wanted.contains(&job.id))? {
        Some(at) => {
            let id = shell.jobs[at].id;
            let status = shell.wait_for(at)?;
            assign_id(shell, name, id)?;
            Ok(status)
        }
        None => Ok(ExitStatus::NOT_FOUND),
    }
}

/// `jobs [-lnprs] [ID]…`
pub(super) fn list(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let letters: Vec<u8> = words[1..].iter().filter_map(|word| word.strip_prefix(b"-")).flatten().copied().collect();
    let has = |letter: u8| letters.contains(&letter);
    if let Some(letter) = letters.iter().find(|letter| !b"lnprs".contains(letter)) {
        shell.complain(&format!("jobs: -{}: invalid option", char::from(*letter)));
        return Ok(ExitStatus::USAGE);
    }
    let mut status = ExitStatus::SUCCESS;
    let mut chosen = vec![];
    for word in words[1..].iter().filter(|word| !word.starts_with(b"-")) {
        match find(shell, word) {
            Some(at) => chosen.push(at),
            None => {
                shell.complain(&format!("jobs: {}: no such job", show(word)));
                status = ExitStatus::FAILURE;
            }
        }
    }
    if chosen.is_empty() && status.is_success() {
        chosen = (0..shell.jobs.len()).collect();
    }
    let count = shell.jobs.len();
    let mut text = vec![];
    for at in chosen {
        let job = &shell.jobs[at];
        let ended = job.ended();
        if (has(b'r') && ended.is_some()) || has(b's') {
            continue;
        }
        if has(b'p') {
            text.extend_from_slice(format!("{}\n", job.id).as_bytes());
            continue;
        }
        let sign = match count - at {
            1 => '+',
            2 => '-',
            _ => ' ',
        };
        let state = match ended {
            None => "Running".to_owned(),
            Some(status) if status.is_success() => "Done".to_owned(),
            Some(status) => format!("Exit {status}"),
        };
        let process = if has(b'l') { format!("{} ", job.id) } else { String::new() };
        text.extend_from_slice(format!("[{}]{sign}  {process}{state:<24}", job.number).as_bytes());
        text.extend_from_slice(&job.text);
        text.extend_from_slice(if ended.is_none() { b" &\n" } else { b"\n" });
    }
    let printed = shell.print("jobs", &text);
    // What has been told of is forgotten.
    if !has(b'p') {
        shell.jobs.retain(|job| job.ended().is_none());
    }
    Ok(if printed.is_success() { status } else { printed })
}

/// `kill`, with jobs as bash names them, and `-l` and `-L` of several signals.
pub(super) fn kill(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let lists = words.get(1).is_some_and(|word| word == b"-l" || word == b"-L");
    if lists && words.len() > 2 {
        return Ok(list_signals(shell, &words[2..]));
    }
    let mut words = words.to_vec();
    if lists {
        words[1] = b"-l".to_vec();
    }
    for word in words.iter_mut().skip(1).filter(|word| word.starts_with(b"%")) {
        match find(shell, word) {
            Some(at) => *word = shell.jobs[at].id.to_string().into_bytes(),
            None => {
                shell.complain(&format!("kill: {}: no such job", show(word)));
                return Ok(ExitStatus::FAILURE);
            }
        }
    }
    jobs::kill(shell, &words)
}

/// The number of each name, and the name of each number.
fn list_signals(shell: &Shell, words: &[Vec<u8>]) -> ExitStatus {
    let mut status = ExitStatus::SUCCESS;
    let mut text = String::new();
    for word in words {
        let shown = show(word);
        let line = match shown.parse::<u32>() {
            Ok(0) => Some("EXIT".to_owned()),
            // A status too.
            Ok(number) => u8::try_from(if number > 128 && number < 256 { number - 128 } else { number })
                .ok()
                .and_then(Signal::from_number)
                .map(|signal| signal.name().to_owned()),
            Err(_) if shown.eq_ignore_ascii_case("EXIT") => Some("0".to_owned()),
            Err(_) => Signal::from_name(&shown).map(|signal| signal.number().to_string()),
        };
        match line {
            Some(line) => text.push_str(&format!("{line}\n")),
            None => {
                shell.complain(&format!("kill: {shown}: invalid signal specification"));
                status = ExitStatus::FAILURE;
            }
        }
    }
    let printed = shell.print("kill", text.as_bytes());
    if printed.is_success() { status } else { printed }
}

/// `disown [-ahr] [ID]…`
pub(super) fn disown(shell: &mut Shell, words: &[Vec<u8>]) -> Result<ExitStatus, Flow> {
    let has = |letter: u8| words[1..].iter().any(|word| word.starts_with(b"-") && word[1..].contains(&letter));
    let names: Vec<_> = words[1..].iter().filter(|word| !word.starts_with(b"-")).cloned().collect();
    if has(b'h') {
        return Ok(ExitStatus::SUCCESS);
    }
    if names.is_empty() && (has(b'a') || has(b'r')) {
        shell.jobs.retain(|job| has(b'r') && job.ended().is_some());
        return Ok(ExitStatus::SUCCESS);
    }
    let names = if names.is_empty() { vec![b"%+".to_vec()] } else { names };
    let mut status = ExitStatus::SUCCESS;
    for name in names {
        match find(shell, &name) {
            Some(at) => drop(shell.jobs.remove(at)),
            None => {
                let shown = if name == b"%+" { "current".to_owned() } else { show(&name) };
                shell.complain(&format!("disown: {shown}: no such job"));
                status = ExitStatus::FAILURE;
            }
        }
    }
    Ok(status)
}
