//! A build for people: plain lines. What steps print goes to standard output, everything else to standard error.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::time::Duration;

use stepbox_engine::{
    Awaited, AwaitedStep, BuildEvent, BuildId, BuildResult, FailedCommand, Outcome, StepOutcome, Stream, VolumeOutcome,
};

use crate::human::{self, quoted};
use crate::results::Results;
use crate::sanitize::{Sanitizer, plain};

/// A longer line of a step that runs beside others is cut, in bytes.
const MAX_PARTIAL: usize = 64 << 10;

/// How much of a failed command is shown, in characters.
const MAX_COMMAND: usize = 160;

/// How much is told.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Amount {
    /// What steps print, and problems.
    Quiet,
    /// And the course of the build.
    Normal,
    /// And details.
    Verbose,
}

/// Renders events as lines.
pub(crate) struct Text {
    amount: Amount,
    colors: bool,
    sanitizers: BTreeMap<(String, bool), Sanitizer>,
    /// Steps that run now; of several at once, whole lines are printed, each with its step's name.
    running: BTreeSet<String>,
    /// What steps that run beside others have printed of a line that is not at its end.
    partial: BTreeMap<(String, bool), String>,
    /// Whether the last thing printed on standard output ended its line.
    at_line_start: bool,
    results: Results,
}

impl Text {
    pub(crate) fn new(amount: Amount, colors: bool) -> Self {
        Self {
            amount,
            colors,
            sanitizers: BTreeMap::new(),
            running: BTreeSet::new(),
            partial: BTreeMap::new(),
            at_line_start: true,
            results: Results::default(),
        }
    }

    /// A line on standard error. Everything that came before on standard output stands before it.
    fn line(&mut self, text: &str) {
        if !self.at_line_start {
            self.results.write(b"\n");
            self.at_line_start = true;
        }
        // A reader that has enough is no reason to end the build.
        let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
    }

    fn paint(&self, code: &str, text: &str) -> String {
        painted(code, text, self.colors)
    }

    /// Shows an event.
    pub(crate) fn show(&mut self, event: &BuildEvent) {
        let tells = self.amount != Amount::Quiet;
        match event {
            BuildEvent::StepStarted { step, type_name, .. } if type_name != "parallel" => {
                self.running.insert(step.clone());
            }
            BuildEvent::StepFinished(step) => {
                self.end_lines(&step.name);
                self.running.remove(&step.name);
            }
            _ => {}
        }
        match event {
            BuildEvent::BuildStarted { build, pipeline, volume, folder, from, .. } if tells => {
                self.line(&format!("build: {build}"));
                if self.amount == Amount::Verbose {
                    self.line(&format!("pipeline: {}", plain(pipeline)));
                }
                if let Some(folder) = folder {
                    return self.line(&format!("Using {} as a local volume.", plain(folder)));
                }
                let origin = from.as_ref().map_or("empty".to_owned(), |build| format!("from build {build}"));
                self.line(&format!("volume: {}, {origin}", plain(volume)));
            }
            BuildEvent::WorkerStarted { locked, landlock, seccomp } if self.amount == Amount::Verbose => {
                let landlock = landlock.map_or("no Landlock".to_owned(), |version| format!("Landlock {version}"));
                let seccomp = if *seccomp { "seccomp" } else { "no seccomp" };
                match locked {
                    true => self.line(&format!("worker: locked ({landlock}, {seccomp})")),
                    false => self.line("worker: not locked"),
                }
            }
            BuildEvent::VolumeRestored { entries, bytes, duration_ms, .. } if self.amount == Amount::Verbose => {
                let entries = human::count(*entries, "entry", "entries");
                let time = human::duration(Duration::from_millis(*duration_ms));
                self.line(&format!("volume restored: {entries}, {} in {time}", human::bytes(*bytes)));
            }
            BuildEvent::StepStarted { title, stage, image, .. } if tells => {
                let stage = stage.as_ref().map_or(String::new(), |stage| format!(" [{}]", plain(stage)));
                let mut heading = self.paint("1", &format!("==> {}{stage}", plain(title)));
                if self.amount == Amount::Verbose
                    && let Some(image) = image
                {
                    heading.push_str(&format!(" (image {})", plain(image)));
                }
                self.line("");
                self.line(&heading);
            }
            BuildEvent::ApprovalAwaited { step, until } if self.amount == Amount::Verbose => {
                self.line(&format!("{}: waits for an answer until {} UTC", plain(step), human::time(*until)));
            }
            BuildEvent::BuildContinued { build, .. } if tells => self.line(&format!("build: {build}, which goes on")),
            BuildEvent::Output { step, stream, text } => self.output(step, *stream, text),
            BuildEvent::ShellOpened { step, after } => {
                let when = match after {
                    None => "before its commands run; `exit` runs them".to_owned(),
                    Some(status) => format!("which failed with exit status {status}; `exit` goes on with the build"),
                };
                self.line(&self.paint("1", &format!("shell at step `{}`, {when}", plain(step))));
            }
            BuildEvent::HookStarted { step, hook } if tells => {
                let of = step.as_ref().map_or(String::new(), |step| format!(" of {}", plain(step)));
                self.line(&self.paint("1", &format!("--> {}{of}", plain(hook))));
            }
            BuildEvent::HookFinished { step, hook, state, reason, .. } if tells && state != "success" => {
                let of = step.as_ref().map_or(String::new(), |step| format!(" of {}", plain(step)));
                let why = reason.as_ref().map_or(String::new(), |reason| format!(": {}", plain(reason)));
                self.line(&format!("{}{of}: {}{why}", plain(hook), painted_state(state, self.colors)));
            }
            BuildEvent::StepRetried { step, attempt, attempts, reason, wait_ms } if tells => {
                let wait = human::duration(Duration::from_millis(*wait_ms));
                let head = self.paint("33", "retry");
                let (step, reason) = (plain(step), plain(reason));
                self.line(&format!(
                    "{head}: {step}: attempt {attempt} of {attempts} failed: {reason}; again in {wait}"
                ));
            }
            BuildEvent::StepFinished(step) if tells => {
                let text = self.step_result(step);
                self.line(&text);
            }
            BuildEvent::Warning { step, message, place } => {
                let head = self.paint("33", "warning");
                let step = step.as_ref().map_or(String::new(), |step| format!("step `{}`: ", plain(step)));
                let place = place.as_ref().map_or(String::new(), |place| format!("{place}: "));
                self.line(&format!("{head}: {place}{step}{}", plain(message)));
            }
            // Otherwise the summary says it.
            BuildEvent::VolumeNotSaved { reason } if !tells => {
                let head = self.paint("33", "warning");
                self.line(&format!("{head}: volume not saved: {}", plain(reason)));
            }
            _ => {}
        }
    }

