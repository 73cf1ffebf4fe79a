//! `sed`: all of POSIX and most of GNU's. A script is read into a flat list of commands with resolved jumps ([`script`]) and executed
//! line by line ([`execute`]).

mod execute;
mod input;
mod output;
mod parse;
mod script;
mod substitute;

use std::ffi::OsString;
use std::io;

use stepbox_tool::{Streams, describe};

use execute::Executor;
use input::Input;
use output::Outputs;

/// The status for wrong usage.
const USAGE: i32 = 1;

/// What the options ask for.
#[derive(Debug, Default)]
struct Settings {
    quiet: bool,
    extended: bool,
    separate: bool,
    unbuffered: bool,
    null_data: bool,
    /// Files are changed in place; the suffix of what is kept of them.
    in_place: Option<Vec<u8>>,
    /// Where `l` breaks lines.
    line_length: usize,
    script: Option<Vec<u8>>,
    files: Vec<OsString>,
}

/// `sed`.
pub(crate) fn sed(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let fail = |message: &str, streams: &mut Streams<'_>| {
        streams.say("sed", message);
        Ok(USAGE)
    };
    let mut settings = match read(arguments, streams) {
        Ok(settings) => settings,
        Err(message) => return fail(&message, streams),
    };
    let Some(text) = settings.script.take() else { return fail("no script was given", streams) };
    if text.starts_with(b"#n") {
        settings.quiet = true;
    }
    let script = match parse::parse(&text, settings.extended) {
        Ok(script) => script,
        Err(message) => return fail(&message, streams),
    };
    let end = if settings.null_data { 0 } else { b'\n' };
    let outputs = match Outputs::open(&script, settings.unbuffered) {
        Ok(outputs) => outputs,
        Err((file, error)) => {
            streams.say("sed", &format!("couldn't open file {file}: {}", describe(&error)));
            return Ok(4);
        }
    };
    let input = Input::new(&settings.files, end, settings.separate, settings.in_place.clone());
    Executor::new(&script, &settings, input, outputs).run(streams)
}

/// Reads the arguments. The error is a message.
fn read(arguments: &[OsString], streams: &mut Streams<'_>) -> Result<Settings, String> {
    let mut settings = Settings { line_length: 70, ..Settings::default() };
    let mut operands = vec![];
    let mut rest = arguments.iter().skip(1).map(|argument| argument.as_encoded_bytes());
    let add = |settings: &mut Settings, part: &[u8]| {
        let script = settings.script.get_or_insert_default();
        if !script.is_empty() {
            script.push(b'\n');
        }
        script.extend(part);
    };
    while let Some(argument) = rest.next() {
        if argument == b"--" {
            operands.extend(rest.by_ref());
        } else if let Some(long) = argument.strip_prefix(b"--") {
            let text = String::from_utf8_lossy(long).into_owned();
            let (name, value) = match text.split_once('=') {
                Some((name, _)) => (name, Some(&long[name.len() + 1..])),
                None => (text.as_str(), None),
            };
            let name = long_name(name)?;
            let mut needed = || {
                value
                    .or_else(|| rest.next())
                    .map(<[u8]>::to_vec)
                    .ok_or_else(|| format!("option `--{name}` needs a value"))
            };
            match name {
                "expression" => add(&mut settings, &needed()?),
                "file" => add(&mut settings, &script_file(&needed()?, streams)?),
                "in-place" => set(&mut settings, 'i', value.unwrap_or_default())?,
                "line-length" => set(&mut settings, 'l', &needed()?)?,
                "quiet" | "silent" => settings.quiet = true,
                "regexp-extended" => settings.extended = true,
                "separate" => settings.separate = true,
                "unbuffered" => settings.unbuffered = true,
                "null-data" => settings.null_data = true,
                // Files are opened by their names here; nothing is known of links that a rename would replace.
                "follow-symlinks" | "posix" | "binary" => {}
                other => return Err(format!("option `--{other}` is not supported")),
            }
        } else if argument.len() > 1 && argument[0] == b'-' {
            let mut letters = &argument[1..];
            while let Some((&letter, after)) = letters.split_first() {
                letters = after;
                match letter {
                    b'i' => {
                        set(&mut settings, 'i', letters)?;
                        letters = b"";
                    }
                    b'e' | b'f' | b'l' => {
                        let value = if letters.is_empty() { rest.next() } else { Some(letters) };
                        let value =
                            value.ok_or_else(|| format!("option `-{}` needs a value", char::from(letter)))?.to_vec();
                        letters = b"";
                        match letter {
                            b'e' => add(&mut settings, &value),
                            b'f' => add(&mut settings, &script_file(&value, streams)?),
                            _ => set(&mut settings, 'l', &value)?,
                        }
                    }
                    _ => set(&mut settings, char::from(letter), b"")?,
                }
            }
        } else {
            operands.push(argument);
        }
    }
    if settings.script.is_none() && !operands.is_empty() {
        settings.script = Some(operands.remove(0).to_vec());
    }
    settings.files = operands.into_iter().map(stepbox_tool::os_string).collect();
    Ok(settings)
}

