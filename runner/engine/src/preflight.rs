//! Everything about a pipeline that can be known to be wrong before anything runs.

use std::path::Path;

use stepbox_pipeline::{
    CustomVolume, Diagnostic, Hooks, Mode, Pipeline, PipelineSpec, Reading, References, Step, StepKind,
    SubstituteError, Template, Unsupported, Variables, holes, substitute,
};

use crate::error::{EngineError, EngineErrorKind, Problem, SourcePlace};
use crate::image::{self, NoImage};
use crate::request::BuildRequest;
use crate::trigger;
use crate::unsupported::LeftOut;

/// A pipeline that is right.
pub(crate) struct Read {
    pub(crate) pipeline: Pipeline,
    /// What a specification (`kind: pipeline`) says beside it; of its triggers, the one that the caller names.
    pub(crate) spec: PipelineSpec,
    pub(crate) warnings: Vec<Diagnostic>,
    /// What is not supported.
    pub(crate) unsupported: Vec<Problem>,
}

/// Reads the pipeline.
///
/// # Errors
/// [`EngineErrorKind::Pipeline`] with everything that is wrong, and with it everything that is not supported.
pub(crate) fn read(request: &BuildRequest) -> Result<Read, EngineError> {
    let reading = reading(request)?;
    request.reader.rest();
    let place = |place| SourcePlace::new(&request.pipeline_file, &request.pipeline_text, place);
    let mut problems = errors_of(request, &reading);
    let unsupported: Vec<Problem> = reading.unsupported.iter().map(|one| unsupported(one, place(one.place))).collect();
    let warnings = reading.warnings().filter(|warning| trigger::concerns(request, warning)).cloned().collect();
    match reading.pipeline {
        Some(pipeline) if problems.is_empty() => {
            let mut spec = reading.spec.unwrap_or_default();
            spec.triggers = trigger::find(request, &spec)?.cloned().into_iter().collect();
            Ok(Read { pipeline, spec, warnings, unsupported })
        }
        _ => {
            problems.extend(unsupported);
            Err(refusal(request, problems))
        }
    }
}

/// What the text of the pipeline says.
///
/// # Errors
/// [`EngineErrorKind::Worker`] where it cannot be read apart.
pub(crate) fn reading(request: &BuildRequest) -> Result<Reading, EngineError> {
    let parsed = request.reader.document(&request.pipeline_text);
    let parsed = parsed.map_err(|error| EngineError::new(EngineErrorKind::Worker, error.to_string()))?;
    Ok(Pipeline::read_parsed(&request.pipeline_text, parsed))
}

/// What is wrong with a pipeline, apart from what is not supported.
pub(crate) fn errors_of(request: &BuildRequest, reading: &Reading) -> Vec<Problem> {
    let place = |place| SourcePlace::new(&request.pipeline_file, &request.pipeline_text, place);
    let problem = |error: &Diagnostic| Problem {
        message: error.message.clone(),
        place: error.place.map(place),
        other: error.other.map(place),
        step: error.step.clone(),
        hints: error.hints.clone(),
    };
    reading.errors().map(problem).collect()
}

fn unsupported(one: &Unsupported, place: SourcePlace) -> Problem {
    Problem {
        message: format!("`{}` is not supported: {}", one.feature, one.reason),
        place: Some(place),
        other: None,
        step: one.step.clone(),
        hints: one.hint.iter().cloned().collect(),
    }
}

pub(crate) fn refusal(request: &BuildRequest, problems: Vec<Problem>) -> EngineError {
    let shown = request.pipeline_file.display();
    let message = match problems.len() {
        0 => format!("the pipeline `{shown}` cannot be read"),
        1 => format!("the pipeline `{shown}` cannot be run"),
        count => format!("the pipeline `{shown}` cannot be run, for {count} reasons"),
    };
    EngineError { kind: EngineErrorKind::Pipeline, message, problems, hints: vec![] }
}

/// What is wrong with images and working directories of the steps that are to run, as far as they are known.
pub(crate) struct Checked {
    /// What is not defined.
    pub(crate) wrong: Vec<Problem>,
    /// Images that nobody provides.
    pub(crate) images: Vec<Problem>,
}