    fn output(&mut self, step: &str, stream: Stream, text: &str) {
        let sanitizer = self.sanitizers.entry((step.to_owned(), stream == Stream::Stderr)).or_default();
        let mut text = sanitizer.feed(text);
        if !self.colors {
            text = plain(&text);
        }
        if text.is_empty() {
            return;
        }
        let key = (step.to_owned(), stream == Stream::Stderr);
        if self.running.len() < 2 && !self.partial.contains_key(&key) {
            self.at_line_start = text.ends_with('\n');
            return self.results.write(text.as_bytes());
        }
        // Lines of steps that run at once must not mix.
        let held = self.partial.entry(key).or_default();
        held.push_str(&text);
        let whole = match held.rfind('\n') {
            Some(end) => held.drain(..=end).collect::<String>(),
            None if held.len() > MAX_PARTIAL => std::mem::take(held) + "\n",
            None => return,
        };
        self.lines(step, &whole);
    }

    /// Whole lines of a step that runs beside others.
    fn lines(&mut self, step: &str, lines: &str) {
        let name = self.paint("36", &plain(step));
        let mut out = if self.at_line_start { String::new() } else { "\n".to_owned() };
        for line in lines.lines() {
            out.push_str(&format!("{name} | {line}\n"));
        }
        self.at_line_start = true;
        self.results.write(out.as_bytes());
    }

    /// What a step that has ended left of a line.
    fn end_lines(&mut self, step: &str) {
        for stderr in [false, true] {
            if let Some(rest) = self.partial.remove(&(step.to_owned(), stderr)).filter(|rest| !rest.is_empty()) {
                self.lines(step, &rest);
            }
        }
    }

    /// Standard output as it was written to.
    pub(crate) fn results(&self) -> &Results {
        &self.results
    }

    /// The table of steps.
    pub(crate) fn steps(steps: &[StepOutcome], colors: bool) -> String {
        let name = |step: &StepOutcome| plain(&step.name);
        let widest = steps.iter().map(|step| name(step).chars().count()).max().unwrap_or(0).clamp(4, 60);
        let mut out = format!("{:<widest$}  {:<10}  {:>8}  stage\n", "step", "result", "time");
        for step in steps {
            let state = format!("{:<10}", step.state).replacen(&step.state, &painted_state(&step.state, colors), 1);
            let ran = !matches!(step.state.as_str(), "pending" | "skipped");
            let time = if ran { human::duration(step.duration) } else { "-".to_owned() };
            let stage = plain(step.stage.as_deref().unwrap_or("default"));
            out.push_str(&format!("{:<widest$}  {state}  {time:>8}  {stage}\n", name(step)));
        }
        out
    }

    fn step_result(&self, step: &StepOutcome) -> String {
        let mut text = format!("{}: {}", plain(&step.title), painted_state(&step.state, self.colors));
        match (&step.reason, step.status) {
            (Some(reason), _) => text.push_str(&format!(": {}", plain(reason))),
            (None, Some(status)) if status != 0 => text.push_str(&format!(": exit status {status}")),
            _ => {}
        }
        if step.state == "skipped" {
            return text;
        }
        text.push_str(&format!(" ({})", human::duration(step.duration)));
        if self.amount == Amount::Verbose {
            text.push_str(&format!(", {}", human::count(step.modules, "module started", "modules started")));
        }
        if let Some(failed) = step.failed_command.as_ref().filter(|_| step.reason.is_none()) {
            text.push_str(&format!("\n  {}", failed_text(failed)));
        }
        text
    }

