//! `env [-i] [-0] [-u NAME] [-C DIR] [NAME=VALUE]… [COMMAND [ARG]…]`

use stepbox_system::ExitStatus;

use super::Invocation;

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let mut words = invocation.arguments().into_iter().peekable();
    let mut environment = invocation.request.env.clone();
    let mut cwd = invocation.request.cwd.clone();
    let mut end = b'\n';
    while let Some(word) = words.next_if(|word| word.starts_with(b"-")) {
        let text = String::from_utf8_lossy(&word).into_owned();
        match text.as_str() {
            "--" => break,
            "-" | "-i" | "--ignore-environment" => environment.clear(),
            "-0" | "--null" => end = 0,
            "-u" | "--unset" | "-C" | "--chdir" => {
                let Some(value) = words.next() else {
                    return invocation
                        .fail(125, &format!("option requires an argument -- '{}'", text.trim_start_matches('-')));
                };
                if text == "-u" || text == "--unset" {
                    environment.retain(|(name, _)| *name != value);
                } else {
                    match cwd.join(&value) {
                        Ok(path) => cwd = path,
                        Err(error) => return invocation.fail(125, &error.to_string()),
                    }
                }
            }
            _ if text.starts_with("--unset=") => {
                let name = word["--unset=".len()..].to_vec();
                environment.retain(|(known, _)| *known != name);
            }
            _ if text.starts_with("-u") => environment.retain(|(known, _)| known[..] != word[2..]),
            _ => return invocation.fail(125, &format!("unrecognized option '{text}'")),
        }
    }
    while let Some(word) = words.next_if(|word| word.contains(&b'=')) {
        let at = word.iter().position(|byte| *byte == b'=').unwrap_or(word.len());
        let (name, value) = (word[..at].to_vec(), word[at + 1..].to_vec());
        if name.is_empty() {
            return invocation.fail(125, &format!("cannot set '{}'", String::from_utf8_lossy(&word)));
        }
        match environment.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => environment.push((name, value)),
        }
    }
    let argv: Vec<_> = words.collect();
    if !argv.is_empty() {
        return invocation.start_with(argv, |request| {
            request.env = environment;
            request.cwd = cwd;
        });
    }
    let mut text = vec![];
    for (name, value) in environment {
        text.extend_from_slice(&name);
        text.push(b'=');
        text.extend_from_slice(&value);
        text.push(end);
    }
    match invocation.print(&text) {
        Ok(()) => ExitStatus::SUCCESS,
        Err(status) => status,
    }
}