/// Checks images and working directories.
pub(crate) fn check(request: &BuildRequest, pipeline: &Pipeline, left_out: &LeftOut, variables: &Variables) -> Checked {
    let mut checked = Checked { wrong: vec![], images: vec![] };
    let flat = pipeline.flat();
    let all: Vec<&Step> = flat.iter().map(|flat| flat.step).collect();
    let mut hooks: Vec<(&Hooks, &[&Step], Option<&Step>)> = vec![(&pipeline.hooks, &all, None)];
    for (number, step) in all.iter().copied().enumerate().filter(|(number, _)| !left_out.contains_key(number)) {
        // In parallel mode the order of the file says nothing.
        let earlier: Vec<&Step> = match pipeline.mode {
            Mode::Sequential => all[..number].to_vec(),
            Mode::Parallel => all.iter().copied().filter(|other| other.name != step.name).collect(),
        };
        checked.step(request, pipeline, step, &earlier, variables, step.name.as_str());
        hooks.push((&step.hooks, &all, Some(step)));
    }
    for (hooks, before, owner) in hooks {
        for (moment, hook) in hooks.iter() {
            let steps: Vec<&Step> = hook.course.flat().into_iter().map(|flat| flat.step).collect();
            let earlier: Vec<&Step> = before.iter().chain(&steps).copied().collect();
            let name = owner.map_or(moment.as_str(), |owner| owner.name.as_str());
            for step in steps {
                checked.step(request, pipeline, step, &earlier, variables, name);
            }
        }
    }
    checked
}

impl Checked {
    /// Checks a step of the pipeline, or of a hook. `name` is the step that it is told of.
    fn step(
        &mut self,
        request: &BuildRequest,
        pipeline: &Pipeline,
        step: &Step,
        earlier: &[&Step],
        variables: &Variables,
        name: &str,
    ) {
        let (image, directory) = match &step.kind {
            StepKind::Freestyle(freestyle) => (Some(&freestyle.image), freestyle.working_directory.as_ref()),
            StepKind::GitClone(clone) => (None, clone.working_directory.as_ref()),
            StepKind::Approval(_) | StepKind::Parallel(_) | StepKind::Unsupported(_) => (None, None),
        };
        for (template, what) in image
            .map(|image| (image, "the image"))
            .into_iter()
            .chain(directory.map(|one| (one, "the working directory")))
        {
            self.wrong.extend(undefined(template, what, pipeline, earlier, variables).map(|error| {
                let file = Path::new(&request.pipeline_file);
                Problem {
                    message: error.to_string(),
                    place: Some(SourcePlace::new(file, &request.pipeline_text, error.place())),
                    other: None,
                    step: Some(name.to_owned()),
                    hints: match &error {
                        SubstituteError::Undefined { name, .. } => {
                            let near = variables.nearest(name).map(|near| format!("did you mean `{near}`?"));
                            near.into_iter().chain([format!("give it with `--variable {name}=VALUE`")]).collect()
                        }
                        SubstituteError::TooLong { .. } => vec!["give shorter values".to_owned()],
                    },
                }
            }));
        }
        if let StepKind::Freestyle(freestyle) = &step.kind {
            self.wrong.extend(bad_volume(request, name, &freestyle.volumes));
        }
        // What an earlier step exports may say another image.
        let settled = |image: &Template| image.holes().is_empty() || !earlier.iter().any(|step| can_export(step));
        if let Some(image) = image.filter(|image| settled(image))
            && let Ok(found) = substitute(image, variables, &References::new())
            && found.unresolved.is_empty()
            && let Err(missing) = image::find(&found.text, &request.images)
        {
            let problem = no_image(request, step, &found.text, &missing, variables);
            self.images.push(Problem { step: Some(name.to_owned()), ..problem });
        }
    }
}

/// What is wrong with the custom volumes of a step (rules F19, F20), as far as they are written out.
fn bad_volume(request: &BuildRequest, name: &str, volumes: &[Template]) -> Option<Problem> {
    let written = volumes.iter().take_while(|volume| volume.holes().is_empty());
    let count = written.clone().count();
    let error = CustomVolume::parse_all(written.map(Template::text)).err()?;
    let culprit = volumes[..count].iter().find(|volume| error.is_about(volume.text())).unwrap_or(&volumes[0]);
    Some(Problem {
        message: error.to_string(),
        place: Some(SourcePlace::new(&request.pipeline_file, &request.pipeline_text, culprit.place())),
        other: None,
        step: Some(name.to_owned()),
        hints: vec!["write `- ./folder:/path`, where the folder is one of the volume".to_owned()],
    })
}

