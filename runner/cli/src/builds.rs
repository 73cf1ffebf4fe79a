//! `stepbox builds …`.

use stepbox_engine::{
    BuildEvent, BuildId, BuildQuery, BuildRecord, BuildResult, BuildState, BuildSummary, Builds, VolumeOutcome,
};

use crate::arguments::{BuildsCommand, ListArguments, LogsArguments, Output};
use crate::error::{CliError, colors};
use crate::results::{Results, print};
use crate::sanitize::plain;
use crate::text::{Amount, Text, failed_text, waiting_text};
use crate::{exit_code, human, json, run};

/// Runs a command about builds; the exit status.
pub(crate) fn run(command: &BuildsCommand) -> Result<u8, CliError> {
    let builds = Builds::open(&run::directories()?)?;
    match command {
        BuildsCommand::Ls(arguments) => list(&builds, arguments)?,
        BuildsCommand::Show(arguments) => {
            let record = builds.show(&builds.find(&arguments.build)?)?;
            print(&match arguments.output {
                Output::Json => json::line(&record)?,
                Output::Text => details(&record),
            })?;
        }
        BuildsCommand::Logs(arguments) => logs(&builds, arguments)?,
        BuildsCommand::Rm(name) => {
            let build = builds.find(&name.build)?;
            builds.remove(&build)?;
            print(&format!("removed the record of build {build}\n"))?;
        }
    }
    Ok(exit_code::SUCCESS)
}

fn list(builds: &Builds, arguments: &ListArguments) -> Result<(), CliError> {
    let limit = (arguments.limit > 0).then_some(arguments.limit);
    // One more, to know whether there is one.
    let query = BuildQuery { pipeline: arguments.pipeline.clone(), limit: limit.map(|limit| limit.saturating_add(1)) };
    let mut found = builds.list(&query)?;
    for damage in &found.damaged {
        eprintln!("warning: {}", plain(&damage.message));
    }
    if found.builds.is_empty() {
        eprintln!("no build has run yet");
        return Ok(());
    }
    let more = limit.is_some_and(|limit| found.builds.len() > limit);
    found.builds.truncate(limit.unwrap_or(usize::MAX));
    print(&match arguments.output {
        Output::Json => found.builds.iter().map(json::line).collect::<Result<String, _>>()?,
        Output::Text => table(&found.builds),
    })?;
    if more && arguments.output == Output::Text {
        eprintln!("and older ones: give `-n 0` for all");
    }
    Ok(())
}

fn table(builds: &[BuildSummary]) -> String {
    let mut out = format!(
        "{:<24}  {:<19}  {:<10}  {:>9}  {:<12}  pipeline\n",
        "build", "began (UTC)", "result", "time", "branch"
    );
    for build in builds {
        let time = build.end.map_or("-".to_owned(), |end| human::duration(end.duration));
        let branch = plain(build.branch.as_deref().unwrap_or("-"));
        out.push_str(&format!(
            "{}  {}  {:<10}  {time:>9}  {branch:<12}  {}\n",
            build.build,
            human::time(build.started),
            result(build.state, build.end.map(|end| end.result)),
            plain(&build.pipeline)
        ));
    }
    out
}

fn result(state: BuildState, result: Option<BuildResult>) -> &'static str {
    match (state, result) {
        (BuildState::Running, _) => "running",
        (_, Some(BuildResult::Success)) => "success",
        (_, Some(BuildResult::Failure)) => "failure",
        (_, Some(BuildResult::Terminated)) => "terminated",
        (_, Some(BuildResult::PendingApproval)) => "waiting",
        (_, None) => "unfinished",
    }
}

fn details(record: &BuildRecord) -> String {
    let about = &record.about;
    let mut out = String::new();
    let mut say = |name: &str, value: &str| out.push_str(&format!("{name}: {}\n", plain(value)));
    say("build", about.build.as_str());
    say("result", result(record.state, record.outcome.as_ref().map(|outcome| outcome.result)));
    say("began", &format!("{} UTC", human::time(about.started)));
    if let Some(outcome) = &record.outcome {
        say("time", &human::duration(outcome.duration));
    }
    say("pipeline", &about.pipeline);
    let from = about.from.as_ref().map_or("empty".to_owned(), |build| format!("from build {build}"));
    say("volume", &format!("{}, {from}", about.volume));
    for (name, value) in [("branch", &about.branch), ("revision", &about.revision), ("started by", &about.initiator)] {
        if let Some(value) = value {
            say(name, value);
        }
    }
    for (name, value) in &about.variables.values {
        say("variable", &format!("{name}={value}"));
    }
    for name in &about.secrets {
        say("variable", &format!("{name}=**** (a secret)"));
    }
    if let Some(outcome) = &record.outcome {
        match &outcome.volume {
            VolumeOutcome::Saved { digest, bytes, .. } => say("saved", &format!("{digest}, {}", human::bytes(*bytes))),
            VolumeOutcome::Held { digest, bytes, .. } => {
                say("kept for it", &format!("{digest}, {}", human::bytes(*bytes)));
            }
            VolumeOutcome::NotSaved { reason } => say("not saved", reason),
            VolumeOutcome::Skipped { reason } => say("not saved", reason),
            VolumeOutcome::Kept { path } => say("kept", path),
        }
        for step in &outcome.steps {
            if let Some(failed) = &step.failed_command {
                say("failed", &format!("{}: {}", step.name, failed_text(failed)));
            }
        }
        for (name, value) in &outcome.annotations {
            let value = value.to_string().trim_end().replace('\n', "\n  ");
            say("annotation", &if value.is_empty() { name.clone() } else { format!("{name}: {value}") });
        }
        for warning in &outcome.warnings {
            say("warning", warning);
        }
        for line in waiting_text(&outcome.build, outcome) {
            out.push_str(&line);
            out.push('\n');
        }
        out.push('\n');
        out.push_str(&Text::steps(&outcome.steps, false));
    }
    out
}

/// Prints the events of a build as they were printed when it ran, or what one step has printed.
fn logs(builds: &Builds, arguments: &LogsArguments) -> Result<(), CliError> {
    let build: BuildId = builds.find(&arguments.build)?;
    let mut results = Results::default();
    let amount = if arguments.step.is_some() { Amount::Quiet } else { Amount::Normal };
    let mut text = Text::new(amount, colors());
    let mut seen = false;
    let mut damage = None;
    let mut events = builds.events(&build)?;
    for event in events.by_ref() {
        let event = match event {
            Ok(event) => event,
            // What came before it is printed all the same.
            Err(error) => {
                damage = Some(error);
                break;
            }
        };
        if let Some(wanted) = &arguments.step {
            match &event {
                BuildEvent::Output { step, .. } if step == wanted => {}
                BuildEvent::StepStarted { step, .. } => {
                    seen |= step == wanted;
                    continue;
                }
                _ => continue,
            }
        }
        match arguments.output {
            Output::Text => text.show(&event),
            Output::Json => json::print(&event, &mut results),
        }
    }
    results.check()?;
    text.results().check()?;
    let unknown = events.unknown();
    if unknown > 0 {
        eprintln!("warning: {unknown} events of this build are of a newer version and are not shown");
    }
    if let Some(error) = damage {
        return Err(error.into());
    }
    match &arguments.step {
        Some(step) if !seen => Err(CliError::usage(format!("no step `{step}` has begun in build {build}"))
            .hint(format!("`stepbox builds show {build}` lists its steps"))),
        _ => Ok(()),
    }
}
