//! The graph of a pipeline: which step comes after which, and under which conditions (`stepbox plan`).

use serde::Serialize;
use stepbox_pipeline::{
    Conditions, FlatStep, Hooks, Masker, Mode, On, References, StepConditions, StepKind, Template, Variables, When,
    substitute,
};

use crate::directories::Directories;
use crate::error::EngineError;
use crate::git::Clones;
use crate::preflight::{self, Read};
use crate::repository::Repository;
use crate::request::BuildRequest;
use crate::run::{insert_main_clone, known_variables, left_out, secrets};
use crate::unsupported::settle;

/// A pipeline as it would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PipelineGraph {
    /// `sequential` or `parallel`.
    pub mode: String,
    /// The stages in their order.
    pub stages: Vec<String>,
    /// The hooks of the pipeline, such as `on_finish`.
    pub hooks: Vec<String>,
    /// The steps, each before those inside of it; `scale` and `matrix` are copies already.
    pub steps: Vec<GraphStep>,
}

/// A step of the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GraphStep {
    /// Its name.
    pub step: String,
    /// Its title, variables replaced as far as they are known, or its name.
    pub title: String,
    /// `freestyle`, `git-clone` or `parallel`.
    #[serde(rename = "type")]
    pub type_name: String,
    /// Its stage.
    pub stage: Option<String>,
    /// Its image, of freestyle steps.
    pub image: Option<String>,
    /// The parallel step that it is inside of.
    pub inside: Option<String>,
    /// The steps that it waits for.
    pub after: Vec<String>,
    /// What must hold for it to run, in words, all of them.
    pub when: Vec<String>,
    /// Its hooks, such as `on_finish`.
    pub hooks: Vec<String>,
    /// Whether it is left out by `--only` or `--skip`.
    pub left_out: bool,
    /// Its commands, variables replaced as far as they are known.
    pub commands: Vec<String>,
}

/// The graph of the build that the request is for. Nothing is run, and nothing is made.
///
/// # Errors
/// As [`crate::run`] has them for a pipeline that cannot run.
pub fn graph(directories: &Directories, request: &BuildRequest) -> Result<PipelineGraph, EngineError> {
    let Read { mut pipeline, spec, unsupported, .. } = preflight::read(request)?;
    let facts = Clones::find(request, directories).map(|clones| clones.facts()).unwrap_or_default();
    let variables = known_variables(request, &spec, facts, None);
    insert_main_clone(&mut pipeline, request, &variables);
    let chosen = left_out(request, &pipeline)?;
    let left_out = settle(request, &pipeline, unsupported, chosen, &variables)?;
    let masker = Masker::new(secrets(request, &spec));
    let flat = pipeline.flat();
    let mut steps: Vec<GraphStep> = vec![];
    for (number, FlatStep { step, parent }) in flat.iter().enumerate() {
        let text = |template: &Template| shown(&masker, template, &variables);
        let freestyle = match &step.kind {
            StepKind::Freestyle(freestyle) => Some(freestyle),
            _ => None,
        };
        let inside = parent.map(|parent| flat[parent].step.name.to_string());
        let waits = step.when.iter().flat_map(|when| &when.steps).flat_map(|steps| &steps.items);
        let mut after: Vec<String> = waits.map(|item| item.name.clone()).collect();
        if let (Mode::Sequential, None) = (pipeline.mode, parent) {
            let before = flat[..number].iter().rev().find(|before| before.parent.is_none());
            let before = before.map(|before| before.step.name.to_string());
            after.retain(|name| Some(name) != before.as_ref());
            after.splice(0..0, before);
        }
        steps.push(GraphStep {
            step: step.name.to_string(),
            title: step.title.as_ref().map_or_else(|| step.name.to_string(), text),
            type_name: step.kind.type_name().to_owned(),
            stage: step.stage.clone(),
            image: freestyle.map(|freestyle| text(&freestyle.image)),
            inside,
            after,
            when: step.when.as_ref().map(|when| conditions(when, &text)).unwrap_or_default(),
            hooks: hooks(&step.hooks),
            left_out: left_out.contains_key(&number),
            commands: freestyle.and_then(|one| one.commands.as_ref()).into_iter().flatten().map(text).collect(),
        });
    }
    let mode = if pipeline.mode == Mode::Parallel { "parallel" } else { "sequential" };
    Ok(PipelineGraph { mode: mode.to_owned(), stages: pipeline.stages.clone(), hooks: hooks(&pipeline.hooks), steps })
}

fn hooks(hooks: &Hooks) -> Vec<String> {
    hooks.iter().map(|(moment, _)| moment.as_str().to_owned()).collect()
}

/// A text with what is known; secrets are not shown (rule V32).
fn shown(masker: &Masker, template: &Template, variables: &Variables) -> String {
    let text = substitute(template, variables, &References::new())
        .map_or_else(|_| template.text().to_owned(), |done| done.text);
    masker.mask(&text)
}

fn conditions(when: &When, text: &dyn Fn(&Template) -> String) -> Vec<String> {
    let mut all = vec![];
    let list = |entries: &[Template]| entries.iter().map(text).collect::<Vec<_>>().join(", ");
    if let Some(branch) = &when.branch {
        all.extend(branch.only.as_ref().map(|only| format!("branch is one of: {}", list(only))));
        all.extend(branch.ignore.as_ref().map(|ignore| format!("branch is none of: {}", list(ignore))));
    }
    if let Some(Conditions { all: every, any }) = &when.condition {
        let labelled = |(label, expression): &(String, Template)| format!("{label}: {}", text(expression));
        all.extend(every.iter().flatten().map(labelled));
        all.extend(
            any.as_ref().map(|any| format!("one of: {}", any.iter().map(labelled).collect::<Vec<_>>().join("; "))),
        );
    }
    all.extend(when.steps.as_ref().map(waits));
    all
}

fn waits(steps: &StepConditions) -> String {
    let one = |item: &stepbox_pipeline::StepCondition| {
        let words: Vec<&str> = item.on.iter().copied().map(On::as_str).collect();
        format!("{} is {}", item.name, words.join(" or "))
    };
    let items: Vec<String> = steps.items.iter().map(one).collect();
    items.join(if steps.any { ", or " } else { ", and " })
}
