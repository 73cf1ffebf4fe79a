//! Steps: what they do, and what they ask for that is not done (sections 1.2 to 1.4 of the specification).

use std::collections::BTreeSet;

use super::context::{Context, Scope};
use super::{approval, criteria, freestyle, git_clone, hooks, retry, when};
use crate::pipeline::{ParallelSteps, Step, StepKind};
use crate::schema::{Entry, Fields, Kind, StepView, Support, clip};
use crate::step_name::StepName;
use crate::timeout::{StepTimeout, parse_timeout};
use crate::yaml::Node;

/// Rule P4.
const OUTSIDE: Support = Support::Refused("a parallel step has no hooks", Some("put them on the steps inside"));

/// Reads a mapping of steps. `timeout` is what they have where they do not say another one (rule F26).
pub(super) fn read_all(context: &mut Context<'_>, steps: &Node, path: &str, timeout: Option<StepTimeout>) -> Vec<Step> {
    let mut all = Vec::new();
    for (key, node) in steps.entries() {
        let name = key.scalar_text().unwrap_or_default();
        let shown = clip(&name);
        let path = format!("{path}.{shown}");
        let scope = Scope { step: Some(shown), path: &path };
        all.extend(read_one(context, scope, (key, node), StepName::new(&name).ok(), timeout));
    }
    all
}

/// Reads one step. `name` is its name, where it has one.
pub(super) fn read_one(
    context: &mut Context<'_>,
    scope: Scope<'_>,
    (key, node): (&Node, &Node),
    name: Option<StepName>,
    inherited: Option<StepTimeout>,
) -> Option<Step> {
    if !node.is_mapping() {
        return None;
    }
    let view = StepView::new(node, context.build);
    let fields = &view.fields;
    let retry = retry::read(context, scope, fields);
    let when = fields.get("when").and_then(|node| when::read(context, scope, node));
    let asked = view.object.fields().filter_map(|field| {
        let support = match field.name {
            "hooks" if view.kind.is("parallel") => OUTSIDE,
            _ => field.support,
        };
        Some((support, fields.entry(field.name)?))
    });
    unsupported(context, scope, asked);
    let hooks = hooks::read(context, scope, fields.get("hooks"), |name| fields.get(name));
    let place = view.type_node.map_or(node.span, |node| node.span);
    let kind = match view.kind {
        Kind::None => None,
        Kind::Custom(text) => {
            let reason = "typed steps other than `freestyle` and `git-clone` are not executed yet";
            let hint = Some("write its commands as a freestyle step");
            context.refuse(scope, format!("type: {text}"), place, reason, hint);
            Some(StepKind::Unsupported(text.to_owned()))
        }
        Kind::BuiltIn(one) => match (one.name, one.support) {
            ("freestyle", _) => freestyle::read(context, fields).map(StepKind::Freestyle),
            ("parallel", _) => Some(StepKind::Parallel(parallel(context, scope, &view, timeout(fields, inherited)))),
            ("pending-approval", _) => Some(StepKind::Approval(approval::read(context, scope, fields))),
            ("git-clone", _) => git_clone::read(context, scope, fields).map(StepKind::GitClone),
            (name, Support::Refused(reason, hint)) => {
                context.refuse(scope, format!("type: {name}"), place, reason, hint);
                Some(StepKind::Unsupported(name.to_owned()))
            }
            _ => None,
        },
    };
    let (name, kind) = (name?, kind?);
    Some(Step {
        name,
        title: context.text(fields.get("title")),
        description: context.text(fields.get("description")),
        stage: fields.get("stage").and_then(Node::as_str).map(str::to_owned),
        fail_fast: context.flag(fields.get("fail_fast")),
        strict_fail_fast: context.flag(fields.get("strict_fail_fast")),
        when,
        timeout: timeout(fields, inherited),
        retry,
        hooks,
        kind,
        place: key.span,
        implicit: false,
    })
}

/// The steps inside of a parallel step.
fn parallel(
    context: &mut Context<'_>,
    scope: Scope<'_>,
    view: &StepView<'_>,
    timeout: Option<StepTimeout>,
) -> ParallelSteps {
    let fields = &view.fields;
    for name in ["scale", "matrix"] {
        if let Some(entry) = fields.entry(name) {
            let hint = Some("put it on the steps inside");
            context.refuse(scope, name, entry.key.span, "a parallel step is not multiplied", hint);
        }
    }
    if let Some(entry) = fields.entry("retry") {
        let hint = Some("put it on the steps inside");
        context.refuse(scope, "retry", entry.key.span, "a parallel step is not tried again as a whole", hint);
    }
    let path = format!("{}.steps", scope.path);
    ParallelSteps {
        steps: view.children().map(|steps| read_all(context, steps, &path, timeout)).unwrap_or_default(),
        success_criteria: criteria::read(context, scope, fields.get("success_criteria"), view.children()),
    }
}

/// A bad timeout is warned about by the schema and ignored (rule F22); `null` is none (rule F23).
fn timeout(fields: &Fields<'_>, inherited: Option<StepTimeout>) -> Option<StepTimeout> {
    match fields.get("timeout") {
        Some(node) if node.is_null() => None,
        Some(node) => node.as_str().map_or(inherited, |text| parse_timeout(text).unwrap_or(inherited)),
        None => inherited,
    }
}

/// Says which of the fields that stand are refused, and which have no effect here.
pub(super) fn unsupported<'n>(
    context: &mut Context<'_>,
    scope: Scope<'_>,
    fields: impl Iterator<Item = (Support, Entry<'n>)>,
) {
    for (support, entry) in fields {
        let nothing = entry.value.is_null() || entry.value.as_sequence().is_some_and(<[Node]>::is_empty);
        match support {
            Support::Refused(reason, hint) if !nothing => {
                context.refuse(scope, entry.name, entry.key.span, reason, hint);
            }
            Support::Ignored if !nothing => {
                let why = match entry.name {
                    "annotations" => "here, only below `on_success`, `on_fail`, `on_finish` and in hooks,",
                    _ => "without a server",
                };
                let message = format!("`{}` has no meaning {why} and is ignored", entry.name);
                context.warn(scope, entry.name, entry.key.span, message, None);
            }
            _ => {}
        }
    }
}

/// The names of all steps of a mapping and of those inside of them.
pub(super) fn names(steps: &Node) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let mut open = vec![steps];
    while let Some(steps) = open.pop() {
        for (key, step) in steps.entries() {
            all.extend(key.scalar_text().map(std::borrow::Cow::into_owned));
            open.extend(step.get("steps").filter(|steps| steps.is_mapping()));
        }
    }
    all
}
