//! Which steps of a pipeline can run here, and what the others need (`stepbox check`).

use serde::Serialize;
use stepbox_pipeline::{
    FlatStep, Freestyle, Hooks, Place, References, Shell, Step, StepKind, Template, Unsupported, Variables, substitute,
};

use crate::directories::Directories;
use crate::error::{EngineError, SourcePlace};
use crate::git::Clones;
use crate::image;
use crate::preflight::{can_export, errors_of, reading, refusal, script_of};
use crate::repository::Repository;
use crate::request::BuildRequest;
use crate::run::known_variables;

/// What each step of a pipeline needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PipelineCheck {
    /// Whether everything can run.
    pub runs: bool,
    /// The steps in the order of the file.
    pub steps: Vec<StepCheck>,
    /// What the whole pipeline needs and nobody provides.
    pub pipeline: Vec<Missing>,
}

/// What a step needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StepCheck {
    /// Its name.
    pub step: String,
    /// `file:line:column`.
    pub place: String,
    /// What nobody provides; empty where it can run.
    pub missing: Vec<Missing>,
}

/// Something that nobody provides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "needs", rename_all = "snake_case")]
pub enum Missing {
    /// A command that the image of the step lacks.
    Command {
        /// Its name.
        command: String,
        /// `file:line:column`.
        place: String,
    },
    /// An image.
    Image {
        /// What the step says, its variables replaced as far as they are known.
        image: String,
        /// `file:line:column`.
        place: String,
        /// Whether the toolbox would do.
        toolbox: Toolbox,
    },
    /// Docker.
    Docker {
        /// What needs it, such as `type: build`.
        feature: String,
        /// `file:line:column`.
        place: String,
    },
    /// Something that Stepbox does not do.
    Feature {
        /// What.
        feature: String,
        /// Why not.
        reason: String,
        /// `file:line:column`.
        place: String,
    },
    /// A shell that can read the script.
    Shell {
        /// Why it cannot.
        error: String,
        /// `file:line:column`.
        place: String,
    },
}

/// Whether the toolbox would do in place of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Toolbox {
    /// It has every command of the step.
    Has,
    /// It lacks these commands.
    Lacks(Vec<String>),
    /// Nobody knows, for this reason.
    Unknown(String),
}

/// Looks at every step of a pipeline; nothing is run, and nothing is made.
///
/// # Errors
/// [`crate::EngineErrorKind::Pipeline`] where it is wrong.
pub fn check(directories: &Directories, request: &BuildRequest) -> Result<PipelineCheck, EngineError> {
    let reading = reading(request)?;
    let errors = errors_of(request, &reading);
    let Some(pipeline) = reading.pipeline.filter(|_| errors.is_empty()) else { return Err(refusal(request, errors)) };
    // A source that cannot be used says nothing about the steps.
    let facts = Clones::find(request, directories).map(|clones| clones.facts()).unwrap_or_default();
    let mut spec = reading.spec.unwrap_or_default();
    // Nobody has named one.
    spec.triggers.clear();
    let variables = known_variables(request, &spec, facts, None);
    let checker = Checker { request, variables: &variables };

    let mut steps: Vec<StepCheck> = vec![];
    let flat = pipeline.flat();
    for (number, FlatStep { step, .. }) in flat.iter().enumerate() {
        let mut missing = match &step.kind {
            StepKind::Freestyle(freestyle) => {
                checker.missing(freestyle, flat[..number].iter().any(|earlier| can_export(earlier.step)))
            }
            StepKind::GitClone(_) | StepKind::Approval(_) | StepKind::Parallel(_) | StepKind::Unsupported(_) => vec![],
        };
        missing.extend(checker.of_hooks(&step.hooks));
        steps.push(StepCheck { step: step.name.to_string(), place: checker.place(step.place), missing });
    }
    let mut whole = checker.of_hooks(&pipeline.hooks);
    for one in &reading.unsupported {
        let step = one.step.as_deref().and_then(|name| steps.iter_mut().find(|step| step.step == name));
        step.map_or(&mut whole, |step| &mut step.missing).push(checker.unsupported(one));
    }
    let runs = whole.is_empty() && steps.iter().all(|step| step.missing.is_empty());
    Ok(PipelineCheck { runs, steps, pipeline: whole })
}

