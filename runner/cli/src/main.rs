//! `stepbox`: the program. The only room that touches the terminal, the process's environment and the home directory.

mod answer;
mod arguments;
mod builds;
mod check;
mod configuration;
mod environment;
mod error;
mod eval;
mod exec;
mod exit_code;
mod grants;
mod human;
mod json;
mod limits;
mod line_editor;
mod plan;
mod policy;
mod project;
mod reader;
mod results;
mod run;
mod sanitize;
mod secrets;
mod sh;
mod shell_console;
mod terminal;
mod text;
mod tools;
mod trust;
mod validate;
mod volume;
mod volume_contents;
mod wall;
mod worker;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};

fn main() -> ExitCode {
    #[cfg(feature = "holes")]
    if !std::env::current_exe()
        .is_ok_and(|program| program.file_name().is_some_and(|name| name == "stepbox-with-holes"))
    {
        eprintln!(
            "error: this program was built with deliberate holes, for tests; build it without the feature `holes`"
        );
        return ExitCode::from(exit_code::STEPBOX_FAILED);
    }
    if std::env::args_os().nth(1).is_some_and(|argument| argument == reader::READER) {
        return ExitCode::from(reader::run());
    }
    let arguments = match Arguments::try_parse_from(run::rewrite_shorts(std::env::args_os())) {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are results, everything else is wrong usage. A closed pipe is no news.
            let status = if error.use_stderr() { exit_code::USAGE } else { exit_code::SUCCESS };
            let _ = error.print();
            return ExitCode::from(status);
        }
    };
    let status = match arguments.command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Approve(arguments) => answer::run(&arguments, true),
        Command::Deny(arguments) => answer::run(&arguments, false),
        Command::Validate(arguments) => validate::run(&arguments),
        Command::Plan(arguments) => plan::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Eval(arguments) => eval::run(&arguments),
        Command::Tools(arguments) => tools::run(&arguments),
        Command::Sh(arguments) => sh::run(&arguments),
        Command::Exec(arguments) => exec::run(&arguments),
        Command::Trust(arguments) => trust::run(&arguments),
        Command::Schema => validate::schema(),
        Command::Volume(arguments) => volume::run(&arguments),
        Command::Builds(command) => builds::run(&command),
        Command::Worker => return ExitCode::from(worker::run()),
    };
    match status {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            error.print();
            ExitCode::from(error.status())
        }
    }
}
