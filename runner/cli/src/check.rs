//! `stepbox check`: which steps can run here, and what the others need.

use stepbox_engine::{Missing, PipelineCheck, Toolbox, check};

use crate::arguments::{CheckArguments, Output};
use crate::error::CliError;
use crate::results::{colors, print};
use crate::run::{assignments, directories, request};
use crate::sanitize::plain;
use crate::{exit_code, json, reader};

/// Checks; the exit status, 1 where a step cannot run.
pub(crate) fn run(arguments: &CheckArguments) -> Result<u8, CliError> {
    let reader = reader::start(arguments.wall, false)?;
    let (mut request, _) = request(arguments.pipeline_file.as_deref(), &arguments.images, reader)?;
    request.variables = assignments("-v", &arguments.variables)?;
    let found = check(&directories()?, &request)?;
    print(&match arguments.output {
        Output::Json => json::line(&found)?,
        Output::Text => shown(&found, colors()),
    })?;
    Ok(if found.runs { exit_code::SUCCESS } else { exit_code::BUILD_FAILED })
}

fn shown(found: &PipelineCheck, colors: bool) -> String {
    let paint = |code: &str, text: &str| if colors { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() };
    let widest = found.steps.iter().map(|step| plain(&step.step).chars().count()).max().unwrap_or(0).clamp(4, 60);
    let mut out = String::new();
    for missing in &found.pipeline {
        out.push_str(&format!("{:<widest$}  {}\n", "-", needs(missing)));
    }
    for step in &found.steps {
        let name = format!("{:<widest$}", plain(&step.step));
        if step.missing.is_empty() {
            out.push_str(&format!("{name}  {}\n", paint("32", "runs")));
        }
        for missing in &step.missing {
            out.push_str(&format!("{name}  {}\n", paint("33", &needs(missing))));
        }
    }
    let able = found.steps.iter().filter(|step| step.missing.is_empty()).count();
    let summary = match found.runs {
        true => "everything can run".to_owned(),
        false => format!("{able} of {} steps can run", found.steps.len()),
    };
    out.push_str(&format!("\n{summary}\n"));
    out
}

fn needs(missing: &Missing) -> String {
    match missing {
        Missing::Command { command, place } => format!("needs command `{}` ({})", plain(command), plain(place)),
        Missing::Image { image, place, toolbox } => {
            let toolbox = match toolbox {
                Toolbox::Has => "the toolbox would do".to_owned(),
                Toolbox::Lacks(commands) => {
                    let names: Vec<String> = commands.iter().map(|name| format!("`{}`", plain(name))).collect();
                    format!("the toolbox lacks {}", names.join(", "))
                }
                Toolbox::Unknown(reason) => format!("whether the toolbox would do is not known: {}", plain(reason)),
            };
            format!("needs image `{}` ({}): {toolbox}", plain(image), plain(place))
        }
        Missing::Docker { feature, place } => format!("needs Docker: `{}` ({})", plain(feature), plain(place)),
        Missing::Feature { feature, reason, place } => {
            format!("needs `{}` ({}): {}", plain(feature), plain(place), plain(reason))
        }
        Missing::Shell { error, place } => {
            format!("needs a shell that reads its script ({}): {}", plain(place), plain(error))
        }
    }
}
