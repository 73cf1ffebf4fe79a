//! Hooks of steps and of the pipeline, in all their forms (rules H1 to H4), and the notes they hold (rules A1 to A4).

use super::context::{Context, Scope};
use super::{cycles, step};
use crate::annotations::{Annotation, AnnotationValue, Annotations};
use crate::hooks::{HOOK_IMAGE, Hook, HookMoment, Hooks};
use crate::pipeline::{Flag, Freestyle, Pipeline, Shell, Step, StepKind};
use crate::plan::Mode;
use crate::retry::Retry;
use crate::step_name::StepName;
use crate::template::Template;
use crate::yaml::{Node, Value};

/// Reads the hooks under `hooks`, and the old ones beside it, which only note something.
pub(super) fn read<'n>(
    context: &mut Context<'_>,
    scope: Scope<'_>,
    new: Option<&'n Node>,
    old: impl Fn(&str) -> Option<&'n Node>,
) -> Hooks {
    let mut hooks = Hooks::default();
    for moment in HookMoment::ALL {
        let name = moment.as_str();
        if let Some(node) = new.and_then(|new| new.get(name)).filter(|node| !node.is_null()) {
            let path = scope.below("hooks").below(name);
            hooks.set(moment, one(context, path.scope(), moment, node));
        } else if let Some(node) = old(name).filter(|node| !node.is_null()) {
            let path = scope.below(name);
            let annotations = annotations(context, path.scope(), node);
            hooks.set(moment, Hook { course: course(vec![], None, None, Mode::Sequential), annotations });
        }
    }
    hooks
}

fn one(context: &mut Context<'_>, scope: Scope<'_>, moment: HookMoment, node: &Node) -> Hook {
    let wrapped = ["exec", "metadata", "annotations"].iter().any(|name| node.get(name).is_some());
    if !wrapped {
        return Hook { course: run(context, scope, moment, node), annotations: Annotations::default() };
    }
    let course = match node.get("exec").filter(|exec| !exec.is_null()) {
        Some(exec) => run(context, scope.below("exec").scope(), moment, exec),
        None => course(vec![], None, None, Mode::Sequential),
    };
    Hook { course, annotations: annotations(context, scope, node) }
}

/// A list of commands, one step, or several under `steps`.
fn run(context: &mut Context<'_>, scope: Scope<'_>, moment: HookMoment, node: &Node) -> Pipeline {
    let name = StepName::new(moment.as_str()).ok();
    if node.as_sequence().is_some() {
        let commands = context.texts(Some(node)).filter(|commands| !commands.is_empty());
        let step = name.zip(commands).map(|(name, commands)| commands_step(name, node, commands));
        return course(step.into_iter().collect(), None, None, Mode::Sequential);
    }
    if let Some(steps) = node.get("steps") {
        let mode = match node.get("mode").and_then(Node::as_str) {
            Some("parallel") => Mode::Parallel,
            _ => Mode::Sequential,
        };
        let flag =
            |context: &Context<'_>, names: [&str; 2]| context.flag(names.into_iter().find_map(|name| node.get(name)));
        let fail_fast = flag(context, ["fail_fast", "fail-fast"]);
        let strict = flag(context, ["strict_fail_fast", "strict_fail_fast"]);
        for (key, step) in steps.entries() {
            single(context, scope, key, step);
        }
        let path = scope.below("steps");
        let steps = step::read_all(context, steps, path.path(), None);
        let course = course(steps, fail_fast, strict, mode);
        cycles::check(context, &course);
        return course;
    }
    single(context, scope, node, node);
    let step = step::read_one(context, scope, (node, node), name, None);
    // Of a single step the failure is that of the hook.
    let fail_fast = step.as_ref().and_then(|step| step.fail_fast.clone());
    course(step.into_iter().collect(), fail_fast, None, Mode::Sequential)
}

/// Steps of hooks are not multiplied and wait for nobody: refused by name.
fn single(context: &mut Context<'_>, scope: Scope<'_>, key: &Node, step: &Node) {
    if step.get("type").and_then(Node::as_str) == Some("pending-approval") {
        let hint = Some("wait in a step of its own");
        context.refuse(scope, "type: pending-approval", key.span, "hooks do not wait for answers", hint);
    }
    for name in ["scale", "matrix"] {
        if step.get(name).is_some() {
            let hint = Some("write the steps of the hook one by one");
            context.refuse(scope, name, key.span, "steps of hooks are not multiplied", hint);
        }
    }
}

