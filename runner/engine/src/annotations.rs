//! Notes on a build (section 11.2 of the specification): what the caller gives it, and what its hooks set and remove.

use std::collections::BTreeMap;
use std::io::{self, Read};

use cap_std::fs::{Dir, OpenOptions, OpenOptionsExt};
use serde::{Deserialize, Serialize};
use stepbox_pipeline::expression::Value;
use stepbox_pipeline::{AnnotationValue, Masker, StepStanding, Template, VOLUME_PATH, substitute, working_directory};

use crate::build::Build;
use crate::error::{EngineError, EngineErrorKind};
use crate::event::BuildEvent;

/// The most bytes of names and texts that a build can be annotated with.
const MAX_ANNOTATIONS: usize = 1 << 20;

/// What a file's name begins with that is the text of an annotation (rule A3).
const FILE: &str = "file:";

/// What an annotation says (rule A2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Annotation {
    /// Nothing: its name is all.
    Empty,
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
}

impl Annotation {
    /// A number; one that JSON has no word for is a text.
    fn number(number: f64) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers below 2^53")]
        let whole = (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64);
        match whole.map(Into::into).or_else(|| serde_json::Number::from_f64(number)) {
            Some(number) => Self::Number(number),
            None => Self::Text(number.to_string()),
        }
    }

    fn of(value: Value) -> Self {
        match value {
            Value::Number(number) => Self::number(number),
            Value::String(text) => Self::Text(text.to_string()),
            Value::Boolean(flag) => Self::Flag(flag),
            Value::Null | Value::Object(_) => Self::Empty,
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Empty | Self::Flag(_) | Self::Number(_) => 8,
        }
    }

    /// The same with secrets replaced (rule V32).
    pub(crate) fn masked(&self, masker: &Masker) -> Self {
        match self {
            Self::Text(text) => Self::Text(masker.mask(text)),
            // A secret may be a number.
            Self::Number(number) => match masker.mask(&number.to_string()) {
                masked if masked == number.to_string() => self.clone(),
                masked => Self::Text(masked),
            },
            other => other.clone(),
        }
    }
}

/// The value as a person reads it; nothing of an empty one.
impl std::fmt::Display for Annotation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => Ok(()),
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// Annotations by their names, as many as may be.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Annotations {
    values: BTreeMap<String, Annotation>,
    bytes: usize,
}

impl Annotations {
    /// What an earlier part of the build has noted.
    pub(crate) fn of(values: BTreeMap<String, Annotation>) -> Self {
        let bytes = values.iter().map(|(name, value)| name.len() + value.len()).sum();
        Self { values, bytes }
    }

    /// Sets an annotation; whether there is room for it.
    fn set(&mut self, name: &str, value: Annotation) -> bool {
        let before = self.values.get(name).map_or(0, |value| name.len() + value.len());
        let bytes = self.bytes - before + name.len() + value.len();
        let fits = bytes <= MAX_ANNOTATIONS;
        if fits {
            self.bytes = bytes;
            self.values.insert(name.to_owned(), value);
        }
        fits
    }

    fn unset(&mut self, name: &str) -> bool {
        let removed = self.values.remove(name);
        self.bytes -= removed.as_ref().map_or(0, |value| name.len() + value.len());
        removed.is_some()
    }

    /// What is recorded.
    pub(crate) fn masked(&self, masker: &Masker) -> BTreeMap<String, Annotation> {
        self.values.iter().map(|(name, value)| (name.clone(), value.masked(masker))).collect()
    }
}

/// Checks the names that a caller gives.
///
/// # Errors
/// [`EngineErrorKind::Usage`] for the first that cannot be one (rule A2).
pub(crate) fn check(annotations: &[(String, String)]) -> Result<(), EngineError> {
    let good = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match annotations.iter().find(|(name, _)| !good(name)) {
        None => Ok(()),
        Some((name, _)) => {
            Err(EngineError::new(EngineErrorKind::Usage, format!("`{name}` cannot be the name of an annotation"))
                .hint("use letters, digits and `_`"))
        }
    }
}