/// Sets what an option says.
fn set(settings: &mut Settings, letter: char, value: &[u8]) -> Result<(), String> {
    match letter {
        'n' => settings.quiet = true,
        'E' | 'r' => settings.extended = true,
        's' => settings.separate = true,
        'u' => settings.unbuffered = true,
        'z' => settings.null_data = true,
        'b' => {}
        'i' => {
            settings.separate = true;
            settings.in_place = Some(value.to_vec());
        }
        'l' => {
            let text = String::from_utf8_lossy(value);
            settings.line_length = text.parse().map_err(|_| format!("`{text}` is no length of lines"))?;
        }
        other => return Err(format!("option `-{other}` is not supported")),
    }
    Ok(())
}

/// A long option by an unambiguous beginning.
fn long_name(name: &str) -> Result<&'static str, String> {
    const NAMES: [&str; 13] = [
        "expression",
        "file",
        "in-place",
        "line-length",
        "quiet",
        "silent",
        "regexp-extended",
        "separate",
        "unbuffered",
        "null-data",
        "follow-symlinks",
        "posix",
        "binary",
    ];
    let matching: Vec<&'static str> =
        NAMES.into_iter().filter(|known| !name.is_empty() && known.starts_with(name)).collect();
    match (NAMES.into_iter().find(|known| *known == name), &matching[..]) {
        (Some(name), _) => Ok(name),
        (None, [name]) => Ok(*name),
        (None, []) => Err(format!("option `--{name}` is not supported")),
        _ => Err(format!("option `--{name}` is ambiguous")),
    }
}

/// A script from a file, without its last newline.
fn script_file(name: &[u8], streams: &mut Streams<'_>) -> Result<Vec<u8>, String> {
    let mut text = stepbox_tool::read_whole(name, streams.input)
        .map_err(|error| format!("couldn't open file {}: {}", String::from_utf8_lossy(name), describe(&error)))?;
    text.pop_if(|last| *last == b'\n');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with GNU sed 4.9.
        let (cases, input) = (include_str!("cases.txt"), include_bytes!("input.txt"));
        stepbox_tool::testing::compare(crate::find_tool, cases, input);
    }

    #[test]
    fn files_are_changed_in_place_and_kept_where_a_suffix_is_given() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("a"), "one\ntwo").expect("writes");
        std::fs::write(path("b"), "one\n").expect("writes");
        let (a, b) = (path("a"), path("b"));
        let (a, b) = (a.to_str().expect("text"), b.to_str().expect("text"));
        assert_eq!(run(&["sed", "-i.old", "1s/o/0/;$s/$/!/", a, b], ""), (String::new(), String::new(), 0));
        let read = |name: &str| std::fs::read_to_string(path(name)).expect("reads");
        assert_eq!((read("a"), read("b")), ("0ne\ntwo!".to_owned(), "0ne!\n".to_owned()));
        assert_eq!(read("a.old"), "one\ntwo");
        assert_eq!(run(&["sed", "-i", "-e", "1s/0/o/", "-e", "1q", a], "").2, 0);
        assert_eq!(read("a"), "one\ntwo!");
        assert_eq!(run(&["sed", "p", "/nowhere"], "").2, 2);
        let entries = std::fs::read_dir(directory.path()).expect("reads");
        let mut names: Vec<_> = entries.map(|entry| entry.expect("reads").file_name()).collect();
        names.sort();
        assert_eq!(names, ["a", "a.old", "b", "b.old"]);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (script, message) in [
            ("e", "the command `e`, which runs commands, is not supported"),
            ("s/x/y/e", "the flag `e` of `s`, which runs commands, is not supported"),
            ("k", "unknown command: `k`"),
        ] {
            let (output, errors, status) = run(&["sed", script], "x\n");
            assert_eq!((output.as_str(), status), ("", 1));
            assert!(errors.ends_with(&format!("of the script: {message}\n")), "{errors}");
        }
        assert_eq!(run(&["sed", "--bogus", "p"], "").1, "sed: option `--bogus` is not supported\n");
    }
}
