//! `stepbox validate` and `stepbox schema`: what the format says, whether or not it can be run here.

use std::io::Read;
use std::path::Path;

use serde::Serialize;
use stepbox_engine::{BuildVersion, Diagnostic, Severity, json_schema, lint, validate};

use crate::arguments::{Output, ValidateArguments};
use crate::error::{self, CliError};
use crate::results::{Results, colors, print};
use crate::run::{MAX_FILE, read_file};
use crate::{exit_code, human, json, wall};

/// What is said of a file. The fields are an interface: see README.
#[derive(Serialize)]
struct Validated<'a> {
    file: &'a str,
    ok: bool,
    errors: Vec<Message<'a>>,
    warnings: Vec<Message<'a>>,
}

#[derive(Serialize)]
struct Message<'a> {
    message: &'a str,
    /// The step it is about.
    step: Option<&'a str>,
    /// The field it is about, such as `steps.build.image`; empty for the document.
    path: &'a str,
    /// Counted from 1.
    line: Option<usize>,
    column: Option<usize>,
}

/// Validates files, all of them; the exit status.
pub(crate) fn run(arguments: &ValidateArguments) -> Result<u8, CliError> {
    let mut results = Results::default();
    let mut status = exit_code::SUCCESS;
    let colors = colors();
    let files: Vec<_> = arguments.files.iter().map(|file| read(file)).collect();
    // All that is needed of the host is read.
    wall::lock(arguments.wall, &[])?;
    for (number, (name, text)) in files.into_iter().enumerate() {
        let (text, found) = match text {
            Ok(text) => {
                let mut found = validated(&text);
                // Rule Y7: optional, so that none of it makes a file wrong.
                found.extend(lint(&text).into_iter().map(|one| Diagnostic { severity: Severity::Warning, ..one }));
                (text, found)
            }
            Err(error) => (String::new(), vec![unreadable(&error)]),
        };
        let (errors, warnings): (Vec<_>, Vec<_>) = found.iter().partition(|one| one.severity == Severity::Error);
        if !errors.is_empty() {
            status = exit_code::USAGE;
        }
        match arguments.output {
            Output::Json => {
                let line = Validated {
                    file: &name,
                    ok: errors.is_empty(),
                    errors: errors.into_iter().map(message).collect(),
                    warnings: warnings.into_iter().map(message).collect(),
                };
                results.write(json::line(&line)?.as_bytes());
            }
            Output::Text => {
                let mut out = if number > 0 { "\n".to_owned() } else { String::new() };
                for one in &found {
                    error::diagnostic(&mut out, one, &name, &text, colors);
                }
                out.push_str(&format!("{name}: {}\n", summary(errors.len(), warnings.len())));
                results.write(out.as_bytes());
            }
        }
    }
    results.check()?;
    Ok(status)
}

/// What the official rules say. By default they know no newer build steps: whoever uses these is told how to say so.
fn validated(text: &str) -> Vec<Diagnostic> {
    let mut found = validate(text, BuildVersion::V1);
    if found.iter().any(|one| one.severity == Severity::Error) {
        let newer = validate(text, BuildVersion::V2);
        let gone =
            |one: &Diagnostic| !newer.iter().any(|other| other.message == one.message && other.place == one.place);
        for one in found.iter_mut().filter(|one| one.severity == Severity::Error && gone(one)) {
            one.hints = vec!["newer build steps allow it: write `build_version: v2` at the top of the file".to_owned()];
        }
    }
    found
}

/// Prints the JSON Schema.
pub(crate) fn schema() -> Result<u8, CliError> {
    print(&json_schema())?;
    Ok(exit_code::SUCCESS)
}

/// The file's name as it is shown, and its text.
fn read(file: &Path) -> (String, Result<String, CliError>) {
    if file.as_os_str() != "-" {
        return (file.display().to_string(), read_file(file, "the pipeline"));
    }
    let name = "<stdin>".to_owned();
    let mut bytes = vec![];
    if let Err(error) = std::io::stdin().lock().take(MAX_FILE + 1).read_to_end(&mut bytes) {
        return (name, Err(CliError::usage(format!("cannot read the standard input: {error}"))));
    }
    if bytes.len() as u64 > MAX_FILE {
        return (name, Err(CliError::usage(format!("the standard input is larger than {MAX_FILE} bytes"))));
    }
    let text = String::from_utf8(bytes).map_err(|_| CliError::usage("the standard input is not UTF-8 text"));
    (name, text)
}

/// A file that cannot be read is a file that is not valid; the others are looked at all the same.
fn unreadable(error: &CliError) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        message: error.message(),
        place: None,
        other: None,
        step: None,
        path: String::new(),
        hints: vec![],
    }
}

fn message(one: &Diagnostic) -> Message<'_> {
    Message {
        message: &one.message,
        step: one.step.as_deref(),
        path: &one.path,
        line: one.place.map(|place| place.line),
        column: one.place.map(|place| place.column),
    }
}

fn summary(errors: usize, warnings: usize) -> String {
    let count = |number: usize, one: &str, many: &str| human::count(number as u64, one, many);
    match (errors, warnings) {
        (0, 0) => "valid".to_owned(),
        (0, _) => format!("valid, {}", count(warnings, "warning", "warnings")),
        (_, 0) => count(errors, "error", "errors"),
        _ => format!("{}, {}", count(errors, "error", "errors"), count(warnings, "warning", "warnings")),
    }
}