fn course(steps: Vec<Step>, fail_fast: Option<Flag>, strict_fail_fast: Option<Flag>, mode: Mode) -> Pipeline {
    Pipeline {
        version: "1.0".to_owned(),
        stages: vec![],
        mode,
        success_criteria: None,
        fail_fast,
        strict_fail_fast,
        hooks: Hooks::default(),
        steps,
    }
}

fn commands_step(name: StepName, node: &Node, commands: Vec<Template>) -> Step {
    Step {
        name,
        title: None,
        description: None,
        stage: None,
        fail_fast: None,
        strict_fail_fast: None,
        when: None,
        timeout: None,
        retry: Retry::default(),
        hooks: Hooks::default(),
        kind: StepKind::Freestyle(Freestyle {
            image: Template::literal(HOOK_IMAGE),
            working_directory: None,
            commands: Some(commands),
            cmd: None,
            entry_point: None,
            shell: Shell::Sh,
            environment: vec![],
            volumes: vec![],
        }),
        place: node.span,
        implicit: false,
    }
}

/// What is noted on the build; notes on anything else are warned about and left out (rules A4, A5).
fn annotations(context: &mut Context<'_>, scope: Scope<'_>, node: &Node) -> Annotations {
    let mut found = Annotations::default();
    if let Some((key, value)) = node.entry("metadata")
        && value.get("set").and_then(Node::as_sequence).is_some_and(|set| !set.is_empty())
    {
        context.warn(scope, "metadata", key.span, "there are no images to note `metadata` on, it is ignored", None);
    }
    let Some(annotations) = node.get("annotations") else { return found };
    let items = |name: &str| annotations.get(name).and_then(Node::as_sequence).unwrap_or_default();
    for (item, setting) in
        items("unset").iter().map(|item| (item, false)).chain(items("set").iter().map(|item| (item, true)))
    {
        if !of_this_build(context, scope, item) {
            continue;
        }
        let notes = item.get("annotations").and_then(Node::as_sequence).unwrap_or_default();
        if setting {
            found.set.extend(notes.iter().flat_map(|note| self::notes(context, note)));
        } else {
            found.unset.extend(notes.iter().filter_map(|note| context.text(Some(note))));
        }
    }
    found
}

fn of_this_build(context: &mut Context<'_>, scope: Scope<'_>, item: &Node) -> bool {
    let kind = item.get("entity_type").and_then(Node::as_str).filter(|kind| *kind != "build");
    let id = item.get("entity_id").and_then(Node::as_str).filter(|id| !matches!(*id, "" | "${{CF_BUILD_ID}}"));
    let of_what = match (kind, id) {
        (None, None) => return true,
        (Some(kind), _) => format!("of type `{kind}`"),
        (None, Some(_)) => "on another build".to_owned(),
    };
    let message = format!("an annotation {of_what} is ignored: only the running build can be annotated");
    context.warn(scope, "annotations", item.span, message, None);
    false
}

/// A bare name, or names with values.
fn notes(context: &Context<'_>, note: &Node) -> Vec<Annotation> {
    if let Some(name) = note.as_str() {
        return vec![Annotation { name: name.to_owned(), value: AnnotationValue::Empty, place: note.span }];
    }
    let pairs = note.entries().filter_map(|(key, value)| {
        let name = key.scalar_text()?.into_owned();
        let place = value.span;
        let value = match &value.value {
            Value::Null => AnnotationValue::Empty,
            Value::Bool(flag) => AnnotationValue::Flag(*flag),
            Value::Integer { .. } | Value::Float { .. } => AnnotationValue::Number(value.as_number()?),
            Value::String(text) => AnnotationValue::Text(context.template(text, value)),
            Value::Mapping(_) => AnnotationValue::Evaluate(context.text(value.get("evaluate"))?),
            Value::Sequence(_) => return None,
        };
        Some(Annotation { name, value, place })
    });
    pairs.collect()
}
