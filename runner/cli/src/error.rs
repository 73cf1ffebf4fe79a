//! What is printed where a command does not succeed: what happened, where, why, and what to do.

use std::io::{IsTerminal, Write};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use stepbox_engine::{Diagnostic, EngineError, EngineErrorKind, Problem, Severity, SourcePlace};

use crate::{environment, exit_code};

/// A failed command.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Wrong arguments or a wrong file: message and hints.
    Usage(String, Vec<String>),
    /// A file of ours is wrong at a place.
    File { path: String, text: String, message: String, line: usize, column: usize },
    /// A file of variables is wrong.
    Variables { path: String, text: String, problems: Vec<Diagnostic> },
    /// The engine.
    Engine(EngineError),
    /// Something of the host.
    Host(String, Vec<String>),
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        Self::Engine(error)
    }
}

impl CliError {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into(), vec![])
    }

    pub(crate) fn host(message: impl Into<String>) -> Self {
        Self::Host(message.into(), vec![])
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Usage(_, hints) | Self::Host(_, hints) = &mut self {
            hints.push(hint.into());
        }
        self
    }

    /// The program's exit status.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Usage(..) | Self::File { .. } | Self::Variables { .. } => exit_code::USAGE,
            Self::Engine(error) => match error.kind {
                EngineErrorKind::Pipeline | EngineErrorKind::Usage => exit_code::USAGE,
                EngineErrorKind::State
                | EngineErrorKind::Store
                | EngineErrorKind::Record
                | EngineErrorKind::Restore
                | EngineErrorKind::Worker => exit_code::STEPBOX_FAILED,
            },
            Self::Host(..) => exit_code::STEPBOX_FAILED,
        }
    }

    /// What happened, in words, without its place and hints.
    pub(crate) fn message(&self) -> String {
        match self {
            Self::Usage(message, _) | Self::Host(message, _) | Self::File { message, .. } => message.clone(),
            Self::Variables { path, .. } => format!("the variables in `{path}` cannot be used"),
            Self::Engine(error) => error.message.clone(),
        }
    }

    /// Prints it on standard error.
    pub(crate) fn print(&self) {
        let text = self.render(colors());
        // Nobody is left to tell where standard error fails.
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    fn render(&self, colors: bool) -> String {
        let mut out = String::new();
        match self {
            Self::Usage(message, hints) | Self::Host(message, hints) => plain(&mut out, message, hints, colors),
            Self::File { path, text, message, line, column } => {
                let source = text.lines().nth(line.saturating_sub(1)).unwrap_or_default();
                out.push_str(&snippet("error", message, path, source, *line, *column, 1, colors));
            }
            Self::Variables { path, text, problems } => {
                problems.iter().for_each(|problem| diagnostic(&mut out, problem, path, text, colors));
            }
            Self::Engine(error) => {
                for problem in &error.problems {
                    self::problem(&mut out, problem, colors);
                }
                plain(&mut out, &error.message, &error.hints, colors);
            }
        }
        out
    }
}

/// Whether standard error is to be coloured.
pub(crate) fn colors() -> bool {
    std::io::stderr().is_terminal() && !environment::no_color()
}

fn plain(out: &mut String, message: &str, hints: &[String], colors: bool) {
    let head = if colors { "\x1b[1m\x1b[31merror\x1b[0m" } else { "error" };
    out.push_str(&format!("{head}: {message}\n"));
    hints_of(out, hints, colors);
}

fn hints_of(out: &mut String, hints: &[String], colors: bool) {
    let head = if colors { "\x1b[36mhint\x1b[0m" } else { "hint" };
    for hint in hints {
        out.push_str(&format!("{head}: {hint}\n"));
    }
}

/// One thing that is said of a file, with its line shown.
pub(crate) fn diagnostic(out: &mut String, one: &Diagnostic, path: &str, text: &str, colors: bool) {
    let level = if one.severity == Severity::Warning { "warning" } else { "error" };
    let message = match &one.step {
        Some(step) if !names(&one.message, step) => format!("step `{step}`: {}", one.message),
        _ => one.message.clone(),
    };
    match one.place {
        Some(place) => {
            let source = text.lines().nth(place.line.saturating_sub(1)).unwrap_or_default();
            let (line, column) = (place.line, place.column);
            out.push_str(&snippet(level, &message, path, source, line, column, place.length, colors));
        }
        None => {
            let code = if level == "warning" { "33" } else { "31" };
            let head = if colors { format!("\x1b[1m\x1b[{code}m{level}\x1b[0m") } else { level.to_owned() };
            // Not twice, where the message names the file.
            let file = if message.contains(path) { String::new() } else { format!("{path}: ") };
            out.push_str(&format!("{head}: {file}{message}\n"));
        }
    }
    hints_of(out, &one.hints, colors);
}

fn problem(out: &mut String, problem: &Problem, colors: bool) {
    match &problem.place {
        Some(SourcePlace { file, place, source_line }) => {
            let file = file.display().to_string();
            let message = match &problem.step {
                Some(step) if !names(&problem.message, step) => format!("step `{step}`: {}", problem.message),
                _ => problem.message.clone(),
            };
            out.push_str(&snippet(
                "error",
                &message,
                &file,
                source_line,
                place.line,
                place.column,
                place.length,
                colors,
            ));
            if let Some(other) = &problem.other {
                let text =
                    format!("the other is at {}:{}:{}", other.file.display(), other.place.line, other.place.column);
                out.push_str(&format!("  {text}\n"));
            }
            hints_of(out, &problem.hints, colors);
        }
        None => plain(out, &problem.message, &problem.hints, colors),
    }
}

/// One place in a file, with its line shown.
#[expect(clippy::too_many_arguments, reason = "the parts of one place")]
fn snippet(
    level: &str,
    message: &str,
    path: &str,
    line_text: &str,
    line: usize,
    column: usize,
    length: usize,
    colors: bool,
) -> String {
    let level = if level == "warning" { Level::WARNING } else { Level::ERROR };
    let begin = line_text.char_indices().nth(column.saturating_sub(1)).map_or(line_text.len(), |(at, _)| at);
    let rest = &line_text[begin..];
    let end = begin + rest.char_indices().nth(length.max(1)).map_or(rest.len(), |(at, _)| at);
    let source = Snippet::source(line_text)
        .line_start(line)
        .path(path)
        .annotation(AnnotationKind::Primary.span(begin..end.max(begin)));
    let report = &[level.primary_title(message).element(source)];
    let renderer = if colors { Renderer::styled() } else { Renderer::plain() };
    let mut text = renderer.render(report);
    text.push('\n');
    text
}

/// Whether a message names a step already, in quotes of any kind.
fn names(message: &str, step: &str) -> bool {
    let quote = |text: Option<char>| text.is_some_and(|c| matches!(c, '`' | '"' | '\''));
    message
        .match_indices(step)
        .any(|(at, _)| quote(message[..at].chars().next_back()) && quote(message[at + step.len()..].chars().next()))
}