    /// The table of steps and the state of the volume, at the end.
    pub(crate) fn summary(&mut self, outcome: &Outcome) {
        if self.amount == Amount::Quiet {
            if outcome.result != BuildResult::Success {
                self.line(&result_text(outcome.result));
            }
            waiting_text(&outcome.build, outcome).iter().for_each(|line| self.line(line));
            return;
        }
        self.line("");
        let table = Self::steps(&outcome.steps, self.colors);
        table.lines().for_each(|line| self.line(line));
        self.line("");
        match &outcome.volume {
            VolumeOutcome::Saved { digest, entries, bytes, change, stored }
            | VolumeOutcome::Held { digest, entries, bytes, change, stored } => {
                let entries = human::count(*entries, "entry", "entries");
                let what = if outcome.waiting.is_some() { "volume kept for this build" } else { "volume saved" };
                self.line(&format!(
                    "{what}: {digest}\n              {entries}, {} ({}), {} in the store",
                    human::bytes(*bytes),
                    human::change(*change),
                    human::bytes(*stored)
                ));
            }
            VolumeOutcome::NotSaved { reason } => {
                let head = self.paint("33", "warning");
                self.line(&format!("{head}: volume not saved: {}", plain(reason)));
                let head = self.paint("36", "hint");
                self.line(&format!("{head}: the next build starts from the volume that this one started from"));
            }
            VolumeOutcome::Skipped { reason } => self.line(&format!("volume not saved: {}", plain(reason))),
            VolumeOutcome::Kept { path } => self.line(&format!("volume: stays in {}", plain(path))),
        }
        let code = match outcome.result {
            BuildResult::Success => "32",
            BuildResult::PendingApproval => "33",
            BuildResult::Failure | BuildResult::Terminated => "31",
        };
        let unsupported = outcome.steps.iter().filter(|step| step.unsupported).count() as u64;
        let skipped = match unsupported {
            0 => String::new(),
            count => format!(" ({} skipped)", human::count(count, "step", "steps")),
        };
        let text = format!("{}{skipped} ({})", result_text(outcome.result), human::duration(outcome.duration));
        let text = self.paint(code, &text);
        self.line(&text);
        waiting_text(&outcome.build, outcome).iter().for_each(|line| self.line(line));
    }
}

/// The command with which a step failed, and where it stands.
pub(crate) fn failed_text(failed: &FailedCommand) -> String {
    let of = match &failed.file {
        Some(file) => format!("line {} of {}", failed.line, quoted(&shortened(file))),
        None => format!("line {} of the commands", failed.line),
    };
    let function = failed.function.as_ref().map_or(String::new(), |name| format!(" in `{}`", shortened(name)));
    let place = failed.place.as_ref().map_or(String::new(), |place| format!(" ({})", plain(place)));
    let from = match failed.file.is_some() || failed.line != failed.script_line {
        true => format!(", from line {} of the commands", failed.script_line),
        false => String::new(),
    };
    let command = match failed.command.is_empty() {
        true => String::new(),
        false => format!("`{}`, ", shortened(&failed.command)),
    };
    format!("{command}{of}{function}{from}{place}")
}

/// The first line of an untrusted text, as far as it fits one.
fn shortened(text: &str) -> String {
    let line = plain(text.lines().next().unwrap_or_default());
    let short: String = line.chars().take(MAX_COMMAND).collect();
    let is_whole = short.len() == line.len() && text.lines().nth(1).is_none();
    if is_whole { short } else { short + "…" }
}

/// For what a build waits, and what one types for it to go on.
pub(crate) fn waiting_text(build: &BuildId, outcome: &Outcome) -> Vec<String> {
    let Some(Awaited { steps, secrets }) = &outcome.waiting else { return vec![] };
    let secrets: String = secrets.iter().map(|name| format!(" --secret {}", quoted(&plain(name)))).collect();
    let mut lines = vec![];
    for AwaitedStep { step, until, then } in steps {
        let (step, time) = (plain(step), human::time(*until));
        lines.push(format!("waits for an answer to step `{step}` until {time} UTC; then the step is {then}"));
    }
    for one in steps {
        let step = if steps.len() > 1 { format!(" {}", quoted(&plain(&one.step))) } else { String::new() };
        for verb in ["approve", "deny"] {
            lines.push(format!("  stepbox {verb} {build}{step}{secrets}"));
        }
    }
    lines
}

fn painted(code: &str, text: &str, colors: bool) -> String {
    if colors { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

fn painted_state(state: &str, colors: bool) -> String {
    let code = match state {
        "success" | "approved" => "32",
        "pending" | "skipped" => "2",
        _ => "31",
    };
    painted(code, state, colors)
}

fn result_text(result: BuildResult) -> String {
    match result {
        BuildResult::Success => "build succeeded",
        BuildResult::Failure => "build failed",
        BuildResult::Terminated => "build terminated",
        BuildResult::PendingApproval => "build waits for an approval",
    }
    .to_owned()
}
