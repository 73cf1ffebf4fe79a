//! `stepbox plan` and `stepbox run --dry-run`: the steps as they would run.

use stepbox_engine::{BuildRequest, Directories, GraphStep, PipelineGraph, graph};

use crate::arguments::{Output, PlanArguments, PlanOutput};
use crate::error::CliError;
use crate::results::print;
use crate::run::{assignments, directories, request};
use crate::sanitize::plain;
use crate::{exit_code, json, reader};

/// Prints the graph; the exit status.
pub(crate) fn run(arguments: &PlanArguments) -> Result<u8, CliError> {
    let reader = reader::start(arguments.wall, false)?;
    let (mut request, _) = request(arguments.pipeline_file.as_deref(), &[], reader)?;
    request.variables = assignments("-v", &arguments.variables)?;
    let found = graph(&directories()?, &request)?;
    print(&match arguments.output {
        PlanOutput::Text => text(&found, false),
        PlanOutput::Json => json::line(&found)?,
        PlanOutput::Mermaid => mermaid(&found),
    })?;
    Ok(exit_code::SUCCESS)
}

/// Prints what a build would run.
pub(crate) fn dry_run(directories: &Directories, request: &BuildRequest, output: Output) -> Result<(), CliError> {
    let found = graph(directories, request)?;
    print(&match output {
        Output::Text => text(&found, true),
        Output::Json => json::line(&found)?,
    })
}

/// One paragraph a step, those inside of another one indented.
fn text(found: &PipelineGraph, commands: bool) -> String {
    let mut out = format!("mode: {}\n", found.mode);
    if !found.stages.is_empty() {
        out.push_str(&format!("stages: {}\n", plain(&found.stages.join(", "))));
    }
    if !found.hooks.is_empty() {
        out.push_str(&format!("hooks: {}\n", found.hooks.join(", ")));
    }
    for step in &found.steps {
        let indent = "  ".repeat(depth(found, step));
        let mut line = plain(&step.step);
        if step.title != step.step {
            line.push_str(&format!(": {}", plain(&step.title)));
        }
        line.push_str(&match &step.image {
            Some(image) => format!(" ({} in {})", step.type_name, plain(image)),
            None => format!(" ({})", step.type_name),
        });
        line.push_str(&step.stage.as_ref().map_or(String::new(), |stage| format!(" [{}]", plain(stage))));
        if step.left_out {
            line.push_str(" left out");
        }
        out.push_str(&format!("{indent}- {line}\n"));
        for condition in &step.when {
            out.push_str(&format!("{indent}    when {}\n", plain(condition)));
        }
        if !step.hooks.is_empty() {
            out.push_str(&format!("{indent}    hooks {}\n", step.hooks.join(", ")));
        }
        for command in step.commands.iter().filter(|_| commands && !step.left_out) {
            for line in command.lines() {
                out.push_str(&format!("{indent}    $ {}\n", plain(line)));
            }
        }
    }
    out
}

fn depth(found: &PipelineGraph, step: &GraphStep) -> usize {
    let outer = |step: &GraphStep| found.steps.iter().find(|other| Some(&other.step) == step.inside.as_ref());
    std::iter::successors(outer(step), |step| outer(step)).count()
}

/// A flow chart: parallel steps are boxes around those inside of them.
fn mermaid(found: &PipelineGraph) -> String {
    let mut out = "flowchart TD\n".to_owned();
    let number = |name: &str| found.steps.iter().position(|step| step.step == name);
    let mut open: Vec<&str> = vec![];
    for (at, step) in found.steps.iter().enumerate() {
        while open.last().is_some_and(|group| Some(*group) != step.inside.as_deref()) {
            open.pop();
            out.push_str(&format!("{}end\n", "  ".repeat(open.len() + 1)));
        }
        let indent = "  ".repeat(open.len() + 1);
        if step.type_name == "parallel" {
            out.push_str(&format!("{indent}subgraph s{at}[\"{}\"]\n", quoted(&step.title)));
            open.push(&step.step);
        } else {
            out.push_str(&format!("{indent}s{at}[\"{}\"]\n", quoted(&step.title)));
        }
    }
    while open.pop().is_some() {
        out.push_str(&format!("{}end\n", "  ".repeat(open.len() + 1)));
    }
    for (at, step) in found.steps.iter().enumerate() {
        for before in step.after.iter().filter_map(|name| number(name)) {
            match step.when.as_slice() {
                [] => out.push_str(&format!("  s{before} --> s{at}\n")),
                when => out.push_str(&format!("  s{before} -- \"{}\" --> s{at}\n", quoted(&when.join("; ")))),
            }
        }
    }
    out
}

/// A label: quotes and what could end it are written as numbers.
fn quoted(text: &str) -> String {
    let one = |c: char| match c {
        '"' | '#' | '<' | '>' | '&' | '`' | '\\' | '[' | ']' | '{' | '}' | '|' => format!("#{};", u32::from(c)),
        c => c.to_string(),
    };
    plain(text).chars().map(one).collect()
}
