//! `xargs [-0] [-d CHAR] [-n N] [-L N] [-I STRING] [-P N] [-r] [-t] [COMMAND [ARG]…]`
//!
//! `-P` says how many may run at once; here one does, which it allows.

use stepbox_system::{ExitStatus, error_text};

use super::Invocation;

/// How much input is taken at most, in bytes.
const MAX_INPUT: usize = 64 << 20;
/// How long one command line may be, in bytes (as the kernel would allow it).
const MAX_LINE: usize = 128 * 1024;

#[derive(Default)]
struct Options {
    delimiter: Option<u8>,
    per_command: Option<usize>,
    lines_per_command: Option<usize>,
    replace: Option<Vec<u8>>,
    not_if_empty: bool,
    trace: bool,
    /// Only looked at for being a number: one command at a time is within every bound.
    at_once: Option<usize>,
}

pub(super) fn run(invocation: Invocation<'_>) -> ExitStatus {
    let (options, mut command) = match parse(invocation.arguments()) {
        Ok(parsed) => parsed,
        Err(message) => return invocation.fail(1, &message),
    };
    if command.is_empty() {
        command.push(b"echo".to_vec());
    }
    let input = match invocation.stdin().read_to_end(MAX_INPUT, invocation.cancel()) {
        Ok(input) => input,
        Err(error) => return invocation.fail(1, &format!("standard input: {}", error_text(&error))),
    };
    let items = match split(&input, &options) {
        Ok(items) => items,
        Err(message) => return invocation.fail(1, &message),
    };
    let lines = match arrange(&command, items, &options) {
        Ok(lines) => lines,
        Err(message) => return invocation.fail(1, &message),
    };
    let mut result = ExitStatus::SUCCESS;
    for argv in lines {
        if invocation.cancel().is_cancelled() {
            break;
        }
        if options.trace {
            let mut line = argv.join(&b' ');
            line.push(b'\n');
            if let Some(err) = invocation.request.files.get(&2) {
                let _ = err.write_all(&line, invocation.cancel());
            }
        }
        match invocation.start(argv).code() {
            0 => {}
            // POSIX: a command that says 255 stops everything; 126 and 127 are passed on.
            255 => return invocation.fail(124, "command exited with status 255; aborting"),
            code @ (126 | 127) => return ExitStatus::new(code),
            1..=125 => result = ExitStatus::new(123),
            _ => return ExitStatus::new(125),
        }
    }
    result
}

fn parse(arguments: Vec<Vec<u8>>) -> Result<(Options, Vec<Vec<u8>>), String> {
    let mut options = Options::default();
    let mut words = arguments.into_iter().peekable();
    while let Some(word) = words.next_if(|word| word.len() > 1 && word[0] == b'-') {
        let text = String::from_utf8_lossy(&word).into_owned();
        let mut value = |inline: usize| -> Result<Vec<u8>, String> {
            if word.len() > inline {
                return Ok(word[inline..].to_vec());
            }
            words.next().ok_or_else(|| format!("option requires an argument -- '{}'", text.trim_start_matches('-')))
        };
        let number = |value: Vec<u8>| -> Result<usize, String> {
            let text = String::from_utf8_lossy(&value).into_owned();
            text.parse().ok().filter(|n| *n > 0).ok_or_else(|| format!("invalid number `{text}`"))
        };
        match text.as_str() {
            "--" => break,
            "-0" | "--null" => options.delimiter = Some(0),
            "-r" | "--no-run-if-empty" => options.not_if_empty = true,
            "-t" | "--verbose" => options.trace = true,
            "-x" | "--exit" => {}
            _ if text.starts_with("--") => return Err(format!("unrecognized option '{text}'")),
            _ if text.starts_with("-n") => options.per_command = Some(number(value(2)?)?),
            _ if text.starts_with("-L") => options.lines_per_command = Some(number(value(2)?)?),
            _ if text.starts_with("-P") => {
                options.at_once =
                    Some(String::from_utf8_lossy(&value(2)?).parse().map_err(|_| "invalid number for -P")?)
            }
            _ if text.starts_with("-I") => options.replace = Some(value(2)?),
            _ if text.starts_with("-d") => options.delimiter = Some(delimiter(&value(2)?)?),
            _ => return Err(format!("unrecognized option '{text}'")),
        }
    }
    Ok((options, words.collect()))
}

fn delimiter(value: &[u8]) -> Result<u8, String> {
    match value {
        [byte] => Ok(*byte),
        b"\\n" => Ok(b'\n'),
        b"\\t" => Ok(b'\t'),
        b"\\0" => Ok(0),
        b"\\\\" => Ok(b'\\'),
        _ => Err(format!("the delimiter `{}` is not one character", String::from_utf8_lossy(value))),
    }
}

