//! `awk`: all of POSIX and what scripts use of GNU's. A program is read into a tree whose names are resolved ([`syntax`]) and executed on
//! it ([`interpret`]).

mod builtins;
mod channel;
mod fields;
mod format;
mod interpret;
mod lex;
mod parse;
mod record;
mod syntax;
mod value;

use std::ffi::OsString;
use std::io;

use stepbox_tool::{Streams, describe, read_whole};

use interpret::{Interpreter, Stop};

/// The status for wrong usage and wrong programs.
const TROUBLE: i32 = 2;

/// `awk`.
pub(crate) fn awk(arguments: &[OsString], streams: &mut Streams<'_>) -> io::Result<i32> {
    let started = match read(arguments, streams) {
        Ok(started) => started,
        Err(message) => {
            streams.say("awk", &message);
            return Ok(TROUBLE);
        }
    };
    let program = match parse::parse(&started.program) {
        Ok(program) => program,
        Err(message) => {
            streams.say("awk", &message);
            return Ok(TROUBLE);
        }
    };
    let mut operands = vec![b"awk".to_vec()];
    operands.extend(started.operands);
    let mut interpreter = Interpreter::new(&program, operands, streams);
    for (name, value) in &started.assignments {
        match interpreter.assign_text(name, value) {
            Ok(()) => {}
            Err(Stop::Io(error)) => return Err(error),
            Err(Stop::Message(message)) => {
                interpreter.streams.say("awk", &message);
                return Ok(TROUBLE);
            }
            Err(_) => {}
        }
    }
    interpreter.run()
}

/// What the arguments ask for.
#[derive(Default)]
struct Started {
    program: Vec<u8>,
    assignments: Vec<(Vec<u8>, Vec<u8>)>,
    operands: Vec<Vec<u8>>,
}

/// Reads the arguments. The error is a message.
fn read(arguments: &[OsString], streams: &mut Streams<'_>) -> Result<Started, String> {
    let mut started = Started::default();
    let mut files: Vec<Vec<u8>> = vec![];
    let mut rest = arguments.iter().skip(1).map(|argument| argument.as_encoded_bytes().to_vec()).peekable();
    while let Some(argument) = rest.next_if(|argument| argument.len() > 1 && argument[0] == b'-') {
        if argument == b"--" {
            break;
        }
        let long = |name: &str| argument.strip_prefix(format!("--{name}=").as_bytes()).map(<[u8]>::to_vec);
        let (letter, value) = if let Some(value) = long("field-separator") {
            (b'F', value)
        } else if let Some(value) = long("assign") {
            (b'v', value)
        } else if let Some(value) = long("file") {
            (b'f', value)
        } else if matches!(argument[1], b'F' | b'v' | b'f') {
            let value = if argument.len() > 2 { Some(argument[2..].to_vec()) } else { rest.next() };
            let shown = char::from(argument[1]);
            (argument[1], value.ok_or_else(|| format!("option `-{shown}` needs a value"))?)
        } else {
            return Err(format!("option `{}` is not supported", String::from_utf8_lossy(&argument)));
        };
        match letter {
            b'F' => {
                started.assignments.push((b"FS".to_vec(), value));
            }
            b'v' => {
                let (name, value) = interpret::assignment(&value)
                    .ok_or_else(|| format!("`{}` is no assignment", String::from_utf8_lossy(&value)))?;
                started.assignments.push((name.to_vec(), value.to_vec()));
            }
            _ => files.push(value),
        }
    }
    if files.is_empty() {
        started.program = rest.next().ok_or("the program is missing")?;
    }
    for file in files {
        let text = read_whole(&file, streams.input)
            .map_err(|error| format!("cannot open `{}`: {}", String::from_utf8_lossy(&file), describe(&error)))?;
        started.program.extend(text);
        started.program.push(b'\n');
    }
    started.operands = rest.collect();
    Ok(started)
}

#[cfg(test)]
mod tests {
    use crate::testing::run;

    #[test]
    fn output_is_that_of_the_real_one() {
        // Made with gawk 5.2.1.
        let (cases, input) = (include_str!("cases.txt"), include_bytes!("input.txt"));
        stepbox_tool::testing::compare(crate::find_tool, cases, input);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (program, message) in [
            ("BEGIN { IGNORECASE = 1 }", "`IGNORECASE` is not supported; `tolower` does the same"),
            ("BEGIN { switch (1) { } }", "line 1: `switch` is not supported; `if` and `else` do the same"),
            ("BEGIN { print 1 |& \"cat\" }", "line 1: co-processes (`|&`) are not supported"),
        ] {
            assert_eq!(run(&["awk", program], ""), (String::new(), format!("awk: {message}\n"), 2));
        }
        assert_eq!(run(&["awk", "--csv", "1"], "").1, "awk: option `--csv` is not supported\n");
    }

    #[test]
    fn recursion_and_nesting_are_bounded() {
        let deep = format!("BEGIN {{ print {}1{} }}", "(".repeat(1000), ")".repeat(1000));
        let (deep, endless) = (deep.as_str(), "function f(n) { return f(n + 1) } BEGIN { f(0) }");
        for (program, message) in [(endless, "call each other more than"), (deep, "stand in each other")] {
            let program = program.to_owned();
            // A debug build's frames are large.
            let thread = std::thread::Builder::new().stack_size(64 << 20);
            let ended = thread.spawn(move || run(&["awk", &program], "")).expect("starts").join().expect("ends");
            assert!(ended.1.contains(message) && ended.2 == 2, "{ended:?}");
        }
    }
}