impl Build<'_, '_, '_> {
    /// Notes what the caller says.
    pub(crate) fn annotate_as_asked(&mut self) {
        for (name, text) in self.parts.request.annotations.clone() {
            self.set_annotation(None, &name, Annotation::Text(text));
        }
    }

    /// Notes what a hook says that has ended: first what it removes, then what it sets (rules A1, A5).
    pub(crate) fn annotate(&mut self, hook: usize, volume: &Dir) {
        let (annotations, owner) = {
            let hook = self.hooks.get(hook);
            (&hook.hook.annotations, hook.owner)
        };
        if annotations.is_empty() {
            return;
        }
        let owner = owner.map(|owner| self.step(owner).name.to_string());
        self.within_hook(hook, |build| {
            for name in &annotations.unset {
                let name = build.replaced(name).unwrap_or_default();
                if build.annotations.unset(&name) {
                    build.reporter.emit(BuildEvent::AnnotationUnset { name });
                }
            }
            for one in &annotations.set {
                match build.annotation(&one.value, volume) {
                    Ok((value, doubt)) => {
                        if let Some(doubt) = doubt {
                            let place = build.place(one.place);
                            build.reporter.warn_at(
                                owner.as_deref(),
                                format!("annotation `{}`: {doubt}", one.name),
                                place,
                            );
                        }
                        build.set_annotation(owner.as_deref(), &one.name, value);
                    }
                    Err(why) => {
                        let message = format!("annotation `{}` is not set: {why}", one.name);
                        let place = build.place(one.place);
                        build.reporter.warn_at(owner.as_deref(), message, place);
                    }
                }
            }
        });
    }

    fn set_annotation(&mut self, step: Option<&str>, name: &str, value: Annotation) {
        let shown = value.masked(&self.reporter.masker());
        if self.annotations.set(name, value) {
            self.reporter.emit(BuildEvent::AnnotationSet { name: name.to_owned(), value: shown });
        } else {
            let message =
                format!("annotation `{name}` is not set: those of a build have {MAX_ANNOTATIONS} bytes at most");
            self.reporter.warn(step, message);
        }
    }

    fn replaced(&self, template: &Template) -> Result<String, String> {
        let done = substitute(template, &self.variables, &self.references).map_err(|error| error.to_string())?;
        Ok(done.text)
    }

    /// The value of an annotation, and what is doubtful about it.
    fn annotation(&self, value: &AnnotationValue, volume: &Dir) -> Result<(Annotation, Option<String>), String> {
        Ok((
            match value {
                AnnotationValue::Empty => Annotation::Empty,
                AnnotationValue::Flag(flag) => Annotation::Flag(*flag),
                AnnotationValue::Number(number) => Annotation::number(*number),
                AnnotationValue::Evaluate(expression) => self.evaluate(expression)?,
                AnnotationValue::Text(template) => {
                    let text = self.replaced(template)?;
                    let Some(path) = text.strip_prefix(FILE) else { return Ok((Annotation::Text(text), None)) };
                    return match self.file(path, volume) {
                        Ok(contents) => Ok((Annotation::Text(contents), None)),
                        Err(why) => {
                            let doubt = format!("the text `{text}` itself is noted: {why}");
                            Ok((Annotation::Text(text), Some(doubt)))
                        }
                    };
                }
            },
            None,
        ))
    }

    fn evaluate(&self, expression: &Template) -> Result<Annotation, String> {
        let steps: Vec<StepStanding<'_>> = self.standings(0..self.flat.len());
        self.situation(&steps, false).evaluate(expression).map(Annotation::of).map_err(|error| error.to_string())
    }

    /// The contents of a file on the volume. A path begins where steps do (rule A3).
    fn file(&self, path: &str, volume: &Dir) -> Result<String, String> {
        let template = Template::literal(path.trim());
        let path = working_directory(Some(&template), &self.variables, &self.references, None)
            .map_err(|error| error.to_string())?
            .path;
        let Some(below) = path.strip_prefix(VOLUME_PATH).and_then(|below| below.strip_prefix('/')) else {
            return Err(format!("`{path}` is no file on the volume"));
        };
        read(volume, below).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("there is no file `{path}`"),
            _ => format!("cannot read `{path}`: {}", stepbox_volume::io_text(&error)),
        })
    }
}

/// The contents of a file; what is not UTF-8 is replaced by U+FFFD.
fn read(volume: &Dir, path: &str) -> io::Result<String> {
    // Of a FIFO, to open it would be to wait for a writer.
    let nonblock = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = volume.open_with(path, OpenOptions::new().read(true).custom_flags(nonblock))?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = vec![];
    file.take(MAX_ANNOTATIONS as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_ANNOTATIONS {
        return Err(io::Error::other(format!("it has more than {MAX_ANNOTATIONS} bytes")));
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
