//! `sh` as a command: its options and where its script comes from.

use stepbox_system::{ExitStatus, OpenOptions, error_text};

use super::{Shell, own_descriptor};
use crate::builtins::{set_letter, set_long};
use crate::config::{Mode, ShellConfig};
use crate::switches::{Switches, switch};

/// Runs `sh` with `arguments` (its own name not among them): `[-abCefnuvx] [-o OPTION] [-O SWITCH] [-c COMMAND [NAME [ARG]…] | -s
/// [ARG]… | FILE [ARG]…]`.
/// The thread that calls it must have a stack of 16 MiB.
pub fn run_command_line(arguments: &[Vec<u8>], mut config: ShellConfig) -> ExitStatus {
    let mut words = arguments.iter().peekable();
    let mut command = false;
    let mut from_input = false;
    let mut problem = None;
    let mut switches = Switches::default();
    while let Some(word) = words.next_if(|word| word.len() > 1 && matches!(word[0], b'-' | b'+')) {
        if word == b"--" {
            break;
        }
        let on = word[0] == b'-';
        if word.starts_with(b"--") {
            // bash's, which change nothing for a script that is not interactive.
            if matches!(word.as_slice(), b"--login" | b"--norc" | b"--noprofile" | b"--posix") {
                continue;
            }
            if matches!(word.as_slice(), b"--rcfile" | b"--init-file") && config.mode == Mode::Bash {
                words.next();
                continue;
            }
            problem = Some(format!("Illegal option {}", String::from_utf8_lossy(word)));
            break;
        }
        for letter in &word[1..] {
            match letter {
                b'c' => command = true,
                b's' => from_input = true,
                // A login shell reads files that no step has.
                b'l' => {}
                b'i' => config.options.interactive = on,
                b'o' => match words.next() {
                    Some(name) if set_long(&mut config.options, config.mode, name, on) => {}
                    name => {
                        let shown = String::from_utf8_lossy(name.map_or(b"", Vec::as_slice)).into_owned();
                        problem = Some(format!("Illegal option -o {shown}"));
                    }
                },
                b'O' if config.mode == Mode::Bash => match words.next() {
                    Some(name) if switch(name).map(|switch| switches.set(switch, on)).is_some() => {}
                    name => {
                        let shown = String::from_utf8_lossy(name.map_or(b"", Vec::as_slice)).into_owned();
                        problem = Some(format!("{shown}: invalid shell option name"));
                    }
                },
                letter if set_letter(&mut config.options, config.mode, *letter, on) => {}
                letter => problem = Some(format!("Illegal option -{}", char::from(*letter))),
            }
        }
    }
    // A lone `-` ends the options too.
    words.next_if(|word| *word == b"-");
    let mut rest: Vec<Vec<u8>> = words.cloned().collect();
    if let Some(problem) = problem {
        let shell = Shell::new(config);
        shell.say(&if shell.is_bash() { problem } else { format!("0: {problem}") });
        return ExitStatus::USAGE;
    }
    if command {
        if rest.is_empty() {
            Shell::new(config).say("0: -c requires an argument");
            return ExitStatus::USAGE;
        }
        let source = rest.remove(0);
        if !rest.is_empty() {
            config.name = rest.remove(0);
        }
        config.arguments = rest;
        let mut shell = start(config, switches);
        shell.is_command_string = true;
        return shell.run(&source);
    }
    if from_input || rest.is_empty() {
        config.arguments = rest;
        return run_input(config, switches);
    }
    let file = rest.remove(0);
    config.name.clone_from(&file);
    config.arguments = rest;
    run_file(&file, config, switches)
}

fn start(config: ShellConfig, switches: Switches) -> Shell {
    let mut shell = Shell::new(config);
    shell.state.switches = switches;
    shell
}

fn run_file(file: &[u8], config: ShellConfig, switches: Switches) -> ExitStatus {
    let limit = config.limits.source;
    let read = config.cwd.join(file).map_err(|error| error.to_string()).and_then(|path| {
        let cancel = config.process.cancel();
        let inherited = own_descriptor(path.as_bytes()).and_then(|number| config.files.get(&number).cloned());
        inherited
            .map_or_else(|| config.vfs.open(&path, &OpenOptions::reading()), Ok)
            .and_then(|file| file.read_to_end(limit, cancel))
            .map_err(|error| error_text(&error))
    });
    match read {
        Ok(source) => {
            let mut shell = start(config, switches);
            shell.state.script = Some(file.into());
            shell.run(&source)
        }
        Err(error) => {
            let shell = Shell::new(config);
            let shown = String::from_utf8_lossy(file).into_owned();
            shell.say(&if shell.is_bash() {
                format!("{shown}: {error}")
            } else {
                format!("0: cannot open {shown}: {error}")
            });
            if error.starts_with("No such file") { ExitStatus::NOT_FOUND } else { ExitStatus::NOT_EXECUTABLE }
        }
    }
}

fn run_input(config: ShellConfig, switches: Switches) -> ExitStatus {
    let Some(input) = config.files.get(&0).cloned() else { return ExitStatus::SUCCESS };
    let mut shell = start(config, switches);
    shell.reads_input = true;
    shell.run_lines(&input)
}