/// The first hole of a text that nobody can fill by the time the step starts.
fn undefined(
    template: &Template,
    what: &'static str,
    pipeline: &Pipeline,
    earlier: &[&Step],
    variables: &Variables,
) -> Option<SubstituteError> {
    let (number, hole) = template.holes().iter().enumerate().find(|(_, hole)| {
        let reference = hole.name.strip_prefix("steps.").unwrap_or(&hole.name);
        let step = reference.split('.').next().unwrap_or(reference);
        let is_earlier = earlier.iter().any(|one| one.name.as_str() == step);
        let exported = pipeline.step(step).is_none() && earlier.iter().any(|step| can_export(step));
        variables.get(&hole.name).is_none() && !is_earlier && !exported
    })?;
    Some(SubstituteError::Undefined { name: hole.name.clone(), what, place: template.place_of_hole(number) })
}

pub(crate) fn can_export(step: &Step) -> bool {
    matches!(step.kind, StepKind::Freestyle(_))
}

/// What is said when an image is not there: never a silent stand-in.
pub(crate) fn no_image(
    request: &BuildRequest,
    step: &Step,
    image: &str,
    missing: &NoImage,
    variables: &Variables,
) -> Problem {
    let name = &step.name;
    let (message, hints) = match missing {
        NoImage::Empty => (format!("step `{name}`: the image is empty"), vec![]),
        NoImage::Target { name: pattern, target } => (
            format!("step `{name}`: image `{image}` stands for `{target}`, which is not supported"),
            vec![format!("the only target of images so far is `toolbox`: say `{pattern}=toolbox`")],
        ),
        NoImage::Nobody => {
            let mut hints = vec![toolbox_hint(request, step, variables)];
            hints.push(format!(
                "to run it in the toolbox, add to stepbox.yaml:\n  images:\n    {}: toolbox",
                quoted(image)
            ));
            hints.push(format!("or give `--image {image}=toolbox`"));
            (format!("step `{name}`: nobody provides the image `{image}`"), hints)
        }
    };
    let place = match &step.kind {
        StepKind::Freestyle(freestyle) => freestyle.image.place(),
        StepKind::GitClone(_) | StepKind::Approval(_) | StepKind::Parallel(_) | StepKind::Unsupported(_) => step.place,
    };
    let place = SourcePlace::new(&request.pipeline_file, &request.pipeline_text, place);
    Problem { message, place: Some(place), other: None, step: Some(name.to_string()), hints }
}

/// Says whether the toolbox has every command of a step.
fn toolbox_hint(request: &BuildRequest, step: &Step, variables: &Variables) -> String {
    let StepKind::Freestyle(freestyle) = &step.kind else { return String::new() };
    let Some(commands) = &freestyle.commands else {
        return "the step runs the image's own entry point, which the toolbox does not have".to_owned();
    };
    let script = script_of(commands, variables);
    match (request.toolbox)(script.as_bytes(), freestyle.shell) {
        Ok(missing) if missing.is_empty() => "the toolbox has every command of this step".to_owned(),
        Ok(missing) => {
            let list: Vec<String> = missing.iter().map(|one| format!("`{}`", one.name)).collect();
            format!("the toolbox lacks {} of this step", list.join(", "))
        }
        Err(error) => format!("whether the toolbox has every command of this step is not known: {error}"),
    }
}

/// The script of a step as far as its variables are known.
pub(crate) fn script_of(commands: &[Template], variables: &Variables) -> String {
    let mut script = String::new();
    for command in commands {
        let text = substitute(command, variables, &References::new())
            .map_or_else(|_| command.text().to_owned(), |done| done.text);
        // What is not known yet is no shell syntax: any word stands for it.
        let mut from = 0;
        for hole in holes(&text) {
            script.push_str(&text[from..hole.start]);
            script.push_str("hole");
            from = hole.end;
        }
        script.push_str(&text[from..]);
        script.push('\n');
    }
    script
}

/// A text as YAML, quoted.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
