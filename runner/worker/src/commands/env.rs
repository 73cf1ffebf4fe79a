//! `env [-i] [-0] [-u NAME] [-C DIR] [-S TEXT] [NAME=VALUE]… [COMMAND [ARG]…]`

use stepbox_system::ExitStatus;

use super::Invocation;

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let mut words = invocation.arguments().into_iter().peekable();
    let mut environment = invocation.request.env.clone();
    let mut cwd = invocation.request.cwd.clone();
    let mut end = b'\n';
    while let Some(word) = words.next_if(|word| word.starts_with(b"-")) {
        if let Some(attached) = split_option(&word) {
            let text = match attached {
                b"" => words.next().unwrap_or_default(),
                text => text.to_vec(),
            };
            match split(&text) {
                Ok(given) => words = given.into_iter().chain(words).collect::<Vec<_>>().into_iter().peekable(),
                Err(message) => return invocation.fail(125, &message),
            }
            continue;
        }
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

/// What stands behind `-S` or `--split-string` in the same word.
fn split_option(word: &[u8]) -> Option<&[u8]> {
    match word {
        b"--split-string" => Some(b""),
        _ => word.strip_prefix(b"--split-string=").or_else(|| word.strip_prefix(b"-S")),
    }
}

/// The words of `-S`, which a `#!` line needs for more than one: blanks part them, quotes and backslashes hold them together.
fn split(text: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let mut words: Vec<Vec<u8>> = vec![];
    let mut word: Option<Vec<u8>> = None;
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b' ' | b'\t' | b'\n' | b'\r', None) => words.extend(word.take()),
            (b'#', None) if word.is_none() => break,
            (b'\'' | b'"', None) => {
                quote = Some(byte);
                word.get_or_insert_default();
            }
            (byte, Some(open)) if byte == open => quote = None,
            (b'$', None | Some(b'"')) => {
                return Err("-S: variables are not replaced; write `sh -c` for that".to_owned());
            }
            (b'\\', None | Some(b'"')) => {
                let escaped = match bytes.next() {
                    Some(b'n') => b'\n',
                    Some(b't') => b'\t',
                    Some(b'_') if quote.is_none() => {
                        words.extend(word.take());
                        continue;
                    }
                    Some(b'_') => b' ',
                    Some(b'c') => break,
                    Some(byte @ (b'\\' | b'"' | b'\'' | b'$' | b'#' | b' ')) => byte,
                    Some(byte) => return Err(format!("-S: invalid sequence '\\{}'", char::from(byte))),
                    None => return Err("-S: a backslash ends the text".to_owned()),
                };
                word.get_or_insert_default().push(escaped);
            }
            (byte, _) => word.get_or_insert_default().push(byte),
        }
    }
    if quote.is_some() {
        return Err("-S: no terminating quote".to_owned());
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s_is_split_at_blanks_outside_quotes() {
        for (text, words) in [
            ("sh -e", &["sh", "-e"][..]),
            ("  a\t'b  c' \"d \\\" e\"f ", &["a", "b  c", "d \" ef"]),
            ("a '' # b", &["a", ""]),
            ("a\\_b\\ c\\c d", &["a", "b c"]),
            ("", &[]),
        ] {
            let expected: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
            assert_eq!(split(text.as_bytes()), Ok(expected), "{text}");
        }
        for text in ["'a", "a\\", "$A", "\\z"] {
            assert!(split(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn s_takes_its_text_from_its_word_or_the_next() {
        assert_eq!(split_option(b"-Sa b"), Some(&b"a b"[..]));
        assert_eq!(split_option(b"--split-string=a"), Some(&b"a"[..]));
        assert_eq!(split_option(b"-S"), Some(&b""[..]));
        assert_eq!(split_option(b"-i"), None);
    }
}