/// The items of the input, each with whether its line ends behind it.
fn split(input: &[u8], options: &Options) -> Result<Vec<(Vec<u8>, bool)>, String> {
    if let Some(delimiter) = options.delimiter {
        let body = input.strip_suffix(&[delimiter]).unwrap_or(input);
        if input.is_empty() {
            return Ok(vec![]);
        }
        return Ok(body.split(|byte| *byte == delimiter).map(|item| (item.to_vec(), true)).collect());
    }
    if options.replace.is_some() {
        let trimmed = |line: &[u8]| line.iter().position(|b| !matches!(b, b' ' | b'\t')).map(|at| line[at..].to_vec());
        return Ok(input.split(|byte| *byte == b'\n').filter_map(trimmed).map(|item| (item, true)).collect());
    }
    let mut items: Vec<(Vec<u8>, bool)> = vec![];
    let mut item: Option<Vec<u8>> = None;
    let mut bytes = input.iter().copied();
    while let Some(byte) = bytes.next() {
        match byte {
            b' ' | b'\t' | b'\n' => {
                if let Some(item) = item.take() {
                    items.push((item, false));
                }
                if byte == b'\n'
                    && let Some(last) = items.last_mut()
                {
                    last.1 = true;
                }
            }
            b'\\' => item.get_or_insert_default().push(bytes.next().ok_or("backslash at end of input")?),
            quote @ (b'\'' | b'"') => {
                let item = item.get_or_insert_default();
                loop {
                    match bytes.next() {
                        Some(byte) if byte == quote => break,
                        Some(b'\n') | None => {
                            let kind = if quote == b'"' { "double" } else { "single" };
                            return Err(format!(
                                "unmatched {kind} quote; by default quotes are special unless you use the -0 option"
                            ));
                        }
                        Some(byte) => item.push(byte),
                    }
                }
            }
            _ => item.get_or_insert_default().push(byte),
        }
    }
    items.extend(item.map(|item| (item, true)));
    Ok(items)
}

/// The command lines to run.
fn arrange(command: &[Vec<u8>], items: Vec<(Vec<u8>, bool)>, options: &Options) -> Result<Vec<Vec<Vec<u8>>>, String> {
    if let Some(replace) = options.replace.as_deref().filter(|text| !text.is_empty()) {
        let filled = items.into_iter().map(|(item, _)| command.iter().map(|word| fill(word, replace, &item)).collect());
        return Ok(filled.collect());
    }
    let base: usize = command.iter().map(|word| word.len() + 1).sum();
    let mut lines = vec![];
    let (mut line, mut length, mut count, mut ended) = (command.to_vec(), base, 0, 0);
    for (item, end) in items {
        if base + item.len() + 1 > MAX_LINE {
            return Err("argument line too long".to_owned());
        }
        let full = options.per_command.is_some_and(|n| count >= n)
            || options.lines_per_command.is_some_and(|n| ended >= n)
            || length + item.len() + 1 > MAX_LINE;
        if full && count > 0 {
            lines.push(std::mem::replace(&mut line, command.to_vec()));
            (length, count, ended) = (base, 0, 0);
        }
        length += item.len() + 1;
        count += 1;
        ended += usize::from(end);
        line.push(item);
    }
    if count > 0 || (lines.is_empty() && !options.not_if_empty) {
        lines.push(line);
    }
    Ok(lines)
}

fn fill(word: &[u8], pattern: &[u8], value: &[u8]) -> Vec<u8> {
    let mut filled = vec![];
    let mut rest = word;
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix(pattern) {
            filled.extend_from_slice(value);
            rest = behind;
        } else {
            filled.push(rest[0]);
            rest = &rest[1..];
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(arguments: &[&str], input: &str) -> Result<Vec<String>, String> {
        let (options, command) = parse(arguments.iter().map(|word| word.as_bytes().to_vec()).collect())?;
        let lines = arrange(&command, split(input.as_bytes(), &options)?, &options)?;
        Ok(lines.into_iter().map(|argv| String::from_utf8_lossy(&argv.join(&b'|')).into_owned()).collect())
    }

    #[test]
    fn items_are_grouped_as_asked() {
        assert_eq!(lines(&["echo"], "a b\n'c d' e\\ f\n"), Ok(vec!["echo|a|b|c d|e f".to_owned()]));
        assert_eq!(lines(&["-n1", "x"], "a b"), Ok(vec!["x|a".to_owned(), "x|b".to_owned()]));
        assert_eq!(lines(&["-L", "1", "x"], "a b\nc\n"), Ok(vec!["x|a|b".to_owned(), "x|c".to_owned()]));
        assert_eq!(lines(&["-0", "x"], "a b\0c\0"), Ok(vec!["x|a b|c".to_owned()]));
        assert_eq!(lines(&["-d,", "x"], "a,b"), Ok(vec!["x|a|b".to_owned()]));
        assert_eq!(
            lines(&["-I{}", "x", "<{}>", "{}{}"], " a b\nc\n"),
            Ok(vec!["x|<a b>|a ba b".into(), "x|<c>|cc".into()])
        );
    }

    #[test]
    fn no_input_runs_once_unless_told_otherwise() {
        assert_eq!(lines(&["x"], ""), Ok(vec!["x".to_owned()]));
        assert_eq!(lines(&["-r", "x"], " \n"), Ok(vec![]));
    }

    #[test]
    fn bad_usage_is_named() {
        assert_eq!(lines(&["-n", "0", "x"], ""), Err("invalid number `0`".to_owned()));
        assert_eq!(lines(&["-q"], ""), Err("unrecognized option '-q'".to_owned()));
        assert_eq!(lines(&["-d", "ab"], ""), Err("the delimiter `ab` is not one character".to_owned()));
        assert!(lines(&["x"], "it's").is_err());
    }
}
