//! `stepbox tools`: the commands that every step can use.

use clap::Parser;
use serde::Serialize;
use stepbox_worker::Tool;

use crate::arguments::{Arguments, Command, Output, ToolsArguments};
use crate::error::CliError;
use crate::results::print;
use crate::{exit_code, json, sh};

/// A command as JSON has it.
#[derive(Serialize)]
struct Shown {
    name: &'static str,
    family: &'static str,
    version: &'static str,
    origin: &'static str,
    /// How it is called; nothing where only its own `--help` says so.
    usage: Option<&'static str>,
}

impl From<Tool> for Shown {
    fn from(tool: Tool) -> Self {
        let Tool { name, family, version, origin, help } = tool;
        Self { name, family, version, origin, usage: help }
    }
}

/// Lists all, or says how one is called.
pub(crate) fn run(arguments: &ToolsArguments) -> Result<u8, CliError> {
    let tools = stepbox_worker::tools();
    let Some(name) = &arguments.name else {
        print(&match arguments.output {
            Output::Json => json::line(&tools.into_iter().map(Shown::from).collect::<Vec<_>>())?,
            Output::Text => listed(&tools),
        })?;
        return Ok(exit_code::SUCCESS);
    };
    let Some(tool) = tools.into_iter().find(|tool| tool.name == name) else {
        return Err(CliError::usage(format!("the toolbox has no command `{name}`")));
    };
    match (arguments.output, tool.help) {
        (Output::Json, _) => print(&json::line(&Shown::from(tool))?)?,
        (Output::Text, Some(usage)) => {
            print(&format!(
                "{} {} ({}, family {})\nusage: {usage}\n",
                tool.name, tool.version, tool.origin, tool.family
            ))?;
        }
        (Output::Text, None) => return own_help(tool.name),
    }
    Ok(exit_code::SUCCESS)
}

fn listed(tools: &[Tool]) -> String {
    let widest = tools.iter().map(|tool| tool.name.len()).max().unwrap_or(0);
    let rows = tools
        .iter()
        .map(|tool| format!("{:<widest$}  {:<7}  {:<8}  {}\n", tool.name, tool.family, tool.version, tool.origin));
    format!("{:<widest$}  {:<7}  {:<8}  {}\n", "command", "family", "version", "origin") + &rows.collect::<String>()
}

/// The help that a command prints itself, in a shell over an empty directory.
fn own_help(name: &str) -> Result<u8, CliError> {
    let empty = tempfile::tempdir().map_err(|error| CliError::host(format!("cannot make a directory: {error}")))?;
    let mount = format!("{}::/codefresh/volume:ro", empty.path().display());
    let command = format!("{name} --help");
    let words = ["stepbox", "sh", "--mount", &mount, "-c", &command];
    match Arguments::try_parse_from(words).map(|arguments| arguments.command) {
        Ok(Command::Sh(arguments)) => sh::run(&arguments),
        _ => Err(CliError::host(format!("the help of `{name}` cannot be asked for"))),
    }
}