struct Checker<'a> {
    request: &'a BuildRequest,
    variables: &'a Variables,
}

impl Checker<'_> {
    fn place(&self, place: Place) -> String {
        SourcePlace::new(&self.request.pipeline_file, &self.request.pipeline_text, place).to_string()
    }

    fn unsupported(&self, one: &Unsupported) -> Missing {
        let (feature, place) = (one.feature.clone(), self.place(one.place));
        if one.needs_docker() {
            Missing::Docker { feature, place }
        } else {
            Missing::Feature { feature, reason: one.reason.clone(), place }
        }
    }

    /// What the steps of hooks lack.
    fn of_hooks(&self, hooks: &Hooks) -> Vec<Missing> {
        let freestyle = |step: &'_ Step| match &step.kind {
            StepKind::Freestyle(freestyle) => self.missing(freestyle, true),
            _ => vec![],
        };
        hooks.steps().flat_map(freestyle).collect()
    }

    /// `exports` says that an earlier step may settle what the image is.
    fn missing(&self, step: &Freestyle, exports: bool) -> Vec<Missing> {
        let lacking = step.commands.as_ref().map(|commands| self.lacking(commands, step.shell));
        let image = substitute(&step.image, self.variables, &References::new())
            .map_or_else(|_| step.image.text().to_owned(), |done| done.text);
        let settled = step.image.holes().is_empty() || !exports;
        if settled && image::find(&image, &self.request.images).is_err() {
            let toolbox = match lacking {
                None => Toolbox::Unknown("the step runs the image's own entry point".to_owned()),
                Some(Err((error, _))) => Toolbox::Unknown(error),
                Some(Ok(commands)) if commands.is_empty() => Toolbox::Has,
                Some(Ok(commands)) => Toolbox::Lacks(commands.into_iter().map(|(name, _)| name).collect()),
            };
            return vec![Missing::Image { image, place: self.place(step.image.place()), toolbox }];
        }
        match lacking {
            Some(Ok(commands)) => commands
                .into_iter()
                .map(|(command, place)| Missing::Command { command, place: self.place(place) })
                .collect(),
            Some(Err((error, place))) => vec![Missing::Shell { error, place: self.place(place) }],
            None => vec![],
        }
    }

    /// The commands of a script that the toolbox lacks, with their places.
    fn lacking(&self, commands: &[Template], shell: Shell) -> Result<Vec<(String, Place)>, (String, Place)> {
        let first = commands.first().map(Template::place).unwrap_or_default();
        let missing = (self.request.toolbox)(script_of(commands, self.variables).as_bytes(), shell);
        let missing = missing.map_err(|error| (error, first))?;
        let place = |name: &str| {
            let places = commands.iter().find_map(|command| self.word(command, name));
            places.unwrap_or(first)
        };
        Ok(missing.into_iter().map(|one| (one.name.clone(), place(&one.name))).collect())
    }

    /// Where a word stands in a text of the pipeline.
    fn word(&self, template: &Template, word: &str) -> Option<Place> {
        let place = template.place();
        let source = &self.request.pipeline_text;
        let text = source.get(place.offset..place.offset + place.length)?;
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
        let (at, _) = text.match_indices(word).find(|(at, _)| {
            !text[..*at].chars().next_back().is_some_and(part)
                && !text[at + word.len()..].chars().next().is_some_and(part)
        })?;
        let before = &text[..at];
        let lines = before.matches('\n').count();
        let column = match before.rfind('\n') {
            Some(end) => before[end + 1..].chars().count() + 1,
            None => place.column + before.chars().count(),
        };
        Some(Place { line: place.line + lines, column, offset: place.offset + at, length: word.len() })
    }
}
